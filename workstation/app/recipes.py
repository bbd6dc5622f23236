"""Derived items with their recipes (E4): recorded when made, and made again from what was recorded."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import workstation
from workstation.domain.clock import now_utc
from workstation.domain.derived import DerivedItem, DerivedKind, ParentKind
from workstation.domain.errors import InputError, NotFound
from workstation.domain.evidence import EvidenceItem
from workstation.domain.ids import DerivedId, new_id
from workstation.domain.media import TimeBase

if TYPE_CHECKING:
    from workstation.storage.case_store import CaseStore

_TRIES = 5


def note_export(
    store: CaseStore,
    parent: EvidenceItem,
    operation: str,
    parameters: Mapping[str, object],
    decoder: str,
    output: Path,
    *,
    note: str = "",
) -> DerivedItem | None:
    """Record a file that was made from an exhibit and left the case; None when the case is open for reading only.

    Args:
        parameters: everything that is needed to make it again; plain JSON values.
        decoder: names and versions of what decoded the exhibit.
        output: the file, complete; it is read once for its digest.

    Raises:
        NotFound: the exhibit is not in this case.
        StorageFull, CaseDamaged: the case cannot be written.
    """
    data = output.read_bytes()
    if store.read_only:
        return None
    for left in reversed(range(_TRIES)):
        item = DerivedItem(
            id=DerivedId(new_id()),
            number=store.derived.next_number(),
            kind=DerivedKind.DERIVATIVE,
            parent_kind=ParentKind.EVIDENCE,
            parent=parent.id,
            parent_sha256=parent.sha256,
            operation=operation,
            parameters=parameters,
            tool=f"workstation {workstation.__version__}; {decoder}",
            path=str(output.resolve()),
            exported=True,
            sha256=hashlib.sha256(data).hexdigest(),
            size=len(data),
            made_at=now_utc(),
            made_by=store.case.examiner,
            note=note,
        )
        try:
            store.derived.add(item)
        except InputError as error:
            # Another export may have taken the number in the meantime; anything else stays wrong however often.
            if not left or isinstance(error, NotFound) or store.derived.next_number() == item.number:
                raise
            continue
        return item
    return None


def note_kept(
    store: CaseStore,
    parent: EvidenceItem,
    operation: str,
    parameters: Mapping[str, object],
    tool: str,
    data: bytes,
    suffix: str,
    *,
    note: str = "",
) -> DerivedItem:
    """Put a file made from an exhibit into the case folder (sealed where the case is encrypted) and record it.

    Args:
        parameters: everything that is needed to make it again; plain JSON values.
        tool: names and versions, beside the program's own, of what made it.
        suffix: of the file's name, such as ".json".

    Raises:
        NotFound: the exhibit is not in this case.
        CaseReadOnly, StorageFull, PermissionRefused, CaseDamaged.
    """
    identity = new_id()
    # Named by id: a number may be taken by another between here and the record.
    name = f"derived/{operation}-{identity}{suffix}"
    store.files.write(name, data)
    for left in reversed(range(_TRIES)):
        item = DerivedItem(
            id=DerivedId(identity),
            number=store.derived.next_number(),
            kind=DerivedKind.DERIVATIVE,
            parent_kind=ParentKind.EVIDENCE,
            parent=parent.id,
            parent_sha256=parent.sha256,
            operation=operation,
            parameters=parameters,
            tool=f"workstation {workstation.__version__}; {tool}",
            path=name,
            exported=False,
            sha256=hashlib.sha256(data).hexdigest(),
            size=len(data),
            made_at=now_utc(),
            made_by=store.case.examiner,
            note=note,
        )
        try:
            store.derived.add(item)
            return item
        except InputError as error:
            if not left or isinstance(error, NotFound) or store.derived.next_number() == item.number:
                raise
    raise AssertionError("unreachable: the last try returns or raises")


def check_folder(output: Path) -> None:
    """Raises: NotFound when there is no folder to write into."""
    folder = output.resolve().parent
    if not folder.is_dir():
        raise NotFound(f"There is no folder {folder}.", "Make it, or choose another place.")


def ticks(base: TimeBase) -> list[int]:
    """A time base as a recipe holds it."""
    return [base.num, base.den]


def number(parameters: Mapping[str, object], name: str) -> int:
    """A whole number of a recipe. Raises: InputError."""
    value = parameters.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise InputError(f"The recipe has no {name}.", "It was recorded by another version of the program.")
    return value


def text(parameters: Mapping[str, object], name: str) -> str:
    """A word of a recipe, empty when it has none."""
    value = parameters.get(name)
    return value if isinstance(value, str) else ""
