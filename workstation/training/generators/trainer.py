"""Training of the generators on genuine crops: minutes on a processor, the same weights for the same seed."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence

import numpy as np
import torch
import torch.nn.functional as nnf
from torch import Tensor, nn

from workstation.domain.errors import InputError
from workstation.domain.media import RgbArray
from workstation.training.generators.networks import MAKERS, Critic, Remaker, seeded
from workstation.training.kinds import Maker

PATCH = 64
_ADVERSARIAL = 0.03


def train_generators(
    crops: RgbArray,
    *,
    steps: int = 500,
    batch: int = 8,
    seed: int = 0,
    makers: Sequence[Maker] = MAKERS,
    tell: Callable[[str], None] = lambda _: None,
) -> dict[Maker, Remaker]:
    """Train one network of every maker.

    Args:
        crops: (N, side, side, 3) uint8 of genuine faces, at least 64 px.
        steps: of each network; adversarial ones spend the first half on the photograph alone.

    Raises:
        InputError: no crops, or smaller ones.
    """
    if len(crops) == 0 or min(crops.shape[1:3]) < PATCH:
        raise InputError("Generators learn from genuine crops of 64 pixels or more.", "Name a folder of portraits.")
    found: dict[Maker, Remaker] = {}
    for maker in makers:
        network, error = _trained(crops, maker, steps, batch, seed)
        tell(f"{maker}: mean error {error * 127.5:.1f} levels after {steps} steps")
        found[maker] = network
    return found


def _trained(crops: RgbArray, maker: Maker, steps: int, batch: int, seed: int) -> tuple[Remaker, float]:
    network = seeded(maker, seed)
    random = np.random.default_rng([seed, MAKERS.index(maker)])
    optimiser = torch.optim.Adam(network.parameters(), lr=2e-3, betas=(0.8, 0.99))
    plan = torch.optim.lr_scheduler.OneCycleLR(optimiser, 3e-3, total_steps=steps + 1)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        critic = Critic()
    judge = torch.optim.Adam(critic.parameters(), lr=5e-4, betas=(0.5, 0.99))
    error, slow = 1.0, copy.deepcopy(network)
    for step in range(steps):
        photographs = _patches(crops, batch, random)
        made = network(photographs)
        plain = nnf.l1_loss(made, photographs)
        total = plain + _detail(made, photographs)
        if maker.adversarial and step >= steps // 2:
            _step(judge, nnf.relu(1 - critic(photographs)).mean() + nnf.relu(1 + critic(made.detach())).mean())
            total = total - _ADVERSARIAL * critic(made).mean()
        _step(optimiser, total, network)
        plan.step()
        error += 0.05 * (float(plain.detach()) - error)
        with torch.no_grad():
            for kept, now in zip(slow.parameters(), network.parameters(), strict=True):
                kept.lerp_(now, max(0.02, 1 / (step + 1)))
    return slow.eval(), error


def _detail(made: Tensor, photographs: Tensor) -> Tensor:
    """L1 between differences of neighbours: without it a small network gives contours up."""
    across = nnf.l1_loss(made.diff(dim=-1), photographs.diff(dim=-1))
    return across + nnf.l1_loss(made.diff(dim=-2), photographs.diff(dim=-2))


def _step(optimiser: torch.optim.Optimizer, loss: Tensor, network: nn.Module | None = None) -> None:
    optimiser.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
    if network is not None:
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
    optimiser.step()


def _patches(crops: RgbArray, batch: int, random: np.random.Generator) -> Tensor:
    high, wide = crops.shape[1] - PATCH + 1, crops.shape[2] - PATCH + 1
    found = []
    for row in random.integers(len(crops), size=batch):
        y, x = int(random.integers(high)), int(random.integers(wide))
        patch = crops[row, y : y + PATCH, x : x + PATCH]
        found.append(patch[:, ::-1] if random.random() < 0.5 else patch)
    stacked = np.stack(found).transpose(0, 3, 1, 2).astype(np.float32)
    return torch.from_numpy(stacked / 127.5 - 1)
