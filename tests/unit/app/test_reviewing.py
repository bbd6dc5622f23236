"""A case shown to others: where to go, and the record of every frame that came on screen (window rule 8, X9)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.storage import storage_samples as samples
from workstation.app import reviewing
from workstation.app.editing import Editing
from workstation.app.findings import Findings
from workstation.app.hub import Hub
from workstation.app.reviewing import REVIEWED, ReviewLog, StopKind, stops
from workstation.domain.custody import CustodyKind
from workstation.domain.evidence import EvidenceItem
from workstation.storage.case_store import CaseStore
from workstation.storage.keys import LedgerKey


@pytest.fixture
def store(tmp_path: Path) -> Iterator[CaseStore]:
    key = LedgerKey.load_or_create(tmp_path / "keys")
    with CaseStore.create(tmp_path / "case", number="7", title="T", examiner="A", question="", key=key) as made:
        yield made


@pytest.fixture
def items(store: CaseStore, tmp_path: Path) -> tuple[EvidenceItem, EvidenceItem]:
    made = tuple(samples.take_in(store, tmp_path / f"{n}.mp4", n.encode()) for n in ("a", "b"))
    for item in made:
        store.put_frame_index(item.id, samples.index())
    return made  # type: ignore[return-value]


def test_findings_come_first_and_in_levels(store: CaseStore, items: tuple[EvidenceItem, EvidenceItem]) -> None:
    first, second = items
    findings = Findings(store, Hub())
    upper = findings.add("Jaw line flickers", second.id, members={"text": "Between 1 s and 2 s"})
    findings.add("The whole case", store.case.id)
    findings.add("In frame 4 too", second.id, parent=upper.changes[0].id)
    findings.revise(
        upper.changes[0].id,
        {"outcome": "consistent with", "proposition": "a face was replaced", "against": "Motion blur"},
    )
    pts = samples.index().pts
    Editing(store, Hub()).bookmark(second.id, 0, pts[9], "late")
    Editing(store, Hub()).bookmark(first.id, 0, pts[3], "early", note="see the ear")
    found = stops(store)
    assert [(s.title, s.level) for s in found if s.kind is StopKind.FINDING] == [
        ("The whole case", 0),
        ("Jaw line flickers", 0),
        ("In frame 4 too", 1),
    ]
    told = next(s for s in found if s.title == "Jaw line flickers")
    assert told.outcome == "consistent with: a face was replaced"
    assert told.against == "Motion blur"
    assert next(s for s in found if s.title == "The whole case").evidence is None
    assert [(s.title, s.ordinal) for s in found if s.kind is StopKind.BOOKMARK] == [("early", 3), ("late", 9)]
    assert [s.title for s in found if s.kind is StopKind.EXHIBIT] == [first.exhibit, second.exhibit]


def test_every_frame_shown_is_in_the_chain_of_custody(
    store: CaseStore, items: tuple[EvidenceItem, EvidenceItem], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reviewing, "MOST_AT_ONCE", 4)
    log = ReviewLog(store, Hub())
    first, second = items
    for number in (0, 1, 1, 2, 3, 4, 1):
        log.shown(first.id, samples.frame(number))
    log.shown(second.id, samples.frame(1))
    assert log.waiting == 7
    assert log.flush() == 7
    assert (log.waiting, log.flush()) == (0, 0)
    events = [json.loads(e.body) for e in store.custody() if e.kind is CustodyKind.EVIDENCE_ACCESSED]
    assert [(e["exhibit"], [frame[0] for frame in e["frames"]]) for e in events] == [
        (first.exhibit, [0, 1, 2, 3]),
        (first.exhibit, [4, 1]),
        (second.exhibit, [1]),
    ]
    assert {e["what"] for e in events} == {REVIEWED}
    ref = samples.frame(2)
    assert events[0]["frames"][2] == [ref.ordinal, ref.stream, ref.pts, ref.digest]


def test_a_review_changes_nothing_else(store: CaseStore, items: tuple[EvidenceItem, EvidenceItem]) -> None:
    log = ReviewLog(store, Hub())
    log.shown(items[0].id, samples.frame(0))
    log.flush()
    stops(store)
    assert store.edits.journal() == ()
    assert store.examinations() == ()
