"""Taking files away on purpose: only what can be made again, with the reason in the chain of custody (E6).

Originals, arrays and reports are never removed. A derived item's row stays; verification then says that its file was
deleted, when and why, in place of missing it.
"""

from __future__ import annotations

import contextlib

from workstation.domain.custody import CustodyKind
from workstation.domain.derived import DerivedItem
from workstation.domain.errors import InputError, NotFound
from workstation.storage import case_files
from workstation.storage.case_store import CaseStore
from workstation.storage.durable import file_error, flush_folder


def delete_derived(
    store: CaseStore, number: str, reason: str, *, purpose: str = "", authority: str = ""
) -> DerivedItem:
    """Remove the file of a derived item from the case folder. The event is written first: a program killed in between
    leaves a file too many, which is said, and never one too few.

    Args:
        number: as people call it, "DI-01".

    Raises:
        InputError: no reason, the item lies outside the case, or others were made from it.
        NotFound: there is no such item.
        CaseReadOnly, PermissionRefused.
    """
    if not reason.strip():
        raise InputError("A deletion has a reason.", "Give one.")
    items = store.derived.every()
    item = next((found for found in items if found.number == number), None)
    if item is None:
        raise NotFound(f"There is no derived item {number}.", "See: workstation case show CASE.")
    if item.exported:
        raise InputError(f"{number} was exported and lies outside the case.", "Delete it where it lies.")
    if any(other.parent == item.id for other in items):
        raise InputError(f"Other items were made from {number}.", "Delete those first.")
    body = {
        "derived": item.id,
        "number": item.number,
        "path": item.path,
        "sha256": item.sha256,
        "size": item.size,
        "reason": reason,
    }
    store.record(CustodyKind.DELETED, body, purpose=purpose or None, authority=authority or None)
    path = case_files.inside(store.folder, item.path)
    try:
        path.unlink(missing_ok=True)
    except OSError as fault:
        raise file_error(fault, path) from fault
    with contextlib.suppress(OSError):
        flush_folder(path.parent)
    return item
