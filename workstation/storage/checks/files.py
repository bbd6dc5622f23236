"""Files of a case against their digests: originals, maps, reports (E5)."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from workstation.domain.custody import CheckLine
from workstation.domain.errors import Cancelled, NotFound, WorkstationError
from workstation.storage.arrays import ArrayStore, canonical_bytes
from workstation.storage.case_files import location
from workstation.storage.case_folder import CaseFolder
from workstation.storage.checks.lines import bad, good, rows
from workstation.storage.sealing import CaseSeal
from workstation.storage.vault import EvidenceVault, hash_file

_MOST_MAP_LINES = 20


@dataclass(frozen=True, slots=True)
class FileToCheck:
    """``name`` is the file's name in the case; ``path`` where that is."""

    subject: str
    path: Path
    sha256: str
    size: int
    name: str


@dataclass(frozen=True, slots=True)
class MapToCheck:
    """``first`` says where the map is first used, e.g. "EX-01 frame 12 T1"."""

    digest: str
    first: str


def originals(connection: sqlite3.Connection, folder: CaseFolder) -> list[FileToCheck]:
    vault = EvidenceVault(folder.root, read_only=True)
    found = rows(connection, "SELECT exhibit, stored_path, sha256, size FROM evidence ORDER BY position")
    return [
        FileToCheck(
            f"exhibit {r['exhibit']}",
            vault.path(str(r["stored_path"])),
            str(r["sha256"]),
            int(str(r["size"])),
            str(r["stored_path"]),
        )
        for r in found
    ]


def reports(connection: sqlite3.Connection, folder: CaseFolder) -> list[FileToCheck]:
    vault = EvidenceVault(folder.root, read_only=True)
    found = rows(connection, "SELECT number, path, sha256, size FROM reports ORDER BY number")
    return [
        FileToCheck(
            f"report {r['number']}",
            vault.path(str(r["path"])),
            str(r["sha256"]),
            int(str(r["size"])),
            str(r["path"]),
        )
        for r in found
    ]


def maps(connection: sqlite3.Connection) -> list[MapToCheck]:
    statement = """SELECT r.map_digest AS digest, min(e.exhibit || ' frame ' || m.ordinal || ' T' || t.number) AS first
      FROM results r JOIN faces f ON f.key = r.face JOIN frames m ON m.key = f.frame
      JOIN tracks t ON t.key = f.track JOIN evidence e ON e.position = m.evidence
      WHERE r.map_digest IS NOT NULL GROUP BY r.map_digest"""
    return [MapToCheck(str(r["digest"]), str(r["first"])) for r in rows(connection, statement)]


def loose_originals(folder: CaseFolder, known: list[FileToCheck]) -> list[CheckLine]:
    """Name stored files that belong to no exhibit: left by a program that was killed while taking one in."""
    places = {file.path for file in known}
    loose = [p for p in folder.evidence.glob("*/*") if p not in places and not p.name.startswith(".")]
    if not loose:
        return []
    return [good("evidence folder", f"{len(loose)} stored files belong to no exhibit (an intake that did not finish)")]


def check_file(
    file: FileToCheck,
    seal: CaseSeal | None,
    on_progress: Callable[[int, int], None] | None,
    cancelled: Callable[[], bool] | None,
) -> CheckLine:
    """Hash one file again, decrypted when the case is encrypted. Raises: Cancelled."""
    if not file.path.is_file():
        return bad(file.subject, "MISSING: its file is not in the case folder")
    try:
        root = file.path.parents[len(PurePosixPath(file.name).parts) - 1]
        digest, size = hash_file(location(root, file.name, seal), on_progress, cancelled)
    except Cancelled:
        raise
    except WorkstationError as fault:
        return bad(file.subject, f"cannot be read: {fault.message}")
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
