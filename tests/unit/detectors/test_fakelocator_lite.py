"""FakeLocator on EfficientNet-Lite0: shapes, gate, any window, its card, and what may become its base."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from workstation.detectors import registry
from workstation.detectors.fakelocator.lite import LiteLocator, LiteShape
from workstation.domain.detectors import DetectorCard
from workstation.domain.errors import CardInvalid, WeightsInvalid
from workstation.training.bases import read_base, take_base
from workstation.training.runs.cards import _lite_locator, base_card
from workstation.training.runs.config import DetectorPart, read_config
from workstation.training.runs.starting import _started

RESOURCES = Path(__file__).parents[3] / "resources"


@pytest.fixture(scope="module")
def network() -> LiteLocator:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return LiteLocator(LiteShape(64, 8)).eval()


def card(**network: object) -> DetectorCard:
    made = _lite_locator(DetectorPart("fakelocator", variant="efficientnet_lite0", train="full", start="x"))
    return replace(made, network={**made.network, **network})


def test_parameters_are_those_of_the_encoder_and_the_decoder(network: LiteLocator) -> None:
    # timm's EfficientNet-Lite0 has 4,652,008; its last convolution, norm and classifier have 320 x 1280 + 2 x 1280 +
    # 1281 x 1000 of them.
    encoder = sum(part.numel() for part in network.encoder.parameters())
    assert encoder == 4_652_008 - 320 * 1280 - 2 * 1280 - 1281 * 1000
    assert network.classify.in_features == 40 + 112 + 320 + 3


@pytest.mark.parametrize("side", [64, 96, 160])
def test_any_window_gives_a_map_of_its_own_size(network: LiteLocator, side: int) -> None:
    with torch.inference_mode():
        logits, classes = network(torch.randn(2, 3, side, side))
    assert logits.shape == (2, 1, side, side)
    assert classes.shape == (2, 2)


def test_a_gate_of_ones_changes_nothing_and_one_of_zeros_hides_everything(network: LiteLocator) -> None:
    values = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        plain, ones = network(values), network(values, torch.ones(2, 1, 64, 64))
        zeros, other = (network(one, torch.zeros(2, 1, 64, 64)) for one in (values, values.flip(0)))
    for one, two in zip(plain, ones, strict=True):
        torch.testing.assert_close(one, two)
    assert not torch.allclose(plain[0], zeros[0])
    for one, two in zip(zeros, other, strict=True):
        torch.testing.assert_close(one, two)


def test_levels_with_a_gate_are_the_encoder_s_own(network: LiteLocator) -> None:
    values = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(2))
    with torch.inference_mode():
        gated, bare = network.levels(values, torch.ones(1, 1, 64, 64)), network.levels(values)
    assert [tuple(part.shape[1:]) for part in bare] == [(24, 16, 16), (40, 8, 8), (112, 4, 4), (320, 2, 2)]
    for one, two in zip(gated, bare, strict=True):
        torch.testing.assert_close(one, two)


def test_with_two_depths_a_feature_sees_67_pixels() -> None:
    """A change far from a place changes nothing there before the map is summed up."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = LiteLocator(LiteShape(256, 8, depth=2)).eval()
    assert network.classify.in_features == 40 + 3
    assert network.encode(torch.zeros(1, 3, 64, 64))[-1].shape == (1, 40, 8, 8)
    values = torch.zeros(1, 3, 256, 256, requires_grad=True)
    network.levels(torch.randn_like(values) + values)[-1][0, :, 16, 16].sum().backward()  # type: ignore[no-untyped-call]
    assert values.grad is not None
    seen = values.grad.abs().sum(dim=(0, 1)) > 0
    assert int(seen.any(dim=0).sum()) == int(seen.any(dim=1).sum()) == 67
    values = torch.randn(1, 3, 64, 64)
    for one, two in zip(network.levels(values, torch.ones(1, 1, 64, 64)), network.levels(values), strict=True):
        torch.testing.assert_close(one, two)


def test_a_card_that_says_anything_else_is_refused() -> None:
    registry.skeleton(card())
    with pytest.raises(CardInvalid, match=r"no network\.widths"):
        registry.skeleton(card(widths=[1, 2, 3, 4]))
    with pytest.raises(CardInvalid, match="encoder must be one of"):
        registry.skeleton(card(encoder="resnet"))
    with pytest.raises(CardInvalid, match="decoder must be"):
        registry.skeleton(card(decoder=0))
    with pytest.raises(CardInvalid, match="depth must be"):
        registry.skeleton(card(depth=1))
    registry.skeleton(card(depth=2))
    odd = replace(card(), input=replace(card().input, size=240), output=replace(card().output, map_size=240))
    with pytest.raises(CardInvalid, match="multiple of 32"):
        registry.skeleton(odd)


def test_a_local_variant_is_the_same_with_two_depths() -> None:
    made = _lite_locator(DetectorPart("fakelocator", variant="efficientnet_lite0_local", train="full", start="x"))
    assert made.network == {"encoder": "efficientnet_lite0", "decoder": 64, "gate": "none", "depth": 2}


def test_only_the_published_file_becomes_a_base(tmp_path: Path) -> None:
    other = tmp_path / "efficientnet-lite0.pth"
    torch.save({"a": torch.zeros(1)}, other)
    with pytest.raises(WeightsInvalid, match="not the published file"):
        take_base(other, tmp_path / "out.safetensors")
    assert not (tmp_path / "out.safetensors").exists()
    with pytest.raises(WeightsInvalid, match="cannot be read"):
        read_base(other)
    from safetensors.torch import save_file

    save_file({"a": torch.zeros(1)}, tmp_path / "foreign.safetensors")
    with pytest.raises(WeightsInvalid, match="no base that is known"):
        read_base(tmp_path / "foreign.safetensors")


def test_a_local_network_begins_with_the_first_layers_of_the_embedded_one() -> None:
    config = read_config(RESOURCES / "training" / "fakelocator-made.toml")
    started = _started(base_card(config), registry.find("fakelocator-lite"))
    assert isinstance(started, LiteLocator)
    assert started.shape.depth == 2
    whole = load_file(RESOURCES / "detectors" / "fakelocator-lite" / "model.safetensors")
    for name, value in started.encoder.state_dict().items():
        torch.testing.assert_close(value.float(), whole[f"encoder.{name}"].float())
