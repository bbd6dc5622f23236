"""Geometry, sampling, custody words: the arithmetic everything else stands on."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workstation.domain import errors
from workstation.domain.custody import GENESIS, CustodyHead, CustodyKind, canonical_json, event_hash
from workstation.domain.geometry import Affine, Box, Point
from workstation.domain.media import TimeBase
from workstation.domain.sampling import even_sample

small = st.floats(-500, 500, allow_nan=False)
scale = st.floats(0.05, 20)


@st.composite
def similarities(draw: st.DrawFn) -> Affine:
    s, angle = draw(scale), draw(st.floats(-3.2, 3.2))
    c, d = s * np.cos(angle), s * np.sin(angle)
    return Affine(float(c), float(-d), draw(small), float(d), float(c), draw(small))


@given(similarities(), small, small)
def test_an_affine_map_and_its_inverse_return_the_point(affine: Affine, x: float, y: float) -> None:
    back = affine.inverse().apply(affine.apply(Point(x, y)))
    assert back.x == pytest.approx(x, abs=1e-6)
    assert back.y == pytest.approx(y, abs=1e-6)


@given(similarities(), similarities(), small, small)
def test_then_applies_the_first_map_first(one: Affine, two: Affine, x: float, y: float) -> None:
    expected, got = two.apply(one.apply(Point(x, y))), one.then(two).apply(Point(x, y))
    assert got.x == pytest.approx(expected.x, rel=1e-6, abs=1e-4)
    assert got.y == pytest.approx(expected.y, rel=1e-6, abs=1e-4)


def test_a_singular_map_has_no_inverse() -> None:
    with pytest.raises(ValueError, match="singular"):
        Affine(1, 2, 0, 2, 4, 0).inverse()


def test_overlap_of_boxes() -> None:
    assert Box(0, 0, 10, 10).iou(Box(0, 0, 10, 10)) == 1
    assert Box(0, 0, 10, 10).iou(Box(5, 0, 15, 10)) == pytest.approx(1 / 3)
    assert Box(0, 0, 10, 10).iou(Box(20, 0, 30, 10)) == 0


@given(st.integers(0, 5000), st.integers(0, 400))
def test_even_sample_is_rising_inside_and_reaches_both_ends(total: int, wanted: int) -> None:
    chosen = even_sample(total, wanted)
    assert len(chosen) == (total if wanted == 0 or wanted >= total else wanted)
    assert list(chosen) == sorted(set(chosen))
    assert all(0 <= o < total for o in chosen)
    if len(chosen) > 1:
        assert chosen[0] == 0
        assert chosen[-1] == total - 1


def test_seconds_are_exact_for_film_rates() -> None:
    assert TimeBase(1001, 30000).seconds(30000) == 1001.0


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=6), json_values, max_size=5))
def test_canonical_json_is_stable_and_order_free(value: dict[str, object]) -> None:
    text = canonical_json(value)
    assert canonical_json(json.loads(text)) == text
    assert canonical_json(dict(reversed(list(value.items())))) == text


def test_canonical_json_refuses_what_has_no_single_text() -> None:
    with pytest.raises(ValueError, match="JSON"):
        canonical_json({"x": float("nan")})


@given(st.text(max_size=5), st.text(max_size=5), st.text(max_size=5))
def test_moving_a_character_between_fields_changes_the_hash(one: str, two: str, three: str) -> None:
    whole = event_hash(1, "t", one + two, "k", three, GENESIS)
    moved = event_hash(1, "t", one, "k", two + three, GENESIS)
    assert (whole == moved) == (two == "")


def test_the_short_code_names_count_and_hash() -> None:
    head = CustodyHead(3, bytes(range(32)))
    assert len(head.code) == 23
    assert head.code != CustodyHead(4, bytes(range(32))).code


def test_custody_kinds_of_e6_are_all_there() -> None:
    """E6 and U36: an audited kind of event is never dropped."""
    required = {"evidence_taken_in", "evidence_accessed", "exported", "transferred", "redacted", "report_built"}
    required |= {"evidence_verified", "deleted", "migrated", "clock_changed", "case_created", "examination_started"}
    assert required <= {str(kind) for kind in CustodyKind}


def test_error_codes_are_unique_and_come_back() -> None:
    families = [errors.WorkstationError]
    seen: dict[str, type] = {}
    while families:
        family = families.pop()
        assert family.code not in seen, f"{family.__name__} and {seen[family.code].__name__} share a code"
        seen[family.code] = family
        families.extend(family.__subclasses__())
    for code, family in seen.items():
        assert type(errors.error_from_code(code, "x")) is family
