"""What a command prints: one JSON document with ``--json``, plain lines without; progress goes to standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Annotated, TextIO

import typer

from workstation.app.engine import Engine
from workstation.domain.custody import CheckState, Verification
from workstation.domain.errors import error_from_code
from workstation.domain.ids import JobId
from workstation.domain.jobs import Job, JobState

JsonFlag = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of plain lines.")]
CaseFolder = Annotated[Path, typer.Argument(metavar="CASE", help="Folder of the case.")]


@dataclass
class Output:
    """Collects the facts of one command. ``say`` is for people, ``facts`` is for programs."""

    as_json: bool
    facts: dict[str, object] = field(default_factory=dict)

    def say(self, line: str = "") -> None:
        """Print a line for a person; nothing with ``--json``."""
        if not self.as_json:
            typer.echo(line)

    def table(self, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Print rows in aligned columns; the last column is never padded."""
        if self.as_json:
            return
        widths = [max(len(str(row[i])) for row in [head, *rows]) for i in range(len(head))]
        for row in [head, *rows]:
            cells = [str(cell).ljust(width) for cell, width in zip(row, widths, strict=True)]
            typer.echo("  ".join(cells).rstrip())

    def finish(self) -> None:
        """Print the JSON document, if one was asked for."""
        if self.as_json:
            typer.echo(json.dumps(plain(self.facts), indent=2, ensure_ascii=False, allow_nan=False))


def plain(value: object) -> object:
    """Turn tuples, enums, paths and mappings into what JSON can hold."""
    if isinstance(value, StrEnum | Path):
        return str(value)
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(v) for v in value]
    return value


def follow(engine: Engine, job_id: JobId, *, quiet: bool = False, stream: TextIO | None = None) -> Job:
    """Wait for a job, showing its progress on a terminal. Ctrl+C cancels it and waits for what is in flight.

    Raises:
        WorkstationError: the job's own error, when it failed or was cancelled.
    """
    stream = stream or sys.stderr
    live = stream.isatty() and not quiet
    shown = ""
    try:
        while not (job := engine.jobs.wait(job_id, 0.1)).state.ended:
            if live and (line := _progress_line(job)) != shown:
                stream.write("\r\x1b[K" + line)
                stream.flush()
                shown = line
    except KeyboardInterrupt:
        engine.jobs.cancel(job_id)
        job = engine.jobs.wait(job_id)
    if live and shown:
        stream.write("\r\x1b[K")
        stream.flush()
    if job.state is JobState.FAILED:
        raise error_from_code(job.error_code, job.error)
    if job.state is JobState.CANCELLED:
        raise error_from_code("cancelled", "Cancelled. What was committed before stays in the case.")
    return job


def _progress_line(job: Job) -> str:
    if job.unit == "bytes" and job.total:
        count = f"{100 * job.done // job.total} % of {_amount(job.total)}"
    else:
        count = f"{job.done}/{job.total} {job.unit}" if job.total else "starting"
    return f"{job.title}: {count} {job.note}".strip()[:118]


def _amount(count: int) -> str:
    value, unit = float(count), "bytes"
    for name in ("kB", "MB", "GB", "TB"):
        if value < 1000:
            break
        value, unit = value / 1000, name
    return f"{count} bytes" if unit == "bytes" else f"{value:.1f} {unit}"


def show_verification(out: Output, outcome: Verification) -> None:
    """Print a verification line by line, what failed last so that it is read."""
    out.facts["ok"] = outcome.ok
    out.facts["lines"] = [{"subject": x.subject, "state": str(x.state), "detail": x.detail} for x in outcome.lines]
    for line in sorted(outcome.lines, key=lambda entry: entry.state is CheckState.BAD):
        mark = "ok " if line.state is CheckState.OK else "BAD"
        out.say(f"{mark}  {line.subject}: {line.detail}")
    out.say("verified" if outcome.ok else f"NOT verified: {len(outcome.bad)} of {len(outcome.lines)} checks failed")
