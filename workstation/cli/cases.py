"""``workstation case``: create, list, show, verify."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from workstation.app.data_sheets import SheetRequest
from workstation.app.engine import Engine
from workstation.app.environment import user_name
from workstation.app.session import CaseSession
from workstation.cli.evidence import unfinished_lines
from workstation.cli.exhibits import Origins, exhibit_facts, score_lines
from workstation.cli.kept import read_kept
from workstation.cli.output import CaseFolder, JsonFlag, Output, follow, show_verification
from workstation.cli.passphrases import chosen
from workstation.domain.datasheets import Declarant
from workstation.domain.errors import InputError, IntegrityMismatch
from workstation.domain.intake import ExhibitOrigin

app = typer.Typer(help="Create, list, show and verify cases.", no_args_is_help=True)


@app.command("create")
def create(
    folder: CaseFolder,
    number: Annotated[str, typer.Option(help="Case number. Default: the folder's name.")] = "",
    title: Annotated[str, typer.Option(help="Title.")] = "",
    examiner: Annotated[str, typer.Option(help="Who is responsible. Default: this account's name.")] = "",
    question: Annotated[str, typer.Option(help="The question put to the examiner.")] = "",
    purpose: Annotated[str, typer.Option(help="Why the case is made; goes into the chain of custody.")] = "",
    authority: Annotated[str, typer.Option(help="On whose word: an order, a warrant, a consent.")] = "",
    encrypt: Annotated[bool, typer.Option("--encrypt", help="Encrypt everything in it with a passphrase.")] = False,
    keyring: Annotated[bool, typer.Option("--keyring", help="Let this account's keyring open it too.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Make a new case in an empty or new folder."""
    out = Output(as_json)
    passphrase = chosen(None, again=False) if encrypt else None
    with Engine() as engine:
        session = engine.create_case(
            folder,
            number=number or folder.resolve().name,
            title=title or folder.resolve().name,
            examiner=examiner or user_name(),
            question=question,
            passphrase=passphrase,
            keyring=keyring and encrypt,
            purpose=purpose,
            authority=authority,
        )
        out.facts = {"id": session.case.id, "number": session.case.number, "folder": str(session.folder)}
        out.say(f"Case {session.case.number} made in {session.folder}")
        session.close()
    out.finish()


@app.command("list")
def list_cases(as_json: JsonFlag = False) -> None:
    """List the cases this workstation has opened, newest first."""
    out = Output(as_json)
    with Engine() as engine:
        cases = engine.known_cases()
    out.facts["cases"] = [
        {
            "id": c.id,
            "number": c.number,
            "title": c.title,
            "folder": c.folder,
            "opened_at": c.opened_at,
            "available": c.available,
        }
        for c in cases
    ]
    if cases:
        rows = [
            [c.number, c.title, c.opened_at[:16], c.folder if c.available else f"{c.folder} (not there)"] for c in cases
        ]
        out.table(["number", "title", "last opened", "folder"], rows)
    else:
        out.say("No case yet. Make one with: workstation case create FOLDER")
    out.finish()


@app.command("show")
def show(folder: CaseFolder, as_json: JsonFlag = False) -> None:
    """Show a case: exhibits, examinations, scores per track, reports, head of the chain of custody."""
    out = Output(as_json)
    with Engine() as engine:
        session = engine.open_case(folder, read_only=True)
        case, origins = session.case, session.origins()
        out.facts = {
            "id": case.id,
            "number": case.number,
            "title": case.title,
            "examiner": case.examiner,
            "question": case.question,
            "created_at": case.created_at,
            "exhibits": [exhibit_facts(session, item, origins) for item in session.evidence()],
            "imports": [asdict(batch) | {"waiting": batch.waiting} for batch in session.store.intake.batches()],
            "examinations": [
                {"number": r.number, "id": r.id, "state": r.state, "started_at": r.started_at, "frames": r.plan.frames}
                for r in session.examinations()
            ],
            "derived": [asdict(item) for item in session.store.derived.every()],
            "reports": [{"number": r.number, "path": r.path, "sha256": r.sha256} for r in session.reports()],
            "custody": {"events": session.custody_head().count, "code": session.custody_head().code},
            "unfinished": unfinished_lines(session),
        }
        out.say(f"Case {case.number} · {case.title} · examiner {case.examiner}")
        if case.question:
            out.say(f"Question: {case.question}")
        _say_exhibits(out, session, origins)
        for derived in session.store.derived.every():
            out.say(f"{derived.number}  {derived.operation} of {derived.parent}  SHA-256 {derived.sha256}")
        for record in session.reports():
            out.say(f"report {record.number}: {record.path}  SHA-256 {record.sha256}")
        head = session.custody_head()
        out.say(f"chain of custody: {head.count} events, head code {head.code}")
        for line in unfinished_lines(session):
            out.say(line)
        session.close()
    out.finish()


@app.command("verify")
def verify(
    folder: CaseFolder,
    record: Annotated[
        bool, typer.Option("--record", help="Also write the outcome for every exhibit into the chain of custody.")
    ] = False,
    code: Annotated[
        list[str] | None, typer.Option("--code", help="A head's code off paper; the chain must have had that head.")
    ] = None,
    checkpoint: Annotated[
        list[Path] | None, typer.Option("--checkpoint", metavar="FILE", help="A signed head kept elsewhere.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Verify database, chain of custody, exhibits, maps and reports. It changes nothing unless --record is given."""
    out = Output(as_json)
    with Engine() as engine:
        outcome = engine.verify_case(folder, kept=read_kept(code or (), checkpoint or ()))
        show_verification(out, outcome)
        if record:
            session = engine.open_case(folder)
            follow(engine, session.verify_evidence(), quiet=as_json)
            session.close()
    out.finish()
    if not outcome.ok:
        raise typer.Exit(IntegrityMismatch.exit_code)


@app.command("datasheet")
def datasheet(
    folder: CaseFolder,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="PDF", help="Where the sheet goes.")],
    qualifications: Annotated[str, typer.Option(help="What qualifies the declarant, or @FILE. Mandatory.")] = "",
    process: Annotated[
        str, typer.Option(help="How data were copied and identified, in the declarant's words, or @FILE. Mandatory.")
    ] = "",
    declarant: Annotated[str, typer.Option(help="Name and position of the declarant.")] = "",
    exhibit: Annotated[list[str] | None, typer.Option(help="Exhibit; repeat for more. Default: all.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Set out what was copied, from what, how and by whom, for a qualified person to complete and sign (902(14))."""
    out = Output(as_json)
    person = Declarant(declarant, _text(qualifications), _text(process))
    person.check()
    with Engine() as engine:
        session = engine.open_case(folder)
        named = tuple(session.find_evidence(name).id for name in exhibit) if exhibit else None
        job = follow(engine, session.copy_sheet(SheetRequest(output, person, named)), quiet=as_json)
        out.facts = dict(job.result or {})
        session.close()
    out.say(f"Data sheet: {out.facts['path']}")
    out.say(f"SHA-256 {out.facts['sha256']}")
    out.say("It is not signed. A qualified person reads, completes and signs it by hand.")
    out.finish()


def _text(given: str) -> str:
    """The text itself, or that of the file named after an at sign."""
    if not given.startswith("@"):
        return given
    path = Path(given[1:])
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read as text.", "Check the name.") from error


def _say_exhibits(out: Output, session: CaseSession, origins: Origins) -> None:
    for item in session.evidence():
        out.say(f"{item.exhibit}  {item.name}  {item.size} bytes  SHA-256 {item.sha256}  {item.integrity}")
        origin = origins.get(item.id, ExhibitOrigin())
        for words, value in (("purpose", origin.purpose), ("authority", origin.authority)):
            if value:
                out.say(f"       {words}: {value}")
        for stream in session.streams(item.id) or ():
            out.say(f"       stream {stream.stream} ({stream.kind}, {stream.codec}): SHA-256 {stream.sha256}")
        if item.problem:
            out.say(f"       cannot be examined: {item.problem}")
        for line in score_lines(session, item):
            out.say(f"       {line}")
    if not session.evidence():
        out.say("No exhibit yet. Take one in with: workstation evidence add CASE FILE")
