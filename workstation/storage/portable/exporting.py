"""A whole case as one file (U9): snapshot, pack, flush, read back, compare the counts, and only then the final name."""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import shutil
import tempfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from workstation import __version__
from workstation.domain.clock import now_utc
from workstation.domain.custody import CustodyHead, CustodyKind
from workstation.domain.errors import Cancelled, CaseExists, IntegrityMismatch
from workstation.storage import case_format, leftovers
from workstation.storage.anchor import write_anchor
from workstation.storage.case_folder import CaseFolder
from workstation.storage.case_store import CaseStore
from workstation.storage.checkpoints import sign_checkpoint, verifier_key
from workstation.storage.durable import file_error, flush_folder, part_name
from workstation.storage.keys import LedgerKey
from workstation.storage.portable.container import Container
from workstation.storage.portable.manifest import FRAME, Member, manifest_bytes, public_key_pem
from workstation.storage.portable.reading import SMALL, Pack
from workstation.storage.portable.snapshot import (
    Cancel,
    Progress,
    counts_in,
    files_of,
    head_in,
    snapshot_database,
    writing_key,
)

TOP = "case/"
CHECKPOINT = "checkpoint.txt"
_BLOCK = 1 << 20
# Half of what a reader bears: level 1 here and level 6 there differ.
_MOST_RATIO = 50
_TEXT = (".json", ".jsonl", ".txt", ".md", ".html", ".toml")


@dataclass(frozen=True, slots=True)
class Handover:
    """Why something leaves the case, on whose word, and to whom (E6)."""

    purpose: str = ""
    authority: str = ""
    recipient: str = ""


@dataclass(frozen=True, slots=True)
class Exported:
    """A pack on disk, read back and found to be what was meant.

    Attributes:
        sha256: digest (hex) of the whole file.
        counts: for every kind of thing, (how many in the case, how many in the pack).
    """

    path: Path
    sha256: str
    size: int
    members: int
    head: CustodyHead
    counts: dict[str, tuple[int, int]]


class PackWriter:
    """Writes a pack under a temporary name, verifies it there, and gives it its name.

    Args:
        on_progress: gets (bytes done, bytes in all, what is being done); writing counts once and reading back once.
    """

    def __init__(
        self, target: Path, total: int, on_progress: Progress | None = None, cancelled: Cancel | None = None
    ) -> None:
        self.target = target.absolute()
        self._part = part_name(self.target)
        self._total = max(1, 2 * total)
        self._done = 0
        self._tell = on_progress
        self._cancelled = cancelled
        self.members: list[Member] = []
        leftovers.sweep(self.target)
        if self.target.exists():
            raise CaseExists(f"{self.target} is there already.", "Choose another name; nothing is overwritten.")
        try:
            self._file = self._part.open("x+b")
            self._claim = contextlib.ExitStack()
            self._claim.enter_context(leftovers.claimed(self._part))
        except OSError as fault:
            raise file_error(fault, self.target) from fault
        self._container = Container(self._file)

    def add(self, name: str, chunks: Iterator[bytes], size: int, *, deflate: bool = False) -> Member:
        """Add one member. Raises: Cancelled, StorageFull, IntegrityMismatch when it has another size than expected."""
        digest = hashlib.sha256()

        def passing() -> Iterator[bytes]:
            for chunk in chunks:
                if self._cancelled is not None and self._cancelled():
                    raise Cancelled("The export was cancelled; nothing of it stays.")
                digest.update(chunk)
                self._step(len(chunk), name)
                yield chunk

        try:
            self._container.add(name, passing(), size, deflate=deflate)
        except ValueError as fault:
            raise IntegrityMismatch(f"A file changed while it was packed: {fault}.", "Run case verify.") from fault
        except OSError as fault:
            raise file_error(fault, self.target) from fault
        member = Member(name, size, digest.hexdigest())
        self.members.append(member)
        return member

    def add_bytes(self, name: str, data: bytes) -> Member:
        """Add one small member; text is deflated, unless it is so uniform that it would look like a bomb."""
        text = name.endswith(_TEXT)
        uniform = text and len(data) > SMALL and len(zlib.compress(data, 1)) * _MOST_RATIO < len(data)
        return self.add(name, iter((data,)), len(data), deflate=text and not uniform)

    def seal(self, kind: str, facts: dict[str, object], key: LedgerKey) -> tuple[str, int]:
        """Sign, flush and read everything back. Returns digest (hex) and size of the file, which has no name yet.

        Raises:
            PackInvalid: what was read back is not what was written.
            Cancelled, StorageFull.
        """
        try:
            data = manifest_bytes(kind, facts, self.members)
            for name, content in zip(FRAME, (data, key.sign(data), public_key_pem(key)), strict=True):
                self._container.add(name, iter((content,)), len(content), deflate=name.endswith(_TEXT))
            self._container.finish()
            self._file.flush()
            os.fsync(self._file.fileno())
            return self._read_back(), self._file.tell()
        except OSError as fault:
            raise file_error(fault, self.target) from fault

    def publish(self) -> None:
        """Give the sealed file its name. Raises: CaseExists, StorageFull, PermissionRefused; then it has none."""
        try:
            try:
                os.link(self._part, self.target)  # never over a file that appeared meanwhile
                self._part.unlink()
            except FileExistsError:
                raise CaseExists(f"{self.target} is there already.", "Choose another name.") from None
            except OSError:  # a file system without hard links
                self._part.rename(self.target)
            try:
                flush_folder(self.target.parent)
            except OSError:
                self.target.unlink(missing_ok=True)
                raise
        except OSError as fault:
            raise file_error(fault, self.target) from fault

    def close(self) -> None:
        """Let go; what was not finished is removed."""
        self._file.close()
        self._claim.close()
        with contextlib.suppress(OSError):
            self._part.unlink(missing_ok=True)

    def _read_back(self) -> str:
        with contextlib.suppress(OSError, AttributeError):  # from the disk, not from memory
            os.posix_fadvise(self._file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        with Pack(self._part) as pack:
            for member in pack.present():
                for chunk in pack.chunks(member, self._cancelled):
                    self._step(len(chunk), f"reading back {member.name}")
        digest = hashlib.sha256()
        self._file.seek(0)
        while block := self._file.read(_BLOCK):
            digest.update(block)
        return digest.hexdigest()

    def _step(self, size: int, note: str) -> None:
        self._done = min(self._done + size, self._total)
        if self._tell is not None:
            self._tell(self._done, self._total, note)


def export_case(
    store: CaseStore,
    target: Path,
    handover: Handover | None = None,
    on_progress: Progress | None = None,
    cancelled: Cancel | None = None,
    *,
    kind: str = "case",
) -> Exported:
    """Pack the whole case as it stands at one moment, and record that it left (E6).

    The case may go on being written. An encrypted case stays encrypted in the pack.

    Raises:
        CaseExists: there is such a file.
        CaseReadOnly: the case is open for reading only, so that nothing could be recorded.
        IntegrityMismatch, PackInvalid: what was read back is not what was written.
        StorageFull, PermissionRefused, Cancelled: nothing stays behind.
    """
    key, why = writing_key(store), handover or Handover()
    source = CaseFolder(store.folder)
    store.arrays.flush()
    try:
        # In the case's own folder: a snapshot of it is no new exposure there, and the next opening sweeps it.
        with tempfile.TemporaryDirectory(prefix=".export-", suffix=".part", dir=store.folder) as place:
            database, anchor = Path(place) / source.database.name, Path(place) / source.anchor.name
            before = counts_in(source.database, store.seal, live=True)
            snapshot_database(source.database, database, store.seal)
            head = head_in(database, store.seal)
            write_anchor(anchor, store.case.id, head, key)
            counts = counts_in(database, store.seal)
            files = [(name, source.root / name, size) for name, size in files_of(source)]
            files[:0] = [(p.name, p, p.stat().st_size) for p in (database, anchor)]
            total = sum(size for _, _, size in files)
            _room(target, total)
            writer = PackWriter(target, total, on_progress, cancelled)
            try:
                note = sign_checkpoint(store.case.id, head, key)
                writer.add_bytes(CHECKPOINT, note.encode())
                for name, path, size in files:
                    writer.add(TOP + name, _blocks(path), size)
                facts = pack_facts(store, head, note, why)
                facts["counts"] = counts | {"files": len(files), "bytes": total}
                sha256, size = writer.seal(kind, facts, key)
                # Every member was read back against the manifest: what it lists under case/ is what the pack holds.
                packed = sum(member.name.startswith(TOP) for member in writer.members)
                compared = {name: (number, counts[name]) for name, number in before.items()}
                compared["files"] = (len(files), packed)
                short = [name for name, (here, there) in compared.items() if there < here]
                if short:
                    raise IntegrityMismatch(f"The pack does not hold all {short[0]} of the case.", "Export it again.")
                done = Exported(writer.target, sha256, size, len(writer.members), head, compared)
                hand_over(store, writer, done, why, {"what": "archive" if kind == "archive" else "whole case"})
            finally:
                writer.close()
    except OSError as fault:
        raise file_error(fault, target) from fault
    return done


def hand_over(store: CaseStore, writer: PackWriter, done: Exported, why: Handover, facts: Mapping[str, object]) -> None:
    """Record the export, then give the pack its name: nothing leaves that the case does not know (E6).

    A program killed in between leaves an event too many and no pack. Raises: as in ``PackWriter.publish``.
    """
    body = {
        **facts,
        "file": done.path.name,
        "to": str(done.path),
        "recipient": why.recipient,
        "sha256": done.sha256,
        "size": done.size,
        "members": done.members,
        "count": done.head.count,
        "code": done.head.code,
        "encrypted": store.encrypted,
    }
    store.record(CustodyKind.EXPORTED, body, purpose=why.purpose or None, authority=why.authority or None)
    try:
        writer.publish()
    except BaseException as fault:
        reason = {"what": "pack", "sha256": done.sha256, "reason": f"it got no name: {type(fault).__name__}"}
        store.record(CustodyKind.DELETED, reason)
        raise


def pack_facts(store: CaseStore, head: CustodyHead, note: str, why: Handover) -> dict[str, object]:
    """What every manifest says about where it comes from. An encrypted case does not give its number and title away."""
    case: dict[str, object] = {
        "id": store.case.id,
        "format": case_format.name_format(case_format.FORMAT),
        "encrypted": store.encrypted,
    }
    if not store.encrypted:
        case |= {"number": store.case.number, "title": store.case.title, "examiner": store.case.examiner}
    return {
        "made_at": now_utc(),
        "made_with": f"workstation {__version__}",
        "machine": platform.node(),
        "purpose": why.purpose,
        "authority": why.authority,
        "recipient": why.recipient,
        "case": case,
        "custody": {
            "count": head.count,
            "hash": head.hash.hex(),
            "root": head.root.hex(),
            "code": head.code,
            "ledger_key": store.public_key.hex(),
            "verifier_key": verifier_key(store.case.id, store.public_key).text(),
            "checkpoint": note,
        },
    }


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            yield block


def _room(target: Path, size: int) -> None:
    from workstation.domain.errors import StorageFull

    with contextlib.suppress(OSError):
        if shutil.disk_usage(target.absolute().parent).free < size + (1 << 20):
            raise StorageFull(
                f"There is no room for a pack of {size // (1 << 20) + 1} MiB there.", "Choose another disk."
            )
