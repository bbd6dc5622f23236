"""kill -9 at work: nothing that was acknowledged is lost, nothing is half made, the work goes on (U5, U6)."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.harness.kills import ACTS, FIRST, Act, Bases, Figures, draw, kill_once

SEED = int(os.environ.get("HARNESS_SEED", "20"))
KILLS = int(os.environ.get("HARNESS_KILLS", "200"))


@pytest.mark.parametrize("act", FIRST, ids=lambda act: act.name)
def test_a_killed_act_loses_nothing(bases: Bases, act: Act) -> None:
    chance, figures = random.Random(f"{SEED} {act.name}"), Figures()
    kill_once(bases, act, *draw(bases, act, chance), figures)
    assert not figures.faults, "\n".join(figures.lines())
    assert figures.lost == 0


def test_a_process_left_behind_is_found(bases: Bases, tmp_path: Path) -> None:
    """The harness itself: what it says of left processes is not empty by chance."""
    assert bases.nursery.run(tmp_path, act="leave_running").left == ("sleep 60 ",)


@pytest.mark.harness
@pytest.mark.timeout(7200)
def test_many_kills(bases: Bases, record_property: Callable[[str, object], None]) -> None:
    chance, figures = random.Random(SEED), Figures()
    weights = [3 if act.name in ("import", "examine") else 1 for act in ACTS]
    for act in chance.choices(ACTS, weights, k=KILLS):
        kill_once(bases, act, *draw(bases, act, chance), figures)
    print("\n" + "\n".join(figures.lines()))  # noqa: T201
    record_property("figures", figures.lines())
    assert not figures.faults, "\n".join(figures.lines())
    assert figures.lost == 0
    assert figures.resumed > 0
