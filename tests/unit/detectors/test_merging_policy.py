"""When merging is allowed, what it saves, where the organs are, and the detector that does it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from detector_samples import clip_card, crop, write_package

from workstation.detectors import merging
from workstation.detectors.clip_ln.detector import load
from workstation.detectors.drawn import drawn_crops
from workstation.detectors.merging.schedule import plan
from workstation.domain.detectors import DetectorCard, ValidationRecord
from workstation.domain.errors import DetectorError


def measured(*pairs: tuple[int, str]) -> DetectorCard:
    figure = ValidationRecord("made-up set", 3, 4, "AUC", 0.5, 0.25, 0.75, "a note")
    return clip_card(validation=(figure, *(replace(figure, merge=r, schedule=name) for r, name in pairs)))


@pytest.mark.parametrize(
    ("r", "left", "giga", "ratio"),
    [(0, 257, 81.0, 1.00), (4, 161, 65.3, 1.24), (7, 89, 53.7, 1.51), (8, 65, 49.9, 1.62), (10, 17, 42.3, 1.92)],
)
def test_multiply_accumulates_of_vit_l14_are_those_of_the_table(r: int, left: int, giga: float, ratio: float) -> None:
    whole, found = (merging.multiply_accumulates(24, 1024, 257, number) for number in (0, r))
    assert round(found / 1e9, 1) == giga
    assert round(whole / found, 2) == ratio
    made = plan(24, 257, 1, (16, 16), r, "even")
    assert made.left == left
    assert merging.multiply_accumulates(24, 1024, 257, made.steps) == found


def test_multiply_accumulates_count_as_the_formula_says() -> None:
    """One block of width 2 with 5 tokens, 1 of which goes, and a patch of 3 values."""
    attention, mlp = 4 * 5 * 4 + 2 * 25 * 2, 8 * 4 * 4
    assert merging.multiply_accumulates(1, 2, 5, 1, patch_values=3) == 4 * 3 * 2 + attention + mlp
    assert merging.multiply_accumulates(1, 2, 5, 99, patch_values=3) == 4 * 3 * 2 + attention + 8 * 3 * 4, "half"


@pytest.mark.parametrize("schedule", merging.SCHEDULES)
@pytest.mark.parametrize(("layers", "r"), [(24, 4), (24, 7), (4, 8), (4, 1), (3, 2), (1, 5)])
def test_every_schedule_merges_the_same_sum(schedule: str, layers: int, r: int) -> None:
    made = plan(layers, 257, 1, (16, 16), r, schedule)
    assert sum(made.steps) == layers * r
    assert made.left == 257 - layers * r
    if schedule.endswith("falling") and layers > 1:
        assert list(made.steps) == sorted(made.steps, reverse=True)
        assert made.steps[-1] <= max(1, r // 4)
        assert abs(made.steps[0] - 2 * r) <= 1
    else:
        assert set(made.steps) == {r}


def test_falling_saves_more_than_constant_for_the_same_sum() -> None:
    even, falling = (plan(24, 257, 1, (16, 16), 7, name).steps for name in ("even", "even-falling"))
    assert merging.multiply_accumulates(24, 1024, 257, falling) < merging.multiply_accumulates(24, 1024, 257, even)


def test_a_step_is_at_most_half_of_the_unprotected_tokens() -> None:
    assert plan(4, 6, 1, (1, 5), 9, "even").steps == (2, 1, 1, 0)
    assert plan(3, 21, 5, (4, 4), 6, "organs").steps == (6, 5, 2)


def test_merging_is_off_unless_the_card_has_a_figure_measured_with_it() -> None:
    card = measured((4, "even"), (8, "organs"))
    assert merging.allowed(card) == {(4, "even"), (8, "organs")}
    for r, schedule in ((4, "even"), (8, "organs"), (0, "")):
        merging.check_allowed(card, r, schedule)
    for r, schedule in ((4, "organs"), (8, "even"), (2, "even")):
        with pytest.raises(DetectorError, match="no figure") as found:
            merging.check_allowed(card, r, schedule)
        assert "4 even, 8 organs" in found.value.advice
    assert merging.allowed(clip_card()) == frozenset()
    with pytest.raises(DetectorError) as found:
        merging.check_allowed(clip_card(), 4, "even")
    assert "never measured" in found.value.advice


def test_only_measuring_lifts_the_rule() -> None:
    with merging.measuring():
        merging.check_allowed(clip_card(), 4, "even")
    with pytest.raises(DetectorError):
        merging.check_allowed(clip_card(), 4, "even")


@pytest.mark.parametrize("text", ["x", "-1", "1.5", "", "²", "1_0"])
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(DetectorError, match="whole number"):
        merging.parse({"merge": text, "schedule": "even"})


def test_a_schedule_must_be_known_and_is_not_guessed() -> None:
    assert merging.parse({}) == (0, "")
    assert merging.parse({"merge": "0", "schedule": "even"}) == (0, "")
    assert merging.parse({"merge": "4", "schedule": "organs"}) == (4, "organs")
    for schedule in ({}, {"schedule": ""}, {"schedule": "random"}):
        with pytest.raises(DetectorError, match="schedule"):
            merging.parse({"merge": "4"} | schedule)


def test_density_is_high_on_the_organs_and_none_at_the_rim() -> None:
    (drawn,) = drawn_crops(256, 1)
    density = merging.organ_density([drawn], (16, 16))
    assert density.shape == (1, 256)
    assert density.dtype == np.float32
    assert 0 <= density.min() <= density.max() <= 1
    grid = density.reshape(16, 16)
    for number in (0, 1, 3, 4):
        mark = drawn.landmarks[number]
        assert grid[int(mark.y // 16), int(mark.x // 16)] > 0.3
    eye = drawn.landmarks[0]
    assert grid[int(eye.y // 16), int(eye.x // 16)] > 0.9
    rim = np.concatenate([grid[0], grid[-1], grid[:, 0], grid[:, -1]])
    assert rim.max() < 0.05
    assert 0.05 < density.mean() < 0.4


def test_density_turns_with_the_face() -> None:
    """The same face upside down has the density upside down."""
    (drawn,) = drawn_crops(256, 1)
    points = tuple(replace(p, x=255 - p.x, y=255 - p.y) for p in drawn.landmarks)
    turned = replace(drawn, landmarks=points)
    one, two = (merging.organ_density([c], (16, 16)) for c in (drawn, turned))
    np.testing.assert_allclose(two[0, ::-1], one[0], atol=0.05)


def test_the_detector_merges_only_as_measured_and_says_what_it_did(tmp_path: Path) -> None:
    card = write_package(tmp_path, measured((2, "even"), (2, "organs")))
    crops = [crop(seed) for seed in range(5)]
    plain = load(card, tmp_path, device="cpu", precision="float32")
    off = load(card, tmp_path, device="cpu", precision="float32", settings={"merge": "0"})
    scores = [reading.value for reading in plain.read(crops)]
    assert [reading.value for reading in off.read(crops)] == scores
    assert plain.merging.facts() == off.merging.facts() == {"merge": "0"}
    with pytest.raises(DetectorError, match="no figure"):
        load(card, tmp_path, device="cpu", precision="float32", settings={"merge": "3", "schedule": "even"})
    with pytest.raises(DetectorError, match='no setting "thin"'):
        load(card, tmp_path, device="cpu", precision="float32", settings={"thin": "3"})
    found = {}
    for schedule in ("even", "organs"):
        settings = {"merge": "2", "schedule": schedule}
        detector = load(card, tmp_path, device="cpu", precision="float32", settings=settings)
        assert detector.merging.facts() == {"merge": "2", "schedule": schedule, "tokens": "17 to 13"}
        found[schedule] = [reading.value for reading in detector.read(crops)]
        assert [reading.value for reading in detector.read(crops)] == found[schedule], "the same again"
        alone = [detector.read([one])[0].value for one in crops]
        np.testing.assert_allclose(alone, found[schedule], atol=1e-5)
        assert max(abs(a - b) for a, b in zip(found[schedule], scores, strict=True)) > 1e-4
    assert found["even"] != found["organs"]


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_detector_that_never_merges_is_bitwise_as_before(tmp_path: Path, precision: str) -> None:
    card = write_package(tmp_path, clip_card())
    one = load(card, tmp_path, device="cpu", precision=precision)
    two = load(card, tmp_path, device="cpu", precision=precision)
    merging.apply(two.network.tower, 0, "even")
    values = torch.randn(4, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    kind = torch.bfloat16 if precision == "bfloat16" else torch.float32
    with torch.inference_mode():
        difference = (one.network(values.to(kind)) - two.network(values.to(kind))).abs().max().item()
    assert difference == 0.0
