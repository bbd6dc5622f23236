"""Figures of scores against scikit-learn, and what becomes of items that were not scored."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve

from workstation.domain.detectors import Direction
from workstation.domain.errors import InputError
from workstation.training import set_figures, shortcuts
from workstation.training.embedded import Run, clip_card, locator_card
from workstation.training.labelled import Item
from workstation.training.localisation import Masked
from workstation.training.measures import auc, auc_figure
from workstation.training.roc import MEASURES, Ranked, at_chance, resamples, roc_figures
from workstation.training.scoring import ABSTAINED, ERROR, OK, Outcome, Scored
from workstation.training.set_figures import figures

RUN = Run({"made-up": 1}, 1, 1, 1.0)
CARD = clip_card(RUN)
# Few distinct values, so that ties are the rule; both classes present.
SCORED = st.lists(st.tuples(st.integers(-3, 3), st.booleans()), min_size=2, max_size=40).filter(
    lambda rows: len({label for _, label in rows}) == 2
)
FILES = dict.fromkeys(shortcuts.SHORTCUTS, 1.0)


def split(rows: list[tuple[int, bool]]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([score for score, _ in rows], float), np.array([label for _, label in rows], bool)


def row(name: str, label: bool, outcome: Outcome, height: float | None = 200.0, **facts: str) -> Scored:
    return Scored(Item(Path("/set") / name, label, Path("/set"), facts), "0" * 64, height, 1, (outcome,))


def scored(value: float, **more: float) -> Outcome:
    return Outcome(OK, score=value, shortcuts=FILES | more)


def some_rows(count: int = 40) -> list[Scored]:
    random = np.random.default_rng(0)
    found = []
    for number in range(count):
        label = bool(number % 2)
        value = float(np.clip(random.normal(0.6 if label else 0.4, 0.2), 0, 1))
        # Runs of four hold two of each class.
        found.append(row(f"{number:03}.png", label, scored(value, sharpness=random.normal()), who=f"p{number // 4}"))
    return found


@given(SCORED)
def test_every_figure_is_scikit_learns(rows: list[tuple[int, bool]]) -> None:
    scores, labels = split(rows)
    found = Ranked(scores, labels).figures()
    assert found["auc"] == pytest.approx(roc_auc_score(labels, scores))
    assert found["auc"] == pytest.approx(auc(scores[~labels], scores[labels]))
    assert found["ap"] == pytest.approx(average_precision_score(labels, scores))
    fpr, tpr, _ = roc_curve(labels, scores, drop_intermediate=False)
    assert found["tpr_at_1"] == pytest.approx(tpr[fpr <= 0.01].max())
    assert found["tpr_at_5"] == pytest.approx(tpr[fpr <= 0.05].max())
    # The equal error rate is where the straight pieces of the curve meet the falling diagonal.
    assert found["eer"] == pytest.approx(np.interp(1.0, fpr + tpr, fpr))


@given(SCORED, st.integers(0, 2**16))
def test_a_resample_by_weights_is_the_resample_by_rows(rows: list[tuple[int, bool]], seed: int) -> None:
    scores, labels = split(rows)
    ranked = Ranked(scores, labels)
    for weights in resamples(labels, None, 3, seed):
        taken = np.repeat(np.arange(len(scores)), weights.astype(int))
        assert labels[taken].sum() == labels.sum()
        assert ranked.figures(weights) == pytest.approx(Ranked(scores[taken], labels[taken]).figures())


@given(st.lists(st.integers(0, 3), min_size=1, max_size=9), st.booleans())
def test_one_class_alone_has_no_figure(values: list[int], label: bool) -> None:
    found = roc_figures(np.array(values, float), np.full(len(values), label))
    assert all(math.isnan(figure.value) and math.isnan(figure.low) for figure in found.values())
    assert set(found) == set(MEASURES)


def test_no_items_are_no_figure_and_a_score_that_is_no_number_is_refused() -> None:
    assert math.isnan(Ranked(np.empty(0), np.empty(0, bool)).figures()["auc"])
    with pytest.raises(ValueError, match="finite"):
        Ranked(np.array([1.0, np.nan]), np.array([True, False]))
    with pytest.raises(ValueError, match="labels"):
        Ranked(np.array([1.0]), np.array([True, False]))


def test_without_groups_the_interval_is_the_one_of_the_cards() -> None:
    random = np.random.default_rng(3)
    a, b = random.normal(0, 1, 40), random.normal(0.5, 1, 30)
    ours = roc_figures(np.concatenate([a, b]), np.repeat([False, True], [40, 30]))["auc"]
    cards = auc_figure(a, b)
    assert (ours.value, ours.low, ours.high) == pytest.approx((cards.value, cards.low, cards.high))


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.booleans()), min_size=1, max_size=20))
def test_groups_are_taken_whole_and_by_their_kind(rows: list[tuple[str, bool]]) -> None:
    names, labels = [name for name, _ in rows], np.array([label for _, label in rows])
    kinds = {name: {flag for other, flag in rows if other == name} for name in names}
    for weights in resamples(labels, names, 5, 1):
        for name in set(names):
            assert len({weights[n] for n, other in enumerate(names) if other == name}) == 1
        for kind in ({True}, {False}, {True, False}):
            mine = [name for name in set(names) if kinds[name] == kind]
            assert sum(weights[names.index(name)] for name in mine) == len(mine)


def test_copies_of_an_item_in_one_group_do_not_narrow_the_interval() -> None:
    random = np.random.default_rng(1)
    scores, labels = random.normal(0, 1, 40), np.arange(40) % 2 == 1
    scores[labels] += 0.8
    names = [str(number) for number in range(40)] * 6
    grouped = roc_figures(np.tile(scores, 6), np.tile(labels, 6), names)["auc"]
    apart = roc_figures(np.tile(scores, 6), np.tile(labels, 6))["auc"]
    alone = roc_figures(scores, labels)["auc"]
    assert grouped.high - grouped.low == pytest.approx(alone.high - alone.low, rel=0.25)
    assert grouped.high - grouped.low > 1.5 * (apart.high - apart.low)


@given(st.integers(0, 6), st.integers(0, 6), st.integers(0, 4), st.integers(0, 4))
def test_what_was_not_scored_counts_as_half_a_pair(n: int, m: int, off_n: int, off_m: int) -> None:
    random = np.random.default_rng(n + 7 * m)
    a, b = random.integers(0, 4, n).astype(float), random.integers(0, 4, m).astype(float)
    wins = sum((y > x) + 0.5 * (y == x) for x in a for y in b)
    every = (n + off_n) * (m + off_m)
    found = at_chance(auc(a, b), (n, m), (n + off_n, m + off_m))
    if not every:
        assert math.isnan(found)
    else:
        assert found == pytest.approx((wins + 0.5 * (every - n * m)) / every)


def test_abstentions_and_errors_are_counted_by_class_and_reason() -> None:
    rows = [*some_rows(20), row("x.png", True, Outcome(ABSTAINED, "no_face"), None)]
    rows += [
        row("y.png", False, Outcome(ABSTAINED, "face_blurred")),
        row("z.png", False, Outcome(ERROR, "frame_unreadable")),
    ]
    facts = figures(rows, 0, CARD, draws=20)
    counted = {name: facts[name] for name in ("n_real", "abstained_real", "errors_real", "items_real")}
    assert counted == {"n_real": 10, "abstained_real": 1, "errors_real": 1, "items_real": 12}
    assert (facts["n_fake"], facts["abstained_fake"], facts["errors_fake"], facts["items_fake"]) == (10, 1, 0, 11)
    assert facts["not_scored"] == {
        "face_blurred": {"real": 1, "fake": 0},
        "frame_unreadable": {"real": 1, "fake": 0},
        "no_face": {"real": 0, "fake": 1},
    }
    assert 0.5 < facts["auc_abstentions_at_chance"] < facts["auc"]  # type: ignore[operator]


def test_one_class_gives_none_with_its_reason() -> None:
    rows = [one for one in some_rows() if not one.item.manipulated]
    facts = figures(rows, 0, CARD, draws=20)
    reasons = facts["reasons"]
    assert isinstance(reasons, dict)
    for name in ("auc", "ap", "eer", "tpr_at_1_fpr", "shortcut_auc", "auc_matched"):
        assert facts[name] is None
        assert reasons[name]
    assert facts["auc_low"] is None
    assert isinstance(facts["sharpness_spearman"], float)
    assert facts["shortcut_best"] is None


def test_nothing_scored_is_still_an_answer() -> None:
    facts = figures([row("a.png", True, Outcome(ABSTAINED, "no_face"), None)], 0, CARD)
    assert (facts["n_real"], facts["n_fake"], facts["abstained_fake"], facts["auc"]) == (0, 0, 1, None)
    assert facts["auc_abstentions_at_chance"] is None
    assert facts["by_face_height"] == []


def test_figures_are_turned_where_a_lower_score_means_manipulated() -> None:
    lower = replace(CARD, output=replace(CARD.output, direction=Direction.LOWER_IS_MANIPULATED))
    rows = some_rows()
    mirrored = [
        Scored(one.item, one.sha256, one.face_height, 1, (replace(one.outcomes[0], score=1 - one.outcomes[0].score),))  # type: ignore[operator]
        for one in rows
    ]
    one, two = figures(rows, 0, CARD, draws=50), figures(mirrored, 0, lower, draws=50)
    for name in ("auc", "auc_low", "auc_high", "ap", "eer", "auc_matched", "sharpness_spearman"):
        assert one[name] == pytest.approx(two[name])


def test_the_best_shortcut_is_named_whichever_way_it_points() -> None:
    rows = [row(f"{n}.png", bool(n % 2), scored(0.5, bytes=float(-(n % 2)), sharpness=float(n % 3))) for n in range(30)]
    facts = figures(rows, 0, CARD, draws=20)
    assert (facts["shortcut_best"], facts["shortcut_auc"]) == ("bytes", 1.0)
    assert facts["auc"] == 0.5


def test_pairs_of_equal_sharpness_undo_a_detector_of_sharpness() -> None:
    random = np.random.default_rng(5)
    rows = []
    for number in range(300):
        label = bool(number % 2)
        sharp = float(random.normal(0.8 if label else 0.0, 1))
        rows.append(row(f"{number:03}.png", label, scored(1 / (1 + math.exp(-sharp)), sharpness=sharp)))
    facts = figures(rows, 0, CARD, draws=50)
    assert facts["auc"] > 0.65  # type: ignore[operator]  # JSON: a number
    assert facts["auc_matched"] == pytest.approx(0.5, abs=0.05)
    assert facts["sharpness_spearman"] == pytest.approx(1)
    # The shortcut that the detector was is undone on the very same pairs.
    assert facts["shortcut_auc"] > 0.65  # type: ignore[operator]  # JSON: a number
    assert facts["shortcut_auc_matched"] == pytest.approx(0.5, abs=0.05)
    assert facts["shortcut_best_matched"] == "sharpness"


def test_groups_come_from_a_column_and_an_unknown_one_is_refused() -> None:
    rows = some_rows()
    plain, grouped = figures(rows, 0, CARD, draws=200), figures(rows, 0, CARD, group_by="who", draws=200)
    assert plain["auc"] == grouped["auc"]
    assert plain["auc_low"] != grouped["auc_low"]
    with pytest.raises(InputError, match='column "nobody"') as refused:
        figures(rows, 0, CARD, group_by="nobody")
    assert "who" in refused.value.advice


def test_face_heights_are_ranges_of_their_own() -> None:
    rows = [row(f"{n}.png", bool(n % 2), scored(n % 7 / 7), height=80.0 if n < 20 else 300.0) for n in range(50)]
    parts = figures(rows, 0, CARD, draws=20)["by_face_height"]
    assert isinstance(parts, list)
    assert [(part["face_height"], part["n_real"] + part["n_fake"]) for part in parts] == [
        ("0 to 96 px", 20),
        ("192 px and more", 30),
    ]


def test_masks_that_cannot_be_used_are_counted_with_their_reason() -> None:
    names = ("pixel_auc", "prior_pixel_auc", "crop_pixel_auc", "prior_crop_pixel_auc")
    good = dict.fromkeys((*names, "iou", "prior_iou", "f1", "coss", "psnr", "ssim"), 0.5)
    target = np.zeros((64, 64), np.float32)
    target[10:20, 10:20] = 1
    face = np.zeros((64, 64), np.bool_)
    face[8:30, 8:30] = True
    rows = some_rows(12)
    for place, masked in (
        (1, Masked(good | {"pixel_auc": 0.8}, target, face)),
        (3, Masked(good | {"psnr": math.inf}, target, face)),
        (5, Masked(problem="odd")),
        (7, Masked(good | {"pixel_auc": math.nan, "prior_pixel_auc": math.nan}, target, face, face_problem="flat")),
    ):
        one = rows[place]
        outcome = Outcome(OK, score=0.5, shortcuts=FILES, masked=masked)
        rows[place] = Scored(one.item, one.sha256, 200.0, 1, (outcome,))
    facts = figures(rows, 0, locator_card(RUN), draws=20)
    assert (facts["masks"], facts["masks_unusable"]) == (3, {"odd": 1})
    assert (facts["masks_in_face"], facts["masks_without_face_figure"]) == (2, {"flat": 1})
    assert (facts["pixel_auc"], facts["crop_pixel_auc"], facts["psnr"]) == (pytest.approx(0.65), 0.5, 0.5)
    # The interval is of differences picture by picture.
    assert (facts["pixel_auc_over_prior"], facts["pixel_auc_over_prior_low"]) == (pytest.approx(0.15), 0.0)
    assert facts["pixel_auc_over_prior_high"] == pytest.approx(0.3)
    assert facts["prior_mean_mask"] == facts["prior_crop_mean_mask"] == 1.0
    assert facts["pixel_auc_over_mean_mask"] == pytest.approx(-0.35)
    assert "masks" not in figures(some_rows(12), 0, locator_card(RUN), draws=20)
    alone = Outcome(OK, score=0.5, shortcuts=FILES, masked=rows[7].outcomes[0].masked)
    flat = figures([*some_rows(11), Scored(rows[7].item, "", 200.0, 1, (alone,))], 0, locator_card(RUN), draws=20)
    assert (flat["pixel_auc"], flat["crop_pixel_auc"]) == (None, 0.5)
    assert flat["reasons"]["pixel_auc_over_prior"] == "of no picture: flat"  # type: ignore[index]  # a table
    assert set_figures.LEAST_PAIRS == 10
