"""``workstation case encrypt|decrypt|rekey|backup|export|import|archive|unseal`` and ``workstation pack``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from workstation.app import portability
from workstation.app.engine import Engine
from workstation.app.portability import ExportWish
from workstation.cli import cases
from workstation.cli.output import CaseFolder, JsonFlag, Output, follow, show_verification
from workstation.cli.passphrases import chosen
from workstation.domain.errors import CaseReadOnly, InputError, IntegrityMismatch
from workstation.domain.ids import JobId

app = typer.Typer(help="Verify packs, and take members out of disclosure packs.", no_args_is_help=True)

Target = Annotated[Path, typer.Argument(metavar="OUT.zip", help="File to write; never overwritten.")]
PackFile = Annotated[Path, typer.Argument(metavar="PACK.zip", help="A pack made by this program.")]
Keyring = Annotated[bool, typer.Option("--keyring", help="Let this account's keyring open the case too.")]
Purpose = Annotated[str, typer.Option(help="Why; goes into the chain of custody.")]
Authority = Annotated[str, typer.Option(help="On whose word; goes into the chain of custody.")]
Recipient = Annotated[str, typer.Option(help="Who gets it; goes into the chain of custody.")]
NewFile = Annotated[
    Path | None, typer.Option("--new-passphrase-file", metavar="FILE", help="First line: the new passphrase.")
]


@cases.app.command("encrypt")
def encrypt(folder: CaseFolder, keyring: Keyring = False, as_json: JsonFlag = False) -> None:
    """Encrypt a case where it lies. The blocks of the plain files belong to the disk again, and are not wiped."""
    passphrase = chosen(None, again=False)
    with Engine() as engine:
        job = portability.encrypt(engine, folder, passphrase, keyring=keyring)
        _rewritten(engine, job, as_json, f"The case in {folder} is encrypted.")


@cases.app.command("decrypt")
def decrypt(folder: CaseFolder, as_json: JsonFlag = False) -> None:
    """Make an encrypted case a plain one again."""
    with Engine() as engine:
        _rewritten(engine, portability.decrypt(engine, folder), as_json, f"The case in {folder} is plain again.")


@cases.app.command("rekey")
def rekey(
    folder: CaseFolder,
    new_file: NewFile = None,
    full: Annotated[bool, typer.Option("--full", help="Also a new master key: everything is written anew.")] = False,
    keyring: Keyring = False,
    as_json: JsonFlag = False,
) -> None:
    """Give an encrypted case another passphrase. Old copies of case.key still open it, unless --full is given."""
    new = chosen(new_file, again=True)
    with Engine() as engine:
        job = portability.rekey(engine, folder, new, full=full, keyring=keyring)
        _rewritten(engine, job, as_json, f"The case in {folder} has a new passphrase.")


@cases.app.command("backup")
def backup(
    folder: CaseFolder,
    target: Annotated[Path, typer.Argument(metavar="DIR", help="New or empty folder for the copy.")],
    as_json: JsonFlag = False,
) -> None:
    """Copy a case into another folder, as it stands at one moment, and verify the copy."""
    out = Output(as_json)
    with Engine() as engine:
        try:
            session = engine.open_case(folder)
        except CaseReadOnly:  # another program is writing it, or it is sealed: the copy is the same
            session = engine.open_case(folder, read_only=True)
        out.facts = dict(follow(engine, portability.back_up(engine, session, target), quiet=as_json).result or {})
        session.close()
    out.say(f"Backed up to {out.facts['folder']}: {out.facts['files']} files, verified.")
    out.say(f"chain of custody: {out.facts['count']} events, head code {out.facts['code']}")
    if not out.facts["recorded"]:
        out.say("The case is not open for writing here, so its chain of custody does not say that it was backed up.")
    out.finish()


@cases.app.command("export")
def export(
    folder: CaseFolder,
    target: Target,
    disclose: Annotated[
        bool, typer.Option("--disclose", help="A disclosure pack of some exhibits in place of the whole case.")
    ] = False,
    only: Annotated[str, typer.Option(help="Exhibits to disclose, with commas: EX-01,EX-03.")] = "",
    media: Annotated[
        bool, typer.Option("--with-media/--without-media", help="Originals and fakeness maps too.")
    ] = True,
    purpose: Purpose = "",
    authority: Authority = "",
    recipient: Recipient = "",
    as_json: JsonFlag = False,
) -> None:
    """Pack a case into one file that verifies on its own; or, with --disclose, some of its exhibits."""
    if disclose != bool(only.strip(", ")) or (not media and not disclose):
        raise InputError("A disclosure needs both --disclose and --only.", "For example: --disclose --only EX-01,EX-03")
    with Engine() as engine:
        session = engine.open_case(folder)
        try:
            names = tuple(session.find_evidence(name).id for name in only.split(",") if name.strip())
            wish = ExportWish(target, purpose, authority, recipient, names, media)
            _exported(engine, portability.export(engine, session, wish), as_json, "Exported")
        finally:
            session.close()


@cases.app.command("archive")
def archive(
    folder: CaseFolder,
    target: Target,
    purpose: Purpose = "",
    authority: Authority = "",
    recipient: Recipient = "",
    as_json: JsonFlag = False,
) -> None:
    """Seal a case and pack it. Until "case unseal" it can only be read."""
    with Engine() as engine:
        session = engine.open_case(folder)
        try:
            wish = ExportWish(target, purpose, authority, recipient)
            _exported(engine, portability.archive(engine, session, wish), as_json, "Sealed and archived")
        finally:
            session.close()


@cases.app.command("unseal")
def unseal(
    folder: CaseFolder,
    reason: Annotated[str, typer.Option(help="Why the sealed case is opened up again.")],
    as_json: JsonFlag = False,
) -> None:
    """Let a case that was sealed for the archive be written again. The reason goes into its chain of custody."""
    if not reason.strip():
        raise InputError("A sealed case is opened up for a reason only.", "Give it with --reason.")
    out = Output(as_json)
    with Engine() as engine:
        session = engine.open_case(folder, unseal=reason.strip())
        out.facts = {"case": session.case.id, "reason": reason.strip()}
        session.close()
    out.say(f"The case in {folder} can be written again.")
    out.finish()


@cases.app.command("import")
def import_pack(
    pack: PackFile,
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="New or empty folder for the case.")],
    as_received: Annotated[bool, typer.Option("--as-received", help="Add nothing to its chain of custody.")] = False,
    purpose: Purpose = "",
    authority: Authority = "",
    as_json: JsonFlag = False,
) -> None:
    """Take a case in from a pack, after checking every byte of it. Nothing is ever overwritten."""
    out = Output(as_json)
    with Engine() as engine:
        job = portability.import_pack(
            engine, pack, folder, purpose=purpose, authority=authority, as_received=as_received
        )
        out.facts = dict(follow(engine, job, quiet=as_json).result or {})
    out.say(f"Taken in to {out.facts['folder']}: {out.facts['members']} files, verified.")
    out.say(f"packed with ledger key {out.facts['packed_with_key']}, {out.facts['count']} custody events then")
    out.say(f"head code {out.facts['code']}: hold it against what the sender tells you another way")
    if not out.facts["recorded"]:
        out.say("Nothing was added to its chain of custody.")
    if out.facts["also_at"]:
        out.say(f"The case itself stands in {out.facts['also_at']}; this copy is for looking at.")
    out.finish()


@app.command("verify")
def verify(pack: PackFile, as_json: JsonFlag = False) -> None:
    """Verify a pack without unpacking it: every byte, the signature, the chain of custody."""
    out = Output(as_json)
    outcome = portability.check_pack(pack, _progress(as_json))
    show_verification(out, outcome)
    out.finish()
    if not outcome.ok:
        raise typer.Exit(IntegrityMismatch.exit_code)


@app.command("redact")
def redact(
    pack: PackFile,
    target: Target,
    without: Annotated[list[str], typer.Option(help='Member or folder to take out ("exhibits/EX-02"); repeatable.')],
    reason: Annotated[str, typer.Option(help="Why; stands in the new pack.")] = "",
    as_json: JsonFlag = False,
) -> None:
    """Take members out of a disclosure pack; the rest goes on verifying. Events of custody are members too."""
    out = Output(as_json)
    gone = portability.redact(pack, without, target, reason)
    out.facts = {"path": str(target), "withheld": list(gone)}
    out.say(f"{target} without {len(gone)} members.")
    out.finish()


def _rewritten(engine: Engine, job: JobId, as_json: bool, line: str) -> None:
    out = Output(as_json)
    out.facts = dict(follow(engine, job, quiet=as_json).result or {})
    out.say(line)
    out.say(f"{out.facts['files']} files written; chain of custody: {out.facts['count']} events")
    left = out.facts["left_alone"]
    if isinstance(left, list) and left:
        out.say(f"left as they were: {', '.join(left[:10])}")
    bad = out.facts["bad"]
    named = "; ".join(str(line) for line in bad) if isinstance(bad, list) else ""
    out.say("verified" if out.facts["verified"] else f"NOT verified: {named}")
    out.finish()
    if not out.facts["verified"]:
        raise typer.Exit(IntegrityMismatch.exit_code)


def _exported(engine: Engine, job: JobId, as_json: bool, line: str) -> None:
    out = Output(as_json)
    out.facts = dict(follow(engine, job, quiet=as_json).result or {})
    out.say(f"{line} to {out.facts['path']} ({out.facts['size']} bytes), written, read back and compared:")
    counts = out.facts["counts"]
    assert isinstance(counts, dict)
    rows = [[name, str(both["case"]), str(both["pack"])] for name, both in counts.items()]
    out.table(["", "in the case", "in the pack"], rows)
    left = out.facts["left_out"]
    if isinstance(left, list) and left:
        out.say(f"Not in the pack, since they are no part of the case: {', '.join(left[:10])}")
    out.say(f"SHA-256 {out.facts['sha256']}")
    out.say(f"chain of custody: {out.facts['count']} events, head code {out.facts['code']}")
    out.finish()


def _progress(quiet: bool) -> portability.Tell | None:
    if quiet or not sys.stderr.isatty():
        return None
    return lambda done, total, note: typer.echo(f"\r\x1b[K{100 * done // total} % {note[:80]}", nl=False, err=True)
