"""Where the examiner is: the frame shown, the track chosen, the way back, and the jumps between places of interest."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from PySide6.QtCore import QObject, Signal, Slot

from workstation.domain.ids import EvidenceId, TrackId
from workstation.domain.results import ItemStatus
from workstation.ui.desk import Desk
from workstation.ui.exhibit import ExhibitData
from workstation.ui.timeline.lanes import Lane, Tick, peaks

_HISTORY = 200
Place = tuple[EvidenceId, int]


class Navigator(QObject):
    """Moves in the GUI thread; every move is a signal, every jump a step that can be taken back (U12)."""

    moved = Signal(int)
    track_chosen = Signal()
    told = Signal(str)

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._desk = desk
        self.ordinal = 0
        self.track: TrackId | None = None
        self._back: list[Place] = []
        self._forward: list[Place] = []
        self._arrive: tuple[EvidenceId, int] | None = None
        self._shown: EvidenceId | None = None
        desk.exhibit_shown.connect(self._exhibit_shown)

    @property
    def data(self) -> ExhibitData | None:
        return self._desk.data

    @property
    def can_go_back(self) -> bool:
        return bool(self._back)

    @property
    def can_go_forward(self) -> bool:
        return bool(self._forward)

    def go_to(self, ordinal: int, *, jump: bool = False) -> None:
        """Move to a frame, held inside the exhibit. A ``jump`` can be taken back with Alt+Left."""
        data = self.data
        if data is None or data.frames == 0:
            return
        wanted = min(max(ordinal, 0), data.frames - 1)
        if jump and wanted != self.ordinal:
            self._remember()
        self.ordinal = wanted
        self.moved.emit(wanted)

    def step(self, frames: int) -> None:
        self.go_to(self.ordinal + frames)

    def first(self) -> None:
        self.go_to(0, jump=True)

    def last(self) -> None:
        if self.data is not None:
            self.go_to(self.data.frames - 1, jump=True)

    def key_frame(self, direction: int) -> None:
        """Next or previous frame from which decoding can start."""
        data = self.data
        if data is None or data.index is None:
            return
        keys = set(data.index.keyframes)
        places = [number for number, pts in enumerate(data.index.pts) if pts in keys]
        self._jump(places, direction, self.tr("no further key frame"))

    def peak(self, direction: int) -> None:
        """Next or previous score peak of the chosen track (of every track when none is chosen)."""
        places: set[int] = set()
        for lane in self._lanes():
            for trace in lane.traces:
                places.update(peaks(trace.marks, falling=trace.falling))
        self._jump(sorted(places), direction, self.tr("no further score peak"))

    def gap(self) -> None:
        """Next examined frame with no face, an abstention or an error; from the last one back to the first."""
        data = self.data
        if data is None:
            return
        places = {frame.ordinal for frame in data.lanes.frames if frame.tick is not Tick.FACE}
        for lane in self._lanes():
            for trace in lane.traces:
                places.update(mark.ordinal for mark in trace.marks if mark.status is not ItemStatus.OK)
        ordered = sorted(places)
        if ordered and not any(place > self.ordinal for place in ordered):
            self.told.emit(self.tr("From the beginning again"))
            self.go_to(ordered[0], jump=True)
            return
        self._jump(ordered, 1, self.tr("no gap, abstention or error among the examined frames"))

    def choose_track(self, track: TrackId | None) -> None:
        if track == self.track:
            return
        self.track = track
        self.track_chosen.emit()

    def choose_number(self, number: int) -> None:
        """Choose the track the examiner reads as T ``number``; 0 is all of them."""
        if number == 0:
            self.choose_track(None)
            return
        data = self.data
        lane = next((lane for lane in data.lanes.lanes if lane.number == number), None) if data else None
        if lane is None:
            self.told.emit(self.tr("There is no track T%n", "", number))
            return
        self._visit(lane)

    def next_track(self, direction: int) -> None:
        data = self.data
        lanes = data.lanes.lanes if data else ()
        if not lanes:
            self.told.emit(self.tr("No face track yet"))
            return
        at = next((k for k, lane in enumerate(lanes) if lane.track == self.track), -1 if direction > 0 else 0)
        self._visit(lanes[(at + direction) % len(lanes)])

    def next_exhibit(self, direction: int) -> None:
        items = self._desk.items
        if not items or self.data is None:
            return
        at = next((k for k, item in enumerate(items) if item.id == self.data.item.id), 0) + direction
        if not 0 <= at < len(items):
            self.told.emit(self.tr("No further exhibit"))
            return
        self.visit(items[at].id, 0)

    def visit(self, evidence: EvidenceId, ordinal: int) -> None:
        """Go to a frame of any exhibit, as a jump."""
        if self.data is not None and self.data.item.id == evidence:
            self.go_to(ordinal, jump=True)
            return
        self._remember()
        self._arrive = (evidence, ordinal)
        self._desk.show_exhibit(evidence)

    def back(self) -> None:
        self._travel(self._back, self._forward)

    def forward(self) -> None:
        self._travel(self._forward, self._back)

    def _travel(self, source: list[Place], target: list[Place]) -> None:
        if not source:
            return
        if self.data is not None:
            target.append((self.data.item.id, self.ordinal))
        evidence, ordinal = source.pop()
        if self.data is not None and self.data.item.id == evidence:
            self.go_to(ordinal)
        else:
            self._arrive = (evidence, ordinal)
            self._desk.show_exhibit(evidence)

    def _remember(self) -> None:
        if self.data is None:
            return
        place = (self.data.item.id, self.ordinal)
        if not self._back or self._back[-1] != place:
            self._back.append(place)
            del self._back[:-_HISTORY]
        self._forward.clear()

    def _lanes(self) -> tuple[Lane, ...]:
        data = self.data
        if data is None:
            return ()
        chosen = data.lanes.lane(self.track) if self.track is not None else None
        return (chosen,) if chosen is not None else data.lanes.lanes

    def _visit(self, lane: Lane) -> None:
        self.choose_track(lane.track)
        if not lane.first <= self.ordinal <= lane.last:
            self.go_to(lane.first, jump=True)

    def _jump(self, places: Sequence[int], direction: int, nothing: str) -> None:
        at = bisect_right(places, self.ordinal) if direction > 0 else bisect_left(places, self.ordinal) - 1
        if 0 <= at < len(places):
            self.go_to(places[at], jump=True)
        else:
            self.told.emit(nothing[:1].upper() + nothing[1:])

    @Slot()
    def _exhibit_shown(self) -> None:
        data = self.data
        shown = data.item.id if data else None
        if data is None:
            self._back.clear()
            self._forward.clear()
        arrive, self._arrive = self._arrive, None
        if shown != self._shown:
            self._shown = shown
            self.ordinal = 0
            self.choose_track(None)
        if data is not None and arrive is not None and arrive[0] == data.item.id:
            self.ordinal = arrive[1]
        if self.track is not None and data is not None and data.lanes.lane(self.track) is None:
            self.choose_track(None)
        self.go_to(self.ordinal)
