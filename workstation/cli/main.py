"""The ``workstation`` command. Exit codes: ``workstation.domain.errors``; every command takes ``--json``."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from typing import Annotated

import typer

import workstation
from workstation.cli import (
    cases,
    cluster,
    datasets,
    demo,
    edits,
    evaluate,
    evidence,
    examine,
    frames,
    gui,
    ledger,
    metadata,
    models,
    passphrases,
    persons,
    portable,
    reports,
    system,
    train,
)
from workstation.cli.stopping import ends_like_ctrl_c
from workstation.domain.errors import Cancelled, WorkstationError

EXIT_UNEXPECTED = 70
# What typer makes of Ctrl+C where no job is being waited for.
EXIT_INTERRUPTED = 130

app = typer.Typer(
    name="workstation",
    help="Forensic workstation for face forgery. It works offline; scores are uncalibrated and never a conclusion.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
edits.add_to(cases.app)
frames.add_to(evidence.app)
app.add_typer(cases.app, name="case")
app.add_typer(evidence.app, name="evidence")
evidence.app.command("metadata")(metadata.metadata)
app.add_typer(reports.app, name="report")
app.add_typer(persons.app, name="person")
app.add_typer(ledger.app, name="log")
app.add_typer(models.app, name="model")
app.add_typer(datasets.app, name="dataset")
app.add_typer(portable.app, name="pack")
app.command("examine")(examine.examine)
app.command("cluster")(cluster.cluster)
app.command("evaluate")(evaluate.evaluate)
app.command("demo")(demo.demo)
app.command("diagnose")(system.diagnose)
app.command("benchmark")(system.benchmark)
app.command("gui")(gui.gui)
app.command("train")(train.train)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"workstation {workstation.__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it and end.")] = (
        False
    ),
    passphrase_file: passphrases.PassphraseFile = None,
) -> None:
    passphrases.prepare(passphrase_file)


def run(arguments: list[str] | None = None) -> None:
    """Entry point of the console script: a known error becomes one line and its exit code, never a traceback."""
    given = sys.argv[1:] if arguments is None else arguments
    try:
        with ends_like_ctrl_c():
            app(passphrases.hoisted(given), standalone_mode=True)
    except SystemExit as end:
        if end.code != EXIT_INTERRUPTED:
            raise
        _tell(Cancelled.code, "Cancelled. What was committed before stays.", "--json" in given)
        sys.exit(Cancelled.exit_code)
    except WorkstationError as error:
        _tell(error.code, error.line(), "--json" in given)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as error:  # noqa: BLE001 - the examiner gets a line and a file, never a traceback
        from workstation.cli.crash import write_crash_report

        where = write_crash_report(error)
        line = f"An unexpected fault: {type(error).__name__}: {error}. Details are in {where}."
        _tell("unexpected", line, "--json" in given)
        sys.exit(EXIT_UNEXPECTED)


def _tell(code: str, line: str, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps({"error": {"code": code, "line": line}}, indent=2, ensure_ascii=False))
    typer.echo(f"workstation: {line}", err=True)
