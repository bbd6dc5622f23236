"""Losses at the points where their papers fix them; figures against slow and plain counting."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
import torch.nn.functional as nnf
from hypothesis import given
from hypothesis import strategies as st

from workstation.training.losses import alignment, uniformity
from workstation.training.measures import (
    auc,
    auc_figure,
    matched,
    paired_auc_figure,
    rank_correlation,
    rank_correlation_figure,
    ranks,
    sharpness,
)

NUMBERS = st.lists(st.integers(-3, 3), min_size=1, max_size=12)


def test_alignment_of_equal_features_is_nought_and_of_unequal_labels_ignored() -> None:
    same = nnf.normalize(torch.ones(4, 8), dim=-1)
    labels = torch.tensor([0, 0, 1, 1])
    assert alignment(same, labels).item() == pytest.approx(0, abs=1e-6)
    two = torch.zeros(4, 8)
    two[:2, 0], two[2:, 1] = 1, 1
    assert alignment(two, labels).item() == pytest.approx(0, abs=1e-6)
    assert alignment(two, torch.tensor([0, 1, 0, 1])).item() == pytest.approx(2)
    assert alignment(two[:1], labels[:1]).item() == 0


def test_uniformity_of_two_antipodal_points_is_minus_eight() -> None:
    one = nnf.normalize(torch.randn(1, 16), dim=-1)
    assert uniformity(torch.cat([one, -one])).item() == pytest.approx(-8, abs=1e-4)
    assert uniformity(torch.cat([one, one])).item() == pytest.approx(0, abs=1e-5)


def test_uniformity_pushes_apart_and_alignment_together() -> None:
    angle = torch.tensor([0.4], requires_grad=True)
    points = torch.stack([torch.cat([angle.cos(), angle.sin()]), torch.tensor([1.0, 0.0])])
    for loss, sign in ((uniformity(points), -1), (alignment(points, torch.zeros(2)), 1)):
        (slope,) = torch.autograd.grad(loss, angle, retain_graph=True)
        assert slope.item() * sign > 0


@given(NUMBERS, NUMBERS)
def test_auc_is_the_share_of_pairs_in_order(genuine: list[int], manipulated: list[int]) -> None:
    wins = sum((b > a) + 0.5 * (b == a) for a in genuine for b in manipulated)
    expected = wins / (len(genuine) * len(manipulated))
    assert auc(np.array(genuine, float), np.array(manipulated, float)) == pytest.approx(expected)


@given(NUMBERS)
def test_ranks_share_the_mean_of_ties(values: list[int]) -> None:
    found = ranks(np.array(values, float))
    for value, rank in zip(values, found, strict=True):
        below, ties = sum(v < value for v in values), sum(v == value for v in values)
        assert rank == below + (ties + 1) / 2


def test_auc_of_an_empty_class_is_not_a_number() -> None:
    assert np.isnan(auc(np.array([]), np.array([1.0])))
    assert np.isnan(auc(np.array([1.0]), np.array([])))


def test_intervals_hold_the_value_and_narrow_with_more_items() -> None:
    random = np.random.default_rng(0)
    few, many = (auc_figure(random.normal(0, 1, n), random.normal(1, 1, n)) for n in (20, 500))
    for figure in (few, many):
        assert figure.low <= figure.value <= figure.high
    assert many.high - many.low < few.high - few.low
    assert str(many).startswith(f"{many.value:.3f} [")


def test_groups_that_hang_together_widen_the_interval() -> None:
    """Eight copies of each item are no more evidence than one."""
    random = np.random.default_rng(1)
    a, b = random.normal(0, 1, 25), random.normal(0.7, 1, 25)
    one, two = np.repeat(a, 8), np.repeat(b, 8)
    grouped = paired_auc_figure(one, two, np.repeat(np.arange(25), 8))
    single = paired_auc_figure(one, two, np.arange(200))
    assert grouped.value == single.value
    assert grouped.high - grouped.low > 1.5 * (single.high - single.low)


def test_rank_correlation_at_its_ends() -> None:
    x = np.arange(20.0)
    assert rank_correlation(x, x**3) == pytest.approx(1)
    assert rank_correlation(x, -x) == pytest.approx(-1)
    assert np.isnan(rank_correlation(x, np.ones(20)))
    figure = rank_correlation_figure(x, x + np.tile([0.0, 9.0], 10), np.arange(20))
    assert figure.low <= figure.value <= figure.high


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8), st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_matched_pairs_are_close_and_used_once(one: list[float], two: list[float]) -> None:
    pairs = matched(np.array(one), np.array(two), 0.1)
    assert all(abs(one[a] - two[b]) <= 0.1 for a, b in pairs)
    assert len({a for a, _ in pairs}) == len({b for _, b in pairs}) == len(pairs)
    left = [(a, b) for a in range(len(one)) for b in range(len(two)) if abs(one[a] - two[b]) <= 0.1]
    used_a, used_b = {a for a, _ in pairs}, {b for _, b in pairs}
    assert all(a in used_a or b in used_b for a, b in left)


def test_blur_lowers_sharpness() -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    edges = [sharpness(rgb)] + [sharpness(cv2.GaussianBlur(rgb, (0, 0), sigma)) for sigma in (0.6, 1.2, 2.4)]
    assert edges == sorted(edges, reverse=True)
    assert np.isfinite(sharpness(np.zeros((8, 8, 3), np.uint8)))
