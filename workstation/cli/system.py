"""``workstation diagnose`` and ``workstation benchmark``."""

from __future__ import annotations

from typing import Annotated

import typer

from workstation.app.engine import Engine
from workstation.cli.output import JsonFlag, Output


def diagnose(as_json: JsonFlag = False) -> None:
    """Say what this installation is made of and check that each part works. Exit code 1 when one does not."""
    from workstation.app import diagnostics

    out = Output(as_json)
    with Engine() as engine:
        report = diagnostics.diagnose(engine)
    out.facts = {
        "ok": report.ok,
        "facts": dict(report.facts),
        "checks": [{"name": c.subject, "state": str(c.state), "detail": c.detail} for c in report.checks],
    }
    for name, value in report.facts.items():
        out.say(f"{name}: {value}")
    out.say()
    for check in report.checks:
        out.say(f"{check.state:4} {check.subject}: {check.detail}")
    out.finish()
    if not report.ok:
        raise typer.Exit(1)


def benchmark(
    frames: Annotated[int, typer.Option(help="Frames examined, spread over the clip.")] = 32,
    rounds: Annotated[int, typer.Option(help="How often each side runs, interleaved.")] = 1,
    as_json: JsonFlag = False,
) -> None:
    """Time our path against the published reference path on a clip made here, and print the ratio."""
    from workstation.app import benchmarking

    out = Output(as_json)
    result = benchmarking.run(frames=frames, rounds=rounds, tell=out.say)
    out.facts = result.as_facts()
    for line in result.lines():
        out.say(line)
    out.finish()
