"""What happens after a step: averaging, curves, validation, keeping the best, checkpoints, progress and cancelling.

All of it is done in one place and in one order, so that a checkpoint holds everything that led to it: a run that goes
on from one does what the uninterrupted run does.
"""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import numpy as np
import torch
from safetensors.torch import save_file

from workstation.domain.jobs import JobContext
from workstation.training.batches import Batch, Batches
from workstation.training.runs.checkpoints import CHECKPOINT, write_whole
from workstation.training.runs.curves import Point, write_curves
from workstation.training.runs.module import RunModule

BEST = "best.safetensors"
MOST_CHECKED = 2048
CANCELLED = "cancelled"


class Watch(pl.Callback):
    """Watches one run.

    Attributes:
        points: the curves so far; best: mean AUC of the kept weights, below 0 before the first validation.
        stopped: why the run ended early, or empty.
        waited, spent: seconds of this session that were spent waiting for batches, and in all but validation.
    """

    def __init__(self, held: Batches, output: Path, context: JobContext) -> None:
        self._held = held
        self._output = output
        self._context = context
        self.points: list[Point] = []
        self.best = -1.0
        self._worse = 0
        self._loss = [0.0, 0.0]
        self.faces = 0
        self.stopped = ""
        self.waited = self.spent = 0.0
        self.session_faces = 0
        self._mark = 0.0

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps of it."""
        return {
            "points": [asdict(point) for point in self.points],
            "best": self.best,
            "worse": self._worse,
            "loss": list(self._loss),
            "faces": self.faces,
            # A run that was cancelled goes on; one that stopped early does not.
            "stopped": "" if self.stopped == CANCELLED else self.stopped,
            "rng": torch.get_rng_state(),
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.points = [Point(**point) for point in state_dict["points"]]
        self.best, self._worse = float(state_dict["best"]), int(state_dict["worse"])
        self._loss, self.faces = list(state_dict["loss"]), int(state_dict["faces"])
        self.stopped = str(state_dict["stopped"])
        torch.set_rng_state(state_dict["rng"])

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._mark = time.perf_counter()
        if self.stopped:
            trainer.should_stop = True

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Batch, batch_idx: int
    ) -> None:
        assert isinstance(pl_module, RunModule)
        run, step = pl_module.config.run, trainer.global_step
        pl_module.average()
        count = int(np.prod(batch.pixels.shape[:-3])) * trainer.world_size
        self.faces += count
        self.session_faces += count
        self._loss = [self._loss[0] + pl_module.loss, self._loss[1] + 1]
        last = step >= pl_module.steps
        note = f"loss {pl_module.loss:.3f}" + (f", held {self.points[-1].held:.3f}" if self.points else "")
        self._context.progress(step, pl_module.steps, note)
        self.spent += time.perf_counter() - self._mark
        if last or step % run.validate_every == 0:
            self._validate(trainer, pl_module, step)
        cancelled = self._context.cancelled()
        if cancelled:
            self.stopped = CANCELLED
        elif run.patience and self._worse >= run.patience:
            self.stopped = f"no better validation in {run.patience}"
        if last or self.stopped or step % run.checkpoint_every == 0:
            trainer.save_checkpoint(self._output / CHECKPOINT, weights_only=False)
        if self.stopped:
            trainer.should_stop = True
        self._mark = time.perf_counter()

    def _validate(self, trainer: pl.Trainer, module: RunModule, step: int) -> None:
        kinds = {name: figure.value for name, figure in module.figures(self._held, MOST_CHECKED).items()}
        held = float(np.mean(list(kinds.values())))
        better = held > self.best
        mean_loss = self._loss[0] / max(1.0, self._loss[1])
        rate = float(trainer.optimizers[0].param_groups[0]["lr"])
        self.points.append(Point(step, self.faces, rate, mean_loss, held, kinds, better))
        self._loss = [0.0, 0.0]
        self._worse = 0 if better else self._worse + 1
        self.best = max(held, self.best)
        if not trainer.is_global_zero:
            return
        if better:
            tensors = {
                name: tensor.detach().cpu().contiguous().clone()
                for name, tensor in module.best_guess.state_dict().items()
            }
            write_whole(self._output / BEST, lambda part: save_file(tensors, part))
        write_curves(self.points, self._output)
