"""DFDC and DFDCP: labels from their lists, an original and its swaps together, actors of the test out of training."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.unit.training.dataset_layouts import dfdc, dfdcp, write
from workstation.domain.errors import InputError
from workstation.training.readers import read


def test_dfdc_counts_labels_and_originals(tmp_path: Path) -> None:
    dfdc(tmp_path)
    dataset = read("dfdc", tmp_path)
    assert {(one.path.name, one.manipulated) for one in dataset.of("test")} == {("aa.mp4", False), ("bb.mp4", True)}
    training = (*dataset.of("train"), *dataset.of("val"))
    assert len(training) == 24
    assert sum(one.manipulated for one in training) == 12
    assert 0 < len(dataset.of("val")) < 24
    groups = {one.path.name: (one.group, one.split) for one in dataset.samples}
    assert groups["p0o1.mp4"] == groups["p0f1.mp4"]
    assert next(one for one in training if one.path.name == "p0f1.mp4").facts["original"] == "p0o1.mp4"


def test_dfdc_parts_below_train_and_videos_below_test(tmp_path: Path) -> None:
    dfdc(tmp_path / "set")
    root = tmp_path / "set"
    (root / "train").mkdir()
    for part in list(root.glob("dfdc_train_part_*")):
        part.rename(root / "train" / part.name)
    (root / "test/videos").mkdir()
    for clip in list((root / "test").glob("*.mp4")):
        clip.rename(root / "test/videos" / clip.name)
    assert len(read("dfdc", root).samples) == 26


def test_dfdc_says_what_is_missing(tmp_path: Path) -> None:
    dfdc(tmp_path)
    (tmp_path / "dfdc_train_part_0/p0f3.mp4").unlink()
    (tmp_path / "dfdc_train_part_1/metadata.json").unlink()
    (tmp_path / "test/bb.mp4").unlink()
    dataset = read("dfdc", tmp_path)
    assert "dfdc_train_part_0: 1 of 12 are not there, first p0f3.mp4" in dataset.missing
    assert any("dfdc_train_part_1/metadata.json: no labels" in line for line in dataset.missing)
    assert "test, listed in labels.csv: 1 of 2 are not there, first bb.mp4" in dataset.missing
    assert {one.facts.get("part") for one in dataset.samples} == {None, "dfdc_train_part_0"}


def test_dfdc_without_a_test_set_or_training_parts(tmp_path: Path) -> None:
    dfdc(tmp_path)
    for path in (tmp_path / "test").iterdir():
        path.unlink()
    assert "test/labels.csv: no test set" in read("dfdc", tmp_path).missing
    dfdc(tmp_path / "b")
    for part in (tmp_path / "b").glob("dfdc_train_part_*"):
        part.rename(tmp_path / "b" / f"away_{part.name}")
    assert "dfdc_train_part_N: no training parts" in read("dfdc", tmp_path / "b").missing


@pytest.mark.parametrize("text", ["filename,label\naa.mp4,0\nbb.mp4,2\n", "filename,label\naa.mp4,0\nbb.mp4\n"])
def test_a_wrong_line_of_dfdcs_labels_is_refused(text: str, tmp_path: Path) -> None:
    dfdc(tmp_path)
    write(tmp_path / "test/labels.csv", text)
    with pytest.raises(InputError, match=r"labels\.csv, line 3"):
        read("dfdc", tmp_path)


def test_labels_without_their_column_are_refused(tmp_path: Path) -> None:
    dfdc(tmp_path)
    write(tmp_path / "test/labels.csv", "filename,is_fake\naa.mp4,0\n")
    with pytest.raises(InputError, match="lacks the columns label"):
        read("dfdc", tmp_path)


@pytest.mark.parametrize(
    "row", [{"label": "MAYBE"}, {"label": "FAKE"}, {"label": "FAKE", "original": ""}, "FAKE", {}, None]
)
def test_a_wrong_row_of_dfdcs_metadata_is_refused(row: object, tmp_path: Path) -> None:
    dfdc(tmp_path)
    path = tmp_path / "dfdc_train_part_0/metadata.json"
    listed = json.loads(path.read_text())
    listed["p0f3.mp4"] = row
    write(path, json.dumps(listed))
    with pytest.raises(InputError, match=r"p0f3\.mp4"):
        read("dfdc", tmp_path)


@pytest.mark.parametrize("text", ["[]", "{", '{"a": 1', "[" * 100_000])
def test_metadata_that_is_no_table_is_refused(text: str, tmp_path: Path) -> None:
    dfdc(tmp_path)
    write(tmp_path / "dfdc_train_part_0/metadata.json", text)
    with pytest.raises(InputError, match=r"metadata\.json"):
        read("dfdc", tmp_path)


def test_dfdcp_counts_labels_sets_and_methods(tmp_path: Path) -> None:
    dfdcp(tmp_path)
    dataset = read("dfdcp", tmp_path)
    assert {(one.path.name, one.manipulated) for one in dataset.of("test")} == {
        ("5_A_001.mp4", False),
        ("6_A_001.mp4", False),
        ("5_6_A_001.mp4", True),
    }
    training = (*dataset.of("train"), *dataset.of("val"))
    assert {one.method for one in training} == {"genuine", "method_A"}
    assert {one.group for one in training} == {"dfdcp:1+dfdcp:2", "dfdcp:3+dfdcp:4"}
    assert any("1 items of train were left out" in note for note in dataset.notes)


def test_dfdcp_by_clip_keeps_the_published_sets_and_says_what_that_means(tmp_path: Path) -> None:
    dfdcp(tmp_path)
    dataset = read("dfdcp", tmp_path, groups="video")
    assert len(dataset.samples) == 10
    assert any("one actor may stand in several splits" in note for note in dataset.notes)
    with pytest.raises(InputError, match="person"):
        read("dfdcp", tmp_path, groups="actor")


def test_dfdcp_with_a_folder_videos_in_between_and_a_missing_folder(tmp_path: Path) -> None:
    dfdcp(tmp_path)
    (tmp_path / "method_A").rename(tmp_path / "x")
    (tmp_path / "method_A").mkdir()
    (tmp_path / "x").rename(tmp_path / "method_A/videos")
    assert len(read("dfdcp", tmp_path).of("test")) == 3
    (tmp_path / "method_B").rename(tmp_path / "gone")
    missing = read("dfdcp", tmp_path).missing
    assert "method_B: no such folder" in missing
    assert "dataset.json: 1 of 10 are not there, first method_B/7/7_B/7_5_B_001.mp4" in missing


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ({"label": "fake", "set": "val"}, "neither train nor test"),
        ({"label": 1, "set": "test"}, "neither REAL nor FAKE"),
    ],
)
def test_a_wrong_row_of_dfdcps_list_is_refused(row: object, why: str, tmp_path: Path) -> None:
    dfdcp(tmp_path)
    listed = json.loads((tmp_path / "dataset.json").read_text()) | {"method_A/9.mp4": row}
    write(tmp_path / "dataset.json", json.dumps(listed))
    with pytest.raises(InputError, match=why):
        read("dfdcp", tmp_path)
