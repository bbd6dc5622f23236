"""Whoever changes a case behind the program's back is found out, and what was changed is named (E5, E7)."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
import storage_samples as samples
from sqlcipher3 import dbapi2

from workstation.domain.custody import CheckLine, CustodyHead, CustodyKind, event_hash
from workstation.domain.errors import CaseDamaged, CaseError, CaseNotFound
from workstation.domain.examinations import ExaminationState
from workstation.domain.ids import ReportId, new_id
from workstation.domain.reports import ReportRecord
from workstation.storage.anchor import read_anchor, write_anchor
from workstation.storage.case_store import CaseStore
from workstation.storage.engine import connect
from workstation.storage.keys import LedgerKey
from workstation.storage.vault import hash_file
from workstation.storage.verification import verify_case

EXHIBIT = b"the bytes of the exhibit " * 400


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tampering")


@pytest.fixture(scope="module")
def key(workshop: Path) -> LedgerKey:
    return LedgerKey.load_or_create(workshop / "keys")


@pytest.fixture(scope="module")
def made(workshop: Path, key: LedgerKey) -> Path:
    """A closed case with an exhibit, examined rows, a map and a report; made once, copied for each test."""
    store = CaseStore.create(
        workshop / "made", number="2026-014", title="Clip", examiner="A. Examiner", question="Altered?", key=key
    )
    item = samples.take_in(store, workshop / "clip.mp4", EXHIBIT)
    run = store.start_examination(samples.plan(item.id), samples.ENVIRONMENT)
    digest = store.arrays.put(samples.fakeness(1))
    row = samples.FrameRow(
        run.id, item.id, samples.frame(0), (samples.face(1, [samples.scored(1, "clip_ln", 0.25, digest)]),)
    )
    store.append_rows([row, samples.full_row(run.id, item.id, 1)])
    store.end_examination(run.id, ExaminationState.DONE)
    pdf = store.folder / "reports" / "report-01.pdf"
    pdf.write_bytes(b"%PDF-1.7 " + bytes(500))
    sha256, size = hash_file(pdf)
    head = store.custody_head()
    store.add_report(
        ReportRecord(
            ReportId(new_id()),
            store.case.id,
            1,
            "reports/report-01.pdf",
            sha256,
            size,
            "",
            "A",
            head.count,
            head.hash.hex(),
        )
    )
    store.close()
    return store.folder


@pytest.fixture
def sealed(made: Path, case_folder: Path) -> Path:
    return shutil.copytree(made, case_folder)


def tamper(folder: Path, work: Callable[[sqlite3.Connection], object]) -> None:
    """Do what a person with any SQLite tool can do: take the triggers off, change, put them back."""
    raw = connect(folder / "case.sqlite")
    raw.execute("PRAGMA foreign_keys=OFF")
    triggers = raw.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").fetchall()
    for name, _ in triggers:
        raw.execute(f"DROP TRIGGER {name}")
    work(raw)
    for _, sql in triggers:
        raw.execute(sql)
    raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    raw.close()


def run(statement: str, *values: object) -> Callable[[sqlite3.Connection], object]:
    return lambda raw: raw.execute(statement, values)


def only(folder: Path, **kwargs: object) -> CheckLine:
    """The single bad line of a verification."""
    bad = verify_case(folder, **kwargs).bad  # type: ignore[arg-type]
    assert len(bad) == 1, bad
    return bad[0]


def flip(path: Path, offset: int) -> None:
    path.chmod(0o644)
    data = bytearray(path.read_bytes())
    data[offset] ^= 0x01
    path.write_bytes(data)


def test_a_sound_case_verifies_and_nothing_is_written(sealed: Path) -> None:
    before = {p: (p.stat().st_mtime_ns, p.stat().st_size) for p in sealed.rglob("*")}
    seen: list[tuple[int, int]] = []
    outcome = verify_case(sealed, on_progress=lambda done, total: seen.append((done, total)))
    assert outcome.ok, outcome.bad
    assert {p: (p.stat().st_mtime_ns, p.stat().st_size) for p in sealed.rglob("*")} == before
    subjects = {line.subject for line in outcome.lines}
    wanted = {
        "database",
        "triggers",
        "custody chain",
        "custody head",
        "exhibit EX-01",
        "report 1",
        "maps",
        "examination 1",
    }
    assert subjects >= wanted
    assert seen[-1][0] == seen[-1][1] > len(EXHIBIT)


def test_one_flipped_byte_in_an_exhibit(sealed: Path) -> None:
    flip(next(sealed.glob("evidence/*/*")), 1234)
    line = only(sealed)
    assert line.subject == "exhibit EX-01"
    assert "MISMATCH" in line.detail


def test_one_flipped_byte_in_a_custody_row_of_the_file(sealed: Path) -> None:
    """A byte of the database file itself, inside the text of an event."""
    database = sealed / "case.sqlite"
    place = database.read_bytes().rindex(b'"name":"clip.mp4"') + 9
    flip(database, place)
    bad = verify_case(sealed).bad
    assert [line.subject for line in bad if line.subject.startswith("custody event")] == ["custody event 2"]
    assert "wrong hash" in next(line.detail for line in bad if line.subject == "custody event 2")


@pytest.mark.parametrize(
    ("statement", "seq", "words"),
    [
        ("UPDATE custody SET body = replace(body, 'EX-01', 'EX-07') WHERE seq = 2", 2, "wrong hash"),
        ("UPDATE custody SET actor = 'Somebody' WHERE seq = 3", 3, "wrong hash"),
        ("UPDATE custody SET kind = 'nothing' WHERE seq = 4", 4, "wrong hash"),
        ("UPDATE custody SET signature = zeroblob(64) WHERE seq = 4", 4, "bad signature"),
        ("DELETE FROM custody WHERE seq = 3", 4, "gap"),
    ],
)
def test_a_changed_custody_row_is_named(sealed: Path, statement: str, seq: int, words: str) -> None:
    tamper(sealed, run(statement))
    first = next(line for line in verify_case(sealed).bad if line.subject.startswith("custody event"))
    assert (first.subject, words in first.detail) == (f"custody event {seq}", True), first


def test_a_rehashed_row_breaks_the_link_or_the_signature(sealed: Path, key: LedgerKey) -> None:
    """Whoever recomputes the hash cannot sign it; whoever could sign it breaks the next link."""

    def forge(raw: sqlite3.Connection, sign: bool) -> None:
        at, actor, kind, prev = raw.execute("SELECT at, actor, kind, prev FROM custody WHERE seq = 3").fetchone()
        digest = event_hash(3, at, actor, kind, "{}", prev)
        raw.execute("UPDATE custody SET body = '{}', hash = ? WHERE seq = 3", (digest,))
        if sign:
            raw.execute("UPDATE custody SET signature = ? WHERE seq = 3", (key.sign(digest),))

    shutil.copytree(sealed, sealed.with_name("second"))
    tamper(sealed, lambda raw: forge(raw, False))
    assert verify_case(sealed).bad[0].subject == "custody event 3"
    assert "signature" in verify_case(sealed).bad[0].detail
    second = sealed.with_name("second")
    tamper(second, lambda raw: forge(raw, True))
    assert verify_case(second).bad[0].subject == "custody event 4"
    assert "link" in verify_case(second).bad[0].detail


def test_a_cut_tail_is_named_on_any_machine(sealed: Path, key: LedgerKey) -> None:
    """E7: the last events deleted; what is left is a perfect chain, only shorter. The anchor shows it."""
    tamper(sealed, run("DELETE FROM custody WHERE seq > 5"))
    line = next(line for line in verify_case(sealed).bad if line.subject == "custody tail")
    assert "1 of the last are gone" in line.detail
    with pytest.raises(CaseDamaged):
        CaseStore.open(sealed, key=key)
    CaseStore.open(sealed, key=None, read_only=True).close()


def test_a_cut_tail_with_an_old_anchor_is_named_by_the_pin(store: CaseStore) -> None:
    """Whoever restores an older copy of the whole case is found out by the head pinned outside it."""
    kept = (store.folder / "custody.head").read_bytes()
    for number in range(5):
        store.record(CustodyKind.EXPORTED, {"number": number})
    head = store.close()
    assert head is not None
    assert verify_case(store.folder, pinned=[head]).ok
    tamper(store.folder, run("DELETE FROM custody WHERE seq > 1"))
    (store.folder / "custody.head").write_bytes(kept)
    assert verify_case(store.folder).ok, "inside the case nothing shows it"
    line = only(store.folder, pinned=[CustodyHead(1, b""), head][1:])
    assert line.subject == "custody tail"
    assert "6 of the last are gone" in line.detail


def test_a_chain_rewritten_after_the_pin_is_named(sealed: Path) -> None:
    line = only(sealed, pinned=[CustodyHead(2, b"\x01" * 32)])
    assert "event 2 is not the one" in line.detail


def test_a_whole_chain_by_a_foreign_key_is_named(sealed: Path, tmp_path: Path) -> None:
    foreign = LedgerKey.load_or_create(tmp_path / "foreign")

    def rewrite(raw: sqlite3.Connection) -> None:
        prev = bytes(32)
        columns = "seq, at, actor, kind, body"
        for seq, at, actor, kind, body in raw.execute(f"SELECT {columns} FROM custody ORDER BY seq").fetchall():
            start = body.find('"ledger_key":"')
            if start >= 0:
                body = body[: start + 14] + foreign.public_key.hex() + body[start + 14 + 64 :]
            digest = event_hash(seq, at, actor, kind, body, prev)
            values = (body, prev, digest, foreign.sign(digest), seq)
            raw.execute("UPDATE custody SET body = ?, prev = ?, hash = ?, signature = ? WHERE seq = ?", values)
            prev = digest

    tamper(sealed, rewrite)
    bad = verify_case(sealed).bad
    assert (bad[0].subject, "foreign public key" in bad[0].detail) == ("custody event 1", True)
    assert any(line.subject == "custody tail" for line in bad)


def test_the_anchor_itself_is_checked(sealed: Path, key: LedgerKey) -> None:
    anchor = sealed / "custody.head"
    text = anchor.read_text()
    assert "\n6\n" in text
    changed = (text.replace("\n6\n", "\n5\n"), text.replace("— ", "— A"), text + "more\n", text[:-9])
    for broken in (*changed, "", "nonsense"):
        anchor.write_text(broken)
        assert only(sealed).subject == "custody head"
        with pytest.raises(CaseDamaged):
            CaseStore.open(sealed, key=key)
    anchor.unlink()
    assert "missing" in only(sealed).detail


def test_a_cut_tail_with_a_forged_anchor_is_named(sealed: Path, key: LedgerKey, tmp_path: Path) -> None:
    """Whoever cuts the chain and writes a fitting anchor has to sign it with some key, and has not the right one."""
    tamper(sealed, run("DELETE FROM custody WHERE seq > 3"))
    raw = connect(sealed / "case.sqlite", "ro", immutable=True)
    head = CustodyHead(3, raw.execute("SELECT hash FROM custody WHERE seq = 3").fetchone()[0])
    raw.close()
    case = read_anchor(sealed / "custody.head").case
    write_anchor(sealed / "custody.head", case, head, LedgerKey.load_or_create(tmp_path / "foreign"))
    line = next(line for line in verify_case(sealed).bad if line.subject == "custody head")
    assert "foreign key" in line.detail
    with pytest.raises(CaseDamaged):
        CaseStore.open(sealed, key=key)


def test_an_anchor_that_lags_behind_is_no_tampering(store: CaseStore, key: LedgerKey, tmp_path: Path) -> None:
    """Killed after the commit and before the anchor was renewed: told, not held against anyone, and mended."""
    older = (store.folder / "custody.head").read_bytes()
    store.record(CustodyKind.EXPORTED, {})
    copy = tmp_path / "copy"
    shutil.copytree(store.folder, copy)
    (copy / "custody.head").write_bytes(older)
    outcome = verify_case(copy)
    assert outcome.ok, outcome.bad
    assert any("1 newer since" in line.detail for line in outcome.lines)
    with CaseStore.open(copy, key=key) as again:
        assert json.loads(again.custody()[-1].body)["anchor_behind"] == 1
        assert read_anchor(copy / "custody.head").head == again.custody_head()


@pytest.mark.parametrize(
    ("statement", "subject"),
    [
        ("UPDATE results SET score = 0.9 WHERE rowid IS NULL OR detector = 'clip_ln'", "examination 1"),
        ("UPDATE faces SET x0 = 5", "examination 1"),
        ("DELETE FROM results WHERE detector = 'fakelocator'", "examination 1"),
        ("UPDATE examinations SET plan = replace(plan, '32', '64')", "examination 1"),
        ("UPDATE case_facts SET title = 'Other'", "case facts"),
        ("UPDATE evidence SET name = 'other.mp4'", "exhibit EX-01"),
        ("UPDATE reports SET signer = 'B'", "report 1"),
        ("DELETE FROM reports", "report 1"),
    ],
)
def test_changed_records_are_named(sealed: Path, statement: str, subject: str) -> None:
    tamper(sealed, run(statement.replace("rowid IS NULL OR ", "")))
    assert subject in {line.subject for line in verify_case(sealed).bad}


def test_an_exhibit_swapped_with_its_row_is_named(sealed: Path) -> None:
    """Other bytes, other digest, row changed to fit: the chain still knows the first digest."""
    other = sealed / "evidence" / "00" / ("0" * 64)
    other.parent.mkdir(exist_ok=True)
    other.write_bytes(b"other")
    digest, size = hash_file(other)
    change = "UPDATE evidence SET sha256 = ?, size = ?, stored_path = ?"
    tamper(sealed, run(change, digest, size, f"evidence/00/{'0' * 64}"))
    line, folder = verify_case(sealed).bad
    assert (line.subject, "sha256" in line.detail) == ("exhibit EX-01", True)
    assert folder.subject == "case folder", "the bytes that were taken in still lie there, and no record names them"


def test_missing_and_altered_files_are_named(sealed: Path) -> None:
    original = next(sealed.glob("evidence/*/*"))
    stored = next(sealed.glob("maps/*/*.npy.z"))
    flip(stored, 60)
    flip(sealed / "reports" / "report-01.pdf", 100)
    original.unlink()
    bad = {line.subject: line.detail for line in verify_case(sealed).bad}
    assert bad["exhibit EX-01"].startswith("MISSING")
    assert bad["report 1"].startswith("MISMATCH")
    assert "EX-01 frame 0 T1" in bad[f"map {stored.name[:12]}"]
    stored.unlink()
    assert "MISSING (EX-01 frame 0 T1)" in {line.detail for line in verify_case(sealed).bad}


def test_missing_and_weakened_triggers_are_named(sealed: Path) -> None:
    raw = connect(sealed / "case.sqlite")
    raw.execute("DROP TRIGGER custody_no_delete")
    raw.execute("DROP TRIGGER custody_no_update")
    raw.execute("CREATE TRIGGER custody_no_update BEFORE UPDATE ON custody BEGIN SELECT 1; END")
    raw.close()
    assert only(sealed).detail == "missing: custody_no_delete; changed: custody_no_update"


def test_a_broken_database_gives_lines_and_no_traceback(sealed: Path) -> None:
    """Every page of the file overwritten in turn: verification always answers, and never says that all is well."""
    database = sealed / "case.sqlite"
    whole = database.read_bytes()
    for page in range(len(whole) // 4096):
        database.write_bytes(whole[: page * 4096] + b"\xa5" * 4096 + whole[(page + 1) * 4096 :])
        assert not verify_case(sealed).ok, page
    database.write_bytes(whole[:5000])
    assert not verify_case(sealed).ok
    database.write_bytes(b"")
    assert only(sealed).subject == "database"
    database.unlink()
    with pytest.raises(CaseNotFound):
        verify_case(sealed)


def test_the_program_itself_cannot_undo_its_records(store: CaseStore) -> None:
    """The attacks of a program with the writer's own connection: triggers and authorizer refuse each of them."""
    for number in range(3):
        store.record(CustodyKind.EXPORTED, {"number": number})
    events = store.custody()
    attacks = (
        "UPDATE custody SET actor = 'x'",
        "DELETE FROM custody",
        "DELETE FROM custody WHERE seq = 4",
        "INSERT OR REPLACE INTO custody SELECT * FROM custody WHERE seq = 2",
        "REPLACE INTO custody SELECT 5, at, actor, kind, body, prev, hash, signature FROM custody WHERE seq = 4",
        "INSERT INTO custody SELECT 9, at, actor, kind, body, hash, zeroblob(32), signature FROM custody WHERE seq = 4",
        "INSERT INTO custody SELECT 5, at, actor, kind, body, prev, zeroblob(32), signature FROM custody WHERE seq = 4",
        "DROP TRIGGER custody_no_delete",
        "DROP TABLE custody",
        "ALTER TABLE custody RENAME TO other",
        "ATTACH ':memory:' AS other",
        "PRAGMA writable_schema=ON",
        "UPDATE case_facts SET title = 'x'",
    )
    for attack in attacks:
        with pytest.raises(CaseError, match=r"authorized|prohibited|custody|never"):
            store._open.database.write(lambda connection, sql=attack: connection.exec_driver_sql(sql))
    assert store.custody() == events


@pytest.mark.parametrize("recursive", ["ON", "OFF"])
def test_replace_from_outside_meets_the_triggers(sealed: Path, recursive: str) -> None:
    raw = connect(sealed / "case.sqlite")
    raw.execute(f"PRAGMA recursive_triggers={recursive}")
    with pytest.raises(dbapi2.Error, match="custody"):
        raw.execute("REPLACE INTO custody SELECT seq, at, 'x', kind, body, prev, hash, signature FROM custody LIMIT 1")
    raw.close()


def test_a_second_installation_is_told_apart_and_verifies(sealed: Path, tmp_path: Path) -> None:
    other = LedgerKey.load_or_create(tmp_path / "other")
    with CaseStore.open(sealed, key=other, examiner="B. Reviewer") as again:
        assert again.public_key == other.public_key
        assert again.custody()[-1].actor == "B. Reviewer"
    outcome = verify_case(sealed)
    assert outcome.ok, outcome.bad
    detail = next(line.detail for line in outcome.lines if line.subject == "custody chain")
    assert f"{other.fingerprint} from event 7" in detail
