"""Training of a small MFCLIP on a pool (arXiv 2409.09724): its three losses, with as many words as the pool is worth.

The pool's forgeries are made by a program, so no family and no generator is known of them, and of a self-blended face
not even the type: it is somebody's own face. Two levels of words are all that can be taught here.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from workstation.detectors.mfclip.clip_start import start_from_clip
from workstation.detectors.mfclip.labels import ForgeryLabel, ForgeryType, genuine, manipulated
from workstation.detectors.mfclip.presets import small_card
from workstation.detectors.mfclip.shapes import shapes_of
from workstation.detectors.mfclip.training import MfclipTrainer
from workstation.domain.detectors import DetectorCard
from workstation.domain.errors import InputError
from workstation.training.batches import Batch, Batches
from workstation.training.forgeries import Kind
from workstation.training.loop import Outcome, Recipe, train
from workstation.training.pool import KINDS, load

WORDS: dict[Kind, ForgeryLabel] = {
    Kind.SELF_BLEND: manipulated(),
    Kind.OTHER_ORGANS: manipulated(ForgeryType.ATTRIBUTE_MANIPULATION),
    Kind.OTHER_FACE: manipulated(ForgeryType.IDENTITY_SWAP),
    Kind.OWN_ORGANS: manipulated(ForgeryType.ATTRIBUTE_MANIPULATION),
}


def loss(network: nn.Module, batch: Batch) -> Tensor:
    """The sum of MFCLIP's losses."""
    device = next(network.parameters()).device
    labels = [genuine()] * len(batch.kinds) + [WORDS[KINDS[kind]] for kind in batch.kinds.tolist()]
    total: Tensor = network(batch.pixels.to(device), labels).total
    return total


def scores(network: nn.Module, pixels: Tensor) -> Tensor:
    """Softmax of class "manipulated"."""
    assert isinstance(network, MfclipTrainer)
    found: Tensor = network.network(pixels).logits.softmax(dim=-1)[:, 1]
    return found


def train_mfclip(
    pool: Path,
    keep: Path,
    recipe: Recipe,
    card: DetectorCard | None = None,
    tell: Callable[[str], None] = print,
    *,
    clip: Path | None = None,
) -> Outcome:
    """Train on the pool in ``pool`` and keep the best weights, the language side's among them, in ``keep``.

    ``clip`` is a published CLIP file whose text tower the language side starts from; ``card`` must be of its size.
    """
    torch.manual_seed(recipe.seed)
    card = card or small_card()
    trainer = MfclipTrainer(*shapes_of(card))
    if clip is not None:
        start_from_clip(trainer.language, clip)
    streams = [
        Batches(load(pool, name), card.input.size, card.input.mean, card.input.std, strength=strength, apart=apart)
        for name, strength, apart in (("train", 1.0, 1.0), ("held", 0.6, 0.5))
    ]
    drawn = streams[0].endless(recipe.pairs, recipe.seed)
    return train(trainer, drawn, lambda: streams[1].fixed(64, 1), loss, scores, recipe, keep, tell)


def package_tensors(weights: Path, card: DetectorCard) -> dict[str, Tensor]:
    """The tensors of a package out of what `train_mfclip` kept for ``card``.

    Raises:
        InputError: the file is missing or was kept for another card.
    """
    trainer = MfclipTrainer(*shapes_of(card))
    try:
        trainer.load_state_dict(load_file(weights))
    except Exception as error:
        raise InputError(f"{weights.name} holds no weights for {card.id} ({error}).", "Train first.") from error
    return trainer.eval().package_tensors([genuine(), *WORDS.values()])
