"""ufd against its publication (CVPR 2023): a linear unit on projected CLIP features of any length; its head's file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from workstation.detectors import registry
from workstation.detectors.drawn import drawn_crops
from workstation.detectors.packages import fresh_package
from workstation.detectors.ufd import importing
from workstation.detectors.ufd.cards import paper_card, small_card
from workstation.detectors.ufd.detector import build, load
from workstation.detectors.ufd.network import build_network, set_head_training
from workstation.domain.custody import CheckState
from workstation.domain.detectors import Direction, InstalledDetector
from workstation.domain.errors import CardInvalid, DetectorError, WeightsInvalid


def test_ufd_trains_769_numbers_on_an_untouched_vit_l14_with_its_projection() -> None:
    with torch.device("meta"):
        network = build(paper_card())
    assert set_head_training(network) == 769
    assert sum(p.numel() for p in network.parameters() if p.requires_grad) == 769
    assert sum(p.numel() for p in network.tower.parameters()) == 303_179_776 + 786_432
    assert tuple(network.tower.proj.shape) == (1024, 768)


def test_ufd_features_are_the_class_token_times_the_projection_and_keep_their_length() -> None:
    torch.manual_seed(0)
    network = build(small_card()).eval()
    values = torch.randn(3, 3, 32, 32)
    tower = network.tower
    with torch.inference_mode():
        token = tower.ln_post(tower.transformer(tower._embeds(values)))[:, 0]
        features = network.features(values)
        torch.testing.assert_close(features, token @ tower.proj)
        torch.testing.assert_close(network(values), features @ network.head.weight[0] + network.head.bias[0])
    assert (features.norm(dim=-1) - 1).abs().min() > 0.05


def test_ufd_scores_like_open_clip_with_a_linear_unit() -> None:
    """open_clip's own forward of a tower with a projection gives the same features."""
    from open_clip.transformer import LayerNorm, QuickGELU, VisionTransformer

    torch.manual_seed(1)
    network = build(small_card()).eval()
    plain = VisionTransformer(
        32, 8, 64, 2, 4, 2.0, output_dim=48, act_layer=QuickGELU, norm_layer=LayerNorm
    ).eval()  # fmt: skip
    plain.load_state_dict(network.tower.state_dict())
    values = torch.randn(2, 3, 32, 32)
    with torch.inference_mode():
        torch.testing.assert_close(plain(values), network.features(values))


def test_a_fresh_ufd_package_reads_alike_alone_in_a_batch_and_again(tmp_path: Path) -> None:
    card = fresh_package(tmp_path, small_card(), seed=1)
    package = InstalledDetector(card, str(tmp_path), False)
    detector = registry.load(package, device="cpu", precision="float32")
    crops = drawn_crops(64, 5, 3)
    batch = [reading.value for reading in detector.read(crops)]
    assert batch == [reading.value for reading in detector.read(crops)]
    np.testing.assert_allclose(batch, [detector.read([crop])[0].value for crop in crops], atol=1e-5)
    assert len(set(batch)) == 5
    assert all(line.state is CheckState.OK for line in registry.verify(package).lines)
    half = registry.load(package, device="cpu", precision="bfloat16").read(crops)
    assert max(abs(a - b.value) for a, b in zip(batch, half, strict=True)) < 0.05


def test_ufd_scores_higher_where_its_unit_votes_for_manipulated() -> None:
    network = build(small_card())
    nn.init.zeros_(network.head.weight)
    nn.init.constant_(network.head.bias, 3.0)
    with torch.inference_mode():
        assert torch.sigmoid(network(torch.zeros(1, 3, 32, 32))).item() == pytest.approx(0.952574, abs=1e-6)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"tower": "ViT-L-14-quickgelu"}, "features"),
        ({"tower": "ViT-L-14-quickgelu", "features": 0}, "features"),
        ({"tower": "ViT-L-14-quickgelu", "features": True}, "features"),
        ({"tower": "ViT-L-14-quickgelu", "features": 768, "head": "linear"}, "head"),
        ({"tower": "nowhere", "features": 768}, "nowhere"),
    ],
)
def test_ufd_refuses_a_network_it_does_not_know(table: dict[str, object], said: str) -> None:
    with pytest.raises(CardInvalid, match=said):
        build_network(table)


def test_ufd_refuses_a_card_with_a_map_or_the_other_direction() -> None:
    card = small_card()
    for output in (
        replace(card.output, map_size=16),
        replace(card.output, direction=Direction.LOWER_IS_MANIPULATED),
    ):
        with pytest.raises(CardInvalid, match="ufd"):
            build(replace(card, output=output))


def test_ufd_refuses_an_unknown_setting(tmp_path: Path) -> None:
    card = fresh_package(tmp_path, small_card())
    with pytest.raises(DetectorError, match="gallery"):
        load(card, tmp_path, device="cpu", precision="float32", settings={"gallery": "x"})


# --- the published head ----------------------------------------------------------------------------------------------


def small_head(path: Path) -> Path:
    torch.save({"weight": torch.randn(1, 768), "bias": torch.zeros(1)}, path)
    return path


def small_tower(path: Path) -> Path:
    """A tower of the small card in open_clip's layout."""
    torch.manual_seed(2)
    tower = build(small_card()).tower.state_dict()
    save_file({f"visual.{name}": tensor.contiguous() for name, tensor in tower.items()}, path)
    return path


def test_the_head_alone_is_refused_with_what_else_is_needed(tmp_path: Path) -> None:
    head = small_head(tmp_path / "fc_weights.pth")
    assert importing.matches({"weight": (1, 768), "bias": (1,)}, head)
    assert not importing.matches({"weight": (1, 512), "bias": (1,)}, head)
    assert not importing.matches({"weight": (1, 768), "bias": (1,), "more": (1,)}, head)
    for source in (head, tmp_path):
        with pytest.raises(WeightsInvalid, match="one is needed") as caught:
            importing.convert(source, tmp_path / "package", licence="MIT", origin="a test")
        assert "openai/clip-vit-large-patch14" in caught.value.advice


def test_a_folder_without_a_head_or_with_two_towers_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsInvalid, match="0 heads"):
        importing.convert(tmp_path, tmp_path / "package", licence="MIT")
    small_head(tmp_path / "fc_weights.pth")
    for name in ("a.safetensors", "b.safetensors"):
        small_tower(tmp_path / name)
    with pytest.raises(WeightsInvalid, match="2 such towers"):
        importing.convert(tmp_path, tmp_path / "package", licence="MIT")


def test_another_tower_than_vit_l14_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    small_head(source / "fc_weights.pth")
    small_tower(source / "tower.safetensors")
    with pytest.raises(WeightsInvalid, match="not the tower"):
        importing.convert(source, tmp_path / "package", licence="MIT", origin="a test")
    assert not (tmp_path / "package").exists()


def test_head_and_tower_in_one_folder_become_a_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The published layout at a small scale: only the sizes are made small."""
    monkeypatch.setattr(importing, "HEAD", {"weight": (1, 48), "bias": (1,)})
    monkeypatch.setattr(importing, "paper_card", lambda **kept: small_card())
    source = tmp_path / "source"
    source.mkdir()
    torch.save({"weight": torch.randn(1, 48), "bias": torch.zeros(1)}, source / "fc_weights.pth")
    small_tower(source / "tower.safetensors")
    card = importing.convert(source, tmp_path / "package", licence="MIT", origin="a test")
    detector = load(card, tmp_path / "package", device="cpu", precision="float32")
    wanted = torch.load(source / "fc_weights.pth", weights_only=True)["weight"]
    torch.testing.assert_close(detector.network.head.weight.data, wanted)
    assert 0 < detector.read(drawn_crops(64, 1))[0].value < 1


@pytest.mark.data
def test_the_published_head_is_recognised_and_read_and_asks_for_its_tower(shared_data: Path, tmp_path: Path) -> None:
    from workstation.detectors.importing.tensors import shapes_of, tensors_of

    path = shared_data / "weights" / "ufd_clip_linear_head" / "fc_weights.pth"
    assert importing.matches(shapes_of(path), path)
    tensors = tensors_of(path)
    assert {name: tuple(tensor.shape) for name, tensor in tensors.items()} == importing.HEAD
    assert all(torch.isfinite(tensor).all() for tensor in tensors.values())
    with pytest.raises(WeightsInvalid, match="one is needed"):
        importing.convert(path, tmp_path / "package")


@pytest.mark.data
def test_a_folder_with_the_published_head_and_no_tower_says_what_is_needed(shared_data: Path, tmp_path: Path) -> None:
    from workstation.detectors.importing.recognise import convert, recognise

    folder = shared_data / "weights" / "ufd_clip_linear_head"
    assert recognise(folder).family == "ufd"
    with pytest.raises(WeightsInvalid, match="one is needed"):
        convert(folder, tmp_path / "package")
