"""``workstation demo``: the whole product on media made on the spot."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from workstation.app.engine import Engine
from workstation.cli.examine import tell_left_out
from workstation.cli.exhibits import exhibit_facts, score_lines
from workstation.cli.output import JsonFlag, Output, follow, show_verification
from workstation.domain.errors import ReportInvalid


def demo(
    output: Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="Where the case goes.")] = Path(
        "demo-case"
    ),
    frames: Annotated[int, typer.Option(help="Frames examined per clip; 0 for every frame.")] = 32,
    as_json: JsonFlag = False,
) -> None:
    """Make an untouched and a manipulated clip, build a case of both, examine it, sign and verify the report."""
    from workstation.app import demo as making

    out = Output(as_json)
    with Engine() as engine:
        making.make_room(output)
        out.say("Making two clips from a public-domain portrait: one untouched, one with eyes and mouth replaced ...")
        clips = making.make_clips(output.with_name(f"{output.name}-media"))
        session = making.make_case(engine, output)
        follow(engine, session.import_files(clips.files, making.NOTE), quiet=as_json)
        out.say("Examining both (finding faces, tracking, scoring, mapping) ...")
        tell_left_out(out, engine)
        follow(engine, session.examine(frames=frames), quiet=as_json)
        out.say("Building, signing and re-reading the report ...")
        built = follow(engine, session.build_report(), quiet=as_json).result or {}
        report = Path(str(built["path"]))
        items, origins = session.evidence(), session.origins()
        out.facts |= {
            "case": str(session.folder),
            "media": [str(path) for path in clips.files],
            "report": {"path": str(report), "sha256": built["sha256"], "pages": built["pages"]},
            "device": engine.device(),
            "exhibits": [exhibit_facts(session, item, origins) for item in items],
        }
        scores = {item.exhibit: (item.name, score_lines(session, item)) for item in items}
        session.close()
        outcome = making.verify(engine, report, output)
        out.say()
        for exhibit, (name, lines) in scores.items():
            out.say(f"{exhibit}  {name}")
            for line in lines:
                out.say(f"       {line}")
        out.say()
        verification = Output(as_json)
        show_verification(verification, outcome)
        out.facts["verification"] = verification.facts
        out.say()
        out.say(f"case    {output}")
        out.say(f"report  {report}")
        out.say(f"clips   {clips.files[0].parent}")
        out.say()
        for line in making.MEANING:
            out.say(line)
    out.finish()
    if not outcome.ok:
        raise typer.Exit(ReportInvalid.exit_code)
