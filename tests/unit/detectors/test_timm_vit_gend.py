"""timm_vit against GenD (arXiv 2508.06248): tuned norms by name, features, layouts of files, merging."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from workstation.detectors import merging, registry
from workstation.detectors.drawn import drawn_crops
from workstation.detectors.packages import fresh_package, write_package
from workstation.detectors.timm_vit import importing
from workstation.detectors.timm_vit.cards import DINOV3, PE, paper_card, small_card
from workstation.detectors.timm_vit.detector import build, load
from workstation.detectors.timm_vit.names import dino_to_timm
from workstation.detectors.timm_vit.network import build_network, fill_buffers, set_norm_tuning
from workstation.domain.custody import CheckState
from workstation.domain.detectors import Direction, InstalledDetector
from workstation.domain.errors import CardInvalid, DetectorError, WeightsInvalid

KINDS = (PE, DINOV3)


@pytest.mark.parametrize(
    ("kind", "tensors", "tuned", "tower"),
    [(PE, 102, 104_448, 315_774_976), (DINOV3, 98, 100_352, 303_128_576)],
)
def test_gend_tunes_norms_by_name_and_the_head(kind: str, tensors: int, tuned: int, tower: int) -> None:
    with torch.device("meta"):
        network = build(paper_card(kind))
    assert set_norm_tuning(network) == (tensors, tuned, 2_050)
    assert sum(p.numel() for p in network.parameters() if p.requires_grad) == tuned + 2_050
    assert sum(p.numel() for p in network.tower.parameters()) == tower
    norms = [part for part in network.tower.modules() if isinstance(part, nn.LayerNorm)]
    assert 2 * len(norms) == tensors
    assert all(p.requires_grad for part in norms for p in part.parameters())


@pytest.mark.parametrize("kind", KINDS)
def test_gend_features_have_length_one_and_the_head_reads_them(kind: str) -> None:
    torch.manual_seed(0)
    network = build(small_card(kind)).eval()
    values = torch.randn(3, 3, 64, 64)
    with torch.inference_mode():
        features = network.features(values)
        torch.testing.assert_close(features.norm(dim=-1), torch.ones(3))
        read = nn.functional.linear(features, network.head.weight, network.head.bias)
        torch.testing.assert_close(network(values), read)


def test_dinov3_gives_its_class_token_and_perception_encoder_its_pooled_feature() -> None:
    torch.manual_seed(0)
    values = torch.randn(2, 3, 64, 64)
    dino, perception = build(small_card(DINOV3)).eval(), build(small_card(PE)).eval()
    with torch.inference_mode():
        tokens = dino.tower.forward_features(values)
        torch.testing.assert_close(dino.pooled(values), tokens[:, 0])
        tokens = perception.tower.forward_features(values)
        torch.testing.assert_close(perception.pooled(values), perception.tower.attn_pool(tokens).reshape(2, -1))


@pytest.mark.parametrize("kind", KINDS)
def test_one_step_changes_norms_and_head_and_nothing_else(kind: str) -> None:
    torch.manual_seed(1)
    network = build(small_card(kind))
    set_norm_tuning(network)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    optimiser = torch.optim.AdamW([p for p in network.parameters() if p.requires_grad], lr=1e-2, weight_decay=0.1)
    loss = nn.functional.cross_entropy(network(torch.randn(4, 3, 64, 64)), torch.tensor([0, 1, 0, 1]))
    loss.backward()
    optimiser.step()
    changed = {name for name, tensor in network.state_dict().items() if not torch.equal(tensor, before[name])}
    assert changed
    assert all("norm" in name or name.startswith("head.") for name in changed)


@pytest.mark.parametrize("kind", KINDS)
def test_a_fresh_gend_package_reads_alike_alone_in_a_batch_and_again(tmp_path: Path, kind: str) -> None:
    card = fresh_package(tmp_path, small_card(kind), seed=1)
    package = InstalledDetector(card, str(tmp_path), False)
    detector = registry.load(package, device="cpu", precision="float32")
    crops = drawn_crops(96, 5, 3)
    batch = [reading.value for reading in detector.read(crops)]
    assert batch == [reading.value for reading in detector.read(crops)]
    np.testing.assert_allclose(batch, [detector.read([crop])[0].value for crop in crops], atol=1e-5)
    assert len(set(batch)) == 5
    assert all(line.state is CheckState.OK for line in registry.verify(package).lines)
    half = registry.load(package, device="cpu", precision="bfloat16").read(crops)
    assert max(abs(a - b.value) for a, b in zip(batch, half, strict=True)) < 0.05


@pytest.mark.parametrize("kind", KINDS)
def test_a_loaded_network_has_the_buffers_of_one_built_at_once(kind: str) -> None:
    """Rotary positions are in no file; a network loaded without them would answer anything."""
    card = small_card(kind)
    torch.manual_seed(2)
    built = build(card).eval()
    with torch.device("meta"):
        empty = build(card)
    fill_buffers(empty)
    empty.load_state_dict(built.state_dict(), assign=True)
    values = torch.randn(2, 3, 64, 64)
    with torch.inference_mode():
        assert torch.equal(empty.eval()(values), built(values))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("schedule", ["even", "organs"])
def test_gend_towers_merge_tokens_when_measured(tmp_path: Path, kind: str, schedule: str) -> None:
    card = small_card(kind)
    torch.manual_seed(1)
    tensors = build(card).state_dict()
    for name in tensors:
        if "gamma" in name:  # drawn so near to 0 that no block would say anything
            tensors[name].fill_(0.5)
    card = write_package(tmp_path, card, tensors)
    package = InstalledDetector(card, str(tmp_path), False)
    crops = drawn_crops(96, 3, 3)
    plain = [r.value for r in registry.load(package, device="cpu", precision="float32").read(crops)]
    settings = {"merge": "2", "schedule": schedule}
    with pytest.raises(DetectorError):
        load(card, tmp_path, device="cpu", precision="float32", settings=settings)
    with merging.measuring():
        detector = load(card, tmp_path, device="cpu", precision="float32", settings=settings)
        merged = [r.value for r in detector.read(crops)]
    assert merged == [r.value for r in detector.read(crops)]
    assert merged != plain
    assert max(abs(a - b) for a, b in zip(plain, merged, strict=True)) < 0.2


@pytest.mark.parametrize(
    ("table", "side", "said"),
    [
        ({}, 64, "no Perception"),
        ({"tower": "resnet18"}, 64, "no Perception"),
        ({"tower": "hf-hub:timm/vit_pe_core_tiny_patch16_384"}, 64, "no Perception"),
        ({"tower": "vit_pe_core_tiny_patch16_384", "width": 3}, 64, "width"),
        ({"tower": "vit_pe_core_tiny_patch16_384", "head": "deep"}, 64, "head"),
        ({"tower": "vit_pe_core_tiny_patch16_384", "depth": -1}, 64, "depth"),
        ({"tower": "vit_pe_core_tiny_patch16_384", "depth": True}, 64, "depth"),
        ({"tower": "vit_tiny_patch16_dinov3_qkvb"}, 72, "multiple"),
    ],
)
def test_gend_refuses_a_network_it_does_not_know(table: dict[str, object], side: int, said: str) -> None:
    with torch.device("meta"), pytest.raises(CardInvalid, match=said):
        build_network(table, side)


def test_gend_refuses_a_wrong_card_and_an_unknown_setting(tmp_path: Path) -> None:
    card = small_card(DINOV3)
    for output in (
        replace(card.output, map_size=16),
        replace(card.output, direction=Direction.LOWER_IS_MANIPULATED),
    ):
        with pytest.raises(CardInvalid, match="timm_vit"):
            build(replace(card, output=output))
    written = fresh_package(tmp_path, card)
    with pytest.raises(DetectorError, match="gallery"):
        load(written, tmp_path, device="cpu", precision="float32", settings={"gallery": "x"})


# --- files -----------------------------------------------------------------------------------------------------------


def gend_pe(side: int = 384) -> tuple[nn.Module, dict[str, Tensor]]:
    """A tower as GenD builds it (positions resampled at every call), and its file's tensors."""
    import timm

    torch.manual_seed(3)
    tower = timm.create_model(
        "vit_pe_core_tiny_patch16_384", pretrained=False, num_classes=0, dynamic_img_size=True
    ).eval()
    nn.init.normal_(tower.pos_embed, std=0.5)
    return tower, {f"feature_extractor.backbone.{name}": tensor for name, tensor in tower.state_dict().items()}


def hugging_face_dino(layers: int = 2) -> tuple[nn.Module, dict[str, Tensor]]:
    from transformers import DINOv3ViTConfig, DINOv3ViTModel

    torch.manual_seed(4)
    config = DINOv3ViTConfig(
        hidden_size=192,
        num_hidden_layers=layers,
        num_attention_heads=3,
        intermediate_size=768,
        num_register_tokens=4,
        image_size=224,
        attn_implementation="eager",
    )
    tower = DINOv3ViTModel(config).eval()
    with torch.no_grad():
        for name, tensor in tower.named_parameters():
            tensor.normal_(1.0 if "norm" in name and name.endswith("weight") else 0.0, 0.05)
    return tower, {f"feature_extractor.backbone.{name}": tensor for name, tensor in tower.state_dict().items()}


def head() -> dict[str, Tensor]:
    return {"model.linear.weight": torch.randn(2, 192), "model.linear.bias": torch.randn(2)}


def test_a_gend_perception_encoder_file_gives_the_same_as_timm_resampling_at_every_call(tmp_path: Path) -> None:
    tower, tensors = gend_pe()
    path = tmp_path / "model.safetensors"
    save_file({name: t.contiguous() for name, t in (tensors | head()).items()}, path)
    card = importing.convert(path, tmp_path / "package", licence="MIT", origin="a test")
    detector = load(card, tmp_path / "package", device="cpu", precision="float32")
    assert card.network["tower"] == "vit_pe_core_tiny_patch16_384"
    values = torch.randn(2, 3, 224, 224)
    with torch.inference_mode():
        assert float((tower(values) - detector.network.pooled(values)).abs().max()) < 1e-6


def test_a_gend_dinov3_file_gives_the_same_as_hugging_face() -> None:
    tower, tensors = hugging_face_dino()
    network = build_network({"tower": "vit_tiny_patch16_dinov3_qkvb", "depth": 2}, 64).eval()
    network.load_state_dict(importing.as_timm(tensors | head(), DINOV3, "a file"))
    values = torch.randn(2, 3, 64, 64)
    with torch.inference_mode():
        wanted = tower(values).last_hidden_state[:, 0]
        assert float((wanted - network.pooled(values)).abs().max()) < 1e-4


def test_a_gend_dinov3_file_with_names_of_earlier_transformers_becomes_a_package(tmp_path: Path) -> None:
    """Earlier versions put no "model." before the blocks."""
    _, tensors = hugging_face_dino(layers=12)
    old = {name.replace("backbone.model.layer", "backbone.layer"): tensor for name, tensor in tensors.items()}
    assert old.keys() != tensors.keys()
    path = tmp_path / "model.safetensors"
    save_file({name: t.contiguous() for name, t in (old | head()).items()}, path)
    card = importing.convert(path, tmp_path / "package", licence="MIT", origin="a test")
    assert card.network["tower"] == "vit_tiny_patch16_dinov3_qkvb"
    assert any("names of tensors" in line for line in card.unverified)
    assert "another size" in card.unverified[0]
    assert not card.verified


def test_gend_files_that_do_not_fit_exactly_are_refused(tmp_path: Path) -> None:
    _, tensors = gend_pe()
    whole = tensors | head()
    prefix = "feature_extractor.backbone."
    cases = {
        "more": whole | {"feature_extractor.extra": torch.zeros(1)},
        "inner": whole | {f"{prefix}extra": torch.zeros(1)},
        "less": {name: tensor for name, tensor in whole.items() if name != f"{prefix}norm.weight"},
        "shape": whole | {f"{prefix}norm.weight": torch.zeros(7)},
        "blocks": {name: tensor for name, tensor in whole.items() if ".blocks.11." not in name},
        "positions": whole | {f"{prefix}pos_embed": torch.zeros(1, 12, 192)},
    }
    for name, changed in cases.items():
        path = tmp_path / f"{name}.safetensors"
        save_file({entry: tensor.contiguous() for entry, tensor in changed.items()}, path)
        with pytest.raises(WeightsInvalid):
            importing.convert(path, tmp_path / name, licence="MIT", origin="a test")
        assert not (tmp_path / name).exists()


def test_gend_layouts_are_told_apart_by_their_names() -> None:
    _, pe = gend_pe()
    shapes = {name: tuple(tensor.shape) for name, tensor in (pe | head()).items()}
    assert importing.matches(shapes, Path("a"))
    assert not importing.matches({name: shape for name, shape in shapes.items() if "linear" not in name}, Path("a"))
    assert not importing.matches({"feature_extractor.vision_model.x": (1,), "model.linear.weight": (2, 4)}, Path("a"))
    with pytest.raises(WeightsInvalid, match="no tensor"):
        dino_to_timm({"layer.0.attention.strange": torch.zeros(1)})
    with pytest.raises(WeightsInvalid, match="query, key and value"):
        dino_to_timm({"layer.0.attention.q_proj.weight": torch.zeros(1)})
