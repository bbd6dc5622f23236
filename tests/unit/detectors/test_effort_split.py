"""effort against its publication (ICML 2025): counts, the split at the start, the constraints, merged weights."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from workstation.detectors import registry
from workstation.detectors.clip_ln.network import build as build_clip
from workstation.detectors.drawn import drawn_crops
from workstation.detectors.effort import importing
from workstation.detectors.effort.cards import SMALL_VISION, paper_card, small_card
from workstation.detectors.effort.detector import build, load
from workstation.detectors.effort.losses import EffortLosses, energy_drift, orthogonality
from workstation.detectors.effort.network import build_network, merged, merged_state, set_effort_training, split
from workstation.detectors.effort.split import SplitLinear, split_layers
from workstation.detectors.packages import fresh_package
from workstation.domain.custody import CheckState
from workstation.domain.detectors import Direction, InstalledDetector
from workstation.domain.errors import CardInvalid, DetectorError, WeightsInvalid


def small(seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return build(small_card()).eval()


def test_effort_trains_2049_numbers_in_each_of_96_layers_of_vit_l14() -> None:
    with torch.device("meta"):
        network = build(paper_card())
    layers = split_layers(network)
    assert len(layers) == 96
    assert {part.left.numel() + part.values.numel() + part.right.numel() for part in layers} == {2_049}
    assert set_effort_training(network) == (196_704, 2_050)
    assert sum(p.numel() for p in network.parameters() if p.requires_grad) == 198_754


def test_effort_keeps_all_but_the_smallest_singular_value_frozen() -> None:
    torch.manual_seed(0)
    weight = torch.randn(64, 64)
    layer = SplitLinear(weight, torch.zeros(64), 1)
    values = torch.linalg.svdvals(weight.double())
    kept = torch.linalg.svdvals(layer.main.double())
    assert int(torch.linalg.matrix_rank(layer.main, rtol=1e-5)) == 63
    torch.testing.assert_close(kept[:63], values[:63], atol=1e-5, rtol=0)
    assert kept[63] < 1e-5
    assert layer.values.item() == pytest.approx(values[63].item(), abs=1e-6)
    assert {name for name, _ in layer.named_parameters()} == {"left", "values", "right"}


@pytest.mark.parametrize("rank", [1, 3])
def test_effort_answers_at_the_start_as_the_tower_it_was_made_from(rank: int) -> None:
    torch.manual_seed(3)
    base = build_clip({"vision": dict(SMALL_VISION), "head": "linear"}).eval()
    values = torch.randn(3, 3, 32, 32)
    with torch.inference_mode():
        before = base(values), base.tokens(values)
    split(base, rank)
    with torch.inference_mode():
        after = base(values), base.tokens(values)
    assert max(float((a - b).abs().max()) for a, b in zip(before, after, strict=True)) < 1e-5
    with pytest.raises(TypeError, match="SplitAttention"):
        split(base, rank)


def test_one_step_changes_the_rests_and_the_head_and_nothing_else() -> None:
    network = small()
    counted = set_effort_training(network)
    assert counted == (2 * 4 * (64 + 1 + 64), 2 * 64 + 2)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    optimiser = torch.optim.Adam([p for p in network.parameters() if p.requires_grad], lr=2e-3)
    labels = torch.tensor([0, 1, 0, 1])
    loss = EffortLosses().total(network, network(torch.randn(4, 3, 32, 32)), labels)
    loss.backward()
    optimiser.step()
    changed = {name for name, tensor in network.state_dict().items() if not torch.equal(tensor, before[name])}
    assert all(name.endswith((".left", ".values", ".right")) or name.startswith("head.") for name in changed)
    assert len(changed) == 2 * 4 * 3 + 2
    assert sum(energy_drift(layer).item() for layer in split_layers(network)) > 0
    assert sum(orthogonality(layer).item() for layer in split_layers(network)) > 0


def test_the_constraints_are_0_at_the_start() -> None:
    for layer in split_layers(small()):
        assert orthogonality(layer).item() == pytest.approx(0, abs=1e-5)
        assert energy_drift(layer).item() == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize("rank", [1, 2])
def test_orthogonality_equals_the_full_sum_over_all_singular_vectors(rank: int) -> None:
    """The short form, which needs none of the main part's vectors, against U^T U - I written out."""
    torch.manual_seed(4)
    weight = torch.randn(24, 24, dtype=torch.float64)
    layer = SplitLinear(weight, torch.zeros(24, dtype=torch.float64), rank)
    with torch.no_grad():
        for tensor in (layer.left, layer.values, layer.right):
            tensor.add_(0.3 * torch.randn_like(tensor))
    left, _, right = torch.linalg.svd(weight)
    one = torch.eye(24, dtype=torch.float64)
    u = torch.cat([left[:, :-rank], layer.left], dim=1)
    v = torch.cat([right[:-rank], layer.right]).T
    full = (u.T @ u - one).square().sum() + (v.T @ v - one).square().sum()
    assert orthogonality(layer).item() == pytest.approx(full.item(), rel=1e-9)
    energy = abs(layer.weight.square().sum() - weight.square().sum()) / weight.square().sum()
    assert energy_drift(layer).item() == pytest.approx(energy.item(), rel=1e-9)


def trained(seed: int = 5) -> nn.Module:
    network = small(seed)
    with torch.no_grad():
        for layer in split_layers(network):
            for tensor in (layer.left, layer.values, layer.right):
                tensor.add_(0.2 * torch.randn_like(tensor))
    return network


def test_merged_weights_answer_as_the_split_ones_do() -> None:
    network = trained()
    plain = merged(network, small_card().network).eval()
    assert not split_layers(plain)
    values = torch.randn(4, 3, 32, 32)
    with torch.inference_mode():
        assert float((network(values) - plain(values)).abs().max()) < 1e-5
        assert float((small(5)(values) - plain(values)).abs().max()) > 1e-3


def test_merged_weights_exported_and_imported_make_the_same_detector(tmp_path: Path) -> None:
    from workstation.detectors.importing.tensors import shapes_of

    network = trained()
    path = tmp_path / "merged.safetensors"
    importing.export_merged(network, small_card().network, path)
    assert importing.matches(shapes_of(path), path)
    card = importing.convert(path, tmp_path / "package", licence="CC0-1.0", origin="a test")
    detector = load(card, tmp_path / "package", device="cpu", precision="float32")
    for name, tensor in merged_state(network).items():
        assert torch.equal(detector.network.state_dict()[name], tensor), name
    assert card.network == {"vision": dict(SMALL_VISION), "form": "merged"}
    values = torch.randn(2, 3, 32, 32)
    with torch.inference_mode():
        torch.testing.assert_close(detector.network(values), network(values), atol=1e-5, rtol=0)


def test_an_import_of_what_is_not_known_is_refused(tmp_path: Path) -> None:
    from safetensors import safe_open
    from safetensors.torch import load_file, save_file

    path = tmp_path / "merged.safetensors"
    importing.export_merged(trained(), small_card().network, path)
    tensors = load_file(path)
    assert not importing.matches({"U_residual": (1024, 1), "head.weight": (2, 1024)}, path)
    assert not importing.matches({}, path)
    with pytest.raises(WeightsInvalid, match="licence"):
        importing.convert(path, tmp_path / "package")
    with safe_open(path, framework="np") as file:
        said = file.metadata()
    lacking = {name: tensor for name, tensor in tensors.items() if "ln_post" not in name}
    more = tensors | {f"{importing.PREFIX}tower.more": torch.zeros(1)}
    cases = ((lacking, said, "wanted"), (more, said, "wanted"), (tensors, None, "which network"))
    for changed, header, words in cases:
        save_file(changed, path, metadata=header)
        with pytest.raises(WeightsInvalid, match=words):
            importing.convert(path, tmp_path / "package", licence="CC0-1.0")
        assert not (tmp_path / "package").exists()


@pytest.mark.parametrize("form", ["split", "merged"])
def test_a_fresh_effort_package_reads_alike_alone_in_a_batch_and_again(tmp_path: Path, form: str) -> None:
    card = fresh_package(tmp_path, small_card(form), seed=1)
    package = InstalledDetector(card, str(tmp_path), False)
    detector = registry.load(package, device="cpu", precision="float32")
    crops = drawn_crops(64, 5, 3)
    batch = [reading.value for reading in detector.read(crops)]
    assert batch == [reading.value for reading in detector.read(crops)]
    np.testing.assert_allclose(batch, [detector.read([crop])[0].value for crop in crops], atol=1e-5)
    assert len(set(batch)) == 5
    assert all(line.state is CheckState.OK for line in registry.verify(package).lines)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"vision": dict(SMALL_VISION)}, "form"),
        ({"vision": dict(SMALL_VISION), "form": "folded"}, "form"),
        ({"vision": dict(SMALL_VISION), "form": "merged", "rank": 1}, "form"),
        ({"vision": dict(SMALL_VISION), "form": "split", "rank": 0}, "rank"),
        ({"vision": dict(SMALL_VISION), "form": "split", "rank": 64}, "rank"),
        ({"vision": dict(SMALL_VISION), "form": "split", "head": "linear_norm"}, "head"),
    ],
)
def test_effort_refuses_a_network_it_does_not_know(table: dict[str, object], said: str) -> None:
    with pytest.raises(CardInvalid, match=said):
        build_network(table)


def test_effort_refuses_a_wrong_card_and_an_unknown_setting(tmp_path: Path) -> None:
    card = small_card()
    wrong = (
        replace(card, input=replace(card.input, size=48)),
        replace(card, output=replace(card.output, map_size=16)),
        replace(card, output=replace(card.output, direction=Direction.LOWER_IS_MANIPULATED)),
    )
    for one in wrong:
        with pytest.raises(CardInvalid):
            build(one)
    written = fresh_package(tmp_path, card)
    with pytest.raises(DetectorError, match="gallery"):
        load(written, tmp_path, device="cpu", precision="float32", settings={"gallery": "x"})
