"""Changing every file of a case in one step: a whole new state is written beside the old one and switched to at once.

The new files are written below ``.next/`` and flushed. Then ``case.switch`` appears by one rename: before that moment
the case is the old one, whatever lies below ``.next/``; from that moment on it is the new one, and what is left to do
(renaming the new files into place) is done again by whoever opens the case next. Renaming needs no passphrase.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from workstation.domain.errors import CaseDamaged, CaseError, CaseReadOnly
from workstation.storage.case_files import inside
from workstation.storage.case_folder import CaseFolder
from workstation.storage.case_lock import CaseLock
from workstation.storage.durable import file_error, flush_folder, write_whole

_TITLE = "workstation case switch 1"


def next_folder(folder: CaseFolder) -> Path:
    """Where the new state is written; below it the names are those in the case."""
    return folder.root / ".next"


def switch_file(folder: CaseFolder) -> Path:
    """The small file whose appearance makes the new state the valid one."""
    return folder.root / "case.switch"


def begin(folder: CaseFolder) -> Path:
    """An empty place for the new state. Call under the case's lock. Raises: OSError."""
    sweep(folder)
    place = next_folder(folder)
    place.mkdir()
    return place


def commit(folder: CaseFolder, gone: Sequence[str]) -> None:
    """Make the new state the valid one and put it into place. Call under the case's lock, with the database closed.

    Args:
        gone: names of files that the new state does not have.

    Raises:
        OSError: before the switch nothing has changed; after it the next opening goes on.
    """
    flush_tree(next_folder(folder))
    flush_folder(folder.root)
    said = {"title": _TITLE, "gone": list(gone)}
    write_whole(switch_file(folder), (json.dumps(said, indent=2) + "\n").encode())
    _roll_forward(folder)


def settle(folder: CaseFolder) -> None:
    """Finish a switch that was cut short after its decisive moment. Cheap when there is none.

    Raises:
        CaseReadOnly: the case is open elsewhere, or lies where nothing can be renamed.
        CaseDamaged: the switch file is not one of this program.
    """
    if not switch_file(folder).exists():
        return
    try:
        lock = CaseLock.take(folder.lock)
    except CaseReadOnly as fault:
        raise CaseReadOnly(
            f"The case in {folder.root} was being re-written when the program stopped, and cannot be finished here.",
            "Open it once where its folder can be written.",
        ) from fault
    try:
        _roll_forward(folder)
    except OSError as fault:
        raise file_error(fault, folder.root) from fault
    finally:
        lock.release()


def sweep(folder: CaseFolder) -> None:
    """Remove a new state that was never switched to. Call under the case's lock, after ``settle``."""
    place = next_folder(folder)
    if place.is_dir() and not place.is_symlink() and not switch_file(folder).exists():
        shutil.rmtree(place, ignore_errors=True)


def flush_tree(top: Path) -> None:
    """Make every file and every name below ``top`` survive a power cut. Raises: OSError."""
    for place, _, names in os.walk(top):
        for name in names:
            descriptor = os.open(Path(place, name), os.O_RDONLY if os.name == "posix" else os.O_RDWR)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        flush_folder(Path(place))


def _roll_forward(folder: CaseFolder) -> None:
    """Every step may have been done already: the order makes doing it again harmless."""
    switch, place = switch_file(folder), next_folder(folder)
    if not switch.exists():
        return
    try:
        said = json.loads(switch.read_text(encoding="utf-8"))
        gone = [str(name) for name in said["gone"]] if said.get("title") == _TITLE else None
    except (ValueError, KeyError, TypeError, AttributeError):
        gone = None
    if gone is None:
        raise CaseDamaged(f"{switch.name} was not written by this program.", "Restore the case from a sound copy.")
    # Pages of the old database that wait in its log must never meet the new database.
    for leftover in (folder.wal, folder.wal.with_name(f"{folder.database.name}-shm")):
        leftover.unlink(missing_ok=True)
    if place.is_dir():
        for where, _, names in os.walk(place):
            inner = Path(where).relative_to(place)
            (folder.root / inner).mkdir(exist_ok=True)
            for name in names:
                os.replace(Path(where, name), folder.root / inner / name)  # noqa: PTH105 (over read-only files too)
            flush_folder(folder.root / inner)
    for name in gone:
        inside(folder.root, name).unlink(missing_ok=True)
    flush_folder(folder.root)
    shutil.rmtree(place, ignore_errors=True)
    switch.unlink(missing_ok=True)
    flush_folder(folder.root)


def room_needed(folder: CaseFolder, size: int) -> None:
    """Refuse early when a second copy of the case has no room. Raises: StorageFull."""
    from workstation.domain.errors import StorageFull

    with contextlib.suppress(OSError):
        if shutil.disk_usage(folder.root).free < size + (16 << 20):
            raise StorageFull(
                f"Re-writing this case needs {size // (1 << 20) + 16} MiB of free space beside it.",
                "Free some space, then try again.",
            )


def not_pending(folder: CaseFolder) -> None:
    """Raises: CaseError when a switch waits to be finished; for readers that must not change a case."""
    if switch_file(folder).exists():
        raise CaseError(
            "The case was being re-written when the program stopped.", "Open it once for writing; that finishes it."
        )
