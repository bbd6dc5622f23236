"""Acts that are more than one command of the command line, run in a child with the real engine."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from workstation.app.engine import Engine
from workstation.domain.errors import WorkstationError
from workstation.domain.jobs import Job, JobState


def _tell(fault: WorkstationError) -> int:
    print(f"{fault.code}: {fault.line()}", file=sys.stderr)  # noqa: T201
    return fault.exit_code


def _ended(job: Job) -> None:
    from workstation.domain.errors import error_from_code

    if job.state is not JobState.DONE:
        raise error_from_code(job.error_code or "cancelled", job.error)


def export_frames(case: str, folder: str, count: str) -> int:
    """Write ``count`` frames with their burn-in into ``folder``."""
    try:
        with Engine() as engine:
            session = engine.open_case(Path(case))
            (item, *_) = session.evidence()
            run = session.latest_examination(item.id)
            for ordinal in range(int(count)):
                target = Path(folder) / f"frame-{ordinal}.png"
                job = session.export_frame(item.id, ordinal, target, examination=run.id if run else None)
                _ended(engine.jobs.wait(job))
            session.close()
    except WorkstationError as fault:
        return _tell(fault)
    return 0


def edit_case(case: str, count: str) -> int:
    """Notes, tags, undo and redo in one session, each committed when it returns."""
    try:
        with Engine() as engine:
            session = engine.open_case(Path(case))
            editing, about = session.editing, session.evidence()[0].id
            for number in range(int(count)):
                editing.note(about, f"note {session.custody_head().count}.{number}")
                editing.undo()
                editing.redo()
            session.close()
    except WorkstationError as fault:
        return _tell(fault)
    return 0


def leave_running() -> int:
    """What no act may do: leave a process behind, in a session of its own."""
    subprocess.Popen(["sleep", "60"], start_new_session=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    return 0


def make_case(case: str) -> int:
    """Make a case and close it."""
    try:
        with Engine() as engine:
            engine.create_case(Path(case), number="7", title="t", examiner="E", question="q").close()
    except WorkstationError as fault:
        return _tell(fault)
    return 0
