"""Each attack by SQL on the chain of custody: what stops it, and for what nothing stops, what finds it (E6, E7)."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import pytest
import storage_samples as samples
from sqlcipher3 import dbapi2

from workstation.domain.custody import CustodyHead, CustodyKind
from workstation.domain.errors import CaseError, IntegrityMismatch
from workstation.storage.anchor import Closed, read_anchor, write_anchor
from workstation.storage.case_store import CaseStore
from workstation.storage.catalogue import Catalogue
from workstation.storage.checks import schema
from workstation.storage.disposal import delete_derived
from workstation.storage.engine import connect
from workstation.storage.keys import LedgerKey
from workstation.storage.verification import Kept, verify_case

COLUMNS = "seq, at, actor, kind, body, prev, hash, signature"
AS_LAST = "(SELECT hash FROM custody ORDER BY seq DESC LIMIT 1)"
NEXT = "(SELECT max(seq) + 1 FROM custody)"
# By any connection, with the triggers in place: none of them leaves a trace.
STOPPED = {
    "update": "UPDATE custody SET body = '{}' WHERE seq = 2",
    "delete": "DELETE FROM custody WHERE seq = 4",
    "delete without where": "DELETE FROM custody",
    "upsert": f"""INSERT INTO custody SELECT {COLUMNS} FROM custody WHERE seq = 2
        ON CONFLICT (seq) DO UPDATE SET body = '{{}}'""",
    "wrong link": f"""INSERT INTO custody SELECT {NEXT}, at, actor, kind, body, zeroblob(32), randomblob(32), signature
        FROM custody WHERE seq = 2""",
    "gap": f"""INSERT INTO custody SELECT {NEXT} + 1, at, actor, kind, body, {AS_LAST}, randomblob(32), signature
        FROM custody WHERE seq = 2""",
    "replace an old number": """INSERT OR REPLACE INTO custody
        SELECT seq, at, 'x', kind, body, prev, hash, signature FROM custody WHERE seq = 2""",
    "replace by a known hash": f"""REPLACE INTO custody SELECT {NEXT}, at, actor, kind, body, {AS_LAST}, hash, signature
        FROM custody WHERE seq = 2""",
    "update or replace": "UPDATE OR REPLACE custody SET seq = 1 WHERE seq = 4",
    "insert or ignore": "UPDATE OR IGNORE custody SET body = '{}'",
}
# What the guard takes away from the program's own connection besides.
DENIED = (
    "DROP TRIGGER custody_no_update",
    "DROP TABLE custody",
    "DROP INDEX descriptions_of",
    "ALTER TABLE custody RENAME TO other",
    "ALTER TABLE custody ADD COLUMN more TEXT",
    "ATTACH ':memory:' AS other",
    "DETACH main",
    "PRAGMA writable_schema=ON",
    "PRAGMA recursive_triggers=OFF",
    "PRAGMA foreign_keys=OFF",
    "PRAGMA user_version=1",
    "PRAGMA application_id=1",
)


@pytest.fixture
def filled(store: CaseStore) -> CaseStore:
    for number in range(4):
        store.record(CustodyKind.EXPORTED, {"number": number})
    return store


@pytest.mark.parametrize("recursive", ["ON", "OFF"])
def test_what_the_triggers_stop_from_any_tool(filled: CaseStore, recursive: str) -> None:
    filled.close()
    raw = connect(filled.folder / "case.sqlite")
    raw.execute(f"PRAGMA recursive_triggers={recursive}")
    before = raw.execute(f"SELECT {COLUMNS} FROM custody ORDER BY seq").fetchall()
    for name, attack in STOPPED.items():
        with pytest.raises(dbapi2.Error, match="custody"):
            raw.execute(attack)
        assert raw.execute(f"SELECT {COLUMNS} FROM custody ORDER BY seq").fetchall() == before, name
    raw.close()


def test_without_the_insert_trigger_a_row_could_be_forged_silently() -> None:
    """Why there is one: REPLACE fires delete triggers only with recursive_triggers, which is off by default."""
    raw = sqlite3.connect(":memory:")
    raw.execute("CREATE TABLE t (seq INTEGER PRIMARY KEY, body TEXT)")
    for act in ("UPDATE", "DELETE"):
        raw.execute(f"CREATE TRIGGER no_{act} BEFORE {act} ON t BEGIN SELECT RAISE(ABORT, 'no'); END")
    raw.execute("INSERT INTO t VALUES (1, 'true')")
    raw.execute("REPLACE INTO t VALUES (1, 'forged')")
    assert raw.execute("SELECT body FROM t").fetchall() == [("forged",)]
    raw.close()


def test_what_the_program_itself_cannot_do(filled: CaseStore) -> None:
    before = filled.custody()
    for attack in (*STOPPED.values(), *DENIED):
        with pytest.raises(CaseError):
            filled._open.database.write(lambda connection, sql=attack: connection.exec_driver_sql(sql))
        assert filled.custody() == before, attack


def test_a_forged_next_row_is_let_in_by_sql_and_found(filled: CaseStore) -> None:
    """Right number, right link, wrong hash: triggers cannot compute a hash. A known hash they refuse."""
    filled.close()
    raw = connect(filled.folder / "case.sqlite")
    forged = """INSERT INTO custody SELECT {}, at, actor, kind, body, {}, {}, signature FROM custody WHERE seq = 3"""
    with pytest.raises(dbapi2.Error, match="already"):
        raw.execute(forged.format(NEXT, AS_LAST, "hash"))
    raw.execute(forged.format(NEXT, AS_LAST, "randomblob(32)"))
    raw.close()
    bad = {line.subject: line.detail for line in verify_case(filled.folder).bad}
    assert "wrong hash" in bad["custody event 7"]


def test_every_transaction_of_the_writer_takes_the_lock_at_once(filled: CaseStore) -> None:
    """BEGIN IMMEDIATE: read-then-write transactions of many threads never meet a stale snapshot."""
    faults: list[BaseException] = []

    def work(name: int) -> None:
        try:
            for number in range(15):
                filled.record(CustodyKind.EXPORTED, {"thread": name, "number": number})
        except BaseException as fault:  # noqa: BLE001 - told below
            faults.append(fault)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults
    assert [event.seq for event in filled.custody()] == list(range(1, 66))
    assert verify_case(filled.folder).ok
    seen: list[str] = []
    raw = filled._open.database._writer
    assert raw is not None
    with raw.begin() as connection:
        connection.connection.driver_connection.set_trace_callback(seen.append)  # type: ignore[union-attr]
    with raw.begin():
        pass
    assert seen[-2:] == ["BEGIN IMMEDIATE", "COMMIT"] or "BEGIN IMMEDIATE" in seen


def test_the_tables_of_a_format_are_those_its_migrations_make(filled: CaseStore) -> None:
    """Verification holds a case against statements; here those are held against what the migrations really do."""
    filled.close()
    raw = connect(filled.folder / "case.sqlite", "ro")
    newest = max(schema.steps())
    assert raw.execute("PRAGMA user_version").fetchone()[0] == newest
    assert schema.expected(newest) == schema._objects(raw)
    assert [line.subject for line in schema.check_schema(raw) if line.state.value == "ok"] == ["tables"]
    raw.close()


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("CREATE TABLE hidden (a TEXT)", "foreign: hidden"),
        ("CREATE INDEX hidden ON custody (actor)", "foreign: hidden"),
        ("DROP TABLE thumbnails", "missing: thumbnails"),
        ("ALTER TABLE thumbnails ADD COLUMN more TEXT", "changed: thumbnails"),
        ("UPDATE alembic_version SET version_num = '0001'", "alembic_version says 0001"),
        ("DELETE FROM alembic_version", "alembic_version says nothing"),
    ],
)
def test_another_schema_is_named(filled: CaseStore, statement: str, words: str) -> None:
    filled.close()
    raw = connect(filled.folder / "case.sqlite")
    raw.execute(statement)
    raw.close()
    assert words in next(line.detail for line in verify_case(filled.folder).bad if line.subject == "tables")


def test_codes_and_signed_heads_off_paper(filled: CaseStore, tmp_path: Path) -> None:
    code, note = filled.head_code(), filled.checkpoint()
    filled.record(CustodyKind.EXPORTED, {})
    filled.close()
    held = verify_case(filled.folder, kept=Kept((code.lower().replace("-", " "),), (note,)))
    assert held.ok, held.bad
    other = LedgerKey.load_or_create(tmp_path / "other")
    with CaseStore.create(tmp_path / "twin", number="1", title="", examiner="A", question="", key=other) as twin:
        foreign = (twin.head_code(), twin.checkpoint())
    bad = verify_case(filled.folder, kept=Kept((foreign[0],), (foreign[1], "nonsense"))).bad
    assert [line.subject for line in bad] == ["custody tail", "kept checkpoint", "kept checkpoint"]


@pytest.mark.parametrize("closed", [None, Closed("ab" * 32, 4, "cd" * 32)])
def test_any_changed_bit_of_the_head_is_noticed(tmp_path: Path, key: LedgerKey, closed: Closed | None) -> None:
    path, head = tmp_path / "custody.head", CustodyHead(12, bytes(range(32)), bytes(32))
    write_anchor(path, samples.EvidenceId("a" * 32), head, key, closed)  # type: ignore[arg-type]
    assert (read_anchor(path).head.root, read_anchor(path).closed) == (head.root, closed)
    whole = path.read_bytes()
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(IntegrityMismatch):
            read_anchor(path)


def test_pins_keep_the_root_and_older_catalogues_are_read(tmp_path: Path, store: CaseStore) -> None:
    catalogue = Catalogue(tmp_path / "catalogue.sqlite")
    head = store.custody_head()
    catalogue.pin_head(store.case.id, head, "test", "now")
    assert [found.root for found, _, _ in catalogue.pins(store.case.id)] == [head.root]
    catalogue.close()
    raw = connect(tmp_path / "catalogue.sqlite")
    raw.execute("ALTER TABLE pins DROP COLUMN root")
    raw.execute("PRAGMA user_version=1000")
    raw.close()
    again = Catalogue(tmp_path / "catalogue.sqlite")
    assert [(found, found.root) for found, _, _ in again.pins(store.case.id)] == [(head, b"")]
    again.pin_head(store.case.id, head, "test", "now")
    assert [found.root for found, _, _ in again.pins(store.case.id)] == [b"", head.root]
    again.close()


def test_a_file_deleted_on_purpose_is_told_and_one_that_vanished_is_missed(store: CaseStore) -> None:
    item = samples.take_in(store, store.folder.parent / "clip.mp4", b"bytes")
    for number in (1, 2):
        store.files.write(f"derived/di-{number}.txt", b"text")
        store.derived.add(samples.derived(item, number, b"text"))
    delete_derived(store, "DI-01", "made by mistake", authority="order 4")
    store.close()
    outcome = verify_case(store.folder)
    assert outcome.ok, outcome.bad
    assert "made by mistake" in next(line.detail for line in outcome.lines if line.subject == "derived item DI-01")
    (store.folder / "derived" / "di-2.txt").unlink()
    assert "derived item DI-02" in {line.subject for line in verify_case(store.folder).bad}
