"""The head of the chain outside the database: a small signed text beside it, so that a cut tail is noticed (E7).

A hash chain alone does not show that its last events were taken away. ``custody.head`` is a signed checkpoint
(``domain.checkpoints``) with extension lines for the hash of the last event, the key that signs, and the short code; it
is rewritten whole after every append. When a case is closed it also says what it then looked like
(``storage.closing``). Cases of format 1.0 have an older text without root and without that, which is still read.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path

from workstation.domain.checkpoints import Checkpoint, SignedNote, fields, origin_of
from workstation.domain.custody import CustodyHead
from workstation.domain.errors import IntegrityMismatch
from workstation.domain.ids import CaseId
from workstation.storage.checkpoints import open_checkpoint, sign_checkpoint, verifier_key
from workstation.storage.durable import file_error, write_whole
from workstation.storage.keys import LedgerKey, signed_by

_TITLE_V1 = "workstation custody head v1"


@dataclass(frozen=True, slots=True)
class Closed:
    """What a closed case looked like: SHA-256 (hex) of the database file, and number and digest of its files."""

    database: str
    files: int
    listing: str


@dataclass(frozen=True, slots=True)
class Anchor:
    """What ``custody.head`` says. ``public_key`` is 32 bytes; ``closed`` is there only while the case is closed."""

    case: CaseId
    head: CustodyHead
    public_key: bytes
    closed: Closed | None = None


def write_anchor(
    path: Path,
    case: CaseId,
    head: CustodyHead,
    key: LedgerKey,
    closed: Closed | None = None,
    *,
    durable: bool = False,
) -> None:
    """Write the anchor whole; after a power cut it may be the former one, which is still true.

    Args:
        durable: not even a power cut brings the former one back; so is an anchor with the closed state.

    A head without a root gives the text of format 1.0. Raises: OSError.
    """
    whole = _note(case, head, key, closed) if head.root else _first_form(case, head, key)
    write_whole(path, whole.encode(), sync_name=durable or closed is not None)


def _note(case: str, head: CustodyHead, key: LedgerKey, closed: Closed | None) -> str:
    lines = [f"head {head.hash.hex()}", f"key {key.public_key.hex()}", f"code {head.code}"]
    if closed is not None:
        lines += [f"database {closed.database}", f"files {closed.files}", f"listing {closed.listing}"]
    return sign_checkpoint(case, head, key, tuple(lines))


def _statement(case: str, head: CustodyHead, public_key: bytes) -> str:
    return f"{_TITLE_V1}\ncase {case}\ncount {head.count}\nhash {head.hash.hex()}\nkey {public_key.hex()}\n"


def _whole_v1(case: str, head: CustodyHead, public_key: bytes, signature: bytes) -> str:
    signed = base64.b64encode(signature).decode()
    return f"{_statement(case, head, public_key)}signature {signed}\ncode {head.code}\n"


def _first_form(case: str, head: CustodyHead, key: LedgerKey) -> str:
    return _whole_v1(case, head, key.public_key, key.sign(_statement(case, head, key.public_key).encode()))


def read_anchor(path: Path) -> Anchor:
    """Read and check the anchor's own signature.

    Raises:
        IntegrityMismatch: it is missing, misshapen, or its signature does not fit.
    """
    damaged = IntegrityMismatch(f"{path.name} is damaged.", "Restore it from a sound copy of the case.")
    try:
        text = path.read_bytes().decode()
    except FileNotFoundError:
        raise IntegrityMismatch(f"{path.name} is missing.", "Restore it from a sound copy of the case.") from None
    except UnicodeDecodeError:
        raise damaged from None
    except OSError as fault:
        raise file_error(fault, path) from fault
    try:
        return _read_v1(path, text) if text.startswith(_TITLE_V1) else _read_note(path, text)
    except (ValueError, KeyError, OverflowError):
        raise damaged from None


def _read_note(path: Path, text: str) -> Anchor:
    """Raises: ValueError, KeyError, IntegrityMismatch."""
    try:
        note = SignedNote.parse(text)
        checkpoint = Checkpoint.parse(note.text)
    except IntegrityMismatch:
        raise ValueError(path.name) from None
    said = fields(checkpoint.extensions)
    case, public_key = CaseId(checkpoint.origin.rpartition("/")[2]), bytes.fromhex(said["key"])
    head = CustodyHead(checkpoint.size, bytes.fromhex(said["head"]), checkpoint.root)
    if note.whole() != text or len(note.signatures) != 1 or checkpoint.origin != origin_of(case):
        raise ValueError(path.name)
    try:
        open_checkpoint(text, verifier_key(case, public_key))
    except IntegrityMismatch:
        raise _altered(path) from None
    closed = Closed(said["database"], int(said["files"]), said["listing"]) if "database" in said else None
    return Anchor(case, head, public_key, closed)


def _read_v1(path: Path, text: str) -> Anchor:
    """Raises: ValueError, KeyError, IntegrityMismatch."""
    said = dict(line.split(" ", 1) for line in text.splitlines()[1:])
    head = CustodyHead(int(said["count"]), bytes.fromhex(said["hash"]))
    key, signature = bytes.fromhex(said["key"]), base64.b64decode(said["signature"], validate=True)
    same = _whole_v1(said["case"], head, key, signature) == text
    if not same or not signed_by(key, signature, _statement(said["case"], head, key).encode()):
        raise _altered(path)
    return Anchor(CaseId(said["case"]), head, key)


def _altered(path: Path) -> IntegrityMismatch:
    return IntegrityMismatch(f"{path.name} was altered: its signature does not fit.", "Restore a sound copy.")
