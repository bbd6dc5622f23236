"""Taking a case in from a pack of any origin: nothing is believed, nothing is overwritten, nothing half made stays."""

from __future__ import annotations

import hashlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from workstation.domain.custody import CustodyHead, CustodyKind, Verification
from workstation.domain.errors import CaseExists, CaseReadOnly, IntegrityMismatch, PackInvalid, StorageFull
from workstation.storage import key_slots, leftovers
from workstation.storage.anchor import read_anchor
from workstation.storage.case_folder import CaseFolder
from workstation.storage.case_store import CaseStore
from workstation.storage.durable import file_error, flush_folder, part_name
from workstation.storage.keys import LedgerKey, fingerprint
from workstation.storage.portable.exporting import CHECKPOINT, TOP, Handover
from workstation.storage.portable.manifest import Manifest, Member
from workstation.storage.portable.reading import Pack
from workstation.storage.portable.snapshot import Cancel, Progress
from workstation.storage.switching import flush_tree
from workstation.storage.verification import verify_case

_ADVICE = "Ask for the pack again; take nothing from this one."
_SINGLE = ("case.sqlite", "custody.head", "case.key")
_PARTS = ("evidence/", "derived/", "maps/", "reports/", "backups/")


@dataclass(frozen=True, slots=True)
class Received:
    """A case taken in: where, which, where its chain ended when it was packed, and whether it may be written here."""

    folder: Path
    case: str
    head: CustodyHead
    members: int
    sha256: str
    recorded: bool
    made_by: str
    verification: Verification


def import_case(
    path: Path,
    target: Path,
    key: LedgerKey,
    *,
    passphrase: str | None = None,
    handover: Handover | None = None,
    as_received: bool = False,
    on_progress: Progress | None = None,
    cancelled: Cancel | None = None,
) -> Received:
    """Unpack a case into a folder that is not there yet, verify it whole, and record that it was taken in.

    Args:
        passphrase: of an encrypted case.
        as_received: add nothing to its chain. A case sealed for the archive is always left as received.

    Raises:
        CaseExists: the folder holds something.
        PackInvalid: the pack is misshapen, altered, or not safe to unpack.
        IntegrityMismatch: the case in it does not verify.
        CaseLocked: it is encrypted, and there is no passphrase or a wrong one.
        StorageFull, PermissionRefused, Cancelled: nothing stays behind.
    """
    target = target.absolute()
    with Pack(path) as pack:
        manifest = pack.manifest
        members = _members(manifest)
        _must_be_free(target, str(manifest.part("case").get("id", "")))
        total = sum(member.size for member in members)
        part = part_name(target)
        leftovers.sweep(target)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            if shutil.disk_usage(target.parent).free < total + (16 << 20):
                raise StorageFull(f"The case needs {total >> 20} MiB there.", "Choose another disk.")
            part.mkdir()
            with leftovers.claimed(part):
                _unpack(pack, members, part, 2 * max(1, total), on_progress, cancelled)
                outcome = _verified(part, passphrase, total, on_progress, cancelled)
                head = _as_stated(part, manifest)
                sha256 = _digest(path)
                recorded = not as_received and _recorded(part, key, passphrase, manifest, path, sha256, handover)
                flush_tree(part)
            if target.exists():
                target.rmdir()
            part.rename(target)
            flush_folder(target.parent)
        except OSError as fault:
            raise file_error(fault, target) from fault
        finally:
            _remove(part)
        case = str(manifest.part("case").get("id", ""))
        made_by = fingerprint(manifest.public_key)
        return Received(target, case, head, len(members), sha256, recorded, made_by, outcome)


def _members(manifest: Manifest) -> list[Member]:
    if manifest.kind not in ("case", "archive"):
        raise PackInvalid("This is a disclosure pack, not a case.", "Look into it with: workstation pack verify")
    wanted: list[Member] = []
    for member in manifest.members:
        if member.name == CHECKPOINT:
            continue
        inner = member.name.removeprefix(TOP)
        if not member.name.startswith(TOP) or not (inner in _SINGLE or inner.startswith(_PARTS)):
            raise PackInvalid(f"{member.name[:120]} has no place in a case.", _ADVICE)
        wanted.append(member)
    names = {member.name for member in wanted}
    for needed in ("case.sqlite", "custody.head"):
        if TOP + needed not in names:
            raise PackInvalid(f"The pack holds no {needed}.", _ADVICE)
    return wanted


def _must_be_free(target: Path, case: str) -> None:
    try:
        taken = target.exists() and (not target.is_dir() or any(target.iterdir()))
    except OSError as fault:
        raise file_error(fault, target) from fault
    if not taken:
        return
    try:
        same = str(read_anchor(CaseFolder(target).anchor).case) == case
    except IntegrityMismatch:
        same = False
    what = "already holds this very case" if same else "is not an empty folder"
    raise CaseExists(f"{target} {what}.", "Choose another folder; nothing is ever overwritten.")


def _unpack(
    pack: Pack, members: list[Member], part: Path, total: int, on_progress: Progress | None, cancelled: Cancel | None
) -> None:
    for place in CaseFolder(part).parts:
        place.mkdir()
    done = 0
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    for member in members:
        path = part.joinpath(*member.name.removeprefix(TOP).split("/"))
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, flags, 0o644), "wb") as out:
            for chunk in pack.chunks(member, cancelled):
                out.write(chunk)
                done += len(chunk)
                if on_progress is not None:
                    on_progress(done, total, member.name.removeprefix(TOP))
        if member.name.startswith(f"{TOP}evidence/"):
            path.chmod(0o444)


def _verified(
    part: Path, passphrase: str | None, total: int, on_progress: Progress | None, cancelled: Cancel | None
) -> Verification:
    def tell(read: int, whole: int) -> None:
        if on_progress is not None and whole:
            on_progress(total + total * read // whole, 2 * max(1, total), "verifying")

    seal = key_slots.unlock(CaseFolder(part).key_file, passphrase)
    outcome = verify_case(part, seal=seal, on_progress=tell, cancelled=cancelled)
    if not outcome.ok:
        line = outcome.bad[0]
        raise IntegrityMismatch(f"The case in the pack does not verify ({line.subject}: {line.detail}).", _ADVICE)
    return outcome


def _as_stated(part: Path, manifest: Manifest) -> CustodyHead:
    """The anchor was just held against the chain; now against what the manifest says."""
    anchor, said = read_anchor(CaseFolder(part).anchor), manifest.part("custody")
    stated = (said.get("count"), said.get("hash"), manifest.part("case").get("id"))
    if stated != (anchor.head.count, anchor.head.hash.hex(), anchor.case):
        raise PackInvalid("The case in the pack is not the one its manifest describes.", _ADVICE)
    return anchor.head


def _recorded(
    part: Path,
    key: LedgerKey,
    passphrase: str | None,
    manifest: Manifest,
    path: Path,
    sha256: str,
    handover: Handover | None,
) -> bool:
    why = handover or Handover()
    try:
        store = CaseStore.open(part, key=key, passphrase=passphrase)
    except CaseReadOnly:
        return False  # sealed for the archive: it stays as it was received
    with store:
        body = {
            "pack": path.name,
            "from": str(path.absolute()),
            "sha256": sha256,
            "kind": manifest.kind,
            "made_at": str(manifest.facts.get("made_at", "")),
            "packed_with_key": manifest.public_key.hex(),
            "count": manifest.part("custody").get("count", 0),
            "hash": manifest.part("custody").get("hash", ""),
        }
        store.record(CustodyKind.IMPORTED, body, purpose=why.purpose or None, authority=why.authority or None)
    return True


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _remove(part: Path) -> None:
    if part.is_dir():
        shutil.rmtree(part, ignore_errors=True)
