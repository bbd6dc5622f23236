"""Each trace answers to what it is named for, put into one organ of a drawn face."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from workstation.detectors.drawn import drawn_crops
from workstation.detectors.traces import cooccurrence, grid
from workstation.detectors.traces.features import NAMES, WHOLE_NAMES, measure
from workstation.detectors.traces.regions import PARTS, means, parts_of
from workstation.detectors.traces.view import view_of
from workstation.domain.faces import FaceCrop
from workstation.domain.geometry import Affine
from workstation.faces.organs import organ_regions

SIDE = 320
MOUTH = PARTS.index("mouth")


def column(name: str) -> int:
    return [each for _, each in NAMES].index(name)


@pytest.fixture(scope="module")
def face() -> FaceCrop:
    return drawn_crops(SIDE, 1, seed=3)[0]


def changed(face: FaceCrop, rgb: np.ndarray, organ: str = "mouth") -> FaceCrop:
    """``face`` with ``rgb`` put in over one organ."""
    weight = organ_regions(face.landmarks, SIDE, SIDE)[organ][..., None]
    mixed = rgb.astype(np.float32) * weight + face.rgb * (1 - weight)
    return FaceCrop(np.clip(np.rint(mixed), 0, 255).astype(np.uint8), face.crop_from_frame, face.landmarks)


def moved(face: FaceCrop, rgb: np.ndarray, name: str, organ: int = MOUTH) -> float:
    at = column(name)
    return float(measure(changed(face, rgb)).parts[organ, at] - measure(face).parts[organ, at])


def test_noise_in_the_mouth_shows_there_and_not_in_the_eyes(face: FaceCrop) -> None:
    grain = np.random.default_rng(0).normal(0, 12, face.rgb.shape)
    rgb = np.clip(face.rgb + grain, 0, 255)
    assert moved(face, rgb, "level around") > 0.5
    assert abs(moved(face, rgb, "level around", PARTS.index("left_eye"))) < 0.05
    assert moved(face, rgb, "level twin", PARTS.index("nose")) < -0.5


def test_blur_in_the_mouth_lowers_its_detail(face: FaceCrop) -> None:
    assert moved(face, cv2.GaussianBlur(face.rgb, (0, 0), 1.5), "finest_to_fine around") < -0.3


def test_noise_of_each_channel_alone_breaks_their_bond(face: FaceCrop) -> None:
    random = np.random.default_rng(1)
    alike = np.clip(face.rgb + random.normal(0, 10, (SIDE, SIDE, 1)), 0, 255)
    apart = np.clip(face.rgb + random.normal(0, 10, (SIDE, SIDE, 3)), 0, 255)
    assert moved(face, apart, "red_green around") < moved(face, alike, "red_green around") - 0.2


def test_an_enlarged_mouth_has_a_peak_in_its_spectrum(face: FaceCrop) -> None:
    small = cv2.resize(face.rgb, (SIDE // 4, SIDE // 4), interpolation=cv2.INTER_AREA)
    assert moved(face, cv2.resize(small, (SIDE, SIDE), interpolation=cv2.INTER_NEAREST), "peak around") > 0.3


def jpeg(rgb: np.ndarray, quality: int, shift: int = 0) -> np.ndarray:
    padded = cv2.copyMakeBorder(rgb, shift, 0, shift, 0, cv2.BORDER_REFLECT)
    _, data = cv2.imencode(".jpg", padded[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.ascontiguousarray(cv2.imdecode(data, cv2.IMREAD_COLOR)[shift:, shift:, ::-1])


def test_another_grid_in_the_mouth_is_unlike_the_one_around(face: FaceCrop) -> None:
    same = FaceCrop(jpeg(face.rgb, 40), face.crop_from_frame, face.landmarks)
    at = [column("phase_x"), column("phase_y")]
    other = measure(changed(same, jpeg(face.rgb, 40, 4))).parts[MOUTH, at]
    assert other.sum() > measure(same).parts[MOUTH, at].sum() + 0.3


@pytest.mark.parametrize(("shift", "edges"), [(0, {2, 3}), (3, {7, 0})])
def test_the_grid_is_looked_for_where_the_frame_has_it(face: FaceCrop, shift: int, edges: set[int]) -> None:
    """Blocks begin at the crop's pixel 3; a crop that begins 3 pixels before the frame's first block has them at 0."""
    pressed = FaceCrop(jpeg(face.rgb, 30, 5), Affine(1, 0, shift, 0, 1, shift), face.landmarks)
    everywhere = np.full((1, SIDE // 8, SIDE // 8), (8 / SIDE) ** 2, np.float32)
    profile = grid.profiles(means(everywhere, grid.planes(view_of(pressed))))[0]
    assert set(profile.argmax(axis=-1).tolist()) <= edges


def test_pairs_of_residuals_are_counted_in_their_cells(face: FaceCrop) -> None:
    found = cooccurrence.planes(view_of(face))
    assert found.shape == (2 * cooccurrence.COUNT, SIDE // 8, SIDE // 8)
    inner = found[:, :-1, :-1].reshape(2, cooccurrence.COUNT, -1).sum(axis=1)
    assert np.allclose(inner, 1)


def test_brightness_of_the_whole_picture_is_no_trace(face: FaceCrop) -> None:
    """Halved contrast halves every residual alike; only rounding is left to differ."""
    half = FaceCrop((face.rgb // 2 + 60).astype(np.uint8), face.crop_from_frame, face.landmarks)
    at = [column("finest_to_fine around"), column("red_green around"), column("direction around")]
    assert np.abs(measure(half).parts[:, at] - measure(face).parts[:, at]).max() < 0.35


def test_what_lies_outside_the_frame_is_not_measured(face: FaceCrop) -> None:
    rgb = face.rgb.copy()
    rgb[SIDE // 2 :] = 0
    cut = FaceCrop(rgb, face.crop_from_frame, face.landmarks)
    assert not parts_of(cut).inside[MOUTH].any()
    found = measure(cut)
    assert np.isnan(found.parts[MOUTH, column("level around")])
    assert np.isfinite(found.parts[PARTS.index("left_eye"), column("level around")])
    assert found.whole.shape == (len(WHOLE_NAMES),)
    assert np.isfinite(found.context).all()


def test_a_black_pupil_does_not_hide_an_eye(face: FaceCrop) -> None:
    rgb = face.rgb.copy()
    eye = face.landmarks[0]
    cv2.circle(rgb, (round(eye.x), round(eye.y)), 6, (0, 0, 0), -1)
    seen = parts_of(FaceCrop(rgb, face.crop_from_frame, face.landmarks))
    assert np.allclose(seen.inside[0], parts_of(face).inside[0])
