"""The forger's hands: blends, warps, sharpness and grain, each held to what it promises."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from training_samples import face

from workstation.domain.geometry import Point
from workstation.training.forging.blends import compose, poisson, pyramid
from workstation.training.forging.retouch import even_spectrum, grain, match_colour, regrain, with_light_of
from workstation.training.forging.shapes import ellipses, organ_mask, touched, whole_mask
from workstation.training.forging.sharpening import retarget, variance
from workstation.training.forging.warps import expression, place_exactly
from workstation.training.kinds import Blend, Organ, mirrored

TARGET, SOURCE = face(1), face(2)


def spot(x: int = 128, y: int = 128, reach: int = 40) -> np.ndarray:
    mask = np.zeros((256, 256), np.float32)
    cv2.circle(mask, (x, y), reach, 1.0, -1)
    return mask


@pytest.mark.parametrize("how", list(Blend))
def test_every_blend_is_exact_outside_its_mask_and_leaves_what_it_was_given(how: Blend) -> None:
    mask, before = spot(), (SOURCE.rgb.copy(), TARGET.rgb.copy())
    kept = mask.copy()
    forged, exact = compose(how, SOURCE.rgb, TARGET.rgb, mask)
    assert np.array_equal(forged[exact == 0], TARGET.rgb[exact == 0])
    assert np.abs(forged - TARGET.rgb)[exact > 0.5].mean() > 1
    assert 0 <= exact.min() <= exact.max() <= 1
    assert (exact == 0).mean() > 0.5
    assert np.array_equal(mask, kept)
    assert np.array_equal(SOURCE.rgb, before[0])
    assert np.array_equal(TARGET.rgb, before[1])


@pytest.mark.parametrize("place", [(128, 128), (60, 90), (199, 160), (101, 78)])
def test_cloning_a_picture_into_itself_changes_nothing(place: tuple[int, int]) -> None:
    """A shift of one pixel would show here: OpenCV places by the middle of the mask's box."""
    for reach in (20, 21, 33):
        forged, _ = poisson(TARGET.rgb, TARGET.rgb, spot(*place, reach))
        assert np.abs(forged - TARGET.rgb).max() <= 2


def test_a_cloned_mask_is_not_turned_inside_out() -> None:
    forged, exact = poisson(SOURCE.rgb, TARGET.rgb, spot())
    assert exact[128, 128] == 1
    assert exact[10, 10] == 0
    assert (exact > 0).mean() == pytest.approx((spot() > 0).mean(), abs=0.01)
    assert np.array_equal(forged[:40], TARGET.rgb[:40])


def test_a_pyramid_of_one_picture_is_that_picture() -> None:
    forged, _ = pyramid(TARGET.rgb, TARGET.rgb, spot())
    assert np.abs(forged - TARGET.rgb).max() < 0.01


def test_the_spline_puts_every_landmark_on_its_mark() -> None:
    marks = tuple(
        Point(p.x + dx, p.y + dy)
        for p, (dx, dy) in zip(TARGET.marks, ((6, 2), (-3, 4), (0, -7), (8, 5), (-5, 6)), strict=True)
    )
    dots = np.zeros((256, 256, 3), np.float32)
    for mark in TARGET.marks:
        cv2.circle(dots, (round(mark.x), round(mark.y)), 3, (255, 255, 255), -1)
    moved = place_exactly(dots, TARGET.marks, marks, 256)[..., 0]
    for mark in marks:
        near = moved[round(mark.y) - 8 : round(mark.y) + 9, round(mark.x) - 8 : round(mark.x) + 9]
        ys, xs = np.mgrid[-8:9, -8:9]
        assert abs((near * xs).sum() / near.sum()) < 1.2
        assert abs((near * ys).sum() / near.sum()) < 1.2


def test_the_spline_to_the_same_marks_is_still() -> None:
    assert np.abs(place_exactly(TARGET.rgb, TARGET.marks, TARGET.marks, 256) - TARGET.rgb).max() < 1


@pytest.mark.parametrize("seed", range(8))
def test_an_expression_moves_the_organs_and_nothing_far_from_them(seed: int) -> None:
    warped, mask = expression(TARGET.rgb, TARGET.marks, np.random.default_rng(seed))
    assert np.abs(warped - TARGET.rgb)[mask == 0].max() < 20
    assert 0.02 < (mask > 0).mean() < 0.6
    assert mask[:10].max() == mask[-3:].max() == 0
    assert touched(mask, TARGET.marks) & (Organ.MOUTH | Organ.LEFT_BROW | Organ.RIGHT_BROW)


@pytest.mark.parametrize("factor", [0.3, 0.6, 0.9, 1.5, 2.5])
def test_sharpness_is_brought_to_what_is_asked_for(factor: float) -> None:
    for rgb in (TARGET.rgb, cv2.GaussianBlur(SOURCE.rgb, (0, 0), 1.0)):
        wanted = variance(rgb) * factor
        assert variance(retarget(rgb, wanted)) == pytest.approx(wanted, rel=0.03)


def test_sharpness_within_a_mask_alone_is_measured() -> None:
    inside = spot(reach=60) > 0
    made = retarget(TARGET.rgb, variance(TARGET.rgb, inside) * 1.4, inside)
    assert variance(made, inside) == pytest.approx(variance(TARGET.rgb, inside) * 1.4, rel=0.03)


@pytest.mark.parametrize("seen", [112, 160, 224, 300])
def test_sharpness_is_that_of_what_will_be_seen(seen: int) -> None:
    wanted = variance(TARGET.rgb, seen=seen) * 1.5
    made = retarget(TARGET.rgb, wanted, seen=seen)
    small = cv2.resize(made, (seen, seen), interpolation=cv2.INTER_AREA) if seen < 256 else made
    assert variance(small) == pytest.approx(wanted, rel=0.03)


def test_a_flat_picture_stays_flat() -> None:
    flat = np.full((64, 64, 3), 90, np.float32)
    assert np.array_equal(retarget(flat, 100.0), flat)


@pytest.mark.parametrize(("has", "wants"), [(0.0, 6.0), (2.0, 6.0), (6.0, 2.0)])
def test_grain_is_made_that_of_the_surroundings(has: float, wants: float) -> None:
    random = np.random.default_rng(0)
    smooth = cv2.GaussianBlur(TARGET.rgb, (0, 0), 3.0)

    def noisy(level: float) -> np.ndarray:
        return np.clip(smooth + random.normal(0, level, smooth.shape), 0, 255).astype(np.float32)

    target, mask = noisy(wants), spot(reach=60)
    around = (cv2.dilate(mask, np.ones((25, 25), np.uint8)) > 0) & (mask == 0)
    before = noisy(has)
    after = regrain(before, target, mask, random)
    goal = grain(target, around)
    assert abs(grain(after, mask > 0) - goal) < 0.35 * abs(grain(before, mask > 0) - goal)


def test_colour_and_light_are_the_targets() -> None:
    mask = spot(reach=60)
    cast = np.clip(TARGET.rgb * np.array([0.7, 1.0, 1.3]) + 10, 0, 255).astype(np.float32)
    for made in (match_colour(cast, TARGET.rgb, mask), with_light_of(cast, TARGET.rgb, 12.0)):
        before, after = (np.abs((rgb - TARGET.rgb)[mask > 0].mean(axis=0)).max() for rgb in (cast, made))
        assert after < 0.15 * before


def test_organs_are_told_by_the_mask() -> None:
    names = {"left eye": Organ.LEFT_EYE, "right brow": Organ.RIGHT_BROW, "nose": Organ.NOSE, "mouth": Organ.MOUTH}
    for name, organ in names.items():
        x, y, across, down = ellipses(TARGET.marks)[name]
        mask = np.zeros((256, 256), np.float32)
        cv2.ellipse(mask, (round(x), round(y)), (round(across), round(down)), 0, 0, 360, 1.0, -1)
        assert touched(mask, TARGET.marks) == organ
    assert touched(np.zeros((256, 256), np.float32), TARGET.marks) == Organ(0)
    assert touched(np.ones((256, 256), np.float32), TARGET.marks) == Organ(127)


def test_most_drawn_organ_masks_touch_their_organ() -> None:
    hits = [
        Organ.MOUTH in touched(organ_mask(TARGET.marks, 256, ["mouth"], np.random.default_rng(n)), TARGET.marks)
        for n in range(20)
    ]
    assert np.mean(hits) > 0.85
    assert all(
        touched(whole_mask(TARGET.marks, 256, np.random.default_rng(n)), TARGET.marks) == Organ(127) for n in range(6)
    )


def test_mirroring_swaps_sides_and_twice_is_nothing() -> None:
    assert mirrored(Organ.LEFT_EYE | Organ.NOSE) == Organ.RIGHT_EYE | Organ.NOSE
    assert mirrored(Organ.RIGHT_BROW | Organ.SKIN) == Organ.LEFT_BROW | Organ.SKIN
    assert all(mirrored(mirrored(Organ(bits))) == Organ(bits) for bits in range(128))


def test_a_remade_picture_gets_the_detail_of_its_photograph_in_every_band_and_colour() -> None:
    """A blur takes the finest bands of brightness and colour; both come back as far as twice of it goes."""
    random = np.random.default_rng(3)
    noise = random.standard_normal((256, 256, 3)).astype(np.float32)
    target = np.clip(TARGET.rgb + 6 * noise, 0, 255).astype(np.float32)
    soft = cv2.GaussianBlur(target, (0, 0), 0.6)
    everywhere = np.ones((256, 256), np.float32)
    after = even_spectrum(soft, target, everywhere)

    def fine(rgb: np.ndarray, plane: int) -> float:
        colour = cv2.cvtColor(np.clip(rgb, 0, 255).astype(np.uint8), cv2.COLOR_RGB2YCrCb)[..., plane].astype(float)
        power = np.abs(np.fft.fft2(colour - colour.mean())) ** 2
        y, x = np.fft.fftfreq(256)[:, None], np.fft.fftfreq(256)[None]
        return float(power[np.hypot(y, x) > 0.25].sum())

    for plane in range(3):
        wanted, before, found = (np.log(fine(rgb, plane)) for rgb in (target, soft, after))
        assert abs(found - wanted) < 0.5 * abs(before - wanted)
    same = even_spectrum(target, target, everywhere)
    assert np.abs(same - target).max() < 0.5
    assert after.dtype == np.float32
    assert 0 <= after.min() <= after.max() <= 255
