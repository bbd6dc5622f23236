"""Detectors with crops of their own and detectors of whole tracks, through the real engine (X9, X10, P3)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from tests.fakes.clips import write_astronaut_clip
from tests.fakes.track_engine import TrackEngine, brightness
from workstation.app.session import CaseSession
from workstation.app.track_crops import crops_of
from workstation.domain.errors import DetectorError
from workstation.domain.examinations import Examination
from workstation.domain.ids import EvidenceId
from workstation.domain.jobs import JobState
from workstation.domain.merging import Merging
from workstation.domain.results import AbstentionReason, ItemStatus

FRAMES = 10


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_astronaut_clip(tmp_path_factory.mktemp("clip") / "face.mp4", 20)


@pytest.fixture
def desk(clip: Path, tmp_path: Path) -> Iterator[tuple[TrackEngine, CaseSession, EvidenceId]]:
    with TrackEngine(tmp_path / "home") as engine:
        session = engine.create_case(tmp_path / "case", number="7", title="Tracks", examiner="A. Ruiz", question="?")
        done = engine.jobs.wait(session.import_files([clip]), 60)
        assert done.state is JobState.DONE, done.error
        yield engine, session, session.evidence()[0].id
        session.close()


def examine(
    engine: TrackEngine, session: CaseSession, detectors: Sequence[str], frames: int = FRAMES, merging: int = 0
) -> Examination:
    asked = Merging(merging, "even") if merging else Merging()
    done = engine.jobs.wait(session.examine(None, detectors, frames, merging=asked), 120)
    assert done.state is JobState.DONE, done.error
    return session.examinations()[-1]


def test_each_detector_is_fed_the_crop_of_its_card(desk: tuple[TrackEngine, CaseSession, EvidenceId]) -> None:
    engine, session, evidence = desk
    run = examine(engine, session, ["slope", "wide"])
    assert [(use.crop_size, use.crop_margin) for use in run.plan.detectors] == [(256, 1.3), (128, 2.0)]
    assert {crop.size for crop in engine.known.made["slope"].seen} == {256}
    assert {crop.size for crop in engine.known.made["wide"].seen} == {128}
    for row in session.frame_rows(run.id, evidence):
        for face in row.faces:
            near, far = face.results
            assert (near.crop_size, far.crop_size) == (256, 128)
            assert near.map_transform is not None
            assert far.map_transform is not None
            # The wider crop shows 2 / 1.3 times as much at half the side.
            assert near.map_transform.scale / far.map_transform.scale == pytest.approx(2 * 2.0 / 1.3)


def test_a_detector_of_tracks_scores_no_single_face_and_every_sum_adds_up(
    desk: tuple[TrackEngine, CaseSession, EvidenceId],
) -> None:
    engine, session, evidence = desk
    run = examine(engine, session, ["slope", "pace"])
    rows = session.frame_rows(run.id, evidence)
    assert {result.detector for row in rows for face in row.faces for result in face.results} == {"slope"}
    assert engine.known.made["pace"].seen == []
    cover = session.coverage(run.id, evidence)
    assert cover.examined == FRAMES == cover.with_face
    assert cover.errors == 0
    (reading,) = session.track_readings(run.id, evidence)
    assert (reading.detector, reading.status, len(reading.frames)) == ("pace", ItemStatus.OK, 6)
    assert reading.frames[0] == rows[0].frame.ordinal
    assert reading.frames[-1] == rows[-1].frame.ordinal
    (crops,) = engine.known.made["pace"].tracks
    assert reading.value == pytest.approx(np.mean([brightness(crop) for crop in crops]))
    assert reading.measures[0].exploratory


def test_crops_cut_again_are_the_crops_that_were_scored(desk: tuple[TrackEngine, CaseSession, EvidenceId]) -> None:
    engine, session, evidence = desk
    run = examine(engine, session, ["both"])
    seen = {crop.rgb.tobytes() for crop in engine.known.made["both"].seen}
    (again,) = engine.known.made["both"].tracks
    assert len(again) == 4
    assert {crop.rgb.tobytes() for crop in again} <= seen
    track = session.track_readings(run.id, evidence)[0].track
    cut = crops_of(session.store, run.id, evidence, track, engine.known.made["both"].card.input, 3)
    assert len(cut.crops) == 3
    assert {crop.rgb.tobytes() for crop in cut.crops} <= seen
    assert list(cut.seconds) == sorted(cut.seconds)


def test_with_too_few_frames_it_abstains_and_says_how_many(
    desk: tuple[TrackEngine, CaseSession, EvidenceId],
) -> None:
    engine, session, evidence = desk
    run = examine(engine, session, ["pace"], frames=2)
    (reading,) = session.track_readings(run.id, evidence)
    assert reading.status is ItemStatus.ABSTAINED
    assert reading.abstention is not None
    assert reading.abstention.reason is AbstentionReason.TOO_FEW_FRAMES
    assert reading.abstention.detail == "2 usable frames, 3 are needed"
    assert reading.value is None


def test_a_track_that_a_detector_fails_on_is_an_error_with_its_reason(
    desk: tuple[TrackEngine, CaseSession, EvidenceId],
) -> None:
    engine, session, evidence = desk
    examine(engine, session, ["both"])
    engine.known.made["both"].fails = True
    run = examine(engine, session, ["both"])
    (reading,) = session.track_readings(run.id, evidence)
    assert reading.status is ItemStatus.ERROR
    assert reading.abstention is not None
    assert "on purpose" in reading.abstention.detail
    assert all(
        r.status is ItemStatus.OK for row in session.frame_rows(run.id, evidence) for f in row.faces for r in f.results
    )


def test_the_plan_records_what_was_chosen_and_the_detector_gets_it(
    desk: tuple[TrackEngine, CaseSession, EvidenceId],
) -> None:
    engine, session, _ = desk
    run = examine(engine, session, ["wide"], merging=2)
    (use,) = run.plan.detectors
    assert dict(use.settings) == {"merge": "2", "schedule": "even"}
    assert use.direction == "lower_is_manipulated"
    assert ("wide", {"merge": "2", "schedule": "even"}) in engine.known.asked


def test_merging_that_was_not_validated_is_refused_by_name(
    desk: tuple[TrackEngine, CaseSession, EvidenceId],
) -> None:
    _, session, _ = desk
    with pytest.raises(DetectorError, match=r"slope was not validated with 2 tokens merged \(even\)") as refused:
        session.examine(None, ["slope"], FRAMES, merging=Merging(2, "even"))
    assert "Validated: none" in refused.value.advice
    with pytest.raises(DetectorError) as refused:
        session.examine(None, ["wide"], FRAMES, merging=Merging(3, "even"))
    assert "Validated: 2 even" in refused.value.advice


def test_readings_are_proved_with_the_examination(desk: tuple[TrackEngine, CaseSession, EvidenceId]) -> None:
    engine, session, _ = desk
    examine(engine, session, ["slope", "pace", "both"])
    folder = session.folder
    session.close()
    outcome = engine.verify_case(folder)
    assert outcome.ok, [line.detail for line in outcome.bad]


def test_a_reading_that_is_no_number_is_an_error(desk: tuple[TrackEngine, CaseSession, EvidenceId]) -> None:
    engine, session, evidence = desk
    examine(engine, session, ["pace"])
    engine.known.made["pace"].shift = float("nan")
    run = examine(engine, session, ["pace"])
    (reading,) = session.track_readings(run.id, evidence)
    assert reading.status is ItemStatus.ERROR
    assert reading.abstention is not None
    assert "no finite number" in reading.abstention.detail
