"""What a closed case looks like from outside: a digest of its database file and of the list of its files (E7).

Taken when a case is closed and kept in the signed ``custody.head``. Records name what was changed in them; this shows a
change that no record can, such as one in free pages of the database, and files that were added or taken away.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from workstation.storage import switching
from workstation.storage.anchor import Closed
from workstation.storage.case_folder import CaseFolder
from workstation.storage.durable import PART_SUFFIX

_BLOCK = 4 << 20
# What file managers put into any folder that somebody looks at.
DROPPINGS = frozenset({".DS_Store", "Thumbs.db", "desktop.ini"})


def closed_state(folder: CaseFolder) -> Closed | None:
    """State of a case that nobody has open; None while a WAL still holds pages of it. Raises: OSError."""
    if has_wal(folder):
        return None
    listed = sorted(listing(folder))
    return Closed(file_digest(folder.database), len(listed), listing_digest(listed))


def has_wal(folder: CaseFolder) -> bool:
    """Whether committed pages may lie outside the database file."""
    return folder.wal.exists() and folder.wal.stat().st_size > 0


def file_digest(path: Path) -> str:
    """SHA-256 (hex) of a file. Raises: OSError."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def listing(folder: CaseFolder) -> Iterator[tuple[str, int]]:
    """(name from the case folder, size in bytes) of every file that belongs to a closed case, in no order.

    Left out: the database and the head themselves, the lock, what a killed program leaves and the next one sweeps or
    finishes (``storage.switching``), and what file managers leave (``DROPPINGS``).
    """
    own = {folder.database.name, folder.anchor.name, folder.lock.name, switching.switch_file(folder).name}
    own |= {f"{folder.database.name}-{ending}" for ending in ("wal", "shm", "journal")}
    sweeping = switching.next_folder(folder)
    waiting = [folder.root]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                place = Path(entry.path)
                half_made = entry.name.startswith(".") and entry.name.endswith(PART_SUFFIX)
                if entry.is_dir(follow_symlinks=False):
                    waiting += [] if half_made or place == sweeping else [place]
                    continue
                name = place.relative_to(folder.root).as_posix()
                if name in own or half_made or entry.name in DROPPINGS:
                    continue
                yield name, entry.stat(follow_symlinks=False).st_size


def listing_digest(listed: list[tuple[str, int]]) -> str:
    """SHA-256 (hex) over the names and sizes in order, each line "size name" with a zero byte at its end."""
    digest = hashlib.sha256()
    for name, size in listed:
        digest.update(f"{size} {name}\0".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()
