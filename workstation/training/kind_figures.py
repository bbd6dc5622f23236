"""Figures of single kinds of forgery for a card: on pairs of equal sharpness, beside the best shortcut on these (V4).

Both classes were decoded and compressed alike before faces were looked for (:mod:`workstation.training.labelled`), and
every shortcut is taken of what the detector was given afterwards: nothing of the file as it was found enters, neither
for the detector nor for the shortcut.
"""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from workstation.domain.kinds_of_forgery import ForgeryClass, KindFigure
from workstation.domain.media import RgbArray
from workstation.training import shortcuts
from workstation.training.labelled import QUALITY, Seen
from workstation.training.measures import Values, matched, paired_auc_figure, rank_correlation

SAME_SHARPNESS = 0.1
LEAST_PAIRS = 10
CONDITIONS = f"both classes re-encoded at JPEG {QUALITY}, pairs of equal sharpness"

# Of each labelled set of `evaluation.SETS`, by name. A set of several kinds has none: its figure would be of neither.
KIND_OF_SET: Mapping[str, ForgeryClass | None] = {
    "CIPLAB composites": ForgeryClass.PARTS,
    "CIPLAB composites, JPEG quality 94 only": ForgeryClass.PARTS,
    "LFW face swaps": ForgeryClass.FACE_SWAP,
    "StyleGAN2 against FFHQ": ForgeryClass.WHOLE_GAN,
    "Stable Diffusion 2.1 (SDFD) against FFHQ": ForgeryClass.WHOLE_DIFFUSION,
    "FaceForensics++ c23 and Celeb-DF v2 crops": None,
}


@dataclass(frozen=True, slots=True)
class Member:
    """One scored item: its value, higher where manipulated, and what every shortcut says of it.

    ``shortcuts`` must hold "sharpness", by which pairs are made.
    """

    value: float
    shortcuts: Mapping[str, float]


def as_member(one: Seen, value: float) -> Member:
    """A picture with its face as a member; ``value`` is the detector's, turned."""
    picture = {"size": float(one.height * one.width), "bytes": float(compressed(one.crop.rgb))}
    return Member(value, shortcuts.of_crop(one.crop.rgb) | picture | {"sharpness": one.sharpness})


def kind_figure(
    kind: ForgeryClass,
    dataset: str,
    genuine: Sequence[Member],
    manipulated: Sequence[Member],
    conditions: str = CONDITIONS,
    *,
    draws: int = 2000,
) -> KindFigure | None:
    """The figure of one kind on one set; None when fewer than `LEAST_PAIRS` pairs of equal sharpness are there.

    Detector and shortcuts are measured on the same pairs. The interval is over whole pairs and rounded outwards; the
    shortcut's AUC is that of the best of all, whichever way it points, and rounded up. The rank correlation is over
    every genuine item, paired or not.
    """
    if not genuine or not manipulated:
        return None
    pairs = matched(_column(genuine, "sharpness"), _column(manipulated, "sharpness"), SAME_SHARPNESS)
    if len(pairs) < LEAST_PAIRS:
        return None
    one, two = [genuine[a] for a, _ in pairs], [manipulated[b] for _, b in pairs]
    x, y = np.array([m.value for m in one]), np.array([m.value for m in two])
    figure = paired_auc_figure(x, y, np.arange(len(pairs)), draws=draws)
    table = {name: np.concatenate([_column(one, name), _column(two, name)]) for name in one[0].shortcuts}
    flags = np.arange(2 * len(pairs)) >= len(pairs)
    name, best = shortcuts.best(shortcuts.separations(table, flags))
    among = rank_correlation(np.array([m.value for m in genuine]), _column(genuine, "sharpness"))
    return KindFigure(
        kind=kind,
        dataset=dataset,
        items_genuine=len(pairs),
        items_manipulated=len(pairs),
        groups=len(pairs),
        conditions=conditions,
        auc=round(figure.value, 4),
        low=math.floor(figure.low * 1e4) / 1e4,
        high=math.ceil(figure.high * 1e4) / 1e4,
        shortcut=name,
        shortcut_auc=math.ceil(best * 1e4) / 1e4,
        spearman=round(among, 4) if math.isfinite(among) else None,
    )


def _column(members: Sequence[Member], name: str) -> Values:
    return np.array([one.shortcuts[name] for one in members], np.float64)


def compressed(rgb: RgbArray) -> int:
    """Bytes of a crop as JPEG: how much there is in it to store."""
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(rgb)).save(buffer, "JPEG", quality=QUALITY)
    return buffer.tell()
