"""The examiner's edits: undo and redo as a list with a pointer would do them, over closing and kill -9 (U27, U37)."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
import textwrap
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import storage_samples as samples
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from workstation.domain.case import WorkState
from workstation.domain.custody import CustodyKind
from workstation.domain.edits import Change, Edit, EditAction, ObjectKind
from workstation.domain.errors import CaseReadOnly, InputError, NotFound
from workstation.domain.ids import ObjectId, new_id
from workstation.storage.case_store import CaseStore
from workstation.storage.described import sha256_of
from workstation.storage.engine import connect
from workstation.storage.keys import LedgerKey
from workstation.storage.repositories.edits import row_text
from workstation.storage.verification import verify_case

Body = Mapping[str, object]


def note(text: str, about: str = "EX") -> dict[str, object]:
    return {"about": about, "text": text}


def added(text: str, identifier: str | None = None) -> Change:
    return Change(ObjectId(identifier or new_id()), ObjectKind.NOTE, None, note(text))


def texts(store: CaseStore) -> list[object]:
    return sorted(str(found.body["text"]) for found in store.edits.objects(ObjectKind.NOTE))


def test_an_edit_is_kept_with_its_event(store: CaseStore) -> None:
    """Journal row, object and event say the same; the event's digest is over the row as stored."""
    change = added("first")
    edit = store.edits.do("  Note  ", [change])
    assert edit == Edit(1, edit.at, "A. Examiner", "Note", EditAction.DO, 0, (change,))
    assert store.edits.journal() == (edit,)
    assert store.edits.objects()[0].body == note("first")
    event = store.custody()[-1]
    assert event.kind is CustodyKind.EDITED
    body = json.loads(event.body)
    store.close()
    raw = connect(store.folder / "case.sqlite", "ro", immutable=True)
    cursor = raw.execute("SELECT * FROM edits")
    row = dict(zip([column[0] for column in cursor.description], cursor.fetchone(), strict=True))
    raw.close()
    stated = {name: body[name] for name in ("edit", "action", "label", "sha256")}
    assert stated == {"edit": 1, "action": "do", "label": "Note", "sha256": sha256_of(row_text(row))}


def test_undo_redo_and_a_new_edit_after_undo(store: CaseStore) -> None:
    """A new edit clears what could be redone; the journal keeps all of it."""
    one, two, three = added("one"), added("two"), added("three")
    for change in (one, two):
        store.edits.do(change.id, [change])
    assert store.edits.undo().target == 2
    state = store.edits.state()
    assert state.undo is not None
    assert state.redo is not None
    assert (state.undo.seq, state.redo.seq) == (1, 2)
    store.edits.do("three", [three])
    assert texts(store) == ["one", "three"]
    assert store.edits.state().redo is None
    with pytest.raises(InputError, match="nothing to redo"):
        store.edits.redo()
    assert [(e.action, e.target) for e in store.edits.journal()] == [("do", 0), ("do", 0), ("undo", 2), ("do", 0)]
    assert [e.kind for e in store.custody()].count(CustodyKind.EDITED) == 4
    store.edits.undo()
    store.edits.undo()
    with pytest.raises(InputError, match="nothing to undo"):
        store.edits.undo()
    assert store.edits.objects() == ()
    assert len(store.edits.journal()) == 6, "what was refused left nothing"


def test_several_changes_are_one_edit(store: CaseStore) -> None:
    """Retitling and removing belong together: they come and go together."""
    first, second = added("first"), added("second")
    store.edits.do("Two notes", [first, second])
    other = note("renamed")
    store.edits.do("Rename one, drop one", [
        Change(first.id, ObjectKind.NOTE, first.after, other),
        Change(second.id, ObjectKind.NOTE, second.after, None),
    ])  # fmt: skip
    assert texts(store) == ["renamed"]
    store.edits.undo()
    assert texts(store) == ["first", "second"]
    store.edits.redo()
    assert texts(store) == ["renamed"]


def test_before_must_be_what_stands(store: CaseStore) -> None:
    change = added("first")
    store.edits.do("Note", [change])
    wrong: list[Change] = [
        change,
        Change(change.id, ObjectKind.NOTE, note("other"), note("new")),
        Change(ObjectId("unknown"), ObjectKind.NOTE, note("other"), None),
        Change(change.id, ObjectKind.TAG, change.after, {"path": "a", "about": "b"}),
        Change(change.id, ObjectKind.NOTE, change.after, change.after),
    ]
    for attempt in wrong:
        with pytest.raises(InputError):
            store.edits.do("Again", [attempt])
    with pytest.raises(InputError):
        store.edits.do("Twice", [added("x", "same"), added("y", "same")])
    with pytest.raises(InputError):
        store.edits.do("Nothing", [])
    with pytest.raises(InputError):
        store.edits.do(" ", [added("x")])
    assert len(store.edits.journal()) == 1
    assert texts(store) == ["first"]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), b"bytes", {1, 2}, "\ud800"])
def test_what_is_no_plain_json_is_refused(store: CaseStore, value: object) -> None:
    with pytest.raises(InputError):
        store.edits.do("Note", [Change(ObjectId(new_id()), ObjectKind.NOTE, None, {"about": "x", "text": value})])
    assert store.edits.journal() == ()


def test_numbers_keep_their_kind(store: CaseStore) -> None:
    """1 and 1.0 are two things: an undo brings back exactly what was there."""
    identifier = ObjectId(new_id())
    one = {"about": "x", "text": "t", "at": 1}
    store.edits.do("Note", [Change(identifier, ObjectKind.NOTE, None, one)])
    store.edits.do("Note", [Change(identifier, ObjectKind.NOTE, one, one | {"at": 1.0})])
    assert repr(store.edits.objects()[0].body["at"]) == "1.0"
    with pytest.raises(InputError, match="changed meanwhile"):
        store.edits.do("Note", [Change(identifier, ObjectKind.NOTE, one, None)])
    store.edits.undo()
    assert repr(store.edits.objects()[0].body["at"]) == "1"


@pytest.mark.parametrize("kind", list(ObjectKind))
def test_every_kind_needs_its_members(store: CaseStore, kind: ObjectKind) -> None:
    with pytest.raises(InputError, match="needs"):
        store.edits.do("Edit", [Change(ObjectId(new_id()), kind, None, {})])


def test_the_examiners_state_of_work_goes_before_the_programs(store: CaseStore, tmp_path: Path, key: LedgerKey) -> None:
    item = samples.take_in(store, tmp_path / "a.mp4", b"first")
    body = {"evidence": item.id, "state": "reported"}
    store.edits.do("Reported", [Change(ObjectId(new_id()), ObjectKind.WORK_STATE, None, body)])
    store.set_work(item.id, WorkState.EXAMINED)
    found = (store.evidence()[0], store.evidence_item(item.id), store.find_by_digest(item.sha256))
    assert [each.work for each in found if each is not None] == [WorkState.REPORTED] * 3
    with pytest.raises(InputError, match="already"):
        store.edits.do("Again", [Change(ObjectId(new_id()), ObjectKind.WORK_STATE, None, body)])
    with pytest.raises(InputError, match="no state of work"):
        store.edits.do("Odd", [Change(ObjectId(new_id()), ObjectKind.WORK_STATE, None, body | {"state": "guilty"})])
    with pytest.raises(NotFound):
        store.edits.do("Odd", [Change(ObjectId(new_id()), ObjectKind.WORK_STATE, None, body | {"evidence": "x"})])
    store.edits.undo()
    assert store.evidence()[0].work is WorkState.EXAMINED, "what the program noted meanwhile was not lost"
    store.close()
    with CaseStore.open(store.folder, key=key) as again:
        again.edits.redo()
        assert again.evidence()[0].work is WorkState.REPORTED


def test_case_texts_are_edited_and_the_first_words_stay(store: CaseStore, key: LedgerKey) -> None:
    identifier = ObjectId(new_id())
    new = {"field": "title", "text": "Clip, second look"}
    store.edits.do("Title", [Change(identifier, ObjectKind.CASE_TEXT, None, new)])
    assert store.case.title == "Clip, second look"
    with pytest.raises(InputError, match="no text of a case"):
        store.edits.do("X", [Change(ObjectId(new_id()), ObjectKind.CASE_TEXT, None, {"field": "id", "text": "x"})])
    store.close()
    assert verify_case(store.folder).ok
    with CaseStore.open(store.folder, key=None, read_only=True) as reader:
        assert reader.case.title == "Clip, second look"
        with pytest.raises(CaseReadOnly):
            reader.edits.undo()
    with CaseStore.open(store.folder, key=key) as again:
        again.edits.undo()
        assert again.case.title == "Clip"


def test_undo_and_autosave_do_not_meet(store: CaseStore, tmp_path: Path) -> None:
    """Rows that the program commits between edits are no part of what undo takes back (U27)."""
    item = samples.take_in(store, tmp_path / "a.mp4", b"first")
    store.edits.do("Note", [added("before")])
    run = store.start_examination(samples.plan(item.id), samples.ENVIRONMENT)
    store.append_rows([samples.full_row(run.id, item.id, n) for n in range(3)])
    store.put_thumbnail(item.id, b"png")
    store.edits.undo()
    assert store.edits.objects() == ()
    assert store.examined_ordinals(run.id, item.id) == {0, 1, 2}
    store.append_rows([samples.full_row(run.id, item.id, 3)])
    store.edits.redo()
    assert texts(store) == ["before"]
    assert store.examined_ordinals(run.id, item.id) == {0, 1, 2, 3}
    assert store.thumbnail(item.id) == b"png"


@dataclass
class Model:
    """Undo as everybody knows it: a list of edits and how many of them stand."""

    done: list[tuple[int, tuple[Change, ...]]] = field(default_factory=list)
    standing: int = 0
    written: int = 0

    def do(self, changes: tuple[Change, ...]) -> None:
        self.written += 1
        del self.done[self.standing :]
        self.done.append((self.written, changes))
        self.standing += 1

    def step(self, by: int) -> int:
        """Undo (-1) or redo (1); returns the number of the edit it was about, 0 when there was none."""
        if not 0 <= self.standing + by <= len(self.done):
            return 0
        self.written += 1
        self.standing += by
        return self.done[self.standing - (by > 0)][0]

    def objects(self) -> dict[str, Body]:
        there: dict[str, Body] = {}
        for _, changes in self.done[: self.standing]:
            for change in changes:
                if change.after is None:
                    del there[change.id]
                else:
                    there[change.id] = change.after
        return there


BODIES = st.dictionaries(
    st.text(max_size=4), st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=4)), max_size=2
).map(lambda more: {**more, "about": "x", "text": "t"})


class UndoMachine(RuleBasedStateMachine):
    """The case beside the model, through any order of edits, undos, redos, closings and killed writers."""

    place: Path
    key: LedgerKey

    @initialize()
    def begin(self) -> None:
        folder = self.place / new_id()
        self.store = CaseStore.create(folder, number="1", title="", examiner="A", question="", key=self.key)
        self.model = Model()

    @rule(data=st.data(), size=st.integers(1, 3))
    def do(self, data: st.DataObject, size: int) -> None:
        there = self.model.objects()
        changes = []
        for identifier in data.draw(st.lists(st.sampled_from("abcd"), min_size=size, max_size=size, unique=True)):
            before = there.get(identifier)
            bodies = BODIES if before is None else st.one_of(st.none(), BODIES)
            after = data.draw(bodies.filter(lambda body, before=before: repr(body) != repr(before)))  # type: ignore[misc]
            if json.dumps(after, sort_keys=True) != json.dumps(before, sort_keys=True):
                changes.append(Change(ObjectId(identifier), ObjectKind.NOTE, before, after))
        if changes:
            self.store.edits.do("edit", changes)
            self.model.do(tuple(changes))

    @rule()
    def undo(self) -> None:
        self.step(-1, self.store.edits.undo)

    @rule()
    def redo(self) -> None:
        self.step(1, self.store.edits.redo)

    def step(self, by: int, act: Callable[[], Edit]) -> None:
        target = self.model.step(by)
        if target:
            assert act().target == target
        else:
            with pytest.raises(InputError):
                act()

    @rule(killed=st.booleans())
    @precondition(lambda self: hasattr(self, "store"))
    def reopen(self, killed: bool) -> None:
        """A killed program leaves files and a lock that the system drops; nothing of it is closed in order."""
        if killed:
            self.store._open.abandon()
        else:
            self.store.close()
        self.store = CaseStore.open(self.store.folder, key=self.key)

    @invariant()
    def agrees(self) -> None:
        if not hasattr(self, "store"):
            return
        assert {o.id: o.body for o in self.store.edits.objects()} == self.model.objects()
        state, model = self.store.edits.state(), self.model
        undo = model.done[model.standing - 1][0] if model.standing else None
        redo = model.done[model.standing][0] if model.standing < len(model.done) else None
        assert (state.undo and state.undo.seq, state.redo and state.redo.seq) == (undo, redo)
        assert len(self.store.edits.journal()) == model.written

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.store.close()
            assert verify_case(self.store.folder).ok


def compare(place: Path, key: LedgerKey, runs: int, steps: int) -> None:
    machine: Any = type("Machine", (UndoMachine,), {"place": place, "key": key})
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    rules = settings(
        max_examples=runs,
        stateful_step_count=steps,
        deadline=None,
        suppress_health_check=checks,
        derandomize=True,
        database=None,
    )
    run_state_machine_as_test(machine, settings=rules)


def test_undo_is_a_list_with_a_pointer(tmp_path: Path, key: LedgerKey) -> None:
    compare(tmp_path, key, 12, 15)


@pytest.mark.harness
def test_undo_is_a_list_with_a_pointer_through_long_runs(tmp_path: Path, key: LedgerKey) -> None:
    compare(tmp_path, key, 100, 50)


def test_edits_from_many_threads_stand_in_one_row(store: CaseStore) -> None:
    """Each call is a transaction of its own: no number twice, none left out, and the chain has them in that order."""

    def work(thread: int) -> None:
        for number in range(6):
            store.edits.do(f"{thread}.{number}", [added(f"{thread}.{number}")])
            if number % 3 == 2:
                store.edits.undo()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    journal = store.edits.journal()
    assert [edit.seq for edit in journal] == list(range(1, 33))
    assert len(store.edits.objects()) == 4 * (6 - 2)
    told = [json.loads(e.body)["edit"] for e in store.custody() if e.kind is CustodyKind.EDITED]
    assert told == [edit.seq for edit in journal]
    store.close()
    assert verify_case(store.folder).ok


def test_deep_undo_and_redo_stay_quick(store: CaseStore) -> None:
    """Eighty edits all the way back and forth again, in order."""
    for number in range(80):
        store.edits.do(f"edit {number}", [added(f"{number:03d}")])
    back = [store.edits.undo().target for _ in range(80)]
    assert back == list(range(80, 0, -1))
    forth = [store.edits.redo().target for _ in range(80)]
    assert forth == list(range(1, 81))
    assert texts(store) == [f"{number:03d}" for number in range(80)]


def test_a_killed_writer_keeps_undo(store: CaseStore, tmp_path: Path, key: LedgerKey) -> None:
    """kill -9 in the middle of edits, undos and redos: the case is where the last acknowledged call left it, or one
    call further, and undo goes on from there."""
    store.close()
    code = """
    import sys, itertools
    from pathlib import Path
    from workstation.domain.edits import Change, ObjectKind
    from workstation.storage.case_store import CaseStore
    from workstation.storage.keys import LedgerKey
    store = CaseStore.open(Path(sys.argv[1]), key=LedgerKey.load_or_create(Path(sys.argv[2])))
    for number in itertools.count():
        store.edits.do(f"n{number}", [Change(f"o{number}", ObjectKind.NOTE, None, {"about": "x", "text": str(number)})])
        print("do", flush=True)
        if number % 3 == 2:
            store.edits.undo(); print("undo", flush=True)
            store.edits.undo(); print("undo", flush=True)
            store.edits.redo(); print("redo", flush=True)
    """
    for wanted in (5, 14):
        command = [sys.executable, "-c", textwrap.dedent(code), str(store.folder), str(tmp_path / "keys")]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            told = [writer.stdout.readline().strip() for _ in range(wanted)]
            writer.send_signal(signal.SIGKILL)
            told += writer.stdout.read().split()
        assert verify_case(store.folder).ok
        with CaseStore.open(store.folder, key=key) as again:
            actions = [edit.action.value for edit in again.edits.journal()]
            assert actions[: len(told)] == told
            assert len(actions) - len(told) in (0, 1)
            model = Model()
            for edit in again.edits.journal():
                if edit.action is EditAction.DO:
                    model.do(edit.changes)
                else:
                    assert model.step(-1 if edit.action is EditAction.UNDO else 1) == edit.target
            assert {o.id: o.body for o in again.edits.objects()} == model.objects()
            while again.edits.state().undo is not None:
                again.edits.undo()
            assert again.edits.objects() == ()
        assert verify_case(store.folder).ok
        store = CaseStore.create(tmp_path / new_id(), number="1", title="", examiner="A", question="", key=key)
        store.close()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE edits SET label = 'other'",
        "DELETE FROM edits WHERE seq = 1",
        "INSERT INTO edits SELECT seq + 5, at, actor, label, action, target, changes FROM edits",
        "INSERT OR REPLACE INTO edits SELECT seq, at, actor, 'other', action, target, changes FROM edits",
        "UPDATE descriptions SET sha256 = sha256",
        "DELETE FROM stream_digests",
        "INSERT OR REPLACE INTO metadata SELECT description, '{}' FROM metadata",
        "UPDATE intake_items SET path = 'other'",
        "DELETE FROM intake_batches",
        "INSERT OR REPLACE INTO intake_batches SELECT * FROM intake_batches",
        "INSERT OR REPLACE INTO intake_items SELECT * FROM intake_items",
    ],
)
def test_recorded_facts_cannot_be_changed_by_any_program(store: CaseStore, tmp_path: Path, statement: str) -> None:
    """Whatever tool opens the case: the triggers are in the file (E6)."""
    from workstation.domain.streams import StreamDigest

    item = samples.take_in(store, tmp_path / "a.mp4", b"first")
    store.edits.do("Note", [added("first")])
    store.descriptions.put_streams(item.id, (StreamDigest(0, "video", "h264", 1, 2, "a" * 64),))
    store.descriptions.put_metadata(item.id, '{"a":1}')
    store.intake.begin([("/a", 1, 2)])
    store.close()
    raw = sqlite3.connect(store.folder / "case.sqlite")
    before = list(raw.iterdump())
    with pytest.raises(sqlite3.IntegrityError, match=r"never|not the next row|there already"):
        raw.execute(statement)
    assert list(raw.iterdump()) == before
    raw.close()
