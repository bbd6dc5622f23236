"""Brings the gallery, the viewer and the timeline together, and turns what is done with tracks into edits (U27)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, QTimer, Signal, Slot
from PySide6.QtWidgets import QWidget

from workstation.app.face_listing import FaceEntry
from workstation.domain.edits import Edit
from workstation.domain.errors import WorkstationError
from workstation.domain.ids import EvidenceId, ExaminationId, TrackId
from workstation.ui.actions import Actions
from workstation.ui.desk import Desk
from workstation.ui.faces.feed import PictureFeed
from workstation.ui.faces.gallery import FaceGallery
from workstation.ui.faces.veil import Veil
from workstation.ui.faces.words import title, tr
from workstation.ui.marks import Marks
from workstation.ui.navigator import Navigator
from workstation.ui.widgets.banner import Banner

if TYPE_CHECKING:
    from workstation.app.session import CaseSession
    from workstation.app.track_edits import TrackEdits

_GATHER_MS = 250
Act = Callable[["TrackEdits"], Edit]


class FaceWork(QObject):
    """One for a window. ``run_wanted`` asks for an examination: the empty gallery leads there."""

    run_wanted = Signal()
    import_wanted = Signal()
    ready = Signal()

    def __init__(self, desk: Desk, navigator: Navigator, marks: Marks, banner: Banner, window: QWidget) -> None:
        super().__init__(window)
        self._desk, self._navigator, self._marks, self._banner = desk, navigator, marks, banner
        self.gallery = FaceGallery()
        self.veil = Veil(self)
        self._unread = False
        self._feed = PictureFeed(desk.bridge)
        self._arrive: tuple[EvidenceId, TrackId] | None = None
        self._ticket = 0
        self._queue: list[EvidenceId] = []
        self._parts: dict[EvidenceId, tuple[FaceEntry, ...]] = {}
        self._gather = QTimer(self, singleShot=True, interval=_GATHER_MS)
        self._gather.timeout.connect(self._read)
        gallery = self.gallery
        gallery.installEventFilter(self)
        gallery.chosen.connect(self._chosen)
        gallery.wanted.connect(self._feed.want)
        gallery.marked.connect(self.ready)
        gallery.lead.clicked.connect(self._lead)
        self._feed.arrived.connect(gallery.put)
        desk.case_shown.connect(self._case_shown)
        desk.exhibits_shown.connect(self._gather.start)
        desk.marks_shown.connect(self._gather.start)
        desk.results_shown.connect(self._gather.start)
        desk.exhibit_shown.connect(self._exhibit_shown)
        navigator.track_chosen.connect(self._track_chosen)
        navigator.moved.connect(self._moved)
        self.veil.changed.connect(self._tell_veil)

    @property
    def settled(self) -> bool:
        """Whether the list is read and the pictures in sight have come."""
        return not (self._gather.isActive() or self._queue or self._desk.busy or self._feed.busy)

    def handlers(self) -> dict[str, Callable[[], object]]:
        return {
            "track.join": self.join,
            "track.separate": self.separate,
            "track.split": self.split,
            "track.include": self.include,
            "track.name": self.ask_name,
            "track.exclude": self.ask_exclusion,
            "view.veil": self.veil.toggle,
        }

    def refresh(self, actions: Actions) -> None:
        """Enable what can be done with the chosen faces."""
        chosen, writes = self.chosen(), self._marks.can_write
        one = len(chosen) == 1
        actions.set_enabled(("track.name",), writes and bool(chosen))
        actions.set_enabled(("track.exclude",), writes and any(not e.excluded or e.partly for e in chosen))
        actions.set_enabled(("track.include",), writes and any(e.excluded for e in chosen))
        same = len({(e.examination, e.evidence) for e in chosen}) == 1
        actions.set_enabled(("track.join",), writes and len(chosen) > 1 and same)
        actions.explain("track.join", "" if same or len(chosen) < 2 else tr("Only tracks of one exhibit can be joined"))
        actions.set_enabled(("track.separate",), writes and one and len(chosen[0].arranged.pieces) > 1)
        actions.set_enabled(("track.split",), writes and one and self._inside(chosen[0]))
        actions["view.veil"].setChecked(self.veil.drawn)

    def chosen(self) -> tuple[FaceEntry, ...]:
        """The faces chosen in the gallery; where they are filtered out, the one chosen in viewer or timeline."""
        if self.gallery.selected:
            return self.gallery.selected
        at = self._here()
        return (at,) if at is not None else ()

    def show_face(self, key: str) -> None:
        """Choose a face of the list and go to it."""
        entry = next((entry for entry in self.gallery.every if entry.key == key), None)
        if entry is not None:
            self.gallery.choose([key])
            self._chosen(entry)

    def join(self) -> None:
        chosen = self.chosen()
        self._edit(lambda edits: edits.join(chosen))

    def separate(self) -> None:
        chosen = self.chosen()
        if chosen:
            self._edit(lambda edits: edits.separate(chosen[0]))

    def split(self) -> None:
        ordinal = self._navigator.ordinal
        chosen = self.chosen()
        if chosen:
            self._edit(lambda edits: edits.split(chosen[0], ordinal))

    def include(self) -> None:
        chosen = self.chosen()
        self._edit(lambda edits: edits.include(chosen))

    def ask_name(self) -> None:
        chosen = self.chosen()
        if not chosen:
            return
        names = tuple(dict.fromkeys(entry.name for entry in self.gallery.every if entry.name))
        self._marks.ask(
            tr("Name track"),
            tr("Who or what is {what}?").format(what=_what(chosen)),
            lambda text: self._edit(lambda edits: edits.name(chosen, text)),
            known=names,
        )

    def ask_exclusion(self) -> None:
        chosen = self.chosen()
        if not chosen:
            return
        self._marks.ask(
            tr("Exclude track"),
            tr("Why is {what} not relied on? The results stay in the case and are counted as excluded.").format(
                what=_what(chosen)
            ),
            lambda text: self._edit(lambda edits: edits.exclude(chosen, text)),
            lines=3,
        )

    def _edit(self, act: Act) -> None:
        session = self._desk.session
        if session is not None and self._marks.can_write:
            self._desk.ask(lambda: act(session.faces.edits), self._done)

    def _done(self, edit: Edit) -> None:
        self._banner.tell(tr("{what}. Ctrl+Z takes it back.").format(what=edit.label), seconds=5)

    @Slot()
    def _case_shown(self) -> None:
        self._feed.show(self._desk.session)
        self._arrive = None
        self._ticket += 1
        self._queue.clear()
        self._parts.clear()
        self.gallery.model.forget()
        self.gallery.show_faces(())
        self.gallery.say("")

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """The gallery comes into sight: what was not read while nobody could see it is read now."""
        if watched is self.gallery and event.type() is QEvent.Type.Paint and self._unread:
            self._unread = False
            self._gather.start()
        return super().eventFilter(watched, event)

    @Slot()
    def _read(self) -> None:
        """Read the exhibits that may have changed, the one shown first. While nobody sees the gallery only the exhibit
        shown is read, and only when a track of it is chosen: a large case has half a million faces."""
        data = self._desk.data
        if self._desk.session is None:
            return
        self._ticket += 1
        self._unread = self.gallery.visibleRegion().isEmpty()
        shown = [data.item.id] if data is not None else []
        if self._unread:
            self._queue = shown if self._navigator.track is not None else []
        else:
            self._queue = shown + [item.id for item in self._desk.items if item.id not in shown]
        if self._queue or self._unread:
            self._next()
        else:
            self._all_read()

    def _next(self) -> None:
        session, data = self._desk.session, self._desk.data
        if session is None or not self._queue:
            return
        evidence = self._queue[0]
        mine = data is not None and data.run is not None and data.item.id == evidence
        chosen = {evidence: data.run.id} if mine and data is not None and data.run is not None else {}
        work = partial(_listed, self._ticket, session, chosen, evidence)
        self._desk.reader.ask(work, self._took, key="faces", failed=self._not_read, later=True)

    def _not_read(self, error: WorkstationError) -> None:
        self._queue.clear()
        self._desk.failed.emit(error)

    def _took(self, answer: tuple[int, EvidenceId, tuple[FaceEntry, ...]]) -> None:
        ticket, evidence, entries = answer
        if ticket != self._ticket or not self._queue:
            return
        self._queue.pop(0)
        changed = self._parts.get(evidence) != entries
        self._parts[evidence] = entries
        if changed:
            order = {item.id: place for place, item in enumerate(self._desk.items)}
            listed = sorted((e for e in self._parts if e in order), key=order.__getitem__)
            self.gallery.set_exhibits(self._desk.items)
            self.gallery.show_faces([entry for e in listed for entry in self._parts[e]])
        if self._queue:
            self._next()
        else:
            self._all_read()

    def _all_read(self) -> None:
        if not self._desk.items:
            self.gallery.say(tr("This case has no exhibits yet, so there are no faces."), tr("Add exhibits…"))
        elif not self._desk.runs:
            self.gallery.say(tr("No examination has looked for faces yet."), tr("Run examination…"))
        else:
            words = tr("No examination found a face. Another face finder, or more frames, may find some.")
            self.gallery.say(words, tr("Run examination…"))
        if not self.gallery.selected:
            self._follow()
        self.ready.emit()

    @Slot()
    def _lead(self) -> None:
        if self.gallery.every:
            self.gallery.clear_filter()
        elif self._desk.items:
            self.run_wanted.emit()
        else:
            self.import_wanted.emit()

    @Slot(object)
    def _chosen(self, entry: FaceEntry) -> None:
        """A face was chosen by hand: the viewer goes to its best picture, the timeline to its track."""
        ordinal, track = entry.best
        data = self._desk.data
        if data is not None and data.item.id == entry.evidence:
            inside = entry.first_ordinal <= self._navigator.ordinal <= entry.last_ordinal
            if not inside or not self._holds_here(entry):
                self._navigator.visit(entry.evidence, ordinal)
                track = entry.best[1]
            else:
                track = self._track_here(entry) or track
            self._navigator.choose_track(track)
            return
        self._arrive = (entry.evidence, track)
        self._navigator.visit(entry.evidence, ordinal)

    @Slot()
    def _exhibit_shown(self) -> None:
        data, arrive = self._desk.data, self._arrive
        if data is not None and arrive is not None and arrive[0] == data.item.id:
            self._arrive = None
            self._navigator.choose_track(arrive[1])
        self._gather.start()

    @Slot()
    def _track_chosen(self) -> None:
        if self._unread and self._navigator.track is not None:
            self._gather.start()
        self._follow()

    def _follow(self) -> None:
        """Choose in the gallery what was chosen in the viewer or the timeline."""
        data, track = self._desk.data, self._navigator.track
        if data is None or self._arrive is not None:
            return
        if track is None:
            if len(self.gallery.selected) < 2:
                self.gallery.choose(())
            return
        if any(entry.evidence == data.item.id and track in entry.arranged.tracks for entry in self.gallery.selected):
            return
        at = self._here()
        self.gallery.choose([at.key] if at is not None else [])

    @Slot()
    def _moved(self) -> None:
        self.ready.emit()

    def _here(self) -> FaceEntry | None:
        """The face of the track chosen in viewer or timeline; of a split track, the piece at the frame shown."""
        data, track = self._desk.data, self._navigator.track
        if data is None or track is None:
            return None
        mine = [e for e in self.gallery.every if e.evidence == data.item.id and track in e.arranged.tracks]
        return next((e for e in mine if e.arranged.holds(track, self._pts())), mine[0] if mine else None)

    def _inside(self, entry: FaceEntry) -> bool:
        data = self._desk.data
        return (
            data is not None
            and data.item.id == entry.evidence
            and entry.first_ordinal < self._navigator.ordinal <= entry.last_ordinal
        )

    def _holds_here(self, entry: FaceEntry) -> bool:
        return any(entry.arranged.holds(track, self._pts()) for track in entry.arranged.tracks)

    def _track_here(self, entry: FaceEntry) -> TrackId | None:
        """The recorded track of a face about the frame shown."""
        data, at = self._desk.data, self._navigator.ordinal
        for track in entry.arranged.tracks:
            lane = data.lanes.lane(track) if data is not None else None
            if lane is not None and lane.first <= at <= lane.last and entry.arranged.holds(track, self._pts()):
                return track
        return None

    def _pts(self) -> int:
        data = self._desk.data
        if data is None or data.index is None or self._navigator.ordinal >= len(data.index):
            return 0
        return data.index.pts[self._navigator.ordinal]

    @Slot(bool)
    def _tell_veil(self, drawn: bool) -> None:
        words = tr("Pictures are grey and blurred here. Reports and exports stay as they are.")
        self._banner.tell(words if drawn else tr("Pictures are shown as they are again."), seconds=5)
        self.ready.emit()


def _listed(
    ticket: int, session: CaseSession, chosen: dict[EvidenceId, ExaminationId], evidence: EvidenceId
) -> tuple[int, EvidenceId, tuple[FaceEntry, ...]]:
    """The faces of one exhibit; runs off the GUI thread."""
    return ticket, evidence, session.faces.listing(chosen, (evidence,))


def _what(chosen: Sequence[FaceEntry]) -> str:
    if len(chosen) == 1:
        return title(chosen[0])
    return tr("this choice of {n} tracks").format(n=len(chosen))
