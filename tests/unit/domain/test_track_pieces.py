"""Tracks as the examiner arranged them: pieces, letters, joins of joins, and edits about other things."""

from __future__ import annotations

from workstation.domain.edits import ExaminerObject, ObjectKind
from workstation.domain.ids import EvidenceId, ExaminationId, ObjectId, TrackId
from workstation.domain.track_pieces import Arranged, arrange

RUN, EXHIBIT = ExaminationId("run"), EvidenceId("exhibit")
A, B, C = TrackId("a"), TrackId("b"), TrackId("c")
NUMBERS = {C: 3, A: 1, B: 2}


def split(track: TrackId, pts: int, run: str = RUN) -> ExaminerObject:
    body = {"examination": run, "evidence": EXHIBIT, "track": track, "pts": pts}
    return ExaminerObject(ObjectId(f"split-{track}-{pts}"), ObjectKind.TRACK_SPLIT, body)


def join(*members: tuple[TrackId, int | None]) -> ExaminerObject:
    body = {"examination": RUN, "evidence": EXHIBIT, "members": [list(one) for one in members]}
    return ExaminerObject(ObjectId(f"join-{members}"), ObjectKind.TRACK_JOIN, body)


def labels(*objects: ExaminerObject) -> list[str]:
    return [group.label for group in arrange(NUMBERS, objects, RUN, EXHIBIT)]


def test_without_edits_every_track_is_itself() -> None:
    found = arrange(NUMBERS, (), RUN, EXHIBIT)
    assert [group.label for group in found] == ["T1", "T2", "T3"]
    assert [group.key for group in found] == ["a", "b", "c"]
    assert found[0].holds(A, -5)
    assert not found[0].holds(B, -5)


def test_a_split_makes_two_that_share_no_frame() -> None:
    first, second = arrange({B: 2}, [split(B, 40)], RUN, EXHIBIT)
    assert [(p.label, p.since, p.until) for p in (*first.pieces, *second.pieces)] == [
        ("T2a", None, 40),
        ("T2b", 40, None),
    ]
    for pts in (0, 39, 40, 41):
        assert first.holds(B, pts) != second.holds(B, pts)
    assert (first.key, second.key) == ("b", "b@40")


def test_two_splits_in_any_order_make_three() -> None:
    assert labels(split(B, 60), split(B, 40)) == ["T1", "T2a", "T2b", "T2c", "T3"]


def test_joins_reach_over_one_another() -> None:
    assert labels(join((B, None), (C, None)), join((A, None), (C, None))) == ["T1+T2+T3"]
    assert labels(split(B, 40), join((A, None), (B, 40))) == ["T1+T2b", "T2a", "T3"]


def test_a_join_of_a_piece_that_is_gone_joins_the_rest() -> None:
    """Undo may take a split away under a join: nothing breaks and nothing is lost."""
    assert labels(join((A, None), (B, 40), (C, None))) == ["T1+T3", "T2"]
    assert labels(join((A, None), (B, 40))) == ["T1", "T2", "T3"]


def test_edits_of_another_examination_do_not_count() -> None:
    assert labels(split(B, 40, run="other")) == ["T1", "T2", "T3"]


def test_a_joined_track_names_its_recorded_tracks_once() -> None:
    found = arrange({B: 2}, [split(B, 40), join((B, None), (B, 40))], RUN, EXHIBIT)
    assert isinstance(found[0], Arranged)
    assert found[0].tracks == (B,)
