"""Making a case database, and bringing an older one to this program's format after a backup."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, Engine

from workstation.storage import case_format
from workstation.storage.case_folder import CaseFolder
from workstation.storage.durable import file_error, flush_file, flush_folder, part_name
from workstation.storage.engine import connect
from workstation.storage.sqlite_errors import typed_errors

SCRIPTS = Path(__file__).parent / "migrations"


def upgrade(connection: Connection, scripts: Path = SCRIPTS) -> None:
    """Run every step that is missing, inside the transaction already open, and write the format into the header."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(scripts).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    connection.exec_driver_sql(f"PRAGMA application_id={case_format.APPLICATION_ID}")
    connection.exec_driver_sql(f"PRAGMA user_version={case_format.FORMAT}")


def back_up(folder: CaseFolder, number: int, key: bytes | None = None) -> Path:
    """Copy the database through SQLite's backup interface (a plain copy would miss the WAL). Returns the copy.

    It takes its name once it is whole and flushed.

    Raises:
        StorageFull, PermissionRefused, CaseError: there is no copy.
    """
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
    target = folder.backups / f"case-format-{case_format.name_format(number)}-{stamp}.sqlite"
    part = part_name(target)
    try:
        folder.backups.mkdir(exist_ok=True)
        _copy_database(folder.database, part, key)
        flush_file(part)
        part.replace(target)
    except OSError as fault:
        raise file_error(fault, target) from fault
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
    for place in (folder.backups, folder.root):
        flush_folder(place)
    return target


def _copy_database(database: Path, target: Path, key: bytes | None) -> None:
    source = connect(database, key=key)
    try:
        copy = connect(target, "rwc", key=key)
        try:
            source.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")
        finally:
            copy.close()
    finally:
        source.close()


def bring_up_to_date(
    folder: CaseFolder,
    engine: Engine,
    number: int,
    record: Callable[[Connection, Path], None],
    scripts: Path = SCRIPTS,
    key: bytes | None = None,
) -> Path:
    """Back an older case up and upgrade it in one transaction; a failure leaves the old format as it was.

    Args:
        record: gets the backup's path and says in the same transaction, in the chain of custody, what was done.
        key: the raw key of an encrypted case; its backup is encrypted with it too.

    Raises:
        StorageFull, CaseDamaged: nothing was changed.
    """
    with typed_errors(folder.database, writing=True):
        kept = back_up(folder, number, key)
        with engine.begin() as connection:
            upgrade(connection, scripts)
            record(connection, kept)
    return kept
