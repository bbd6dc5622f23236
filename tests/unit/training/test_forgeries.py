"""Pseudo-forgeries: exact at both ends of a blend, and touching nothing outside their mask."""

from __future__ import annotations

import numpy as np
import pytest
from training_samples import face

from workstation.detectors.mfclip.labels import Authenticity, Family, ForgeryType
from workstation.domain.errors import InputError
from workstation.training.forgeries import (
    Face,
    Kind,
    Picture,
    blend,
    even_sharpness,
    face_mask,
    forge,
    kinds_with,
    organ_mask,
    place,
    self_blend,
    target_map,
)
from workstation.training.kinds import GENERATED, WITHOUT_NETWORKS, Blend, Maker, Organ, words

ALL = ["left eye", "right eye", "left brow", "right brow", "nose", "mouth", "eyes"]


def coarse(rgb: Picture, random: np.random.Generator) -> tuple[Picture, Maker]:
    """Stands in for a network where only what is done with its answer counts: detail lost, colour shifted."""
    import cv2

    small = cv2.resize(rgb, (64, 64), interpolation=cv2.INTER_AREA)
    back = cv2.resize(small, rgb.shape[:2], interpolation=cv2.INTER_NEAREST)
    return np.clip(back + random.uniform(-30, 30, 3), 0, 255).astype(np.float32), Maker.GAN_NEAREST


def test_a_blend_of_nothing_is_the_target_and_of_everything_the_source() -> None:
    one, two = face(1).rgb, face(2).rgb
    assert np.array_equal(blend(one, two, np.zeros(one.shape[:2], np.float32)), two)
    assert np.array_equal(blend(one, two, np.ones(one.shape[:2], np.float32)), one)
    half = blend(one, two, np.full(one.shape[:2], 0.5, np.float32))
    np.testing.assert_allclose(half, (one + two) / 2, atol=1e-3)


@pytest.mark.parametrize("kind", [*WITHOUT_NETWORKS, *GENERATED])
@pytest.mark.parametrize("seed", range(6))
def test_a_forgery_differs_from_its_target_only_inside_its_mask(kind: Kind, seed: int) -> None:
    target, donor = face(1), face(2)
    before = target.rgb.copy()
    made = forge(kind, target, donor, np.random.default_rng(seed), coarse)
    assert made.rgb.shape == target.rgb.shape
    assert made.rgb.dtype == np.float32
    assert 0 <= made.rgb.min() <= made.rgb.max() <= 255
    assert made.mask.shape == target.rgb.shape[:2]
    assert 0 <= made.mask.min() <= made.mask.max() <= 1
    whole = kind is Kind.REMADE_FACE
    assert 0.002 < (made.mask > 0.02).mean() <= (1.0 if whole else 0.85)
    outside = made.mask == 0
    assert outside.any() or whole
    assert np.array_equal(made.rgb, np.rint(made.rgb))
    assert np.array_equal(made.rgb[outside], target.rgb[outside])
    assert np.abs(made.rgb - target.rgb).max() > 3
    assert np.array_equal(target.rgb, before)


@pytest.mark.parametrize("kind", [*WITHOUT_NETWORKS, *GENERATED])
def test_the_same_draw_gives_the_same_forgery(kind: Kind) -> None:
    one, two = (forge(kind, face(1), face(2), np.random.default_rng(5), coarse) for _ in range(2))
    other = forge(kind, face(1), face(2), np.random.default_rng(6), coarse)
    assert one.truth == two.truth
    assert np.array_equal(one.rgb, two.rgb)
    assert np.array_equal(one.mask, two.mask)
    assert not np.array_equal(one.rgb, other.rgb)


def test_the_kinds_that_paste_nothing_never_look_at_the_donor() -> None:
    nobody = Face(np.full((256, 256, 3), np.nan, np.float32), face(1).marks)
    for kind in (Kind.SELF_BLEND, Kind.WARPED, *GENERATED):
        made = forge(kind, face(1), nobody, np.random.default_rng(1), coarse)
        assert np.isfinite(made.rgb).all()


def test_without_a_network_nothing_is_resynthesised() -> None:
    for kind in GENERATED:
        with pytest.raises(InputError, match="generators"):
            forge(kind, face(1), face(2), np.random.default_rng(0))


def test_a_self_blend_without_weight_is_its_target() -> None:
    for seed in range(4):
        genuine, forged, mask = self_blend(face(1), np.random.default_rng(seed), ratio=0.0)
        assert np.array_equal(genuine, forged)
        assert not mask.any()


def test_a_self_blend_of_full_weight_is_its_source() -> None:
    """With a mask of ones the forged picture is the changed one as a whole, or the face itself when unchanged."""
    ones = np.ones((256, 256), np.float32)
    _, moved, _ = self_blend(face(1), np.random.default_rng(3), ratio=1.0, mask=ones)
    assert (np.abs(moved - face(1).rgb).max(axis=-1) > 0).mean() > 0.9
    _, forged, _ = self_blend(face(1), np.random.default_rng(3), ratio=1.0, mask=ones, changed=False)
    assert np.array_equal(forged, face(1).rgb)


def test_a_self_blend_of_what_was_not_changed_is_the_genuine_picture() -> None:
    for seed in range(6):
        genuine, forged, mask = self_blend(face(1), np.random.default_rng(seed), changed=False)
        assert mask.any()
        assert np.abs(genuine - forged).max() == 0


@pytest.mark.parametrize("change_target", [False, True])
def test_a_self_blended_pair_differs_only_inside_its_mask(change_target: bool) -> None:
    ratios = set()
    for seed in range(12):
        genuine, forged, mask = self_blend(face(1), np.random.default_rng(seed), change_target=change_target)
        assert 0 <= mask.min() <= mask.max() <= 1
        assert np.array_equal(genuine[mask == 0], forged[mask == 0])
        assert np.array_equal(genuine, face(1).rgb) != change_target
        ratios.add(round(float(mask.max()), 2))
    assert ratios <= {0.25, 0.5, 0.75, 1.0}
    assert len(ratios) > 2


def test_labels_say_what_was_done_and_no_more() -> None:
    types = {
        Kind.SELF_BLEND: None,
        Kind.OTHER_ORGANS: ForgeryType.ATTRIBUTE_MANIPULATION,
        Kind.OTHER_FACE: ForgeryType.IDENTITY_SWAP,
        Kind.OWN_ORGANS: ForgeryType.ATTRIBUTE_MANIPULATION,
        Kind.WARPED: ForgeryType.ATTRIBUTE_MANIPULATION,
        Kind.REMADE_REGION: ForgeryType.ATTRIBUTE_MANIPULATION,
        Kind.REMADE_FACE: ForgeryType.ENTIRE_SYNTHESIS,
    }
    assert words(Kind.MADE_FACE).forgery is ForgeryType.ENTIRE_SYNTHESIS
    for kind in kinds_with(coarse):
        truth = forge(kind, face(1), face(2), np.random.default_rng(2), coarse).truth
        assert truth.kind is kind
        assert truth.maker is (Maker.GAN_NEAREST if kind in GENERATED else Maker.NONE)
        assert truth.label.authenticity is Authenticity.MANIPULATED
        assert truth.label.forgery is types[kind]
        assert truth.label.family is (Family.GAN if kind in GENERATED else None)
        assert truth.label.generator is None


def test_every_blend_and_every_organ_occurs() -> None:
    blends, organs = set(), Organ(0)
    for seed in range(30):
        truth = forge(Kind.OTHER_ORGANS, face(1), face(2), np.random.default_rng(seed)).truth
        blends.add(truth.blend)
        organs |= truth.organs
    assert blends == set(Blend)
    assert organs & ~Organ.SKIN == ~Organ.SKIN & Organ(127)


@pytest.mark.parametrize("kind", WITHOUT_NETWORKS)
def test_a_forgery_keeps_the_colours_of_its_target(kind: Kind) -> None:
    """A cast would be a sign of its own: within the mask the mean colour stays near the target's, in most cases."""
    casts = []
    for seed in range(12):
        made = forge(kind, face(1), face(2), np.random.default_rng(seed))
        weight = made.mask[..., None]
        casts.append(np.abs(((made.rgb - face(1).rgb) * weight).sum(axis=(0, 1)) / weight.sum()).max())
    assert np.median(casts) < 16


def test_a_black_and_white_face_stays_black_and_white() -> None:
    grey = Face(np.repeat(face(1).rgb.mean(axis=-1, keepdims=True), 3, axis=-1).round(), face(1).marks)
    for kind in kinds_with(coarse):
        made = forge(kind, grey, face(2), np.random.default_rng(3), coarse)
        assert np.ptp(made.rgb, axis=-1).max() <= (6 if made.truth.blend is not Blend.ALPHA else 1)


@pytest.mark.parametrize("organ", ALL)
def test_an_organ_mask_covers_its_organ(organ: str) -> None:
    marks = face().marks
    middle = {
        "left eye": marks[0],
        "right eye": marks[1],
        "nose": marks[2],
        "left brow": type(marks[0])(marks[0].x, marks[0].y - 0.36 * (marks[1].x - marks[0].x)),
        "right brow": type(marks[0])(marks[1].x, marks[1].y - 0.36 * (marks[1].x - marks[0].x)),
        "mouth": type(marks[0])((marks[3].x + marks[4].x) / 2, (marks[3].y + marks[4].y) / 2),
        "eyes": marks[0],
    }[organ]
    covered = []
    for seed in range(8):
        mask = organ_mask(marks, 256, [organ], np.random.default_rng(seed))
        assert 0 <= mask.min() <= mask.max() <= 1
        covered.append(mask[round(middle.y), round(middle.x)])
        assert mask[5, 5] < 0.01
    assert np.median(covered) > 0.5


def test_a_face_mask_covers_the_five_points_and_spares_the_corners() -> None:
    marks = face().marks
    for seed in range(8):
        mask = face_mask(marks, 256, np.random.default_rng(seed))
        assert 0 <= mask.min() <= mask.max() <= 1
        assert np.mean([mask[round(p.y), round(p.x)] for p in marks]) > 0.6
        assert mask[2, 2] < 0.05
        assert mask[2, -3] < 0.05


def test_another_face_is_laid_on_the_same_points() -> None:
    donor = face(2)
    moved = Face(np.roll(donor.rgb, (7, -5), axis=(0, 1)), tuple(type(p)(p.x - 5, p.y + 7) for p in donor.marks))
    back = place(moved.rgb, moved.marks, donor.marks, 256)
    assert np.abs(back[40:200, 40:200] - donor.rgb[40:200, 40:200]).mean() < 1.5


def test_sharpness_inside_the_mask_is_evened() -> None:
    import cv2

    target = face(0).rgb
    mask = np.zeros(target.shape[:2], np.float32)
    mask[60:200, 60:200] = 1
    soft = cv2.GaussianBlur(target, (0, 0), 1.0)

    def spread(rgb: np.ndarray) -> float:
        return float(cv2.Laplacian(rgb.mean(axis=-1), cv2.CV_32F)[mask > 0.3].std())

    wanted = spread(target)
    assert abs(spread(even_sharpness(soft, target, mask)) - wanted) < abs(spread(soft) - wanted) / 2


def test_the_target_map_is_empty_for_an_identical_pair_and_far_from_the_mask() -> None:
    rgb = face().rgb
    mask = np.zeros(rgb.shape[:2], np.float32)
    mask[100:140, 100:140] = 1
    assert not target_map(rgb, rgb, mask).any()
    other = np.clip(rgb + 40, 0, 255)
    field = target_map(rgb, other, mask)
    assert field.dtype == np.float32
    assert 0 <= field.min() <= field.max() <= 1
    assert field[110:130, 110:130].min() > 0.5
    far = np.ones(mask.shape, bool)
    far[92:148, 92:148] = False
    assert not field[far].any()


def test_a_bigger_edit_gives_a_bigger_mean_target() -> None:
    rgb = np.full((256, 256, 3), 100, np.float32)
    means = []
    for reach in (10, 30, 60, 100):
        mask = np.zeros((256, 256), np.float32)
        mask[128 - reach : 128 + reach, 128 - reach : 128 + reach] = 1
        means.append(target_map(rgb, rgb + 12 * mask[..., None], mask).mean())
    assert means == sorted(means)
    assert means[0] > 0
    stronger = target_map(rgb, rgb + 20 * mask[..., None], mask).mean()
    assert stronger > means[-1]
