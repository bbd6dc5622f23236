"""The head of the chain outside the database: a small signed text beside it, so that a cut tail is noticed (E7).

A hash chain alone does not show that its last events were taken away. ``custody.head`` names case, count and hash of
the last event, signed with the ledger key, and is rewritten whole after every append.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path

from workstation.domain.custody import CustodyHead
from workstation.domain.errors import IntegrityMismatch
from workstation.domain.ids import CaseId
from workstation.storage.durable import file_error, write_whole
from workstation.storage.keys import LedgerKey, signed_by

_TITLE = "workstation custody head v1"


@dataclass(frozen=True, slots=True)
class Anchor:
    """What ``custody.head`` says. ``public_key`` is 32 bytes."""

    case: CaseId
    head: CustodyHead
    public_key: bytes


def _statement(case: str, head: CustodyHead, public_key: bytes) -> str:
    return f"{_TITLE}\ncase {case}\ncount {head.count}\nhash {head.hash.hex()}\nkey {public_key.hex()}\n"


def _whole(case: str, head: CustodyHead, public_key: bytes, signature: bytes) -> str:
    signed = base64.b64encode(signature).decode()
    return f"{_statement(case, head, public_key)}signature {signed}\ncode {head.code}\n"


def write_anchor(path: Path, case: CaseId, head: CustodyHead, key: LedgerKey) -> None:
    """Write the anchor whole; after a power cut it may be the former one, which is still true. Raises: OSError."""
    signature = key.sign(_statement(case, head, key.public_key).encode())
    write_whole(path, _whole(case, head, key.public_key, signature).encode(), sync_name=False)


def read_anchor(path: Path) -> Anchor:
    """Read and check the anchor's own signature.

    Raises:
        IntegrityMismatch: it is missing, misshapen, or its signature does not fit.
    """
    try:
        text = path.read_bytes().decode()
    except FileNotFoundError:
        raise IntegrityMismatch(f"{path.name} is missing.", "Restore it from a sound copy of the case.") from None
    except UnicodeDecodeError:
        raise IntegrityMismatch(f"{path.name} is damaged.", "Restore it from a sound copy of the case.") from None
    except OSError as fault:
        raise file_error(fault, path) from fault
    try:
        fields = dict(line.split(" ", 1) for line in text.splitlines()[1:])
        head = CustodyHead(int(fields["count"]), bytes.fromhex(fields["hash"]))
        key, signature = bytes.fromhex(fields["key"]), base64.b64decode(fields["signature"], validate=True)
        same = _whole(fields["case"], head, key, signature) == text
    except (ValueError, KeyError, OverflowError):
        raise IntegrityMismatch(f"{path.name} is damaged.", "Restore it from a sound copy of the case.") from None
    if not same or not signed_by(key, signature, _statement(fields["case"], head, key).encode()):
        raise IntegrityMismatch(f"{path.name} was altered: its signature does not fit.", "Restore a sound copy.")
    return Anchor(CaseId(fields["case"]), head, key)
