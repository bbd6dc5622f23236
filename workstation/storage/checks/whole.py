"""The case folder as a whole: files that no record names, and the state noted when the case was closed (E7)."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from workstation.domain.custody import CheckLine
from workstation.domain.errors import WorkstationError
from workstation.storage import closing
from workstation.storage.anchor import Closed, read_anchor
from workstation.storage.case_folder import CaseFolder
from workstation.storage.checks.lines import bad, good

_MOST_NAMES = 20
# What the program itself may leave unrecorded when it is killed: a file written before the rows that name it.
_OURS = re.compile(
    r"evidence/[0-9a-f]{2}/[0-9a-f]{64}|maps/[0-9a-f]{2}/[0-9a-f]{64}\.npy\.z|(derived|reports|backups)/[^/]+(/[^/]+)*"
)


@dataclass(frozen=True, slots=True)
class _Found:
    listed: list[tuple[str, int]]
    unknown: list[str]
    state: Closed | None


def check(folder: CaseFolder, known: Collection[str], count: int, sound: bool) -> list[CheckLine]:
    """Compare the folder with the closed state, if the case was closed and nobody has opened it since.

    Args:
        known: names of every file that a record names.
        count: number of events in the chain.
        sound: whether everything else about the database holds; if not, its file differs for a reason already named.
    """
    listed = sorted(closing.listing(folder))
    unknown = [name for name, _ in listed if name not in known]
    found = _Found(listed, unknown, _state(folder, count))
    if found.state is None:
        return _open_case(found) + _droppings(folder)
    lines = _database(folder, found.state, sound) + _droppings(folder)
    if (len(listed), closing.listing_digest(listed)) == (found.state.files, found.state.listing):
        return lines + _leftovers(unknown)
    return lines + _changed(found.state, listed, unknown)


def _state(folder: CaseFolder, count: int) -> Closed | None:
    """The closed state, where it speaks about the database file as it lies there."""
    try:
        anchor = read_anchor(folder.anchor)
    except WorkstationError:
        return None
    if anchor.closed is None or anchor.head.count != count or closing.has_wal(folder):
        return None
    return anchor.closed


def _database(folder: CaseFolder, state: Closed, sound: bool) -> list[CheckLine]:
    if closing.file_digest(folder.database) == state.database:
        return [good("database file", f"as it was when the case was closed, SHA-256 {state.database}")]
    if not sound:
        return []
    detail = "changed since the case was closed, in a place that holds no record (free space, header or page layout)"
    return [bad("database file", detail)]


def _changed(state: Closed, listed: list[tuple[str, int]], unknown: list[str]) -> list[CheckLine]:
    if unknown:
        return [
            bad(
                "case folder",
                f"files that no record names, not as they were when the case was closed: {_told(unknown)}",
            )
        ]
    if len(listed) < state.files:
        detail = f"{state.files - len(listed)} of {state.files} files are gone since the case was closed"
        return [bad("case folder", detail)]
    return [bad("case folder", "its files have other sizes than when the case was closed")]


def _open_case(found: _Found) -> list[CheckLine]:
    """A case in use, stopped by force, or of format 1.0: only names that this program never gives are foreign."""
    foreign = [name for name in found.unknown if not _OURS.fullmatch(name)]
    left = [name for name in found.unknown if name not in foreign]
    lines = [bad("case folder", f"files that do not belong to a case: {_told(foreign)}")] if foreign else []
    return lines + _leftovers(left)


def _droppings(folder: CaseFolder) -> list[CheckLine]:
    found = sorted(p.relative_to(folder.root).as_posix() for n in closing.DROPPINGS for p in folder.root.rglob(n))
    return [good("case folder", f"left by a file manager: {_told(found)}")] if found else []


def _leftovers(unknown: list[str]) -> list[CheckLine]:
    if not unknown:
        return []
    detail = f"{len(unknown)} stored files belong to no record (something that did not finish): {_told(unknown)}"
    return [good("case folder", detail)]


def _told(names: list[str]) -> str:
    shown = ", ".join(names[:_MOST_NAMES])
    return shown if len(names) <= _MOST_NAMES else f"{shown} and {len(names) - _MOST_NAMES} more"
