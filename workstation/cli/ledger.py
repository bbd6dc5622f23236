"""``workstation case log|checkpoint|prove|transfer|delete`` and ``workstation log verify``: the chain of custody."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from workstation.app.engine import Engine
from workstation.app.session import CaseSession
from workstation.cli import cases
from workstation.cli.kept import read_note
from workstation.cli.output import CaseFolder, JsonFlag, Output, show_verification
from workstation.domain.checkpoints import VerifierKey
from workstation.domain.custody import CustodyEvent, CustodyKind
from workstation.domain.errors import CaseReadOnly, IntegrityMismatch

app = typer.Typer(help="Verify a custody log that was handed over.", no_args_is_help=True)
_LONGEST = 100

LogTarget = Annotated[Path | None, typer.Option("--output", metavar="FILE", help="Write it as JSON Lines, in full.")]
RedactedTarget = Annotated[
    Path | None, typer.Option("--redacted", metavar="FILE", help="The same with every body replaced by its digest.")
]
Purpose = Annotated[str, typer.Option(help="Why it is handed out; goes into the chain of custody.")]
Authority = Annotated[str, typer.Option(help="On whose word it is handed out.")]


@cases.app.command("log")
def log(
    folder: CaseFolder,
    output: LogTarget = None,
    redacted: RedactedTarget = None,
    purpose: Purpose = "",
    authority: Authority = "",
    as_json: JsonFlag = False,
) -> None:
    """List the chain of custody, or write it to a file that verifies without the case."""
    out = Output(as_json)
    with Engine() as engine:
        if output is None and redacted is None:
            session = engine.open_case(folder, read_only=True)
            _show(out, session.custody())
        else:
            session = _writable(engine, folder)
            for target, without in ((output, False), (redacted, True)):
                if target is not None:
                    _export(out, session, target, without, purpose, authority)
        session.close()
    out.finish()


def _writable(engine: Engine, folder: Path) -> CaseSession:
    """Handing a log out is recorded in it; where that cannot be, the log as it stands is handed out."""
    try:
        return engine.open_case(folder)
    except CaseReadOnly:
        return engine.open_case(folder, read_only=True)


def _show(out: Output, events: tuple[CustodyEvent, ...]) -> None:
    out.facts["events"] = [
        {"seq": e.seq, "at": e.at, "actor": e.actor, "kind": e.kind, "body": json.loads(e.body), "hash": e.hash}
        for e in events
    ]
    rows = [[str(e.seq), e.at[:19] + "Z", e.actor, e.kind.value, _short(e.body)] for e in events]
    out.table(["event", "at (UTC)", "who", "what", "facts"], rows)


def _short(body: str) -> str:
    facts = json.loads(body)
    told = ", ".join(f"{name} {value}" for name, value in facts.items() if name != "salt" and value not in ("", None))
    return told if len(told) <= _LONGEST else told[: _LONGEST - 1] + "…"


def _export(out: Output, session: CaseSession, target: Path, redacted: bool, purpose: str, authority: str) -> None:
    from workstation.storage import custody_log

    store = session.store
    events = store.custody()
    checkpoint = session.checkpoint() if store.read_only else store.checkpoint(custody_log.first_form_line(events))
    digest = custody_log.write(target, store.case.id, events, checkpoint, redacted=redacted)
    facts = {"what": "custody log", "path": str(target.resolve()), "sha256": digest, "events": len(events)}
    if not store.read_only:
        kind = CustodyKind.REDACTED if redacted else CustodyKind.EXPORTED
        store.record(kind, facts, purpose=purpose, authority=authority)
    out.facts["redacted" if redacted else "log"] = facts | {"verifier_key": store.verifier_key().text()}
    without = ", bodies taken out" if redacted else ""
    out.say(f"{len(events)} events{without} in {target}  SHA-256 {digest}")


@cases.app.command("checkpoint")
def checkpoint(
    folder: CaseFolder,
    output: Annotated[Path | None, typer.Option("--output", metavar="FILE", help="Write it there.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Print the signed head of the chain of custody, to be kept where the case is not."""
    out = Output(as_json)
    with Engine() as engine:
        session = engine.open_case(folder, read_only=True)
        text, head = session.checkpoint(), session.custody_head()
        out.facts = {
            "checkpoint": text,
            "verifier_key": session.store.verifier_key().text(),
            "events": head.count,
            "hash": head.hash,
            "root": head.root,
            "code": head.code,
        }
        session.close()
    if output is not None:
        _put(output, text)
        out.say(f"head of {head.count} events, code {head.code}, in {output}")
    else:
        out.say(text.rstrip("\n"))
    out.finish()


def _put(path: Path, text: str) -> None:
    from workstation.storage.durable import file_error, write_whole

    try:
        write_whole(path, text.encode())
    except OSError as fault:
        raise file_error(fault, path) from fault


@cases.app.command("prove")
def prove(
    folder: CaseFolder,
    seq: Annotated[int, typer.Argument(metavar="EVENT", help="Number of the event.", min=1)],
    since: Annotated[
        int | None,
        typer.Option(metavar="EVENTS", help="Also prove that the chain continues the one of so many events."),
    ] = None,
) -> None:
    """Print one event with its proof against the signed head (RFC 9162), as JSON."""
    out = Output(as_json=True)
    with Engine() as engine:
        session = engine.open_case(folder, read_only=True)
        store = session.store
        proof = store.prove_inclusion(seq)
        event = store.custody()[seq - 1]
        out.facts = {
            "event": {"seq": event.seq, "at": event.at, "actor": event.actor, "kind": event.kind, "body": event.body},
            "prev": event.prev,
            "hash": event.hash,
            "signature": event.signature,
            "index": proof.index,
            "size": proof.size,
            "leaf": proof.leaf,
            "path": proof.path,
            "root": proof.root,
            "checkpoint": session.checkpoint(),
            "verifier_key": store.verifier_key().text(),
        }
        if since is not None:
            earlier = store.prove_consistency(since)
            out.facts["consistency"] = {
                "from": earlier.old,
                "from_root": earlier.old_root,
                "to": earlier.size,
                "root": earlier.root,
                "path": earlier.path,
            }
        session.close()
    out.finish()


@cases.app.command("transfer")
def transfer(
    folder: CaseFolder,
    to: Annotated[str, typer.Option(help="Who gets it.")],
    giver: Annotated[str, typer.Option("--from", help="Who hands it over. Default: the examiner.")] = "",
    how: Annotated[str, typer.Option(help="How: by hand, by courier, on which medium.")] = "",
    purpose: Purpose = "",
    authority: Authority = "",
    as_json: JsonFlag = False,
) -> None:
    """Record that the case was handed over, and print the code of the head to write on the receipt."""
    out = Output(as_json)
    with Engine() as engine:
        session = engine.open_case(folder)
        body = {"to": to, "from": giver or session.case.examiner, "how": how}
        event = session.store.record(CustodyKind.TRANSFERRED, body, purpose=purpose, authority=authority)
        head = session.custody_head()
        out.facts = {"event": event.seq, "events": head.count, "code": head.code, "checkpoint": session.checkpoint()}
        out.say(f"handed over to {to}: event {event.seq}, head code {head.code}")
        session.close()
    out.finish()


@cases.app.command("delete")
def delete(
    folder: CaseFolder,
    number: Annotated[str, typer.Argument(metavar="DERIVED", help='Number of a derived item, such as "DI-01".')],
    reason: Annotated[str, typer.Option(help="Why; goes into the chain of custody.")],
    authority: Authority = "",
    as_json: JsonFlag = False,
) -> None:
    """Delete the file of a derived item. Its record stays; originals and reports are never deleted."""
    from workstation.storage.disposal import delete_derived

    out = Output(as_json)
    with Engine() as engine:
        session = engine.open_case(folder)
        item = delete_derived(session.store, number.upper(), reason, authority=authority)
        out.facts = {"derived": item.id, "number": item.number, "path": item.path, "sha256": item.sha256}
        out.say(f"{item.number} deleted: {item.path}")
        session.close()
    out.finish()


@app.command("verify")
def verify(
    log_file: Annotated[Path, typer.Argument(metavar="FILE", help="A log written by: workstation case log.")],
    against: Annotated[
        Path | None,
        typer.Option("--checkpoint", metavar="FILE", help="A signed head kept elsewhere; the log must contain it."),
    ] = None,
    key: Annotated[
        str, typer.Option(help="The verifier key that must have signed; default: the one the log names.")
    ] = "",
    as_json: JsonFlag = False,
) -> None:
    """Verify links, signatures and root of a custody log, whether or not its bodies were taken out."""
    from workstation.storage import custody_log

    out = Output(as_json)
    note = None if against is None else read_note(against)
    outcome = custody_log.verify(log_file, checkpoint=note, key=VerifierKey.parse(key) if key else None)
    show_verification(out, outcome)
    out.finish()
    if not outcome.ok:
        raise typer.Exit(IntegrityMismatch.exit_code)
