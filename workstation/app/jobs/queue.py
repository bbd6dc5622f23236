"""The job queue: one long-lived thread per lane, every job ends in exactly one of done, cancelled, failed."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from workstation.app.hub import Hub
from workstation.domain.errors import Cancelled, InputError, NotFound, WorkstationError
from workstation.domain.events import JobChanged
from workstation.domain.ids import CaseId, JobId, new_id
from workstation.domain.jobs import ItemState, Job, JobContext, JobItem, JobState, Lane

_log = logging.getLogger(__name__)
_TELL_EVERY_S = 0.05
_MOST_ITEMS = 1000
_END_OF_ITEM = {
    JobState.DONE: ItemState.DONE,
    JobState.CANCELLED: ItemState.CANCELLED,
    JobState.FAILED: ItemState.FAILED,
}

Work = Callable[[JobContext], Mapping[str, object] | None]


@dataclass
class _Entry:
    job: Job
    work: Work
    again: Callable[[], JobId]
    cancel: threading.Event = field(default_factory=threading.Event)
    go: threading.Event = field(default_factory=threading.Event)
    started: bool = False
    ended: threading.Event = field(default_factory=threading.Event)
    told_at: float = 0.0


class JobQueue:
    """Runs jobs on their lanes in the order they came. Thread-safe."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._lock = threading.Lock()
        self._entries: dict[JobId, _Entry] = {}
        self._lanes: dict[Lane, queue.SimpleQueue[JobId | None]] = {lane: queue.SimpleQueue() for lane in Lane}
        self._threads: dict[Lane, threading.Thread] = {}
        self._closed = False

    def submit(
        self,
        lane: Lane,
        title: str,
        work: Work,
        *,
        case: CaseId | None = None,
        unit: str = "",
        background: bool = False,
        again: Callable[[], JobId] | None = None,
    ) -> JobId:
        """Queue a job and return its id at once. ``again`` asks for the same once more, where the work itself would
        not do; see ``retry``."""

        def same() -> JobId:
            return self.submit(lane, title, work, case=case, unit=unit, background=background)

        job = Job(JobId(new_id()), lane, title, case, JobState.QUEUED, unit=unit, background=background)
        with self._lock:
            if self._closed:
                raise RuntimeError("the job queue is closed")
            entry = self._entries[job.id] = _Entry(job, work, again or same)
            entry.go.set()
            if lane not in self._threads:
                thread = threading.Thread(target=self._run_lane, args=(lane,), name=f"lane-{lane}", daemon=True)
                self._threads[lane] = thread
                thread.start()
        self._hub.publish(JobChanged(job))
        self._lanes[lane].put(job.id)
        return job.id

    def all(self) -> tuple[Job, ...]:
        """Every job since start that was not cleared, oldest first."""
        with self._lock:
            return tuple(entry.job for entry in self._entries.values())

    def get(self, job_id: JobId) -> Job:
        """Raises: NotFound."""
        return self._entry(job_id).job

    def cancel(self, job_id: JobId) -> None:
        """Ask a job to stop. A queued one ends at once; a running one at its next check."""
        entry = self._entry(job_id)
        entry.cancel.set()
        entry.go.set()
        self._end(entry, JobState.CANCELLED, only_queued=True)

    def pause(self, job_id: JobId) -> None:
        """Hold a job: a queued one is passed over by its lane; a running one stops at its next check, where everything
        done so far is committed, and holds its lane until it goes on."""
        entry = self._entry(job_id)
        with self._lock:
            if entry.job.state.ended or not entry.go.is_set():
                return
            entry.go.clear()
            state = entry.job.state if entry.started else JobState.PAUSED
            entry.job = replace(entry.job, state=state, holding=entry.started)
        self._hub.publish(JobChanged(entry.job))

    def resume(self, job_id: JobId) -> None:
        """Let a job that was paused go on."""
        entry = self._entry(job_id)
        with self._lock:
            if entry.job.state.ended or entry.go.is_set():
                return
            state = JobState.RUNNING if entry.started else JobState.QUEUED
            entry.job = replace(entry.job, state=state, holding=False)
            entry.go.set()
        self._hub.publish(JobChanged(entry.job))
        if state is JobState.QUEUED:
            self._lanes[entry.job.lane].put(job_id)

    def retry(self, job_id: JobId) -> JobId:
        """Ask once more for what failed or was cancelled; an examination goes on where it stopped.

        Raises:
            NotFound: the job was cleared from the list.
            InputError: it has not ended, or it is done.
        """
        entry = self._entry(job_id)
        if not entry.job.can_retry:
            raise InputError(f'"{entry.job.title}" is {entry.job.state}; there is nothing to try again.')
        return entry.again()

    def wait(self, job_id: JobId, timeout: float | None = None) -> Job:
        """Wait until a job ended and return it (or as it stands when ``timeout`` seconds have passed)."""
        entry = self._entry(job_id)
        entry.ended.wait(timeout)
        return entry.job

    def cancel_if_running(self, job_id: JobId) -> None:
        """Cancel a job that may have been cleared from the list meanwhile."""
        with self._lock:
            known = job_id in self._entries
        if known:
            self.cancel(job_id)

    def wait_if_known(self, job_id: JobId) -> None:
        """Wait for a job that may have been cleared from the list meanwhile."""
        with self._lock:
            entry = self._entries.get(job_id)
        if entry is not None:
            entry.ended.wait()

    def clear_ended(self) -> None:
        with self._lock:
            self._entries = {k: e for k, e in self._entries.items() if not e.job.state.ended}

    def close(self) -> None:
        """Cancel what is queued or running and end every lane. Blocks until the threads have ended."""
        with self._lock:
            self._closed = True
            entries = list(self._entries.values())
            threads = dict(self._threads)
        for entry in entries:
            if not entry.job.state.ended:
                self.cancel(entry.job.id)
        for lane, thread in threads.items():
            self._lanes[lane].put(None)
            thread.join()

    def _entry(self, job_id: JobId) -> _Entry:
        with self._lock:
            if job_id not in self._entries:
                raise NotFound("There is no such job.")
            return self._entries[job_id]

    def _run_lane(self, lane: Lane) -> None:
        while (job_id := self._lanes[lane].get()) is not None:
            with self._lock:
                entry = self._entries.get(job_id)
                if entry is None or entry.job.state is not JobState.QUEUED:
                    continue
                entry.started = True
                entry.job = replace(entry.job, state=JobState.RUNNING)
            self._hub.publish(JobChanged(entry.job))
            self._run(entry)

    def _run(self, entry: _Entry) -> None:
        try:
            result = entry.work(_Context(self, entry))
        except Cancelled:
            self._end(entry, JobState.CANCELLED)
        except WorkstationError as error:
            self._end(entry, JobState.FAILED, error=error.line(), error_code=error.code)
        except Exception as error:  # noqa: BLE001 - a lane must survive any one job
            _log.exception("job %s failed", entry.job.title)
            line = f"An unexpected fault stopped this job ({type(error).__name__}: {error}). The log has the details."
            self._end(entry, JobState.FAILED, error=line, error_code="unexpected")
        else:
            self._end(entry, JobState.DONE, result=dict(result or {}))

    def _end(
        self,
        entry: _Entry,
        state: JobState,
        *,
        error: str = "",
        error_code: str = "",
        result: Mapping[str, object] | None = None,
        only_queued: bool = False,
    ) -> None:
        with self._lock:
            # A job that its lane takes up at this moment ends itself: whoever waits must not go on while it runs.
            if entry.job.state.ended or (only_queued and entry.started):
                return
            last = _END_OF_ITEM[state]
            entry.job = replace(
                entry.job,
                state=state,
                error=error,
                error_code=error_code,
                result=result,
                holding=False,
                items=_turned(entry.job.items, "", last),
                can_retry=state is not JobState.DONE,
            )
        self._hub.publish(JobChanged(entry.job))
        entry.ended.set()

    def _progress(self, entry: _Entry, done: int, total: int, note: str) -> None:
        now = time.monotonic()
        with self._lock:
            items = entry.job.items
            if note and (not items or items[-1].name != note):
                items = _turned(items, note, ItemState.DONE)
            entry.job = replace(entry.job, done=done, total=total, note=note, items=items)
            tell = now - entry.told_at >= _TELL_EVERY_S or done == total
            if tell:
                entry.told_at = now
        if tell:
            self._hub.publish(JobChanged(entry.job))

    def _hold(self, entry: _Entry) -> None:
        """Wait here while the job is paused; a cancel ends the wait."""
        if entry.go.is_set():
            return
        with self._lock:
            if entry.go.is_set():
                return
            entry.job = replace(entry.job, state=JobState.PAUSED, holding=False)
        self._hub.publish(JobChanged(entry.job))
        entry.go.wait()
        with self._lock:
            if entry.job.state is JobState.PAUSED:
                entry.job = replace(entry.job, state=JobState.RUNNING)
        self._hub.publish(JobChanged(entry.job))


def _turned(items: tuple[JobItem, ...], name: str, ended: ItemState) -> tuple[JobItem, ...]:
    """The items when the last one has ended, with ``name`` (if any) begun."""
    told = [*items]
    if told and told[-1].state is ItemState.RUNNING:
        told[-1] = JobItem(told[-1].name, ended)
    if name:
        told = [item for item in told if item.name != name] + [JobItem(name, ItemState.RUNNING)]
    return tuple(told[-_MOST_ITEMS:])


class _Context:
    def __init__(self, jobs: JobQueue, entry: _Entry) -> None:
        self._jobs = jobs
        self._entry = entry

    def progress(self, done: int, total: int, note: str = "") -> None:
        self._jobs._progress(self._entry, done, total, note)
        self._jobs._hold(self._entry)

    def cancelled(self) -> bool:
        self._jobs._hold(self._entry)
        return self._entry.cancel.is_set()

    def raise_if_cancelled(self) -> None:
        if self.cancelled():
            raise Cancelled("Cancelled.", "What was committed before stays in the case.")
