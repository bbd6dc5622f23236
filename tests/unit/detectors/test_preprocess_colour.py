"""A card says in which order of colours its network is fed; mean and std stand in that order."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from detector_samples import CROP, crop

from workstation.detectors.preprocess import pixels
from workstation.domain.detectors import InputSpec


@pytest.mark.parametrize("interpolation", ["area", "bilinear", "bicubic"])
def test_bgr_is_rgb_with_its_channels_the_other_way_round(interpolation: str) -> None:
    spec = InputSpec(32, CROP, 1.3, (0.1, 0.2, 0.3), (0.5, 0.6, 0.7), interpolation)
    turned = replace(spec, mean=spec.mean[::-1], std=spec.std[::-1], colour="bgr")
    one, two = pixels([crop(1), crop(2)], spec), pixels([crop(1), crop(2)], turned)
    assert np.array_equal(one, two[:, ::-1])
    assert not np.array_equal(one, two)
    assert two.flags.c_contiguous


def test_mean_and_std_apply_in_the_order_the_network_is_fed() -> None:
    face = crop(3)
    spec = InputSpec(CROP, CROP, 1.3, (0.0, 0.0, 1.0), (1.0, 1.0, 2.0), "area", "bgr")
    (found,) = pixels([face], spec)
    assert np.allclose(found[0], face.rgb[..., 2] / 255)
    assert np.allclose(found[2], (face.rgb[..., 0] / 255 - 1) / 2)
