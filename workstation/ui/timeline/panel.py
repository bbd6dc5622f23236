"""The timeline dock: transport, time read-out, key of the traces, and the timeline itself."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSize, Qt, Slot
from PySide6.QtGui import QAction, QFontMetricsF, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QScrollBar, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from workstation.ui.desk import Desk
from workstation.ui.navigator import Navigator
from workstation.ui.player import Player
from workstation.ui.theme.series import draw_sample, styles_for
from workstation.ui.theme.sheet import current_theme, mono_font
from workstation.ui.timeline.canvas import TimelineCanvas
from workstation.ui.widgets.labels import label
from workstation.ui.words import not_validated


class TraceKey(QWidget):
    """Which line is which detector: hue, dash and marker beside the name."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        desk.exhibit_shown.connect(self.refresh)
        desk.results_shown.connect(self.refresh)

    @Slot()
    def refresh(self) -> None:
        names = ", ".join(self._names())
        self.setAccessibleName(names)
        self.setToolTip(names)
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802
        metrics = QFontMetricsF(self.font())
        wide = sum(metrics.horizontalAdvance(name) + 52 for name in self._names())
        return QSize(round(wide), round(metrics.height()) + 6)

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        return QSize(40, self.sizeHint().height())

    def paintEvent(self, _: QPaintEvent) -> None:  # noqa: N802
        painter = QPainter(self)
        theme = current_theme()
        metrics = QFontMetricsF(self.font())
        x = 0.0
        styles = list(zip(self._names(), styles_for(self._detectors(), theme).values(), strict=True))
        for place, (name, style) in enumerate(styles):
            wide = metrics.horizontalAdvance(name)
            painter.setPen(self.palette().windowText().color())
            left = len(styles) - place
            room = self.width() - (40 if left > 1 else 0)
            if x + 36 + wide > room:
                more = QRectF(x, 0, self.width() - x, self.height())
                painter.drawText(more, Qt.AlignmentFlag.AlignVCenter, f"+{left}")
                break
            draw_sample(painter, style, QRectF(x, 0, 30, self.height()))
            painter.setPen(self.palette().windowText().color())
            painter.drawText(QRectF(x + 36, 0, wide + 2, self.height()), Qt.AlignmentFlag.AlignVCenter, name)
            x += wide + 52

    def _detectors(self) -> tuple[str, ...]:
        data = self._desk.data
        return data.detectors if data else ()

    def _names(self) -> tuple[str, ...]:
        """Each detector, with an arrow down where a lower score means manipulated, and with the words where it is
        validated for no kind of forgery."""
        data = self._desk.data
        names = []
        for name in data.detectors if data else ():
            told = f"{name} ↓" if data is not None and name in data.falling else name
            validated = data is not None and bool(data.validated.get(name))
            names.append(told if validated else f"{told} ({not_validated()})")
        return tuple(names)


class TimelinePanel(QWidget):
    """The keys with scope "viewer" act in here too."""

    def __init__(self, desk: Desk, navigator: Navigator, player: Player) -> None:
        super().__init__()
        self._desk, self._navigator, self._player = desk, navigator, player
        self.setObjectName("panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.canvas = TimelineCanvas(desk, navigator)
        self._buttons = QHBoxLayout()
        self._buttons.setSpacing(1)
        self._time = QLabel()
        self._mode = label("", "second")
        self._note = label(self.tr("scores 0–1, uncalibrated"), "second")
        bar = QHBoxLayout()
        bar.setContentsMargins(8, 4, 12, 3)
        bar.setSpacing(10)
        bar.addLayout(self._buttons)
        bar.addWidget(self._time)
        bar.addWidget(self._mode)
        bar.addStretch(1)
        bar.addWidget(TraceKey(desk))
        bar.addWidget(self._note)
        self._scroll = QScrollBar(Qt.Orientation.Vertical)
        body = QHBoxLayout()
        body.setContentsMargins(0, 0, 0, 0)
        body.setSpacing(0)
        body.addWidget(self.canvas, 1)
        body.addWidget(self._scroll)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(bar)
        column.addLayout(body, 1)
        self.setFocusProxy(self.canvas)
        self._scroll.valueChanged.connect(self.canvas.set_offset)
        self.canvas.scrolled.connect(self._scrolled)
        self._scroll.hide()
        navigator.moved.connect(self.refresh)
        desk.exhibit_shown.connect(self.refresh)
        desk.results_shown.connect(self.refresh)
        player.changed.connect(self.refresh)
        self.refresh()

    def take_actions(self, actions: Sequence[QAction]) -> None:
        """Buttons of the transport, in order."""
        for action in actions:
            button = QToolButton()
            button.setDefaultAction(action)
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)
            self._buttons.addWidget(button)

    @Slot()
    def refresh(self) -> None:
        data = self._desk.data
        self._note.setVisible(bool(data and data.detectors))
        turned = data is not None and any(name in data.falling for name in data.detectors)
        words = self.tr("scores 0–1, uncalibrated · ↓ lower = manipulated")
        self._note.setText(words if turned else self.tr("scores 0–1, uncalibrated"))
        if data is None or not data.frames:
            self._time.clear()
            self._mode.clear()
            return
        at = self._navigator.ordinal
        end = data.seconds(data.frames - 1)
        self._time.setFont(mono_font(self.font()))
        self._time.setText(f"{data.seconds(at):.3f} / {end:.3f} s")
        if data.frames < 2:
            self._mode.setText(self.tr("still picture"))
        elif self._player.playing:
            rate = f"{self._player.rate:.0f}"
            self._mode.setText(self.tr("Every frame · {rate} frames/s, none skipped").format(rate=rate))
        else:
            self._mode.setText(self.tr("Every frame"))

    @Slot(int, int)
    def _scrolled(self, offset: int, most: int) -> None:
        if most >= 0:
            self._scroll.setRange(0, most)
            self._scroll.setPageStep(max(1, self.canvas.height() // 2))
            self._scroll.setVisible(most > 0)
        self._scroll.setValue(offset)
