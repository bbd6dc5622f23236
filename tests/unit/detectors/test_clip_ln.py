"""clip_ln against the facts of its papers (arXiv 2503.19683, 2508.06248): counts, unit features, LN-tuning."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from detector_samples import CROP, VISION, clip_card, crop, write_package
from torch import nn

from workstation.detectors.clip_ln.detector import load
from workstation.detectors.clip_ln.names import hugging_face_names
from workstation.detectors.clip_ln.network import ClipLn, build
from workstation.detectors.clip_ln.tuning import layer_norms, set_ln_tuning, slerp, tune_norms
from workstation.detectors.preprocess import pixels
from workstation.domain.detectors import InputSpec
from workstation.domain.errors import CardInvalid, InputError


def tiny() -> ClipLn:
    torch.manual_seed(0)
    return build({"vision": VISION})


@pytest.mark.parametrize(
    ("tower", "norms", "tuned", "whole"),
    [
        ("ViT-L-14-quickgelu", 50, 102_400, 303_179_776),
        ("ViT-L-14-336-quickgelu", 50, 102_400, 303_507_456),
        ("ViT-B-16-quickgelu", 26, 39_936, 85_799_424),
        ("ViT-B-32-quickgelu", 26, 39_936, 87_456_000),
    ],
)
def test_ln_tuning_trains_as_many_parameters_as_published(tower: str, norms: int, tuned: int, whole: int) -> None:
    with torch.device("meta"):
        network = build({"tower": tower})
    assert set_ln_tuning(network) == (tuned, 2 * network.width + 2)
    counts = tune_norms(network.tower, network.head)
    assert (counts.norms, counts.tensors, counts.tuned, counts.tower) == (norms, 2 * norms, tuned, whole)
    assert sum(p.numel() for p in network.parameters() if p.requires_grad) == counts.trained
    assert network.head.out_features == 2


def test_vit_l14_trains_104_450_numbers_which_is_0_0345_percent_with_its_head() -> None:
    with torch.device("meta"):
        network = build({"tower": "ViT-L-14-quickgelu"})
    counts = tune_norms(network.tower, network.head)
    assert (counts.head, counts.trained, network.width, network.side) == (2_050, 104_450, 1024, 224)
    assert f"{100 * counts.share:.4f}" == "0.0338"
    assert f"{100 * counts.trained / counts.tower:.4f}" == "0.0345"
    tower = network.tower
    assert len(tower.transformer.resblocks) == 24  # type: ignore[union-attr, arg-type]  # open_clip's tower
    assert tower.positional_embedding.shape == (257, 1024)
    assert {part.eps for part in layer_norms(tower).values()} == {1e-5}


def test_the_norms_that_are_tuned_are_those_the_publication_names() -> None:
    """pre_layrnorm, layer_norm1 and layer_norm2 of every block, post_layernorm, and no other."""
    with torch.device("meta"):
        tower = build({"tower": "ViT-L-14-quickgelu"}).tower
    published = {"pre_layrnorm", "post_layernorm"}
    published |= {f"encoder.layers.{n}.layer_norm{k}" for n in range(24) for k in (1, 2)}
    found = {hugging_face_names(f"{name}.weight")[0].removesuffix(".weight") for name in layer_norms(tower)}
    assert found == published


@pytest.mark.parametrize(("kind", "length"), [("linear", False), ("linear_norm", True), (None, True)])
def test_the_head_of_the_card_reads_the_feature_at_length_one_or_as_it_is(kind: str | None, length: bool) -> None:
    torch.manual_seed(0)
    network = build({"vision": VISION} | ({} if kind is None else {"head": kind})).eval()
    values = torch.randn(3, 3, 32, 32)
    with torch.inference_mode():
        pooled = network.pooled(values)
        feature = pooled / pooled.norm(dim=-1, keepdim=True) if length else pooled
        wanted = nn.functional.linear(feature, network.head.weight, network.head.bias)
        torch.testing.assert_close(network(values), wanted)
        # Making every feature longer changes what a plain head says, and nothing of the other.
        same = torch.allclose(network.head(3 * pooled), network.head(pooled), atol=1e-5)
    assert same is length
    assert network.state_dict().keys() >= {"head.weight", "head.bias"}


def test_features_have_length_one_and_the_head_reads_them() -> None:
    network = tiny().eval()
    values = torch.randn(3, 3, 32, 32)
    with torch.inference_mode():
        features, logits = network.features(values), network(values)
        tokens = network.tokens(values)
        read = network.head(features)
    assert features.shape == (3, 32)
    assert tokens.shape == (3, 1 + 16, 32)
    torch.testing.assert_close(features.norm(dim=-1), torch.ones(3))
    torch.testing.assert_close(logits, read)


def test_the_feature_is_the_class_token_after_the_last_norm() -> None:
    """open_clip's own forward, with its projection taken away, gives the same token."""
    network = tiny().eval()
    values = torch.randn(2, 3, 32, 32)
    with torch.inference_mode():
        torch.testing.assert_close(nn.functional.normalize(network.tower(values), dim=-1), network.features(values))


def test_one_step_of_ln_tuning_leaves_the_rest_bitwise_as_it_was() -> None:
    network = tiny()
    set_ln_tuning(network)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    norms = {f"tower.{n}" for n, part in network.tower.named_modules() if isinstance(part, nn.LayerNorm)}
    optimiser = torch.optim.AdamW([p for p in network.parameters() if p.requires_grad], lr=1e-2, weight_decay=0.1)
    logits = network(torch.randn(4, 3, 32, 32))
    nn.functional.cross_entropy(logits, torch.tensor([0, 1, 0, 1])).backward()
    optimiser.step()
    changed = {name for name, tensor in network.state_dict().items() if not torch.equal(tensor, before[name])}
    assert len(norms) == 2 + 2 * VISION["layers"]
    free = {name for name in before if name.rpartition(".")[0] in norms or name.startswith("head.")}
    assert changed <= free
    assert {"head.weight", "tower.ln_post.weight", "tower.ln_pre.weight"} <= changed


def test_slerp_meets_its_ends_and_stays_on_the_sphere() -> None:
    torch.manual_seed(1)
    one, two = (nn.functional.normalize(torch.randn(5, 16), dim=-1) for _ in range(2))
    torch.testing.assert_close(slerp(one, two, torch.zeros(5, 1)), one, atol=1e-5, rtol=0)
    torch.testing.assert_close(slerp(one, two, torch.ones(5, 1)), two, atol=1e-5, rtol=0)
    middle = slerp(one, two, torch.full((5, 1), 0.5))
    torch.testing.assert_close(middle.norm(dim=-1), torch.ones(5))
    torch.testing.assert_close((middle * one).sum(-1), (middle * two).sum(-1), atol=1e-5, rtol=0)
    torch.testing.assert_close(slerp(one, one, torch.rand(5, 1)), one, atol=1e-3, rtol=0)
    assert torch.isfinite(slerp(one, -one, torch.rand(5, 1))).all()


@pytest.mark.parametrize(
    ("network", "said"),
    [
        ({}, "one entry"),
        ({"tower": "ViT-B-32", "vision": VISION}, "one entry"),
        ({"tower": "no-such-tower"}, "no-such-tower"),
        ({"tower": "hf-hub:someone/something"}, "no tower"),
        ({"tower": "local-dir:somewhere"}, "no tower"),
        ({"tower": "RN50"}, "layers"),
        ({"tower": "ViT-SO400M-14-SigLIP"}, "class token"),
        ({"vision": VISION | {"colour": 1}}, "colour"),
        ({"vision": VISION | {"pool_type": "avg"}}, "class token"),
        ({"vision": VISION | {"pos_embed_type": "sin_cos_2d"}}, "pos_embed_type"),
        ({"vision": VISION | {"head_width": 0}}, "cannot build"),
        ({"vision": VISION | {"width": 33}}, "cannot build"),
        ({"vision": VISION | {"layers": "two"}}, "cannot build"),
        ({"tower": 3}, "tower name or a vision table"),
        ({"vision": VISION, "head": "cosine"}, "linear or linear_norm"),
        ({"vision": VISION, "neck": 1}, "neck"),
    ],
)
def test_a_tower_that_cannot_be_built_is_refused_by_name(network: dict[str, object], said: str) -> None:
    with pytest.raises(CardInvalid, match=said):
        build(network)


def test_the_card_must_feed_the_tower_its_own_size(tmp_path: Path) -> None:
    card = write_package(tmp_path, clip_card(input=InputSpec(48, CROP, 1.3, (0, 0, 0), (1, 1, 1), "area")))
    with pytest.raises(CardInvalid, match="32 px"):
        load(card, tmp_path, device="cpu", precision="float32")


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_scores_repeat_and_do_not_depend_on_the_batch(tmp_path: Path, precision: str) -> None:
    detector = load(write_package(tmp_path, clip_card()), tmp_path, device="cpu", precision=precision)
    crops = [crop(seed) for seed in range(5)]
    batch = [reading.value for reading in detector.read(crops)]
    assert batch == [reading.value for reading in detector.read(crops)]
    alone = [detector.read([one])[0].value for one in crops]
    np.testing.assert_allclose(batch, alone, atol=1e-5 if precision == "float32" else 0.02)
    assert len(set(batch)) == 5
    assert all(0 <= value <= 1 for value in batch)
    assert detector.read([]) == []
    assert detector.precision == precision


def test_a_batch_that_was_too_large_is_not_tried_again(tmp_path: Path) -> None:
    detector = load(write_package(tmp_path, clip_card()), tmp_path, device="cpu", precision="float32")
    crops = [crop(seed) for seed in range(6)]
    plain = [reading.value for reading in detector.read(crops)]
    sizes: list[int] = []

    def little_memory(network: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        sizes.append(len(inputs[0]))
        if len(inputs[0]) > 2:
            raise torch.cuda.OutOfMemoryError("out of memory")

    handle = detector.network.register_forward_pre_hook(little_memory)
    assert [reading.value for reading in detector.read(crops)] == pytest.approx(plain, abs=1e-5)
    assert [reading.value for reading in detector.read(crops)] == pytest.approx(plain, abs=1e-5)
    handle.remove()
    assert sizes == [6, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]


def test_bfloat16_stays_close_to_float32(tmp_path: Path) -> None:
    card = write_package(tmp_path, clip_card())
    one = load(card, tmp_path, device="cpu", precision="float32").read([crop(s) for s in range(8)])
    two = load(card, tmp_path, device="cpu", precision="bfloat16").read([crop(s) for s in range(8)])
    assert max(abs(a.value - b.value) for a, b in zip(one, two, strict=True)) < 0.05


def test_class_one_is_manipulated(tmp_path: Path) -> None:
    """A head that always votes for class 1 scores near 1: the direction of the card."""
    card = clip_card()
    network = tiny()
    with torch.no_grad():
        network.head.weight.zero_()
        network.head.bias.copy_(torch.tensor([-5.0, 5.0]))
    detector = load(write_package(tmp_path, card, network.state_dict()), tmp_path, device="cpu", precision="float32")
    assert detector.read([crop()])[0].value == pytest.approx(1 / (1 + math.exp(-10)))


def test_a_crop_of_another_size_is_refused(tmp_path: Path) -> None:
    detector = load(write_package(tmp_path, clip_card()), tmp_path, device="cpu", precision="float32")
    with pytest.raises(InputError, match="64 px"):
        detector.read([crop(side=128)])


@pytest.mark.parametrize(("way", "loosest"), [("bicubic", 1.01), ("bilinear", 1.01)])
def test_shrinking_agrees_with_pillow(way: str, loosest: float) -> None:
    """CLIP was published with Pillow's antialiased filters; one grey level is left for rounding."""
    from PIL import Image

    made = crop(4)
    found = pixels([made], InputSpec(32, CROP, 1.3, (0, 0, 0), (1, 1, 1), way))[0].transpose(1, 2, 0) * 255
    filters = {"bicubic": Image.Resampling.BICUBIC, "bilinear": Image.Resampling.BILINEAR}
    expected = np.asarray(Image.fromarray(made.rgb).resize((32, 32), filters[way]), np.float32)
    assert np.abs(found - expected).max() < loosest


def test_pixels_are_normalised_in_rgb_order() -> None:
    made = crop(5)
    spec = InputSpec(CROP, CROP, 1.3, (0.1, 0.2, 0.3), (0.5, 0.6, 0.7), "area")
    found = pixels([made], spec)
    assert found.shape == (1, 3, CROP, CROP)
    assert found.dtype == np.float32
    for channel, (mean, std) in enumerate(zip(spec.mean, spec.std, strict=True)):
        np.testing.assert_allclose(found[0, channel], (made.rgb[..., channel] / 255 - mean) / std, atol=1e-5)


def test_the_lean_activation_is_clips_own_bit_for_bit() -> None:
    from open_clip.transformer import QuickGELU

    from workstation.detectors.clip_ln.network import LeanQuickGelu

    for kind in (torch.float32, torch.bfloat16):
        values = torch.randn(64, 64, generator=torch.Generator().manual_seed(0)).to(kind)
        with torch.inference_mode():
            assert torch.equal(QuickGELU()(values), LeanQuickGelu()(values.clone()))
