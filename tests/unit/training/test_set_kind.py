"""The figure of one kind on a set of one's own: the rule of cards, with groups and beside shortcuts (V3, V4)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from workstation.domain.kinds_of_forgery import ForgeryClass, KindFigure
from workstation.training import shortcuts
from workstation.training.embedded import Run, clip_card
from workstation.training.labelled import Item
from workstation.training.scoring import ABSTAINED, OK, Outcome, Scored
from workstation.training.set_kind import figure_of_kind

CARD = clip_card(Run({"made-up": 1}, 1, 1, 1.0))
PARTS = ForgeryClass.PARTS


def rows(count: int, *, apart: float = 0.3, leak: float = 0.0, lost: int = 0, person: int = 1) -> list[Scored]:
    random = np.random.default_rng(0)
    found = []
    for number in range(2 * count):
        label = bool(number % 2)
        noise = random.normal(size=6)
        known = dict(zip((*shortcuts.SHORTCUTS, "crop_bytes"), (*noise, 5000 + noise[0] + leak * label), strict=True))
        score = float(np.clip(random.normal(0.35 + apart * label, 0.1), 0, 1))
        outcome = Outcome(OK, score=score, shortcuts=known) if number >= lost else Outcome(ABSTAINED, "no_face")
        item = Item(Path("/set") / f"{number}.png", label, Path("/set"), {"who": f"p{number // (2 * person)}"})
        found.append(Scored(item, "0" * 64, 200.0, 1, (outcome,)))
    return found


def figure(found: list[Scored], group_by: str = "") -> KindFigure | None:
    return figure_of_kind(found, 0, CARD, PARTS, "our set", quality=90, group_by=group_by, draws=200)


def of(found: list[Scored], group_by: str = "") -> KindFigure:
    one = figure(found, group_by)
    assert one is not None
    return one


def test_a_score_that_tells_apart_stands_and_what_was_not_scored_is_said() -> None:
    one = of(rows(80, lost=4))
    assert one.stands
    assert (one.kind, one.dataset, one.items_genuine) == (PARTS, "our set", one.items_manipulated)
    assert "156 of 160 items scored" in one.conditions
    assert "JPEG 90" in one.conditions
    assert "every item by itself" in one.conditions


def test_a_score_at_chance_or_beside_a_shortcut_as_good_does_not_stand() -> None:
    assert of(rows(80, apart=0.0)).contradicts
    leaking = of(rows(80, leak=20.0))
    assert (leaking.shortcut, leaking.stands) == ("crop_bytes", False)


def test_the_file_as_it_was_found_is_no_shortcut_of_what_was_re_encoded() -> None:
    found = rows(80)
    for one in found:
        table = one.outcomes[0].shortcuts
        assert isinstance(table, dict)
        table["jpeg_table"] = table["bytes"] = float(one.item.manipulated)
    assert of(found).stands
    assert "JPEG tables of the original files alone 1.000" in of(found).conditions


def test_few_people_do_not_stand_however_many_pictures_they_gave() -> None:
    many, few = rows(80), rows(80, person=8)
    assert of(many, "who").stands
    assert of(few, "who").groups <= 10
    assert not of(few, "who").enough
    assert of(few).enough
    assert "grouped by who" in of(few, "who").conditions


def test_without_pairs_of_equal_sharpness_there_is_no_figure() -> None:
    assert figure(rows(4)) is None
    assert figure([one for one in rows(80) if one.item.manipulated]) is None
