"""Training with its loader against the same loop on batches made before, in one run; ``make bench``.

Faces a second of the two, their ratio, and the share of its time for which a run waits for batches (its record has it);
the loader by itself beside them. The rounds take turns, so that another job on the machine meets all of them, and
medians are taken. No speed is asserted of a machine that may be busy.
"""

from __future__ import annotations

import itertools
import os
import sys
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import tomli_w
import torch

from resources import resource_path
from tests.unit.training.run_samples import Told, write_pool
from workstation.training.batches import Batch, Batches
from workstation.training.pool import load
from workstation.training.runs.cards import base_card
from workstation.training.runs.config import read_config
from workstation.training.runs.data import material_of
from workstation.training.runs.running import train

DEVICES = ("cpu", *(("cuda",) if torch.cuda.is_available() else ()))
ROUNDS = int(os.environ.get("TRAINING_ROUNDS", "3"))
STEPS = int(os.environ.get("TRAINING_STEPS", "0"))
PAIRS = 16


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Pictures are worked on by one thread of each process, as the network is."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    yield
    cv2.setNumThreads(before)


def configured(name: str, folder: Path, pool: Path, steps: int, workers: int) -> Path:
    """The shipped recipe of a small detector on a drawn pool, for so many steps and with one validation at its end."""
    table: dict[str, Any] = tomllib.loads(resource_path(f"training/{name}.toml").read_text(encoding="utf-8"))
    drawn = {key: value for key, value in table["data"].items() if key in ("strength", "apart")}
    table["data"] = drawn | {"source": "pool", "root": str(pool)}
    table["run"] |= {"steps": steps, "validate_every": steps, "checkpoint_every": steps, "pairs": PAIRS}
    table["run"] |= {"workers": workers, "threads": 1}
    table["run"].pop("minutes")
    table["package"]["install"] = False
    folder.mkdir(parents=True)
    file = folder / "run.toml"
    file.write_text(tomli_w.dumps(table), encoding="utf-8")
    return file


def run(file: Path, device: str) -> tuple[float, float]:
    """Faces a second, and the share of the time that was waited."""
    figures = train(read_config(file), file.parent / "out", Told(), device=device).record.figures
    assert figures["steps"] == read_config(file).run.steps
    return float(figures["faces_per_second"]), float(figures["waiting_share"])


def batches_of(file: Path) -> Batches:
    """What a run draws its batches from."""
    config = read_config(file)
    material = material_of(load(config.path(config.data.root), "train"))
    return Batches(material, base_card(config).input, strength=config.data.strength, apart=config.data.apart)


@pytest.mark.benchmark
@pytest.mark.timeout(1800)
@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("name", ["fakelocator-small", "clip-ln-small"])
def test_training_with_its_loader_against_batches_made_before(
    name: str, device: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pool = write_pool(tmp_path / "pool", train=24)
    steps = STEPS or (12 if device == "cpu" else 150)
    ways = {"loader in the same process": 0, "loader in a process of its own": 1, "batches made before": -1}
    batches = batches_of(configured(name, tmp_path / "drawn", pool, steps, 0))
    made = [batches.at(step, PAIRS, 0) for step in (0, 1)]

    def same(_batches: Batches, step: int, _pairs: int, _seed: int, _part: int = 0) -> Batch:
        """What is left is the network."""
        return made[step % 2]

    found: dict[str, list[tuple[float, float]]] = {way: [] for way in ways}
    numbers = itertools.count()
    for _ in range(ROUNDS):
        for way, workers in ways.items():
            file = configured(name, tmp_path / f"{next(numbers)}", pool, steps, max(workers, 0))
            with monkeypatch.context() as patched:
                if workers < 0:
                    patched.setattr(Batches, "at", same)
                found[way].append(run(file, device))
    speed, waited = ({way: float(np.median([one[n] for one in rows])) for way, rows in found.items()} for n in (0, 1))
    start = time.perf_counter()
    for step in range(8):
        batches.at(step, PAIRS, 0)
    alone = 8 * 2 * PAIRS / (time.perf_counter() - start)
    bare = speed["batches made before"]
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    lines = [f"\n{name}, {device}, {steps} steps of {2 * PAIRS} faces, {ROUNDS} rounds, one thread, load {load:.1f}"]
    lines += [
        f"{way}: {speed[way]:.0f} faces/s, ratio {speed[way] / bare:.2f} of the network alone, "
        f"waiting {100 * waited[way]:.0f} % of the time"
        for way in ways
    ]
    lines.append(f"loader alone: {alone:.0f} faces/s, ratio {alone / bare:.2f} of the network alone")
    with capsys.disabled():
        sys.stdout.write("\n".join(lines) + "\n")
    assert all(0 <= share < 1 for share in waited.values())
    # What is made before is not waited for, and what is made in turn is.
    assert waited["batches made before"] < waited["loader in the same process"]
