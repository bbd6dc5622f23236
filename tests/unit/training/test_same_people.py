"""One person under several names is one group: found by an identity detector, told in a table, kept in one split."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.fakes.every_family import makers
from workstation.domain.errors import InputError
from workstation.training.__main__ import main
from workstation.training.portraits import PEOPLE, Portrait, list_portraits
from workstation.training.same_people import joined


def named(*names: str) -> list[Portrait]:
    return [Portrait(Path(name), "folder", name) for name in names]


def test_whoever_is_like_one_of_a_group_belongs_to_it() -> None:
    turns = np.deg2rad([0, 40, 80, 180, 180])
    rows = np.stack([np.cos(turns), np.sin(turns)], axis=1).astype(np.float32)
    # b is like a and c, which are not like each other; two pictures of one person need no table.
    assert joined(named("b", "a", "c", "d", "d"), rows[[1, 0, 2, 3, 4]], 0.7) == {"b": "a", "c": "a"}
    assert joined(named("a", "b"), rows[[0, 3]], 0.7) == {}


def test_the_table_is_made_by_an_identity_detector_and_read_with_the_portraits(
    dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, package = tmp_path / "data", tmp_path / "recogniser"
    shutil.copytree(dataset, data)
    first = sorted((data / "congress").glob("*.jpg"))[0]
    # The same picture in another collection, under another name.
    (data / "voteview").mkdir()
    shutil.copy(first, data / "voteview" / "somebody.jpg")
    (data / "voteview" / "labels.csv").write_text("file,label\nsomebody.jpg,0\n", encoding="utf-8")
    package.mkdir()
    makers()["identity"](package)
    before = {one.path: one.person for one in list_portraits(data)}
    assert before[data / "voteview" / "somebody.jpg"] == "voteview-somebody"
    assert main(["people", str(data), str(data / PEOPLE), "--detector", str(package), "--alike", "0.99999"]) == 0
    assert "people who have another name as well" in capsys.readouterr().out
    with (data / PEOPLE).open(newline="", encoding="utf-8") as file:
        rows = {row["file"]: row["person"] for row in csv.DictReader(file)}
    assert rows["voteview/somebody.jpg"] == before[first]
    after = {one.path: one.person for one in list_portraits(data)}
    assert after[data / "voteview" / "somebody.jpg"] == after[first] == before[first]
    (data / PEOPLE).write_text("name\n", encoding="utf-8")
    with pytest.raises(InputError, match="columns file and person"):
        list_portraits(data)


def test_what_does_not_fit_is_one_line(dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from workstation.detectors import registry

    other = next(one.folder for one in registry.installed() if one.card.id == "traces-small")
    assert main(["people", str(dataset), str(tmp_path / "p.csv"), "--detector", other]) != 0
    assert "does not tell people apart" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
