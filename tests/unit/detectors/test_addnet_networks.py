"""ADDNet's networks against the facts of the figure: counts to the digit, five gates, shared weights over frames."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import timm
import torch
from torch import Tensor, nn

from workstation.detectors.addnet.blocks import Keeping
from workstation.detectors.addnet.network import (
    GATES,
    AddBlock,
    AddNet2d,
    AddNet3d,
    FrameShape,
    SequenceShape,
    last_side,
    pooled_masks,
)

SMALL = FrameShape(76, (4, 4, 6, 6, 8), 2, (8, 10, 12), 4)
SMALL_3D = SequenceShape(48, (4, 4, 6, 6, 8), (6, 6, 8))


@pytest.fixture(autouse=True)
def _drawn() -> Iterator[None]:
    with torch.random.fork_rng(devices=[]), torch.inference_mode():
        torch.manual_seed(7)
        yield


def _count(*parts: nn.Module) -> int:
    return sum(p.numel() for part in parts for p in part.parameters())


def _settled(network: nn.Module) -> nn.Module:
    """Batch norms with statistics and biases of their own, so that nothing cancels by luck."""
    for part in network.modules():
        if isinstance(part, nn.BatchNorm2d | nn.BatchNorm3d):
            part.running_mean.normal_(0, 0.1)
            part.bias.normal_(0.1, 0.2)
    return network.eval()


def _pixels(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def test_counts_at_the_published_scale_are_equal_to_the_digit() -> None:
    with torch.device("meta"):
        network = AddNet2d(FrameShape())
        xception = timm.create_model("legacy_xception", pretrained=False, num_classes=2)
        one = Keeping(728)
    exit_flow = _count(network.exit, network.wide1, network.norm1, network.wide2, network.norm2)
    assert _count(network.entry) == 1_106_760
    assert len(network.middle) == 8
    assert _count(network.middle) == 8_607_872 == 8 * _count(one)
    assert exit_flow == 6_788_384
    body = _count(network.entry, network.middle) + exit_flow
    assert body == 16_503_016
    assert _count(xception) == 20_811_050
    unit = _count(one.first, one.norm1)
    assert 8 * unit == 4_303_936
    assert body == _count(xception) - _count(xception.fc) - 8 * unit == 20_806_952 - 4_303_936
    assert _count(network) - body == 2048 * 128 * 9 + 128 + 128 * 2 * 9 + 2


def test_the_3d_network_has_the_same_add_block_once() -> None:
    with torch.device("meta"):
        network = AddNet3d(SequenceShape())
    assert _count(network.entry) == 1_106_760
    assert sum(isinstance(part, AddBlock) for part in network.modules()) == 1


def test_maps_of_the_add_block_have_the_sizes_of_the_figure() -> None:
    block = AddBlock((32, 64, 128, 256, 728)).eval()
    shapes = [tuple(found.shape[1:]) for found in block.maps(_pixels(1, 3, 224, 224))]
    assert shapes == [(64, 109, 109), (128, 55, 55), (256, 28, 28), (728, 14, 14)]
    assert last_side(224) == 14


@pytest.mark.parametrize("side", [64, 96, 112, 128, 160, 224, 225, 299])
def test_the_masks_have_the_sizes_of_the_features_they_multiply(side: int) -> None:
    block = AddBlock((2, 2, 2, 2, 2)).eval()
    masks = pooled_masks(torch.ones(1, 1, side, side))
    sides = [side, *(found.shape[-1] for found in block.maps(_pixels(1, 3, side, side)))]
    assert [mask.shape[-1] for mask in masks] == sides
    if side == 224:
        assert sides == [224, 109, 55, 28, 14]
    assert last_side(side) == sides[-1]


def test_every_mask_is_pooled_from_the_one_before() -> None:
    """A chain: the mean of the mask survives, and a copy of 0..1 stays within 0..1."""
    mask = torch.zeros(1, 1, 224, 224)
    mask[..., 60:150, 70:160] = 1
    copies = pooled_masks(mask)
    assert len(copies) == GATES
    assert copies[0] is mask
    for copy in copies:
        assert 0 <= copy.min() <= copy.max() <= 1
        assert float(copy.mean()) == pytest.approx(float(mask.mean()), abs=0.01)
    again = torch.nn.functional.avg_pool2d(copies[2], 3, 2, 1, count_include_pad=False)
    assert torch.equal(again, copies[3])


def test_a_mask_of_ones_is_the_network_without_gates() -> None:
    network = _settled(AddNet2d(SMALL))
    values = _pixels(3, 3, 76, 76)
    assert torch.equal(network(values, torch.ones(3, 1, 76, 76)), network(values))
    for mask in pooled_masks(torch.ones(1, 1, 224, 224)):
        assert (mask == 1).all()


def test_a_mask_of_zeros_gives_the_same_output_for_every_picture() -> None:
    network = _settled(AddNet2d(SMALL))
    zeros = torch.zeros(4, 1, 76, 76)
    found = network(torch.cat([_pixels(3, 3, 76, 76), torch.zeros(1, 3, 76, 76)]), zeros)
    assert torch.equal(found, found[:1].expand_as(found))
    open_gates = network(_pixels(4, 3, 76, 76), zeros + 1)
    assert not torch.allclose(open_gates, found)
    assert len({tuple(row) for row in open_gates.tolist()}) == 4


@pytest.mark.parametrize("gate", range(GATES))
def test_each_of_the_five_gates_is_used(gate: int) -> None:
    """Closing one gate alone changes the output, and hides the picture from everything behind it."""
    network = _settled(AddNet2d(SMALL))
    values = _pixels(3, 3, 76, 76)
    masks = list(pooled_masks(torch.ones(3, 1, 76, 76)))
    masks[gate] = torch.zeros_like(masks[gate])
    closed = network.gated(values, masks)
    assert not torch.allclose(closed, network(values), atol=1e-6)
    assert torch.equal(closed, closed[:1].expand_as(closed))


def test_what_lies_under_the_dark_of_the_mask_is_not_seen() -> None:
    network = _settled(AddNet2d(SMALL))
    one, two = _pixels(1, 3, 76, 76), _pixels(1, 3, 76, 76)
    two[..., :40] = 0.9
    mask = torch.ones(1, 1, 76, 76)
    mask[..., :40] = 0
    assert not torch.allclose(network(one), network(two), atol=1e-6)
    torch.testing.assert_close(network(one, mask), network(two, mask))


def test_a_wrong_number_of_masks_and_a_picture_too_small_are_refused() -> None:
    network = _settled(AddNet2d(SMALL))
    with pytest.raises(ValueError, match="5 gates"):
        network.gated(_pixels(1, 3, 76, 76), pooled_masks(torch.ones(1, 1, 76, 76))[:4])
    with pytest.raises(ValueError, match="64 pixels"):
        AddNet2d(FrameShape(64, (2, 2, 2, 2, 2), 1, (2, 2, 2), 2))


def test_permuting_frames_permutes_what_the_add_block_makes_of_them() -> None:
    network = _settled(AddNet3d(SMALL_3D))
    values, mask = _pixels(2, 6, 3, 48, 48), _pixels(2, 6, 1, 48, 48, seed=1)
    order = torch.tensor([4, 0, 5, 2, 1, 3])
    found = network.frames(values, mask)
    assert found.shape == (2, 6, 8, 3, 3)
    assert torch.equal(network.frames(values[:, order], mask[:, order]), found[:, order])
    # Each frame is read by itself and with the same weights, wherever it stands.
    torch.testing.assert_close(network.frames(values[:, 3:4], mask[:, 3:4]), found[:, 3:4])


def test_order_counts_only_through_the_3d_part() -> None:
    network = _settled(AddNet3d(SMALL_3D))
    values = _pixels(1, 6, 3, 48, 48)
    values += torch.linspace(0, 1, 6)[None, :, None, None, None]
    turned = values.flip(1)
    assert not torch.allclose(network(values), network(turned), atol=1e-6)
    for name in ("volume1", "volume2"):
        # Without its neighbours in time the 3D part is blind to the order as well.
        network.get_submodule(name).weight[:, :, (0, 2)] = 0
    torch.testing.assert_close(network(values), network(turned), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("time", [1, 4, 5, 16])
def test_any_number_of_frames_gives_one_answer_for_a_sequence(time: int) -> None:
    network = _settled(AddNet3d(SMALL_3D))
    found = network(_pixels(2, time, 3, 48, 48), torch.ones(2, time, 1, 48, 48))
    assert found.shape == (2, 2)
    assert torch.isfinite(found).all()
    assert torch.equal(network(_pixels(2, time, 3, 48, 48)), found)


def test_a_zero_mask_hides_a_whole_sequence() -> None:
    network = _settled(AddNet3d(SMALL_3D))
    zeros = torch.zeros(1, 4, 1, 48, 48)
    one = network(_pixels(1, 4, 3, 48, 48), zeros)
    assert torch.equal(one, network(_pixels(1, 4, 3, 48, 48, seed=9), zeros))


def test_labels_belong_to_sequences_and_not_to_frames() -> None:
    """Sequences that brighten against the same frames in reverse: no label of a frame could tell them apart."""
    with torch.inference_mode(False), torch.enable_grad():
        network = AddNet3d(SequenceShape(32, (4, 4, 4, 6, 6), (6, 6, 8))).train()
        optimiser = torch.optim.Adam(network.parameters(), 1e-2)
        ramp = torch.linspace(0.2, 0.8, 4)[None, :, None, None, None]
        losses = []
        for step in range(20):
            grain = _pixels(4, 4, 3, 32, 32, seed=step) * 0.1
            rising = ramp + grain
            values = torch.cat([rising, rising.flip(1)])
            labels = torch.arange(2).repeat_interleave(4)
            loss = nn.functional.cross_entropy(network(values), labels)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            losses.append(float(loss.detach()))
        network.eval()
        held = ramp + _pixels(4, 4, 3, 32, 32, seed=999) * 0.1
        with torch.no_grad():
            answers = network(torch.cat([held, held.flip(1)])).argmax(dim=1)
            frames = network.frames(torch.cat([held, held.flip(1)]))
    assert np.mean(losses[-5:]) < 0.35 < np.mean(losses[:3])
    assert (answers == torch.arange(2).repeat_interleave(4)).float().mean() > 0.9
    # The two classes have the very same frames.
    assert torch.equal(frames[:4], frames[4:].flip(1))
