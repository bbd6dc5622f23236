"""One run from its configuration to a package: prepare, train, go on after a cut, package."""

from __future__ import annotations

import copy
import fcntl
import logging
import os
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch
from lightning.fabric.utilities.warnings import PossibleUserWarning

from workstation.detectors import runtime
from workstation.domain.detectors import DetectorCard, InstalledDetector
from workstation.domain.errors import Cancelled, InputError
from workstation.domain.jobs import JobContext
from workstation.training.batches import Batches, Material
from workstation.training.pool import Recode
from workstation.training.runs.cards import base_card
from workstation.training.runs.checkpoints import CHECKPOINT, WholeCheckpoints
from workstation.training.runs.config import Config
from workstation.training.runs.data import Prepared, prepare
from workstation.training.runs.module import RunModule, make_optimiser
from workstation.training.runs.packing import digest_of_tensors, write_trained
from workstation.training.runs.record import Record, environment, read_record
from workstation.training.runs.starting import make_trainee
from workstation.training.runs.stream import Steps, Stream
from workstation.training.runs.trainee import Trainee
from workstation.training.runs.watching import CANCELLED, MOST_CHECKED, Watch

_PRECISIONS = {"float32": "32-true", "bfloat16": "bf16-mixed", "float16": "16-mixed"}
_HELD_STRENGTH, _HELD_APART = 0.6, 0.5
_QUIET = ("lightning.pytorch", "lightning.fabric", "lightning")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run came to: its package, its record and the folder they lie in."""

    package: InstalledDetector
    record: Record
    folder: str


def train(
    config: Config,
    output: Path,
    context: JobContext,
    *,
    resume: bool = False,
    device: str = "auto",
    detectors: Path | None = None,
    recode: Recode | None = None,
) -> Outcome:
    """Run a configuration in the folder ``output``.

    Args:
        resume: go on with the run that was cut off there.
        device: "auto", "cpu" or "cuda".
        detectors: folder of the packages installed on this machine, for ``start_detector``.
        recode: compression of moving pictures for pools made of portraits.

    Raises:
        InputError: the configuration and its data do not fit, the folder holds another run, or nothing to go on with.
        Cancelled: asked to stop; the checkpoint stays and the run can go on.
        DetectorError: the loss is no number any more, or the package does not load.
        DeviceFault, StorageFull, PermissionRefused.
    """
    output.mkdir(parents=True, exist_ok=True)
    with _alone(output), _own_threads(config.run.threads), _quiet():
        return _train(config, output, context, resume, device, detectors, recode)


def _train(
    config: Config,
    output: Path,
    context: JobContext,
    resume: bool,
    device: str,
    detectors: Path | None,
    recode: Recode | None,
) -> Outcome:
    record = _record_of(config, output, resume)
    runtime.make_reproducible()
    card = base_card(config)
    accelerator = _accelerator(device)

    def tell(line: str) -> None:
        context.progress(0, 0, line)
        context.raise_if_cancelled()

    tell("preparing the data")
    prepared = prepare(config, output, tell, recode)
    trainee = make_trainee(config, card, prepared.train, detectors)
    start = digest_of_tensors(trainee)
    drawn, held = _batches(config, card, prepared)
    if record is None:
        steps, measured = _budget(config, trainee, drawn, held, accelerator, tell)
        made = environment(accelerator, config.run.precision)
        record = Record(
            "running",
            config.sha256,
            card.family,
            card.id,
            config.run.seed,
            steps,
            dict(prepared.digests),
            dict(prepared.counts),
            start,
            made,
            measured,
        )
    else:
        for what, then, now in (("data", record.data, dict(prepared.digests)), ("weights", record.start, start)):
            if then != now:
                raise InputError(f"The {what} are not those this run began with.", "Start it in another folder.")
        record.sessions += 1
    if record.state != "finished":
        record.write(output)
        _fit(config, output, context, trainee, drawn, held, record, accelerator)
        record.state = "finished"
        record.write(output)
    context.progress(record.steps, record.steps, "writing the package")
    package = write_trained(config, card, trainee, record, prepared.sentence, output)
    record.figures["weights"] = package.card.weights.sha256
    record.write(output)
    return Outcome(package, record, str(output))


def _fit(
    config: Config,
    output: Path,
    context: JobContext,
    trainee: Trainee,
    drawn: Batches,
    held: Batches,
    record: Record,
    accelerator: str,
) -> None:
    module = RunModule(trainee, config, record.steps)
    watch = Watch(held, output, context)
    run = config.run
    trainer = pl.Trainer(
        accelerator="gpu" if accelerator.startswith("cuda") else "cpu",
        devices=run.devices,
        strategy=run.strategy,
        precision=_PRECISIONS[run.precision],  # type: ignore[arg-type]  # one of Lightning's own words
        max_steps=record.steps,
        max_epochs=1,
        logger=False,
        callbacks=[watch],
        plugins=[WholeCheckpoints()],
        gradient_clip_val=run.clip or None,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        use_distributed_sampler=False,
        default_root_dir=output,
    )

    def waited(seconds: float) -> None:
        watch.waited += seconds

    steps = Steps(drawn, run.pairs, run.seed, lambda: trainer.global_rank)
    stream = Stream(steps, record.steps, lambda: trainer.global_step, run.workers, waited)
    checkpoint = output / CHECKPOINT
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())), _few_warnings():
        trainer.fit(module, stream, ckpt_path=str(checkpoint) if checkpoint.is_file() else None)
    if watch.stopped == CANCELLED:
        raise Cancelled(
            f"Training was stopped at step {trainer.global_step} of {record.steps}.",
            "Its checkpoint stays; --resume goes on from there.",
        )
    best = [point for point in watch.points if point.best][-1]
    spent = max(watch.spent, 1e-9)
    record.figures = {
        "steps": trainer.global_step,
        "faces": watch.faces,
        "best": best.held,
        "best_step": best.step,
        "kinds": dict(best.kinds),
        "stopped": watch.stopped,
        "last": digest_of_tensors(module.trainee),
        "averaged": digest_of_tensors(module.best_guess),
        # Of the last session: what a cut run took before it is not known.
        "faces_per_second": round(watch.session_faces / spent, 2),
        "waiting_share": round(watch.waited / spent, 4),
    }


def _record_of(config: Config, output: Path, resume: bool) -> Record | None:
    record = read_record(output)
    child = "LOCAL_RANK" in os.environ  # one of several processes of the same run
    if record is None:
        if resume:
            raise InputError(f"There is no run in {output} to go on with.", "Leave --resume out.")
        return None
    if not resume and not child:
        raise InputError(f"{output} holds a run already.", "Go on with --resume, or name another folder.")
    if record.config != config.sha256:
        raise InputError("The configuration is not the one this run was started with.", "Name another folder.")
    return record


def _batches(config: Config, card: DetectorCard, prepared: Prepared) -> tuple[Batches, Batches]:
    data, frames = config.data, card.output.sequence if card.family == "addnet3d" else 0
    _check_left_out(data.leave_out, prepared.train)
    drawn = Batches(
        prepared.train,
        card.input,
        strength=data.strength,
        apart=data.apart,
        genuine_only=data.genuine_only,
        frames=frames,
        window=config.run.window,
        leave_out=data.leave_out,
    )
    return drawn, Batches(prepared.held, card.input, strength=_HELD_STRENGTH, apart=_HELD_APART, frames=frames)


def _check_left_out(names: Sequence[str], material: Material) -> None:
    here = [kind for number, kind in enumerate(material.kinds) if (material.kind == number).any()]
    if unknown := [name for name in names if name not in here]:
        raise InputError(f'The data have no kind "{unknown[0]}" to leave out.', f"They have {', '.join(here)}.")
    if set(here) <= set(names):
        raise InputError("Every kind is left out; nothing remains to train on.", "Correct data.leave_out.")


def _budget(
    config: Config, trainee: Trainee, drawn: Batches, held: Batches, accelerator: str, tell: Any
) -> tuple[int, dict[str, float]]:
    """Steps of the budget; minutes are turned into steps by timing a copy of the run, which learns nothing."""
    run = config.run
    if run.steps:
        return run.steps, {}
    tell("measuring how long a step takes")
    network = copy.deepcopy(trainee).to(accelerator).train()
    optimiser = make_optimiser(network, config.optimiser)
    kind = {"bfloat16": torch.bfloat16, "float16": torch.float16}.get(run.precision)
    device = torch.device(accelerator)
    room = min(20.0, run.minutes * 60 * 0.05)
    done, start = -2, 0.0
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        while done < 2 or time.perf_counter() - start < room:
            if done == 0:
                start = time.perf_counter()
            batch = drawn.at(abs(done), run.pairs, run.seed).to(device)
            with torch.autocast(device.type, kind or torch.bfloat16, enabled=kind is not None):
                value, _ = network.total(batch)
            optimiser.zero_grad(set_to_none=True)
            value.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
            optimiser.step()
            done += 1
        each = (time.perf_counter() - start) / done
        start = time.perf_counter()
        with torch.no_grad():
            first = next(iter(held.fixed(run.pairs, 1)))
            network.eval().scores(first.to(device))
        checking = (time.perf_counter() - start) * min(len(held), MOST_CHECKED) / run.pairs
    steps = max(1, round(run.minutes * 60 / (each + checking / run.validate_every)))
    return steps, {"seconds_per_step": round(each, 5), "seconds_per_validation": round(checking, 3)}


def _accelerator(device: str) -> str:
    if device not in ("auto", "cpu", "cuda"):
        raise InputError(f'There is no device "{device}".', "Say auto, cpu or cuda.")
    if device == "cuda" and not torch.cuda.is_available():
        raise InputError("This machine has no CUDA device that can be used.", "Say --device cpu.")
    return runtime.pick_device() if device == "auto" else device


@contextmanager
def _alone(output: Path) -> Iterator[None]:
    """Hold a run's folder for this process. Raises: InputError when another process trains there."""
    with (output / ".lock").open("w", encoding="utf-8") as file:
        if "LOCAL_RANK" not in os.environ:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise InputError(f"Another process is training in {output}.", "Wait for it to end.") from error
        yield


@contextmanager
def _own_threads(threads: int) -> Iterator[None]:
    before = torch.get_num_threads()
    if threads:
        torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def _quiet() -> Iterator[None]:
    """Lightning tells of devices and offers other products on standard error; none of it is for an examiner."""
    loggers = [logging.getLogger(name) for name in _QUIET]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)


@contextmanager
def _few_warnings() -> Iterator[None]:
    with warnings.catch_warnings():
        # Advice on the number of workers and on devices that were not asked for.
        warnings.simplefilter("ignore", PossibleUserWarning)
        # A word that torch means to change and Lightning still uses.
        warnings.filterwarnings("ignore", category=FutureWarning, message=".*LeafSpec.*")
        warnings.filterwarnings("ignore", message=".*(GPU available but not used|eval mode).*")
        yield
