"""Columns say the same as rows: every figure of the window against the figures that storage gives row by row (X10)."""

from __future__ import annotations

import random
from collections.abc import Collection
from pathlib import Path

import numpy as np
import pytest

from tests.unit.storage import storage_samples as samples
from workstation.app.figures import coverage, merged, summaries
from workstation.app.row_window import RowWindow
from workstation.domain.ids import EvidenceId, ExaminationId
from workstation.domain.media import FrameRef
from workstation.domain.results import AbstentionReason, FaceResult, FaceRow, FrameRow, ItemStatus
from workstation.domain.series import STATUSES, ExhibitSeries
from workstation.storage.case_store import CaseStore

SMALL, FAILED = AbstentionReason.FACE_TOO_SMALL, AbstentionReason.DETECTOR_FAILED


def rows_of(run: ExaminationId, evidence: EvidenceId, seed: int = 3) -> list[FrameRow]:
    """Forty frames: up to three tracks, scores, refusals, failures, faces without results, empty and cut frames."""
    chance = random.Random(seed)
    made = []
    for ordinal in range(40):
        if ordinal % 13 == 7:
            made.append(FrameRow(run, evidence, samples.frame(ordinal, ""), (), "the decoder stopped"))
            continue
        faces = []
        for track in range(1, 4):
            if chance.random() < 0.4:
                continue
            results: list[FaceResult] = []
            for detector in ("clip_ln", "fakelocator"):
                kind = chance.random()
                if kind < 0.6:
                    digest = "ab" * 32 if detector == "fakelocator" else None
                    results.append(samples.scored(track, detector, round(chance.random(), 3), digest))
                elif kind < 0.8:
                    results.append(samples.refused(track, detector, SMALL, ItemStatus.ABSTAINED))
                elif kind < 0.9:
                    results.append(samples.refused(track, detector, FAILED, ItemStatus.ERROR))
            faces.append(samples.face(track, results))
        made.append(FrameRow(run, evidence, samples.frame(ordinal), tuple(faces)))
    return made


@pytest.fixture
def filled(store: CaseStore, tmp_path: Path) -> tuple[ExaminationId, EvidenceId, list[FrameRow]]:
    item = samples.take_in(store, tmp_path / "a.mp4", b"first")
    other = samples.take_in(store, tmp_path / "b.mp4", b"second")
    run = store.start_examination(samples.plan(item.id, other.id), samples.ENVIRONMENT)
    rows = rows_of(run.id, item.id)
    store.append_rows(rows_of(run.id, other.id, 9)[:10])
    store.append_rows(rows)
    return run.id, item.id, rows


def flat(series: ExhibitSeries) -> dict[tuple[str, str, int], tuple[ItemStatus, float | None, str]]:
    found = {}
    for scores in series.scores:
        for ordinal, code, value in zip(scores.ordinals, scores.status, scores.scores, strict=True):
            status = STATUSES[code]
            why = scores.reasons.get(int(ordinal))
            score = float(value) if status is ItemStatus.OK else None
            found[(scores.track, scores.detector, int(ordinal))] = (status, score, why.detail if why else "")
            assert np.isnan(value) == (status is not ItemStatus.OK)
    return found


def faces(rows: Collection[FrameRow]) -> list[tuple[int, FaceRow]]:
    return [(row.frame.ordinal, face) for row in rows for face in row.faces]


def test_columns_hold_what_the_rows_hold(
    store: CaseStore, filled: tuple[ExaminationId, EvidenceId, list[FrameRow]]
) -> None:
    run, item, rows = filled
    series = store.readings.series(run, item)
    assert flat(series) == {
        (face.track, result.detector, ordinal): (
            result.status,
            result.score,
            result.abstention.detail if result.abstention else "",
        )
        for ordinal, face in faces(rows)
        for result in face.results
    }
    assert series.frames.ordinals.tolist() == list(range(40))
    assert series.frames.seconds.tolist() == [row.frame.seconds for row in rows]
    assert series.frames.faces.tolist() == [len(row.faces) for row in rows]
    assert series.frames.errors == {row.frame.ordinal: row.error for row in rows if row.error}
    assert series.mapped == {"fakelocator"}
    for track in series.tracks:
        assert track.ordinals.tolist() == [o for o, face in faces(rows) if face.track == track.track]
    assert store.readings.any_frame(run, item)


def test_sums_are_those_of_storage(store: CaseStore, filled: tuple[ExaminationId, EvidenceId, list[FrameRow]]) -> None:
    run, item, _rows = filled
    series = store.readings.series(run, item)

    def refs(wanted: Collection[int]) -> dict[int, FrameRef]:
        return {row.frame.ordinal: row.frame for row in store.frame_rows(run, item, wanted)}

    assert coverage(series, 100) == store.coverage(run, item, 100)
    mine, theirs = summaries(series, (), refs), store.summaries(run, item)
    assert [(s.track_number, s.detector) for s in mine] == [(s.track_number, s.detector) for s in theirs]
    for one, other in zip(mine, theirs, strict=True):
        assert one.abstentions == other.abstentions
        assert (one.frames_scored, one.frames_abstained, one.frames_error, one.peak) == (
            other.frames_scored,
            other.frames_abstained,
            other.frames_error,
            other.peak,
        )
        assert (one.mean, one.median, one.low, one.high) == pytest.approx(
            (other.mean, other.median, other.low, other.high)
        )
        assert (one.first_seconds, one.last_seconds) == (other.first_seconds, other.last_seconds)


def test_what_comes_batch_by_batch_is_the_same_as_all_at_once(
    store: CaseStore, filled: tuple[ExaminationId, EvidenceId, list[FrameRow]]
) -> None:
    run, item, _ = filled
    whole = store.readings.series(run, item)
    grown = ExhibitSeries()
    for first in (16, 0, 24, 8, 32):
        grown = merged(grown, store.readings.series(run, item, range(first, first + 8)))
    again = merged(grown, store.readings.series(run, item, (3, 4, 5)))
    for made in (grown, again):
        assert flat(made) == flat(whole)
        assert made.frames.faces.tolist() == whole.frames.faces.tolist()
        assert made.frames.errors == whole.frames.errors
        assert [t.ordinals.tolist() for t in made.tracks] == [t.ordinals.tolist() for t in whole.tracks]
        assert made.mapped == whole.mapped


def test_rows_are_read_when_they_are_looked_at(
    store: CaseStore, filled: tuple[ExaminationId, EvidenceId, list[FrameRow]]
) -> None:
    run, item, rows = filled
    asked: list[tuple[int, ...]] = []

    def read(wanted: Collection[int]) -> tuple[FrameRow, ...]:
        asked.append(tuple(wanted))
        return store.frame_rows(run, item, wanted)

    window = RowWindow(np.arange(40), read, kept=5)
    assert len(window) == 40
    assert window.get(77) is None
    assert window[8] == rows[8]
    assert window[8] == rows[8]
    assert asked == [(8,)]
    for ordinal in range(20):
        assert window[ordinal] == rows[ordinal]
    assert window.held == 5
    later = window.renewed(np.arange(40), [rows[30]], (19, 30))
    before = len(asked)
    assert later[30] == rows[30]
    assert later[18] == rows[18]
    assert len(asked) == before, "what did not change stays, what is new is there"
    assert later[19] == rows[19]
    assert asked[-1] == (19,)
