"""The timeline dock: transport, time read-out, key of the traces, and the timeline itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from PySide6.QtCore import QRectF, QSize, Qt, Slot
from PySide6.QtGui import QAction, QFontMetricsF, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QScrollBar,
    QSizePolicy,
    QSplitter,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from workstation.ui.desk import Desk
from workstation.ui.navigator import Navigator
from workstation.ui.player import Player, PlayMode
from workstation.ui.theme.series import draw_sample, styles_for
from workstation.ui.theme.sheet import current_theme, mono_font
from workstation.ui.timeline.canvas import TimelineCanvas
from workstation.ui.timeline.shot_finder import ShotFinder
from workstation.ui.timeline.table import MarksTable
from workstation.ui.widgets.labels import label
from workstation.ui.words import not_validated, plural


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
        player.span = self.canvas.span
        self.table = MarksTable(desk, navigator)
        self.table.hide()
        self.shots = ShotFinder(desk, self.canvas.show_shots)
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
        plot = QWidget()
        row = QHBoxLayout(plot)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self.canvas, 1)
        row.addWidget(self._scroll)
        body = self._body = QSplitter(Qt.Orientation.Horizontal)
        body.addWidget(plot)
        body.addWidget(self.table)
        body.setStretchFactor(0, 3)
        body.setStretchFactor(1, 1)
        body.setChildrenCollapsible(False)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(bar)
        column.addWidget(body, 1)
        self.setFocusProxy(self.canvas)
        self._scroll.valueChanged.connect(self.canvas.set_offset)
        self.canvas.scrolled.connect(self._scrolled)
        self.canvas.window_shown.connect(self._window_shown)
        self._scroll.hide()
        navigator.moved.connect(self.refresh)
        navigator.track_chosen.connect(self.table.refresh)
        desk.exhibit_shown.connect(self._window_shown)
        desk.exhibit_shown.connect(self.refresh)
        desk.results_shown.connect(self.table.refresh)
        desk.results_shown.connect(self.refresh)
        player.changed.connect(self.refresh)
        self.canvas.span.changed.connect(self.refresh)
        self.refresh()

    def handlers(self) -> dict[str, Callable[[], object]]:
        """Id of every action of the timeline to what it does."""
        canvas = self.canvas
        return {
            "play.real": self._player.switch_mode,
            "disagreement.next": self._by_hand(self._navigator.disagreement),
            "range.in": canvas.span.set_in,
            "range.out": canvas.span.set_out,
            "range.clear": canvas.span.clear,
            "timeline.in": partial(canvas.zoom, 1.5),
            "timeline.out": partial(canvas.zoom, 1 / 1.5),
            "timeline.table": self.toggle_table,
        }

    def toggle_table(self) -> None:
        """Show or hide the marks in words beside the plot."""
        shown = not self.table.isVisibleTo(self)
        self.table.setVisible(shown)
        if shown:
            wide = self.width()
            self._body.setSizes([wide * 2 // 3, wide - wide * 2 // 3])
            self._window_shown()
            self.table.setFocus()
        else:
            self.canvas.setFocus()

    def take_actions(self, actions: Sequence[QAction]) -> None:
        """Buttons of the transport, in order."""
        for action in actions:
            button = QToolButton()
            button.setDefaultAction(action)
            # A mode has a name and no sign that everybody knows.
            named = action.isCheckable()
            button.setToolButtonStyle(
                Qt.ToolButtonStyle.ToolButtonTextOnly if named else Qt.ToolButtonStyle.ToolButtonIconOnly
            )
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
        self._mode.setText(self.tr("still picture") if data.frames < 2 else self._mode_words())

    def _mode_words(self) -> str:
        """The mode by its name, how fast it goes, and how many frames it passed over (window rule 4)."""
        player = self._player
        rate = self.tr("{rate} frames/s").format(rate=f"{player.rate:.0f}")
        if player.mode is PlayMode.EVERY_FRAME:
            words = self.tr("Every frame")
            return f"{words} · {rate}, {self.tr('none skipped')}" if player.playing else words
        words = self.tr("Real time")
        if player.playing and player.speed > 1:
            words += f" × {player.speed}"
        skipped = plural(player.skipped, self.tr("frame skipped"), self.tr("frames skipped"))
        if player.playing:
            return f"{words} · {rate} · {skipped}"
        return f"{words} · {skipped}" if player.skipped else words

    def _by_hand(self, move: Callable[[], object]) -> Callable[[], object]:
        def moved() -> None:
            self._player.stop()
            move()

        return moved

    @Slot()
    def _window_shown(self) -> None:
        self.table.show_span(self.canvas.shown_span)

    @Slot(int, int)
    def _scrolled(self, offset: int, most: int) -> None:
        if most >= 0:
            self._scroll.setRange(0, most)
            self._scroll.setPageStep(max(1, self.canvas.height() // 2))
            self._scroll.setVisible(most > 0)
        self._scroll.setValue(offset)
