"""MFCLIP's eyes against the facts of its paper (arXiv 2409.09724): counts, the richest quarter, the noise filters."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from skimage.color import rgb2gray
from skimage.data import astronaut
from skimage.feature import graycomatrix, graycoprops
from torch import nn

from workstation.detectors.mfclip.network import TextShape
from workstation.detectors.mfclip.presets import SMALL
from workstation.detectors.mfclip.selector import grey, homogeneity, quarters, richest
from workstation.detectors.mfclip.srm import NoiseResidual
from workstation.detectors.mfclip.training import MfclipTrainer
from workstation.detectors.mfclip.vision import VisionEncoder, VisionShape

pytestmark = pytest.mark.usefixtures("one_thread")

PATCH = 112
# Published positions belong to the 24 places of a batch, in each branch; ours to the two places of a sequence.
POSITIONS, OURS = 2 * 24 * 512, 2 * 2 * 512


def _count(*modules: nn.Module | torch.Tensor) -> int:
    return sum(
        module.numel() if isinstance(module, torch.Tensor) else sum(p.numel() for p in module.parameters())
        for module in modules
    )


@pytest.fixture(scope="module")
def whole() -> MfclipTrainer:
    with torch.device("meta"):
        return MfclipTrainer(VisionShape(), TextShape(), "published")


@pytest.mark.parametrize("scale", ["width", "head"])
def test_counts_of_the_vision_encoder_by_part(scale: str) -> None:
    with torch.device("meta"):
        eyes = VisionEncoder(VisionShape(attention=scale))
    assert _count(eyes.image_cnn) == 10_813_248
    assert _count(eyes.noise_cnn) == 112_320
    assert _count(eyes.image_encoder.blocks) == 18_905_088
    assert _count(eyes.noise_encoder.blocks) == 9_452_544
    assert _count(eyes.image_encoder.project) == 12_845_568
    assert _count(eyes.noise_encoder.project) == 25_690_624
    assert _count(eyes.image_encoder.cls, eyes.noise_encoder.cls) == 1_024
    assert _count(eyes.residual.filters) == 225
    assert _count(eyes.image_encoder.positions, eyes.noise_encoder.positions) == OURS == 2_048
    assert _count(eyes) + 225 - OURS + POSITIONS == 77_845_217


def test_counts_of_the_whole_by_part(whole: MfclipTrainer) -> None:
    text, network = whole.language, whole.network
    assert _count(text.transformer) == 37_828_608
    assert _count(text.token_embedding) == 25_296_896
    assert _count(text.positional_embedding) == 157_696
    assert _count(text.text_projection) == 262_144
    assert _count(network.predictor) == 262_656
    assert _count(network.head) == 2_050
    assert _count(whole.pairs) == 576
    # Without the 22,528 numbers that published positions have more.
    assert _count(network.vision, network.head) + 225 == 77_847_267 - (POSITIONS - OURS) == 77_824_739
    assert _count(whole) + 225 == 141_656_868 - (POSITIONS - OURS) == 141_634_340


def test_selector_returns_the_checker_or_noise_patch_over_a_flat_one() -> None:
    y, x = np.mgrid[0:PATCH, 0:PATCH]
    random = np.random.default_rng(0)
    rich = {
        "checker": np.repeat(((x + y) % 2)[None], 3, axis=0).astype(np.float32),
        "noise": random.random((3, PATCH, PATCH), np.float32),
    }
    for patch in rich.values():
        for place in range(4):
            picture = torch.full((4, 3, PATCH, PATCH), 0.5)
            picture[place] = torch.from_numpy(patch)
            joined = torch.cat([torch.cat([*picture[:2]], dim=2), torch.cat([*picture[2:]], dim=2)], dim=1)[None]
            assert torch.equal(quarters(joined)[0], picture)
            assert torch.equal(richest(joined)[0], picture[place])


def test_selector_prefers_fine_texture_to_a_slope_and_takes_the_first_of_equals() -> None:
    slope = (torch.arange(64) / 255).expand(3, 64, 64)
    flat, noise = torch.full((3, 64, 64), 0.3), torch.rand(3, 64, 64, generator=torch.Generator().manual_seed(3)) / 16
    rows = [torch.cat([flat, slope], dim=2), torch.cat([flat, noise], dim=2)]
    assert torch.equal(richest(torch.cat(rows, dim=1)[None])[0], noise)
    marked = torch.zeros(1, 3, 16, 16)
    marked[..., :8] += 0.5
    assert torch.equal(richest(marked), torch.full((1, 3, 8, 8), 0.5))


def test_homogeneity_agrees_with_scikit_image() -> None:
    """Horizontal neighbours, 256 levels, symmetric, normalised; noise, smooth and photographed patches."""
    random = np.random.default_rng(5)
    photo = np.round(rgb2gray(astronaut()) * 255).astype(np.uint8)
    patches = [photo[i : i + 112, j : j + 112] for i in (0, 150, 300) for j in (0, 200, 400)]
    patches += [random.integers(0, top, (112, 112), dtype=np.uint8) for top in (1, 2, 9, 256)]
    found = homogeneity(torch.from_numpy(np.stack(patches)).int())
    for patch, value in zip(patches, found.tolist(), strict=True):
        matrix = graycomatrix(patch, [1], [0], levels=256, symmetric=True, normed=True)
        assert value == pytest.approx(graycoprops(matrix, "homogeneity")[0, 0], abs=1e-6)


def test_grey_is_the_luma_of_bytes() -> None:
    rgb = np.random.default_rng(2).integers(0, 256, (3, 40, 50), dtype=np.uint8)
    red, green, blue = rgb.astype(np.int64)
    wanted = (299 * red + 587 * green + 114 * blue + 500) // 1000
    assert torch.equal(grey(torch.from_numpy(rgb) / 255), torch.from_numpy(wanted).int())


def test_srm_response_of_a_constant_image_is_0_away_from_the_border() -> None:
    residual = NoiseResidual()
    assert residual.filters.sum(dim=(2, 3)).abs().max() < 1e-6
    for value in (0.0, 17.0, 255.0):
        answer = residual(torch.full((1, 3, 32, 32), value))
        assert answer.shape == (1, 3, 32, 32)
        assert answer[..., 2:-2, 2:-2].abs().max() < 1e-3
    assert residual(torch.full((1, 3, 32, 32), 255.0))[..., 0, :].abs().max() == 3


def test_srm_filters_are_the_three_of_the_spatial_rich_model() -> None:
    filters = NoiseResidual().filters
    assert filters.shape == (3, 3, 5, 5)
    assert all(torch.equal(filters[:, 0], filters[:, n]) for n in (1, 2))
    middle = filters[:, 0, 2, 2].tolist()
    assert middle == pytest.approx([-1, -1, -1])
    # A point of one grey level gives the kernel itself, in each filter's own units.
    point = torch.zeros(1, 3, 9, 9)
    point[0, 1, 4, 4] = 1
    answer = NoiseResidual()(point)[0]
    torch.testing.assert_close(answer[:, 2:7, 2:7], filters[:, 1].flip(1, 2))
    assert answer[2].abs().sum() == pytest.approx(2)


def test_srm_stays_exact_under_reduced_precision() -> None:
    noise = torch.randint(0, 256, (1, 3, 32, 32), generator=torch.Generator().manual_seed(1)).float()
    residual = NoiseResidual()
    with torch.autocast("cpu", torch.bfloat16):
        reduced = residual(noise)
    assert torch.equal(reduced, residual(noise))


def test_the_feature_is_a_unit_vector_of_both_branches() -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        eyes = VisionEncoder(SMALL).eval()
    pixels = torch.rand(3, 3, 112, 112, generator=torch.Generator().manual_seed(2))
    with torch.inference_mode():
        feature = eyes(pixels)
        whole = eyes.image_encoder(eyes.image_cnn(2 * pixels - 1).flatten(1))
        noise = eyes.noise_encoder(eyes.noise_cnn(eyes.residual(255 * richest(pixels))).flatten(1))
    torch.testing.assert_close(feature.norm(dim=1), torch.ones(3))
    torch.testing.assert_close(feature, nn.functional.normalize(whole + noise, dim=1))
    assert whole.norm() > 0
    assert noise.norm() > 0


def test_a_picture_turned_on_its_side_is_another_picture() -> None:
    """Height and width are not swapped: the first row of pixels reaches the first row of features."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        eyes = VisionEncoder(replace(SMALL, side=64)).eval()
    picture = torch.zeros(1, 3, 64, 64)
    picture[..., :8, :] = 1
    with torch.inference_mode():
        blank = eyes.image_cnn(torch.full_like(picture, -1))
        rows = (eyes.image_cnn(2 * picture - 1) - blank).abs().sum(dim=(0, 1, 3))
    assert rows[0] > 0
    assert rows[-1] == 0


@pytest.mark.parametrize("scale", ["width", "head"])
def test_the_scale_of_attention_is_the_one_asked_for(scale: str) -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        eyes = VisionEncoder(replace(SMALL, attention=scale)).eval()
    block = eyes.image_encoder.blocks[0]
    x = torch.randn(2, 2, 128, generator=torch.Generator().manual_seed(4))
    with torch.inference_mode():
        query, key, value = block.mix(block.norm1(x)).chunk(3, dim=-1)
        query, key, value = (part.reshape(2, 2, 4, 32).transpose(1, 2) for part in (query, key, value))
        weights = (query @ key.transpose(-1, -2) / (128 if scale == "width" else 32) ** 0.5).softmax(dim=-1)
        mixed = x + block.out((weights @ value).transpose(1, 2).reshape(2, 2, 128))
        torch.testing.assert_close(block(x), mixed + block.mlp(block.norm2(mixed)))
