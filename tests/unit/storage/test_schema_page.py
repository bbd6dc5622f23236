"""The page that says how to read a case with ``sqlite3`` alone: its lists, its program and its queries hold (U5)."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest

from workstation.domain.edits import ObjectKind
from workstation.domain.results import ItemStatus
from workstation.storage import case_format, case_store
from workstation.storage.case_store import CaseStore
from workstation.storage.tables import Base

PAGE = Path(case_store.__file__).with_name("SCHEMA.md").read_text(encoding="utf-8")
GOLDEN = Path(__file__).parents[2] / "golden" / "cases" / f"format-{case_format.name_format(case_format.FORMAT)}.tar.xz"
QUERIES = dict(re.findall(r"\n\n([^\n]+):\n\n```sql\n(.*?)```", PAGE, re.DOTALL))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The golden case of the newest format."""
    with tarfile.open(GOLDEN) as tar:
        tar.extractall(tmp_path)
    return tmp_path / GOLDEN.name.removesuffix(".tar.xz")


def ask(folder: Path, title: str) -> list[dict[str, Any]]:
    """Answers of one of the page's queries, by the ``sqlite3`` program; where there is none, by Python's own."""
    program, place = shutil.which("sqlite3"), f"file:{folder / 'case.sqlite'}?mode=ro&immutable=1"
    if program is None:
        raw = sqlite3.connect(place, uri=True)
        raw.row_factory = sqlite3.Row
        rows = [dict(row) for row in raw.execute(QUERIES[title])]
        raw.close()
        return rows
    done = subprocess.run([program, "-json", place, QUERIES[title]], capture_output=True, text=True, check=True)
    answers: list[dict[str, Any]] = json.loads(done.stdout or "[]")
    return answers


def test_the_page_names_every_column_of_every_table() -> None:
    listed = dict(re.findall(r"^\| `(\w+)` \| ([\w, ]+) \|", PAGE, re.MULTILINE))
    made = {name: ", ".join(column.name for column in table.columns) for name, table in Base.metadata.tables.items()}
    assert listed == made
    assert str(case_format.APPLICATION_ID) in PAGE
    assert f"{case_format.FORMAT} is format {case_format.name_format(case_format.FORMAT)}" in PAGE


def test_the_program_of_the_page_follows_the_chain(folder: Path) -> None:
    """The standard library alone reaches the head that the program reads, and stops at an event that was altered."""
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    command = [sys.executable, "-I", "-c", code, str(folder / "case.sqlite")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    with CaseStore.open(folder, key=None, read_only=True) as store:
        head = store.custody_head()
    assert done.stdout.split() == [str(head.count), head.hash.hex()]
    data = (folder / "case.sqlite").read_bytes()
    assert data.count(b"from the phone") >= 1
    (folder / "case.sqlite").write_bytes(data.replace(b'"note":"from the phone"', b'"note":"from the PHONE"'))
    broken = subprocess.run(command, capture_output=True, text=True, check=False)
    assert broken.returncode == 1
    assert re.fullmatch(r"event \d+ does not hold\n", broken.stderr)


def test_every_query_is_tested() -> None:
    assert len(QUERIES) == PAGE.count("```sql") == 9


def test_exhibits(folder: Path) -> None:
    found = ask(folder, "Exhibits, with the state of work that is in force")
    with CaseStore.open(folder, key=None, read_only=True) as store:
        wanted = [(i.exhibit, i.name, i.size, i.sha256, i.integrity, i.work) for i in store.evidence()]
    assert [tuple(row.values()) for row in found] == wanted
    assert len({row["work"] for row in found}) > 1


def test_custody(folder: Path) -> None:
    found = ask(folder, "Who did what, when, and to which exhibit")
    with CaseStore.open(folder, key=None, read_only=True) as store:
        wanted = [(e.seq, e.at, e.actor, e.kind) for e in store.custody()]
    assert [(row["seq"], row["at"], row["actor"], row["kind"]) for row in found] == wanted
    assert {"EX-01", "EX-02", "Note on the case"} <= {row["about"] for row in found}


def test_scores(folder: Path) -> None:
    title = "Scores of every track under every detector, with how many frames were scored and how many were not"
    found = ask(folder, title)
    wanted = []
    with CaseStore.open(folder, key=None, read_only=True) as store:
        run = store.examinations()[0]
        for item in store.evidence():
            if item.id in run.plan.evidence:
                for s in store.summaries(run.id, item.id):
                    refused = s.frames_abstained + s.frames_error
                    wanted.append((item.exhibit, f"T{s.track_number}", s.detector, s.frames_scored, refused, s.mean))
    assert [tuple(row.values())[:5] for row in found] == [row[:5] for row in wanted]
    assert [row["mean_uncalibrated"] for row in found] == pytest.approx([row[5] for row in wanted], abs=1e-6)
    assert found


def test_frames(folder: Path) -> None:
    found = ask(folder, "Frame by frame, with the time on screen")
    wanted: list[tuple[object, ...]] = []
    with CaseStore.open(folder, key=None, read_only=True) as store:
        run = store.examinations()[0]
        for item in store.evidence():
            if item.id not in run.plan.evidence:
                continue
            for row in store.frame_rows(run.id, item.id):
                head = (item.exhibit, row.frame.ordinal, round(row.frame.seconds, 6))
                scores = [
                    (*head, face.track_number, r.status, r.score, r.map_digest)
                    for face in row.faces
                    for r in face.results
                ]
                wanted += scores or [(*head, None, None, None, None)]
    assert [tuple(row.values()) for row in found] == wanted
    assert {row["status"] for row in found} == {ItemStatus.OK, None}


def test_track_readings(folder: Path) -> None:
    found = ask(folder, "What detectors said about tracks as a whole, with how many frames each was given")
    measured = ask(folder, "Measures beside those values")
    wanted, measures = [], []
    with CaseStore.open(folder, key=None, read_only=True) as store:
        for item in store.evidence():
            for run in store.examinations():
                for r in store.readings.of(run.id, item.id) if item.id in run.plan.evidence else ():
                    head = (item.exhibit, f"T{r.track_number}", r.detector)
                    value = None if r.value is None else round(r.value, 6)
                    words = r.note if r.abstention is None else r.abstention.reason.value
                    wanted.append((*head, r.status, value, len(r.frames), words))
                    measures += [(*head, m.label, m.value, m.low, m.high, m.about, m.exploratory) for m in r.measures]
    assert [tuple(row.values()) for row in found] == wanted
    assert {row[3] for row in wanted} == {ItemStatus.OK, ItemStatus.ABSTAINED}
    assert [tuple(row.values()) for row in measured] == measures
    assert len(measures) == 2


def test_objects_and_journal(folder: Path) -> None:
    objects = ask(folder, "What the examiner wrote, as it stands")
    journal = ask(folder, "The journal, with what each undo and redo was about")
    with CaseStore.open(folder, key=None, read_only=True) as store:
        assert [row["kind"] for row in objects] == [thing.kind for thing in store.edits.objects()]
        wanted = [(e.seq, e.action, e.label, e.target, len(e.changes)) for e in store.edits.journal()]
        (person,) = [str(thing.id) for thing in store.edits.objects() if thing.kind is ObjectKind.PERSON]
    words = {"Märk", "begun", "mark/red", "The astronaut", "turned", "Märta", person}
    assert words == {row["words"] for row in objects} - {"reported"}
    assert [tuple(row.values()) for row in journal] == wanted
    assert {row["action"] for row in journal} == {"do", "undo", "redo"}


def test_derived(folder: Path) -> None:
    found = ask(folder, "Derived files, each with what it was made from")
    assert [(r["number"], r["operation"], r["made_from"], r["parent_agrees"]) for r in found] == [
        ("DI-01", "framehash", "EX-01", 1)
    ]
