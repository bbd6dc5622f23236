"""A MFCLIP small enough to train within a test, and faces of three kinds to teach it."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import torch

from workstation.detectors.drawn import drawn_crops
from workstation.detectors.mfclip.labels import ForgeryLabel, ForgeryType, genuine, manipulated
from workstation.detectors.mfclip.network import TextShape
from workstation.detectors.mfclip.presets import small_card
from workstation.detectors.mfclip.shapes import table_of
from workstation.detectors.mfclip.vision import VisionShape
from workstation.domain.detectors import DetectorCard
from workstation.domain.faces import FaceCrop

SIDE = 48
TINY = VisionShape(
    side=SIDE,
    image=((8, 1), (16, 1), (32, 1)),
    noise=((8, 1), (16, 1)),
    width=32,
    heads=4,
    mlp=64,
    image_depth=2,
    noise_depth=1,
)
TEXT = TextShape(width=32, layers=2, heads=2)


def tiny_card(levels: int = 4) -> DetectorCard:
    card = small_card(levels)
    spec = replace(card.input, size=SIDE, crop_size=SIDE)
    return replace(card, id="mfclip-tiny", input=spec, network=table_of(TINY, replace(TEXT, levels=levels)))


def tensor(crops: list[FaceCrop]) -> torch.Tensor:
    """(N, 3, side, side) in 0..1."""
    return torch.from_numpy(np.stack([crop.rgb for crop in crops])).permute(0, 3, 1, 2).float() / 255


def taught(count: int, seed: int) -> tuple[list[FaceCrop], list[ForgeryLabel]]:
    """``count`` drawn faces of each of three kinds: as drawn; smoothed all over; the middle mirrored and noisy."""
    random = np.random.default_rng(seed)
    crops: list[FaceCrop] = []
    low, high = SIDE // 4, 3 * SIDE // 4
    for crop in drawn_crops(SIDE, count, seed):
        smooth = cv2.GaussianBlur(crop.rgb, (0, 0), 1.5)
        pasted = crop.rgb.astype(np.float64)
        pasted[low:high, low:high] = pasted[low:high, low:high][::-1] + random.normal(
            0, 25, (high - low, high - low, 3)
        )
        for rgb in (crop.rgb, smooth, np.clip(pasted, 0, 255).astype(np.uint8)):
            crops.append(FaceCrop(np.asarray(rgb, np.uint8), crop.crop_from_frame, crop.landmarks))
    labels = [genuine(), manipulated(ForgeryType.ENTIRE_SYNTHESIS), manipulated(ForgeryType.IDENTITY_SWAP)]
    return crops, labels * count
