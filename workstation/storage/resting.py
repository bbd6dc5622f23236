"""Whether a closed case stayed closed while it was read.

A case without a WAL is read as immutable (see ``outside_reader``): SQLite takes no lock and trusts that nobody writes.
A writer that opens the case at that moment would make such a read wrong without a word, so the reader looks again.
"""

from __future__ import annotations

from pathlib import Path

from workstation.storage.case_folder import CaseFolder

TRIES = 4


def resting_state(database: Path) -> tuple[int, int, int] | None:
    """Inode, size and time of change (ns) of a database that nobody has open for writing; None while somebody has."""
    if CaseFolder(database.parent).wal.exists():
        return None
    try:
        facts = database.stat()
    except OSError:
        return None
    return facts.st_ino, facts.st_size, facts.st_mtime_ns
