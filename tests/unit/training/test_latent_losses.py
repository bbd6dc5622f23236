"""Losses and latent augmentation of LN-tuned CLIP at the points where the papers fix them (2503.19683, 2508.06248)."""

from __future__ import annotations

import math
import tomllib

import pytest
import torch
import torch.nn.functional as nnf
from torch import Tensor

from resources import resource_path
from workstation.detectors.clip_ln.network import build
from workstation.detectors.clip_ln.tuning import set_ln_tuning
from workstation.training.losses import alignment, interpolated, uniformity

VISION = {"image_size": 32, "patch_size": 8, "width": 32, "layers": 2, "head_width": 16, "mlp_ratio": 2.0}


def features(count: int = 12, width: int = 16, seed: int = 1) -> Tensor:
    return nnf.normalize(torch.randn(count, width, generator=torch.Generator().manual_seed(seed)), dim=-1)


def test_alignment_is_exactly_nought_for_identical_features_however_many() -> None:
    """Distances by way of products would leave a rounding error here."""
    same = features(1, 1024).repeat(64, 1)
    assert alignment(same, torch.arange(64) % 2).item() == 0


def test_alignment_is_the_mean_squared_distance_of_pairs_of_one_label() -> None:
    values, labels = features(), torch.arange(12) % 3
    pairs = [(a, b) for a in range(12) for b in range(a + 1, 12) if labels[a] == labels[b]]
    slow = sum(((values[a] - values[b]) ** 2).sum().item() for a, b in pairs) / len(pairs)
    assert alignment(values, labels).item() == pytest.approx(slow, rel=1e-5)


def test_uniformity_is_the_log_of_the_mean_over_all_pairs_whatever_their_label() -> None:
    values = features()
    pairs = [(a, b) for a in range(12) for b in range(a + 1, 12)]
    slow = sum(math.exp(-2 * ((values[a] - values[b]) ** 2).sum().item()) for a, b in pairs) / len(pairs)
    assert uniformity(values).item() == pytest.approx(math.log(slow), rel=1e-5)


def test_two_antipodal_points_give_minus_eight_which_the_clamp_does_not_touch() -> None:
    one = features(1)
    assert uniformity(torch.cat([one, -one])).item() == pytest.approx(-8, abs=1e-5)
    assert math.log(1e-6) < -13.8 < -8
    # No two unit vectors are further apart; only features that are not of length one reach the clamp.
    assert uniformity(torch.cat([2 * one, -2 * one])).item() == pytest.approx(math.log(1e-6), abs=1e-5)


def test_one_feature_alone_has_no_pairs_and_no_loss() -> None:
    one = features(1).requires_grad_()
    assert uniformity(one).item() == alignment(one, torch.zeros(1)).item() == 0
    (uniformity(one) + alignment(one, torch.zeros(1))).backward()
    assert one.grad is not None


def test_the_published_configuration_weighs_alignment_a_tenth_and_uniformity_a_half() -> None:
    text = (resource_path("training") / "clip-ln-paper.toml").read_text(encoding="utf-8")
    weights = tomllib.loads(text)["losses"]
    assert (weights["alignment"], weights["uniformity"]) == (0.1, 0.5)


@pytest.mark.parametrize("way", ["replace", "expand"])
def test_interpolated_features_have_length_one_and_stay_between_two_of_their_class(way: str) -> None:
    values, labels = features(10), torch.tensor([0, 1, 0, 1, 0, 1, 0, 1, 0, 1])
    made, names = interpolated(values, labels, way, generator=torch.Generator().manual_seed(5))  # type: ignore[arg-type]
    torch.testing.assert_close(made.norm(dim=-1), torch.ones(len(made)))
    for vector, label in zip(made, names, strict=True):
        mine = values[labels == label]
        # It lies in the plane of two features of its class: its distance from the best such plane is nought.
        best = min(_outside(vector, one, two) for one in mine for two in mine)
        assert best < 1e-3


def _outside(vector: Tensor, one: Tensor, two: Tensor) -> float:
    basis = torch.stack([one, two]).T
    found = torch.linalg.lstsq(basis, vector[:, None], driver="gelsd").solution
    return float((basis @ found - vector[:, None]).norm())


def test_replace_gives_as_many_features_as_there_were_and_none_of_them() -> None:
    values, labels = features(128, 32), torch.arange(128) % 2
    made, names = interpolated(values, labels, "replace", generator=torch.Generator().manual_seed(5))
    assert made.shape == values.shape
    assert torch.equal(names, labels)
    apart = (made - values).norm(dim=-1)
    assert (apart > 1e-2).float().mean() > 0.9


def test_expand_makes_1024_features_of_128_and_keeps_the_originals() -> None:
    values, labels = features(128, 32), torch.arange(128) % 2
    made, names = interpolated(values, labels, "expand", generator=torch.Generator().manual_seed(5))
    assert made.shape == (1024, 32)
    assert torch.equal(made[:128], values)
    assert torch.equal(names, labels.repeat(8))
    assert len(torch.unique(made[128:].round(decimals=5), dim=0)) > 800


def test_a_class_with_one_feature_keeps_it_and_draws_repeat_by_their_seed() -> None:
    values, labels = features(5), torch.tensor([0, 0, 0, 0, 1])
    made, _ = interpolated(values, labels, "replace", generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(made[4], values[4], atol=1e-5, rtol=0)
    again, _ = interpolated(values, labels, "replace", generator=torch.Generator().manual_seed(1))
    assert torch.equal(made, again)
    with pytest.raises(ValueError, match="replace or expand"):
        interpolated(values, labels, "mix")  # type: ignore[arg-type]


def test_a_step_on_the_whole_loss_changes_norms_and_head_and_nothing_else_by_a_bit() -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = build({"vision": VISION})
        values = torch.randn(8, 3, 32, 32)
    set_ln_tuning(network)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    optimiser = torch.optim.AdamW([p for p in network.parameters() if p.requires_grad], lr=3e-4, weight_decay=0.0)
    labels = torch.arange(8) % 2
    made, names = interpolated(network.features(values), labels, "replace", generator=torch.Generator().manual_seed(0))
    value = nnf.cross_entropy(network.head(made), names) + 0.1 * alignment(made, names) + 0.5 * uniformity(made)
    value.backward()
    optimiser.step()
    changed = {name for name, tensor in network.state_dict().items() if not torch.equal(tensor, before[name])}
    norms = {name for name in before if ".ln_" in name}
    assert changed <= norms | {"head.weight", "head.bias"}
    assert len(changed) >= len(norms)
