"""Merging inside open_clip's and timm's towers: nothing changes at 0, lengths are as counted, parameters keep names."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest
import timm
import torch
from torch import Tensor, nn

from workstation.detectors import merging
from workstation.detectors.clip_ln.network import ClipLn, build, make_lean
from workstation.detectors.drawn import drawn_crops
from workstation.detectors.merging import towers
from workstation.detectors.merging.matching import Tokens
from workstation.detectors.merging.schedule import MergePlan, plan
from workstation.detectors.mfclip.vision import VisionEncoder, VisionShape
from workstation.domain.errors import DetectorError

_REST = {"mlp_ratio": 2.0, "width": 32}
# As long and as deep as ViT-L/14 at 224 px, and thin.
LONG: dict[str, Any] = {
    "image_size": 224,
    "patch_size": 14,
    "width": 32,
    "layers": 24,
    "head_width": 8,
    "mlp_ratio": 2.0,
}
SHORT: dict[str, Any] = {
    "image_size": 64,
    "patch_size": 16,
    "width": 32,
    "layers": 3,
    "head_width": 16,
    "mlp_ratio": 2.0,
}
THIN = {"depth": 3, "embed_dim": 48, "num_heads": 3}
TIMM: dict[str, tuple[str, dict[str, Any]]] = {
    "VisionTransformer": ("vit_tiny_patch16_224", {"img_size": 64}),
    "registers": ("vit_small_patch14_reg4_dinov2", {"img_size": 70}),
    "DINOv3": ("vit_small_patch16_dinov3", {"img_size": 96, "global_pool": "token"}),
    "Perception Encoder": ("vit_pe_core_tiny_patch16_384", {"img_size": 96, "attn_pool_num_heads": 3}),
    "EVA-02": ("eva02_tiny_patch14_224", {"img_size": 70}),
    "mean of tokens": ("vit_tiny_patch16_224", {"img_size": 64, "global_pool": "avg", "qk_norm": True}),
}


def clip_tower(vision: dict[str, Any], seed: int = 0) -> ClipLn:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return build({"vision": vision}).eval()


def timm_tower(name: str, **changes: Any) -> Any:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        tower = timm.create_model(name, pretrained=False, **(THIN | changes)).eval()
    for part in tower.modules():
        # Layer scale near 0 would hide what a block does.
        for gamma in ("gamma", "gamma_1", "gamma_2"):
            if isinstance(getattr(part, gamma, None), nn.Parameter):
                nn.init.ones_(getattr(part, gamma))
    return tower


def pixels(count: int, side: int, seed: int = 1) -> Tensor:
    return torch.randn(count, 3, side, side, generator=torch.Generator().manual_seed(seed))


def watched(monkeypatch: pytest.MonkeyPatch) -> list[Tokens]:
    """What every call of a merging tower ends with."""
    ends: list[Tokens] = []
    run = towers.run

    def note(*given: object, **more: object) -> Tokens:
        ends.append(run(*given, **more))
        return ends[-1]

    monkeypatch.setattr(towers, "run", note)
    return ends


def test_r_0_leaves_the_tower_untouched_and_its_scores_bitwise_the_same() -> None:
    one, two = clip_tower(LONG), clip_tower(LONG)
    parts = list(two.modules())
    made = merging.apply(two.tower, 0, "organs")
    assert list(two.modules()) == parts
    assert (made.r, made.schedule, made.left, made.tokens) == (0, "", 257, 257)
    values = pixels(2, 224)
    with torch.inference_mode():
        assert (one(values) - two(values)).abs().max().item() == 0.0


@pytest.mark.parametrize("r", [4, 7, 8, 10])
def test_of_257_tokens_in_24_layers_257_minus_24_r_are_left(r: int, monkeypatch: pytest.MonkeyPatch) -> None:
    ends = watched(monkeypatch)
    network = clip_tower(LONG)
    made = merging.apply(network.tower, r, "even")
    with torch.inference_mode():
        network(pixels(2, 224))
    assert ends[0].x.shape[1] == made.left == 257 - 24 * r
    assert ends[0].size.sum(dim=1).tolist() == [257.0, 257.0]
    assert ends[0].size[:, 0].tolist() == [1.0, 1.0], "the class token is never merged"


def test_at_most_half_of_the_unprotected_tokens_merge_in_a_block(monkeypatch: pytest.MonkeyPatch) -> None:
    ends = watched(monkeypatch)
    network = clip_tower(SHORT)
    made = merging.apply(network.tower, 1000, "even")
    with torch.inference_mode():
        network(pixels(3, 64))
    assert made.steps == (8, 4, 2)
    assert ends[0].x.shape[1] == made.left == 3
    assert ends[0].size.sum(dim=1).tolist() == [17.0] * 3


def test_without_a_merge_our_attention_is_the_towers_own() -> None:
    network = clip_tower(LONG)
    values = pixels(2, 224)
    with torch.inference_mode():
        plain = network.tokens(values)
        merging.apply(network.tower, 8, "even")
        network.tower.transformer.made = plan(24, 257, 1, (16, 16), 0, "")
        torch.testing.assert_close(network.tokens(values), plain, atol=2e-5, rtol=1e-4)


@pytest.mark.parametrize("kind", TIMM)
def test_towers_of_timm_merge_and_keep_the_names_of_their_parameters(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends = watched(monkeypatch)
    name, changes = TIMM[kind]
    tower = timm_tower(name, **changes)
    values = pixels(2, changes["img_size"])
    names = list(tower.state_dict())
    with torch.inference_mode():
        plain = tower(values)
        made = merging.apply(tower, 3, "even")
        merged = tower(values)
        tower.blocks.made = plan(3, made.tokens, made.prefix, made.grid, 0, "")
        assert (tower(values) - plain).abs().max().item() < 1e-5, "without a merge the blocks are timm's own"
    assert list(tower.state_dict()) == names
    assert merged.shape == plain.shape
    assert torch.isfinite(merged).all()
    assert not torch.equal(merged, plain)
    assert ends[0].x.shape[1] == made.left == made.tokens - 9
    assert ends[0].size.sum(dim=1).tolist() == [float(made.tokens)] * 2
    assert (ends[0].size[:, : made.prefix] == 1).all()


@pytest.mark.parametrize("kind", ["VisionTransformer", "mean of tokens", "Perception Encoder"])
def test_pooling_over_tokens_weighs_merged_ones_by_size(kind: str) -> None:
    """A flat picture: all tokens of a tower without positions are alike, so merging them must change nothing."""
    name, changes = TIMM[kind]
    tower = timm_tower(name, **changes)
    for part in tower.modules():
        if hasattr(part, "pos_embed") and isinstance(part.pos_embed, nn.Parameter):
            nn.init.zeros_(part.pos_embed)
    tower.rope = None
    values = pixels(2, 1).expand(2, 3, changes["img_size"], changes["img_size"])
    with torch.inference_mode():
        plain = tower(values)
        made = merging.apply(tower, 5, "even")
        torch.testing.assert_close(tower(values), plain, atol=1e-4, rtol=1e-4)
    assert made.left < made.tokens


def test_identical_tokens_merge_without_a_trace_only_thanks_to_the_log_of_the_size(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    network = clip_tower(SHORT)
    nn.init.zeros_(network.tower.positional_embedding)
    values = pixels(2, 1).expand(2, 3, 64, 64).clone()
    values[:, :, :16, :16] = pixels(2, 16)
    with torch.inference_mode():
        plain = network.features(values)
        merging.apply(network.tower, 4, "even")
        torch.testing.assert_close(network.features(values), plain, atol=1e-4, rtol=1e-4)
        monkeypatch.setattr(towers, "proportional", lambda size: None)
        assert (network.features(values) - plain).abs().max() > 1e-3


def test_the_organs_schedule_merges_outside_the_organs_first(monkeypatch: pytest.MonkeyPatch) -> None:
    ends = watched(monkeypatch)
    network = clip_tower(LONG | {"layers": 6})
    made = merging.apply(network.tower, 8, "organs")
    crops = drawn_crops(256, 3)
    with torch.inference_mode(), merging.guided_by(made, crops):
        network(pixels(3, 224))
    density = merging.organ_density(crops, made.grid)
    for picture in range(3):
        sizes = ends[0].size[picture].numpy()[ends[0].home[picture].numpy()][1:]
        assert sizes[density[picture] > 0.9].tolist() == [1.0] * int((density[picture] > 0.9).sum())
        assert sizes[density[picture] < 0.1].max() > 2
    assert made.left == 257 - 48


def test_the_organs_schedule_without_a_fitting_density_is_an_error_and_never_even() -> None:
    network = clip_tower(SHORT)
    made = merging.apply(network.tower, 2, "organs")
    with torch.inference_mode():
        with pytest.raises(DetectorError, match="none"):
            network(pixels(2, 64))
        with pytest.raises(DetectorError, match="density"), merging.guided(np.zeros((3, 16), np.float32)):
            network(pixels(2, 64))
        with merging.guided(np.zeros((2, 16), np.float32)):
            network(pixels(2, 64))
    assert made.by_organs


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("count", [1, 2, 32])
def test_any_batch_in_either_precision_with_the_lean_activations(precision: torch.dtype, count: int) -> None:
    network = clip_tower(SHORT)
    network.tower.to(precision)
    make_lean(network)
    merging.apply(network.tower, 3, "even")
    values = pixels(count, 64).to(precision)
    with torch.inference_mode():
        found = network(values)
        assert torch.equal(network(values), found), "the same again"
    assert found.shape == (count, 2)
    assert torch.isfinite(found).all()


def test_threads_with_one_tower_do_not_meet() -> None:
    """Four threads, each with faces and organs of its own, get what each gets alone."""
    network = clip_tower(LONG | {"layers": 4})
    made = merging.apply(network.tower, 16, "organs")
    crops = [drawn_crops(256, 1 + number % 2, seed=number) for number in range(4)]

    def read(number: int) -> Tensor:
        with torch.inference_mode(), merging.guided_by(made, crops[number]):
            return network.features(pixels(len(crops[number]), 224, seed=number))

    alone = [read(number) for number in range(4)]
    found: dict[int, list[Tensor]] = {number: [] for number in range(4)}
    threads = [
        threading.Thread(target=lambda number=number: found[number].extend(read(number) for _ in range(5)))  # type: ignore[misc]
        for number in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number in range(4):
        assert len(found[number]) == 5
        assert all(torch.allclose(one, alone[number], atol=1e-5) for one in found[number])


def test_a_tower_merges_once_and_unknown_ones_not_at_all() -> None:
    network = clip_tower(SHORT)
    merging.apply(network.tower, 1, "even")
    with pytest.raises(DetectorError, match="already"):
        merging.apply(network.tower, 1, "even")
    tower = timm_tower("vit_tiny_patch16_224", img_size=64)
    merging.apply(tower, 1, "even")
    with pytest.raises(DetectorError, match="already"):
        merging.apply(tower, 1, "even")
    with pytest.raises(DetectorError, match="two tokens"), torch.device("meta"):
        merging.apply(VisionEncoder(VisionShape()), 1, "even")
    with pytest.raises(DetectorError, match="Linear"):
        merging.apply(nn.Linear(2, 2), 1, "even")
    with pytest.raises(DetectorError, match="block to block"):
        merging.apply(timm_tower("vit_small_patch16_rope_mixed_224", img_size=64), 1, "even")
    with pytest.raises(DetectorError, match="ParallelScalingBlock"):
        merging.apply(timm_tower("vit_tiny_patch16_224", img_size=64, block_fn=parallel()), 1, "even")


def parallel() -> type[nn.Module]:
    from timm.models.vision_transformer import ParallelScalingBlock

    return ParallelScalingBlock


def test_a_picture_of_another_size_is_refused() -> None:
    tower = timm_tower("vit_small_patch16_dinov3", img_size=64, dynamic_img_size=True)
    made = merging.apply(tower, 1, "even")
    with torch.inference_mode(), pytest.raises(DetectorError, match="planned for 21"):
        tower(pixels(1, 96))
    assert isinstance(made, MergePlan)


def test_attention_in_bfloat16_is_the_fused_one_but_for_rounding() -> None:
    random = torch.Generator().manual_seed(0)
    q, k, v = (torch.randn(2, 3, 17, 8, generator=random).bfloat16() for _ in range(3))
    size = torch.ones(2, 17)
    size[:, 4] = 9
    for bias in (None, towers.proportional(size)):
        found = towers._seen(q, k, v, bias)
        exact = towers._seen(q.float(), k.float(), v.float(), bias)
        torch.testing.assert_close(found.float(), exact, atol=0.03, rtol=0)
    assert (exact - towers._seen(q.float(), k.float(), v.float(), None)).abs().max() > 0.1
