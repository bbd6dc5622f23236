"""The LightningModule of a run: losses, optimiser, the rate over the run, averaged weights.

Rate and random numbers of a step follow from the step alone, so a run that goes on after a cut needs no state of them.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence

import lightning.pytorch as pl
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from workstation.domain.errors import DetectorError
from workstation.training.batches import Batch, Batches
from workstation.training.measures import Figure, auc, auc_figure
from workstation.training.runs.config import Config, OptimiserPart, SchedulePart
from workstation.training.runs.trainee import Trainee

_CHECKED_PAIRS = 32


class RunModule(pl.LightningModule):
    """``trainee`` learns; ``averaged`` is its exponential average, which is validated and packaged."""

    def __init__(self, trainee: Trainee, config: Config, steps: int) -> None:
        super().__init__()
        self.trainee = trainee
        self.config = config
        self.steps = steps
        self.averaged = _still(trainee) if config.run.ema else None
        self.loss = float("nan")

    @property
    def best_guess(self) -> Trainee:
        """What is validated and packaged."""
        return self.trainee if self.averaged is None else self.averaged

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return make_optimiser(self.trainee, self.config.optimiser)

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        step = self.trainer.global_step
        seeds = np.random.SeedSequence([self.config.run.seed, self.global_rank, step]).generate_state(1, np.uint64)
        torch.manual_seed(int(seeds[0]))
        now = rate_share(self.config.schedule, step, self.steps) * self.config.optimiser.rate
        optimiser = self.optimizers()
        assert isinstance(optimiser, torch.optim.Optimizer)
        for group in optimiser.param_groups:
            group["lr"] = now

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        value, _ = self.trainee.total(batch)
        self.loss = float(value.detach())
        if not math.isfinite(self.loss):
            raise DetectorError(
                f"The loss is no number at step {self.trainer.global_step}.", "Lower the rate, or clip the gradient."
            )
        return value

    def average(self) -> None:
        """Move the averaged weights towards the trained ones; early on faster, as there is little to remember."""
        if self.averaged is None:
            return
        step = self.trainer.global_step
        weight = min(self.config.run.ema, (1 + step) / (10 + step))
        with torch.no_grad():
            pairs = zip(_state(self.averaged), _state(self.trainee), strict=True)
            for slow, fast in pairs:
                if slow.dtype.is_floating_point:
                    slow.lerp_(fast, 1 - weight)
                else:
                    slow.copy_(fast)

    def figures(self, held: Batches, most: int) -> dict[str, Figure]:
        """AUC of each kind of forgery on validation data, each against the genuine crops of its own pairs.

        The network's mode is put back as it was.
        """
        network = self.best_guess
        was = network.training
        network.eval()
        try:
            return validate(network, held, most, self.device, self.trainer.precision_plugin.forward_context)
        finally:
            network.train(was)


def validate(
    network: Trainee, held: Batches, most: int, device: torch.device, context: Callable[[], object]
) -> dict[str, Figure]:
    """AUC by kind of forgery over ``most`` pairs of ``held`` (0 for all of them)."""
    values: tuple[list[npt.NDArray[np.float64]], list[npt.NDArray[np.float64]]] = ([], [])
    kinds: list[npt.NDArray[np.int64]] = []
    with torch.no_grad(), context():  # type: ignore[attr-defined]  # a context manager of Lightning's
        for batch in held.fixed(_CHECKED_PAIRS, 1, most):
            scores = network.scores(batch.to(device)).float().cpu().double().numpy()
            half = len(scores) // 2
            values[0].append(scores[:half])
            values[1].append(scores[half:])
            kinds.append(batch.kinds)
    a, b, k = np.concatenate(values[0]), np.concatenate(values[1]), np.concatenate(kinds)
    if not (np.isfinite(a).all() and np.isfinite(b).all()) or np.isnan(auc(a, b)):
        raise DetectorError("The network's scores are no numbers.", "Lower the rate, or clip the gradient.")
    return {
        name: auc_figure(a[k == number], b[k == number], draws=200)
        for number, name in enumerate(held.material.kinds)
        if (k == number).any()
    }


def rate_share(schedule: SchedulePart, step: int, steps: int) -> float:
    """The share of the rate at a step, 0..1 (`SchedulePart`)."""
    ramp = min(1.0, (step + 1) / (schedule.warm_up * steps)) if schedule.warm_up else 1.0
    if schedule.kind == "constant":
        return ramp
    if schedule.kind == "step":
        return ramp * schedule.factor ** int(step / steps / schedule.every)
    if schedule.kind == "linear":
        left = (1 - step / steps) / (1 - schedule.hold)
        return ramp * min(1.0, left)
    if schedule.cycles == 1:
        share = step / steps
    else:
        # Each cycle warms up by itself.
        cycle = steps / schedule.cycles
        place = step % cycle
        ramp = min(1.0, (place + 1) / (schedule.warm_up * cycle)) if schedule.warm_up else 1.0
        share = place / cycle
    return ramp * (schedule.floor + (1 - schedule.floor) * 0.5 * (1 + math.cos(math.pi * share)))


def make_optimiser(network: nn.Module, part: OptimiserPart) -> torch.optim.Optimizer:
    """The optimiser of what is trained in a network."""
    parameters: Sequence[nn.Parameter] = [p for p in network.parameters() if p.requires_grad]
    betas = (part.betas[0], part.betas[1])
    if part.kind == "adamw":
        return torch.optim.AdamW(parameters, lr=part.rate, betas=betas, weight_decay=part.decay)
    if part.kind == "adam":
        return torch.optim.Adam(parameters, lr=part.rate, betas=betas, weight_decay=part.decay)
    return torch.optim.SGD(parameters, lr=part.rate, momentum=part.momentum, weight_decay=part.decay)


def _still(trainee: Trainee) -> Trainee:
    copied = copy.deepcopy(trainee).eval()
    for parameter in copied.parameters():
        parameter.requires_grad_(False)
    return copied


def _state(module: nn.Module) -> list[Tensor]:
    """Every tensor of a module once, in a fixed order; two names of one tensor are one."""
    found: dict[int, Tensor] = {}
    for tensor in module.state_dict().values():
        found.setdefault(tensor.data_ptr(), tensor)
    return list(found.values())
