"""Imports on a real case: sums that add up, duplicates, changes, cancel, a killed import that goes on (E1, E6, U6)."""

from __future__ import annotations

import hashlib
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from workstation.app.engine import Engine
from workstation.app.session import CaseSession
from workstation.domain.custody import CustodyKind
from workstation.domain.errors import InputError
from workstation.domain.intake import BatchState, IntakeState
from workstation.domain.jobs import Job, JobState


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with Engine(tmp_path / "home") as engine:
        yield engine


@pytest.fixture
def session(engine: Engine, tmp_path: Path) -> CaseSession:
    return engine.create_case(tmp_path / "case", number="1", title="t", examiner="E", question="?")


def picture(path: Path, seed: int, side: int = 24) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 255, (side, side, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def ended(engine: Engine, job: str) -> Job:
    done = engine.jobs.wait(job, 60)  # type: ignore[arg-type]
    assert done.state.ended
    return done


def bodies(session: CaseSession, kind: CustodyKind) -> list[dict[str, object]]:
    return [json.loads(event.body) for event in session.custody() if event.kind is kind]


def counts(result: object) -> tuple[int, ...]:
    assert isinstance(result, dict)
    parts = tuple(len(result[name]) for name in ("added", "duplicates", "refused", "left_out"))
    assert sum(parts) + result["waiting"] == result["total"]
    return parts


def test_a_folder_is_listed_in_the_case_and_every_file_accounted_for(
    engine: Engine, session: CaseSession, tmp_path: Path
) -> None:
    media = tmp_path / "media"
    first = picture(media / "a.png", 1)
    (media / "copy-of-a.png").write_bytes(first.read_bytes())
    picture(media / "inner" / "b.png", 2)
    (media / "empty.mp4").touch()
    (media / "notes.txt").write_text("not media")
    (media / ".thumb").write_bytes(b"x")
    (media / "link").symlink_to(first)
    job = ended(engine, session.import_files([media], "from a phone", "examination", "order 12/2026"))
    assert job.state is JobState.DONE, job.error
    assert counts(job.result) == (2, 1, 2, 2)
    assert [item.name for item in session.evidence()] == ["a.png", "b.png"]
    (batch,) = session.store.intake.batches()
    assert (batch.total, batch.added, batch.duplicates, batch.refused) == (7, 2, 1, 4)
    assert (batch.state, batch.waiting) == (BatchState.DONE, 0)
    assert (batch.note, batch.purpose, batch.authority) == ("from a phone", "examination", "order 12/2026")
    taken = bodies(session, CustodyKind.EVIDENCE_TAKEN_IN)
    assert all((body["purpose"], body["authority"]) == ("examination", "order 12/2026") for body in taken)
    digest = hashlib.sha256(first.read_bytes()).hexdigest()
    refused = bodies(session, CustodyKind.EVIDENCE_REFUSED)
    (same,) = [body for body in refused if body.get("sha256")]
    assert (same["sha256"], same["exhibit"], same["reason"]) == (digest, "EX-01", "duplicate of EX-01")
    assert same["source"] == str(media / "copy-of-a.png")
    sources = {source["source"] for body in refused for source in body.get("sources", [])}  # type: ignore[attr-defined]
    assert sources == {str(media / ".thumb"), str(media / "link")}
    assert {body["code"] for body in refused if "code" in body} == {
        "duplicate_evidence",
        "empty_file",
        "unreadable_media",
    }
    states = {Path(item.path).name: item for item in session.store.intake.items(batch.id)}
    assert states["copy-of-a.png"].state is IntakeState.DUPLICATE
    assert states["copy-of-a.png"].evidence == session.evidence()[0].id


def test_the_hash_is_the_first_thing_the_chain_says_about_a_file(
    engine: Engine, session: CaseSession, tmp_path: Path
) -> None:
    file = picture(tmp_path / "a.png", 1)
    ended(engine, session.import_files([file]))
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    naming = [event for event in session.custody() if session.evidence()[0].id in event.body]
    assert len(naming) > 3
    assert naming[0].kind is CustodyKind.EVIDENCE_TAKEN_IN
    assert json.loads(naming[0].body)["sha256"] == digest


def test_a_second_digest_comes_from_the_same_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKSTATION_SECOND_DIGEST", "md5")
    file = picture(tmp_path / "a.png", 1)
    with Engine(tmp_path / "home") as engine:
        session = engine.create_case(tmp_path / "case", number="1", title="t", examiner="E", question="?")
        ended(engine, session.import_files([file]))
        (body,) = bodies(session, CustodyKind.EVIDENCE_TAKEN_IN)
    assert body["digest_md5"] == hashlib.md5(file.read_bytes(), usedforsecurity=False).hexdigest()


def test_a_file_that_changed_since_the_listing_is_told(engine: Engine, session: CaseSession, tmp_path: Path) -> None:
    first, second = picture(tmp_path / "in" / "a.png", 1), picture(tmp_path / "in" / "b.png", 2)
    facts = [(str(p), p.stat().st_size, p.stat().st_mtime_ns) for p in (first, second)]
    batch = session.store.intake.begin(facts)
    session.store.intake.end(batch.id, BatchState.INTERRUPTED)
    picture(second, 3, side=30)
    job = ended(engine, session.resume_import(batch.id))
    assert job.result is not None
    assert counts(job.result) == (2, 0, 0, 0)
    (told,) = job.result["changed"]  # type: ignore[misc,attr-defined]
    assert "b.png" in told
    assert "bytes when listed" in told
    taken = bodies(session, CustodyKind.EVIDENCE_TAKEN_IN)
    assert "changed_since_listing" not in taken[0]
    assert "bytes now" in str(taken[1]["changed_since_listing"])


def test_a_file_gone_since_the_listing_is_refused_by_name(engine: Engine, session: CaseSession, tmp_path: Path) -> None:
    batch = session.store.intake.begin([(str(tmp_path / "gone.png"), 3, 3)])
    session.store.intake.end(batch.id, BatchState.FAILED)
    job = ended(engine, session.resume_import())
    assert counts(job.result) == (0, 0, 1, 0)
    assert "gone.png does not exist" in job.result["refused"][0]["line"]  # type: ignore[index]


def test_cancel_keeps_what_is_in_and_the_rest_is_offered_and_goes_on(
    engine: Engine, session: CaseSession, tmp_path: Path
) -> None:
    for number in range(6):
        picture(tmp_path / "in" / f"{number}.png", number)
    job = session.import_files([tmp_path / "in"])
    while not session.evidence():
        time.sleep(0.01)
    engine.jobs.cancel(job)
    assert ended(engine, job).state is JobState.CANCELLED
    kept = len(session.evidence())
    assert 0 < kept < 6
    left = session.unfinished()
    assert left.intake is not None
    assert left.intake.state is BatchState.CANCELLED
    waiting = left.intake.waiting  # the last one in may not have been ticked off
    assert 0 <= waiting - (6 - kept) <= 1
    assert f"{waiting} of 6 files" in left.lines()[0]
    done = ended(engine, session.resume_import())
    assert counts(done.result) == (6, 0, 0, 0)
    assert [item.name for item in session.evidence()] == [f"{number}.png" for number in range(6)]
    assert not session.unfinished()
    with pytest.raises(InputError):
        session.resume_import()


def test_progress_counts_bytes_over_the_whole_import(engine: Engine, session: CaseSession, tmp_path: Path) -> None:
    from workstation.domain.events import Event, JobChanged

    files = [picture(tmp_path / "in" / f"{n}.png", n, side=64) for n in range(3)]
    total = sum(file.stat().st_size for file in files)
    seen: list[Job] = []

    def listen(event: Event) -> None:
        if isinstance(event, JobChanged):
            seen.append(event.job)

    stop = engine.hub.subscribe(listen)
    job = ended(engine, session.import_files([tmp_path / "in"]))
    stop()
    assert (job.done, job.total, job.unit) == (total, total, "bytes")
    done = [j.done for j in seen if j.total == total]
    assert done == sorted(done)
    assert any("file 2 of 3: 1.png" in j.note for j in seen)


_IMPORT = """
import sys, os, signal
from pathlib import Path
from workstation.app import importing, taking_in
from workstation.app.engine import Engine
when, home, case, media = sys.argv[1:5]
count = 0
real = getattr(importing, "take_in")
def counted(*args, **more):
    global count
    count += 1
    if when == "before" and count == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    taken = real(*args, **more)
    if when == "after" and count == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return taken
importing.take_in = counted
engine = Engine(Path(home))
session = engine.open_case(Path(case))
engine.jobs.wait(session.import_files([Path(media)]))
"""


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_killed_import_is_offered_and_goes_on_without_a_double(tmp_path: Path, when: str) -> None:
    """Killed before a copy, and between the exhibit's record and its tick: nothing twice, nothing missing."""
    for number in range(5):
        picture(tmp_path / "in" / f"{number}.png", number)
    with Engine(tmp_path / "home") as engine:
        engine.create_case(tmp_path / "case", number="1", title="t", examiner="E", question="?").close()
    script = [sys.executable, "-c", _IMPORT, when, *map(str, (tmp_path / "home", tmp_path / "case", tmp_path / "in"))]
    killed = subprocess.run(script, capture_output=True, text=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    with Engine(tmp_path / "home") as engine:
        session = engine.open_case(tmp_path / "case")
        assert len(session.evidence()) == (2 if when == "before" else 3)
        left = session.unfinished()
        assert left.intake is not None
        assert (left.intake.state, left.intake.waiting) == (BatchState.INTERRUPTED, 3)
        job = ended(engine, session.resume_import())
        assert counts(job.result) == (5, 0, 0, 0)
        items = session.evidence()
        assert [item.name for item in items] == [f"{number}.png" for number in range(5)]
        assert all(session.thumbnail(item.id) for item in items)
        assert all(session.streams(item.id) for item in items)
        assert engine.verify_case(tmp_path / "case").ok
        session.close()
