"""ADDNet's mask and its two families as packages: scores of faces, scores of tracks, refusals."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from workstation.detectors import registry
from workstation.detectors.addnet import cards, detector_2d, detector_3d
from workstation.detectors.addnet.mask import organ_mask, organ_masks
from workstation.detectors.drawn import drawn_crops
from workstation.detectors.packages import fresh_package, write_package
from workstation.domain.detectors import DetectorCard, InstalledDetector, Level, OutputSpec, TrackContext
from workstation.domain.errors import CardInvalid, DetectorError, InputError, LandmarksUnusable
from workstation.domain.faces import FaceCrop
from workstation.domain.geometry import Affine, Point


def _tiny(card: DetectorCard, **changes: object) -> DetectorCard:
    side = 76 if card.family == "addnet2d" else 48
    network = dict(card.network) | {"entry": [4, 4, 6, 6, 8]}
    network |= {"middle": 1, "exit": [8, 10, 12], "head": 4} if card.family == "addnet2d" else {"volume": [6, 6, 8]}
    shape = replace(card.input, size=side, crop_size=96)
    return replace(card, **({"input": shape, "network": network} | changes))  # type: ignore[arg-type]  # card's fields


def _package(folder: Path, card: DetectorCard) -> InstalledDetector:
    """A package whose batch norms have statistics of their own: fresh ones let a small signal fade to nothing."""
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(3)
        network = registry.build(card)
        for part in network.modules():
            if isinstance(part, torch.nn.BatchNorm2d | torch.nn.BatchNorm3d):
                part.running_var.fill_(0.05)
                part.bias.normal_(0.1, 0.2)
    return InstalledDetector(write_package(folder, card, network.state_dict()), str(folder), False)


def _context(count: int) -> TrackContext:
    return TrackContext(tuple(n / 25 for n in range(count)))


def test_the_mask_is_brightest_on_organs_darker_on_the_face_and_near_black_around() -> None:
    (crop,) = drawn_crops(256, 1)
    mask = organ_mask(crop.landmarks, 256, 224)
    assert mask.shape == (224, 224)
    assert mask.dtype == np.float32
    assert 0 <= mask.min() < 0.1
    assert 0.95 < mask.max() <= 1
    k = 224 / 256
    eye, other, nose, corner, far = crop.landmarks
    mouth = Point((corner.x + far.x) / 2, (corner.y + far.y) / 2)
    brow = Point(eye.x, eye.y - 0.3 * (other.x - eye.x))
    for organ in (eye, other, nose, mouth, brow):
        assert mask[round(organ.y * k), round(organ.x * k)] > 0.75
    forehead = mask[round((eye.y - 0.95 * (other.x - eye.x)) * k), round(nose.x * k)]
    assert 0.3 < forehead < 0.7
    for corner_of_picture in (mask[0, 0], mask[0, -1], mask[-1, 0], mask[-1, -1]):
        assert corner_of_picture < 0.1
    # Soft everywhere: no step larger than a few hundredths from one pixel to the next.
    assert max(np.abs(np.diff(mask, axis=0)).max(), np.abs(np.diff(mask, axis=1)).max()) < 0.1


def test_the_mask_follows_the_landmarks_of_each_crop() -> None:
    one, two = drawn_crops(96, 2)
    moved = tuple(Point(p.x + 10, p.y) for p in two.landmarks)
    masks = organ_masks([one, FaceCrop(two.rgb, Affine(1, 0, 0, 0, 1, 0), moved)], 96)  # type: ignore[arg-type]  # five
    assert masks.shape == (2, 1, 96, 96)
    np.testing.assert_allclose(masks[1, 0, :, 20:80], masks[0, 0, :, 10:70], atol=1e-5)


@pytest.mark.parametrize("wild", [float("nan"), float("inf")])
def test_no_mask_without_usable_landmarks(wild: float) -> None:
    (crop,) = drawn_crops(96, 1)
    with pytest.raises(LandmarksUnusable):
        organ_mask((Point(wild, 1.0), *crop.landmarks[1:]), 96, 48)


def test_the_cards_say_what_they_are_and_build() -> None:
    with torch.device("meta"):
        for card in (cards.paper_card_2d(), cards.small_card_2d()):
            assert card.output.level is Level.FACE
            detector_2d.build(card)
        for card in (cards.paper_card_3d(), cards.small_card_3d()):
            assert card.output.level is Level.TRACK
            assert (card.output.least, card.output.sequence) == (4, 16)
            detector_3d.build(card)
        small = sum(p.numel() for p in detector_2d.build(cards.small_card_2d()).parameters())
    assert small < 500_000


def test_the_2d_package_scores_faces_again_and_again_alike(tmp_path: Path) -> None:
    package = _package(tmp_path, _tiny(cards.small_card_2d()))
    assert package.card.self_test is not None
    assert not registry.verify(package).bad
    detector = registry.load(package, device="cpu", precision="float32")
    crops = drawn_crops(96, 5, seed=8)
    readings = detector.read(crops)
    assert [r.value for r in readings] == [r.value for r in detector.read(crops)]
    for crop, reading in zip(crops, readings, strict=True):
        assert 0 < reading.value < 1
        assert reading.map is None
        assert detector.read([crop])[0].value == pytest.approx(reading.value, abs=1e-5)
    assert len({r.value for r in readings}) == 5
    elsewhere = tuple(Point(p.x, p.y + 25) for p in crops[0].landmarks)
    moved = FaceCrop(crops[0].rgb, crops[0].crop_from_frame, elsewhere)  # type: ignore[arg-type]  # five points
    assert detector.read([moved])[0].value != readings[0].value


def test_the_3d_package_scores_tracks_and_no_single_frame(tmp_path: Path) -> None:
    package = _package(tmp_path, _tiny(cards.small_card_3d()))
    assert package.card.self_test is not None
    assert not registry.verify(package).bad
    detector = registry.load(package, device="cpu", precision="float32")
    assert isinstance(detector, detector_3d.AddNet3dDetector)
    crops = drawn_crops(96, 16, seed=8)
    with pytest.raises(InputError, match="whole tracks"):
        detector.read(crops)
    whole = detector.read_track(crops, _context(16))
    assert whole.value is not None
    assert 0 < whole.value < 1
    assert whole.note == ""
    assert detector.read_track(crops, _context(16)) == whole
    assert detector.read_track(crops[::-1], _context(16)).value != whole.value
    part = detector.read_track(crops[:7], _context(7))
    assert part.value != whole.value
    assert "7 frames" in part.note
    for count in (3, 17):
        with pytest.raises(InputError, match="4 to 16"):
            detector.read_track(drawn_crops(96, count), _context(count))
    with pytest.raises(InputError, match="times"):
        detector.read_track(crops, _context(15))


def test_half_precision_is_near(tmp_path: Path) -> None:
    crops = drawn_crops(96, 6, seed=8)
    for card in (cards.small_card_2d(), cards.small_card_3d()):
        package = _package(tmp_path / card.id, _tiny(card))
        scores = []
        for precision in ("float32", "bfloat16"):
            detector = registry.load(package, device="cpu", precision=precision)
            if isinstance(detector, detector_3d.AddNet3dDetector):
                scores.append([detector.read_track(crops, _context(6)).value])
            else:
                scores.append([reading.value for reading in detector.read(crops)])
        np.testing.assert_allclose(scores[0], scores[1], atol=0.05)


def test_untrained_packages_can_be_made_of_both_families(tmp_path: Path) -> None:
    for card in (cards.small_card_2d(), cards.small_card_3d()):
        folder = tmp_path / card.id
        made = fresh_package(folder, _tiny(card), seed=1)
        assert not registry.verify(InstalledDetector(made, str(folder), False)).bad


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"network": {"entry": [4, 4, 6, 6, 8], "depth": 2}}, "network.depth"),
        ({"network": {"entry": [4, 4, 6, 6]}}, "network.entry"),
        ({"network": {"entry": [4, 4, 6, 6, 8], "exit": [8, 8, 8], "middle": 0, "head": 4}}, "network.middle"),
        ({"network": {"entry": [4, 4, 6, 6, 8], "exit": [8, 8, True], "middle": 1, "head": 4}}, "network.exit"),
        ({"input": replace(cards.small_card_2d().input, size=48)}, "too small"),
        ({"output": replace(cards.small_card_2d().output, map_size=8)}, "map_size"),
        ({"output": cards.small_card_3d().output}, "output.level"),
    ],
)
def test_a_wrong_2d_card_is_refused_by_name(changes: dict[str, object], said: str) -> None:
    with pytest.raises(CardInvalid, match=said):
        detector_2d.build(_tiny(cards.small_card_2d(), **changes))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"network": {"entry": [4, 4, 6, 6, 8], "volume": [8, 8]}}, "network.volume"),
        ({"network": {"entry": [4, 4, 6, 6, 8], "volume": [8, 8, 8], "middle": 8}}, "network.middle"),
        ({"input": replace(cards.small_card_3d().input, size=16)}, "too small"),
        (
            {"output": OutputSpec(cards.small_card_3d().output.direction, "uncalibrated", False)},
            "output.level",
        ),
    ],
)
def test_a_wrong_3d_card_is_refused_by_name(changes: dict[str, object], said: str) -> None:
    with pytest.raises(CardInvalid, match=said):
        detector_3d.build(_tiny(cards.small_card_3d(), **changes))


def test_settings_that_are_not_known_are_refused(tmp_path: Path) -> None:
    for card, family in ((cards.small_card_2d(), detector_2d), (cards.small_card_3d(), detector_3d)):
        with pytest.raises(DetectorError, match="merge"):
            family.load(_tiny(card), tmp_path, device="cpu", precision="float32", settings={"merge": "4"})
