"""A case of every released format, made by that format's own code: it can be read, brought up to date and proved (U5).

The cases lie in ``tests/golden/cases``; ``tests/golden/make_case.py`` says how they were made.
"""

from __future__ import annotations

import hashlib
import json
import signal
import sqlite3
import subprocess
import sys
import tarfile
import textwrap
from dataclasses import replace
from pathlib import Path

import pytest

from workstation.domain.custody import CustodyKind
from workstation.domain.edits import Change, ObjectKind
from workstation.domain.errors import CaseDamaged, CaseLocked, NotFound
from workstation.domain.examinations import DetectorUse, ExaminationState
from workstation.domain.ids import DerivedId, IntakeId, ObjectId, new_id
from workstation.domain.results import ItemStatus, TrackReading
from workstation.storage import case_format, key_slots, migrate
from workstation.storage.case_store import CaseStore
from workstation.storage.engine import connect
from workstation.storage.keys import LedgerKey
from workstation.storage.triggers import BY_FORMAT
from workstation.storage.vault import hash_file
from workstation.storage.verification import verify_case

CASES = Path(__file__).parents[2] / "golden" / "cases"
NAMES = {number: f"format-{case_format.name_format(number)}" for number in BY_FORMAT}
ENCRYPTED_SINCE = 1001
PASSPHRASE = "gold that glitters"
OLDER = [number for number in BY_FORMAT if number < case_format.FORMAT]


def unpack(number: int, target: Path, more: str = "") -> Path:
    name = NAMES[number] + more
    with tarfile.open(CASES / f"{name}.tar.xz") as tar:
        tar.extractall(target)
    return target / name


@pytest.fixture(params=sorted(BY_FORMAT), ids=lambda number: NAMES[number])
def golden(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[int, Path]:
    return request.param, unpack(request.param, tmp_path)


def on_disk(folder: Path) -> dict[str, tuple[int, int, str]]:
    """Every file and folder with its mode, time of change and bytes."""
    found = {}
    for path in (folder, *sorted(folder.rglob("*"))):
        stat = path.stat()
        digest = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        found[path.relative_to(folder).as_posix()] = (stat.st_mode, stat.st_mtime_ns, digest)
    return found


def table_rows(database: Path) -> dict[str, list[str]]:
    """Every row of every table, read by the standard library's SQLite."""
    return every_row(sqlite3.connect(f"file:{database}?mode=ro&immutable=1", uri=True))


def every_row(raw: sqlite3.Connection) -> dict[str, list[str]]:
    names = [name for (name,) in raw.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    rows = {name: sorted(repr(row) for row in raw.execute(f"SELECT * FROM {name}")) for name in names}
    raw.close()
    return rows


def stated(number: int, more: str = "") -> dict[str, dict[str, object]]:
    text = (CASES / f"{NAMES[number]}{more}.json").read_text(encoding="utf-8")
    made: dict[str, dict[str, object]] = json.loads(text)
    return made


def as_stated(rows: dict[str, list[str]]) -> dict[str, dict[str, object]]:
    return {
        name: {"rows": len(found), "sha256": hashlib.sha256("\n".join(found).encode()).hexdigest()}
        for name, found in rows.items()
    }


def everything(store: CaseStore) -> list[object]:
    """All that the engine can read of a case, but for its chain of custody."""
    found: list[object] = [store.case, store.evidence(), store.examinations(), store.reports()]
    for item in store.evidence():
        found += [store.frame_index(item.id), store.thumbnail(item.id)]
        found += [store.descriptions.streams(item.id), store.descriptions.metadata(item.id)]
        for run in store.examinations():
            if item.id in run.plan.evidence:
                rows = store.frame_rows(run.id, item.id)
                found += [rows, store.summaries(run.id, item.id), store.coverage(run.id, item.id, 12)]
                found += [store.readings.of(run.id, item.id), store.readings.stored(run.id, item.id)]
                results = [result for row in rows for face in row.faces for result in face.results]
                found += [store.arrays.get(r.map_digest).tolist() for r in results if r.map_digest]
    found += [store.derived.every(), store.intake.batches(), store.edits.journal(), store.edits.objects()]
    return [*found, store.edits.state()]


def test_every_format_has_its_golden_case() -> None:
    """Raise the format number and this fails until a golden case of it is there."""
    assert max(BY_FORMAT) == case_format.FORMAT
    there = {path.name for path in CASES.iterdir()}
    wanted = {*NAMES.values(), *(f"{NAMES[number]}-encrypted" for number in BY_FORMAT if number >= ENCRYPTED_SINCE)}
    assert there == {f"{name}{end}" for name in wanted for end in (".tar.xz", ".json")}
    steps = sorted(path.name for path in (migrate.SCRIPTS / "versions").glob("v*.py"))
    assert len(steps) == len(BY_FORMAT)


def test_a_golden_case_is_what_its_own_code_left(golden: tuple[int, Path]) -> None:
    """The rows are those its maker counted, and the triggers' texts of a released format never change."""
    number, folder = golden
    assert case_format.read_header(folder / "case.sqlite") == (case_format.APPLICATION_ID, number)
    assert as_stated(table_rows(folder / "case.sqlite")) == stated(number)
    raw = sqlite3.connect(f"file:{folder / 'case.sqlite'}?mode=ro&immutable=1", uri=True)
    found = dict(raw.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'"))
    raw.close()
    assert found == dict(BY_FORMAT[number])


def test_reading_a_golden_case_changes_nothing(golden: tuple[int, Path]) -> None:
    """Not one byte, mode or time of change in the folder; the facets of a format that lacks them answer empty."""
    number, folder = golden
    before = on_disk(folder)
    outcome = verify_case(folder)
    assert outcome.ok, outcome.bad
    with CaseStore.open(folder, key=None, read_only=True) as store:
        assert len(store.evidence()) >= 3
        assert len(everything(store)) > 10
        assert store.custody()[-1].kind is CustodyKind.CASE_CLOSED
        if number < 1002:
            run = store.examinations()[0]
            assert store.readings.of(run.id, run.plan.evidence[0]) == ()
            assert store.readings.stored(run.id, run.plan.evidence[0]) == frozenset()
        if number < 1001:
            assert store.descriptions.streams(store.evidence()[0].id) is None
            assert store.descriptions.metadata(store.evidence()[0].id) is None
            assert (store.derived.every(), store.derived.next_number()) == ((), "DI-01")
            assert (store.intake.batches(), store.intake.unfinished()) == ((), None)
            assert (store.edits.journal(), store.edits.objects()) == ((), ())
            for ask in (
                lambda: store.derived.one(DerivedId("x")),
                lambda: store.intake.items(IntakeId("x")),
                lambda: store.intake.waiting(IntakeId("x")),
            ):
                with pytest.raises(NotFound):
                    ask()
    assert on_disk(folder) == before


@pytest.mark.parametrize("number", OLDER, ids=lambda number: NAMES[number])
def test_an_older_case_is_brought_up_without_losing_a_row(number: int, tmp_path: Path, key: LedgerKey) -> None:
    """Backup, additions only, an event that says so; every row as before; verified before and after."""
    folder = unpack(number, tmp_path)
    old_rows = table_rows(folder / "case.sqlite")
    with CaseStore.open(folder, key=None, read_only=True) as reader:
        old, old_chain = everything(reader), reader.custody()
    with CaseStore.open(folder, key=key) as store:
        chain = store.custody()
        assert everything(store) == old
        assert chain[: len(old_chain)] == old_chain
        new = [event.kind for event in chain[len(old_chain) :]]
        assert new[:2] == [CustodyKind.CASE_OPENED, CustodyKind.MIGRATED]
        assert set(new[2:]) == ({CustodyKind.EVIDENCE_DESCRIBED} if number < 1001 else set())
        body = json.loads(chain[len(old_chain) + 1].body)
        assert (body["from_format"], body["format"]) == (number, case_format.FORMAT)
        backup = folder / body["backup"]
    assert table_rows(backup) == old_rows, "the backup is the case as it was"
    assert case_format.read_header(backup)[1] == number
    assert case_format.read_header(folder / "case.sqlite")[1] == case_format.FORMAT
    rows = table_rows(folder / "case.sqlite")
    for table, before in old_rows.items():
        if table not in ("custody", "alembic_version"):
            assert rows[table] == before, table
    outcome = verify_case(folder)
    assert outcome.ok, outcome.bad
    with CaseStore.open(folder, key=key) as again:
        assert [e.kind for e in again.custody()].count(CustodyKind.MIGRATED) == 1, "once"
        note = {"about": again.case.id, "text": "seen"}
        again.edits.do("Note", [Change(ObjectId(new_id()), ObjectKind.NOTE, None, note)])
    assert verify_case(folder).ok


@pytest.mark.parametrize("number", [number for number in BY_FORMAT if number < 1002], ids=lambda number: NAMES[number])
def test_an_older_plan_reads_with_defaults_and_its_text_stays(number: int, tmp_path: Path, key: LedgerKey) -> None:
    """An older examination that goes on: the chain speaks of the text as stored, not of one written anew."""
    folder = unpack(number, tmp_path)
    texts = plan_texts(folder)
    assert all('"crop_size":256' in text and '"settings":' not in text for text in texts)
    with CaseStore.open(folder, key=key) as store:
        done, stopped = store.examinations()
        for use in (*done.plan.detectors, *stopped.plan.detectors):
            assert use == DetectorUse(use.id, use.version, use.card_sha256, use.weights_sha256)
        assert stopped.state is ExaminationState.CANCELLED
        again = store.reopen_examination(stopped.id)
        item = store.evidence()[0]
        rows = store.frame_rows(done.id, item.id)
        store.append_rows([replace(row, examination=again.id) for row in rows])
        face = next(face for row in rows for face in row.faces)
        said = TrackReading(again.id, item.id, face.track, face.track_number, "late", ItemStatus.OK, (0,), 0.5)
        store.readings.append([said])
        store.end_examination(again.id, ExaminationState.DONE)
        assert store.readings.of(again.id, item.id) == (said,)
    assert plan_texts(folder) == texts
    outcome = verify_case(folder)
    assert outcome.ok, outcome.bad


@pytest.mark.parametrize("number", [number for number in BY_FORMAT if number < 1002], ids=lambda number: NAMES[number])
def test_a_reading_slipped_into_an_older_examination_is_named(number: int, tmp_path: Path, key: LedgerKey) -> None:
    """Its end was recorded before there was such a table, so it may have no row in it."""
    folder = unpack(number, tmp_path)
    CaseStore.open(folder, key=key).close()
    raw = connect(folder / "case.sqlite")
    track = "SELECT 1, examination, evidence, key, 'late', 'ok', 0.5, NULL, NULL, '[]', '[]', '' FROM tracks LIMIT 1"
    raw.execute(f"INSERT INTO track_readings {track}")
    raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    raw.close()
    named = {line.subject: line.detail for line in verify_case(folder).bad}
    assert named.keys() == {"examination 1"}
    assert "rows of track_readings" in named["examination 1"]


def plan_texts(folder: Path) -> list[str]:
    raw = sqlite3.connect(f"file:{folder / 'case.sqlite'}?mode=ro&immutable=1", uri=True)
    found = [text for (text,) in raw.execute("SELECT plan FROM examinations ORDER BY number")]
    raw.close()
    return found


@pytest.mark.parametrize("number", [number for number in OLDER if number >= ENCRYPTED_SINCE])
def test_an_older_encrypted_case_is_brought_up_with_an_encrypted_backup(
    number: int, tmp_path: Path, key: LedgerKey
) -> None:
    folder = unpack(number, tmp_path, "-encrypted")
    with CaseStore.open(folder, key=key, passphrase=PASSPHRASE) as store:
        assert [event.kind for event in store.custody()][-1] is CustodyKind.MIGRATED
    (backup,) = (folder / "backups").iterdir()
    assert not backup.read_bytes().startswith(b"SQLite format 3")
    seal = key_slots.unlock(folder / "case.key", PASSPHRASE)
    assert seal is not None
    raw = connect(backup, "ro", immutable=True, key=seal.database_key)
    assert as_stated(every_row(raw)) == stated(number, "-encrypted")
    outcome = verify_case(folder, passphrase=PASSPHRASE)
    assert outcome.ok, outcome.bad


def test_the_newest_golden_cases_hold_readings_of_whole_tracks(tmp_path: Path) -> None:
    """With and without a value, measures, a refusal; and one in the encrypted case."""
    folder = unpack(case_format.FORMAT, tmp_path)
    with CaseStore.open(folder, key=None, read_only=True) as store:
        item, run = store.evidence()[0], store.examinations()[1]
        scored, refused = store.readings.of(run.id, item.id)
        assert (scored.value, scored.measures[0].value, scored.measures[1].exploratory) == (1 / 3, 0.1 + 0.2, True)
        assert refused.abstention is not None
        assert dict(run.plan.detectors[-1].settings) == {"gallery": "{}", "merge": "8", "schedule": "even"}
        kinds = {thing.kind for thing in store.edits.objects()}
        assert {ObjectKind.PERSON, ObjectKind.REFERENCE, ObjectKind.CLAIM} <= kinds
    locked = unpack(case_format.FORMAT, tmp_path, "-encrypted")
    with CaseStore.open(locked, key=None, read_only=True, passphrase=PASSPHRASE) as store:
        (held,) = store.readings.of(store.examinations()[0].id, store.evidence()[0].id)
        assert held.value == 0.25


@pytest.mark.parametrize(
    ("place", "when", "brought_up"),
    [
        ("migrate.upgrade", "before", False),
        ("restate.migrated", "before", False),
        ("restate.migrated", "after", False),
        ("opening._load", "before", True),
    ],
)
def test_a_program_killed_while_bringing_a_case_up(
    tmp_path: Path, key: LedgerKey, place: str, when: str, brought_up: bool
) -> None:
    """kill -9 after the backup, after the tables, after the events, after the commit: the case is of the one format or
    of the other, verifies as it stands, and opens."""
    folder = unpack(min(OLDER), tmp_path)
    old_rows = table_rows(folder / "case.sqlite")
    code = f"""
    import os, signal, sys
    from pathlib import Path
    from workstation.storage import migrate, opening, restate
    from workstation.storage.case_store import CaseStore
    from workstation.storage.keys import LedgerKey
    real = {place}
    def killed(*arguments, **options):
        if "{when}" == "after":
            real(*arguments, **options)
        os.kill(os.getpid(), signal.SIGKILL)
    {place} = killed
    CaseStore.open(Path(sys.argv[1]), key=LedgerKey.load_or_create(Path(sys.argv[2])))
    """
    command = [sys.executable, "-c", textwrap.dedent(code), str(folder), str(tmp_path / "keys")]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    assert verify_case(folder).ok, verify_case(folder).bad
    with CaseStore.open(folder, key=None, read_only=True) as reader:
        kinds = [event.kind for event in reader.custody()]
        assert (CustodyKind.MIGRATED in kinds) is brought_up
        assert len(reader.evidence()) == 3
    with CaseStore.open(folder, key=key) as again:
        assert [event.kind for event in again.custody()].count(CustodyKind.MIGRATED) == 1
    rows = table_rows(folder / "case.sqlite")
    assert all(rows[name] == old_rows[name] for name in old_rows if name not in ("custody", "alembic_version"))
    assert verify_case(folder).ok, verify_case(folder).bad


@pytest.mark.parametrize("number", OLDER, ids=lambda number: NAMES[number])
def test_a_cut_case_is_not_brought_up(number: int, tmp_path: Path, key: LedgerKey) -> None:
    """A chain that lost its tail is refused before anything changes; a new event would hide the cut."""
    folder = unpack(number, tmp_path)
    raw = sqlite3.connect(folder / "case.sqlite")
    raw.execute("DROP TRIGGER custody_no_delete")
    raw.execute("DELETE FROM custody WHERE seq = (SELECT max(seq) FROM custody)")
    raw.commit()
    raw.close()
    before = table_rows(folder / "case.sqlite")
    with pytest.raises(CaseDamaged):
        CaseStore.open(folder, key=key)
    assert case_format.read_header(folder / "case.sqlite")[1] == number
    assert table_rows(folder / "case.sqlite") == before


@pytest.mark.parametrize("number", [number for number in BY_FORMAT if number >= ENCRYPTED_SINCE])
def test_an_encrypted_golden_case_opens_with_its_passphrase(number: int, tmp_path: Path, key: LedgerKey) -> None:
    """Whatever is done to key file, database and sealed files later: what people encrypted then, they can open."""
    folder = unpack(number, tmp_path, "-encrypted")
    before = on_disk(folder)
    seal = key_slots.unlock(folder / "case.key", PASSPHRASE)
    assert seal is not None
    raw = connect(folder / "case.sqlite", "ro", immutable=True, key=seal.database_key)
    assert as_stated(every_row(raw)) == stated(number, "-encrypted")
    outcome = verify_case(folder, passphrase=PASSPHRASE)
    assert outcome.ok, outcome.bad
    with CaseStore.open(folder, key=None, read_only=True, passphrase=PASSPHRASE) as reader:
        (item,) = reader.evidence()
        assert [thing.body["text"] for thing in reader.edits.objects()] == ["in secret"]
        (digest,) = [path.name.split(".")[0] for path in (folder / "maps").glob("*/*")]
        assert reader.arrays.get(digest).shape == (64, 64)
        assert hash_file(reader.vault.open_location(item.stored_path)) == (item.sha256, item.size)
    assert on_disk(folder) == before
    for wrong in (None, "gold that glitter"):
        with pytest.raises(CaseLocked):
            CaseStore.open(folder, key=None, read_only=True, passphrase=wrong)
    with CaseStore.open(folder, key=key, passphrase=PASSPHRASE) as store:
        store.edits.undo()
        assert store.edits.objects() == ()
    assert verify_case(folder, passphrase=PASSPHRASE).ok
