"""The main job end to end: media made here, a case, an examination, a signed report, and ways to break them (G7)."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from workstation.app import reporting
from workstation.app.engine import Engine
from workstation.app.planning import default_detectors
from workstation.detectors import registry
from workstation.domain.errors import IntegrityMismatch, error_from_code
from workstation.domain.examinations import ExaminationState
from workstation.domain.jobs import JobState
from workstation.domain.results import ItemStatus


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the demo case, made through the command line in a process of its own, and its home."""
    folder = tmp_path_factory.mktemp("demo")
    done = subprocess.run(
        [sys.executable, "-m", "workstation", "demo", "--output", str(folder / "case"), "--frames", "12", "--json"],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"WORKSTATION_HOME": str(folder / "home")},
    )
    assert done.returncode == 0, done.stderr
    (folder / "facts.json").write_text(done.stdout, encoding="utf-8")
    return folder


@pytest.fixture
def copy(demo: Path, tmp_path: Path) -> Path:
    """A copy of the demo that a test may break."""
    shutil.copytree(demo / "case", tmp_path / "case")
    shutil.copytree(demo / "home", tmp_path / "home")
    return tmp_path


def report_of(folder: Path) -> Path:
    return next((folder / "case" / "reports").glob("*.pdf"))


def flip(path: Path, offset: int) -> None:
    mode = path.stat().st_mode
    path.chmod(0o644)
    data = bytearray(path.read_bytes())
    data[offset] ^= 1
    path.write_bytes(bytes(data))
    path.chmod(mode)


def test_the_demo_examines_reports_and_verifies(demo: Path) -> None:
    facts = json.loads((demo / "facts.json").read_text(encoding="utf-8"))
    assert facts["verification"]["ok"] is True
    assert len(facts["exhibits"]) == 2
    for exhibit in facts["exhibits"]:
        cover = exhibit["coverage"]
        assert cover["examined"] == 12 == cover["with_face"] + cover["without_face"] + cover["unreadable"]
        assert cover["with_face"] == 12
        assert {track["track"] for track in exhibit["tracks"] if track["frames_scored"]} == {1}
        assert all(track["frames_scored"] == 12 for track in exhibit["tracks"] if track["track"] == 1)


def test_the_demo_runs_what_earned_its_place_and_says_what_it_left_out(demo: Path) -> None:
    """Whoever names no detector gets no score of one that is validated for no kind of forgery (V3, V4)."""
    facts = json.loads((demo / "facts.json").read_text(encoding="utf-8"))
    default = default_detectors(registry.installed())
    assert facts["left_out"] == [package.card.id for package in default.left_out]
    ran = {track["detector"] for exhibit in facts["exhibits"] for track in exhibit["tracks"]}
    assert ran == {package.card.id for package in default.chosen}


def test_the_manipulated_clip_scores_higher_than_its_untouched_twin(demo: Path) -> None:
    """What the embedded detectors are for, on material they were not trained on: the locator must do so."""
    facts = json.loads((demo / "facts.json").read_text(encoding="utf-8"))
    means = {
        exhibit["name"]: {track["detector"]: track["mean"] for track in exhibit["tracks"]}
        for exhibit in facts["exhibits"]
    }
    name = "fakelocator-small"
    assert means["manipulated.mp4"][name] > means["untouched.mp4"][name]


def test_every_map_of_the_case_lies_between_zero_and_one(demo: Path, tmp_path: Path) -> None:
    with Engine(tmp_path / "home") as engine:
        session = engine.open_case(demo / "case", read_only=True)
        run = session.examinations()[-1]
        seen = 0
        for item in session.evidence():
            for row in session.frame_rows(run.id, item.id):
                for face in row.faces:
                    for result in face.results:
                        if result.status is ItemStatus.OK and result.map_digest:
                            values = session.map_values(result.map_digest)
                            assert 0 <= values.min() <= values.max() <= 1
                            seen += 1
        # Two exhibits of 12 frames, and a map from each detector that gives one.
        giving = [p for p in default_detectors(registry.installed()).chosen if p.card.output.map_size]
        assert len(giving) >= 2
        assert seen == 2 * 12 * len(giving)


def test_an_untouched_copy_verifies_on_another_machine(copy: Path) -> None:
    with Engine(copy / "elsewhere") as engine:
        assert engine.verify_case(copy / "case").ok
        assert reporting.check(engine, report_of(copy), copy / "case").ok


def test_one_flipped_byte_in_the_report_is_named(copy: Path) -> None:
    report = report_of(copy)
    flip(report, report.stat().st_size // 2)
    with Engine(copy / "home") as engine:
        outcome = reporting.check(engine, report, copy / "case")
        assert not outcome.ok
        assert any("report" in line.subject or "signature" in line.subject for line in outcome.bad)
        case = engine.verify_case(copy / "case")
        assert any("report" in line.subject for line in case.bad)


def test_one_flipped_byte_in_an_exhibit_is_named_and_blocks_the_next_report(copy: Path) -> None:
    """E5: a mismatch is named, shown, recorded and blocks the report."""
    original = next(p for p in (copy / "case" / "evidence").rglob("*") if p.is_file())
    flip(original, 100)
    with Engine(copy / "home") as engine:
        case = engine.verify_case(copy / "case")
        assert [line.subject for line in case.bad if "EX-0" in line.subject]
        outcome = reporting.check(engine, report_of(copy), copy / "case")
        assert [line.subject for line in outcome.bad if "EX-0" in line.subject]
        session = engine.open_case(copy / "case")
        job = engine.jobs.wait(session.build_report(), 120)
        assert job.state is JobState.FAILED
        assert isinstance(error_from_code(job.error_code, ""), IntegrityMismatch)
        assert any(str(item.integrity) == "MISMATCH" for item in session.evidence())


def rewrite(case: Path, *statements: str) -> None:
    """Change the database with a foreign program that knows no triggers."""
    with sqlite3.connect(case / "case.sqlite") as connection:
        names = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in names:
            connection.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            connection.execute(statement)
        for _, sql in names:
            connection.execute(sql)
    connection.close()


def custody_table(case: Path) -> str:
    with sqlite3.connect(case / "case.sqlite") as connection:
        names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    connection.close()
    return next(name for name in names if "custody" in name and "head" not in name)


def test_one_changed_custody_row_is_named(copy: Path) -> None:
    """E7: editing a row is found and the row is named."""
    rewrite(copy / "case", f"UPDATE {custody_table(copy / 'case')} SET actor = 'Nobody' WHERE seq = 3")
    with Engine(copy / "home") as engine:
        outcome = engine.verify_case(copy / "case")
    assert any("3" in line.subject + line.detail and "custody" in line.subject for line in outcome.bad), outcome.bad


def test_a_cut_custody_tail_is_named_here_and_elsewhere(copy: Path) -> None:
    """E7: deleting the last rows is found by the workstation's pins and, elsewhere, by the report's own."""
    table = custody_table(copy / "case")
    rewrite(copy / "case", f"DELETE FROM {table} WHERE seq > (SELECT max(seq) - 5 FROM {table})")
    with Engine(copy / "home") as engine:
        outcome = engine.verify_case(copy / "case")
        assert any("custody" in line.subject for line in outcome.bad)
    with Engine(copy / "elsewhere") as engine:
        assert not engine.verify_case(copy / "case").ok
        outcome = reporting.check(engine, report_of(copy), copy / "case")
        assert any("custody" in line.subject for line in outcome.bad)


def test_an_examination_killed_in_the_middle_goes_on_where_it_stopped(demo: Path, tmp_path: Path) -> None:
    """A killed program loses at most the batch in flight and offers to continue (U6)."""
    case, home = tmp_path / "case", tmp_path / "home"
    code = (
        "import sys, threading, os\nfrom pathlib import Path\nfrom workstation.app.engine import Engine\n"
        "from workstation.domain.events import ExaminationChanged\n"
        "e = Engine(Path(sys.argv[2]))\n"
        "s = e.create_case(Path(sys.argv[1]), number='1', title='t', examiner='e', question='q')\n"
        "e.jobs.wait(s.import_files([Path(sys.argv[3])]))\n"
        "e.hub.subscribe(lambda v: print('batch', flush=True) if isinstance(v, ExaminationChanged) and v.ordinals"
        " else None)\n"
        "s.examine(frames=0)\nsys.stdin.read()\n"
    )
    clip = demo / "case-media" / "untouched.mp4"
    child = subprocess.Popen(
        [sys.executable, "-c", code, str(case), str(home), str(clip)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with child:
        assert child.stdout is not None
        assert child.stdout.readline().strip() == "batch"
        child.send_signal(signal.SIGKILL)
    with Engine(home) as engine:
        assert engine.verify_case(case).ok
        session = engine.open_case(case)
        (run,) = session.examinations()
        assert run.state is ExaminationState.INTERRUPTED
        evidence = run.plan.evidence[0]
        before = {row.frame.ordinal: row for row in session.frame_rows(run.id, evidence)}
        assert 0 < len(before) < 75
        started = time.monotonic()
        job = engine.jobs.wait(session.resume(run.id), 240)
        assert job.state is JobState.DONE, (job.error, time.monotonic() - started)
        after = {row.frame.ordinal: row for row in session.frame_rows(run.id, evidence)}
        assert sorted(after) == list(range(75))
        assert all(after[ordinal] == row for ordinal, row in before.items())
        assert all(1 in {face.track_number for face in row.faces} for row in after.values())


def test_the_same_exhibit_examined_twice_gives_the_same_result(demo: Path, copy: Path) -> None:
    """Same exhibit, same package, same device: same scores and same maps."""
    with Engine(copy / "home") as engine:
        session = engine.open_case(copy / "case")
        (first,) = session.examinations()
        job = engine.jobs.wait(session.examine(frames=12), 240)
        assert job.state is JobState.DONE, job.error
        second = session.examinations()[-1]
        for evidence in first.plan.evidence:
            one, two = session.frame_rows(first.id, evidence), session.frame_rows(second.id, evidence)
            assert [r.frame for r in one] == [r.frame for r in two]
            for a, b in zip(one, two, strict=True):
                for x, y in zip(a.faces, b.faces, strict=True):
                    assert [(r.score, r.map_digest) for r in x.results] == [(r.score, r.map_digest) for r in y.results]
