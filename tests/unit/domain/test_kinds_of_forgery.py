"""For which kinds of forgery a card's figures suffice: the rule, case by case (V3, V4)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from workstation.domain.kinds_of_forgery import ForgeryClass, KindFigure, name_of, validated_kinds

SWAP = KindFigure(
    ForgeryClass.FACE_SWAP, "Swaps", 80, 80, 80, "both classes at JPEG 90", 0.86, 0.81, 0.9, "sharpness", 0.55, 0.1
)


def test_a_figure_above_chance_and_above_its_shortcut_stands() -> None:
    assert SWAP.stands
    assert validated_kinds([SWAP]) == (ForgeryClass.FACE_SWAP,)


@pytest.mark.parametrize(
    "change",
    [
        {"auc": 0.56, "low": 0.5, "high": 0.62, "shortcut_auc": 0.5},
        {"auc": 0.3, "low": 0.2, "high": 0.4},
        {"shortcut_auc": 0.81},
        {"shortcut_auc": 0.85},
        {"shortcut_auc": 0.15},
        {"items_genuine": 49},
        {"items_manipulated": 49},
        {"groups": 19},
    ],
    ids=lambda change: ",".join(f"{key}={value}" for key, value in change.items()),
)
def test_the_rule_says_no(change: dict[str, float]) -> None:
    figure = replace(SWAP, **change)  # type: ignore[arg-type]  # fields by name
    assert not figure.stands
    assert validated_kinds([figure]) == ()


def test_a_value_above_the_shortcut_is_not_enough_when_its_interval_reaches_it() -> None:
    assert not replace(SWAP, auc=0.86, low=0.79, shortcut_auc=0.8).stands
    assert replace(SWAP, auc=0.86, low=0.801, shortcut_auc=0.8).stands
    assert replace(SWAP, auc=0.86, low=0.801, shortcut_auc=0.2).stands


def test_a_second_set_that_fails_takes_the_kind_away() -> None:
    other = replace(SWAP, dataset="Other swaps", auc=0.55, low=0.48, high=0.62)
    assert validated_kinds([SWAP, other]) == ()


def test_a_small_set_neither_gives_nor_takes_unless_it_contradicts() -> None:
    small = replace(SWAP, dataset="Few", items_genuine=12, items_manipulated=12, groups=12, auc=0.55, low=0.3, high=0.8)
    assert validated_kinds([SWAP, small]) == (ForgeryClass.FACE_SWAP,)
    assert validated_kinds([SWAP, replace(small, auc=0.3, low=0.1, high=0.49)]) == ()


def test_figures_of_one_kind_say_nothing_on_another() -> None:
    gan = replace(SWAP, kind=ForgeryClass.WHOLE_GAN, auc=0.3, low=0.2, high=0.4)
    assert validated_kinds([gan, SWAP]) == (ForgeryClass.FACE_SWAP,)
    parts = replace(SWAP, kind=ForgeryClass.PARTS)
    assert validated_kinds([SWAP, parts]) == (ForgeryClass.PARTS, ForgeryClass.FACE_SWAP)
    assert validated_kinds([]) == ()


def test_every_kind_has_its_own_words() -> None:
    names = [name_of(kind) for kind in ForgeryClass]
    assert len(set(names)) == len(names) >= 5
    assert all("fake" not in name and "deep" not in name for name in names)
