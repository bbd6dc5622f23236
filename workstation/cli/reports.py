"""``workstation report``: build and verify signed reports."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from workstation.app import reporting
from workstation.app.engine import Engine
from workstation.cli.output import CaseFolder, JsonFlag, Output, follow, show_verification
from workstation.domain.errors import ReportInvalid

app = typer.Typer(help="Build and verify signed reports.", no_args_is_help=True)


@app.command("build")
def build(
    folder: CaseFolder,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="PDF", help="Where the report goes.")],
    identity: Annotated[Path | None, typer.Option(help="PKCS#12 file to sign with. Default: the own identity.")] = None,
    password: Annotated[
        str | None,
        typer.Option(envvar="WORKSTATION_IDENTITY_PASSWORD", help="Password of --identity.", show_envvar=True),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Build, sign and re-read a report on the newest finished examination of every exhibit."""
    out = Output(as_json)
    with Engine() as engine:
        session = engine.open_case(folder)
        job = follow(engine, session.build_report(output, identity=identity, password=password), quiet=as_json)
        out.facts = dict(job.result or {})
        session.close()
    out.say(f"Report {out.facts['number']}: {out.facts['path']} ({out.facts['pages']} pages)")
    out.say(f"SHA-256 {out.facts['sha256']}")
    out.say(f"signed by {out.facts['signer']}")
    out.finish()


@app.command("verify")
def verify(
    pdf: Annotated[Path, typer.Argument(metavar="PDF", help="The report.")],
    case: Annotated[Path | None, typer.Option(help="Folder of its case. Default: found by the id it names.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Verify a report's signature and embedded results and, where its case is at hand, the case behind it."""
    out = Output(as_json)
    with Engine() as engine:
        outcome = reporting.check(engine, pdf, case)
    show_verification(out, outcome)
    out.finish()
    if not outcome.ok:
        raise typer.Exit(ReportInvalid.exit_code)
