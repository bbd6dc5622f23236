"""LN-tuning starts from a published tower: its tensors, a fresh head, and only norms and head to train."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from published_layouts import SMALL, drawn
from safetensors.torch import save_file

from workstation.detectors.clip_ln.names import to_open_clip
from workstation.detectors.clip_ln.starting import start_from
from workstation.detectors.clip_ln.tuning import tune_norms
from workstation.domain.errors import CardInvalid, WeightsInvalid


def tower_file(folder: Path, drop: str = "") -> Path:
    tensors = {f"vision_model.{name}": tensor for name, tensor in drawn(SMALL).items() if name != drop}
    tensors["visual_projection.weight"] = torch.zeros(8, SMALL.width)
    save_file(tensors, folder / "model.safetensors")
    return folder / "model.safetensors"


def test_the_network_has_the_files_tower_and_a_head_of_its_own(tmp_path: Path) -> None:
    network = start_from(tower_file(tmp_path), "linear")
    wanted = to_open_clip(drawn(SMALL))
    found = network.tower.state_dict()
    assert found.keys() == wanted.keys()
    assert all(torch.equal(found[name], tensor) for name, tensor in wanted.items())
    assert network.head.kind == "linear"
    counts = tune_norms(network.tower, network.head)
    assert (counts.norms, counts.tuned, counts.head) == (6, 6 * 2 * SMALL.width, 2 * SMALL.width + 2)


def test_what_is_no_whole_tower_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsInvalid, match="whole CLIP tower"):
        start_from(tower_file(tmp_path, "encoder.layers.1.mlp.fc2.bias"))
    with pytest.raises(CardInvalid, match="head"):
        start_from(tower_file(tmp_path), "cosine")
    save_file({"weight": torch.zeros(1)}, tmp_path / "other.safetensors")
    with pytest.raises(WeightsInvalid, match="no CLIP vision tower"):
        start_from(tmp_path / "other.safetensors")
