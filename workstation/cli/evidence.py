"""``workstation evidence``: take exhibits in, list them, verify them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from workstation.app.engine import Engine
from workstation.app.session import CaseSession
from workstation.cli.exhibits import exhibit_facts
from workstation.cli.output import CaseFolder, JsonFlag, Output, follow
from workstation.domain.errors import InputError, IntegrityMismatch, error_from_code
from workstation.domain.evidence import EvidenceItem

app = typer.Typer(help="Take exhibits into a case, list them and verify them.", no_args_is_help=True)


@app.command("add")
def add(
    folder: CaseFolder,
    files: Annotated[
        list[Path] | None, typer.Argument(metavar="[FILE...]", help="Pictures, videos, or folders of them.")
    ] = None,
    note: Annotated[str, typer.Option(help="Acquisition note: from whom, how, when.")] = "",
    purpose: Annotated[str, typer.Option(help="Why they are taken in; stands in the chain of custody.")] = "",
    authority: Annotated[str, typer.Option(help="By what order or mandate; stands in the chain of custody.")] = "",
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the newest import that was stopped; no FILE then.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Hash files while copying them into the case, then probe them. Exit code 5 when none could be taken in.

    Ctrl+C cancels; what was taken in stays, and --resume goes on with the rest.
    """
    if resume == bool(files):
        raise InputError("Name files to take in, or give --resume to go on with a stopped import.")
    out = Output(as_json)
    with Engine() as engine:
        session = engine.open_case(folder)
        job = session.resume_import() if resume else session.import_files(files or [], note, purpose, authority)
        result = follow(engine, job, quiet=as_json).result or {}
        added = [session.evidence_item(i) for i in result.get("added", [])]  # type: ignore[attr-defined]  # a list of ids by contract
        out.facts = dict(result) | {"added": [_taken_facts(item) for item in added]}
        session.close()
    for item in added:
        out.say(f"{item.exhibit}  {item.name}  SHA-256 {item.sha256}")
        if item.problem:
            out.say(f"       kept, but it cannot be examined: {item.problem}")
    _say_rest(out, result, len(added))
    out.finish()
    # A duplicate is a fault only where nothing else came in.
    turned = [*([] if added else _lines(result, "duplicates")), *_lines(result, "refused")]
    for entry in turned:
        typer.echo(f"workstation: {entry['line']}", err=True)
    if turned and not added:
        raise typer.Exit(error_from_code(turned[-1]["code"], turned[-1]["line"]).exit_code)
    if added and all(item.media is None for item in added):
        raise typer.Exit(error_from_code("damaged_media", "").exit_code)


@app.command("list")
def list_exhibits(folder: CaseFolder, as_json: JsonFlag = False) -> None:
    """List the exhibits of a case with digest, size and state; --json also gives streams, purpose and authority."""
    out = Output(as_json)
    with Engine() as engine:
        session = engine.open_case(folder, read_only=True)
        items, origins = session.evidence(), session.origins()
        out.facts["exhibits"] = [exhibit_facts(session, item, origins) for item in items]
        rows = [[i.exhibit, str(i.size), i.integrity.value, i.work.value, i.sha256, i.name] for i in items]
        if rows:
            out.table(["exhibit", "bytes", "integrity", "work", "SHA-256", "name"], rows)
        else:
            out.say("No exhibit yet. Take one in with: workstation evidence add CASE FILE")
        session.close()
    out.finish()


@app.command("verify")
def verify(
    folder: CaseFolder,
    exhibits: Annotated[
        list[str] | None, typer.Argument(metavar="[EXHIBIT...]", help="Exhibits by number, name or digest. All.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Hash originals again and write each outcome into the chain of custody. Exit code 6 when one differs."""
    out = Output(as_json)
    with Engine() as engine:
        session = engine.open_case(folder)
        chosen = [session.find_evidence(name) for name in exhibits] if exhibits else list(session.evidence())
        follow(engine, session.verify_evidence([item.id for item in chosen]), quiet=as_json)
        after = [session.evidence_item(item.id) for item in chosen]
        session.close()
    bad = [item.exhibit for item in after if item.integrity.value != "verified"]
    out.facts = {"ok": not bad, "exhibits": [_state(item) for item in after]}
    for item in after:
        out.say(f"{item.exhibit}  {item.integrity}  {item.verified_at}  SHA-256 {item.sha256}  {item.name}")
    if not after:
        out.say("No exhibit yet. Take one in with: workstation evidence add CASE FILE")
    out.finish()
    if bad:
        names = ", ".join(bad)
        typer.echo(f"workstation: {names}: the stored original is not what was taken in.", err=True)
        raise typer.Exit(IntegrityMismatch.exit_code)


def unfinished_lines(session: CaseSession) -> list[str]:
    """What a case was left in the middle of, each with the command that goes on."""
    left = session.unfinished()
    lines = list(left.lines())
    commands = ["workstation evidence add CASE --resume"] if left.intake is not None else []
    commands += ["workstation examine CASE --resume"] * len(left.examinations)
    return [f"{line} Go on with: {command}" for line, command in zip(lines, commands, strict=True)]


def _say_rest(out: Output, result: Mapping[str, object], added: int) -> None:
    for entry in _lines(result, "duplicates") if added else ():
        out.say(f"duplicate: {entry['line']}")
    for entry in _lines(result, "left_out"):
        out.say(f"left out: {entry['line']}")
    for name in ("changed", "notes"):
        listed = result.get(name)
        for line in listed if isinstance(listed, list) else []:
            out.say(f"{'changed since listing' if name == 'changed' else 'note'}: {line}")
    counts = [len(_lines(result, name)) for name in ("duplicates", "refused", "left_out")]
    out.say(
        f"{result.get('total', 0)} listed = {added} taken in + {counts[0]} duplicates + {counts[1]} refused"
        f" + {counts[2]} left out"
    )


def _lines(result: Mapping[str, object], name: str) -> list[dict[str, str]]:
    listed = result.get(name)
    return [entry for entry in listed if isinstance(entry, dict)] if isinstance(listed, list) else []


def _taken_facts(item: EvidenceItem) -> dict[str, object]:
    return {
        "id": item.id,
        "exhibit": item.exhibit,
        "name": item.name,
        "sha256": item.sha256,
        "size": item.size,
        "problem": item.problem,
        "kind": item.media.kind if item.media else None,
    }


def _state(item: EvidenceItem) -> dict[str, object]:
    names = ("id", "exhibit", "name", "sha256", "integrity", "verified_at")
    return {name: getattr(item, name) for name in names}
