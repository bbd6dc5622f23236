"""Moving cases: encryption, backup, packs out and in, disclosure, the archive. What takes long is a job (io lane)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from workstation.app.passphrases import RUN
from workstation.app.session import CaseSession
from workstation.domain.clock import now_utc
from workstation.domain.custody import CustodyHead, CustodyKind, Verification
from workstation.domain.errors import CaseExists, InputError, NotFound
from workstation.domain.events import CaseChanged
from workstation.domain.ids import CaseId, EvidenceId, JobId
from workstation.domain.jobs import JobContext, Lane
from workstation.storage import rewriting
from workstation.storage.case_folder import CaseFolder
from workstation.storage.key_slots import unlock
from workstation.storage.portable import disclosure, receiving, snapshot
from workstation.storage.portable.exporting import Exported, Handover, export_case
from workstation.storage.portable.reading import Pack
from workstation.storage.portable.verifying import verify_pack

if TYPE_CHECKING:
    from workstation.app.engine import Engine

Tell = Callable[[int, int, str], None]
_UNIT = "bytes"


@dataclass(frozen=True, slots=True)
class ExportWish:
    """Where a pack goes and why. ``only`` makes it a disclosure pack of these exhibits, with their media or without."""

    target: Path
    purpose: str = ""
    authority: str = ""
    recipient: str = ""
    only: tuple[EvidenceId, ...] = ()
    media: bool = True

    @property
    def handover(self) -> Handover:
        return Handover(self.purpose, self.authority, self.recipient)


def encrypt(engine: Engine, folder: Path, passphrase: str, *, keyring: bool = False) -> JobId:
    """Encrypt a case that nobody has open. Result: see ``_rewritten``."""

    def work(context: JobContext) -> dict[str, object]:
        done = rewriting.encrypt_case(
            folder,
            engine.key,
            passphrase,
            keyring=keyring,
            on_progress=_bytes(context),
            cancelled=context.cancelled,
        )
        return _rewritten(engine, folder, done, passphrase, "case encrypted")

    return engine.jobs.submit(Lane.IO, "Encrypt the case", work, unit=_UNIT)


def decrypt(engine: Engine, folder: Path, passphrase: str | None = None) -> JobId:
    """Make an encrypted case a plain one again. Result: see ``_rewritten``. Raises: CaseLocked, before it begins."""
    known = _known(folder, passphrase)

    def work(context: JobContext) -> dict[str, object]:
        done = rewriting.decrypt_case(
            folder, engine.key, known, on_progress=_bytes(context), cancelled=context.cancelled
        )
        return _rewritten(engine, folder, done, None, "case decrypted")

    return engine.jobs.submit(Lane.IO, "Decrypt the case", work, unit=_UNIT)


def rekey(
    engine: Engine, folder: Path, new: str, passphrase: str | None = None, *, full: bool = False, keyring: bool = False
) -> JobId:
    """Give an encrypted case another passphrase, with ``full`` also a new master key. Result: see ``_rewritten``.

    Raises: CaseLocked, before it begins.
    """
    known = _known(folder, passphrase)

    def work(context: JobContext) -> dict[str, object]:
        done = rewriting.rekey_case(
            folder,
            engine.key,
            known,
            new,
            full=full,
            keyring=keyring,
            on_progress=_bytes(context),
            cancelled=context.cancelled,
        )
        return _rewritten(engine, folder, done, new, "case rekeyed")

    return engine.jobs.submit(Lane.IO, "Change the keys of the case", work, unit=_UNIT)


def back_up(engine: Engine, session: CaseSession, folder: Path) -> JobId:
    """Copy an open case, while it is being worked on, here or by another program (then it is open for reading here, and
    the backup is not recorded in it). Result: folder, files, bytes, counts, count, code, checks, recorded."""

    def work(context: JobContext) -> dict[str, object]:
        done = snapshot.back_up(session.store, folder, context.progress, context.cancelled, key=engine.key)
        engine.pin(session.case.id, done.head, f"backup {done.folder.name}")
        engine.hub.publish(CaseChanged(session.case.id))
        return {
            "folder": str(done.folder),
            "files": done.files,
            "bytes": done.bytes,
            "counts": dict(done.counts),
            "count": done.head.count,
            "code": done.head.code,
            "checks": len(done.verification.lines),
            "recorded": not session.read_only,
        }

    return session.submit(Lane.IO, f"Back up to {folder.name}", work, _UNIT)


def export(engine: Engine, session: CaseSession, wish: ExportWish) -> JobId:
    """Pack an open case, or disclose some of its exhibits. Result: see ``_exported``."""
    if not wish.target.absolute().parent.is_dir():
        raise NotFound(f"There is no folder {wish.target.absolute().parent}.", "Make it, or choose another place.")

    def work(context: JobContext) -> dict[str, object]:
        store = session.store
        if wish.only:
            extras = _extras(engine, session, wish)
            wanted = disclosure.Disclosure(wish.only, wish.media, extras, wish.handover)
            done = disclosure.disclose(store, wish.target, wanted, context.progress, context.cancelled)
        else:
            done = export_case(store, wish.target, wish.handover, context.progress, context.cancelled)
        return _exported(engine, session, done, "disclosure" if wish.only else "export")

    return session.submit(Lane.IO, f"Export to {wish.target.name}", work, _UNIT)


def archive(engine: Engine, session: CaseSession, wish: ExportWish) -> JobId:
    """Seal an open case and pack it; until ``case unseal`` it can only be read then. Result: see ``_exported``."""
    if not wish.target.absolute().parent.is_dir():
        raise NotFound(f"There is no folder {wish.target.absolute().parent}.", "Make it, or choose another place.")
    if wish.target.exists():
        raise InputError(f"{wish.target} is there already.", "Choose another name; nothing is overwritten.")

    def work(context: JobContext) -> dict[str, object]:
        store = session.store
        store.record(CustodyKind.SEALED, {"state": "sealed", "reason": wish.purpose or "archived"})
        try:
            done = export_case(store, wish.target, wish.handover, context.progress, context.cancelled, kind="archive")
        except BaseException as fault:
            store.record(CustodyKind.SEALED, {"state": "open", "reason": f"not archived: {type(fault).__name__}"})
            raise
        return _exported(engine, session, done, "archive")

    return session.submit(Lane.IO, f"Archive to {wish.target.name}", work, _UNIT)


def import_pack(
    engine: Engine,
    pack: Path,
    folder: Path,
    *,
    passphrase: str | None = None,
    purpose: str = "",
    authority: str = "",
    as_received: bool = False,
) -> JobId:
    """Take a case in from a pack. Result: folder, case, count, code, members, sha256, recorded, also_at, checks.

    A case that this workstation has already is taken in ``as_received`` only: two chains that go on from one head are
    two stories. Raises: InputError, PackInvalid, CaseExists; and what ``receiving.import_case`` raises.
    """
    with Pack(pack) as looked_at:
        case = looked_at.manifest.part("case")
    other = engine.place_of(CaseId(str(case.get("id", ""))))
    if other is not None and not as_received:
        raise CaseExists(f"This very case stands in {other}.", "Work on there, or take the pack in with --as-received.")
    known = passphrase if passphrase is not None else RUN.known()
    if known is None and case.get("encrypted") is True and RUN.ask is not None:
        known = RUN.ask(pack)

    def work(context: JobContext) -> dict[str, object]:
        done = receiving.import_case(
            pack,
            folder,
            engine.key,
            passphrase=known,
            handover=Handover(purpose, authority),
            as_received=as_received,
            on_progress=context.progress,
            cancelled=context.cancelled,
        )
        engine.pin(CaseId(done.case), done.head, f"pack {pack.name} SHA-256 {done.sha256}")
        return {
            "folder": str(done.folder),
            "case": done.case,
            "count": done.head.count,
            "code": done.head.code,
            "members": done.members,
            "sha256": done.sha256,
            "recorded": done.recorded,
            "packed_with_key": done.made_by,
            "also_at": "" if other is None else str(other),
            "checks": len(done.verification.lines),
        }

    return engine.jobs.submit(Lane.IO, f"Take in {pack.name}", work, unit=_UNIT)


def check_pack(path: Path, on_progress: Tell | None = None) -> Verification:
    """Verify a pack without unpacking it; no key, no passphrase and no case is needed. Raises: InputError."""
    return verify_pack(path, on_progress)


def redact(path: Path, without: Sequence[str], target: Path, reason: str) -> tuple[str, ...]:
    """Take members out of a disclosure pack; the rest goes on verifying. Raises: InputError, PackInvalid."""
    return disclosure.redact_pack(path, without, target, reason)


def _known(folder: Path, passphrase: str | None) -> str | None:
    """A passphrase that opens the case, asked for here and not on a lane; None where none is needed or a keyring helps.

    Raises: CaseLocked.
    """

    def right(known: str | None) -> str | None:
        unlock(folder / "case.key", known)
        return known

    return RUN.unlocking(folder, passphrase, right)


def _bytes(context: JobContext) -> Callable[[int, int], None]:
    return lambda done, total: context.progress(done, total)


def _rewritten(
    engine: Engine, folder: Path, done: rewriting.Rewritten, passphrase: str | None, what: str
) -> dict[str, object]:
    """Pin the new head, and verify the case in its new state: nobody should believe a re-written case unseen."""
    from workstation.storage.anchor import read_anchor

    case = read_anchor(folder.absolute() / "custody.head").case
    engine.pin(case, done.head, what)
    outcome = engine.verify_case(folder, passphrase=passphrase)
    return {
        "files": done.files,
        "bytes": done.bytes,
        "left_alone": list(done.left_alone),
        "verified": outcome.ok,
        "bad": [f"{line.subject}: {line.detail}" for line in outcome.bad],
        **_head(done.head),
    }


def _exported(engine: Engine, session: CaseSession, done: Exported, what: str) -> dict[str, object]:
    """Pin where the chain stood, with the digest of the pack, outside the case (E7)."""
    # What a pin begins with tells ``Engine.verify_case`` that a copy may end there.
    kind = "export" if what == "disclosure" else what
    engine.pin(session.case.id, done.head, f"{kind} {done.path.name} SHA-256 {done.sha256} {now_utc()}")
    engine.hub.publish(CaseChanged(session.case.id))
    return {
        "path": str(done.path),
        "sha256": done.sha256,
        "size": done.size,
        "members": done.members,
        "left_out": [] if what == "disclosure" else list(rewriting.left_alone(CaseFolder(session.folder))),
        "counts": {name: {"case": here, "pack": packed} for name, (here, packed) in done.counts.items()},
        **_head(done.head),
    }


def _head(head: CustodyHead) -> Mapping[str, object]:
    return {"count": head.count, "code": head.code}


def _extras(engine: Engine, session: CaseSession, wish: ExportWish) -> tuple[tuple[str, bytes], ...]:
    from workstation.app.disclosing import explanations

    return explanations(engine, session, wish.only, wish.media)
