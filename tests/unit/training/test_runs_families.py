"""Every family that can be trained: two steps move what is to be trained and nothing else, and the package verifies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from run_samples import TINY_VISION, Told, tiny_table, write_config, write_pool

from workstation.detectors import registry
from workstation.detectors.packages import fresh_package
from workstation.domain.errors import InputError
from workstation.training.pool import load
from workstation.training.runs.cards import base_card
from workstation.training.runs.config import Config, read_config
from workstation.training.runs.data import material_of
from workstation.training.runs.running import train
from workstation.training.runs.starting import make_trainee

SIDE = {"side": 32, "patch": 8, "width": 24, "depth": 1, "heads": 2, "queries": 4, "joins": 1, "guided": 1}
ENTRY = [4, 4, 8, 8, 8]
NETWORKS: dict[str, dict[str, Any]] = {
    "clip_ln": {"network": {"vision": dict(TINY_VISION)}},
    "fakelocator": {"size": 32, "network": {"widths": [4, 4, 8, 8], "decoder": 4, "gate": "organs"}},
    "mfclip": {
        "size": 64,
        "network": {"width": 32, "mlp": 32, "text_width": 32, "image_widths": [8, 8, 8, 8], "noise_widths": [8, 8]},
    },
    "addnet2d": {"size": 96, "network": {"entry": ENTRY, "middle": 1, "exit": [8, 8, 8], "head": 4}},
    "addnet3d": {"size": 32, "network": {"entry": ENTRY, "volume": [8, 8, 8]}},
    "effort": {"train": "adapters", "network": {"vision": dict(TINY_VISION)}},
    "adapter": {"train": "adapters", "network": {"vision": dict(TINY_VISION), "adapter": SIDE}},
    "mesonet": {},
    "timm_vit": {"size": 32, "network": {"depth": 1}},
}


@pytest.fixture(scope="module")
def textures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pool(tmp_path_factory.mktemp("textures"), train=3, held=2)


@pytest.fixture(scope="module")
def tower(textures: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained clip_ln package for the families that start from one."""
    folder = tmp_path_factory.mktemp("tower")
    config = read_config(write_config(folder / "tower.toml", tiny_table(textures, "clip_ln")))
    fresh_package(folder / "tiny", base_card(config))
    return folder / "tiny"


def config_of(family: str, textures: Path, tower: Path, folder: Path, **changes: Any) -> Config:
    detector = {"family": family, **NETWORKS[family]}
    if detector.get("train"):
        detector["start"] = str(tower)
    table = tiny_table(textures, family, **changes)
    table["detector"] |= detector | changes.get("detector", {})
    table["run"] |= {"steps": 2, "validate_every": 2, "frames": 4}
    return read_config(write_config(folder / f"{family}.toml", table))


@pytest.mark.parametrize("family", NETWORKS)
def test_a_family_trains_what_it_should_and_is_packaged(
    family: str, textures: Path, tower: Path, tmp_path: Path
) -> None:
    config = config_of(family, textures, tower, tmp_path, run={"ema": 0.0})
    card = base_card(config)
    material = material_of(load(textures, "train"))
    before = make_trainee(config, card, material)
    wanted = {name for name, parameter in before.network.named_parameters() if parameter.requires_grad}
    outcome = train(config, tmp_path / "run", Told(), device="cpu")
    assert registry.verify(outcome.package).ok
    assert outcome.package.card.family == family
    from safetensors.torch import load_file

    packed = load_file(Path(outcome.package.folder) / outcome.package.card.weights.file)
    start = dict(before.network.named_parameters())
    moved = {name for name, tensor in start.items() if not torch.equal(tensor.detach(), packed[name])}
    assert moved <= wanted
    # A bias in front of a norm, say, need not move in two steps; most do.
    assert len(moved) > 0.6 * len(wanted)
    losses = outcome.package.card.training.partition("Losses: ")[2].partition(".")[0]
    assert losses


@pytest.mark.parametrize(("family", "tuned"), [("clip_ln", "ln_"), ("timm_vit", "norm")])
def test_ln_tuning_leaves_all_but_norms_and_head_alone(
    family: str, tuned: str, textures: Path, tower: Path, tmp_path: Path
) -> None:
    fresh = config_of(family, textures, tower, tmp_path)
    fresh_package(tmp_path / "start", base_card(fresh))
    config = config_of(family, textures, tower, tmp_path, detector={"train": "ln", "start": str(tmp_path / "start")})
    trainee = make_trainee(config, base_card(config), material_of(load(textures, "train")))
    names = {name for name, parameter in trainee.network.named_parameters() if parameter.requires_grad}
    assert names
    assert all(tuned in name or name.startswith("head.") for name in names)
    assert any(name.startswith("tower.") for name in names)


def test_a_run_starts_from_the_weights_it_names(textures: Path, tower: Path, tmp_path: Path) -> None:
    config = config_of("clip_ln", textures, tower, tmp_path, detector={"train": "full", "start": str(tower)})
    card, material = base_card(config), material_of(load(textures, "train"))
    from safetensors.torch import load_file

    stored = load_file(tower / "model.safetensors")
    state = make_trainee(config, card, material).tensors()
    assert state.keys() == stored.keys()
    assert all(torch.equal(state[name], stored[name]) for name in stored)
    # Effort's split parts add up to the tower they were made of.
    effort = config_of("effort", textures, tower, tmp_path)
    from workstation.detectors.effort.network import merged_state

    merged = merged_state(make_trainee(effort, base_card(effort), material).network)  # type: ignore[arg-type]
    for name, tensor in stored.items():
        if name.startswith("tower."):
            assert torch.allclose(merged[name], tensor, atol=1e-5)


def test_weights_that_do_not_fit_are_refused(textures: Path, tower: Path, tmp_path: Path) -> None:
    material = material_of(load(textures, "train"))
    wide = {"vision": {**TINY_VISION, "width": 48}}
    for detector, named in (
        ({"train": "full", "start": str(tower), "network": wide}, "does not fit"),
        ({"train": "full", "start": str(tmp_path / "none")}, "no weights to start from"),
        ({"train": "full", "start_detector": "fakelocator-small"}, "holds no tower"),
    ):
        config = config_of("clip_ln", textures, tower, tmp_path, detector=detector)
        with pytest.raises(InputError, match=named):
            make_trainee(config, base_card(config), material)


def test_a_loss_of_weight_nothing_is_left_out(textures: Path, tower: Path, tmp_path: Path) -> None:
    from workstation.training.batches import Batches

    config = config_of("clip_ln", textures, tower, tmp_path, losses={"uniformity": 0.0, "map": 2.0})
    card, material = base_card(config), material_of(load(textures, "train"))
    trainee = make_trainee(config, card, material)
    batch = Batches(material, card.input).at(0, 3, 0)
    total, parts = trainee.total(batch)
    assert set(parts) == {"class", "alignment", "map"}
    expected = parts["class"] + 0.1 * parts["alignment"] + 2 * parts["map"]
    assert torch.allclose(total, expected)
    # What only teaches is not in the package.
    assert not any(name.startswith("read") for name in trainee.tensors())


@pytest.mark.parametrize("way", ["replace", "expand", "beside"])
def test_latent_augmentation_changes_the_losses_and_follows_the_seed(
    way: str, textures: Path, tower: Path, tmp_path: Path
) -> None:
    from workstation.training.batches import Batches

    plain = config_of("clip_ln", textures, tower, tmp_path)
    card, material = base_card(plain), material_of(load(textures, "train"))
    batch = Batches(material, card.input).at(0, 4, 0)
    mixed = config_of("clip_ln", textures, tower, tmp_path, latent={"way": way})
    totals = []
    for config in (plain, mixed, mixed):
        trainee = make_trainee(config, card, material)
        torch.manual_seed(3)
        totals.append(float(trainee.total(batch)[0].detach()))
    assert totals[0] != totals[1]
    assert totals[1] == totals[2]


def test_the_encoder_that_was_trained_before_is_trained_on_windows_and_packaged(textures: Path, tmp_path: Path) -> None:
    """From nothing, then on from its own package; a kind that is not there cannot be left out."""
    table = tiny_table(textures)
    table["detector"] = {"family": "fakelocator", "variant": "efficientnet_lite0", "train": "scratch"}
    table["detector"]["network"] = {"decoder": 4}
    table["run"] |= {"steps": 1, "validate_every": 1, "window": 64}
    table["losses"] = {"mask_entropy": 1.0}
    first = train(read_config(write_config(tmp_path / "a.toml", table)), tmp_path / "a", Told(), device="cpu").package
    assert first.card.network == {"encoder": "efficientnet_lite0", "decoder": 4, "gate": "none"}
    assert (first.card.input.size, first.card.output.map_size) == (256, 256)
    assert registry.verify(first).ok
    table["detector"] |= {"train": "full", "start": str(first.folder)}
    table["data"]["leave_out"] = ["self-blend"]
    second = train(read_config(write_config(tmp_path / "b.toml", table)), tmp_path / "b", Told(), device="cpu").package
    assert second.card.weights.sha256 != first.card.weights.sha256
    assert "Left out of training: self-blend." in second.card.training
    for names, named in ((["warped"], 'no kind "warped"'), (["self-blend", "other-face"], "nothing remains")):
        table["data"]["leave_out"] = names
        with pytest.raises(InputError, match=named):
            train(read_config(write_config(tmp_path / "c.toml", table)), tmp_path / "c", Told(), device="cpu")
