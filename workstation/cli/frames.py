"""``workstation evidence framehash|clip|derived|remake``: what is made from exhibits, and made again."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from workstation.app import clustering, derivations
from workstation.app.engine import Engine
from workstation.app.session import CaseSession
from workstation.cli.output import CaseFolder, JsonFlag, Output, follow
from workstation.domain.derived import DerivedItem
from workstation.domain.errors import IntegrityMismatch, NotFound
from workstation.domain.ids import EvidenceId

Exhibit = Annotated[str, typer.Argument(metavar="EXHIBIT", help='Its number ("EX-01"), name or SHA-256.')]


def add_to(app: typer.Typer) -> None:
    """Hang the commands of this file into ``workstation evidence``."""
    for command in (framehash, clip, derived, remake):
        app.command(command.__name__)(command)


def framehash(
    folder: CaseFolder,
    exhibit: Exhibit,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write; EX-01.framehash in this folder by default.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Write a list of all frames with their time stamps and SHA-256, in the text form of ffmpeg's "framehash".

    The command line that makes the same list with ffmpeg is printed with it. Damaged frames have no line.
    """
    out = Output(as_json)
    with Engine() as engine:
        session = engine.open_case(folder)
        item = session.find_evidence(exhibit)
        target = output or Path(f"{item.exhibit}.framehash")
        job = derivations.submit_framehash(engine, session, item.id, target)
        out.facts = dict(follow(engine, job, quiet=as_json).result or {})
        session.close()
    facts = out.facts
    out.say(f"{facts['path']}  {facts['frames']} frames  SHA-256 {facts['sha256']}")
    if facts["damaged"]:
        out.say(f"{facts['damaged']} frames are damaged; they stand in the list as comments.")
    if facts["derived"]:
        out.say(f"Recorded as {facts['derived']}.")
    out.say(f"The same with ffmpeg: {facts['command']}")
    out.finish()


def clip(
    folder: CaseFolder,
    exhibit: Exhibit,
    first: Annotated[int, typer.Option("--first", help="First frame, counted from 0.")],
    last: Annotated[int, typer.Option("--last", help="Last frame, included.")],
    output: Annotated[Path, typer.Option("--output", "-o", help=".mkv keeps every pixel, .mp4 is for looking at.")],
    as_json: JsonFlag = False,
) -> None:
    """Write a stretch of frames as a clip and record it with its recipe."""
    out = Output(as_json)
    with Engine() as engine:
        session = engine.open_case(folder)
        item = session.find_evidence(exhibit)
        job = derivations.submit_clip(engine, session, item.id, first, last, output)
        out.facts = dict(follow(engine, job, quiet=as_json).result or {})
        session.close()
    out.say(f"{out.facts['path']}  SHA-256 {out.facts['sha256']}")
    if out.facts["derived"]:
        out.say(f"Recorded as {out.facts['derived']}.")
    out.finish()


def derived(folder: CaseFolder, as_json: JsonFlag = False) -> None:
    """List everything that was made from the exhibits of a case."""
    out = Output(as_json)
    with Engine() as engine:
        session = engine.open_case(folder, read_only=True)
        items = session.store.derived.every()
        names = {item.id: item.exhibit for item in session.evidence()}
        session.close()
    out.facts = {"derived": [_facts(item, names) for item in items]}
    rows = [(i.number, i.operation, _parent(i, names), i.made_at, i.sha256[:16], Path(i.path).name) for i in items]
    out.table(("number", "operation", "from", "made", "SHA-256", "file"), rows)
    if not items:
        out.say("Nothing was made from the exhibits of this case.")
    out.finish()


def remake(
    folder: CaseFolder,
    numbers: Annotated[list[str] | None, typer.Argument(metavar="[DI-01...]", help="Which; all by default.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Make derived items again from their recipes and compare SHA-256. Writes nothing. Exit code 6 on a difference."""
    out = Output(as_json)
    with Engine() as engine:
        session = engine.open_case(folder, read_only=True)
        known = {item.number: item for item in session.store.derived.every()}
        for name in numbers or ():
            if name.upper() not in known:
                raise NotFound(f"There is no derived item {name}.", f"Known are: {', '.join(known) or 'none'}.")
        wanted = [known[name.upper()] for name in numbers or known]
        found = [_again(engine, session, item, as_json) for item in wanted]
        session.close()
    out.facts = {"remade": [{"number": f.number, "same": f.same, "sha256": f.found} for f in found]}
    for entry in found:
        out.say(f"{entry.number}  {'the same' if entry.same else 'DIFFERENT'}  SHA-256 {entry.found}")
    out.finish()
    different = [entry.number for entry in found if not entry.same]
    if different:
        raise IntegrityMismatch(
            f"{', '.join(different)} came out differently.",
            "Compare the tool versions in the list of derived items with those of this program.",
        )


def _again(engine: Engine, session: CaseSession, item: DerivedItem, quiet: bool) -> derivations.Remade:
    if item.operation != clustering.OPERATION:
        return derivations.remake(session.store, session.frame, item)
    # Networks run on their own lane alone.
    job = follow(engine, clustering.submit_remaking(engine, session, item), quiet=quiet)
    return derivations.Remade(item.number, item.sha256, str((job.result or {}).get("found", "")))


def _parent(item: DerivedItem, names: Mapping[EvidenceId, str]) -> str:
    return names.get(EvidenceId(item.parent), item.parent)


def _facts(item: DerivedItem, names: Mapping[EvidenceId, str]) -> dict[str, object]:
    return {
        "number": item.number,
        "operation": item.operation,
        "parent": _parent(item, names),
        "parent_sha256": item.parent_sha256,
        "parameters": dict(item.parameters),
        "tool": item.tool,
        "path": item.path,
        "sha256": item.sha256,
        "size": item.size,
        "made_at": item.made_at,
        "made_by": item.made_by,
    }
