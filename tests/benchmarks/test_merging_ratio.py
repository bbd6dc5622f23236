"""Speed of ViT-L/14 with merging against without, in one run, beside the ratio of products. ``make bench``.

The rounds go through all amounts of merging in turn, and medians are taken, so that another job on the machine meets
them all; the processor's own seconds suffer less from it than the clock's. Nothing is asserted of a machine that may be
busy but the order of the far ends.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

from workstation.detectors import merging
from workstation.detectors.clip_ln.random_tower import random_vit_l14
from workstation.detectors.drawn import drawn_crops

AMOUNTS = (0, 4, 7, 8, 10)
ROUNDS, FACES = int(os.environ.get("MERGING_ROUNDS", "5")), int(os.environ.get("MERGING_FACES", "4"))


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Threads that wait for each other spend the processor's time, too."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.benchmark
@pytest.mark.usefixtures("one_thread")
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("schedule", ["even", "organs"])
def test_vit_l14_with_merging_against_without(
    precision: str, schedule: str, capsys: pytest.CaptureFixture[str]
) -> None:
    crops = drawn_crops(256, FACES)
    detector = random_vit_l14(0, precision=precision)
    tower: Any = detector.network.tower
    # One tower, in which what goes through its blocks is changed between readings: five would not fit everywhere.
    own, ways = tower.transformer, {}
    for r in AMOUNTS:
        made = merging.apply(tower, r, schedule)
        ways[r] = (made, tower.transformer)
        tower.transformer = own
    spent: dict[int, list[tuple[float, float]]] = {r: [] for r in AMOUNTS}
    for number in range(ROUNDS + 1):
        for r, (made, blocks) in ways.items():
            detector.merging, tower.transformer = made, blocks
            start = time.perf_counter(), time.process_time()
            detector.read(crops)
            if number:
                spent[r].append((time.perf_counter() - start[0], time.process_time() - start[1]))
    waited, worked = ({r: float(np.median([row[n] for row in rows])) for r, rows in spent.items()} for n in (0, 1))
    products = {r: merging.multiply_accumulates(24, 1024, 257, r) for r in AMOUNTS}
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    lines = [
        f"\nViT-L/14, random weights, {detector.device}, {precision}, {schedule}, {FACES} faces, {ROUNDS} rounds, "
        f"{torch.get_num_threads()} threads, load {load:.1f}"
    ]
    lines += [
        f"r {r:2}: {ways[r][0].left:3} tokens at the end; {products[r] / 1e9:.1f} G products, ratio "
        f"{products[0] / products[r]:.2f}; processor {worked[r]:.2f} s, ratio {worked[0] / worked[r]:.2f}; "
        f"clock {waited[r]:.2f} s, ratio {waited[0] / waited[r]:.2f}"
        for r in AMOUNTS
    ]
    with capsys.disabled():
        sys.stdout.write("\n".join(lines) + "\n")
    assert worked[10] < worked[0]
