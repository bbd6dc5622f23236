"""A crash report: a local file, shown in full, never sent anywhere."""

from __future__ import annotations

import sys
import tempfile
import traceback
from pathlib import Path

from workstation.app.environment import library_versions, machine_facts
from workstation.app.paths import Home
from workstation.domain.clock import now_utc


def write_crash_report(error: BaseException) -> Path:
    """Write what happened to the workstation's log folder (or the temporary folder) and return the file."""
    facts = machine_facts() | library_versions()
    text = [f"{now_utc()}", f"arguments: {sys.argv[1:]}", *(f"{k}: {v}" for k, v in facts.items()), ""]
    text.extend(traceback.format_exception(error))
    name = f"crash-{now_utc().replace(':', '')[:15]}.txt"
    for folder in (Home.default().logs, Path(tempfile.gettempdir())):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / name
            path.write_text("\n".join(text), encoding="utf-8")
        except OSError:
            continue
        return path
    return Path(name)
