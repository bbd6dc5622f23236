"""From the best weights of a run to a detector package whose card says what it was trained on and how."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

from safetensors.torch import load_file

from workstation.domain.detectors import DetectorCard, InstalledDetector
from workstation.domain.errors import InputError
from workstation.training.packaging import write_package
from workstation.training.runs.config import Config
from workstation.training.runs.record import Record
from workstation.training.runs.trainee import Trainee
from workstation.training.runs.watching import BEST

PACKAGES = "package"
_WAYS = {
    "ln": "LayerNorms and head trained, the rest frozen",
    "full": "all weights trained, from the weights it started with",
    "scratch": "all weights trained, from freshly drawn ones",
    "adapters": "what the family adds to a frozen tower trained, the tower frozen",
}
_LIMITS = (
    "The weights kept are those that did best on validation data, so figures on these data are chosen ones.",
    "How it differs between groups of people was not measured by the run that trained it.",
)


def write_trained(
    config: Config, card: DetectorCard, trainee: Trainee, record: Record, data: str, output: Path
) -> InstalledDetector:
    """Write the package of a run from its best weights, with a sealed self-test, and prove that it loads and scores.

    Raises:
        InputError: the run kept no weights.
        DetectorError: the package does not load, or scores differently alone and in a batch.
    """
    path = output / BEST
    if not path.is_file():
        raise InputError("The run ended before a validation; no weights were kept.", "Give it more steps.")
    trainee.load_state_dict(load_file(path))
    trainee.eval()
    text = training_text(config, record, data)
    origin = f"trained by a run of this program, weights at step {record.figures['best_step']}"
    finished = replace(
        card,
        training=text,
        limits=tuple(dict.fromkeys((*card.limits, *_LIMITS))),
        weights=replace(card.weights, origin=origin),
    )
    return write_package(finished, trainee.tensors(), output / PACKAGES / card.id)


def training_text(config: Config, record: Record, data: str) -> str:
    """What the card says on its training: data, way, losses, budget, figures and the digests of the run's record."""
    figures, part = record.figures, config.detector
    losses = ", ".join(f"{weight:g} x {name}" for name, weight in config.weights().items() if weight)
    started = part.start_detector or Path(part.start).name
    begun = f" Started from {started} (SHA-256 of its tensors {record.start})." if started else ""
    note = f" {config.data.note.strip()}" if config.data.note.strip() else ""
    left = f" Left out of training: {', '.join(config.data.leave_out)}." if config.data.leave_out else ""
    stopped = f" Stopped early: {figures['stopped']}." if figures.get("stopped") else ""
    return (
        f"Trained on {data}.{note}{left} {figures['faces']:,} crops in {figures['steps']:,} of {record.steps:,} steps "
        f"({record.environment['device']}, {record.environment['precision']}); {_WAYS[part.train]}.{begun} "
        f"Losses: {losses}.{stopped} Mean AUC on validation data at the kept step {figures['best_step']:,}: "
        f"{figures['best']:.3f}, by which the weights were chosen. Seed {record.seed}. Configuration SHA-256 "
        f"{record.config}; training data SHA-256 {record.data['train']}; validation data SHA-256 "
        f"{record.data['val']}."
    )


def digest_of_tensors(trainee: Trainee) -> str:
    """SHA-256 over names and values of every tensor of what is trained."""
    found = hashlib.sha256()
    for name, tensor in sorted(trainee.state_dict().items()):
        found.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        found.update(tensor.detach().cpu().contiguous().flatten().view(-1).numpy().tobytes())
    return found.hexdigest()
