"""Encrypting, decrypting and re-keying a whole case: the new state is written beside the old one, then switched to.

The custody event ``rekeyed`` is in the new state only, together with the anchor that names it: whichever state a killed
program leaves valid, its chain tells the truth about it.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from workstation.domain.custody import CustodyHead, CustodyKind
from workstation.domain.errors import Cancelled, InputError
from workstation.storage import key_slots, opening, switching
from workstation.storage.anchor import write_anchor
from workstation.storage.case_files import CaseFiles
from workstation.storage.case_folder import CaseFolder
from workstation.storage.checkpoints import Ledger
from workstation.storage.closing import closed_state
from workstation.storage.durable import file_error, write_whole
from workstation.storage.engine import connect, writer_engine
from workstation.storage.keys import LedgerKey
from workstation.storage.open_case import OpenCase
from workstation.storage.sealing import CaseSeal, SealedWriter
from workstation.storage.sqlite_errors import typed_errors
from workstation.storage.vault import hash_file

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Rewritten:
    """What was done: the head of the chain afterwards, files and bytes written anew, and files left as they were."""

    head: CustodyHead
    files: int
    bytes: int
    left_alone: tuple[str, ...]


def encrypt_case(
    root: Path,
    key: LedgerKey,
    passphrase: str,
    *,
    keyring: bool = False,
    on_progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Rewritten:
    """Encrypt a plain case: database, evidence, maps, reports, derived files and backups.

    The blocks that held the plain files belong to the disk again and may still be found there by other means.

    Raises:
        InputError: it is encrypted already, or the passphrase is too short.
        StorageFull: there is no room for a second copy.
        Cancelled, and what opening for writing raises: the case is as it was.
    """
    key_slots.check_passphrase(passphrase)
    folder = CaseFolder(root.absolute())
    if key_slots.is_encrypted(folder.key_file):
        raise InputError("The case is encrypted already.", "Change its passphrase with: workstation case rekey CASE")
    new = CaseSeal.fresh()
    opened = opening.open_case(root, key=key, read_only=False, examiner=None)
    slots = _slots(opened, new, passphrase, keyring)
    return _rewrite(opened, new, slots, "encrypted", on_progress, cancelled)


def decrypt_case(
    root: Path,
    key: LedgerKey,
    passphrase: str | None,
    *,
    on_progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Rewritten:
    """Make an encrypted case a plain one again.

    Raises:
        InputError: it is not encrypted.
        CaseLocked, StorageFull, Cancelled: the case is as it was.
    """
    folder = CaseFolder(root.absolute())
    _must_be_encrypted(folder)
    opened = opening.open_case(root, key=key, read_only=False, examiner=None, passphrase=passphrase)
    done = _rewrite(opened, None, None, "decrypted", on_progress, cancelled)
    key_slots.forget_keyring(opened.case.id)
    return done


def rekey_case(
    root: Path,
    key: LedgerKey,
    passphrase: str | None,
    new_passphrase: str,
    *,
    full: bool = False,
    keyring: bool = False,
    on_progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Rewritten:
    """Give an encrypted case another passphrase; ``full`` also a new master key, with everything written anew.

    Without ``full`` whoever has an old copy of ``case.key`` and the old passphrase can still read the case.

    Raises:
        InputError: it is not encrypted, or the new passphrase is too short.
        CaseLocked, StorageFull, Cancelled: the case is as it was.
    """
    key_slots.check_passphrase(new_passphrase)
    folder = CaseFolder(root.absolute())
    _must_be_encrypted(folder)
    opened = opening.open_case(root, key=key, read_only=False, examiner=None, passphrase=passphrase)
    if full:
        new = CaseSeal.fresh()
        return _rewrite(
            opened, new, _slots(opened, new, new_passphrase, keyring), "new master key", on_progress, cancelled
        )
    try:
        assert opened.seal is not None
        slots = _slots(opened, opened.seal, new_passphrase, keyring)
        body = {"what": "new passphrase", "key_file_sha256": key_slots.fingerprint_of(slots)}
        opened.event(CustodyKind.REKEYED, body)
        write_whole(folder.key_file, slots)
    except OSError as fault:
        raise file_error(fault, folder.key_file) from fault
    finally:
        head = opened.close()
    assert head is not None
    return Rewritten(head, 1, len(slots), ())


def _must_be_encrypted(folder: CaseFolder) -> None:
    switching.settle(folder)
    if folder.database.is_file() and not key_slots.is_encrypted(folder.key_file):
        raise InputError("The case is not encrypted.", "Encrypt it with: workstation case encrypt CASE")


def _slots(opened: OpenCase, seal: CaseSeal, passphrase: str, keyring: bool) -> bytes:
    try:
        return key_slots.key_file(opened.case.id, seal, passphrase, keyring=keyring)
    except BaseException:
        opened.close()
        raise


def _rewrite(
    opened: OpenCase,
    new: CaseSeal | None,
    slots: bytes | None,
    what: str,
    on_progress: Progress | None,
    cancelled: Callable[[], bool] | None,
) -> Rewritten:
    """Write everything anew under ``new``, switch to it, and let the case go."""
    folder = opened.folder
    assert opened.writing is not None
    chain = opened.writing.chain
    try:
        names = tuple(_content(folder))
        total = sum((folder.root / name).stat().st_size for name in names) + folder.database.stat().st_size
        switching.room_needed(folder, total)
        opened.database.close()
        place = switching.begin(folder)
        done = 0
        for name in names:
            if cancelled is not None and cancelled():
                raise Cancelled("The case was not changed.")
            _copy(folder, name, opened.seal, place / name, new)
            done += (folder.root / name).stat().st_size
            if on_progress is not None:
                on_progress(done, total)
        target = place / folder.database.name
        convert_database(folder.database, _raw(opened.seal), target, _raw(new))
        kept = [_kept(place, name) for name in names if is_database(name)]
        body = {
            "what": what,
            "files": len(names),
            "backups": kept,
            "key_file_sha256": key_slots.fingerprint_of(slots) if slots else "",
        }
        engine = writer_engine(target, key=_raw(new))
        try:
            with typed_errors(target, writing=True), engine.begin() as connection:
                chain.append(connection, CustodyKind.REKEYED, body)
                head = Ledger().head(connection)
                write_anchor(place / folder.anchor.name, opened.case.id, head, chain.key)
            with typed_errors(target, writing=True):
                raw = engine.raw_connection()
                raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                raw.close()
        finally:
            engine.dispose()
        if slots is not None:
            write_whole(place / folder.key_file.name, slots)
        if on_progress is not None:
            on_progress(total, total)
        gone = () if slots is not None or not folder.key_file.exists() else (folder.key_file.name,)
        switching.commit(folder, gone)
        write_anchor(folder.anchor, opened.case.id, head, chain.key, closed_state(folder))
        return Rewritten(head, len(names), total, left_alone(folder))
    except OSError as fault:
        raise file_error(fault, folder.root) from fault
    finally:
        switching.sweep(folder)
        opened.abandon()


def convert_database(source: Path, key: bytes | None, target: Path, new_key: bytes | None) -> None:
    """Copy a database that nobody writes into a new file under another key; None stands for plain.

    Tables, indices and triggers keep their text. Raises: sqlcipher3 errors; OSError.
    """
    with typed_errors(source):
        if (key is None) == (new_key is None):
            _back_up(source, key, target, new_key)
            return
        connection = connect(source, key=key)
        try:
            given = "''" if new_key is None else f"\"x'{new_key.hex()}'\""
            connection.execute(f"ATTACH DATABASE ? AS fresh KEY {given}", (str(target),))
            connection.execute("PRAGMA fresh.journal_mode=WAL")
            connection.execute("SELECT sqlcipher_export('fresh')")
            for name in ("application_id", "user_version"):
                number = int(connection.execute(f"PRAGMA main.{name}").fetchone()[0])
                connection.execute(f"PRAGMA fresh.{name}={number}")
            connection.execute("PRAGMA fresh.wal_checkpoint(TRUNCATE)")
            connection.execute("DETACH DATABASE fresh")
        finally:
            connection.close()


def _back_up(source: Path, key: bytes | None, target: Path, new_key: bytes | None) -> None:
    reading = connect(source, key=key)
    try:
        writing: sqlite3.Connection = connect(target, "rwc", key=new_key)
        try:
            reading.backup(writing)
        finally:
            writing.close()
    finally:
        reading.close()


def content_names(folder: CaseFolder) -> tuple[str, ...]:
    """Every file in the parts of a case (evidence, derived, maps, reports, backups) by its name in the case."""
    return tuple(_content(folder))


def _content(folder: CaseFolder) -> Iterator[str]:
    for part in (*folder.parts, folder.backups):
        for where, inner, names in os.walk(part):
            inner.sort()
            for name in sorted(names):
                path = Path(where, name)
                if path.is_file() and not path.is_symlink() and not (name.startswith(".") and name.endswith(".part")):
                    yield path.relative_to(folder.root).as_posix()


def left_alone(folder: CaseFolder) -> tuple[str, ...]:
    """Files in a case folder that belong to no part of a case: never encrypted, never packed, never removed."""
    own = {folder.database.name, folder.anchor.name, folder.lock.name, folder.key_file.name, *_content(folder)}
    found = []
    for path in sorted(folder.root.rglob("*")):
        name = path.relative_to(folder.root).as_posix()
        if path.is_file() and name not in own and not name.startswith((f"{folder.database.name}-", ".")):
            found.append(name)
    return tuple(found)


def _copy(folder: CaseFolder, name: str, old: CaseSeal | None, target: Path, new: CaseSeal | None) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    source = folder.root / name
    if is_database(name):
        convert_database(source, _raw(old), target, _raw(new))
        with typed_errors(target):
            copy = connect(target, key=_raw(new))
            copy.execute("PRAGMA journal_mode=DELETE")
            copy.close()
        return
    chunks = CaseFiles(folder.root, seal=old).chunks(name)
    with target.open("xb") as out:
        if new is None:
            for chunk in chunks:
                out.write(chunk)
        else:
            size = source.stat().st_size if old is None else _plain_size(source, old, name)
            writer = SealedWriter(out, new, size)
            for chunk in chunks:
                writer.write(chunk)
            writer.finish(name)
    shutil.copymode(source, target)


def is_database(name: str) -> bool:
    """Whether a file of a case is a copy of its database: encrypted as databases are, not as other files."""
    return name.startswith("backups/") and name.endswith(".sqlite")


def _kept(place: Path, name: str) -> dict[str, object]:
    """What the chain says of a backup that was written anew: other bytes, and so another digest."""
    sha256, size = hash_file(place / name)
    return {"backup": name, "sha256": sha256, "size": size}


def _plain_size(path: Path, seal: CaseSeal, name: str) -> int:
    from workstation.storage.sealing import header_of, open_descriptor

    with open_descriptor(path) as descriptor:
        return header_of(descriptor, seal, name).size


def _raw(seal: CaseSeal | None) -> bytes | None:
    return None if seal is None else seal.database_key
