"""Jobs end in exactly one of done, cancelled, failed; a lane survives any job."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from workstation.app.hub import Hub
from workstation.app.jobs.queue import JobQueue
from workstation.domain.errors import NotFound, StorageFull, error_from_code
from workstation.domain.events import Event, JobChanged
from workstation.domain.ids import JobId
from workstation.domain.jobs import JobContext, JobState, Lane


@pytest.fixture
def jobs() -> Iterator[JobQueue]:
    queue = JobQueue(Hub())
    yield queue
    queue.close()


def test_a_job_runs_and_keeps_its_result(jobs: JobQueue) -> None:
    job = jobs.wait(jobs.submit(Lane.IO, "add", lambda _: {"sum": 3}), 5)
    assert job.state is JobState.DONE
    assert job.result == {"sum": 3}


def test_a_lane_runs_its_jobs_one_after_the_other_on_one_thread(jobs: JobQueue) -> None:
    seen: list[tuple[int, int]] = []
    ids = [
        jobs.submit(Lane.GPU, str(n), lambda _, n=n: seen.append((n, threading.get_ident())))  # type: ignore[func-returns-value]
        for n in range(20)
    ]
    for job in ids:
        assert jobs.wait(job, 5).state is JobState.DONE
    assert [n for n, _ in seen] == list(range(20))
    assert len({thread for _, thread in seen}) == 1


def test_lanes_do_not_wait_for_each_other(jobs: JobQueue) -> None:
    gate, begun = threading.Event(), threading.Event()

    def hold(_: JobContext) -> None:
        begun.set()
        gate.wait(5)

    held = jobs.submit(Lane.GPU, "held", hold)
    assert begun.wait(5)
    assert jobs.wait(jobs.submit(Lane.IO, "quick", lambda _: None), 5).state is JobState.DONE
    assert jobs.get(held).state is JobState.RUNNING
    gate.set()
    assert jobs.wait(held, 5).state is JobState.DONE


def test_a_known_error_fails_the_job_with_its_line_and_code(jobs: JobQueue) -> None:
    def work(_: JobContext) -> None:
        raise StorageFull("The disk is full.", "Free some space.")

    job = jobs.wait(jobs.submit(Lane.REPORT, "write", work), 5)
    assert (job.state, job.error, job.error_code) == (
        JobState.FAILED,
        "The disk is full. Free some space.",
        "storage_full",
    )
    assert isinstance(error_from_code(job.error_code, job.error), StorageFull)
    assert jobs.wait(jobs.submit(Lane.REPORT, "next", lambda _: None), 5).state is JobState.DONE


def test_an_unknown_error_fails_the_job_and_spares_the_lane(jobs: JobQueue) -> None:
    def work(_: JobContext) -> None:
        raise ZeroDivisionError("division by zero")

    job = jobs.wait(jobs.submit(Lane.IO, "divide", work), 5)
    assert job.state is JobState.FAILED
    assert job.error_code == "unexpected"
    assert "ZeroDivisionError" in job.error
    assert jobs.wait(jobs.submit(Lane.IO, "next", lambda _: None), 5).state is JobState.DONE


def test_a_running_job_is_cancelled_at_its_next_check(jobs: JobQueue) -> None:
    begun = threading.Event()

    def work(context: JobContext) -> None:
        begun.set()
        while True:
            context.raise_if_cancelled()

    job = jobs.submit(Lane.IO, "long", work)
    assert begun.wait(5)
    jobs.cancel(job)
    assert jobs.wait(job, 5).state is JobState.CANCELLED


def test_a_queued_job_is_cancelled_without_ever_running(jobs: JobQueue) -> None:
    gate, ran = threading.Event(), threading.Event()
    jobs.submit(Lane.IO, "first", lambda _: gate.wait(5) and None)
    queued = jobs.submit(Lane.IO, "second", lambda _: ran.set())
    jobs.cancel(queued)
    assert jobs.wait(queued, 1).state is JobState.CANCELLED
    gate.set()
    assert jobs.wait(jobs.submit(Lane.IO, "third", lambda _: None), 5).state is JobState.DONE
    assert not ran.is_set()


def test_progress_reaches_listeners_and_the_last_step_is_always_told() -> None:
    hub = Hub()
    told: list[tuple[int, int]] = []

    def listen(event: Event) -> None:
        if isinstance(event, JobChanged) and event.job.total:
            told.append((event.job.done, event.job.total))

    hub.subscribe(listen)
    jobs = JobQueue(hub)

    def work(context: JobContext) -> None:
        for step in range(1, 1001):
            context.progress(step, 1000)

    jobs.wait(jobs.submit(Lane.IO, "count", work, unit="steps"), 5)
    jobs.close()
    assert told[-1] == (1000, 1000)
    assert len(told) < 200


def test_a_broken_listener_does_not_disturb_the_others() -> None:
    hub = Hub()
    heard: list[Event] = []

    def broken(_: Event) -> None:
        raise RuntimeError("a door fell off")

    hub.subscribe(broken)
    hub.subscribe(heard.append)
    with JobQueueOf(hub) as jobs:
        jobs.wait(jobs.submit(Lane.IO, "x", lambda _: None), 5)
    assert heard


def test_an_unknown_job_is_refused(jobs: JobQueue) -> None:
    with pytest.raises(NotFound):
        jobs.get(JobId("none"))


def test_close_cancels_what_runs_and_ends_every_thread() -> None:
    before = set(threading.enumerate())
    queue = JobQueue(Hub())

    def work(context: JobContext) -> None:
        while True:
            context.raise_if_cancelled()

    job = queue.submit(Lane.GPU, "endless", work)
    queue.close()
    assert queue.get(job).state is JobState.CANCELLED
    assert not set(threading.enumerate()) - before
    with pytest.raises(RuntimeError):
        queue.submit(Lane.IO, "late", lambda _: None)


class JobQueueOf:
    """A queue that closes itself."""

    def __init__(self, hub: Hub) -> None:
        self._jobs = JobQueue(hub)

    def __enter__(self) -> JobQueue:
        return self._jobs

    def __exit__(self, *_: object) -> None:
        self._jobs.close()
