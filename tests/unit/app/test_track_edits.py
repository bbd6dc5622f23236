"""Joining, splitting, naming and excluding tracks: one edit each, undone whole, recorded in the chain of custody; and
the list of faces that shows them. What detectors gave stays as it was recorded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.storage import storage_samples as samples
from workstation.app.editing import Editing
from workstation.app.exclusions import exclusions
from workstation.app.face_listing import FaceEntry, FaceFilter, FaceOrder, list_faces, ordered, select
from workstation.app.hub import Hub
from workstation.app.track_edits import TrackEdits
from workstation.domain.custody import CustodyKind
from workstation.domain.errors import InputError, NotFound
from workstation.domain.evidence import EvidenceItem
from workstation.domain.examinations import Examination
from workstation.domain.faces import FaceQuality, Gate, GateReading
from workstation.domain.ids import EvidenceId, ExaminationId
from workstation.domain.results import FaceRow, FrameRow
from workstation.storage.case_store import CaseStore
from workstation.storage.keys import LedgerKey

WHERE = {1: range(20), 2: range(8), 3: range(12, 20)}
"""Track 1 is in every frame; track 2 in the first eight, track 3 in the last eight."""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[CaseStore]:
    key = LedgerKey.load_or_create(tmp_path / "keys")
    with CaseStore.create(tmp_path / "case", number="7", title="T", examiner="A", question="", key=key) as made:
        yield made


@pytest.fixture
def item(store: CaseStore, tmp_path: Path) -> EvidenceItem:
    return samples.take_in(store, tmp_path / "a.mp4", b"a")


@pytest.fixture
def run(store: CaseStore, item: EvidenceItem) -> Examination:
    made = store.start_examination(samples.plan(item.id), samples.ENVIRONMENT)
    store.append_rows([row(made.id, item.id, ordinal) for ordinal in range(20)])
    return made


@pytest.fixture
def edits(store: CaseStore, run: Examination) -> TrackEdits:
    return TrackEdits(store, Hub())


def row(run: ExaminationId, evidence: EvidenceId, ordinal: int) -> FrameRow:
    whole = samples.full_row(run, evidence, ordinal, faces=3)
    kept = tuple(face for face in whole.faces if ordinal in WHERE[face.track_number])
    return replace(whole, faces=tuple(measured(face, ordinal) for face in kept))


def measured(face: FaceRow, ordinal: int) -> FaceRow:
    """Track 1 is sharpest in frame 5, track 2 never passes its gates, track 3 was not measured."""
    if face.track_number == 3:
        return replace(face, quality=FaceQuality(()))
    sharp, clear = (90.0 if ordinal == 5 else 30.0) - face.track_number, face.track_number == 1
    readings = (GateReading(Gate.BLUR, sharp, 12.0, clear), GateReading(Gate.POSE, -8.0, 55.0, clear))
    return replace(face, quality=FaceQuality(readings))


def faces(store: CaseStore) -> dict[str, FaceEntry]:
    return {entry.label: entry for entry in list_faces(store)}


def test_the_list_tells_what_each_track_is_like(store: CaseStore, run: Examination) -> None:
    found = faces(store)
    assert list(found) == ["T1", "T2", "T3"]
    first, second, third = found.values()
    assert (first.faces, second.faces, third.faces) == (20, 8, 8)
    assert (first.first_ordinal, first.last_ordinal) == (0, 19)
    assert first.best[0] == 5
    assert (first.passed, second.passed, third.passed) == (1.0, 0.0, 0.0)
    assert third.sharpness is None
    assert third.turn is None
    assert first.scored == 40
    assert not any(entry.excluded or entry.name for entry in found.values())


def test_nothing_that_detectors_gave_can_be_sorted_by(store: CaseStore, run: Examination) -> None:
    """Window rule 1: the order never follows scores, so the list does not even hold one."""
    assert {field for field in FaceEntry.__slots__ if "score" in field} == {"scored"}
    assert not {"score", "fake", "mean", "peak"} & set(FaceOrder)


def test_sorting_puts_what_was_not_measured_last(store: CaseStore, run: Examination) -> None:
    every = list_faces(store)
    assert [e.label for e in ordered(every, FaceOrder.SHARPNESS)] == ["T2", "T1", "T3"]
    assert [e.label for e in ordered(every, FaceOrder.SHARPNESS, falling=True)] == ["T1", "T2", "T3"]
    assert [e.label for e in ordered(every, FaceOrder.DURATION)] == ["T2", "T3", "T1"]
    for order in FaceOrder:
        assert {e.key for e in ordered(every, order)} == {e.key for e in every}


def test_filters_combine(store: CaseStore, run: Examination) -> None:
    every = list_faces(store)
    assert [e.label for e in select(every, FaceFilter(least_passed=0.5))] == ["T1"]
    assert [e.label for e in select(every, FaceFilter(words="ex-01 t3"))] == ["T3"]
    assert [e.label for e in select(every, FaceFilter(least_seconds=0.5))] == ["T1"]
    assert select(every, FaceFilter(named=True)) == ()
    assert len(select(every, FaceFilter(named=False, excluded=False))) == 3
    assert FaceFilter(words="a", excluded=False).asks == 2
    assert FaceFilter().asks == 0


def test_a_join_is_one_edit_and_undo_takes_it_back(store: CaseStore, edits: TrackEdits) -> None:
    before = faces(store)
    edit = edits.join([before["T2"], before["T3"]])
    assert edit.label == "Join EX-01 T2 and T3"
    joined = faces(store)["T2+T3"]
    assert joined.faces == 16
    assert list(faces(store)) == ["T1", "T2+T3"]
    assert store.custody()[-1].kind is CustodyKind.EDITED
    assert [s.track_number for s in store.summaries(joined.examination, joined.evidence)][:1] == [1]
    store.edits.undo()
    assert faces(store) == before


def test_one_face_is_not_in_two_places(store: CaseStore, edits: TrackEdits) -> None:
    found = faces(store)
    with pytest.raises(InputError, match=r"both in the frame at 0\.000 s"):
        edits.join([found["T1"], found["T2"]])
    with pytest.raises(InputError, match="at least two"):
        edits.join([found["T1"]])
    assert store.edits.journal() == ()


def test_a_split_lies_at_the_first_frame_of_the_other_face(store: CaseStore, edits: TrackEdits) -> None:
    edits.split(faces(store)["T1"], 8)
    found = faces(store)
    assert list(found) == ["T1a", "T1b", "T2", "T3"]
    assert (found["T1a"].last_ordinal, found["T1b"].first_ordinal) == (7, 8)
    edits.join([found["T1b"], found["T2"]])
    assert list(faces(store)) == ["T1a", "T1b+T2", "T3"]
    with pytest.raises(InputError, match="one side"):
        edits.split(faces(store)["T3"], 12)


def test_a_joined_track_splits_where_it_was_joined(store: CaseStore, edits: TrackEdits) -> None:
    found = faces(store)
    edits.join([found["T2"], found["T3"]])
    edits.split(faces(store)["T2+T3"], 10)
    assert list(faces(store)) == ["T1", "T2", "T3"]
    assert not store.edits.objects()
    store.edits.undo()
    edits.split(faces(store)["T2+T3"], 15)
    assert list(faces(store)) == ["T1", "T2+T3a", "T3b"]


def test_joined_tracks_come_apart_again(store: CaseStore, edits: TrackEdits) -> None:
    found = faces(store)
    edits.join([found["T2"], found["T3"]])
    edits.separate(faces(store)["T2+T3"])
    assert list(faces(store)) == ["T1", "T2", "T3"]
    with pytest.raises(InputError, match="not joined"):
        edits.separate(faces(store)["T1"])


def test_names_go_with_pieces_and_many_take_one_edit(store: CaseStore, edits: TrackEdits) -> None:
    edits.split(faces(store)["T1"], 8)
    found = faces(store)
    edits.name([found["T1a"], found["T2"]], " Witness  A ")
    edits.name([found["T1b"]], "Guard")
    assert {label: entry.name for label, entry in faces(store).items()} == {
        "T1a": "Witness A",
        "T1b": "Guard",
        "T2": "Witness A",
        "T3": "",
    }
    assert len(store.edits.journal()) == 3
    with pytest.raises(InputError, match="already"):
        edits.name([faces(store)["T1b"]], "Guard")
    edits.name([faces(store)["T1b"]], "")
    assert faces(store)["T1b"].name == ""
    assert [e.label for e in ordered(list_faces(store), FaceOrder.NAME)][-2:] == ["T1b", "T3"]


def test_an_exclusion_has_a_reason_and_is_taken_back(store: CaseStore, edits: TrackEdits) -> None:
    with pytest.raises(InputError, match="needs a reason"):
        edits.exclude([faces(store)["T2"]], "  ")
    edits.exclude([faces(store)["T2"], faces(store)["T3"]], "Poster on the wall")
    assert [e.label for e in select(list_faces(store), FaceFilter(excluded=True))] == ["T2", "T3"]
    assert faces(store)["T2"].reason == "Poster on the wall"
    with pytest.raises(InputError, match="already"):
        edits.exclude([faces(store)["T2"]], "again")
    edits.include([faces(store)["T3"]])
    assert [entry.excluded for entry in faces(store).values()] == [False, True, False]


def test_an_excluded_piece_covers_its_own_readings_alone(
    store: CaseStore, edits: TrackEdits, item: EvidenceItem, run: Examination
) -> None:
    """X10: what is counted as excluded is what the piece holds, not the whole recorded track."""
    edits.split(faces(store)["T1"], 8)
    edits.exclude([faces(store)["T1b"]], "Turned away")
    rows = store.frame_rows(run.id, item.id)
    (told,), covered = exclusions(store, item, run, rows)
    assert covered == 12 * 2
    assert told.reason.startswith("Turned away (from ")
    assert [e.label for e in select(list_faces(store), FaceFilter(excluded=True))] == ["T1b"]


def test_an_exclusion_of_the_exhibit_is_not_taken_back_here(
    store: CaseStore, edits: TrackEdits, item: EvidenceItem, run: Examination
) -> None:
    Editing(store, Hub()).exclude(run.id, item.id, "Wrong file")
    assert all(entry.excluded and not entry.partly for entry in list_faces(store))
    with pytest.raises(InputError, match="whole exhibit"):
        edits.include([faces(store)["T1"]])


def test_what_was_arranged_anew_meanwhile_is_not_edited(store: CaseStore, edits: TrackEdits) -> None:
    stale = faces(store)["T1"]
    edits.split(stale, 8)
    with pytest.raises(NotFound, match="meanwhile"):
        edits.split(stale, 12)
