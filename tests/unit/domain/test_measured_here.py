"""What a laboratory measured itself counts as a card's figures do, where the plan of a run cites it (V3, V4)."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import pytest

from tests.fakes.kind_figures import FAILING, standing
from tests.fakes.marked_engine import CARD
from workstation.domain.detectors import DetectorCard
from workstation.domain.examinations import DetectorUse, Environment, Examination, ExaminationPlan, ExaminationState
from workstation.domain.ids import CaseId, ExaminationId
from workstation.domain.kinds_of_forgery import ForgeryClass, KindFigure
from workstation.domain.measured_here import SETTING, MeasuredHere, figure_from, frozen, read
from workstation.domain.standing import standing as standing_of

SWAP = ForgeryClass.FACE_SWAP
GOOD = standing(SWAP)[0]
DENIED = replace(FAILING, kind=SWAP)


def measured(figure: KindFigure = GOOD, **more: str) -> MeasuredHere:
    facts = {"record": "r1", "sha256": "a" * 64, "made_at": "2026-01-31T09:15:02+00:00", "signer": "CN=Ada"}
    bytes_of = {"detector": CARD.id, "card_sha256": CARD.card_sha256, "weights_sha256": CARD.weights.sha256}
    return MeasuredHere(**(facts | bytes_of | {"certificate_sha256": "b" * 64} | more), figure=figure)


def run(*found: MeasuredHere, **settings: str) -> Examination:
    told = {SETTING: frozen(found)} if found else {}
    use = DetectorUse(CARD.id, "1", CARD.card_sha256, CARD.weights.sha256, settings=told | settings)
    plan = ExaminationPlan((), (use,), "mtcnn", "0" * 64, 1)
    state = ExaminationState.DONE
    return Examination(ExaminationId("e"), CaseId("c"), 1, plan, Environment({}), state, "2026-01-31T10:00:00+00:00")


def kinds(examination: Examination, card: DetectorCard = CARD) -> tuple[ForgeryClass, ...]:
    return standing_of(examination, [card])[CARD.id]


def test_a_figure_that_stands_gives_the_kind_to_the_runs_that_cite_it_and_to_no_other() -> None:
    assert kinds(run()) == ()
    assert kinds(run(measured())) == (SWAP,)
    assert kinds(run(measured(), merge="2")) == ()


def test_a_figure_of_other_bytes_counts_for_nothing() -> None:
    assert kinds(run(measured(weights_sha256="9" * 64))) == ()
    assert kinds(run(measured(card_sha256="9" * 64))) == ()
    assert kinds(run(measured(detector="another"))) == ()


def test_a_figure_of_the_laboratory_can_take_away_what_the_card_has() -> None:
    card = replace(CARD, kinds=standing(SWAP, ForgeryClass.REENACTMENT))
    assert kinds(run(), card) == (SWAP, ForgeryClass.REENACTMENT)
    assert kinds(run(measured(DENIED)), card) == (ForgeryClass.REENACTMENT,)
    assert kinds(run(measured(), measured(DENIED))) == ()


def test_what_is_frozen_reads_back_in_one_order_whatever_the_order_given() -> None:
    one, two = measured(), measured(DENIED, record="r0")
    assert frozen([one, two]) == frozen([two, one])
    assert set(read(frozen([one, two]))) == {one, two}
    assert (frozen([]), read("")) == ("", ())


@pytest.mark.parametrize(
    "change",
    [
        {"auc": 1.2},
        {"auc": "0.9"},
        {"low": 0.95},
        {"items_genuine": -1},
        {"items_genuine": 80.5},
        {"groups": True},
        {"kind": "other"},
        {"spearman": -1.5},
        {"stands": True},
    ],
)
def test_a_figure_with_a_field_out_of_its_range_is_none(change: dict[str, object]) -> None:
    """Fails closed: what cannot be read shows no score, and nobody can write that a figure stands."""
    table = asdict(GOOD) | change
    with pytest.raises((ValueError, KeyError)):
        figure_from(table)
    document = json.loads(frozen([measured()]))
    document["figures"][0]["figure"] = table
    assert read(json.dumps(document)) == ()
    assert read("[") == read("{}") == read('{"figures": [3]}') == ()
