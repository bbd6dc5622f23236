"""A whole session through both doors, as a program of its own, to be watched from outside (E3, C4).

``python -m tests.fakes.whole_session SOURCE ROOT``: make a case, take SOURCE in, examine it with the fake detector,
report, verify, export a frame, list, open and close the window without a screen, take the same file in again.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from tests.fakes.marked_engine import MarkedEngine
from workstation.app import engine as engines
from workstation.app.paths import Home


class _HomeEngine(MarkedEngine):
    def __init__(self, home: Path | None = None) -> None:
        super().__init__(home or Home.default().root)


def command(*arguments: object, code: int = 0) -> None:
    from workstation.cli.main import run

    try:
        run([str(argument) for argument in arguments])
    except SystemExit as stop:
        if (stop.code or 0) != code:
            raise
    else:
        if code:
            raise AssertionError(f"{arguments}: expected exit code {code}")


def main(source: Path, root: Path) -> None:
    # Before the commands are imported, which bind the name.
    engines.Engine = _HomeEngine  # type: ignore[misc]
    case = root / "case"
    command("case", "create", case, "--number", "2026/1", "--examiner", "E")
    command("evidence", "add", case, source, "--purpose", "examination", "--authority", "order 1")
    command("examine", case, "--frames", "2")
    command("report", "build", case, "-o", root / "report.pdf")
    command("report", "verify", root / "report.pdf", "--case", case)
    command("evidence", "verify", case)
    command("evidence", "list", case)
    command("case", "show", case)
    command("case", "verify", case)
    with _HomeEngine() as engine:
        session = engine.open_case(case)
        item = session.evidence()[0]
        engine.jobs.wait(session.export_frame(item.id, 0, root / "frame.png"), 60)
        session.close()
    command("evidence", "add", case, source, code=5)
    command("gui", case, "--grab", root / "window.png")


if __name__ == "__main__":
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    main(Path(sys.argv[1]), Path(sys.argv[2]))
