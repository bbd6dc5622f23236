"""After a stop of any kind: what was unfinished is named and gone on with; a stop that was asked for is clean (U6)."""

from __future__ import annotations

import hashlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.marked_engine import MarkedEngine
from tests.fakes.pattern_engine import PatternEngine
from tests.harness.aftermath import BATCH, finished, leftovers
from tests.harness.disks import leave_free, memory_disk
from tests.harness.instruments import Plan
from tests.harness.quick_engine import KnownFace, write_face_clip
from tests.harness.workbench import Nursery, Place, Running
from workstation.detectors import runtime
from workstation.domain.custody import CustodyKind
from workstation.domain.errors import CaseError
from workstation.domain.events import Event, ExaminationChanged
from workstation.domain.examinations import ExaminationState
from workstation.domain.jobs import JobContext, JobState, Lane
from workstation.storage.case_store import CaseStore
from workstation.storage.verification import verify_case

FRAMES = 32


@pytest.fixture(scope="module")
def nursery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    with Nursery(tmp_path_factory.mktemp("recovery")) as made:
        yield made


@pytest.fixture(scope="module")
def taken_in(nursery: Nursery, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A case with one exhibit."""
    place = Place(tmp_path_factory.mktemp("base") / "base")
    clip = write_face_clip(place.root / "clip.mp4", FRAMES)
    for arguments in (("case", "create", place.case), ("evidence", "add", place.case, clip)):
        assert nursery.run(place.home, *arguments).code == 0
    return place


@pytest.fixture
def place(taken_in: Place, tmp_path: Path) -> Place:
    return taken_in.copy(tmp_path / "place")


def states(place: Place) -> list[ExaminationState]:
    with CaseStore.open(place.case, key=None, read_only=True) as case:
        return [run.state for run in case.examinations()]


def examined(place: Place) -> tuple[set[int], list[str]]:
    """Frames with a row in the newest examination, and the errors among them."""
    with CaseStore.open(place.case, key=None, read_only=True) as case:
        run = case.examinations()[-1]
        rows = case.frame_rows(run.id, run.plan.evidence[0])
        return {row.frame.ordinal for row in rows}, [row.error for row in rows if row.error]


def start_and_wait(nursery: Nursery, place: Place, batches: int = 1) -> Running:
    """An examination of every frame, with so many batches committed."""
    running = nursery.start(place.home, "examine", place.case, "--frames", "all")
    running.wait_for("rows", batches)
    return running


def last_kinds(place: Place, count: int) -> list[CustodyKind]:
    with CaseStore.open(place.case, key=None, read_only=True) as case:
        return [event.kind for event in case.custody()[-count:]]


def test_a_killed_examination_is_offered_and_gone_on_with(nursery: Nursery, place: Place) -> None:
    """At most one batch is done again; the command to go on with is told by every look at the case."""
    running = start_and_wait(nursery, place, 2)
    os.killpg(running.pid, signal.SIGKILL)
    killed = running.wait()
    assert killed.killed
    stored = examined(place)[0]
    assert len(stored) < FRAMES
    assert states(place) == [ExaminationState.INTERRUPTED], "a reader sees that nobody carries it on"
    shown = nursery.run(place.home, "case", "show", place.case)
    assert "Examination 1 was interrupted" in shown.stdout
    assert "workstation examine CASE --resume" in shown.stdout
    resumed = nursery.run(place.home, "examine", place.case, "--resume")
    assert resumed.code == 0, resumed.stderr
    begun = sum(line["frames"] for line in killed.of("batch") + resumed.of("batch"))
    assert FRAMES <= begun <= FRAMES + BATCH
    assert examined(place) == (set(range(FRAMES)), [])
    assert "resume" not in nursery.run(place.home, "case", "show", place.case).stdout
    nothing = nursery.run(place.home, "examine", place.case, "--resume")
    assert nothing.code == 2
    assert finished(place) == []


@pytest.mark.harness
def test_a_killed_import_is_offered_and_gone_on_with(nursery: Nursery, place: Place) -> None:
    more = [write_face_clip(place.root / f"more-{number}.mp4", 8, number + 5) for number in range(3)]
    running = nursery.start(place.home, "evidence", "add", place.case, *more)
    running.wait_for("exhibit")
    os.killpg(running.pid, signal.SIGKILL)
    assert running.wait().killed
    shown = nursery.run(place.home, "case", "show", place.case)
    assert "workstation evidence add CASE --resume" in shown.stdout, shown.stdout
    resumed = nursery.run(place.home, "evidence", "add", place.case, "--resume")
    assert resumed.code == 0, resumed.stderr
    with CaseStore.open(place.case, key=None, read_only=True) as case:
        assert sorted(item.name for item in case.evidence()) == ["clip.mp4", *(path.name for path in more)]
    assert finished(place) == []


@pytest.mark.parametrize(
    ("number", "whole"),
    [
        (signal.SIGTERM, False),
        (signal.SIGINT, True),
        pytest.param(signal.SIGHUP, True, marks=pytest.mark.harness),
    ],
    ids=["terminated", "ctrl-c", "terminal closed"],
)
def test_a_stop_that_is_asked_for_is_clean(nursery: Nursery, place: Place, number: signal.Signals, whole: bool) -> None:
    """Cancelled and closed, exit code 11, no process left, and no frame blamed on the decoder; a terminal and a system
    that shuts down signal every process, the decoder's too."""
    running = start_and_wait(nursery, place)
    if whole:
        os.killpg(running.pid, number)
    else:
        os.kill(running.pid, number)
    outcome = running.wait()
    assert outcome.code == 11, outcome.stderr
    assert outcome.stderr.count("\n") == 1, outcome.stderr
    assert outcome.left == ()
    assert states(place) == [ExaminationState.CANCELLED]
    done, errors = examined(place)
    assert len(done) >= BATCH
    assert errors == []
    assert last_kinds(place, 2) == [CustodyKind.EXAMINATION_ENDED, CustodyKind.CASE_CLOSED]
    assert leftovers(place) == []
    assert nursery.run(place.home, "examine", place.case, "--resume").code == 0
    assert examined(place) == (set(range(FRAMES)), [])
    assert verify_case(place.case).ok


@pytest.mark.harness
def test_a_stop_while_a_report_is_built(nursery: Nursery, place: Place) -> None:
    """Nothing half made: no report at all, or a whole one that is recorded."""
    assert nursery.run(place.home, "examine", place.case, "--frames", "8").code == 0
    running = nursery.start(place.home, "report", "build", place.case, "-o", place.exports / "r.pdf")
    running.wait_for("event", 2)
    os.kill(running.pid, signal.SIGTERM)
    outcome = running.wait()
    assert outcome.code in (0, 11), outcome.stderr
    with CaseStore.open(place.case, key=None, read_only=True) as case:
        assert bool(case.reports()) >= (place.exports / "r.pdf").exists()
    assert finished(place) == []


def test_closing_while_a_job_runs(tmp_path: Path) -> None:
    """What was committed stays; the job is cancelled and waited for; nothing can be queued any more."""
    clip = write_face_clip(tmp_path / "clip.mp4", FRAMES)
    with MarkedEngine(tmp_path / "home") as engine:
        session = engine.create_case(tmp_path / "case", number="1", title="t", examiner="E", question="q")
        assert engine.jobs.wait(session.import_files([clip]), 60).state is JobState.DONE
        order = []

        def slow(context: JobContext) -> dict[str, object]:
            while not context.cancelled():
                session.store.record(CustodyKind.EXPORTED, {})
            order.append("ended")
            context.raise_if_cancelled()
            return {}

        first = session.submit(Lane.IO, "slow", slow, "events")
        second = session.submit(Lane.IO, "never", slow, "events")
        while len(session.custody()) < 12:
            pass
        session.close()
        assert order == ["ended"], "closing waits until nothing writes"
        assert [engine.jobs.get(job).state for job in (first, second)] == [JobState.CANCELLED] * 2
        with pytest.raises(CaseError):
            session.submit(Lane.IO, "late", slow, "events")
    assert not list((tmp_path / "case").glob("case.sqlite-*"))
    assert verify_case(tmp_path / "case").ok


def test_the_digest_of_a_closed_case_means_something(nursery: Nursery, place: Place) -> None:
    """Everything is in the database file, and reading, verifying and showing leave it bit for bit as it was."""

    def digest() -> str:
        return hashlib.sha256((place.case / "case.sqlite").read_bytes()).hexdigest()

    before = digest()
    assert sorted(path.name for path in place.case.glob("case.sqlite*")) == ["case.sqlite"]
    for arguments in (("case", "show", place.case), ("case", "verify", place.case)):
        assert nursery.run(place.home, *arguments).code == 0
    with CaseStore.open(place.case, key=None, read_only=True) as case:
        events = len(case.custody())
    assert digest() == before
    alone = Place(place.root / "alone")
    alone.case.mkdir()
    (alone.case / "case.sqlite").write_bytes((place.case / "case.sqlite").read_bytes())
    with CaseStore.open(alone.case, key=None, read_only=True) as case:
        assert len(case.custody()) == events, "the file alone holds every event"


@pytest.mark.harness
def test_an_examination_whose_end_could_not_be_recorded_goes_on(nursery: Nursery, place: Place) -> None:
    """The disk is full when rows are stored, and still full when the end is: the full disk is what is told."""
    if not nursery.deep:
        pytest.skip("no C compiler here")
    plan = Plan(deep=True, under=str(place.case), fail_at=130, fail_with="ENOSPC")
    outcome = nursery.run(place.home, "examine", place.case, "--frames", "all", plan=plan)
    assert outcome.code == 4, outcome.stderr
    assert "no room" in outcome.stderr
    assert nursery.run(place.home, "examine", place.case, "--resume").code in (0, 2)
    assert verify_case(place.case).ok


def test_a_full_disk_that_is_cleared_lets_the_same_session_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even the end of the examination could be recorded; it is not locked away as running for that."""
    monkeypatch.setattr(runtime, "devices", lambda: {"cpu": "a processor"})
    with memory_disk(tmp_path / "disk", 8) as there, PatternEngine(tmp_path / "home") as engine:
        if not there:
            pytest.skip("no right to mount a small file system here")
        monkeypatch.setattr(engine.workshop, "finder", lambda _: KnownFace())
        session = engine.create_case(tmp_path / "disk" / "case", number="1", title="t", examiner="E", question="q")
        clip = write_face_clip(tmp_path / "clip.mp4", FRAMES)
        assert engine.jobs.wait(session.import_files([clip]), 60).state is JobState.DONE
        full: list[Path] = []

        def fill(event: Event) -> None:
            if isinstance(event, ExaminationChanged) and event.ordinals and not full:
                full.append(leave_free(tmp_path / "disk", 0))

        engine.hub.subscribe(fill)
        job = engine.jobs.wait(session.examine(frames=0), 60)
        assert (job.state, job.error_code) == (JobState.FAILED, "storage_full"), job.error
        (run,) = session.examinations()
        full[0].unlink()
        job = engine.jobs.wait(session.resume(run.id), 60)
        assert job.state is JobState.DONE, job.error
        (run,) = session.examinations()
        assert run.state is ExaminationState.DONE
        rows = session.frame_rows(run.id, run.plan.evidence[0])
        assert [row.frame.ordinal for row in rows] == list(range(FRAMES))
        assert not [row.error for row in rows if row.error]
        session.close()
        assert verify_case(tmp_path / "disk" / "case").ok
