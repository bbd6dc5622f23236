"""Case review (F9): begins and ends it, leads the screen, and records what was shown. Nothing is scored or edited."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal, Slot
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QMainWindow, QWidget

from workstation.app.reviewing import ReviewLog, Stop, StopKind, stops
from workstation.domain.errors import WorkstationError
from workstation.domain.geometry import Point
from workstation.domain.ids import EvidenceId, TrackId
from workstation.ui.action_specs import JUMP, PLAY, VIEW
from workstation.ui.actions import ACTIONS, Actions
from workstation.ui.desk import Desk
from workstation.ui.marks import Marks
from workstation.ui.navigator import Navigator
from workstation.ui.review.screen import ReviewScreen
from workstation.ui.review.words import tr
from workstation.ui.viewer.stage import Stage
from workstation.ui.viewer.state import OverlayState
from workstation.ui.widgets.banner import Banner

if TYPE_CHECKING:
    from workstation.app.face_listing import FaceEntry

_FLUSH_MS = 2000
_GROUPS = frozenset({PLAY, JUMP, VIEW, "Compare"})
_MORE = frozenset(
    {"exhibit.next", "exhibit.previous", "cancel", "palette", "keys", "about", "app.quit", "mark.next", "mark.previous"}
)
ALLOWED = frozenset(
    spec.id
    for spec in ACTIONS
    if spec.group in _GROUPS or spec.id in _MORE or spec.id in ("track.next", "track.previous") or spec.id[6:].isdigit()
)
"""What can be done during a review: moving and looking. Everything else rests until it ends."""


class ReviewWork(QObject):
    """One for a window.

    Args:
        handlers: what the keys of the screen ask for, by the ids of the main table.
        shut: panels that rest during a review.
    """

    changed = Signal()

    def __init__(
        self,
        desk: Desk,
        navigator: Navigator,
        stage: Stage,
        overlay: OverlayState,
        marks: Marks,
        banner: Banner,
        window: QMainWindow,
    ) -> None:
        super().__init__(window)
        self._desk, self._navigator, self._stage = desk, navigator, stage
        self._overlay, self._marks, self._banner, self._window = overlay, marks, banner, window
        self.screen: ReviewScreen | None = None
        self._log: ReviewLog | None = None
        self._count = 0
        self._handlers: Mapping[str, Callable[[], object]] = {}
        self._shut: tuple[QWidget, ...] = ()
        self._arrive: tuple[EvidenceId, TrackId] | None = None
        self._flush = QTimer(self, interval=_FLUSH_MS)
        self._flush.timeout.connect(self._record)
        stage.changed.connect(self._show)
        desk.exhibit_shown.connect(self._exhibit_shown)
        desk.marks_shown.connect(self._read)
        desk.case_shown.connect(self.leave)
        navigator.track_chosen.connect(self._choose)

    @property
    def active(self) -> bool:
        return self.screen is not None

    @property
    def shown(self) -> int:
        """Frames shown in this review, recorded or waiting to be."""
        return self._count + (self._log.waiting if self._log is not None else 0)

    def attach(self, handlers: Mapping[str, Callable[[], object]], shut: tuple[QWidget, ...]) -> None:
        """Take what the keys of the screen do, and the panels that rest meanwhile."""
        self._handlers, self._shut = handlers, shut

    def refresh(self, actions: Actions) -> None:
        """During a review only moving and looking can be done."""
        actions["view.review"].setEnabled(self._desk.session is not None)
        actions["view.review"].setChecked(self.active)
        if self.active:
            actions.set_enabled([spec.id for spec in ACTIONS if spec.id not in ALLOWED], False)

    def toggle(self) -> None:
        if not self.leave():
            self.begin()

    def begin(self) -> None:
        """Show the case: on the second screen where there is one, else over this one."""
        session = self._desk.session
        if session is None or self.active:
            return
        self._log = None if session.read_only else ReviewLog(session.store, self._desk.engine.hub)
        self._count = 0
        self.screen = ReviewScreen(self._overlay)
        self.screen.pressed.connect(self._pressed)
        self.screen.left.connect(self._left)
        self.screen.list.chosen.connect(self._go)
        self._marks.lock(True)
        self._window.setAcceptDrops(False)
        for panel in self._shut:
            panel.setEnabled(False)
        self._put_on_screen(self.screen)
        self._flush.start()
        self._read()
        self._show()
        self.changed.emit()

    @Slot()
    def leave(self) -> bool:
        """End the review; whether there was one. What was shown is recorded."""
        screen = self.screen
        if screen is None:
            return False
        self.screen = None
        self._flush.stop()
        self._record()
        self._marks.lock(False)
        self._window.setAcceptDrops(True)
        for panel in self._shut:
            panel.setEnabled(True)
        screen.hide()
        screen.close()
        screen.deleteLater()
        self._window.activateWindow()
        self.changed.emit()
        return True

    def _put_on_screen(self, screen: ReviewScreen) -> None:
        here = self._window.screen()
        others = [one for one in QGuiApplication.screens() if one is not here]
        screen.setGeometry((others[0] if others else here).geometry())
        screen.showFullScreen()
        if others:
            self._window.activateWindow()
            words = tr("Case review on the second screen; lead it from here. Edits rest until F9 ends it.")
            self._banner.tell(words, seconds=8)
        else:
            screen.activateWindow()
            screen.setFocus()

    @Slot()
    def _read(self) -> None:
        session = self._desk.session
        if self.active and session is not None:
            chosen = self._desk.data
            runs = {chosen.item.id: chosen.run.id} if chosen is not None and chosen.run is not None else {}

            def work() -> tuple[Stop, ...]:
                faces: tuple[FaceEntry, ...] = session.faces.listing(runs)
                return stops(session.store, faces)

            self._desk.reader.ask(work, self._took, key="review")

    def _took(self, found: tuple[Stop, ...]) -> None:
        if self.screen is not None:
            self.screen.show_stops(found, any(stop.kind is not StopKind.EXHIBIT for stop in found))
            self.screen.show_stop(self.screen.list.at)

    @Slot()
    def _show(self) -> None:
        screen, data, shown = self.screen, self._desk.data, self._stage.shown
        if screen is None:
            return
        screen.show_frame(data, shown, self._stage.message, self._stage.advice)
        screen.canvas.choose(self._navigator.track)
        if self._log is not None and data is not None and shown is not None and shown.proxy is None:
            self._log.shown(data.item.id, shown.ref)
        screen.show_recorded(self.shown, self._log is None)

    @Slot()
    def _record(self) -> None:
        """Write down what was shown since the last time. On the GUI thread: it is one short transaction."""
        if self._log is None:
            return
        try:
            self._count += self._log.flush()
        except WorkstationError as fault:
            self._flush.stop()
            self._desk.failed.emit(fault)

    @Slot(str)
    def _pressed(self, name: str) -> None:
        screen = self.screen
        if screen is None:
            return
        if name == "leave":
            self.leave()
        elif name in ("stop.next", "stop.previous"):
            screen.list.step(1 if name == "stop.next" else -1)
        elif name == "pointer":
            screen.pointer.toggle()
        elif name == "zoom.fit":
            screen.canvas.fit()
        elif name in ("zoom.in", "zoom.out"):
            screen.canvas.zoom(1 if name == "zoom.in" else -1)
        elif name in self._handlers:
            self._handlers[name]()

    @Slot(object)
    def _go(self, stop: Stop) -> None:
        """Go to a stop; on the case as a whole there are words alone."""
        if self.screen is not None:
            self.screen.show_stop(stop)
        data = self._desk.data
        if stop.evidence is None:
            return
        if stop.track is not None:
            self._arrive = (stop.evidence, stop.track)
        self._navigator.visit(stop.evidence, stop.ordinal)
        if data is not None and data.item.id == stop.evidence:
            self._exhibit_shown()

    @Slot()
    def _exhibit_shown(self) -> None:
        data, arrive = self._desk.data, self._arrive
        if data is not None and arrive is not None and arrive[0] == data.item.id:
            self._arrive = None
            self._navigator.choose_track(arrive[1])

    @Slot(object)
    def point_at(self, point: Point | None) -> None:
        """Point on the second screen where the examiner points in the main window."""
        if self.screen is not None and not self.screen.canvas.underMouse():
            self.screen.point_at(point)

    @Slot()
    def _choose(self) -> None:
        if self.screen is not None:
            self.screen.canvas.choose(self._navigator.track)

    @Slot()
    def _left(self) -> None:
        self.leave()
