"""A crash report: a local file, shown to the person in full, sent nowhere, with nothing of a case unless asked for.

What a fault says may name files and people. Therefore every path and every quoted word is taken out of a report, unless
the person chose to keep them.
"""

from __future__ import annotations

import re
import traceback
from pathlib import Path

from workstation.app.environment import library_versions, machine_facts
from workstation.app.paths import Home, refused
from workstation.domain.clock import now_utc
from workstation.storage.durable import write_whole

_QUOTED = re.compile(r"""'[^'\n]*'|"[^"\n]*\"""")
_PATH = re.compile(r"(?:[A-Za-z]:)?(?:[\\/][^\\/\s:'\"<>|]+){2,}[\\/]?")
HEAD = "This file lies on this machine only. Nothing was sent."


def crash_text(error: BaseException, *, with_contents: bool = False) -> str:
    """The report as text: what stopped, where in the program, which versions.

    Args:
        with_contents: keep the words of the fault, which may hold file names and other words of a case; without it
            they are taken out and the lines of the program stay.
    """
    facts = machine_facts() | library_versions()
    lines = [now_utc(), HEAD]
    lines.append("With the words of the fault." if with_contents else "Names, paths and quoted words are taken out.")
    lines += [f"{name}: {value}" for name, value in sorted(facts.items())]
    trace = traceback.TracebackException.from_exception(error)
    return "\n".join([*lines, "", *_told(trace, with_contents)]) + "\n"


def write_crash_report(home: Home, error: BaseException, *, with_contents: bool = False) -> Path:
    """Write the report into the log folder of the workstation and return the file.

    Raises:
        PermissionRefused, StorageFull: the file cannot be written.
    """
    path = home.logs / f"crash-{now_utc().replace(':', '')[:17]}.txt"
    try:
        home.logs.mkdir(parents=True, exist_ok=True)
        write_whole(path, crash_text(error, with_contents=with_contents).encode())
    except OSError as fault:
        raise refused(fault, path) from fault
    return path


def _told(trace: traceback.TracebackException, with_contents: bool) -> list[str]:
    """The fault and the faults it came from, the oldest first."""
    earlier = trace.__cause__ or (None if trace.__suppress_context__ else trace.__context__)
    lines = [*_told(earlier, with_contents), "which led to:"] if earlier is not None else []
    for frame in trace.stack:
        place = Path(frame.filename)
        lines.append(f"  {'/'.join(place.parts[-3:])}:{frame.lineno} in {frame.name}")
    words = str(trace)
    return [
        *lines,
        f"{trace.exc_type.__name__ if trace.exc_type else ''}: {words if with_contents else _without(words)}",
    ]


def _without(words: str) -> str:
    return _PATH.sub("[path]", _QUOTED.sub("[words]", words))
