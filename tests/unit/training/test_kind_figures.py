"""Figures by kind of forgery on pairs of equal sharpness, and thresholds from untouched people (V4, P4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from workstation.detectors.cards import read_card, write_card
from workstation.domain.detectors import DetectorCard, DetectorReading, Direction
from workstation.domain.errors import InputError
from workstation.domain.faces import FaceCrop
from workstation.domain.geometry import Affine, Point
from workstation.domain.kinds_of_forgery import ForgeryClass, validated_kinds
from workstation.training import evaluation, packaging
from workstation.training.embedded import Run, locator_card
from workstation.training.kind_figures import KIND_OF_SET, Member, kind_figure
from workstation.training.labelled import Item, Seen
from workstation.training.pool import load
from workstation.training.thresholds import chosen_threshold, portrait_threshold, untouched, with_sensitivity

CARD = locator_card(Run({"made-up": 1}, 1, 1, 1.0))
FALLING = replace(CARD, output=replace(CARD.output, direction=Direction.LOWER_IS_MANIPULATED))


def members(count: int, seed: int, *, value: float = 0.0, sharp: float = 0.0, leak: float = 0.0) -> list[Member]:
    """Items whose value, sharpness and saturation are drawn around what is given."""
    random = np.random.default_rng(seed)
    return [
        Member(
            float(random.normal(value)),
            {"sharpness": float(random.normal(sharp)), "saturation": float(random.normal(leak))},
        )
        for _ in range(count)
    ]


def test_what_a_detector_sees_stands_and_what_a_shortcut_sees_as_well_does_not() -> None:
    plain = kind_figure(ForgeryClass.FACE_SWAP, "swaps", members(150, 1), members(150, 2, value=2))
    assert plain is not None
    assert plain.items_genuine == plain.items_manipulated == plain.groups >= 100
    assert 0.85 < plain.low <= plain.auc <= plain.high
    assert validated_kinds([plain]) == (ForgeryClass.FACE_SWAP,)
    leaking = kind_figure(ForgeryClass.FACE_SWAP, "swaps", members(150, 1), members(150, 2, value=2, leak=-3))
    assert leaking is not None
    assert leaking.shortcut == "saturation"
    assert leaking.shortcut_auc > 0.85, "a shortcut counts whichever way it points"
    assert validated_kinds([leaking]) == ()


def test_a_detector_of_sharpness_has_nothing_left_on_pairs_of_equal_sharpness() -> None:
    def sharp(found: list[Member]) -> list[Member]:
        return [replace(one, value=one.shortcuts["sharpness"]) for one in found]

    figure = kind_figure(ForgeryClass.PARTS, "set", sharp(members(200, 3)), sharp(members(200, 4, sharp=0.8)))
    assert figure is not None
    assert 0.45 < figure.auc < 0.55
    assert figure.spearman == 1.0
    assert validated_kinds([figure]) == ()


def test_few_pairs_give_no_figure_and_some_do_not_validate() -> None:
    assert kind_figure(ForgeryClass.PARTS, "set", members(9, 1), members(9, 2, value=3)) is None
    assert kind_figure(ForgeryClass.PARTS, "set", [], members(9, 2)) is None
    few = kind_figure(ForgeryClass.PARTS, "set", members(40, 1), members(40, 2, value=5))
    assert few is not None
    assert few.low > 0.9
    assert validated_kinds([few]) == ()


def test_every_labelled_set_has_its_kind_or_says_that_it_has_several() -> None:
    assert set(KIND_OF_SET) == {one.name for one in evaluation.SETS}


def test_a_threshold_keeps_false_alarms_below_one_in_twenty() -> None:
    random = np.random.default_rng(5)
    scores, groups = random.uniform(0, 1, 400), np.repeat(np.arange(100), 4)
    found = chosen_threshold(CARD, scores, groups, "made-up")
    assert float((scores > found.value).mean()) <= 0.05
    assert 0.03 < found.false_alarm_rate <= 0.05
    assert found.low < found.false_alarm_rate < found.high
    assert (found.items, found.groups) == (400, 100)
    later = random.uniform(0, 1, 100_000)
    assert 0.02 < float((later > found.value).mean()) < 0.07
    turned = chosen_threshold(FALLING, 1 - scores, groups, "made-up")
    assert turned.value == pytest.approx(1 - found.value)
    assert turned.false_alarm_rate == found.false_alarm_rate


def test_new_people_pass_a_threshold_as_rarely_as_it_says_on_average() -> None:
    """Over many choices, with all pictures of one person alike, the share of new people beyond is at most 5 %."""
    random = np.random.default_rng(6)
    beyond, stated = [], []
    for _ in range(200):
        scores = np.repeat(random.uniform(0, 1, 60), 2)
        found = chosen_threshold(CARD, scores, np.repeat(np.arange(60), 2), "made-up")
        beyond.append(1 - found.value)
        stated.append(found.high)
    assert np.mean(beyond) <= 0.05
    assert np.mean(np.array(beyond) <= np.array(stated)) > 0.95


def test_the_rate_is_of_people_whose_pictures_did_not_choose_the_threshold() -> None:
    """One person far out, with more pictures than one in twenty: chosen on them, they would all be within."""
    scores = np.concatenate([np.linspace(0, 0.5, 180), np.full(9, 0.9)])
    groups = np.concatenate([np.arange(180) // 3, np.full(9, 60)])
    found = chosen_threshold(CARD, scores, groups, "made-up")
    assert found.false_alarm_rate == pytest.approx(9 / 189)
    with pytest.raises(InputError, match="keeps false alarms"):
        chosen_threshold(CARD, np.append(scores, [0.9] * 3), np.append(groups, [60] * 3), "made-up")


@pytest.mark.parametrize(("items", "people"), [(49, 49), (100, 19), (0, 0)])
def test_too_few_people_give_no_threshold(items: int, people: int) -> None:
    groups = np.arange(items) % max(people, 1)
    with pytest.raises(InputError, match="too few"):
        chosen_threshold(CARD, np.linspace(0, 1, items), groups, "made-up")


def test_ties_at_the_threshold_are_no_alarms() -> None:
    scores = np.concatenate([np.zeros(90), np.ones(10)])
    found = chosen_threshold(CARD, scores, np.arange(100), "made-up")
    assert (found.value, found.false_alarm_rate, found.low) == (1.0, 0.0, 0.0)
    assert 0.02 < found.high < 0.05
    assert with_sensitivity(CARD, found, np.array([0.5, 1.0]), "pastes").sensitivity == 0
    lower = chosen_threshold(CARD, np.linspace(0, 0.5, 100), np.arange(100), "made-up")
    told = with_sensitivity(CARD, lower, np.array([0.2, 0.9]), "pastes")
    assert (told.sensitivity, told.sensitivity_of) == (0.5, "pastes")


class Brightness:
    """A detector whose score is the mean of the crop."""

    device, precision = "cpu", "float32"

    def __init__(self, card: DetectorCard) -> None:
        self.card = card

    def read(self, crops: Sequence[FaceCrop]) -> list[DetectorReading]:
        return [DetectorReading(float(crop.rgb.mean()) / 255) for crop in crops]


def test_held_out_portraits_alone_are_read_as_an_examination_cuts_them(dataset: Path) -> None:
    found = list(untouched(dataset, size=CARD.input.crop_size, margin=CARD.input.crop_margin))
    assert len(found) == 3
    assert len({person for _, person in found}) == 2, "pictures of one person hang together"
    assert {crop.rgb.shape for crop, _ in found} == {(256, 256, 3)}
    with pytest.raises(InputError, match="too few"):
        portrait_threshold(Brightness(CARD), found)
    many = [(crop, f"{person}-{number}") for number in range(30) for crop, person in found]
    threshold = portrait_threshold(Brightness(CARD), many)
    assert threshold.dataset == "Untouched portraits of 60 people held out of training"
    assert threshold.items == 90
    values = sorted({reading.value for reading in Brightness(CARD).read([crop for crop, _ in found])})
    assert threshold.value == values[-1]
    assert all(a < b for a, b in pairwise(values))


def test_sensitivity_is_of_the_forgeries_of_held_out_people(made_pool: Path) -> None:
    held = load(made_pool, "held")
    detector = Brightness(CARD)
    scores = np.array([float(rgb.mean()) / 255 for rgb in held.forged])
    middle = replace(
        chosen_threshold(CARD, np.linspace(0, 1, 100), np.arange(100), "x"), value=float(np.median(scores))
    )
    told = evaluation.with_forgeries(detector, middle, held)
    assert told.sensitivity == pytest.approx(float((scores > middle.value).mean()))
    assert told.sensitivity_of.startswith("pseudo-forgeries")
    assert evaluation.with_forgeries(detector, middle, None) == middle


def noise(seed: int, name: str, manipulated: bool) -> Seen:
    """A picture of noise that tells nothing but its name and label."""
    random = np.random.default_rng(seed)
    rgb = random.integers(0, 256, (48, 48, 3), np.uint8)
    crop = FaceCrop(rgb, Affine(1, 0, 0, 0, 1, 0), (Point(24, 24),) * 5)
    return Seen(Item(Path(name), manipulated, Path()), crop, 300, 300, float(random.normal()), 10.0 + manipulated)


def test_figures_by_kind_come_from_the_sets_scores_whichever_way_they_point(tmp_path: Path) -> None:
    seen = [noise(number, f"{number}.png", number % 2 == 1) for number in range(160)]
    looked = evaluation.Looked({"lfw_faceswap": seen, "ffpp_cdf_crops": seen, "sdfd": seen[1::2]}, {})
    random = np.random.default_rng(9)
    scores = [float(np.clip(0.3 + 0.4 * one.item.manipulated + random.normal(0, 0.1), 0, 1)) for one in seen]
    raw = {"lfw_faceswap": scores, "ffpp_cdf_crops": scores, "sdfd": scores[1::2]}
    (found,) = evaluation.labelled_kinds(CARD, looked, raw)
    assert (found.kind, found.dataset) == (ForgeryClass.FACE_SWAP, "LFW face swaps")
    assert found.low > 0.95
    assert found.items_genuine > 50
    assert found.conditions.startswith("both classes re-encoded at JPEG 90, pairs of equal sharpness")
    assert "JPEG tables of the original files alone 1.000" in found.conditions
    (turned,) = evaluation.labelled_kinds(FALLING, looked, raw)
    assert turned.high < 0.05
    assert validated_kinds([found]) == (ForgeryClass.FACE_SWAP,)
    assert validated_kinds([turned]) == ()
    threshold = chosen_threshold(CARD, np.array(scores[::2]), np.arange(80), "made-up")
    assert [line.split(":")[0] for line in evaluation.told([found], threshold)] == [
        "face swap, LFW face swaps",
        f"threshold {threshold.value:.4f}",
    ]


def test_what_was_measured_is_written_into_a_card_and_nothing_else_is_touched(tmp_path: Path) -> None:
    card = write_card(CARD, tmp_path)
    random = np.random.default_rng(2)
    threshold = chosen_threshold(card, random.uniform(0, 1, 200), np.arange(200), "made-up")
    figure = kind_figure(ForgeryClass.FACE_SWAP, "swaps", members(80, 1), members(80, 2, value=2))
    assert figure is not None
    packaging.record(tmp_path, (), kinds=[figure])
    written = packaging.record(tmp_path, (), threshold=threshold)
    assert (written.kinds, written.threshold) == ((figure,), threshold)
    assert packaging.record(tmp_path, (), kinds=[]).kinds == ()
    assert replace(read_card(tmp_path), threshold=None, card_sha256="") == replace(card, card_sha256="")
