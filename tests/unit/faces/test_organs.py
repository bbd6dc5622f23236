"""Regions of a face from its five landmarks: places, ranges, what they follow, and the gate drawn from them."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from workstation.detectors.fakelocator.gate import organ_gate
from workstation.domain.errors import LandmarksUnusable
from workstation.domain.geometry import Point
from workstation.faces.alignment import target_points
from workstation.faces.organs import ORGANS, REGIONS, organ_regions

MARKS = tuple(Point(float(x), float(y)) for x, y in target_points(256, 1.3))


def test_every_region_lies_on_its_landmark_and_is_soft() -> None:
    masks = organ_regions(MARKS, 256, 128)
    assert tuple(masks) == REGIONS
    for mask in masks.values():
        assert mask.shape == (128, 128)
        assert mask.dtype == np.float32
        assert mask.min() == 0.0
        assert mask.max() == pytest.approx(1.0)
        assert ((mask > 0.01) & (mask < 0.99)).any()
    eye, other, nose, corner, far = ((p.x / 2, p.y / 2) for p in MARKS)
    mouth = ((corner[0] + far[0]) / 2, (corner[1] + far[1]) / 2)
    for name, (x, y) in zip(ORGANS, (eye, other, nose, mouth), strict=True):
        assert masks[name][round(y), round(x)] > 0.95
        assert masks["face"][round(y), round(x)] > 0.95
    assert masks["left_eye"][:, :64].sum() > 20 * masks["left_eye"][:, 64:].sum()
    assert masks["right_eye"][:, 64:].sum() > 20 * masks["right_eye"][:, :64].sum()


def test_organs_are_parts_of_the_face() -> None:
    masks = organ_regions(MARKS, 256, 224)
    for name in ORGANS:
        inside = float((masks[name] * masks["face"]).sum() / masks[name].sum())
        assert inside > 0.97
        assert masks[name].sum() < 0.3 * masks["face"].sum()


def test_regions_turn_and_move_with_the_face() -> None:
    """A face turned by a quarter about the crop's centre has its regions turned by a quarter."""
    turned = tuple(Point(255 - p.y, p.x) for p in MARKS)
    upright, lying = organ_regions(MARKS, 256, 256), organ_regions(turned, 256, 256)
    for name in REGIONS:
        shared = np.minimum(np.rot90(upright[name], -1), lying[name]).sum() / lying[name].sum()
        assert shared > 0.97


def test_the_same_square_at_another_size_has_the_same_regions() -> None:
    large, small = organ_regions(MARKS, 256, 224), organ_regions(MARKS, 256, 56)
    for name in REGIONS:
        pooled = large[name].reshape(56, 4, 56, 4).mean(axis=(1, 3))
        assert float(np.abs(pooled - small[name]).mean()) < 0.04  # ellipses are drawn on whole pixels


def test_points_far_outside_still_give_regions_and_wild_numbers_none() -> None:
    far = tuple(Point(p.x * 1e7, -p.y * 1e7) for p in MARKS)
    for mask in organ_regions(far, 256, 32).values():
        assert np.isfinite(mask).all()
        assert 0 <= mask.min() <= mask.max() <= 1
    for wild in (float("nan"), float("inf")):
        with pytest.raises(LandmarksUnusable):
            organ_regions((Point(wild, 3.0), *MARKS[1:]), 256, 32)


def test_the_gate_drawn_from_the_regions_is_the_one_of_earlier_packages() -> None:
    """Packages were trained and sealed with this gate: not one bit of it may move."""
    marks = [Point(x, y) for x, y in ((86.0, 104.0), (170.0, 104.0), (128.0, 150.0), (95.0, 200.0), (160.0, 200.0))]
    gate = organ_gate(marks, 256, 48)
    rounded = np.rint(gate * 1000).astype(np.int16)
    assert (
        hashlib.sha256(rounded.tobytes()).hexdigest()
        == "164338fbd60fe1fd535856c629d12b68f87224371b788993cfadb6c5cec9a774"
    )
