"""Single-sample clustering through the real engine: filed, repeatable, refused where it has no pool (E4, X2, X10)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.fakes.clips import astronaut_frames
from workstation.app.clustering import ClusterRequest, NamedFace, submit_clustering
from workstation.app.engine import Engine
from workstation.app.session import CaseSession
from workstation.cli.main import run
from workstation.domain.custody import CustodyKind
from workstation.domain.derived import DerivedKind
from workstation.domain.errors import CaseReadOnly, DetectorNotFound, InputError, NotFound
from workstation.domain.jobs import Job, JobState
from workstation.media.clips import write_clip

FRAMES = 12
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """(home, case): two clips of one face, the second tinted and grainy, examined; and a picture of their own kind."""
    folder = tmp_path_factory.mktemp("clustering")
    random = np.random.default_rng(0)
    frames = list(astronaut_frames(FRAMES))
    other = [np.clip(f * (0.6, 0.8, 1.1) + random.normal(0, 14, f.shape), 0, 255).astype(np.uint8) for f in frames]
    write_clip(folder / "plain.mp4", iter(frames))
    write_clip(folder / "grainy.mp4", iter(other))
    with Engine(folder / "home") as engine:
        session = engine.create_case(folder / "case", number="9", title="Pool", examiner="A. Ruiz", question="?")
        for name in ("plain.mp4", "grainy.mp4"):
            _done(engine, engine.jobs.wait(session.import_files([folder / name]), 60))
        _done(engine, engine.jobs.wait(session.examine(None, ["fakelocator-small"], FRAMES), 240))
        _done(engine, engine.jobs.wait(session.examine([session.evidence()[0].id], ["fakelocator-small"], 5), 240))
        session.close()
    return folder / "home", folder / "case"


def _done(engine: Engine, job: Job) -> Job:
    assert job.state is JobState.DONE, job.error
    return job


@pytest.fixture
def desk(case: tuple[Path, Path]) -> Iterator[tuple[Engine, CaseSession, ClusterRequest]]:
    home, folder = case
    with Engine(home) as engine:
        session = engine.open_case(folder)
        examined = session.examinations()[0]
        named = NamedFace(session.evidence()[1].id, 1, "manipulated")
        yield engine, session, ClusterRequest(examined.id, named, runs=3)
        session.close()


def test_the_outcome_is_filed_as_a_derived_item_and_comes_out_alike_again(
    desk: tuple[Engine, CaseSession, ClusterRequest],
) -> None:
    engine, session, request = desk
    before = len(session.custody())
    first = _done(engine, engine.jobs.wait(submit_clustering(engine, session, request), 240)).result or {}
    again = _done(engine, engine.jobs.wait(submit_clustering(engine, session, request), 240)).result or {}
    items = [item for item in session.store.derived.every() if item.operation == "clustering"][-2:]
    assert [item.number for item in items] == [first["derived"], again["derived"]]
    item = items[0]
    assert item.kind is DerivedKind.DERIVATIVE
    assert not item.exported
    assert item.parent == request.named.evidence
    data = session.store.files.read(item.path)
    assert hashlib.sha256(data).hexdigest() == item.sha256 == first["sha256"]
    # The same seeds over the same faces: the file has the same bytes.
    assert session.store.files.read(items[1].path) == data
    outcome = json.loads(data)
    assert outcome["pool"] == 2 * FRAMES == len(outcome["faces"])
    assert {(row["exhibit"], row["track"]): row["faces"] for row in outcome["tracks"]} == {
        ("EX-01", 1): FRAMES,
        ("EX-02", 1): FRAMES,
    }
    shares = {row["exhibit"]: row["share"] for row in outcome["tracks"]}
    assert shares["EX-02"] > 0.9
    assert shares["EX-01"] < 0.1
    assert outcome["named"]["label"] == "manipulated"
    assert outcome["detector"]["weights_sha256"] == item.parameters["detector"]["weights_sha256"]  # type: ignore[index]
    assert any("Exploratory and uncalibrated" in line for line in outcome["caution"])
    assert any("pool from one unknown source" in line for line in outcome["caution"])
    new = session.custody()[before:]
    assert [event.kind for event in new if event.kind is CustodyKind.DERIVED] == [CustodyKind.DERIVED] * 2


def test_a_named_frame_is_in_the_pool_though_it_was_not_drawn(
    desk: tuple[Engine, CaseSession, ClusterRequest],
) -> None:
    engine, session, request = desk
    rows = session.frame_rows(request.examination, request.named.evidence)
    ordinal = rows[4].frame.ordinal
    wish = replace(request, per_track=10, named=replace(request.named, ordinal=ordinal, label="genuine"))
    result = _done(engine, engine.jobs.wait(submit_clustering(engine, session, wish), 240)).result or {}
    assert result["named"]["frame"] == ordinal  # type: ignore[index]
    assert result["pool"] in (20, 21)
    faces = [f for f in result["faces"] if f["exhibit"] == "EX-02" and f["frame"] == ordinal]  # type: ignore[attr-defined]
    assert [face["share"] for face in faces] == [1.0]


def test_without_a_pool_it_is_refused_and_says_why(desk: tuple[Engine, CaseSession, ClusterRequest]) -> None:
    engine, session, request = desk
    single = session.examinations()[1]
    wish = ClusterRequest(single.id, NamedFace(session.evidence()[0].id, 1, "genuine"))
    job = engine.jobs.wait(submit_clustering(engine, session, wish), 60)
    assert job.state is JobState.FAILED
    assert "5 usable faces, and 20 are needed" in job.error
    assert "one exhibit's single face" in job.error
    few = replace(request, per_track=2)
    assert "4 usable faces" in engine.jobs.wait(submit_clustering(engine, session, few), 60).error


def test_what_cannot_be_done_is_refused_before_it_is_queued(
    desk: tuple[Engine, CaseSession, ClusterRequest],
) -> None:
    engine, session, request = desk
    named = request.named
    for wish, error, said in (
        (replace(request, named=replace(named, label="fake")), InputError, "manipulated or genuine"),
        (replace(request, named=replace(named, track=7)), NotFound, "T7"),
        (replace(request, named=replace(named, ordinal=9999)), InputError, "no usable face at frame 9999"),
        (replace(request, examination=session.examinations()[1].id), InputError, "EX-02 is not part"),
        (replace(request, detector="clip-ln-small"), DetectorNotFound, "family fakelocator"),
        (replace(request, runs=0), InputError, "runs"),
    ):
        with pytest.raises(error, match=said):
            submit_clustering(engine, session, wish)


def test_it_is_cancelled_between_two_runs_and_files_nothing(desk: tuple[Engine, CaseSession, ClusterRequest]) -> None:
    engine, session, request = desk
    before = len(session.store.derived.every())
    job = submit_clustering(engine, session, replace(request, runs=100))
    while not engine.jobs.wait(job, 0.05).done >= 1:
        pass
    engine.jobs.cancel(job)
    assert engine.jobs.wait(job, 120).state is JobState.CANCELLED
    assert len(session.store.derived.every()) == before


def test_a_case_open_for_reading_is_left_alone(desk: tuple[Engine, CaseSession, ClusterRequest]) -> None:
    engine, session, request = desk
    with Engine(engine.home.root) as second:
        reading = second.open_case(session.folder, read_only=True)
        with pytest.raises(CaseReadOnly):
            submit_clustering(second, reading, request)
        reading.close()


def test_the_command_clusters_and_says_that_it_is_exploratory(
    case: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home, folder = case
    monkeypatch.setenv("WORKSTATION_HOME", str(home))
    common = ["cluster", str(folder), "--examination", "1", "--named", "EX-02:T1", "--as", "manipulated", "--runs", "2"]
    assert _code([*common, "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["pool"] == 2 * FRAMES
    assert len(facts["runs"]) == 2
    assert _code(common) == 0
    shown = capsys.readouterr().out
    assert "EX-02    T1     12     1.00" in shown
    assert "Exploratory and uncalibrated" in shown
    for wrong, said in ((["EX-02"], "names no face"), (["EX-02:T9"], "T9")):
        changed = [*common[:5], *wrong, *common[6:]]
        assert _code(changed) == 2
        assert said in capsys.readouterr().err
    assert _code([*common[:3], "8", *common[4:]]) == 2
    assert "no examination 8" in capsys.readouterr().err
    assert _code(["case", "verify", str(folder)]) == 0
    capsys.readouterr()
    assert _code(["evidence", "remake", str(folder), facts["derived"], "--json"]) == 0
    (made,) = json.loads(capsys.readouterr().out)["remade"]
    assert made["same"]
    assert made["sha256"] == facts["sha256"]


def _code(arguments: list[str]) -> int:
    try:
        run(arguments)
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 0
    return 0
