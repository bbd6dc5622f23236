"""Under the canvas: overlay switch, detector, opacity, legend and zoom; below them the probe."""

from __future__ import annotations

from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QSlider, QToolButton, QVBoxLayout, QWidget

from workstation.domain.geometry import Point
from workstation.ui.desk import Desk
from workstation.ui.theme.sheet import mono_font
from workstation.ui.viewer.canvas import Canvas
from workstation.ui.viewer.stage import Stage
from workstation.ui.viewer.state import OverlayState
from workstation.ui.widgets.elided import ElidedLabel
from workstation.ui.widgets.labels import label
from workstation.ui.widgets.legend import Legend


class OverlayStrip(QWidget):
    """Everything about the overlay in one line; what it says is what the canvas draws."""

    def __init__(self, desk: Desk, stage: Stage, overlay: OverlayState, canvas: Canvas) -> None:
        super().__init__()
        self._desk, self._stage, self._overlay, self._canvas = desk, stage, overlay, canvas
        self._point: Point | None = None
        self.setObjectName("strip")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._toggle = QToolButton()
        self._detector = QComboBox()
        self._detector.setAccessibleName(self.tr("Detector drawn on the frame"))
        self._detector.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self._slider = QSlider(Qt.Orientation.Horizontal)
        self._slider.setRange(0, 100)
        self._slider.setSingleStep(5)
        self._slider.setMinimumWidth(70)
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
        for widget in (self._toggle, self._detector, self._slider, self._percent):
            row.addWidget(widget)
        row.addStretch(1)
        for widget in (self._zoom, self._fit, self._actual):
            row.addWidget(widget)
        self._lines = [ElidedLabel(objectName="second") for _ in range(3)]
        names = (
            self.tr("Frame and place"),
            self.tr("Colour and map under the cursor"),
            self.tr("Face under the cursor"),
        )
        for line, name in zip(self._lines, names, strict=True):
            line.setAccessibleName(name)
        probe = QVBoxLayout()
        probe.setSpacing(0)
        probe.addStretch(1)
        for line in self._lines:
            probe.addWidget(line)
        probe.addStretch(1)
        lower = QHBoxLayout()
        lower.setSpacing(14)
        lower.setContentsMargins(4, 0, 0, 0)
        lower.addLayout(probe, 1)
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
        canvas.zoomed.connect(self._zoomed)
        canvas.probed.connect(self._probed)
        self.refresh()

    def take_actions(self, toggle: QAction, fit: QAction, actual: QAction) -> None:
        """Give the buttons the actions they stand for."""
        for button, action in ((self._toggle, toggle), (self._fit, fit), (self._actual, actual)):
            button.setDefaultAction(action)
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)

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
        has_map = self._stage.shown is not None and bool(self._stage.shown.maps)
        self._slider.setEnabled(has_map)
        name = self._overlay.detector or ""
        self.legend.set_title(name if has_map else "", bool(data and data.validated.get(name)))
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

    def _show_probe(self) -> None:
        for line, words in zip(self._lines, self._words(), strict=True):
            line.setFont(mono_font(self.font()))
            line.setText(words)

    def _words(self) -> tuple[str, str, str]:
        """Where the cursor is, the colour there, and map and score with the word that covers both."""
        shown, point = self._stage.shown, self._point
        if shown is None:
            return "", "", ""
        here = self.tr("frame {n} · {s} s").format(n=shown.ref.ordinal + 1, s=f"{shown.ref.seconds:.3f}")
        if shown.proxy is not None:
            return here, self.tr("proxy: values come with the exact frame"), ""
        if point is None:
            return here, self.tr("point at the frame for values"), ""
        x, y = round(point.x), round(point.y)
        colour = shown.images[0].pixelColor(min(max(x, 0), shown.width - 1), min(max(y, 0), shown.height - 1))
        values = [value for value in (entry.value_at(point) for entry in shown.maps) if value is not None]
        faces = (face for face in shown.faces if face.box.x0 <= point.x <= face.box.x1)
        face = next((face for face in faces if face.box.y0 <= point.y <= face.box.y1), None)
        parts = []
        if values:
            word = "" if face is not None and self.tr("uncalibrated") in face.words else self.tr(" uncalibrated")
            parts.append(self.tr("map {value}").format(value=f"{max(values):.2f}") + word)
        elif self._overlay.detector:
            parts.append(self.tr("no map here"))
        if face is not None:
            parts.append(f"T{face.number} {face.words}".strip())
        colours = f"RGB {colour.red()} {colour.green()} {colour.blue()}"
        return f"{here} · x {x} y {y}", colours, " · ".join(parts)
