"""Generators on a tiny scale: they learn, they repeat, they come back from their file, and they leave colours alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from training_samples import face

from workstation.domain.errors import InputError
from workstation.training.forgeries import Kind, forge
from workstation.training.generators.networks import MAKERS, network_of
from workstation.training.generators.remaking import Generators, load_generators, save_generators
from workstation.training.generators.trainer import train_generators
from workstation.training.kinds import Maker

TWO = (Maker.AE_TRANSPOSED, Maker.GAN_SHUFFLE)


@pytest.fixture(scope="module")
def crops() -> np.ndarray:
    return np.stack([face(number).rgb.astype(np.uint8)[64:192, 64:192] for number in range(4)])


@pytest.fixture(scope="module")
def trained(crops: np.ndarray) -> Generators:
    return Generators(train_generators(crops, steps=40, batch=4, makers=TWO))


@pytest.mark.parametrize("maker", MAKERS)
def test_every_maker_gives_back_the_size_it_was_given(maker: Maker) -> None:
    assert maker not in (Maker.NONE, Maker.GIVEN)
    with torch.inference_mode():
        made = network_of(maker)(torch.zeros(2, 3, 64, 48))
    assert made.shape == (2, 3, 64, 48)


def test_what_is_no_network_of_ours_has_none() -> None:
    for maker in (Maker.NONE, Maker.GIVEN):
        with pytest.raises(ValueError, match="no network"):
            network_of(maker)


def test_the_ways_of_enlarging_are_four_different_ones() -> None:
    shapes = [tuple(sorted(tuple(t.shape) for t in network_of(m).state_dict().values())) for m in MAKERS[:4]]
    assert len(set(shapes)) == 3
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        one, two = (network_of(Maker(name)) for name in ("ae-nearest", "ae-bilinear"))
    two.load_state_dict(one.state_dict())
    x = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        assert float((one(x) - two(x)).abs().max()) > 1e-4


@pytest.mark.parametrize("maker", TWO)
def test_training_brings_the_answer_nearer_to_the_photograph(trained: Generators, maker: Maker) -> None:
    rgb = face(5).rgb
    fresh = Generators({maker: network_of(maker)})
    before, after = (np.abs(one.made_by(maker, rgb) - rgb).mean() for one in (fresh, trained))
    assert after < 0.9 * before


def test_the_same_seed_gives_the_same_weights_and_leaves_the_global_generator_alone(crops: np.ndarray) -> None:
    state = torch.get_rng_state()
    one, two, other = (
        train_generators(crops, steps=3, batch=2, seed=seed, makers=TWO)[Maker.GAN_SHUFFLE].state_dict()
        for seed in (1, 1, 2)
    )
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert any(not torch.equal(one[name], other[name]) for name in one)


def test_generators_come_back_from_their_file(trained: Generators, tmp_path: Path) -> None:
    size = save_generators(tmp_path / "made.safetensors", trained._networks)
    assert size == (tmp_path / "made.safetensors").stat().st_size
    assert [path.name for path in tmp_path.iterdir()] == ["made.safetensors"]
    back = load_generators(tmp_path / "made.safetensors")
    assert set(back.makers) == set(TWO)
    rgb = face(1).rgb
    for maker in TWO:
        assert np.abs(back.made_by(maker, rgb) - trained.made_by(maker, rgb)).max() < 2


def test_a_picture_of_any_size_keeps_it_and_its_border_is_no_worse_than_its_middle(trained: Generators) -> None:
    rgb = face(2).rgb[:101, :78]
    for maker in TWO:
        made = trained.made_by(maker, rgb)
        assert made.shape == rgb.shape
        error = np.abs(made - rgb).mean(axis=-1)
        edge = np.concatenate([error[0], error[-1], error[:, 0], error[:, -1]]).mean()
        assert edge < 2 * error[8:-8, 8:-8].mean() + 2


@pytest.mark.parametrize("kind", [Kind.REMADE_FACE, Kind.REMADE_REGION])
def test_resynthesis_tells_its_maker_and_keeps_the_colours(trained: Generators, kind: Kind) -> None:
    makers = set()
    for seed in range(6):
        target = face(1)
        made = forge(kind, target, target, np.random.default_rng(seed), trained)
        makers.add(made.truth.maker)
        weight = made.mask[..., None]
        cast = ((made.rgb - target.rgb) * weight).sum(axis=(0, 1)) / weight.sum()
        assert np.abs(cast).max() < 6
        assert np.abs(made.rgb - target.rgb)[made.mask > 0.9].mean() > 0.5
    assert makers == set(TWO)


def test_what_is_no_file_of_generators_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no", encoding="utf-8")
    with pytest.raises(InputError, match="text"):
        load_generators(tmp_path / "text")


def test_generators_need_crops_to_learn_from() -> None:
    for shape in ((0, 64, 64, 3), (2, 40, 64, 3)):
        with pytest.raises(InputError, match="64 pixels"):
            train_generators(np.zeros(shape, np.uint8), steps=1)
