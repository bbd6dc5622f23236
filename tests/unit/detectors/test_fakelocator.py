"""FakeLocator against the facts of its paper (arXiv 2001.09598): full-resolution map 0..1, gate of ones = no gate."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from detector_samples import CROP, SHAPE, crop, locator_card, network_of, write_package

from workstation.detectors.fakelocator.detector import load
from workstation.detectors.fakelocator.gate import organ_gate
from workstation.detectors.fakelocator.network import FakeLocator, LocatorShape
from workstation.domain.errors import CardInvalid, LandmarksUnusable
from workstation.domain.geometry import Point

WIDTHS = (4, 4, 8, 8)


@pytest.mark.parametrize("side", [32, 48, 64, 192])
def test_the_map_is_as_large_as_the_input(side: int) -> None:
    network = FakeLocator(LocatorShape(side, WIDTHS, 4)).eval()
    with torch.inference_mode():
        logits, classes = network(torch.randn(2, 3, side, side))
    assert logits.shape == (2, 1, side, side)
    assert classes.shape == (2, 2)
    field = torch.sigmoid(logits)
    assert ((field >= 0) & (field <= 1)).all()


def test_a_gate_of_ones_changes_nothing() -> None:
    torch.manual_seed(0)
    network = FakeLocator(SHAPE).eval()
    values = torch.randn(2, 3, 32, 32)
    with torch.inference_mode():
        plain = network(values)
        ones = network(values, torch.ones(2, 1, 32, 32))
        zeros = network(values, torch.zeros(2, 1, 32, 32))
        other = network(torch.randn(2, 3, 32, 32), torch.zeros(2, 1, 32, 32))
    for one, two in zip(plain, ones, strict=True):
        torch.testing.assert_close(one, two)
    assert not torch.allclose(plain[0], zeros[0])
    # What is gated away entirely cannot be seen.
    for one, two in zip(zeros, other, strict=True):
        torch.testing.assert_close(one, two)


def test_the_gate_is_brightest_on_the_organs() -> None:
    made = crop()
    gate = organ_gate(made.landmarks, CROP, 48)
    assert gate.shape == (48, 48)
    assert gate.dtype == np.float32
    assert 0 < gate.min() < gate.max() <= 1
    k = 48 / CROP
    for mark in (made.landmarks[0], made.landmarks[1], Point(32, 48)):
        assert gate[round(mark.y * k), round(mark.x * k)] > 0.9
    cheek = gate[round(40 * k), round(18 * k)]
    assert gate[0, 0] < 0.3 < cheek < 0.8


def test_the_gate_follows_the_face() -> None:
    marks = crop().landmarks
    moved = tuple(Point(p.x + 8, p.y - 6) for p in marks)
    one, two = organ_gate(marks, CROP, CROP), organ_gate(moved, CROP, CROP)
    np.testing.assert_allclose(two[10:50, 16:56], one[16:56, 8:48], atol=1e-3)


@pytest.mark.parametrize("wild", [Point(float("nan"), 3), Point(3, float("inf"))])
def test_landmarks_that_are_not_numbers_give_no_gate(wild: Point) -> None:
    with pytest.raises(LandmarksUnusable):
        organ_gate((wild, *crop().landmarks[1:]), CROP, 32)


def test_landmarks_on_one_point_or_far_away_still_give_a_gate() -> None:
    for point in (Point(32, 32), Point(1e9, -1e9)):
        gate = organ_gate((point,) * 5, CROP, 32)
        assert np.isfinite(gate).all()
        assert 0 <= gate.min() <= gate.max() <= 1


def test_a_card_chooses_the_gate(tmp_path: Path) -> None:
    """The package without a word on it and with "none" read alike; "organs" reads something else."""
    table = dict(locator_card().network)
    scores = []
    for name in ("", "none", "organs"):
        card = locator_card(network=table | ({"gate": name} if name else {}))
        folder = tmp_path / (name or "bare")
        detector = load(write_package(folder, card), folder, device="cpu", precision="float32")
        scores.append([reading.value for reading in detector.read([crop(1), crop(2)])])
    assert scores[0] == scores[1]
    assert scores[0] != scores[2]


@pytest.mark.parametrize(
    ("network", "said"),
    [
        ({"gate": "eyes"}, "network.gate"),
        ({"depth": 3}, "network.depth"),
        ({"widths": [4, 4, 8]}, "network.widths"),
        ({"widths": [4, 4, 8, 0]}, "network.widths"),
        ({"decoder": "four"}, "network.widths"),
    ],
)
def test_a_wrong_network_table_is_named(tmp_path: Path, network: dict[str, object], said: str) -> None:
    card = locator_card()
    good = write_package(tmp_path, card)
    from dataclasses import replace

    with pytest.raises(CardInvalid, match=said):
        load(replace(good, network=dict(card.network) | network), tmp_path, device="cpu", precision="float32")


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_readings_repeat_and_do_not_depend_on_the_batch(tmp_path: Path, precision: str) -> None:
    detector = load(write_package(tmp_path, locator_card()), tmp_path, device="cpu", precision=precision)
    crops = [crop(seed) for seed in range(5)]
    batch, again = detector.read(crops), detector.read(crops)
    slack = 1e-5 if precision == "float32" else 0.02
    for one, two, made in zip(batch, again, crops, strict=True):
        (alone,) = detector.read([made])
        assert one.value == two.value
        assert one.value == pytest.approx(alone.value, abs=slack)
        assert one.map is not None
        assert two.map is not None
        assert alone.map is not None
        assert one.map.shape == (32, 32)
        assert one.map.dtype == np.float32
        assert 0 <= one.map.min() <= one.map.max() <= 1
        assert np.array_equal(one.map, two.map)
        np.testing.assert_allclose(one.map, alone.map, atol=slack)
    assert len({reading.value for reading in batch}) > 3


def test_the_map_and_the_score_point_to_manipulated(tmp_path: Path) -> None:
    """A network whose last layers are pinned answers near 1 in both: 1 means manipulated."""
    network = network_of(locator_card())
    with torch.no_grad():
        for name, value in (("to_map", 4.0), ("classify", 0.0)):
            network.get_parameter(f"{name}.weight").zero_()
            network.get_parameter(f"{name}.bias").fill_(value)
        network.get_parameter("classify.bias").copy_(torch.tensor([-3.0, 3.0]))
    folder = tmp_path / "pinned"
    card = write_package(folder, locator_card(), network.state_dict())
    (reading,) = load(card, folder, device="cpu", precision="float32").read([crop()])
    assert reading.value == pytest.approx(1 / (1 + math.exp(-6)))
    assert reading.map is not None
    np.testing.assert_allclose(reading.map, 1 / (1 + math.exp(-4)), atol=1e-6)
