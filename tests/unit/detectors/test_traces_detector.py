"""The traces family as a package: loading, reading, refusing."""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np
import pytest
import torch

from workstation.detectors import registry
from workstation.detectors.drawn import drawn_crops
from workstation.detectors.packages import fresh_package
from workstation.detectors.traces.cards import MAP_SIDE, SIDE, small_card
from workstation.detectors.traces.detector import build, painted, tensors
from workstation.detectors.traces.features import measure
from workstation.domain.detectors import Detector, DetectorCard, Direction, InstalledDetector
from workstation.domain.errors import CardInvalid, DetectorError, InputError


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> InstalledDetector:
    folder = tmp_path_factory.mktemp("traces-small")
    return InstalledDetector(fresh_package(folder, small_card()), str(folder), False)


@pytest.fixture(scope="module")
def detector(package: InstalledDetector) -> Detector:
    return registry.load(package, device="cpu")


def test_scores_and_maps_are_in_range_and_the_same_alone_and_together(detector: Detector) -> None:
    crops = drawn_crops(SIDE, 3, seed=1)
    together = detector.read(crops)
    for crop, reading in zip(crops, together, strict=True):
        (alone,) = detector.read([crop])
        assert reading.map is not None
        assert alone.map is not None
        assert 0 <= reading.value <= 1
        assert reading.map.shape == (MAP_SIDE, MAP_SIDE)
        assert 0 <= reading.map.min() <= reading.map.max() <= 1
        assert alone.value == pytest.approx(reading.value, abs=1e-6)
        assert np.allclose(alone.map, reading.map, atol=1e-6)


def test_the_package_answers_its_self_test(package: InstalledDetector) -> None:
    assert registry.verify(package).ok


def test_a_map_is_bright_where_its_part_stands_out() -> None:
    (crop,) = drawn_crops(SIDE, 1)
    field = painted(crop, (0.0, 0.0, 0.0, 0.9, 0.0), MAP_SIDE)
    mouth, eye = crop.landmarks[3], crop.landmarks[0]
    k = MAP_SIDE / SIDE
    assert field[int(mouth.y * k), int((crop.landmarks[3].x + crop.landmarks[4].x) / 2 * k)] > 0.8
    assert field[int(eye.y * k), int(eye.x * k)] < 0.05


def test_what_could_not_be_measured_stands_out_by_nothing() -> None:
    network = build(small_card())
    parts, whole, context = tensors([measure(drawn_crops(SIDE, 1)[0])])
    blank = network(torch.full_like(parts, torch.nan), whole, context)
    assert torch.isfinite(blank[0]).all()
    zero = network.part(torch.full_like(parts, torch.nan), context)
    assert not zero.any()


@pytest.mark.parametrize(
    ("card", "named"),
    [
        (dataclasses.replace(small_card(), network={"measures": 2}), "measures"),
        (dataclasses.replace(small_card(), network={}), "measures"),
        (dataclasses.replace(small_card(), input=dataclasses.replace(small_card().input, size=160)), "crop_size"),
        (
            dataclasses.replace(
                small_card(), output=dataclasses.replace(small_card().output, direction=Direction.LOWER_IS_MANIPULATED)
            ),
            "higher",
        ),
    ],
)
def test_a_card_this_family_cannot_run_is_refused(card: DetectorCard, named: str) -> None:
    with pytest.raises(CardInvalid, match=named):
        build(card)


def test_a_setting_and_a_crop_of_another_size_are_refused(package: InstalledDetector, detector: Detector) -> None:
    with pytest.raises(DetectorError, match="sharpness"):
        registry.load(package, device="cpu", settings={"sharpness": "1"})
    with pytest.raises(InputError, match="320"):
        detector.read(drawn_crops(256, 1))


def test_pictures_of_one_colour_get_a_score(detector: Detector) -> None:
    (crop,) = drawn_crops(SIDE, 1)
    for level in (0, 128, 255):
        flat = dataclasses.replace(crop, rgb=np.full((SIDE, SIDE, 3), level, np.uint8))
        assert 0 <= detector.read([flat])[0].value <= 1
    assert 0 <= detector.read([dataclasses.replace(crop, rgb=cv2.blur(crop.rgb, (31, 31)))])[0].value <= 1
