"""Readings of whole tracks through the real engine: sums for every kind of plan, paper held against the case, lines and
JSON of the command line (X10, G7, G14)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.fakes.clips import write_astronaut_clip
from tests.fakes.track_engine import TrackEngine
from workstation.app.exclusions import exclusions
from workstation.app.reporting import check
from workstation.app.session import CaseSession
from workstation.cli.exhibits import exhibit_facts, score_lines
from workstation.domain.evidence import EvidenceItem
from workstation.domain.examinations import Examination
from workstation.domain.jobs import JobState
from workstation.domain.kinds_of_forgery import ForgeryClass, name_of
from workstation.domain.results import ItemStatus
from workstation.reporting.verification import verify_report
from workstation.storage.engine import connect
from workstation.storage.portable.snapshot import back_up

pytestmark = pytest.mark.slow
FRAMES = 4
PLANS = {"frames": ("slope",), "tracks": ("pace",), "both": ("slope", "wide", "pace", "both")}


@dataclass(frozen=True, slots=True)
class Done:
    """One examination with the report made right after it, and what the command line said then."""

    run: Examination
    report: Path
    lines: tuple[str, ...]
    facts: dict[str, object]


@dataclass(frozen=True, slots=True)
class Desk:
    engine: TrackEngine
    session: CaseSession
    item: EvidenceItem
    done: dict[str, Done]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    place = tmp_path_factory.mktemp("records")
    clip = write_astronaut_clip(place / "face.mp4", 12)
    with TrackEngine(place / "home") as engine:
        session = engine.create_case(place / "case", number="8", title="Records", examiner="A. Ruiz", question="?")
        done = engine.jobs.wait(session.import_files([clip]), 60)
        assert done.state is JobState.DONE, done.error
        item = session.evidence()[0]
        yield Desk(engine, session, item, {kind: examine(engine, session, item, PLANS[kind]) for kind in PLANS})
        session.close()


def examine(engine: TrackEngine, session: CaseSession, item: EvidenceItem, detectors: tuple[str, ...]) -> Done:
    for start in (lambda: session.examine(None, detectors, FRAMES), session.build_report):
        done = engine.jobs.wait(start(), 120)
        assert done.state is JobState.DONE, done.error
    lines, facts = tuple(score_lines(session, item)), exhibit_facts(session, item, {})
    return Done(session.examinations()[-1], Path(str(done.result["stored"])), lines, facts)


@pytest.mark.parametrize(("kind", "by_frame", "whole"), [("frames", 1, 0), ("tracks", 0, 1), ("both", 3, 2)])
def test_sums_add_up_for_every_kind_of_plan(desk: Desk, kind: str, by_frame: int, whole: int) -> None:
    """Detectors of single frames alone, of whole tracks alone, and both: in the case, on paper, at the command line."""
    session, item, done = desk.session, desk.item, desk.done[kind]
    cover, summaries = session.coverage(done.run.id, item.id), session.summaries(done.run.id, item.id)
    assert cover.examined == cover.with_face == FRAMES
    assert (cover.without_face, cover.unreadable, cover.errors) == (0, 0, 0)
    assert cover.scored + cover.abstained == FRAMES * by_frame
    assert len(summaries) == by_frame
    assert sum(s.frames_scored + s.frames_abstained + s.frames_error for s in summaries) == FRAMES * by_frame
    readings = session.track_readings(done.run.id, item.id)
    assert [r.status for r in readings] == [ItemStatus.OK] * whole
    tracks, said = done.facts["tracks"], done.facts["track_readings"]
    assert isinstance(tracks, list)
    assert isinstance(said, list)
    assert (len(tracks), len(said)) == (by_frame, whole)


@pytest.mark.parametrize(("kind", "whole"), [("frames", 0), ("tracks", 1), ("both", 2)])
def test_a_report_carries_the_readings_and_is_held_against_the_case(desk: Desk, kind: str, whole: int) -> None:
    done, item = desk.done[kind], desk.item
    _, twin = verify_report(done.report)
    assert twin is not None
    (entry,) = twin["exhibits"]  # type: ignore[misc]  # JSON: a list
    assert len(entry["readings"]) == whole
    outcome = check(desk.engine, done.report, desk.session.folder)
    assert outcome.ok, outcome.bad
    named = [line.detail for line in outcome.lines if line.subject == f"track readings of {item.exhibit}"]
    assert named == ([f"{whole}, as the case holds them"] if whole else [])


def test_a_reading_that_differs_from_the_printed_one_is_named(desk: Desk, tmp_path: Path) -> None:
    """A value changed in a copy of the case after the report was made."""
    report, folder = desk.done["tracks"].report, tmp_path / "copy"
    back_up(desk.session.store, folder)
    assert check(desk.engine, report, folder).ok
    raw = connect(folder / "case.sqlite")
    for name, _ in raw.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").fetchall():
        raw.execute(f"DROP TRIGGER {name}")
    raw.execute("UPDATE track_readings SET value = value + 1e-6 WHERE position = 1")
    raw.close()
    bad = [line.detail for line in check(desk.engine, report, folder).bad if desk.item.exhibit in line.subject]
    assert bad == ["the case holds other readings than printed"]


def test_an_excluded_track_counts_its_readings_as_a_whole_too(desk: Desk) -> None:
    """A track as a whole: its scores in every frame and its whole readings; one frame of it: the scores there alone."""
    session, item, run = desk.session, desk.item, desk.done["both"].run
    rows = session.frame_rows(run.id, item.id)
    session.editing.exclude(run.id, item.id, "a poster", track=rows[0].faces[0].track)
    session.editing.exclude(run.id, item.id, "a flare", pts=rows[0].frame.pts)
    found, covered = exclusions(session.store, item, run, rows)
    assert [(one.reason, one.readings) for one in found] == [("a poster", FRAMES * 3 + 2), ("a flare", 3)]
    assert covered == FRAMES * 3
    for _ in range(2):
        session.editing.undo()


def test_lines_of_the_command_line(desk: Desk) -> None:
    lines = desk.done["both"].lines
    at = next(number for number, line in enumerate(lines) if line.startswith("T1 wide"))
    assert "uncalibrated (lower = more like manipulated examples)" in lines[at]
    assert re.match(r"  face swap: 0\.\d\d \(0\.\d\d to 0\.\d\d\)$", lines[at + 1])
    assert lines[at + 2].startswith("  parts of the face replaced; reenactment; ")
    assert lines[at + 2].endswith(": not validated for this")
    at = next(number for number, line in enumerate(lines) if line.startswith("T1 pace, whole track (4 frames read)"))
    assert lines[at].endswith(": not validated for any kind of forgery; Brightness of the crops.")
    assert lines[at + 1].startswith("  brightness, spread: ")
    assert lines[at + 1].endswith("least to most, uncalibrated, exploratory")
    at = next(number for number, line in enumerate(lines) if line.startswith("T1 both, whole track"))
    assert "uncalibrated (higher = more like manipulated examples)" in lines[at]
    assert [line.partition(":")[0] for line in lines[at + 1 : at + 6]] == [f"  {name_of(k)}" for k in ForgeryClass]
    (slope,) = [line for line in lines if line.startswith("T1 slope")]
    assert slope == "T1 slope: not validated for any kind of forgery; 4 scored, 0 abstained, 0 failed"


def test_a_program_gets_every_number_with_the_kinds_it_is_validated_for(desk: Desk) -> None:
    facts = desk.done["both"].facts
    tracks, said = facts["tracks"], facts["track_readings"]
    assert isinstance(tracks, list)
    assert isinstance(said, list)
    found = {one["detector"]: (one["mean"], one["validated_for"]) for one in tracks}
    assert found["slope"][1] == []
    assert found["wide"][1] == ["face_swap"]
    assert all(0 < mean < 1 for mean, _ in found.values())
    assert [(one["detector"], len(one["validated_for"]), one["value"] is not None) for one in said] == [
        ("pace", 0, True),
        ("both", 5, True),
    ]


def test_the_embedded_results_say_for_what_each_detector_is_validated(desk: Desk) -> None:
    _, twin = verify_report(desk.done["both"].report)
    assert twin is not None
    (entry,) = twin["exhibits"]  # type: ignore[misc]  # JSON: a list
    assert entry["validated"] == {"slope": [], "wide": ["face_swap"], "pace": [], "both": list(ForgeryClass)}
    assert all(track["mean"] is not None for track in entry["tracks"])


def test_merged_tokens_and_another_card_are_validated_for_nothing(desk: Desk) -> None:
    run = desk.done["both"].run
    assert desk.session.validated(run)["wide"] == (ForgeryClass.FACE_SWAP,)
    uses = {use.id: use for use in run.plan.detectors}
    for change in ({"settings": {"merge": "2", "schedule": "even"}}, {"card_sha256": "f" * 64}):
        plan = replace(run.plan, detectors=(replace(uses["wide"], **change),))  # type: ignore[arg-type]  # by name
        assert desk.session.validated(replace(run, plan=plan)) == {"wide": ()}


def test_json_of_the_command_line(desk: Desk) -> None:
    done = desk.done["tracks"]
    (said,) = json.loads(json.dumps(done.facts["track_readings"]))
    (held,) = desk.session.track_readings(done.run.id, desk.item.id)
    assert (said["track"], said["value"], said["direction"]) == (1, held.value, "lower_is_manipulated")
    assert (said["calibrated"], said["frames"], said["abstention"]) == (False, list(held.frames), None)
    assert said["measures"][0]["label"] == "brightness, spread"


def test_the_peak_and_the_key_frame_of_a_falling_detector_are_its_lowest(desk: Desk) -> None:
    session, item, done = desk.session, desk.item, desk.done["both"]
    scores = {
        (result.detector, row.frame.ordinal): result.score
        for row in session.frame_rows(done.run.id, item.id)
        for face in row.faces
        for result in face.results
        if result.score is not None
    }
    best = {}
    for summary in session.summaries(done.run.id, item.id):
        mine = {ordinal: score for (name, ordinal), score in scores.items() if name == summary.detector}
        best[summary.detector] = (min if summary.detector == "wide" else max)(mine.values())
        assert summary.peak is not None
        assert mine[summary.peak.ordinal] == best[summary.detector]
    _, twin = verify_report(done.report)
    assert twin is not None
    (entry,) = twin["exhibits"]  # type: ignore[misc]  # JSON: a list
    chosen = {key["detector"]: key for key in entry["key_frames"]}
    assert {name: key["score"] for name, key in chosen.items()} == best
    assert chosen["wide"]["reason"].startswith("lowest score")
    assert chosen["slope"]["reason"].startswith("highest score")
    assert chosen["wide"]["burn"]["faces"][0]["falling"] is True
