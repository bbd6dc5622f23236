"""What a program leaves that was killed while it made a case can be used again; everything else stays untouched."""

from __future__ import annotations

from pathlib import Path

import pytest

from workstation.domain.errors import CaseExists
from workstation.storage.case_lock import CaseLock
from workstation.storage.case_store import CaseStore
from workstation.storage.engine import connect
from workstation.storage.half_made import clear_half_made
from workstation.storage.keys import LedgerKey


def beginnings(folder: Path) -> Path:
    """As after a kill between the schema and its commit."""
    for name in ("evidence", "derived", "maps", "reports"):
        (folder / name).mkdir(parents=True)
    (folder / "case.lock").write_text("process 1 on nowhere")
    (folder / ".custody.head.0123456789ab.part").write_bytes(b"half")
    database = connect(folder / "case.sqlite", "rwc")
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("BEGIN IMMEDIATE")
    database.execute("CREATE TABLE custody (seq INTEGER)")
    database.execute("ROLLBACK")
    database.close()
    return folder


def make(folder: Path, key: LedgerKey) -> None:
    CaseStore.create(folder, number="1", title="", examiner="A", question="", key=key).close()


def test_beginnings_are_used_again(tmp_path: Path, key: LedgerKey) -> None:
    folder = beginnings(tmp_path / "case")
    make(folder, key)
    with CaseStore.open(folder, key=None, read_only=True) as case:
        assert case.custody_head().count == 2
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize("foreign", ["letter.txt", "evidence/ab", "maps/x"])
def test_a_foreign_file_keeps_everything_there(tmp_path: Path, key: LedgerKey, foreign: str) -> None:
    folder = beginnings(tmp_path / "case")
    (folder / foreign).write_bytes(b"mine")
    before = sorted(path.name for path in folder.rglob("*"))
    with pytest.raises(CaseExists):
        make(folder, key)
    assert sorted(path.name for path in folder.rglob("*")) == before


def test_a_committed_case_is_never_cleared(tmp_path: Path, key: LedgerKey) -> None:
    """Also where all that was committed lies in the WAL alone, and where the database of an older case was emptied."""
    case = CaseStore.create(tmp_path / "case", number="1", title="", examiner="A", question="", key=key)
    copy = tmp_path / "copy"
    copy.mkdir()
    for path in (tmp_path / "case").glob("c*"):
        (copy / path.name).write_bytes(path.read_bytes())
    case.close()
    for folder in (tmp_path / "case", copy):
        clear_half_made(folder)
        with CaseStore.open(folder, key=None, read_only=True) as again:
            assert again.case.number == "1"
    (tmp_path / "case" / "case.sqlite").write_bytes(b"")
    with pytest.raises(CaseExists):
        make(tmp_path / "case", key)
    assert (tmp_path / "case" / "custody.head").exists()


def test_a_program_at_work_is_left_alone(tmp_path: Path, key: LedgerKey) -> None:
    folder = beginnings(tmp_path / "case")
    lock = CaseLock.take(folder / "case.lock")
    with pytest.raises(CaseExists):
        make(folder, key)
    lock.release()
    make(folder, key)
