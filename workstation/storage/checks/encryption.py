"""Of an encrypted case: that every page of the database is authentic, and that nothing lies in it in the clear."""

from __future__ import annotations

import sqlite3

from workstation.domain.custody import CheckLine
from workstation.domain.sealed import MAGIC, looks_sealed
from workstation.storage.case_folder import CaseFolder
from workstation.storage.checks.lines import bad, good
from workstation.storage.rewriting import content_names, is_database

_MOST_NAMES = 5


def check(connection: sqlite3.Connection, place: CaseFolder) -> list[CheckLine]:
    """Check the pages (SQLCipher's HMAC, free pages too) and the first bytes of every file.

    Args:
        connection: to the database file itself; one to a copy in memory has no pages to check.
    """
    named = [str(row[2]) for row in connection.execute("PRAGMA database_list") if row[1] == "main"]
    pages = connection.execute("PRAGMA cipher_integrity_check").fetchall() if any(named) else []
    lines = [bad("encryption", f"{len(pages)} pages of the database were altered ({pages[0][0]})")] if pages else []
    clear = [name for name in content_names(place) if not is_database(name) and not _is_sealed(place, name)]
    clear += [name for name in content_names(place) if is_database(name) and _is_plain_database(place, name)]
    if clear:
        more = f" and {len(clear) - _MOST_NAMES} more" if len(clear) > _MOST_NAMES else ""
        lines.append(bad("encryption", f"not encrypted: {', '.join(clear[:_MOST_NAMES])}{more}"))
    return lines or [good("encryption", "every page of the database is authentic, and no file lies in the clear")]


def _is_sealed(place: CaseFolder, name: str) -> bool:
    with (place.root / name).open("rb") as file:
        return looks_sealed(file.read(len(MAGIC)))


def _is_plain_database(place: CaseFolder, name: str) -> bool:
    with (place.root / name).open("rb") as file:
        return file.read(16) == b"SQLite format 3\x00"
