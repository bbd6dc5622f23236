"""Verifying a case folder: what holds, and by name what does not (E5, E7). Nothing is written, on any state of case."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from sqlcipher3 import dbapi2

from workstation.domain.custody import CheckLine, CheckState, CustodyHead, Verification
from workstation.domain.errors import Cancelled, CaseDamaged
from workstation.storage import case_format, key_slots, switching
from workstation.storage.arrays import ArrayStore
from workstation.storage.case_folder import CaseFolder
from workstation.storage.checks import chain, database, encryption, examinations, files, schema, whole
from workstation.storage.checks.lines import bad, good, guarded, lenient, rows
from workstation.storage.checks.said import Said
from workstation.storage.outside_reader import open_for_reading
from workstation.storage.sealing import CaseSeal
from workstation.storage.sqlite_errors import typed_errors

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Kept:
    """What a person kept outside the case: short codes off paper, and signed heads (C2SP notes) as text."""

    codes: tuple[str, ...] = ()
    checkpoints: tuple[str, ...] = ()


NOTHING_KEPT = Kept()


@dataclass
class _Facts:
    """What is read from the database before any file is hashed, in one moment."""

    lines: list[CheckLine] = field(default_factory=list)
    listed: list[files.FileToCheck] = field(default_factory=list)
    maps: list[files.MapToCheck] = field(default_factory=list)
    deleted: dict[str, str] = field(default_factory=dict)
    events: int = 0


def verify_case(
    folder: Path,
    *,
    pinned: Sequence[CustodyHead] = (),
    on_progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
    passphrase: str | None = None,
    seal: CaseSeal | None = None,
    kept: Kept = NOTHING_KEPT,
) -> Verification:
    """Check database, triggers, chain of custody, anchor, pinned heads, every recorded row and every file.

    Args:
        pinned: heads of this case's chain remembered outside it.
        on_progress: gets (bytes hashed, bytes in all).
        passphrase: of an encrypted case; None tries the keyring.
        seal: the keys of an encrypted case that is unlocked already, in place of its passphrase.
        kept: short codes and signed heads that a person brings along.

    Returns:
        One line a subject. A damaged case gives bad lines, never an exception.

    Raises:
        CaseNotFound: there is no case in the folder.
        CaseFormatTooNew: it was made by a newer version of the program.
        CaseLocked: it is encrypted, and there is no passphrase or a wrong one.
        CaseError: it was being re-written when the program stopped; opening it for writing finishes that.
        Cancelled.
    """
    place = CaseFolder(folder.absolute())
    switching.not_pending(place)
    try:
        seal = seal or key_slots.unlock(place.key_file, passphrase)
        if seal is None:
            case_format.read_header(place.database)
        facts = _read(place, seal, pinned, kept, cancelled)
    except CaseDamaged as fault:
        return Verification((bad("database", fault.message),))
    sound = all(line.state is CheckState.OK for line in facts.lines)
    total = sum(file.size for file in facts.listed) + files.map_bytes(place, facts.maps, seal)
    done = 0

    def step(size: int, _total: int) -> None:
        if on_progress is not None:
            on_progress(done + size, total)

    for file in facts.listed:
        if file.name in facts.deleted and not (place.root / file.name).exists():
            facts.lines.append(good(file.subject, facts.deleted[file.name]))
            continue
        facts.lines.append(files.check_file(place.root, seal, file, step, cancelled))
        done += file.size
    for size, lines in files.check_maps(place, facts.maps, seal, cancelled):
        facts.lines.extend(lines)
        step(size, total)
        done += size
    facts.lines += guarded("case folder", lambda: whole.check(place, _known(place, seal, facts), facts.events, sound))
    return Verification(tuple(facts.lines))


def _known(place: CaseFolder, seal: CaseSeal | None, facts: _Facts) -> set[str]:
    """Names of every file that a record names."""
    store = ArrayStore(place.maps, read_only=True, seal=seal)
    arrays = {store.path(item.digest).relative_to(place.root).as_posix() for item in facts.maps if item.is_digest}
    return {file.name for file in facts.listed} | arrays | {place.key_file.name}


def _read(
    place: CaseFolder,
    seal: CaseSeal | None,
    pinned: Sequence[CustodyHead],
    kept: Kept,
    cancelled: Callable[[], bool] | None,
) -> _Facts:
    """Check everything inside the database. A writer may come by meanwhile: then it is read once more, through it."""
    for _ in range(3):
        before = _state(place)
        facts = _read_once(place, seal, pinned, kept, cancelled)
        if place.wal.exists() or _state(place) == before:
            break
    return facts


def _state(place: CaseFolder) -> tuple[bool, int, int]:
    stat = place.database.stat()
    return place.wal.exists(), stat.st_size, stat.st_mtime_ns


def _read_once(
    place: CaseFolder,
    seal: CaseSeal | None,
    pinned: Sequence[CustodyHead],
    kept: Kept,
    cancelled: Callable[[], bool] | None,
) -> _Facts:
    facts = _Facts()
    with typed_errors(place.database):
        raw = open_for_reading(place.database, None if seal is None else seal.database_key)
    try:
        with typed_errors(place.database):
            raw.text_factory = lenient
            raw.execute("BEGIN")
            application_id, number = (
                int(raw.execute(f"PRAGMA {name}").fetchone()[0]) for name in ("application_id", "user_version")
            )
        case_format.check_format(place.database, application_id, number, writing=False)
        if cancelled is not None and cancelled():
            raise Cancelled("Verifying was cancelled.")
        facts.lines += guarded("database", lambda: database.check_database(raw))
        if seal is not None:
            facts.lines += guarded("encryption", lambda: encryption.check(raw, place))
        facts.lines += guarded("tables", lambda: schema.check_schema(raw))
        facts.lines += guarded("triggers", lambda: database.check_triggers(raw))
        events: list[chain.ReadEvent] = []
        facts.lines += guarded("custody chain", lambda: events.extend(chain.read_events(raw)))
        facts.events = len(events)
        case = _case(raw)
        said = Said(events)
        facts.lines += guarded("custody chain", lambda: chain.check_chain(events, case[1]))
        facts.lines += guarded("custody head", lambda: chain.check_anchor(place, case[0], events))
        facts.lines += guarded("pinned heads", lambda: chain.check_pins(events, pinned))
        facts.lines += guarded("kept codes", lambda: chain.check_codes(events, kept.codes))
        facts.lines += guarded("kept checkpoint", lambda: chain.check_notes(events, case[0], kept.checkpoints))
        facts.lines += guarded("recorded facts", lambda: database.check_facts(raw, said, events))
        facts.lines += guarded("examinations", lambda: examinations.check(raw, said))
        for subject, listed in (("exhibits", files.originals), ("reports", files.reports), ("derived", files.derived)):
            facts.lines += guarded(subject, partial(_list, facts, listed, raw))
        facts.listed += files.backups(said)
        facts.deleted = files.deleted(said)
        facts.lines += guarded("maps", lambda: facts.maps.extend(files.maps(raw)))
    finally:
        raw.close()
    return facts


def _list(
    facts: _Facts, read: Callable[[sqlite3.Connection], list[files.FileToCheck]], raw: sqlite3.Connection
) -> None:
    facts.listed += read(raw)


def _case(raw: sqlite3.Connection) -> tuple[str, bytes]:
    """Id and public key from the case's own facts; nothing where they are gone."""
    try:
        found = rows(raw, "SELECT id, public_key FROM case_facts")
    except dbapi2.Error:
        found = []
    key = found[0]["public_key"] if found else b""
    return (str(found[0]["id"]) if found else ""), key if isinstance(key, bytes) else b""
