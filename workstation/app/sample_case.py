"""The sample case: a case of the demonstration's two clips in the workstation's folder, made once and kept."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from workstation.app.paths import Home
from workstation.domain.errors import WorkstationError, error_from_code
from workstation.domain.ids import JobId
from workstation.domain.jobs import JobContext, JobState, Lane

if TYPE_CHECKING:
    from workstation.app.engine import Engine

FRAMES = 16


def sample_folder(home: Home) -> Path:
    """Where the sample case is, or would be made."""
    return home.root / "sample" / "case"


def is_made(home: Home) -> bool:
    """Whether the sample case stands there."""
    return (sample_folder(home) / "case.sqlite").is_file()


def make_sample(engine: Engine) -> JobId:
    """Make both clips, a case, and take the clips in, as a job of the lane that may load networks.

    The case is closed when the job ends. One that could not be finished leaves nothing behind. Result:
    ``{"folder": str}``.
    """
    from workstation.app import demo

    folder = sample_folder(engine.home)

    def work(context: JobContext) -> dict[str, object]:
        context.progress(0, 3, "making two clips")
        clips = demo.make_clips(folder.with_name("media"))
        context.raise_if_cancelled()
        context.progress(1, 3, "making the case")
        try:
            session = demo.make_case(engine, folder)
            try:
                context.progress(2, 3, "taking the clips in")
                taken = engine.jobs.wait(session.import_files(clips.files, demo.NOTE))
                if taken.state is not JobState.DONE:
                    raise error_from_code(taken.error_code, taken.error or "The clips were not taken in.")
            finally:
                session.close()
        except WorkstationError:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        context.progress(3, 3)
        return {"folder": str(folder)}

    return engine.jobs.submit(Lane.GPU, "Make the sample case", work, unit="steps")
