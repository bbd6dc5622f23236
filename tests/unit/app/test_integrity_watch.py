"""One flipped byte: found on opening and on schedule, kept in the chain, no report until it is whole again (E5)."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from workstation.app.engine import Engine
from workstation.app.integrity import glance
from workstation.app.session import CaseSession
from workstation.app.watching import Watch
from workstation.domain.custody import CustodyKind
from workstation.domain.errors import IntegrityMismatch
from workstation.domain.evidence import IntegrityState
from workstation.domain.ids import JobId
from workstation.domain.jobs import Job, JobState, Lane


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with Engine(tmp_path / "home") as engine:
        yield engine


@pytest.fixture
def case(engine: Engine, tmp_path: Path) -> Path:
    """A closed case with two exhibits."""
    session = engine.create_case(tmp_path / "case", number="1", title="t", examiner="E", question="?")
    files = []
    for seed in (1, 2):
        pixels = np.random.default_rng(seed).integers(0, 255, (24, 24, 3), dtype=np.uint8)
        files.append(tmp_path / f"{seed}.png")
        Image.fromarray(pixels).save(files[-1])
    engine.jobs.wait(session.import_files(files), 60)
    session.close()
    return tmp_path / "case"


def original(session: CaseSession, place: int = 0) -> Path:
    return session.folder / session.evidence()[place].stored_path


def flip(path: Path, at: int = -20) -> None:
    path.chmod(0o600)
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(bytes(data))
    path.chmod(0o444)


def background(engine: Engine) -> list[Job]:
    return [job for job in engine.jobs.all() if job.background]


def settle(engine: Engine) -> None:
    for job in background(engine):
        assert engine.jobs.wait(job.id, 30).state is JobState.DONE, job.error


def kinds(session: CaseSession, kind: CustodyKind) -> list[str]:
    return [str(json.loads(event.body)["exhibit"]) for event in session.custody() if event.kind is kind]


def test_a_flipped_byte_is_found_on_opening_and_blocks_the_report_until_it_is_whole(engine: Engine, case: Path) -> None:
    session = engine.open_case(case)
    flip(original(session))
    session.close()
    session = engine.open_case(case)
    session.watch()
    settle(engine)
    states = [item.integrity for item in session.evidence()]
    assert states == [IntegrityState.MISMATCH, IntegrityState.VERIFIED]
    assert kinds(session, CustodyKind.EVIDENCE_MISMATCH) == ["EX-01"]
    report = engine.jobs.wait(session.build_report(), 60)
    assert (report.state, report.error_code) == (JobState.FAILED, "integrity_mismatch")
    assert "EX-01" in report.error
    with pytest.raises(IntegrityMismatch, match="EX-01"):
        session.examine()
    flip(original(session))
    done = engine.jobs.wait(session.verify_evidence(), 30)
    assert done.result == {"verified": ["EX-01", "EX-02"], "mismatch": [], "unhashed": []}
    assert all(item.integrity is IntegrityState.VERIFIED for item in session.evidence())
    again = engine.jobs.wait(session.build_report(), 60)
    assert again.error_code == "report"  # nothing was examined: the exhibits no longer stand in the way
    assert kinds(session, CustodyKind.EVIDENCE_MISMATCH) == ["EX-01", "EX-01"]
    assert "EX-01" in kinds(session, CustodyKind.EVIDENCE_VERIFIED)
    session.close()


def test_an_original_that_was_written_to_is_hashed_before_it_is_examined(engine: Engine, case: Path) -> None:
    session = engine.open_case(case)
    flip(original(session))
    done = engine.jobs.wait(session.examine(), 60)
    assert (done.state, done.error_code) == (JobState.FAILED, "integrity_mismatch")
    assert "it is not examined" in done.error
    assert session.evidence()[0].integrity is IntegrityState.MISMATCH
    assert session.examinations() == ()
    session.close()


def test_a_missing_and_a_shortened_original_are_told_without_hashing(engine: Engine, case: Path) -> None:
    session = engine.open_case(case)
    first, second = original(session, 0), original(session, 1)
    first.unlink()
    second.chmod(0o600)
    os.truncate(second, 10)
    items = session.evidence()
    assert glance(session.store, items[0]).state is IntegrityState.MISSING
    assert glance(session.store, items[1]).state is IntegrityState.MISMATCH
    done = engine.jobs.wait(session.verify_evidence(), 30)
    assert done.result == {"verified": [], "mismatch": ["EX-01", "EX-02"], "unhashed": []}
    session.close()


@pytest.mark.parametrize(
    ("touch", "words"),
    [
        (lambda path: os.utime(path, (time.time() + 5, time.time() + 5)), "written to since"),
        (lambda path: path.chmod(0o644), "can be written to"),
    ],
    ids=["time", "mode"],
)
def test_a_quick_look_hashes_only_what_is_in_doubt(
    engine: Engine, case: Path, touch: Callable[[Path], None], words: str
) -> None:
    engine.settings.verify_on_open = "quick"
    session = engine.open_case(case)
    assert glance(session.store, session.evidence()[0]).doubt == ""
    touch(original(session))
    assert words in glance(session.store, session.evidence()[0]).doubt
    session.watch()
    settle(engine)
    (job,) = background(engine)
    assert job.result == {"verified": ["EX-01"], "mismatch": [], "unhashed": ["EX-02"]}
    session.close()


def test_a_flip_that_keeps_size_and_time_needs_the_full_look(engine: Engine, case: Path) -> None:
    session = engine.open_case(case)
    path = original(session)
    before = path.stat()
    flip(path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert glance(session.store, session.evidence()[0]).doubt == ""
    session.watch()
    settle(engine)
    assert session.evidence()[0].integrity is IntegrityState.MISMATCH
    session.close()


def test_the_settings_turn_it_off_and_reading_only_never_verifies(engine: Engine, case: Path) -> None:
    engine.settings.verify_on_open = "off"
    engine.settings.verify_every_hours = 0
    session = engine.open_case(case)
    session.watch()
    session.close()
    reader = engine.open_case(case, read_only=True)
    engine.settings.verify_on_open = "full"
    reader.watch()
    assert background(engine) == []
    reader.close()


def test_the_schedule_verifies_again_and_ends_with_the_case(engine: Engine, case: Path) -> None:
    engine.settings.verify_on_open = "off"
    engine.settings.verify_every_hours = 0.3 / 3600
    session = engine.open_case(case)
    before = len(session.custody())
    session.watch()
    until = time.monotonic() + 20
    while len(session.custody()) < before + 4 and time.monotonic() < until:
        time.sleep(0.05)
    assert kinds(session, CustodyKind.EVIDENCE_VERIFIED)[-4:] == ["EX-01", "EX-02"] * 2
    session.close()
    assert "watch" not in {thread.name for thread in threading.enumerate()}
    ended = len(engine.jobs.all())
    time.sleep(0.5)
    assert len(engine.jobs.all()) == ended


def test_a_verification_under_way_is_not_asked_for_twice() -> None:
    asked: list[bool] = []

    def ask(full: bool) -> JobId:
        asked.append(full)
        return JobId(str(len(asked)))

    watch = Watch(ask, lambda _: True, 0.02 / 3600)
    watch.begin("full")
    time.sleep(0.2)
    watch.close()
    watch.close()
    assert asked == [True]


def test_a_background_verification_never_stands_before_an_import(engine: Engine, case: Path, tmp_path: Path) -> None:
    go = threading.Event()
    session = engine.open_case(case)
    held = session.submit(Lane.CHECK, "held", lambda _: {"went": go.wait(20)}, "bytes", background=True)
    Image.new("RGB", (9, 9)).save(tmp_path / "third.png")
    job = engine.jobs.wait(session.import_files([tmp_path / "third.png"]), 20)
    assert job.state is JobState.DONE
    go.set()
    assert engine.jobs.wait(held, 20).state is JobState.DONE
    session.close()
