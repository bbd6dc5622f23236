"""Under the views: overlay switch and layers, detector, opacity, comparison, zoom; below them probe and legend."""

from __future__ import annotations

from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QMenu, QSlider, QToolButton, QVBoxLayout, QWidget

from workstation.domain.geometry import Point
from workstation.domain.map_scale import Layer
from workstation.ui.actions import Actions
from workstation.ui.desk import Desk
from workstation.ui.theme.sheet import mono_font
from workstation.ui.viewer.board import Board
from workstation.ui.viewer.commands import COMPARE_ACTIONS, LAYER_ACTIONS
from workstation.ui.viewer.compare import Compare
from workstation.ui.viewer.probe import Probe, probe
from workstation.ui.viewer.stage import Stage
from workstation.ui.viewer.state import OverlayState
from workstation.ui.widgets.elided import ElidedLabel
from workstation.ui.widgets.labels import label
from workstation.ui.widgets.legend import Legend

_OF_MAP = frozenset({Layer.MAP, Layer.CONTOUR, Layer.MIDDLE})


class OverlayStrip(QWidget):
    """Everything about the overlay in one line; what it says is what the canvas draws."""

    def __init__(self, desk: Desk, stage: Stage, overlay: OverlayState, board: Board, compare: Compare) -> None:
        super().__init__()
        self._desk, self._stage, self._overlay = desk, stage, overlay
        self._board, self._compare, self._canvas = board, compare, board.canvas
        self._point: Point | None = None
        self.setObjectName("strip")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._toggle = QToolButton()
        self._layers = _menu_button(self.tr("Layers"), self.tr("What is drawn over the frame"))
        self._views = _menu_button(self.tr("Compare"), self.tr("Views beside each other, blink, wipe and difference"))
        self._detector = QComboBox()
        self._detector.setAccessibleName(self.tr("Detector drawn on the frame"))
        self._detector.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        # Its list shows the names whole; the window has to fit on a small screen.
        self._detector.setMinimumWidth(100)
        self._slider = QSlider(Qt.Orientation.Horizontal)
        self._slider.setRange(0, 100)
        self._slider.setSingleStep(5)
        self._slider.setMinimumWidth(60)
        self._slider.setMaximumWidth(130)
        self._slider.setAccessibleName(self.tr("Opacity of the fakeness map"))
        self._percent = label("", "second")
        self._percent.setMinimumWidth(self.fontMetrics().horizontalAdvance("100 %") + 4)
        self.legend = Legend()
        self._zoom = label("", "second")
        self._zoom.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._zoom.setMinimumWidth(self.fontMetrics().horizontalAdvance("100 %") + 6)
        self._fit, self._actual = QToolButton(), QToolButton()
        row = QHBoxLayout()
        row.setSpacing(7)
        for widget in (self._toggle, self._layers, self._detector, self._slider, self._percent):
            row.addWidget(widget)
        row.addStretch(1)
        row.addWidget(self._views)
        for widget in (self._zoom, self._fit, self._actual):
            row.addWidget(widget)
        self._lines = [ElidedLabel(objectName="second") for _ in range(3)]
        self._names = (self.tr("Frame and place"), self.tr("Colour there"), self.tr("Map and score there"))
        words = QVBoxLayout()
        words.setSpacing(0)
        words.addStretch(1)
        for line in self._lines:
            words.addWidget(line)
        words.addStretch(1)
        lower = QHBoxLayout()
        lower.setSpacing(14)
        lower.setContentsMargins(4, 0, 0, 0)
        lower.addLayout(words, 1)
        lower.addWidget(self.legend, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 4, 8, 5)
        column.setSpacing(2)
        column.addLayout(row)
        column.addLayout(lower)
        self._slider.valueChanged.connect(self._slid)
        self._detector.activated.connect(self._picked)
        overlay.changed.connect(self.refresh)
        stage.changed.connect(self.refresh)
        desk.exhibit_shown.connect(self.refresh)
        desk.results_shown.connect(self.refresh)
        board.arranged.connect(self.refresh)
        for companion in board.companions.values():
            companion.changed.connect(self.refresh)
        board.pointed.connect(self._probed)
        self._canvas.zoomed.connect(self._zoomed)
        self._canvas.cross_moved.connect(self._said)
        self.refresh()

    def take_actions(self, actions: Actions) -> None:
        """Give buttons and menus the actions they stand for."""
        for button, name in ((self._toggle, "overlay.toggle"), (self._fit, "zoom.fit"), (self._actual, "zoom.actual")):
            button.setDefaultAction(actions[name])
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)
        for specs, button in ((LAYER_ACTIONS, self._layers), (COMPARE_ACTIONS, self._views)):
            menu = QMenu(button)
            for spec in specs:
                if spec.listed:
                    menu.addAction(actions[spec.id])
            button.setMenu(menu)

    @property
    def probe_text(self) -> str:
        return " · ".join(line.text() for line in self._lines if line.text())

    @Slot()
    def refresh(self) -> None:
        data = self._desk.data
        names = data.detectors if data else ()
        if [self._detector.itemText(k) for k in range(self._detector.count())] != list(names):
            self._detector.blockSignals(True)
            self._detector.clear()
            self._detector.addItems(list(names))
            self._detector.blockSignals(False)
        self._detector.setVisible(bool(names))
        if self._overlay.detector in names:
            self._detector.setCurrentIndex(names.index(self._overlay.detector))
        percent = round(self._overlay.opacity * 100)
        self._slider.blockSignals(True)
        self._slider.setValue(percent)
        self._slider.blockSignals(False)
        self._percent.setText(f"{percent} %")
        shown, layers = self._stage.shown, self._overlay.layers
        has_map = shown is not None and bool(shown.maps) and Layer.MAP in layers
        self._slider.setEnabled(has_map)
        scale = self._compare.scale
        if scale is not None:
            self.legend.set_scale(scale)
        else:
            mapped = self._board.mapped() if layers & _OF_MAP else ()
            self.legend.set_title(
                ", ".join(name for name, _ in mapped),
                all(validated for _, validated in mapped),
                colours=self._overlay.colours,
                threshold=shown.threshold if shown is not None and Layer.CONTOUR in layers else None,
                middle=Layer.MIDDLE in layers,
            )
        self._show_probe()

    @Slot(int)
    def _slid(self, value: int) -> None:
        self._overlay.set_opacity(value / 100)

    @Slot(int)
    def _picked(self, index: int) -> None:
        self._stage.pick_detector(self._detector.itemText(index))

    @Slot()
    def _zoomed(self) -> None:
        self._zoom.setText(f"{self._canvas.scale * 100:.0f} %")

    @Slot(object)
    def _probed(self, point: Point | None) -> None:
        self._point = point
        self._show_probe()

    @property
    def probed(self) -> Probe:
        """What the lines say now."""
        other = self._board.b.shown if self._board.b.on else None
        return probe(self._stage.shown, self._point, self._overlay.detector, other)

    @Slot(object)
    def _said(self, point: Point | None) -> None:
        """Read out what the keyboard probes; the pointer's way over the frame would never end."""
        words = self.probed.sentence if point is not None else self.tr("Probe put away")
        self._canvas.setAccessibleDescription(words)
        QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self._canvas, words))

    def _show_probe(self) -> None:
        for line, name, words in zip(self._lines, self._names, self.probed.lines, strict=True):
            line.setFont(mono_font(self.font()))
            line.setText(words)
            # A name hides the text of a label from a screen reader, so the name has the text in it.
            line.setAccessibleName(f"{name}: {words}" if words else name)


def _menu_button(words: str, tip: str) -> QToolButton:
    button = QToolButton()
    button.setText(words)
    button.setToolTip(tip)
    button.setAccessibleName(words)
    button.setAccessibleDescription(tip)
    button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
    button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
    return button
