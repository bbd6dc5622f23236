"""MFCLIP as it is trained: the package's network together with the language side (arXiv 2409.09724)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as nnf
from torch import Tensor, nn
from torch.optim import Adam
from torch.optim.lr_scheduler import StepLR

from workstation.detectors.mfclip.labels import Authenticity, Codes, ForgeryLabel, compatible, leaves
from workstation.detectors.mfclip.language import LanguageEncoder
from workstation.detectors.mfclip.losses import MfclipLoss, agreement, contrastive
from workstation.detectors.mfclip.network import Mfclip, TextShape, direction
from workstation.detectors.mfclip.prompts import kinds_of, phrases, text_of, tokens
from workstation.detectors.mfclip.spa import SamplePairAttention
from workstation.detectors.mfclip.vision import VisionShape

_START, _MOST = math.log(1 / 0.07), math.log(100)


@dataclass(frozen=True, slots=True)
class Schedule:
    """Adam at ``rate`` with ``decay``, the rate divided by 10 every ``every`` epochs.

    These are the successor's settings (arXiv 2605.10071); MFCLIP's own were not published.
    """

    rate: float = 1e-4
    decay: float = 1e-3
    every: int = 15

    def optimiser(self, module: nn.Module) -> tuple[Adam, StepLR]:
        """The optimiser of a module's parameters, and the schedule to step once an epoch."""
        adam = Adam(module.parameters(), self.rate, weight_decay=self.decay)
        return adam, StepLR(adam, self.every, 0.1)


class MfclipTrainer(nn.Module):
    """``forward(pixels, labels)``: (N, 3, side, side) RGB in 0..1 and N labels, any N from 1, to the losses."""

    def __init__(self, vision: VisionShape, text: TextShape, pair_attention: str = "labels") -> None:
        super().__init__()
        self.levels = text.levels
        self.network = Mfclip(vision, text)
        self.language = LanguageEncoder(text.width, text.layers, text.heads, vision.width, text.read_out)
        self.pairs = SamplePairAttention(pair_attention)
        self.scale = nn.Parameter(torch.tensor(_START))

    def forward(self, pixels: Tensor, labels: Sequence[ForgeryLabel]) -> MfclipLoss:
        codes = [label.codes(self.levels) for label in labels]
        device = pixels.device
        manipulated = torch.tensor([label.authenticity is Authenticity.MANIPULATED for label in labels], device=device)
        rivals = torch.tensor([[not compatible(one, two) for two in codes] for one in codes], device=device)
        text = self.texts(codes).float()
        output = self.network(pixels)
        with torch.autocast(device.type, enabled=False):
            logits = self.scale.clamp(max=_MOST).exp() * output.feature @ nnf.normalize(text, dim=-1).T
            gated = self.pairs(logits, torch.tensor(codes, device=device))
            return MfclipLoss(
                nnf.cross_entropy(output.logits, manipulated.long()),
                contrastive(gated, rivals),
                agreement(text, output.predicted),
            )

    def texts(self, codes: Sequence[Codes]) -> Tensor:
        """Text features (N, width) of N labels' codes; a text that comes twice is read once."""
        distinct = list(dict.fromkeys(codes))
        made = tokens([text_of(kind) for kind in distinct]).to(self.scale.device)
        found: Tensor = self.language(made)
        return found[[distinct.index(kind) for kind in codes]]

    def package_tensors(self, taught: Iterable[ForgeryLabel] | None = None) -> dict[str, Tensor]:
        """The tensors of a package: the network's, with the text tower's features for the descriptions.

        A phrase's feature is the mean over the kinds of face it covers, so that only texts are read which training
        has shown. A phrase that covers none of them has zeros: nothing is said of how near a face is to it.

        Args:
            taught: the labels of the training data; without them one of every kind.
        """
        kinds = leaves(self.levels) if taught is None else tuple(dict.fromkeys(t.codes(self.levels) for t in taught))
        with torch.no_grad():
            features = dict(zip(kinds, direction(self.texts(kinds).float()), strict=True))
            described = torch.zeros_like(self.network.descriptions)
            for row, phrase in enumerate(phrases(self.levels)):
                if covered := kinds_of(phrase, kinds):
                    described[row] = direction(torch.stack([features[kind] for kind in covered]).mean(dim=0))
        return self.network.state_dict() | {"descriptions": described}
