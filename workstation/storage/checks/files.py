"""Files of a case against their digests: originals, derived items, maps, reports, backups (E5)."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from workstation.domain.custody import CheckLine, CustodyKind
from workstation.domain.errors import Cancelled, NotFound, SealedFileDamaged, WorkstationError
from workstation.storage import case_files
from workstation.storage.arrays import ArrayStore, canonical_bytes
from workstation.storage.case_folder import CaseFolder
from workstation.storage.checks.lines import bad, good, rows
from workstation.storage.checks.said import Said
from workstation.storage.sealing import CaseSeal
from workstation.storage.vault import hash_file

BACKUPS = "backups/"
_MOST_MAP_LINES = 20


@dataclass(frozen=True, slots=True)
class FileToCheck:
    """``name`` starts at the case folder; digest and size are those of the plain content."""

    subject: str
    name: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class MapToCheck:
    """``first`` says where the map is first used, e.g. "EX-01 frame 12 T1"."""

    digest: str
    first: str

    @property
    def is_digest(self) -> bool:
        """Whether a file can have this name at all."""
        return len(self.digest) == 64 and set(self.digest) <= set("0123456789abcdef")


def originals(connection: sqlite3.Connection) -> list[FileToCheck]:
    found = rows(connection, "SELECT exhibit, stored_path, sha256, size FROM evidence ORDER BY position")
    return [_file(f"exhibit {r['exhibit']}", r["stored_path"], r) for r in found]


def reports(connection: sqlite3.Connection) -> list[FileToCheck]:
    found = rows(connection, "SELECT number, path, sha256, size FROM reports ORDER BY number")
    return [_file(f"report {r['number']}", r["path"], r) for r in found]


def derived(connection: sqlite3.Connection) -> list[FileToCheck]:
    """Items that lie in the case folder; what was exported is not ours to look for. None before format 1.1."""
    if int(connection.execute("PRAGMA user_version").fetchone()[0]) < 1001:
        return []
    found = rows(connection, "SELECT number, path, sha256, size FROM derived WHERE exported = 0 ORDER BY position")
    return [_file(f"derived item {r['number']}", r["path"], r) for r in found]


def deleted(said: Said) -> dict[str, str]:
    """What the chain says of files that were taken away on purpose, by name."""
    return {
        str(s.facts.get("path")): f"deleted on purpose (event {s.seq}): {s.facts.get('reason', '')}"
        for s in said.of(CustodyKind.DELETED)
        if "derived" in s.facts
    }


def backups(said: Said) -> list[FileToCheck]:
    """Copies of the database made before it was changed, as the chain names them (with digest and size, if it does).

    Encrypting, decrypting and re-keying a case write them anew and name them again; the last word counts.
    """
    found: dict[str, FileToCheck] = {}
    for statement in said.of(CustodyKind.MIGRATED, CustodyKind.BACKED_UP, CustodyKind.REKEYED):
        again = statement.facts.get("backups")
        for facts in (statement.facts, *(again if isinstance(again, list) else ())):
            name = facts.get("backup") if isinstance(facts, dict) else None
            if isinstance(name, str) and name.startswith(BACKUPS):
                found[name] = _file(f"backup {name.removeprefix(BACKUPS)}", name, facts)
    return [*found.values()]


def _file(subject: str, name: object, facts: Mapping[str, object]) -> FileToCheck:
    size = facts.get("size")
    return FileToCheck(subject, str(name), str(facts.get("sha256", "")), size if isinstance(size, int) else 0)


def maps(connection: sqlite3.Connection) -> list[MapToCheck]:
    statement = """SELECT r.map_digest AS digest, min(e.exhibit || ' frame ' || m.ordinal || ' T' || t.number) AS first
      FROM results r JOIN faces f ON f.key = r.face JOIN frames m ON m.key = f.frame
      JOIN tracks t ON t.key = f.track JOIN evidence e ON e.position = m.evidence
      WHERE r.map_digest IS NOT NULL GROUP BY r.map_digest"""
    return [MapToCheck(str(r["digest"]), str(r["first"])) for r in rows(connection, statement)]


def check_file(
    root: Path,
    seal: CaseSeal | None,
    file: FileToCheck,
    on_progress: Callable[[int, int], None] | None,
    cancelled: Callable[[], bool] | None,
) -> CheckLine:
    """Hash one file again. Raises: Cancelled."""
    try:
        if not case_files.inside(root, file.name).is_file():
            return bad(file.subject, "MISSING: its file is not in the case folder")
        # A backup is a database, encrypted as databases are where the case is, and so counts as it lies there.
        place = case_files.location(root, file.name, None if file.name.startswith(BACKUPS) else seal)
        digest, size = hash_file(place, on_progress, cancelled)
    except Cancelled:
        raise
    except SealedFileDamaged as fault:
        return bad(file.subject, f"MISMATCH: {fault.message}")
    except (WorkstationError, OSError, ValueError) as fault:
        return bad(file.subject, f"cannot be read: {fault.message if isinstance(fault, WorkstationError) else fault}")
    if not file.sha256:
        return good(file.subject, f"there, {size} bytes; the chain of custody names no digest of it")
    if (digest, size) != (file.sha256, file.size):
        detail = f"MISMATCH: SHA-256 is {digest} ({size} bytes), recorded is {file.sha256} ({file.size} bytes)"
        return bad(file.subject, detail)
    return good(file.subject, f"SHA-256 {digest}")


def check_maps(
    folder: CaseFolder, wanted: list[MapToCheck], seal: CaseSeal | None, cancelled: Callable[[], bool] | None
) -> Iterator[tuple[int, list[CheckLine]]]:
    """Yield (bytes read, lines) map by map, and a line that sums them up at the end. Raises: Cancelled."""
    store = ArrayStore(folder.maps, read_only=True, seal=seal)
    wrong = 0
    for item in wanted:
        if cancelled is not None and cancelled():
            raise Cancelled("Verifying was cancelled.")
        line = _check_map(store, item)
        wrong += line is not None
        shown = [] if line is None or wrong > _MOST_MAP_LINES else [line]
        yield _size(folder, item, seal), shown
    if wrong > _MOST_MAP_LINES:
        yield 0, [bad("maps", f"{wrong} of {len(wanted)} maps are missing or altered; the first are named above")]
    elif wanted and not wrong:
        yield 0, [good("maps", f"{len(wanted)} fakeness maps agree with their digests")]


def map_bytes(folder: CaseFolder, wanted: list[MapToCheck], seal: CaseSeal | None) -> int:
    return sum(_size(folder, item, seal) for item in wanted)


def _size(folder: CaseFolder, item: MapToCheck, seal: CaseSeal | None) -> int:
    try:
        return ArrayStore(folder.maps, read_only=True, seal=seal).path(item.digest).stat().st_size
    except (OSError, NotFound):
        return 0


def _check_map(store: ArrayStore, item: MapToCheck) -> CheckLine | None:
    subject = f"map {item.digest[:12]}"
    try:
        array = store.get(item.digest)
    except NotFound:
        return bad(subject, f"MISSING ({item.first})")
    except (WorkstationError, ValueError) as fault:
        text = fault.message if isinstance(fault, WorkstationError) else str(fault)
        return bad(subject, f"MISMATCH ({item.first}): {text}")
    if hashlib.sha256(canonical_bytes(array)).hexdigest() != item.digest:
        return bad(subject, f"MISMATCH ({item.first}): not stored in its canonical form")
    return None
