"""The network a run begins with: drawn from the seed, or with the weights of a package or of a CLIP file."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn

from workstation.detectors import registry
from workstation.detectors.adapter.network import AdapterNetwork, set_adapter_training
from workstation.detectors.cards import CARD_FILE
from workstation.detectors.clip_ln.network import ClipLn, set_ln_tuning
from workstation.detectors.effort.network import (
    build_network as build_effort,
)
from workstation.detectors.effort.network import merged_table, set_effort_training, split
from workstation.detectors.fakelocator.lite import DEPTH, LiteLocator
from workstation.detectors.fakelocator.network import FakeLocator
from workstation.detectors.importing.towers import read_tower
from workstation.detectors.mesonet.network import MesoNet
from workstation.detectors.mfclip.clip_start import start_from_clip
from workstation.detectors.mfclip.shapes import shapes_of
from workstation.detectors.mfclip.training import MfclipTrainer
from workstation.detectors.timm_vit.network import TimmVit, set_norm_tuning
from workstation.detectors.weights import check_digest
from workstation.domain.detectors import DetectorCard, InstalledDetector
from workstation.domain.errors import InputError
from workstation.training.bases import read_base
from workstation.training.batches import Material
from workstation.training.runs.config import Config
from workstation.training.runs.convolutions import AddNetTrainee, LocatorTrainee, MesoTrainee, MfclipTrainee
from workstation.training.runs.towers import AdapterTrainee, EffortTrainee, UnitTrainee, whiten_patches
from workstation.training.runs.trainee import Trainee

_TOWER = "tower."


def make_trainee(config: Config, card: DetectorCard, material: Material, detectors: Path | None = None) -> Trainee:
    """Build what is trained, on the CPU, with what is frozen frozen; drawn from the run's seed.

    Args:
        detectors: folder of the packages installed on this machine, for ``start_detector``.

    Raises:
        InputError: what it should start from is not there or does not fit.
        WeightsInvalid: the weights to start from are not sound.
    """
    with torch.random.fork_rng(devices=[]), torch.device("cpu"):
        torch.manual_seed(config.run.seed)
        trainee = _make(config, card, material, detectors)
    if not any(parameter.requires_grad for parameter in trainee.parameters()):
        raise InputError("Nothing of this network would be trained.", "Correct detector.train.")
    return trainee


def _make(config: Config, card: DetectorCard, material: Material, detectors: Path | None) -> Trainee:
    family, way, weights = config.detector.family, config.detector.train, config.weights()
    source = _source(config, detectors)
    if family == "mfclip":
        trainer = MfclipTrainer(*shapes_of(card))
        if isinstance(source, InstalledDetector):
            _give(trainer.network, _stored(source), source.card.id)
        elif source is not None:
            start_from_clip(trainer.language, source)
        return MfclipTrainee(trainer, weights, material.words)
    network = _started(card, source) if source is not None else registry.build(card)
    if isinstance(network, TimmVit):
        if way == "ln":
            set_norm_tuning(network)
        return UnitTrainee(network, weights, config.latent)
    if isinstance(network, AdapterNetwork):
        set_adapter_training(network)
        return AdapterTrainee(network, weights)
    if isinstance(network, (FakeLocator, LiteLocator)):
        if (gate := card.network.get("gate", "none")) == "parsing":
            raise InputError("A run gates FakeLocator by organs or by nothing.", 'Set gate to "organs" or "none".')
        return LocatorTrainee(network, weights, gated=gate == "organs")
    if isinstance(network, MesoNet):
        return MesoTrainee(network, weights)
    if not isinstance(network, ClipLn):
        return AddNetTrainee(network, weights)
    if family == "effort":
        set_effort_training(network)
        return EffortTrainee(network, weights)
    if way == "ln":
        set_ln_tuning(network)
    elif way == "scratch":
        whiten_patches(network, material, card.input, seed=config.run.seed)
    return UnitTrainee(network, weights, config.latent)


def _source(config: Config, detectors: Path | None) -> InstalledDetector | Path | None:
    part = config.detector
    if part.start_detector:
        return registry.find(part.start_detector, detectors)
    if not part.start:
        return None
    path = config.path(part.start)
    if path.is_dir() and (path / CARD_FILE).is_file():
        return registry.read_package(path)
    if not path.is_file():
        raise InputError(f"There are no weights to start from at {path}.", "Correct detector.start.")
    return path


def _started(card: DetectorCard, source: InstalledDetector | Path) -> nn.Module:
    """A network with the weights of ``source``: all of them, or those of a CLIP tower under what the family adds."""
    if isinstance(source, InstalledDetector) and source.card.family == card.family:
        network = registry.build(card)
        stored = _stored(source)
        if isinstance(network, LiteLocator) and source.card.network.get("depth", DEPTH) != network.shape.depth:
            # What looks at another number of depths has another decoder; the encoder's first layers are the same.
            wanted = {f"encoder.{name}" for name in network.encoder.state_dict()}
            stored = {name.removeprefix("encoder."): value for name, value in stored.items() if name in wanted}
            _give(network.encoder, stored, source.card.id)
        else:
            _give(network, stored, source.card.id)
        return network
    if isinstance(source, Path) and "encoder" in card.network:
        based = cast(LiteLocator, registry.build(card))
        # A published encoder is whole; of one that ends earlier here the later layers are left out.
        names = based.encoder.state_dict().keys()
        whole = based.shape.depth == DEPTH
        taken = {name: value for name, value in read_base(source).items() if whole or name in names}
        _give(based.encoder, taken, source.name)
        return based
    if card.family not in ("clip_ln", "effort", "adapter"):
        raise InputError(f"{card.family} starts from a package of its own family.", "Correct detector.start.")
    if isinstance(source, Path):
        tower, name = read_tower(source), source.name
        tower.pop("proj", None)
    elif source.card.family == "clip_ln":
        stored, name = _stored(source), source.card.id
        tower = {key.removeprefix(_TOWER): value for key, value in stored.items() if key.startswith(_TOWER)}
    else:
        raise InputError(f"{source.card.id} holds no tower that {card.family} could start from.", "Name another.")
    if card.family == "effort":
        # The tower is split after it has its weights: what is frozen and what is trained come from them.
        plain = build_effort(merged_table(card.network))
        _give(plain.tower, tower, name)
        split(plain, int(cast(int, card.network.get("rank", 1))))
        return plain
    network = registry.build(card)
    _give(network.get_submodule("tower"), tower, name)
    return network


def _stored(package: InstalledDetector) -> dict[str, Tensor]:
    from safetensors.torch import load_file

    if package.problem:
        raise InputError(f"{package.card.id} cannot be started from: {package.problem}.")
    folder = Path(package.folder)
    check_digest(package.card, folder)
    return {
        name: value.float() if value.is_floating_point() else value
        for name, value in load_file(folder / package.card.weights.file).items()
    }


def _give(network: nn.Module, tensors: dict[str, Tensor], name: str) -> None:
    try:
        network.load_state_dict(tensors, strict=True)
    except RuntimeError as error:
        reason = str(error).splitlines()[-1].strip()
        raise InputError(
            f"{name} does not fit the network to be trained: {reason}", "Correct detector.network."
        ) from error
