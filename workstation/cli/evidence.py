"""``workstation evidence``: take exhibits in."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from workstation.app.engine import Engine
from workstation.cli.output import CaseFolder, JsonFlag, Output, follow
from workstation.domain.errors import error_from_code

app = typer.Typer(help="Take exhibits into a case.", no_args_is_help=True)


@app.command("add")
def add(
    folder: CaseFolder,
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Pictures, videos, or folders of them.")],
    note: Annotated[str, typer.Option(help="Acquisition note: from whom, how, when.")] = "",
    as_json: JsonFlag = False,
) -> None:
    """Hash files while copying them into the case, then probe them. Exit code 5 when none could be taken in."""
    out = Output(as_json)
    with Engine() as engine:
        session = engine.open_case(folder)
        job = follow(engine, session.import_files(files, note), quiet=as_json)
        result = job.result or {}
        refused = result.get("refused", [])
        added = [session.evidence_item(i) for i in result.get("added", [])]  # type: ignore[attr-defined]  # a list of ids by contract
        session.close()
    out.facts = {
        "added": [
            {
                "id": i.id,
                "exhibit": i.exhibit,
                "name": i.name,
                "sha256": i.sha256,
                "size": i.size,
                "problem": i.problem,
                "kind": i.media.kind if i.media else None,
            }
            for i in added
        ],
        "refused": refused,
    }
    for item in added:
        out.say(f"{item.exhibit}  {item.name}  SHA-256 {item.sha256}")
        if item.problem:
            out.say(f"       kept, but it cannot be examined: {item.problem}")
    out.finish()
    last = None
    for entry in refused if isinstance(refused, list) else []:
        typer.echo(f"workstation: {entry['line']}", err=True)
        last = entry
    if last is not None and not added:
        raise typer.Exit(error_from_code(last["code"], last["line"]).exit_code)
    if added and all(item.media is None for item in added):
        raise typer.Exit(error_from_code("damaged_media", "").exit_code)
