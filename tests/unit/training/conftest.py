"""A tiny pool, made once: four people in training, two held out, one of them with two pictures."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import pytest
import torch
from training_samples import write_dataset

from workstation.training import pool
from workstation.training.portraits import Portrait, held_out


def names(folder: str, suffix: str, held: bool, wanted: int) -> list[str]:
    """File names whose person falls into the split asked for."""
    found: list[str] = []
    for number in count(1):
        person = f"london-{number:03}" if folder.startswith("london") else f"{folder}-{number:03}"
        if held_out(Portrait(Path(), folder, person)) == held:
            found.append(f"{number:03}{suffix}")
            if len(found) == wanted:
                return found
    raise AssertionError


@pytest.fixture(scope="session", autouse=True)
def two_threads() -> None:
    torch.set_num_threads(2)


@pytest.fixture(scope="session")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("portraits")
    write_dataset(root / "congress", [(name, "0") for name in names("congress", ".jpg", False, 3)])
    held, kept = names("london", "_03.jpg", True, 2), names("london", "_03.jpg", False, 1)
    write_dataset(root / "london", [(name, "0") for name in held + kept])
    write_dataset(root / "london_smiling", [(name.replace("_03", "_08"), "0") for name in held[:1]])
    (root / "london" / "broken.jpg").write_bytes(b"no picture")
    with (root / "london" / "labels.csv").open("a", encoding="utf-8") as file:
        file.write("broken.jpg,0\n")
    return root


@pytest.fixture(scope="session")
def said() -> list[str]:
    """What building the pool said."""
    return []


@pytest.fixture(scope="session")
def made_pool(dataset: Path, said: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("pool")
    pool.build(dataset, out, views=2, per_view=1, tell=said.append)
    return out
