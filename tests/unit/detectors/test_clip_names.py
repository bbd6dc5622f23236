"""Tensor names of CLIP's vision tower: Hugging Face, open_clip, and the 2025 checkpoint's PEFT layout."""

from __future__ import annotations

import pytest
import torch
from published_layouts import BASE, SMALL, VIT_L14, drawn, head, lightning_names, other_norms
from torch import Tensor

from workstation.detectors.clip_ln import names
from workstation.detectors.clip_ln.network import build
from workstation.domain.errors import WeightsInvalid


def meta_layout() -> dict[str, Tensor]:
    with torch.device("meta"):
        tower = {name: torch.empty(size) for name, size in VIT_L14.shapes().items()}
        norms = {name: torch.empty(size) for name, size in VIT_L14.shapes().items() if names_norm(name)}
        return lightning_names(tower, norms) | {name: tensor.to("meta") for name, tensor in head(1024).items()}


def names_norm(name: str) -> bool:
    return name.split(".")[-2] in ("pre_layrnorm", "layer_norm1", "layer_norm2", "post_layernorm")


def test_the_2025_checkpoint_has_493_tensors_303_284_226_numbers_and_1_213_136_904_bytes() -> None:
    layout = meta_layout()
    assert len(layout) == 493
    assert sum(tensor.numel() for tensor in layout.values()) == 303_284_226
    assert sum(tensor.numel() * 4 for tensor in layout.values()) == 1_213_136_904
    assert layout[f"{BASE}embeddings.position_embedding.weight"].shape == (257, 1024)
    assert layout[f"{BASE}embeddings.patch_embedding.weight"].shape == (1024, 3, 14, 14)


def test_the_key_map_is_a_bijection_on_493_less_100_tensors() -> None:
    layout = meta_layout()
    originals = {name for name in layout if names.ORIGINAL in name}
    plain = names.tuned(layout)
    assert len(originals) == 100
    assert len(plain) == 493 - 100 == 393
    tower = names.under(plain, BASE)
    assert len(tower) == 391
    places = {name: names.open_clip_place(name) for name in tower}
    assert None not in places.values()
    assert len(set(places.values())) == len(tower)  # one place, one name
    for name, place in places.items():
        assert place is not None
        back = names.hugging_face_names(place.name)
        assert back[place.third or 0] == name
        assert len(back) == (1 if place.third is None else 3)


def test_the_mapped_names_and_shapes_are_those_of_open_clips_tower() -> None:
    with torch.device("meta"):
        network = build({"tower": "ViT-L-14-quickgelu"})
    wanted = {name: tensor.shape for name, tensor in network.tower.state_dict().items()}
    tower = names.under(names.tuned(meta_layout()), BASE)
    found = {name: tensor.shape for name, tensor in names.to_open_clip(tower).items()}
    assert found == wanted
    assert len(found) == 295


def test_there_and_back_gives_the_same_tensors_both_ways() -> None:
    tower = drawn(SMALL)
    ours = names.to_open_clip(tower)
    back = names.to_hugging_face(ours)
    assert back.keys() == tower.keys()
    assert all(torch.equal(back[name], tower[name]) for name in tower)
    again = names.to_open_clip(back)
    assert all(torch.equal(again[name], ours[name]) for name in ours)


def test_query_key_and_value_are_laid_behind_one_another_in_that_order() -> None:
    tower = drawn(SMALL)
    whole = names.to_open_clip(tower)["transformer.resblocks.1.attn.in_proj_weight"]
    for place, part in enumerate(("q", "k", "v")):
        third = whole[place * SMALL.width : (place + 1) * SMALL.width]
        assert torch.equal(third, tower[f"encoder.layers.1.self_attn.{part}_proj.weight"])


def test_the_tuned_norms_are_taken_and_the_originals_left() -> None:
    tower = drawn(SMALL)
    tuned = other_norms(tower)
    found = names.under(names.tuned(lightning_names(tower, tuned)), BASE)
    assert found.keys() == tower.keys()
    for name, tensor in found.items():
        assert torch.equal(tensor, tuned.get(name, tower[name]))
        assert (name in tuned) == (not torch.equal(tensor, tower[name]))


@pytest.mark.parametrize(
    "name",
    ["encoder.layers.0.self_attn.x_proj.weight", "encoder.layers.0.mlp.fc1", "pre_layrnorm.scale", "", "head.weight"],
)
def test_a_foreign_name_has_no_place(name: str) -> None:
    assert names.open_clip_place(name) is None
    assert not names.is_hugging_face([*drawn(SMALL), name])
    with pytest.raises(WeightsInvalid, match="no tensor"):
        names.to_open_clip({name: torch.zeros(1)})


@pytest.mark.parametrize(
    "name",
    [
        "transformer.resblocks.0.attn.in_proj.weight_x",
        "transformer.resblocks.0.ln_3.weight",
        "transformer.resblocks.0.attn.q.weight",
        "ln_pre.scale",
        "text_projection",
    ],
)
def test_a_foreign_name_is_not_mapped_back(name: str) -> None:
    assert names.hugging_face_names(name) == ()
    assert not names.is_open_clip([*names.to_open_clip(drawn(SMALL)), name])
    with pytest.raises(WeightsInvalid, match="no tensor"):
        names.to_hugging_face({name: torch.zeros(3)})


def test_a_missing_third_or_a_missing_tuned_norm_is_refused() -> None:
    tower = drawn(SMALL)
    without = {name: tensor for name, tensor in tower.items() if name != "encoder.layers.0.self_attn.k_proj.bias"}
    with pytest.raises(WeightsInvalid, match="Query, key and value"):
        names.to_open_clip(without)
    wrapped = lightning_names(tower, other_norms(tower))
    del wrapped[f"{BASE}pre_layrnorm.ln_tuning_layers.default.weight"]
    with pytest.raises(WeightsInvalid, match="no tuned LayerNorm"):
        names.tuned(wrapped)
    twice = lightning_names(tower, other_norms(tower)) | {f"{BASE}pre_layrnorm.weight": torch.zeros(SMALL.width)}
    with pytest.raises(WeightsInvalid, match="there twice"):
        names.tuned(twice)
