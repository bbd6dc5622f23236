"""The examiner's objects as the engine makes them: labels, one object for each subject, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.storage import storage_samples as samples
from workstation.app.editing import LONGEST_LABEL, Editing
from workstation.app.hub import Hub
from workstation.domain.case import WorkState
from workstation.domain.edits import ObjectKind
from workstation.domain.errors import InputError, NotFound
from workstation.domain.events import CaseChanged, Event
from workstation.domain.evidence import EvidenceItem
from workstation.domain.examinations import Examination
from workstation.domain.ids import ExaminationId, ObjectId
from workstation.storage.case_store import CaseStore
from workstation.storage.keys import LedgerKey


@pytest.fixture
def store(tmp_path: Path) -> Iterator[CaseStore]:
    key = LedgerKey.load_or_create(tmp_path / "keys")
    with CaseStore.create(tmp_path / "case", number="7", title="T", examiner="A", question="", key=key) as made:
        yield made


@pytest.fixture
def item(store: CaseStore, tmp_path: Path) -> EvidenceItem:
    made = samples.take_in(store, tmp_path / "a.mp4", b"first")
    store.put_frame_index(made.id, samples.index())
    return made


@pytest.fixture
def run(store: CaseStore, item: EvidenceItem) -> Examination:
    made = store.start_examination(samples.plan(item.id), samples.ENVIRONMENT)
    store.append_rows([samples.full_row(made.id, item.id, n) for n in range(3)])
    return made


@pytest.fixture
def editing(store: CaseStore) -> Editing:
    return Editing(store, Hub())


def test_every_kind_can_be_made_and_taken_back(editing: Editing, item: EvidenceItem, run: Examination) -> None:
    made = [
        editing.bookmark(item.id, 0, 512, "Left eye", note="blurred", view={"zoom": 2}),
        editing.note(item.id, " words "),
        editing.tag(run.id, "a/b"),
        editing.name_track(run.id, item.id, "track-1", "The speaker"),
        editing.exclude(run.id, item.id, "turned away", track="track-2"),
        editing.exclude(run.id, item.id, "cut", pts=512),
        editing.set_work(item.id, WorkState.REPORTED),
        editing.case_text("authority", "Order 4/2026"),
    ]
    assert [edit.label for edit in made] == [
        "Bookmark EX-01 at 0.040 s",
        "Note on EX-01",
        "Tag examination 1 a/b",
        "Name EX-01 T1 The speaker",
        "Exclude EX-01 T2",
        "Exclude EX-01 at 0.040 s",
        "EX-01: reported",
        "Case authority",
    ]
    # Persons, findings, pieces of tracks and opinions are made by rooms of their own, which have tests of their own.
    elsewhere = {
        ObjectKind.PERSON,
        ObjectKind.REFERENCE,
        ObjectKind.CLAIM,
        ObjectKind.FINDING,
        ObjectKind.TRACK_SPLIT,
        ObjectKind.TRACK_JOIN,
        ObjectKind.POLICY,
        ObjectKind.PROPOSITIONS,
        ObjectKind.OPINION,
        ObjectKind.UNSEALING,
        ObjectKind.RESOLUTION,
    }
    assert {thing.kind for thing in editing.objects()} == set(ObjectKind) - elsewhere
    (bookmark,) = editing.objects(ObjectKind.BOOKMARK)
    assert bookmark.body == {
        "evidence": item.id,
        "stream": 0,
        "pts": 512,
        "label": "Left eye",
        "note": "blurred",
        "view": {"zoom": 2},
    }
    for _ in made:
        editing.undo()
    assert editing.objects() == ()
    assert editing.state().undo is None
    for _ in made:
        editing.redo()
    assert len(editing.objects()) == len(made)


def test_one_name_for_a_track_and_one_state_for_an_exhibit(
    editing: Editing, store: CaseStore, item: EvidenceItem, run: Examination
) -> None:
    editing.name_track(run.id, item.id, "track-1", "The speaker")
    editing.name_track(run.id, item.id, "track-1", "The witness")
    editing.set_work(item.id, WorkState.EXAMINED)
    editing.set_work(item.id, WorkState.TO_DO)
    editing.case_text("title", "One")
    editing.case_text("title", "Two")
    assert [thing.body.get("name") for thing in editing.objects(ObjectKind.TRACK_NAME)] == ["The witness"]
    assert len(editing.objects()) == 3
    assert (store.case.title, store.evidence()[0].work) == ("Two", WorkState.TO_DO)
    editing.undo()
    assert store.case.title == "One"
    with pytest.raises(InputError):
        editing.case_text("title", "One")


def test_what_is_about_nothing_is_refused(editing: Editing, item: EvidenceItem, run: Examination) -> None:
    refused = [
        lambda: editing.note("unknown", "words"),
        lambda: editing.note(item.id, " "),
        lambda: editing.bookmark(item.id, 0, 513, ""),
        lambda: editing.bookmark(item.id, 1, 512, ""),
        lambda: editing.name_track(run.id, item.id, "track-9", "x"),
        lambda: editing.name_track(ExaminationId("x"), item.id, "track-1", "x"),
        lambda: editing.exclude(run.id, item.id, "", track="track-1"),
        lambda: editing.case_text("number", "8"),
        lambda: editing.remove(ObjectId("x")),
        lambda: editing.place(item.id, 99),
    ]
    for attempt in refused:
        with pytest.raises((InputError, NotFound)):
            attempt()
    assert editing.journal() == ()


def test_changing_and_removing(editing: Editing, item: EvidenceItem) -> None:
    editing.note(item.id, "first")
    (note,) = editing.objects()
    assert editing.revise(note.id, {"text": "second"}).label == "Change note first"
    with pytest.raises(InputError):
        editing.revise(note.id, {"text": "second"})
    assert editing.remove(note.id).label == "Remove note second"
    editing.undo()
    editing.undo()
    assert editing.objects()[0].body["text"] == "first"


def test_the_same_tag_twice_is_one(editing: Editing, item: EvidenceItem) -> None:
    editing.tag(item.id, "a/b")
    with pytest.raises(InputError, match="already"):
        editing.tag(item.id, " a / b ")


def test_labels_are_one_short_line_and_edits_are_told(store: CaseStore, item: EvidenceItem) -> None:
    hub, seen = Hub(), list[Event]()
    hub.subscribe(seen.append)
    edit = Editing(store, hub).tag(item.id, "x" * 200 + "\n" + "y")
    assert len(edit.label) == LONGEST_LABEL
    assert "\n" not in edit.label
    assert seen == [CaseChanged(store.case.id)]
