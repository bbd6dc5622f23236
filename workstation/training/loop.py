"""The training loop both detectors share: fixed seed, warm-up and cosine, averaged weights, best on held-out people."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from workstation.training.batches import Batch
from workstation.training.measures import Figure, auc, auc_figure
from workstation.training.pool import KINDS

Loss = Callable[[nn.Module, Batch], Tensor]
Scores = Callable[[nn.Module, Tensor], Tensor]


@dataclass(frozen=True, slots=True)
class Recipe:
    """``minutes`` is a budget of wall time; the learning rate follows the share of it that is spent."""

    minutes: float
    pairs: int = 16
    rate: float = 1e-3
    decay: float = 0.02
    warm: float = 0.03
    average: float = 0.998
    check_every_minutes: float = 4.0
    seed: int = 0
    device: str = "cpu"


@dataclass
class Outcome:
    """``best`` is the AUC on the held-out people at the kept weights; ``kinds`` the same per kind of forgery."""

    steps: int = 0
    faces: int = 0
    best: float = 0.0
    kinds: dict[str, Figure] = field(default_factory=dict)
    minutes: float = 0.0


def train(
    network: nn.Module,
    batches: Iterator[Batch],
    held: Callable[[], Iterable[Batch]],
    loss: Loss,
    scores: Scores,
    recipe: Recipe,
    keep: Path,
    tell: Callable[[str], None] = print,
) -> Outcome:
    """Train, keep the averaged weights that do best on the held-out people in ``keep`` (safetensors).

    Args:
        held: gives the validation batches anew, with the same draws each time.
        scores: network and pixels to one score a picture, higher = manipulated.
    """
    torch.manual_seed(recipe.seed)
    device = torch.device(recipe.device)
    network.to(device).train()
    averaged = copy.deepcopy(network).eval()
    parameters = [p for p in network.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(parameters, lr=recipe.rate, weight_decay=recipe.decay)
    outcome, start = Outcome(), time.monotonic()
    budget, next_check, running = recipe.minutes * 60, recipe.check_every_minutes * 60, 0.7
    while (spent := time.monotonic() - start) < budget:
        share = spent / budget
        ramp = min(1.0, (outcome.steps + 1) / 200)
        for group in optimiser.param_groups:
            group["lr"] = recipe.rate * ramp * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * share)))
        batch = next(batches)
        with torch.autocast(device.type, dtype=torch.bfloat16):
            value = loss(network, batch)
        optimiser.zero_grad(set_to_none=True)
        value.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimiser.step()
        outcome.steps += 1
        outcome.faces += len(batch.labels)
        running += 0.02 * (value.item() - running)
        _average(averaged, network, min(recipe.average, (1 + outcome.steps) / (10 + outcome.steps)))
        if spent >= next_check:
            next_check = spent + recipe.check_every_minutes * 60
            outcome.minutes = spent / 60
            _check(averaged, validate(averaged, held(), scores, device), outcome, running, keep, tell)
    outcome.minutes = (time.monotonic() - start) / 60
    _check(averaged, validate(averaged, held(), scores, device), outcome, running, keep, tell)
    return outcome


def _check(
    averaged: nn.Module,
    kinds: dict[str, Figure],
    outcome: Outcome,
    running: float,
    keep: Path,
    tell: Callable[[str], None],
) -> None:
    """Keep the averaged weights when they do better on the held-out people than any before."""
    mean = float(np.mean([figure.value for figure in kinds.values()])) if kinds else 0.0
    each = " ".join(f"{name} {figure.value:.3f}" for name, figure in kinds.items())
    done = f"{outcome.minutes:.1f} min, step {outcome.steps}, {outcome.faces} faces"
    tell(f"{done}, loss {running:.4f}, held {mean:.3f} {each}")
    if mean > outcome.best:
        outcome.best, outcome.kinds = mean, kinds
        part = keep.with_suffix(".part")
        save_file({k: v.contiguous().cpu() for k, v in averaged.state_dict().items()}, part)
        part.replace(keep)


def _average(averaged: nn.Module, network: nn.Module, weight: float) -> None:
    with torch.no_grad():
        for slow, fast in zip(averaged.state_dict().values(), network.state_dict().values(), strict=True):
            if slow.dtype.is_floating_point:
                slow.lerp_(fast, 1 - weight)
            else:
                slow.copy_(fast)


def validate(network: nn.Module, held: Iterable[Batch], scores: Scores, device: torch.device) -> dict[str, Figure]:
    """AUC per kind of forgery, each against the genuine crops of its own pairs."""
    genuine: list[np.ndarray] = []
    forged: list[np.ndarray] = []
    kinds: list[np.ndarray] = []
    with torch.inference_mode(), torch.autocast(device.type, dtype=torch.bfloat16):
        for batch in held:
            values = scores(network, batch.pixels.to(device)).float().cpu().double().numpy()
            half = len(values) // 2
            genuine.append(values[:half])
            forged.append(values[half:])
            kinds.append(batch.kinds)
    a, b, k = np.concatenate(genuine), np.concatenate(forged), np.concatenate(kinds)
    if np.isnan(auc(a, b)):
        return {}
    return {
        str(kind): auc_figure(a[k == number], b[k == number], draws=200)
        for number, kind in enumerate(KINDS)
        if (k == number).any()
    }
