"""Where the examiner is: the frame shown, the track chosen, the way back, and the jumps between places of interest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QObject, Signal, Slot

from workstation.domain.ids import EvidenceId, ObjectId, TrackId
from workstation.domain.series import IntArray
from workstation.ui.desk import Desk
from workstation.ui.exhibit import ExhibitData
from workstation.ui.timeline.lanes import Lane

_HISTORY = 200


@dataclass(frozen=True, slots=True)
class Place:
    """Where the examiner was: a frame of an exhibit, the track chosen there, and the mark or finding looked at."""

    evidence: EvidenceId
    ordinal: int
    track: TrackId | None = None
    thing: ObjectId | None = None


class Navigator(QObject):
    """Moves in the GUI thread; every move is a signal, every jump a step that can be taken back (U12).

    Signals:
        moved(int): the frame shown is another.
        track_chosen: the chosen track is another.
        thing_shown(str): the mark or finding looked at is another; empty for none.
        told(str): words for the examiner.
    """

    moved = Signal(int)
    track_chosen = Signal()
    thing_shown = Signal(str)
    told = Signal(str)

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._desk = desk
        self.ordinal = 0
        self.track: TrackId | None = None
        self.thing: ObjectId | None = None
        self._back: list[Place] = []
        self._forward: list[Place] = []
        self._arrive: Place | None = None
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
        if data is None or data.clock is None:
            return
        self._jump(data.clock.keys, direction, self.tr("no further key frame"))

    def peak(self, direction: int) -> None:
        """Next or previous score peak of the chosen track (of every track when none is chosen)."""
        found = [trace.peaks for lane in self._lanes() for trace in lane.traces]
        self._jump(_together(found), direction, self.tr("no further score peak"))

    def disagreement(self) -> None:
        """Next frame at which a stretch begins where two detectors disagree about a face; after the last the first."""
        data = self.data
        if data is not None:
            nothing = self.tr("No disagreement: no two detectors lie as far apart on any face")
            self._round(data.lanes.disagreements, nothing)

    def gap(self) -> None:
        """Next examined frame with no face, an abstention or an error; from the last one back to the first."""
        data = self.data
        if data is not None:
            found = [data.lanes.gaps, *(trace.missing for lane in self._lanes() for trace in lane.traces)]
            self._round(_together(found), self.tr("No gap, abstention or error among the examined frames"))

    def _round(self, places: IntArray, nothing: str) -> None:
        """Jump to the next of these; from the last one back to the first, and say so."""
        if len(places) and places[-1] <= self.ordinal:
            self.told.emit(self.tr("From the beginning again"))
            self.go_to(int(places[0]), jump=True)
        else:
            self._jump(places, 1, nothing)

    def choose_track(self, track: TrackId | None) -> None:
        """Choose a track, or None for all of them; Alt+Left goes back to the one before."""
        if track != self.track:
            self._remember()
            self._set_track(track)

    def show_thing(self, thing: ObjectId | None) -> None:
        """Look at a mark or a finding; Alt+Left goes back to the one before."""
        if thing != self.thing:
            self._remember()
            self._set_thing(thing)

    def _set_track(self, track: TrackId | None) -> None:
        if track != self.track:
            self.track = track
            self.track_chosen.emit()

    def _set_thing(self, thing: ObjectId | None) -> None:
        if thing != self.thing:
            self.thing = thing
            self.thing_shown.emit(thing or "")

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

    def visit(
        self, evidence: EvidenceId, ordinal: int, *, track: TrackId | None = None, thing: ObjectId | None = None
    ) -> None:
        """Go to a frame of any exhibit, as a jump; with ``track`` and ``thing`` to these there."""
        place = Place(evidence, ordinal, track, thing)
        if place != self.here:
            self._remember()
        self._go(place, keep_track=track is None)

    @property
    def here(self) -> Place | None:
        """Where the examiner is; None while no exhibit is shown."""
        data = self.data
        return Place(data.item.id, self.ordinal, self.track, self.thing) if data is not None else None

    def back(self) -> None:
        self._travel(self._back, self._forward)

    def forward(self) -> None:
        self._travel(self._forward, self._back)

    def _travel(self, source: list[Place], target: list[Place]) -> None:
        if not source:
            return
        here = self.here
        if here is not None:
            target.append(here)
        self._go(source.pop())

    def _go(self, place: Place, *, keep_track: bool = False) -> None:
        data = self.data
        if data is None or data.item.id != place.evidence:
            self._arrive = place
            self._desk.show_exhibit(place.evidence)
            return
        if not keep_track:
            self._set_track(place.track if place.track is None or data.lanes.lane(place.track) else None)
        self._set_thing(place.thing)
        self.go_to(place.ordinal)

    def _remember(self) -> None:
        place = self.here
        if place is None:
            return
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
        """Choose a track and go to where it can be seen: one step of the history."""
        seen = lane.first <= self.ordinal <= lane.last
        if lane.track != self.track or not seen:
            self._remember()
            self._set_track(lane.track)
        self.go_to(self.ordinal if seen else lane.first)

    def _jump(self, places: IntArray, direction: int, nothing: str) -> None:
        side = np.searchsorted(places, self.ordinal, side="right" if direction > 0 else "left")
        at = int(side) if direction > 0 else int(side) - 1
        if 0 <= at < len(places):
            self.go_to(int(places[at]), jump=True)
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
            self._set_track(None)
            self._set_thing(None)
        if data is not None and arrive is not None and arrive.evidence == data.item.id:
            self.ordinal = arrive.ordinal
            self._set_track(arrive.track)
            self._set_thing(arrive.thing)
        if self.track is not None and data is not None and data.lanes.lane(self.track) is None:
            self._set_track(None)
        self.go_to(self.ordinal)


def _together(places: Sequence[IntArray]) -> IntArray:
    """Ordinals out of several lists, rising."""
    return np.unique(np.concatenate([np.zeros(0, np.int64), *places]))
