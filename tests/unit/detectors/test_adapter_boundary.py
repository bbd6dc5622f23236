"""adapter, after Forensics-Adapter (CVPR 2025): frozen CLIP, a guided class token, a boundary map, its losses."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from workstation.detectors import registry
from workstation.detectors.adapter.cards import SMALL_SHAPE, SMALL_VISION, paper_card, small_card
from workstation.detectors.adapter.detector import build, load
from workstation.detectors.adapter.losses import AdapterLosses, boundary_of, inter, intra
from workstation.detectors.adapter.network import AdapterNetwork, build_network, set_adapter_training
from workstation.detectors.adapter.side import SideShape, clip_places, join_places
from workstation.detectors.drawn import drawn_crops
from workstation.detectors.packages import fresh_package
from workstation.domain.custody import CheckState
from workstation.domain.detectors import Direction, InstalledDetector
from workstation.domain.errors import CardInvalid, DetectorError


def small(seed: int = 0, guided: bool = False) -> AdapterNetwork:
    torch.manual_seed(seed)
    network = build(small_card())
    if guided:
        nn.init.normal_(network.side.guide, std=3.0)
    return network.eval()


def test_adapter_has_the_published_sizes_and_trains_nothing_of_clip() -> None:
    with torch.device("meta"):
        network = build(paper_card())
    side, head = set_adapter_training(network)
    assert SideShape() == SideShape(side=256, patch=16, width=192, depth=12, heads=3, queries=128)
    assert tuple(network.side.queries.shape) == (1, 128, 192)
    assert sum(p.numel() for p in network.tower.parameters()) == 303_179_776
    assert not any(p.requires_grad for p in network.tower.parameters())
    assert (side, head) == (6_377_040, 2_050)
    assert network.map_size == 64


def test_without_a_bias_the_guided_class_token_is_clips_own() -> None:
    network = small()
    values = torch.randn(3, 3, 64, 64)
    with torch.inference_mode():
        states = network.states(values)
        bias = torch.zeros(3, SMALL_SHAPE.guided, network.heads, 16)
        own = network.tower.ln_post(states[-1])[:, 0]
        assert float((network.guided(states, bias) - own).abs().max()) < 1e-5
        # A fresh adapter guides nowhere.
        assert torch.equal(network(values).logits, network.head(network.guided(states, bias)))


def test_clip_runs_as_open_clip_runs_it() -> None:
    network = small()
    values = torch.randn(2, 3, 64, 64)
    small_values = nn.functional.interpolate(values, (32, 32), mode="bicubic", align_corners=False, antialias=True)
    with torch.inference_mode():
        states = network.states(values)
        torch.testing.assert_close(network.tower.ln_post(states[-1])[:, 0], network.tower(small_values))
    assert len(states) == 3


def test_a_bias_on_one_cell_draws_the_class_token_to_it() -> None:
    """With a large bias on one cell in the last block, attention reads that cell alone."""
    network = small()
    with torch.inference_mode():
        states = network.states(torch.randn(1, 3, 64, 64))
        bias = torch.zeros(1, 1, network.heads, 16)
        bias[..., 5] = 1e4
        found = network.guided(states, bias)
        block = network.tower.transformer.resblocks[-1]
        cell = block.ln_1(states[-2][:, 6:7])
        token = states[-2][:, :1] + block.attn(cell, cell, cell, need_weights=False)[0]
        token = token + block.mlp(block.ln_2(token))
        torch.testing.assert_close(found, network.tower.ln_post(token)[:, 0], atol=1e-5, rtol=0)


def test_guiding_changes_the_score_and_not_clips_tokens() -> None:
    plain, guided = small(), small(guided=True)
    values = torch.randn(2, 3, 64, 64)
    with torch.inference_mode():
        for one, two in zip(plain.states(values), guided.states(values), strict=True):
            assert torch.equal(one, two)
        assert not torch.allclose(plain(values).logits, guided(values).logits, atol=1e-4)


def test_one_step_leaves_clip_bitwise_as_it_was_and_reaches_every_part_of_the_adapter() -> None:
    network = small(guided=True)
    set_adapter_training(network)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    optimiser = torch.optim.Adam([p for p in network.parameters() if p.requires_grad], lr=1e-3)
    mask = torch.zeros(4, 1, 16, 16)
    mask[1::2, :, 4:12, 4:12] = 1
    loss = AdapterLosses().total(network(torch.randn(4, 3, 64, 64)), boundary_of(mask, 1.0), torch.tensor([0, 1, 0, 1]))
    loss.backward()
    optimiser.step()
    changed = {name for name, tensor in network.state_dict().items() if not torch.equal(tensor, before[name])}
    assert changed == {name for name in before if not name.startswith("tower.")}


def test_joins_are_spread_over_both_networks() -> None:
    assert join_places(12, 4) == (0, 3, 6, 9)
    assert clip_places(24, 4) == (6, 12, 18, 24)


def test_the_boundary_is_1_on_the_edge_of_a_mask_and_0_away_from_it() -> None:
    mask = torch.zeros(1, 1, 64, 64)
    mask[..., :, 32:] = 1
    found = boundary_of(mask, 2.0)[0, 0]
    assert found.shape == (64, 64)
    assert found[:, 31:33].min() > 0.95
    assert found[:, :20].max() < 1e-5
    assert found[:, 44:].max() < 1e-5
    assert boundary_of(torch.zeros(1, 1, 16, 16)).max() == 0
    assert boundary_of(torch.ones(1, 1, 16, 16)).max() < 1e-5


def test_losses_are_0_where_nothing_is_left_to_learn() -> None:
    boundary = torch.zeros(4, 1, 16, 16)
    boundary[2:, :, 4:8, 4:8] = 1
    patches = torch.zeros(4, 16, 8)
    patches[:2, :, 0] = 1
    patches[2:, :, 1] = 1
    on = nn.functional.adaptive_avg_pool2d(boundary, 4).flatten(1).bool()
    apart = patches.clone()
    apart[2:, :, 1] = 1
    apart[on] = 0
    apart[..., 2][on] = 1
    labels = torch.tensor([0, 0, 1, 1])
    assert intra(apart, boundary).item() == pytest.approx(0, abs=1e-6)
    assert intra(patches, boundary).item() == pytest.approx(1, abs=1e-5)
    assert inter(patches, labels).item() == pytest.approx(0, abs=1e-6)
    assert inter(patches, torch.tensor([0, 1, 0, 1])).item() == pytest.approx(4 / 6, abs=1e-6)
    assert intra(patches, torch.zeros_like(boundary)).item() == 0
    assert inter(patches[:1], labels[:1]).item() == 0


def test_the_loss_is_the_sum_with_the_published_weights() -> None:
    network = small(guided=True)
    mask = torch.zeros(4, 1, 16, 16)
    mask[2:, :, 4:12, 4:12] = 1
    boundary, labels = boundary_of(mask, 1.0), torch.tensor([0, 0, 1, 1])
    with torch.inference_mode():
        answer = network(torch.randn(4, 3, 64, 64))
        drawn = torch.sigmoid(answer.boundary)
        wanted = (
            nn.functional.cross_entropy(answer.logits, labels)
            + 10 * (drawn - boundary).abs().mean()
            + 200 * (drawn - boundary).square().mean()
            + 20 * intra(answer.patches, boundary)
            + 10 * inter(answer.patches, labels)
        )
        torch.testing.assert_close(AdapterLosses().total(answer, boundary, labels), wanted)


@pytest.mark.slow
def test_a_few_steps_teach_the_small_adapter_where_a_square_is() -> None:
    torch.manual_seed(0)
    network = build(small_card())
    set_adapter_training(network)
    optimiser = torch.optim.Adam([p for p in network.parameters() if p.requires_grad], lr=1e-2)
    values = 0.1 * torch.randn(4, 3, 64, 64)
    values[2:, :, 16:48, 16:48] += 2
    mask = torch.zeros(4, 1, 16, 16)
    mask[2:, :, 4:12, 4:12] = 1
    boundary, labels = boundary_of(mask, 1.0), torch.tensor([0, 0, 1, 1])
    for _ in range(25):
        optimiser.zero_grad()
        AdapterLosses().total(network(values), boundary, labels).backward()
        optimiser.step()
    network.eval()
    with torch.inference_mode():
        answer = network(values)
        drawn = torch.sigmoid(answer.boundary)
    assert float(drawn[2:][boundary[2:] > 0.5].mean()) > 0.5
    assert float(drawn[:2].mean()) < 0.2
    assert (answer.logits.argmax(-1) == labels).all()


def test_a_fresh_adapter_package_reads_alike_alone_in_a_batch_and_again(tmp_path: Path) -> None:
    card = fresh_package(tmp_path, small_card(), seed=1)
    package = InstalledDetector(card, str(tmp_path), False)
    detector = registry.load(package, device="cpu", precision="float32")
    crops = drawn_crops(96, 5, 3)
    batch, again = detector.read(crops), detector.read(crops)
    alone = [detector.read([crop])[0] for crop in crops]
    for one, two, three in zip(batch, again, alone, strict=True):
        assert one.value == two.value
        assert abs(one.value - three.value) < 1e-5
        assert one.map is not None
        assert three.map is not None
        assert one.map.shape == (16, 16)
        assert one.map.dtype == np.float32
        assert 0 <= one.map.min() <= one.map.max() <= 1
        np.testing.assert_allclose(one.map, three.map, atol=1e-5)
    assert len({reading.value for reading in batch}) == 5
    assert all(line.state is CheckState.OK for line in registry.verify(package).lines)
    half = registry.load(package, device="cpu", precision="bfloat16").read(crops)
    assert max(abs(a.value - b.value) for a, b in zip(batch, half, strict=True)) < 0.05


@pytest.mark.parametrize(
    ("adapter", "said"),
    [
        (None, "needs a table"),
        ({"wide": 3}, "wide"),
        ({**asdict(SMALL_SHAPE), "depth": 0}, "depth"),
        ({**asdict(SMALL_SHAPE), "queries": True}, "queries"),
        ({**asdict(SMALL_SHAPE), "patch": 15}, "multiple"),
        ({**asdict(SMALL_SHAPE), "heads": 5}, "multiple"),
        ({**asdict(SMALL_SHAPE), "patch": 8}, "cells"),
        ({**asdict(SMALL_SHAPE), "guided": 3}, "more joins"),
        ({**asdict(SMALL_SHAPE), "joins": 3}, "more joins"),
    ],
)
def test_adapter_refuses_a_network_it_does_not_know(adapter: object, said: str) -> None:
    with pytest.raises(CardInvalid, match=said):
        build_network({"vision": dict(SMALL_VISION), "adapter": adapter})


def test_adapter_refuses_a_wrong_card_and_every_setting(tmp_path: Path) -> None:
    card = small_card()
    wrong = (
        replace(card, input=replace(card.input, size=48)),
        replace(card, output=replace(card.output, map_size=0)),
        replace(card, output=replace(card.output, direction=Direction.LOWER_IS_MANIPULATED)),
        replace(card, network={**card.network, "head": "linear"}),
    )
    for one in wrong:
        with pytest.raises(CardInvalid):
            build(one)
    written = fresh_package(tmp_path, card)
    with pytest.raises(DetectorError, match="merge"):
        load(written, tmp_path, device="cpu", precision="float32", settings={"merge": "2"})
