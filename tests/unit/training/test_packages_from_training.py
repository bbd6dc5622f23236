"""From trained tensors to a package: it loads and scores, or nothing is left; the steps beside a run."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from workstation.detectors import registry
from workstation.domain.errors import DetectorError, InputError
from workstation.training.__main__ import main
from workstation.training.embedded import Run, locator_card
from workstation.training.packaging import record, write_package


def test_steps_out_of_order_are_one_clear_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (
        ["pool", str(tmp_path), str(tmp_path / "out")],
        ["run", str(tmp_path / "none.toml"), str(tmp_path / "out")],
        ["evaluate", str(tmp_path), "--sets", str(tmp_path)],
        ["evaluate", str(tmp_path)],
    ):
        assert main(arguments) != 0
        said = capsys.readouterr().err
        assert said.count("\n") == 1
        assert "Traceback" not in said


def test_a_package_that_does_not_load_leaves_the_old_one_in_place(tmp_path: Path) -> None:
    from workstation.detectors.fakelocator.network import FakeLocator, LocatorShape

    card, folder = locator_card(Run({"made-up": 1}, 1, 1, 1.0)), tmp_path / "fakelocator-small"
    tensors = FakeLocator(LocatorShape()).state_dict()
    first = write_package(card, tensors, folder)
    with pytest.raises(DetectorError):
        write_package(card, {"a": torch.zeros(1)}, folder)
    broken = tensors | {"classify.bias": torch.full((2,), float("nan"))}
    with pytest.raises(DetectorError, match="not a number"):
        write_package(card, broken, folder)
    assert registry.verify(first).ok
    assert [path.name for path in tmp_path.iterdir()] == ["fakelocator-small"]
    with pytest.raises(InputError, match="must be called"):
        write_package(card, tensors, tmp_path / "another")
    assert record(folder, []).weights == first.card.weights
