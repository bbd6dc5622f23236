"""Propositions and a visual opinion before scores; a second examiner who is given neither; agreement and resolution."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest

from tests.unit.storage import storage_samples as samples
from workstation.app.editing import Editing
from workstation.app.hub import Hub
from workstation.app.opinions import (
    LEVELS,
    SCORES_SEEN,
    Agreement,
    BlindExhibit,
    BlindFace,
    OpinionOutcome,
    Opinions,
    Role,
)
from workstation.domain.custody import CustodyKind
from workstation.domain.errors import InputError
from workstation.domain.ids import EvidenceId
from workstation.storage.case_store import CaseStore
from workstation.storage.keys import LedgerKey

WITH_FIRST, WITH_SECOND = OpinionOutcome.WITH_FIRST, OpinionOutcome.WITH_SECOND


@pytest.fixture
def store(tmp_path: Path) -> Iterator[CaseStore]:
    key = LedgerKey.load_or_create(tmp_path / "keys")
    with CaseStore.create(
        tmp_path / "case", number="7", title="The stolen clip", examiner="A. Ruiz", question="Was he there?", key=key
    ) as made:
        yield made


@pytest.fixture
def opinions(store: CaseStore) -> Opinions:
    return Opinions(store, Hub())


@pytest.fixture
def exhibit(store: CaseStore, tmp_path: Path) -> EvidenceId:
    item = samples.take_in(store, tmp_path / "manipulated-by-x.mp4", b"a")
    store.put_frame_index(item.id, samples.index())
    run = store.start_examination(samples.plan(item.id), samples.ENVIRONMENT)
    store.append_rows([samples.full_row(run.id, item.id, n) for n in range(4)])
    return item.id


def opine(
    opinions: Opinions, exhibit: EvidenceId, outcome: OpinionOutcome = WITH_FIRST, role: Role = Role.FIRST
) -> None:
    by = "A. Ruiz" if role is Role.FIRST else "B. Blind"
    opinions.opine(exhibit, role, by, outcome, "The jaw moves against the neck.", "Motion blur.")


def propose(opinions: Opinions, exhibit: EvidenceId) -> None:
    opinions.propose(exhibit, "A face was replaced.", "The clip is as the camera made it.")


def test_scores_are_sealed_until_propositions_and_opinion_are_there(opinions: Opinions, exhibit: EvidenceId) -> None:
    """X5, X6."""
    assert not opinions.sealed(exhibit)
    opinions.want(True)
    assert opinions.state(exhibit).missing == ("two competing propositions", "a visual opinion")
    with pytest.raises(InputError, match="two propositions"):
        opine(opinions, exhibit)
    propose(opinions, exhibit)
    assert opinions.sealed(exhibit)
    opine(opinions, exhibit)
    state = opinions.state(exhibit)
    assert (state.sealed, state.missing) == (False, ())
    assert state.first is not None
    assert state.first.blind


def test_undo_seals_again_and_the_journal_keeps_what_was_done(
    store: CaseStore, opinions: Opinions, exhibit: EvidenceId
) -> None:
    opinions.want(True)
    propose(opinions, exhibit)
    opine(opinions, exhibit)
    store.edits.undo()
    assert opinions.sealed(exhibit)
    assert [edit.label for edit in store.edits.journal()][-2:] == ["Opinion on EX-01"] * 2


def test_an_opinion_changed_after_scores_were_open_is_not_blind(opinions: Opinions, exhibit: EvidenceId) -> None:
    opinions.want(True)
    propose(opinions, exhibit)
    opine(opinions, exhibit)
    opine(opinions, exhibit, OpinionOutcome.INCONCLUSIVE)
    first = opinions.state(exhibit).first
    assert first is not None
    assert not first.blind


def test_opening_before_time_takes_a_reason(opinions: Opinions, exhibit: EvidenceId) -> None:
    opinions.want(True)
    with pytest.raises(InputError, match="reason"):
        opinions.unseal(exhibit, "scores", "A. Ruiz", " ")
    opinions.unseal(exhibit, "scores", "A. Ruiz", "Triage of 400 clips")
    assert not opinions.sealed(exhibit)
    propose(opinions, exhibit)
    opine(opinions, exhibit)
    first = opinions.state(exhibit).first
    assert first is not None
    assert not first.blind


def test_an_opinion_says_what_speaks_against_it(opinions: Opinions, exhibit: EvidenceId) -> None:
    """X8."""
    propose(opinions, exhibit)
    with pytest.raises(InputError, match="against"):
        opinions.opine(exhibit, Role.FIRST, "A. Ruiz", WITH_FIRST, "It flickers.", "  ")
    with pytest.raises(InputError, match="the same"):
        opinions.propose(exhibit, "Replaced.", "replaced.")


def test_the_second_examiner_is_given_nothing_that_is_sealed(
    store: CaseStore, opinions: Opinions, exhibit: EvidenceId
) -> None:
    """X7, G5: no name, no score, no first conclusion, no context."""
    propose(opinions, exhibit)
    opine(opinions, exhibit)
    run = store.examinations()[0]
    Editing(store, Hub()).name_track(run.id, exhibit, "track-1", "Mr. Suspect")
    assert opinions.for_second() == (exhibit,)
    given = opinions.blind(exhibit)
    assert {f.name for f in fields(BlindExhibit)} == {
        "evidence", "exhibit", "frames", "seconds", "width", "height", "propositions", "faces",
    }  # fmt: skip
    assert {f.name for f in fields(BlindFace)} == {"number", "first_seconds", "last_seconds"}
    text = repr(given).casefold()
    for hidden in ("manipulated-by-x", "suspect", "ruiz", "jaw", "stolen", "score", "was he there"):
        assert hidden not in text
    assert [face.number for face in given.faces] == [1, 2]


def test_the_second_examiner_is_another_person_and_blind(opinions: Opinions, exhibit: EvidenceId) -> None:
    propose(opinions, exhibit)
    with pytest.raises(InputError, match="no first opinion"):
        opine(opinions, exhibit, role=Role.SECOND)
    opine(opinions, exhibit)
    with pytest.raises(InputError, match="not the first"):
        opinions.opine(exhibit, Role.SECOND, "a.  ruiz", WITH_FIRST, "Same.", "Nothing.")
    opine(opinions, exhibit, role=Role.SECOND)
    state = opinions.state(exhibit)
    assert state.second is not None
    assert state.second.blind
    assert state.agreement is Agreement.AGREES
    assert opinions.agreement() == (1, 1)
    assert opinions.for_second() == ()


def test_opening_the_context_is_recorded_with_its_reason(
    store: CaseStore, opinions: Opinions, exhibit: EvidenceId
) -> None:
    propose(opinions, exhibit)
    opine(opinions, exhibit)
    told = opinions.context(exhibit, "B. Blind", "The question decides which face to look at")
    assert told["question"] == "Was he there?"
    assert store.custody()[-1].kind is CustodyKind.EDITED
    opine(opinions, exhibit, role=Role.SECOND)
    second = opinions.state(exhibit).second
    assert second is not None
    assert not second.blind


def test_a_disagreement_is_resolved_with_a_reason_at_a_level(opinions: Opinions, exhibit: EvidenceId) -> None:
    """X7, X7b."""
    propose(opinions, exhibit)
    opine(opinions, exhibit)
    with pytest.raises(InputError, match="Only a disagreement"):
        opinions.resolve(exhibit, WITH_SECOND, "Looked again", "C", 6)
    opine(opinions, exhibit, WITH_SECOND, Role.SECOND)
    assert opinions.state(exhibit).agreement is Agreement.DISAGREES
    with pytest.raises(InputError, match="reason"):
        opinions.resolve(exhibit, WITH_SECOND, "", "C", 6)
    with pytest.raises(InputError, match="level"):
        opinions.resolve(exhibit, WITH_SECOND, "Looked again", "C", len(LEVELS) + 1)
    opinions.resolve(exhibit, WITH_SECOND, "The flicker is in the collar too.", "C. Lead", 6)
    state = opinions.state(exhibit)
    assert state.agreement is Agreement.RESOLVED
    assert state.resolution is not None
    assert LEVELS[state.resolution.level - 1] == "full verification"
    assert opinions.agreement() == (0, 1)


def test_the_log_has_opinion_before_score(store: CaseStore, opinions: Opinions, exhibit: EvidenceId) -> None:
    """X6: log order is opinion, then score seen, and that once in a session."""
    opinions.want(True)
    propose(opinions, exhibit)
    opine(opinions, exhibit)
    opinions.note_scores_seen(exhibit)
    opinions.note_scores_seen(exhibit)
    told = [(event.kind, json.loads(event.body)) for event in store.custody()]
    opined = max(n for n, (kind, body) in enumerate(told) if kind is CustodyKind.EDITED and "Opinion" in body["label"])
    seen = [n for n, (_, body) in enumerate(told) if body.get("what") == SCORES_SEEN]
    assert len(seen) == 1
    assert opined < seen[0]
