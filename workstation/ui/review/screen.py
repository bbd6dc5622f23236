"""The screen of a case review: one frame as large as it goes, what it shows in the examiner's words, and where to go.

Nothing on it changes the case. It shows what the viewer shows, so that on two screens the examiner leads from the main
window and the audience sees picture, pointer and words alone (window rule 8).
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, Qt, Signal
from PySide6.QtGui import QCloseEvent, QFont, QKeyEvent
from PySide6.QtWidgets import QApplication, QFrame, QHBoxLayout, QScrollArea, QSplitter, QVBoxLayout, QWidget

from workstation.app.reviewing import Stop
from workstation.domain.geometry import Point
from workstation.ui.exhibit import ExhibitData
from workstation.ui.review.pointer import Pointer
from workstation.ui.review.stop_list import StopList
from workstation.ui.review.words import keys, logged, tr
from workstation.ui.theme.sheet import current_theme
from workstation.ui.viewer.canvas import Canvas
from workstation.ui.viewer.state import OverlayState, Shown
from workstation.ui.widgets.labels import label
from workstation.ui.words import integrity

LARGER = 1.55
"""Times the size of the window's text."""


class ReviewScreen(QWidget):
    """A window of its own. ``pressed`` hands on the name of what a key asks for; ``left`` tells that it was closed."""

    pressed = Signal(str)
    left = Signal()

    def __init__(self, overlay: OverlayState) -> None:
        super().__init__(None, Qt.WindowType.Window)
        self.setObjectName("review")
        self.setWindowTitle(tr("Case review"))
        self.setAutoFillBackground(True)
        self.canvas = Canvas(overlay)
        self.pointer = Pointer(self.canvas)
        self.list = StopList()
        self.head = label("", "heading")
        self.identity = label("", "second")
        self.covered = label("", "second")
        self.title = label("", "heading", wrap=True)
        self.outcome = label("", "", wrap=True)
        self.text = label("", "", wrap=True)
        self.against = label("", "second", wrap=True)
        self.empty = label(
            tr("No findings and no bookmarks yet. Press M in the viewer to mark a frame, or write a finding; both are"
               " listed here."),
            "second",
            wrap=True,
        )  # fmt: skip
        self.recorded = label("", "small")
        self.hint = label(keys(), "small")
        self._lay_out()
        self.dress()

    def dress(self) -> None:
        """Take the present theme and the size of its text."""
        theme, points = current_theme(), QApplication.font().pointSizeF() * LARGER
        font = QFont(QApplication.font())
        font.setPointSizeF(points)
        self.canvas.setFont(font)
        self.setStyleSheet(
            f"#review {{ background: {theme.window}; }}"
            f"QLabel, QListView {{ font-size: {points:.2f}pt; }}"
            f"QLabel#heading {{ font-size: {points * 1.15:.2f}pt; }}"
            f"QLabel#small {{ font-size: {points * 0.8:.2f}pt; color: {theme.second}; }}"
            "QListView::item { padding: 5px 12px; }"
        )

    def show_stops(self, stops: Sequence[Stop], marked: bool) -> None:
        """``marked``: whether there is a finding or a bookmark among them."""
        self.list.show_stops(stops)
        self.empty.setVisible(not marked)

    def show_stop(self, stop: Stop | None) -> None:
        """Put the words of a stop beside the picture."""
        self.title.setText(stop.title if stop else "")
        self.outcome.setText(stop.outcome if stop else "")
        self.text.setText(stop.text if stop else "")
        self.against.setText(tr("Against: {words}").format(words=stop.against) if stop and stop.against else "")
        for one in (self.title, self.outcome, self.text, self.against):
            one.setVisible(bool(one.text()))

    def show_frame(self, data: ExhibitData | None, shown: Shown | None, message: str, advice: str) -> None:
        """Show what the viewer shows."""
        if shown is None or data is None:
            self.canvas.show_message(message, advice)
            self.identity.clear()
        else:
            self.canvas.show_frame(shown)
            digest = shown.ref.digest[:12]
            words = (
                tr("stand-in, the exact frame is on its way")
                if shown.proxy
                else tr("PTS {time} s · frame {n} of {all} · {digest}").format(
                    time=f"{shown.ref.seconds:.3f}", n=shown.ref.ordinal + 1, all=data.frames, digest=digest
                )
            )
            self.identity.setText(words)
        self.head.setText(f"{data.item.exhibit}   {data.item.name}" if data else "")
        self.covered.setText(self._covered(data))

    def point_at(self, point: Point | None) -> None:
        """Put the pointer on a point of the frame; on none, take it away."""
        if self.canvas.shown is None or point is None:
            self.pointer.put(None)
        else:
            self.pointer.put(self.canvas.view().map(QPointF(point.x + 0.5, point.y + 0.5)))

    def show_recorded(self, frames: int, read_only: bool) -> None:
        self.recorded.setText(logged(frames, read_only))

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        pressed = Qt.Key(event.key())
        name = _KEYS.get((pressed, bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)))
        if name is None:
            name = _KEYS.get((pressed, False)) if pressed in _EITHER else None
        if name is None:
            super().keyPressEvent(event)
            return
        event.accept()
        self.pressed.emit(name)

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802
        self.left.emit()
        super().closeEvent(event)

    def _covered(self, data: ExhibitData | None) -> str:
        if data is None:
            return ""
        parts = [integrity(data.item)]
        if data.coverage is not None:
            parts.append(
                tr("{n} of {all} frames examined").format(n=data.coverage.examined, all=data.coverage.frames_total)
            )
        return " · ".join(parts)

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setContentsMargins(22, 12, 22, 12)
        head.setSpacing(26)
        head.addWidget(self.head)
        head.addWidget(self.identity)
        head.addStretch(1)
        head.addWidget(self.covered)
        words = QWidget()
        told = QVBoxLayout(words)
        told.setContentsMargins(20, 16, 20, 16)
        told.setSpacing(12)
        for one in (self.title, self.outcome, self.text, self.against):
            told.addWidget(one)
        told.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setWidget(words)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        side = QWidget()
        side.setObjectName("panel")
        column = QVBoxLayout(side)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        self.empty.setContentsMargins(20, 16, 20, 16)
        column.addWidget(self.empty)
        column.addWidget(self.list, 1)
        column.addWidget(scroll, 1)
        split = QSplitter()
        split.addWidget(self.canvas)
        split.addWidget(side)
        split.setStretchFactor(0, 1)
        split.setSizes([1000, 420])
        foot = QHBoxLayout()
        foot.setContentsMargins(22, 8, 22, 10)
        foot.addWidget(self.hint)
        foot.addStretch(1)
        foot.addWidget(self.recorded)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addLayout(head)
        whole.addWidget(split, 1)
        whole.addLayout(foot)


_KEYS = {
    (Qt.Key.Key_Escape, False): "leave",
    (Qt.Key.Key_F9, False): "leave",
    (Qt.Key.Key_PageDown, False): "stop.next",
    (Qt.Key.Key_PageUp, False): "stop.previous",
    (Qt.Key.Key_Right, False): "step.forward",
    (Qt.Key.Key_Left, False): "step.back",
    (Qt.Key.Key_Right, True): "step.forward10",
    (Qt.Key.Key_Left, True): "step.back10",
    (Qt.Key.Key_Home, False): "go.first",
    (Qt.Key.Key_End, False): "go.last",
    (Qt.Key.Key_Space, False): "play.toggle",
    (Qt.Key.Key_V, False): "overlay.toggle",
    (Qt.Key.Key_P, False): "pointer",
    (Qt.Key.Key_Plus, False): "zoom.in",
    (Qt.Key.Key_Minus, False): "zoom.out",
    (Qt.Key.Key_F, False): "zoom.fit",
}
_EITHER = frozenset({Qt.Key.Key_Plus, Qt.Key.Key_Minus})
