"""The formulas of ICT and ICT-Ref, written out again in plain loops, and their limits."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.unit.detectors.identity_samples import person
from workstation.detectors.identity.ict import combine, ict, ict_ref, weight


def test_with_huge_reference_distances_the_score_is_2_d1() -> None:
    d1, d2, d3 = np.array([0.4, 1.7]), np.array([3.0, 0.1]), np.array([2.0, 4.0])
    huge = np.array([1e3, 1e9])
    found = combine(d1, d2, d3, huge, huge)
    assert found.w2 == pytest.approx([0.0, 0.0], abs=1e-12)
    assert found.w3 == pytest.approx([0.0, 0.0], abs=1e-12)
    assert found.w1 == pytest.approx([2.0, 2.0])
    assert found.score == pytest.approx(2 * d1)


def test_weights_follow_the_formula() -> None:
    assert weight(np.array([0.5])) == pytest.approx([0.375])
    assert weight(np.array([0.0])) == pytest.approx([0.75 / (1 + math.exp(-1))])
    assert weight(np.array([4.0])) == pytest.approx([0.75 / (1 + math.exp(7))])
    assert (np.diff(weight(np.linspace(0, 4, 50))) < 0).all()


def test_ict_ref_is_the_formula_face_by_face() -> None:
    inner, outer = person(1, 3, noise=0.5), person(2, 3, noise=0.5)
    bank_inner, bank_outer = person(1, 5, noise=0.4), person(2, 5, noise=0.4)
    found = ict_ref(inner, outer, bank_inner, bank_outer)

    def squared(a: np.ndarray, b: np.ndarray) -> float:
        return float(sum((float(x) - float(y)) ** 2 for x, y in zip(a, b, strict=True)))

    for n in range(3):
        to_inner = [squared(inner[n], r) for r in bank_inner]
        to_outer = [squared(outer[n], r) for r in bank_outer]
        near_i, near_o = int(np.argmin(to_inner)), int(np.argmin(to_outer))
        d1 = squared(inner[n], outer[n])
        d2 = squared(outer[n], bank_outer[near_i])
        d3 = squared(inner[n], bank_inner[near_o])
        w2 = 0.75 / (1 + math.exp((to_inner[near_i] - 0.5) / 0.5))
        w3 = 0.75 / (1 + math.exp((to_outer[near_o] - 0.5) / 0.5))
        wanted = (d1, d2, d3, 2 - w2 - w3, w2, w3, (2 - w2 - w3) * d1 + w2 * d2 + w3 * d3)
        got = (found.d1[n], found.d2[n], found.d3[n], found.w1[n], found.w2[n], found.w3[n], found.score[n])
        assert got == pytest.approx(wanted, abs=1e-9)


def test_a_face_of_the_bank_has_no_distance_to_its_own_references() -> None:
    inner, outer = person(3, 4), person(4, 4)
    found = ict_ref(inner, outer, inner, outer)
    assert found.d2 == pytest.approx(np.zeros(4), abs=1e-12)
    assert found.d3 == pytest.approx(np.zeros(4), abs=1e-12)
    assert found.d1 == pytest.approx(ict(inner, outer))


def test_a_swapped_inner_face_scores_above_the_genuine_one() -> None:
    """Bank and outer face are one person's; the inner face is hers, then another's."""
    bank_inner, bank_outer = person(5, 6), person(6, 6)
    genuine = ict_ref(person(5, 3), person(6, 3), bank_inner, bank_outer).score
    swapped = ict_ref(person(7, 3), person(6, 3), bank_inner, bank_outer).score
    assert swapped.min() > genuine.max()


def test_an_empty_bank_is_refused() -> None:
    with pytest.raises(ValueError, match="bank"):
        ict_ref(person(1, 2), person(2, 2), person(1, 2)[:0], person(2, 2)[:0])
