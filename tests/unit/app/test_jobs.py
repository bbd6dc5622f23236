"""Jobs end in exactly one of done, cancelled, failed; a lane survives any job."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from workstation.app.hub import Hub
from workstation.app.jobs.queue import JobQueue
from workstation.domain.errors import InputError, NotFound, StorageFull, error_from_code
from workstation.domain.events import Event, JobChanged
from workstation.domain.ids import JobId
from workstation.domain.jobs import ItemState, JobContext, JobState, Lane


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


def until(jobs: JobQueue, job: JobId, state: JobState) -> None:
    end = time.monotonic() + 10
    while jobs.get(job).state is not state and time.monotonic() < end:
        time.sleep(0.005)
    assert jobs.get(job).state is state


def test_a_running_job_pauses_at_its_next_check_and_goes_on(jobs: JobQueue) -> None:
    begun, step = threading.Event(), threading.Semaphore(0)
    done: list[int] = []

    def work(context: JobContext) -> None:
        begun.set()
        for number in range(3):
            step.acquire(timeout=10)
            done.append(number)
            context.progress(number + 1, 3, f"EX-0{number + 1}")

    job = jobs.submit(Lane.IO, "steps", work)
    assert begun.wait(10)
    jobs.pause(job)
    assert jobs.get(job).holding
    assert jobs.get(job).state is JobState.RUNNING, "it still works until its next check"
    step.release(3)
    until(jobs, job, JobState.PAUSED)
    assert done == [0]
    jobs.resume(job)
    ended = jobs.wait(job, 10)
    assert ended.state is JobState.DONE
    assert [(item.name, item.state) for item in ended.items] == [(f"EX-0{n}", ItemState.DONE) for n in (1, 2, 3)]
    assert not ended.can_retry


def test_a_queued_job_that_is_paused_lets_others_pass(jobs: JobQueue) -> None:
    gate = threading.Event()
    first = jobs.submit(Lane.IO, "first", lambda _: gate.wait(10) and None)
    held, other = (jobs.submit(Lane.IO, name, lambda _: {"ran": True}) for name in ("held", "other"))
    jobs.pause(held)
    gate.set()
    assert jobs.wait(other, 10).state is JobState.DONE
    assert jobs.get(held).state is JobState.PAUSED
    jobs.resume(held)
    assert jobs.wait(held, 10).state is JobState.DONE
    assert jobs.wait(first, 10).state is JobState.DONE


def test_a_paused_job_can_be_cancelled_and_tried_again(jobs: JobQueue) -> None:
    tries: list[int] = []

    def work(context: JobContext) -> dict[str, object]:
        tries.append(1)
        if len(tries) == 1:
            context.progress(1, 2, "clip.mp4")
            jobs.pause(jobs.all()[0].id)
            context.progress(1, 2, "clip.mp4")
            context.raise_if_cancelled()
        return {"tries": len(tries)}

    job = jobs.submit(Lane.IO, "work", work)
    until(jobs, job, JobState.PAUSED)
    with pytest.raises(InputError, match="paused"):
        jobs.retry(job)
    jobs.cancel(job)
    ended = jobs.wait(job, 10)
    assert ended.state is JobState.CANCELLED
    assert [item.state for item in ended.items] == [ItemState.CANCELLED]
    again = jobs.wait(jobs.retry(job), 10)
    assert again.result == {"tries": 2}
    held = jobs.submit(Lane.IO, "held", lambda _: None)
    jobs.wait(held, 10)
    with pytest.raises(InputError, match="done"):
        jobs.retry(held)


def test_closing_ends_a_paused_job() -> None:
    queue = JobQueue(Hub())
    begun = threading.Event()

    def work(context: JobContext) -> None:
        begun.set()
        while True:
            context.raise_if_cancelled()
            time.sleep(0.002)

    job = queue.submit(Lane.IO, "endless", work)
    assert begun.wait(10)
    queue.pause(job)
    until(queue, job, JobState.PAUSED)
    queue.close()
    assert queue.get(job).state is JobState.CANCELLED
