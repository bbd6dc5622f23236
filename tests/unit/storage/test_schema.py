"""The tables as mapped are the tables as made, and every connection has its pragmas."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from sqlalchemy import Column, inspect

from workstation.storage import engine as engines
from workstation.storage.case_format import FORMAT
from workstation.storage.case_store import CaseStore
from workstation.storage.engine import connect, reader_engine, writer_engine
from workstation.storage.tables import Base
from workstation.storage.triggers import BY_FORMAT


def describe(column: Column[object]) -> tuple[str, str, bool, bool]:
    return column.name, str(column.type).upper(), bool(column.nullable), column.primary_key


def test_mappings_and_migrations_agree(store: CaseStore) -> None:
    store.close()
    engine = writer_engine(store.folder / "case.sqlite")
    with engine.begin() as connection:
        looker = inspect(connection)
        assert set(looker.get_table_names()) == {*Base.metadata.tables, "alembic_version"}
        for name, table in Base.metadata.tables.items():
            keys = set(looker.get_pk_constraint(name)["constrained_columns"])
            made = [
                (c["name"], str(c["type"]).upper(), c["nullable"] and c["name"] not in keys, c["name"] in keys)
                for c in looker.get_columns(name)
            ]
            assert made == [describe(c) for c in table.columns], name
            links = {(k["constrained_columns"][0], k["referred_table"]) for k in looker.get_foreign_keys(name)}
            assert links == {(k.parent.name, k.column.table.name) for k in table.foreign_keys}, name
    engine.dispose()


def test_every_table_is_strict_and_every_trigger_there(store: CaseStore) -> None:
    store.close()
    raw = connect(store.folder / "case.sqlite", "ro", immutable=True)
    strict = {name: bool(flag) for name, flag in raw.execute("SELECT name, strict FROM pragma_table_list")}
    assert all(strict[name] for name in Base.metadata.tables)
    triggers = dict(raw.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'"))
    raw.close()
    assert triggers == dict(BY_FORMAT[FORMAT])


def test_pragmas_hold_on_writer_and_readers(store: CaseStore) -> None:
    database = store.folder / "case.sqlite"
    wanted = {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "trusted_schema": 0,
        "recursive_triggers": 1,
        "cell_size_check": 1,
        "mmap_size": 0,
        "busy_timeout": 5000,
    }
    store.close()
    for make, query_only in ((writer_engine, 0), (reader_engine, 1)):
        engine = make(database)
        with engine.connect() as connection:
            found = {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in wanted}
            assert found == wanted
            assert connection.exec_driver_sql("PRAGMA query_only").scalar() == query_only
        engine.dispose()


def test_an_old_sqlite_is_refused_at_start() -> None:
    """SQLite up to 3.51.2 can lose committed transactions (WAL reset): the program does not start on it."""
    assert engines.OLDEST_SQLITE == (3, 51, 3)
    code = "from sqlcipher3 import dbapi2; dbapi2.sqlite_version_info = (3, 51, 2); import workstation.storage.engine"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert "too old for a case" in ended.stderr


def test_the_migrations_are_part_of_the_package() -> None:
    from workstation.storage.migrate import SCRIPTS

    assert (SCRIPTS / "env.py").is_file()
    assert Path(SCRIPTS, "versions", "v0001_first_format.py").is_file()
    assert (SCRIPTS / "__init__.py").is_file(), "setuptools only takes packages along"
    assert (SCRIPTS / "versions" / "__init__.py").is_file()
