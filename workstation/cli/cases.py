"""``workstation case``: create, list, show, verify."""

from __future__ import annotations

from typing import Annotated

import typer

from workstation.app.engine import Engine
from workstation.app.environment import user_name
from workstation.app.session import CaseSession
from workstation.cli.output import CaseFolder, JsonFlag, Output, follow, show_verification
from workstation.domain.errors import IntegrityMismatch

app = typer.Typer(help="Create, list, show and verify cases.", no_args_is_help=True)


@app.command("create")
def create(
    folder: CaseFolder,
    number: Annotated[str, typer.Option(help="Case number. Default: the folder's name.")] = "",
    title: Annotated[str, typer.Option(help="Title.")] = "",
    examiner: Annotated[str, typer.Option(help="Who is responsible. Default: this account's name.")] = "",
    question: Annotated[str, typer.Option(help="The question put to the examiner.")] = "",
    as_json: JsonFlag = False,
) -> None:
    """Make a new case in an empty or new folder."""
    out = Output(as_json)
    with Engine() as engine:
        session = engine.create_case(
            folder,
            number=number or folder.resolve().name,
            title=title or folder.resolve().name,
            examiner=examiner or user_name(),
            question=question,
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
        case = session.case
        out.facts = {
            "id": case.id,
            "number": case.number,
            "title": case.title,
            "examiner": case.examiner,
            "question": case.question,
            "created_at": case.created_at,
            "exhibits": [exhibit_facts(session, i.id) for i in session.evidence()],
            "examinations": [
                {"number": r.number, "id": r.id, "state": r.state, "started_at": r.started_at, "frames": r.plan.frames}
                for r in session.examinations()
            ],
            "reports": [{"number": r.number, "path": r.path, "sha256": r.sha256} for r in session.reports()],
            "custody": {"events": session.custody_head().count, "code": session.custody_head().code},
        }
        out.say(f"Case {case.number} · {case.title} · examiner {case.examiner}")
        if case.question:
            out.say(f"Question: {case.question}")
        for item in session.evidence():
            out.say(f"{item.exhibit}  {item.name}  {item.size} bytes  SHA-256 {item.sha256}  {item.integrity}")
            if item.problem:
                out.say(f"       cannot be examined: {item.problem}")
            for line in score_lines(session, item.id):
                out.say(f"       {line}")
        if not session.evidence():
            out.say("No exhibit yet. Take one in with: workstation evidence add CASE FILE")
        for record in session.reports():
            out.say(f"report {record.number}: {record.path}  SHA-256 {record.sha256}")
        head = session.custody_head()
        out.say(f"chain of custody: {head.count} events, head code {head.code}")
        session.close()
    out.finish()


@app.command("verify")
def verify(
    folder: CaseFolder,
    record: Annotated[
        bool, typer.Option("--record", help="Also write the outcome for every exhibit into the chain of custody.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Verify database, chain of custody, exhibits, maps and reports. It changes nothing unless --record is given."""
    out = Output(as_json)
    with Engine() as engine:
        outcome = engine.verify_case(folder)
        show_verification(out, outcome)
        if record:
            session = engine.open_case(folder)
            follow(engine, session.verify_evidence(), quiet=as_json)
            session.close()
    out.finish()
    if not outcome.ok:
        raise typer.Exit(IntegrityMismatch.exit_code)


def exhibit_facts(session: CaseSession, evidence: str) -> dict[str, object]:
    """Facts of one exhibit with the newest examination's scores per track."""
    item = next(i for i in session.evidence() if i.id == evidence)
    facts: dict[str, object] = {
        "id": item.id,
        "exhibit": item.exhibit,
        "name": item.name,
        "sha256": item.sha256,
        "size": item.size,
        "kind": item.media.kind if item.media else None,
        "problem": item.problem,
        "integrity": item.integrity,
        "work": item.work,
    }
    run = session.latest_examination(item.id)
    if run is not None:
        c = session.coverage(run.id, item.id)
        facts["examination"] = run.number
        facts["coverage"] = {
            "frames_total": c.frames_total,
            "examined": c.examined,
            "with_face": c.with_face,
            "without_face": c.without_face,
            "unreadable": c.unreadable,
            "scored": c.scored,
            "abstained": c.abstained,
            "errors": c.errors,
        }
        facts["tracks"] = [
            {
                "track": s.track_number,
                "detector": s.detector,
                "mean": s.mean,
                "median": s.median,
                "spread_5_95": None if s.low is None else [s.low, s.high],
                "calibrated": False,
                "frames_scored": s.frames_scored,
                "frames_abstained": s.frames_abstained,
                "frames_error": s.frames_error,
                "abstentions": {str(reason): count for reason, count in s.abstentions},
            }
            for s in session.summaries(run.id, item.id)
        ]
    return facts


def score_lines(session: CaseSession, evidence: str) -> list[str]:
    """Scores per track as lines for a person; every number carries its spread and the word "uncalibrated"."""
    item = next(i for i in session.evidence() if i.id == evidence)
    run = session.latest_examination(item.id)
    if run is None:
        return ["not examined yet"] if item.media else []
    c = session.coverage(run.id, item.id)
    lines = [
        f"examination {run.number} ({run.state}): {c.examined} of {c.frames_total} frames examined, "
        f"a face in {c.with_face}, none in {c.without_face}, unreadable {c.unreadable}"
    ]
    for s in session.summaries(run.id, item.id):
        if s.mean is None or s.low is None or s.high is None:
            why = ", ".join(f"{reason} {count}" for reason, count in s.abstentions) or "no frame"
            lines.append(f"T{s.track_number} {s.detector}: no score ({why})")
            continue
        lines.append(
            f"T{s.track_number} {s.detector}: mean {s.mean:.2f} (5-95 % of frames {s.low:.2f} to {s.high:.2f}), "
            f"uncalibrated; {s.frames_scored} scored, {s.frames_abstained} abstained, {s.frames_error} failed"
        )
    return lines
