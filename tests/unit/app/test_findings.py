"""Findings stand in levels, keep to the allowed words, and are edits like every other (U11, X2, X4, X8, U27)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.storage import storage_samples as samples
from workstation.app.findings import Findings, Outcome, children
from workstation.app.hub import Hub
from workstation.domain.errors import InputError, NotFound
from workstation.storage.case_store import CaseStore
from workstation.storage.keys import LedgerKey


@pytest.fixture
def store(tmp_path: Path) -> Iterator[CaseStore]:
    key = LedgerKey.load_or_create(tmp_path / "keys")
    with CaseStore.create(tmp_path / "case", number="7", title="T", examiner="A", question="", key=key) as made:
        yield made


@pytest.fixture
def findings(store: CaseStore, tmp_path: Path) -> Findings:
    samples.take_in(store, tmp_path / "a.mp4", b"first")
    return Findings(store, Hub())


def titles(findings: Findings, parent: str = "") -> list[str]:
    return [str(one.body["title"]) for one in children(findings.all(), parent)]


def key_of(findings: Findings, title: str) -> str:
    return next(one.id for one in findings.all() if one.body["title"] == title)


def test_levels_moves_and_removal_are_single_edits(findings: Findings, store: CaseStore) -> None:
    about = store.evidence()[0].id
    findings.add("Mouth", about)
    findings.add("Teeth", about, parent=key_of(findings, "Mouth"))
    findings.add("Edge", about, parent=key_of(findings, "Teeth"))
    assert titles(findings) == ["Mouth"]
    with pytest.raises(InputError, match="under itself"):
        findings.move(key_of(findings, "Mouth"), key_of(findings, "Edge"))
    teeth = key_of(findings, "Teeth")
    findings.remove(teeth)
    assert titles(findings, key_of(findings, "Mouth")) == ["Edge"]
    store.edits.undo()
    assert titles(findings, teeth) == ["Edge"]
    findings.move(teeth, "")
    assert titles(findings) == ["Mouth", "Teeth"]


def test_an_outcome_needs_what_speaks_against_it(findings: Findings, store: CaseStore) -> None:
    findings.add("Mouth", store.evidence()[0].id)
    key = key_of(findings, "Mouth")
    with pytest.raises(InputError, match="no outcome"):
        findings.revise(key, {"outcome": "proved"})
    with pytest.raises(InputError, match="against"):
        findings.revise(key, {"outcome": "inconclusive", "against": "  "})
    findings.revise(key, {"outcome": "inconclusive", "against": "A filter would look alike."})
    wanted = {"outcome": "inconsistent with", "proposition": "an untouched recording", "support": ["metadata"]}
    with pytest.raises(InputError, match="Metadata alone"):
        findings.revise(key, wanted)
    findings.revise(key, wanted | {"support": ["metadata", "observation"]})
    store.edits.undo()
    assert findings.all()[0].body["outcome"] == "inconclusive"


def test_no_outcome_is_a_verdict() -> None:
    assert not [one for one in Outcome if re.search(r"real|fake|authentic|proved", one)]


def test_what_is_not_there_is_told(findings: Findings) -> None:
    with pytest.raises(NotFound):
        findings.remove("x")
    with pytest.raises(InputError, match="title"):
        findings.add("  ", "x")
