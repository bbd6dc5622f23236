"""Configurations: what is unknown or does not fit is refused by its name, before anything heavy is loaded."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from run_samples import tiny_table, write_config

from resources import resource_path
from workstation.detectors import registry
from workstation.domain.errors import InputError
from workstation.training.runs.cards import base_card
from workstation.training.runs.config import FAMILIES, LOSSES, Config, read_config

SHIPPED = sorted(resource_path("training").glob("*.toml"))


def read(tmp_path: Path, **changes: Any) -> Config:
    return read_config(write_config(tmp_path / "c.toml", tiny_table(tmp_path, "clip_ln", **changes)))


def test_a_configuration_is_read_with_its_digest_and_folder(tmp_path: Path) -> None:
    config = read(tmp_path, losses={"uniformity": 0})
    assert config.weights() == {"class": 1.0, "alignment": 0.1, "uniformity": 0.0, "map": 0.0}
    assert len(config.sha256) == 64
    assert config.path("x") == tmp_path / "x"
    assert config.run.steps == 6


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"run": {"setps": 3}}, 'no field "run.setps".*"run.steps"'),
        ({"extras": {"a": 1}}, 'no field "extras"'),
        ({"data": {"source": "net"}}, '"data.source" .* portraits, pool, dataset'),
        ({"run": {"pairs": "two"}}, '"run.pairs" .* whole number'),
        ({"run": {"pairs": True}}, '"run.pairs" .* whole number'),
        ({"run": {"pairs": 0}}, '"run.pairs" .* from 1'),
        ({"run": {"minutes": 3}}, "steps or in minutes"),
        ({"run": {"steps": 0}}, "steps or in minutes"),
        ({"run": {"precision": "float8"}}, '"run.precision"'),
        ({"optimiser": {"rate": float("nan")}}, '"optimiser.rate"'),
        ({"optimiser": {"betas": [0.9]}}, '"optimiser.betas"'),
        ({"detector": {"family": "resnet"}}, '"detector.family" .*clip_ln'),
        ({"detector": {"train": "ln"}}, "needs trained weights"),
        ({"detector": {"train": "adapters"}}, '"detector.train" .* ln or full or scratch'),
        ({"detector": {"start": "a", "start_detector": "b"}}, "one set of weights"),
        ({"losses": {"contrast": 1.0}}, 'no loss "contrast".*alignment'),
        ({"losses": {"class": -1.0}}, "losses"),
        ({"data": {"validate_on": "test"}}, "test split"),
        ({"data": {"source": "dataset"}}, '"data.kind"'),
        ({"package": {"id": "No Good"}}, '"package.id"'),
        ({"package": {"licence": "unknown"}}, '"package.licence"'),
        ({"package": {"licence": 3}}, '"package.licence" .* text'),
        ({"sha256": "0"}, 'no field "sha256"'),
        ({"run": {"window": 32}}, "clip_ln is not trained on parts"),
        (
            {"detector": {"family": "fakelocator", "network": {}}, "run": {"window": 33}},
            '"run.window" .* multiple of 32',
        ),
        ({"data": {"carriers": True}}, "Carriers and matched seams need made pictures"),
        ({"data": {"matched": True}}, "Carriers and matched seams need made pictures"),
        ({"data": {"made": "made", "matched": True, "carriers": True}}, "carriers, or seams are matched"),
        ({"data": {"made": "made"}}, "beside portraits alone"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, changes: dict[str, Any], named: str) -> None:
    table = tiny_table(tmp_path, "clip_ln")
    for part, values in changes.items():
        table[part] = {**table.get(part, {}), **values} if isinstance(values, dict) else values
    with pytest.raises(InputError) as caught:
        read_config(write_config(tmp_path / "c.toml", table))
    assert re.search(named, caught.value.line())
    assert caught.value.advice


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    table = tiny_table(tmp_path)
    del table["package"]["licence"]
    with pytest.raises(InputError, match=r'lacks the field "package\.licence"'):
        read_config(write_config(tmp_path / "c.toml", table))
    with pytest.raises(InputError, match="cannot be read"):
        read_config(tmp_path / "none.toml")
    (tmp_path / "broken.toml").write_text("a = ", encoding="utf-8")
    with pytest.raises(InputError, match="not TOML"):
        read_config(tmp_path / "broken.toml")


def test_every_family_has_a_small_and_a_paper_configuration() -> None:
    found = {(config.detector.family, config.detector.scale) for config in map(read_config, SHIPPED)}
    assert found == {(family, scale) for family in FAMILIES for scale in ("small", "paper")}
    assert set(LOSSES) == set(FAMILIES)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_shipped_configuration_has_a_card_and_says_what_is_ours(path: Path) -> None:
    config = read_config(path)
    card = base_card(config)
    assert card.id == config.package.id
    assert (card.input.crop_size, card.input.crop_margin <= 1.3) == (256, True)
    text = path.read_text(encoding="utf-8").partition("format = 1")[0]
    assert "ublished" in text
    assert "Ours" in text
    assert all(len(line) <= 120 for line in path.read_text(encoding="utf-8").splitlines())
    # What can be trained on a processor starts from nothing that has to be brought along.
    if config.detector.scale == "small":
        assert not config.detector.start
        if config.detector.start_detector:
            assert registry.find(config.detector.start_detector).embedded


def test_paper_scale_says_what_the_publications_say() -> None:
    by_name = {path.stem: read_config(path) for path in SHIPPED}
    clip, effort, mfclip = by_name["clip-ln-paper"], by_name["effort-paper"], by_name["mfclip-paper"]
    assert clip.weights() == {"class": 1.0, "alignment": 0.1, "uniformity": 0.5, "map": 0.0}
    assert (clip.detector.train, clip.latent.way, 2 * clip.run.pairs, clip.optimiser.decay) == ("ln", "replace", 128, 0)
    assert (effort.optimiser.kind, effort.optimiser.rate, effort.optimiser.decay) == ("adam", 2e-4, 5e-4)
    assert (2 * effort.run.pairs, effort.data.frames) == (32, 8)
    assert (mfclip.optimiser.kind, mfclip.optimiser.rate, mfclip.optimiser.decay) == ("adam", 1e-4, 1e-3)
    assert set(mfclip.weights().values()) == {1.0}
    assert by_name["timm-vit-paper"].latent.way == "none"


def test_reading_a_configuration_loads_no_network_library(tmp_path: Path) -> None:
    path = write_config(tmp_path / "c.toml", tiny_table(tmp_path))
    script = (
        "import sys; from pathlib import Path; from workstation.app.training import read_configuration\n"
        f"read_configuration({str(path)!r}); print(sorted(set(sys.modules) & {{'torch', 'lightning', 'cv2'}}))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
