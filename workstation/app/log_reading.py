"""Read the program's log and its crash reports, newest last. A log is not audit: that is the chain of custody."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from workstation.app.paths import Home

_LINE = re.compile(r"^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d),\d+ (\w+) (\S+) ([\w.]+): (.*)$")
_MOST_BYTES = 1_200_000
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One line of the log with what follows it; ``at`` is this machine's clock, ``where`` the part that wrote it."""

    at: str
    level: str
    where: str
    text: str
    more: str = ""


def read_log(home: Home, most: int = 2000) -> tuple[LogEntry, ...]:
    """The last ``most`` entries of the present log and the one before it; what cannot be read is left out."""
    text = "".join(_tail(home.logs / name) for name in ("workstation.log.1", "workstation.log"))
    entries: list[LogEntry] = []
    more: list[str] = []
    for line in text.splitlines():
        found = _LINE.match(line)
        if found is None:
            more.append(line)
            continue
        _close(entries, more)
        at, level, _, where, words = found.groups()
        entries.append(LogEntry(at, level, where, words))
    _close(entries, more)
    return tuple(entries[-most:])


def crash_reports(home: Home) -> tuple[Path, ...]:
    """Crash reports on this machine, newest first."""
    return tuple(sorted(home.logs.glob("crash-*.txt"), reverse=True))


def _close(entries: list[LogEntry], more: list[str]) -> None:
    if entries and more:
        last = entries[-1]
        entries[-1] = LogEntry(last.at, last.level, last.where, last.text, "\n".join(more))
    more.clear()


def _tail(path: Path) -> str:
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - _MOST_BYTES))
            return file.read().decode("utf-8", errors="replace")
    except OSError:
        return ""
