"""Single random edits of a case by somebody with any tool, and what verification has to name for each."""

from __future__ import annotations

import random
import re
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

from tests.harness.tampered_cases import Made
from tests.harness.tampered_files import (
    Act,
    Edit,
    Impossible,
    array_file,
    backup_file,
    derived_file,
    extra_file,
    flip,
    key_byte,
    report_file,
    vault_file,
)
from workstation.domain.custody import CustodyHead, event_hash
from workstation.domain.merkle import leaf_hash, root_of
from workstation.storage import key_slots
from workstation.storage.anchor import read_anchor, write_anchor
from workstation.storage.case_folder import CaseFolder
from workstation.storage.engine import connect
from workstation.storage.keys import LedgerKey

# Tables of format 1.0 that no event of that format speaks for; a migration states them as it finds them.
UNSAID_1000 = frozenset({"frame_indexes", "thumbnails"})
COLUMNS_1000 = {
    "evidence": {"stored_path", "media", "problem", "work", "integrity", "verified_at"},
    "examinations": {"started_at", "ended_at"},
    "reports": {"built_at"},
}
# Columns that have to be new in a row that is doubled.
NAMED_APART = (("alembic_version", "version_num"), ("results", "detector"), ("track_readings", "detector"))


def opened(folder: Path, made: Made) -> sqlite3.Connection:
    """A connection as an outside tool has it: no guard, no foreign keys, CHECK constraints off, triggers dropped."""
    seal = key_slots.unlock(CaseFolder(folder).key_file, made.passphrase)
    raw = connect(folder / "case.sqlite", key=None if seal is None else seal.database_key)
    raw.execute("PRAGMA foreign_keys=OFF")
    raw.execute("PRAGMA ignore_check_constraints=ON")
    return raw


def sql(folder: Path, made: Made, work: Callable[[sqlite3.Connection], None]) -> None:
    """Take the triggers off, change, put them back."""
    raw = opened(folder, made)
    try:
        triggers = raw.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").fetchall()
        for name, _ in triggers:
            raw.execute(f"DROP TRIGGER {name}")
        work(raw)
        for _, text in triggers:
            raw.execute(text)
        if made.closed:
            raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        raw.close()


# Rows


def _tables(raw: sqlite3.Connection) -> list[str]:
    found = raw.execute("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    names = [name for (name,) in found]
    return [name for name in names if raw.execute(f"SELECT count(*) FROM {name}").fetchone()[0]]


def _columns(raw: sqlite3.Connection, table: str) -> list[tuple[str, str, bool]]:
    """(name, type, may be NULL)."""
    return [(row[1], row[2], not row[3] and not row[5]) for row in raw.execute(f"PRAGMA table_info({table})")]


def _other(chance: random.Random, value: object, kind: str, nullable: bool) -> object:
    if nullable and value is not None and chance.random() < 0.2:
        return None
    if kind == "INTEGER":
        return (value if isinstance(value, int) else 0) + chance.choice((-1, 1, 2, 1000))
    if kind == "REAL":
        return (value if isinstance(value, float) else 0.0) + chance.choice((-0.25, 1e-9, 0.5, 3.0))
    if kind == "BLOB":
        data = bytearray(value if isinstance(value, bytes) else bytes(32))
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        return bytes(data)
    text = value if isinstance(value, str) else ""
    if not text or chance.random() < 0.3:
        return text + chance.choice((" ", "x", "0"))
    place = chance.randrange(len(text))
    other = chance.choice([c for c in "0123456789abcdefxyz" if c != text[place]])
    return text[:place] + other + text[place + 1 :]


def _same_row(row: dict[str, object]) -> tuple[str, tuple[object, ...]]:
    return " AND ".join(f"{name} IS ?" for name in row), tuple(row.values())


def change_column(chance: random.Random, folder: Path, made: Made) -> Edit:
    """One column of one row of one table."""
    done: list[Edit] = []

    def work(raw: sqlite3.Connection) -> None:
        for _ in range(200):
            table = chance.choice(_tables(raw))
            name, kind, nullable = chance.choice(_columns(raw, table))
            if _unsaid(raw, table, name):
                continue
            row = _random_row(chance, raw, table)
            if row[name] is None and kind not in ("TEXT", "INTEGER", "REAL"):
                continue
            value = _other(chance, row[name], "TEXT" if kind.startswith("VARCHAR") else kind, nullable)
            where, values = _same_row(row)
            names = _names(raw, table, row)
            try:
                raw.execute(f"UPDATE {table} SET {name} = ? WHERE {where}", (value, *values))
            except sqlite3.Error:
                continue
            except Exception as fault:
                if "constraint" not in str(fault).lower() and "UNIQUE" not in str(fault):
                    raise
                continue
            after = names + "|" + _names(raw, table, {**row, name: value})
            done.append(Edit(f"{table}.{name} {row[name]!r:.60} -> {value!r:.60}", after))
            return
        raise Impossible

    sql(folder, made, work)
    return done[0]


def remove_row(chance: random.Random, folder: Path, made: Made) -> Edit:
    """One row taken away."""
    done: list[Edit] = []

    def work(raw: sqlite3.Connection) -> None:
        tables = [table for table in _tables(raw) if not _unsaid(raw, table, "*")]
        table = chance.choice(tables)
        row = _random_row(chance, raw, table)
        where, values = _same_row(row)
        names = _names(raw, table, row)
        if table == "custody":
            names += "|custody tail|custody event"
        raw.execute(f"DELETE FROM {table} WHERE {where}", values)
        done.append(Edit(f"{table}: a row removed", names))

    sql(folder, made, work)
    return done[0]


def add_row(chance: random.Random, folder: Path, made: Made) -> Edit:
    """A row doubled under another key, as far as the table lets it in."""
    done: list[Edit] = []

    def work(raw: sqlite3.Connection) -> None:
        for _ in range(100):
            table = chance.choice([t for t in _tables(raw) if not _unsaid(raw, t, "*")])
            row = _random_row(chance, raw, table)
            for name, kind, _ in _columns(raw, table):
                unique = name in ("key", "id", "seq", "number", "position", "hash", "exhibit", "path", "sha256", "pts")
                if unique or (table, name) in NAMED_APART:
                    row[name] = 90_000 + chance.randrange(999) if kind == "INTEGER" else _fresh(chance, row[name])
            names = _names(raw, table, row)
            marks = ", ".join("?" for _ in row)
            try:
                raw.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", tuple(row.values()))
            except Exception as fault:
                if "constraint" not in str(fault).lower() and "UNIQUE" not in str(fault):
                    raise
                continue
            done.append(Edit(f"{table}: a row added", names + ("|description" if "descr" in names else "")))
            return
        raise Impossible

    sql(folder, made, work)
    return done[0]


def _fresh(chance: random.Random, value: object) -> object:
    if isinstance(value, bytes):
        return chance.randbytes(len(value))
    text = str(value)
    return "".join(chance.choice("0123456789abcdef") for _ in text) or "x"


def _random_row(chance: random.Random, raw: sqlite3.Connection, table: str) -> dict[str, object]:
    count = raw.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
    cursor = raw.execute(f"SELECT * FROM {table} LIMIT 1 OFFSET ?", (chance.randrange(count),))
    return dict(zip([column[0] for column in cursor.description], cursor.fetchone(), strict=True))


def _unsaid(raw: sqlite3.Connection, table: str, column: str) -> bool:
    """Whether a case of this format has no word about it (format 1.0 only; a closed case of 1.1 has none)."""
    number = raw.execute("PRAGMA user_version").fetchone()[0]
    if number > 1000:
        return False
    return table in UNSAID_1000 or column in COLUMNS_1000.get(table, ()) or table == "tracks" or column == "key"


def _names(raw: sqlite3.Connection, table: str, row: dict[str, object]) -> str:
    """Subjects that name a row, as a pattern."""
    exhibits = dict(raw.execute("SELECT position, exhibit FROM evidence"))
    if table == "custody":
        return "|".join(f"custody event {re.escape(str(n))}" for n in _near(row["seq"]))
    if table == "evidence":
        return f"exhibit {re.escape(str(row['exhibit']))}|exhibit EX-\\d+"
    if table == "examinations":
        return f"examination {row['number']}|examination \\d+"
    named = {
        "case_facts": "case facts|custody event 1|custody head",
        "alembic_version": "tables",
        "frame_indexes": "frame index of .*",
        "thumbnails": "thumbnail of .*",
        "descriptions": "(streams|metadata|.*) of .*|description \\d+",
        "stream_digests": "streams of .*|description -?\\d+",
        "metadata": "metadata of .*|description -?\\d+",
        "derived": "derived item .*",
        "intake_batches": "import -?\\d+",
        "intake_items": "import -?\\d+|database",
        "edits": "edit -?\\d+",
        "examiner_objects": "(bookmark|note|tag|track_name|exclusion|work_state|case_text|.*) .{1,12}",
        "reports": "report -?\\d+",
        "tracks": "examination \\d+",
        "frames": "examination \\d+",
        "faces": "examination \\d+",
        "results": "examination \\d+",
        "track_readings": "examination \\d+",
    }
    assert exhibits is not None
    return named[table]


def _near(seq: object) -> list[int]:
    place = seq if isinstance(seq, int) else 0
    return [place, place + 1]


# The chain


def cut_tail(chance: random.Random, folder: Path, made: Made) -> Edit:
    """The last events removed; the head beside the database left as it is."""
    gone: list[int] = []

    def work(raw: sqlite3.Connection) -> None:
        count = raw.execute("SELECT max(seq) FROM custody").fetchone()[0]
        gone.append(chance.randint(1, max(1, min(5, count - 1))))
        raw.execute("DELETE FROM custody WHERE seq > ?", (count - gone[0],))

    sql(folder, made, work)
    return Edit(f"the last {gone[0]} events cut", "custody tail")


def older_head(chance: random.Random, folder: Path, made: Made) -> Edit:
    """The tail cut to where an older head, kept from then, fits: only what is pinned elsewhere shows it."""
    if made.older is None:
        raise Impossible
    shutil.copyfile(made.older / "custody.head", folder / "custody.head")
    count = read_anchor(folder / "custody.head").head.count
    sql(folder, made, lambda raw: raw.execute("DELETE FROM custody WHERE seq > ?", (count,)) and None)
    return Edit("the tail cut and an older head put back", "custody tail")


def stale_head(chance: random.Random, folder: Path, made: Made) -> Edit:
    """Only the head put back to an older one, so that the closed state is not looked at."""
    if made.older is None or not made.closed:
        raise Impossible
    shutil.copyfile(made.older / "custody.head", folder / "custody.head")
    return Edit("an older head put back", "custody head")


def older_case(chance: random.Random, folder: Path, made: Made) -> Edit:
    """The whole case as it was some time ago: perfect in itself."""
    if made.older is None:
        raise Impossible
    shutil.rmtree(folder)
    shutil.copytree(made.older, folder)
    return Edit("an older copy of the whole case put in its place", "custody tail")


def resigned(chance: random.Random, folder: Path, made: Made) -> Edit:
    """One event rewritten and every later one hashed and signed again, with the case's own key and a fitting head."""
    if made.keys is None:
        raise Impossible
    key, place, case = LedgerKey.load_or_create(made.keys), [0], [""]

    def work(raw: sqlite3.Connection) -> None:
        rows = raw.execute("SELECT seq, at, actor, kind, body FROM custody ORDER BY seq").fetchall()
        place[0] = chance.randint(2, made.pins[-1].count)
        case[0] = raw.execute("SELECT id FROM case_facts").fetchone()[0]
        prev, hashes = bytes(32), []
        for seq, at, actor, kind, body in rows:
            who = actor + " II" if seq == place[0] else actor
            digest = event_hash(seq, at, who, kind, body, prev)
            values = (who, prev, digest, key.sign(digest), seq)
            raw.execute("UPDATE custody SET actor = ?, prev = ?, hash = ?, signature = ? WHERE seq = ?", values)
            prev = digest
            hashes.append(leaf_hash(digest))
        head = CustodyHead(len(hashes), prev, root_of(hashes))
        write_anchor(folder / "custody.head", case[0], head, key)  # type: ignore[arg-type]

    sql(folder, made, work)
    return Edit(f"event {place[0]} rewritten and the rest signed again with the same key", "custody tail")


def foreign_chain(chance: random.Random, folder: Path, made: Made) -> Edit:
    """The whole chain signed again with a key of one's own, named in it."""
    key = LedgerKey.load_or_create(folder.parent / f"foreign-{chance.randrange(10**9)}")

    def work(raw: sqlite3.Connection) -> None:
        prev = bytes(32)
        rows = raw.execute("SELECT seq, at, actor, kind, body FROM custody ORDER BY seq").fetchall()
        hashes = []
        for seq, at, actor, kind, body in rows:
            text = re.sub(r'"ledger_key":"[0-9a-f]{64}"', f'"ledger_key":"{key.public_key.hex()}"', body)
            digest = event_hash(seq, at, actor, kind, text, prev)
            values = (text, prev, digest, key.sign(digest), seq)
            raw.execute("UPDATE custody SET body = ?, prev = ?, hash = ?, signature = ? WHERE seq = ?", values)
            prev = digest
            hashes.append(leaf_hash(digest))
        raw.execute("UPDATE case_facts SET public_key = ?", (key.public_key,))
        case = raw.execute("SELECT id FROM case_facts").fetchone()[0]
        write_anchor(folder / "custody.head", case, CustodyHead(len(rows), prev, root_of(hashes)), key)

    sql(folder, made, work)
    # Nothing pinned outside: a report that is in the case still names the head it was built on.
    return Edit("the whole chain signed again with another key", "custody tail" if made.pins else "report \\d+")


def head_bytes(chance: random.Random, folder: Path, made: Made) -> Edit:
    """A byte of the head, the head taken away, or another case's head."""
    path = folder / "custody.head"
    act = chance.choice(("byte", "gone", "foreign"))
    if act == "byte":
        flip(chance, path)
    elif act == "gone":
        path.unlink()
    else:
        key = LedgerKey.load_or_create(folder.parent / f"foreign-{chance.randrange(10**9)}")
        anchor = read_anchor(path)
        write_anchor(path, anchor.case, anchor.head, key)
    return Edit(f"custody.head: {act}", "custody head")


# The database as a file and as a schema


def database_byte(chance: random.Random, folder: Path, made: Made) -> Edit:
    """A byte anywhere in the database file: header, pages, free space."""
    if not made.closed:
        raise Impossible
    flip(chance, folder / "case.sqlite")
    return Edit("a byte of case.sqlite", "")


def schema(chance: random.Random, folder: Path, made: Made) -> Edit:
    """A table, index, column or trigger more or less, or another number in the header."""
    acts = {
        "CREATE TABLE hidden (a TEXT)": "tables",
        "CREATE INDEX hidden ON custody (actor)": "tables",
        "CREATE VIEW hidden AS SELECT 1": "tables",
        "ALTER TABLE thumbnails ADD COLUMN more TEXT": "tables",
        "DROP TABLE thumbnails": "tables",
        "DROP TRIGGER custody_no_update": "triggers",
        "DROP TRIGGER custody_append": "triggers",
        "CREATE TRIGGER more AFTER INSERT ON frames BEGIN SELECT 1; END": "triggers",
        "PRAGMA application_id=7": "database",
        "PRAGMA user_version=1": "database|tables|triggers",
        "PRAGMA user_version=1900": "tables|triggers",
    }
    statement, names = chance.choice(sorted(acts.items()))
    raw = opened(folder, made)
    raw.execute(statement)
    if made.closed:
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    raw.close()
    return Edit(statement, names)


ACTS: dict[Act, int] = {
    change_column: 30,
    remove_row: 8,
    add_row: 8,
    cut_tail: 6,
    older_head: 4,
    stale_head: 3,
    older_case: 3,
    resigned: 4,
    foreign_chain: 3,
    head_bytes: 5,
    database_byte: 8,
    schema: 6,
    vault_file: 8,
    array_file: 6,
    report_file: 5,
    derived_file: 5,
    backup_file: 3,
    extra_file: 6,
    key_byte: 2,
}
