"""Own material: folders and tables, groups, splits, masks, wrong lines; and the development data, if it is there."""

from __future__ import annotations

import itertools
import shutil
import time
from pathlib import Path

import pytest

from tests.unit.training.dataset_layouts import plain, touch, write
from workstation.domain.errors import InputError
from workstation.training.readers import frames_of, read

HEAD = "file,label,mask,group,split,method,compression,place\n"


def table(root: Path, rows: str, head: str = HEAD) -> None:
    write(root / "labels.csv", head + rows)


def test_folders_with_masks(tmp_path: Path) -> None:
    plain(tmp_path)
    dataset = read("plain", tmp_path)
    assert dataset.counts() == {("test", "genuine", False): 12, ("test", "unnamed", True): 12}
    assert {(one.path.parent.name, one.manipulated) for one in dataset.samples} == {("real", False), ("fake", True)}
    assert sum(one.mask is not None for one in dataset.samples) == 11
    assert "masks: 1 of 12 are not there, first 11.png" in dataset.missing
    pair = {one.manipulated for one in dataset.samples if one.group == f"{tmp_path.name}:03"}
    assert pair == {True, False}


def test_folders_of_videos_and_of_frames_under_either_pair_of_names(tmp_path: Path) -> None:
    touch(tmp_path, ["genuine/a.mp4", "genuine/b/0.png", "manipulated/c.mkv", "manipulated/notes.txt"])
    forms = {one.path.name: (one.form, one.manipulated) for one in read("plain", tmp_path).samples}
    assert forms == {"a.mp4": ("video", False), "b": ("frames", False), "c.mkv": ("video", True)}


def test_one_folder_alone_is_read_and_the_other_is_missing(tmp_path: Path) -> None:
    plain(tmp_path)
    shutil.rmtree(tmp_path / "real")
    dataset = read("plain", tmp_path)
    assert dataset.counts() == {("test", "unnamed", True): 12}
    assert "real: no such folder" in dataset.missing


def test_a_table_with_everything(tmp_path: Path) -> None:
    touch(tmp_path, ["a.png", "b.png", "c.mp4", "d/0.png", "m/b.png", "e.png"])
    rows = "a.png,0,,anna,train,,,lab\nb.png,1,m/b.png,anna bert,train,swap,q90,\nc.mp4,manipulated,,carl,test,,,\n"
    table(tmp_path, rows + "d,genuine,,dora,val,,,\ne.png,0,,bert,train,,,\n")
    dataset = read("plain", tmp_path)
    by = {one.path.name: one for one in dataset.samples}
    assert {name: (one.form, one.split) for name, one in by.items()} == {
        "a.png": ("image", "train"),
        "b.png": ("image", "train"),
        "c.mp4": ("video", "test"),
        "d": ("frames", "val"),
        "e.png": ("image", "train"),
    }
    assert by["b.png"].mask == tmp_path / "m/b.png"
    assert (by["b.png"].method, by["b.png"].compression, by["a.png"].facts["place"]) == ("swap", "q90", "lab")
    assert by["a.png"].group == by["b.png"].group == by["e.png"].group == "anna+bert"
    assert not any("No groups" in note for note in dataset.notes)


def test_a_group_that_a_table_puts_into_two_splits_is_kept_for_the_test(tmp_path: Path) -> None:
    touch(tmp_path, ["a.png", "b.png", "c.png", "d.png"])
    table(tmp_path, "a.png,0,,p,train,,,\nb.png,1,,p,test,,,\nc.png,0,,q,train,,,\nd.png,0,,r,val,,,\n")
    dataset = read("plain", tmp_path)
    assert {one.path.name for one in dataset.samples} == {"b.png", "c.png", "d.png"}
    assert any("1 items of train were left out" in note for note in dataset.notes)


def test_training_material_without_validation_is_divided_by_group(tmp_path: Path) -> None:
    touch(tmp_path, [f"{number}-{view}.png" for number in range(60) for view in "ab"])
    rows = "".join(f"{number}-{view}.png,0,,person{number},train,,,\n" for number in range(60) for view in "ab")
    table(tmp_path, rows)
    dataset = read("plain", tmp_path)
    assert 0 < len(dataset.of("val")) < 30
    assert len(dataset.of("val")) % 2 == 0
    assert any("Validation: none is published" in note for note in dataset.notes)


def test_names_with_spaces_are_one_member(tmp_path: Path) -> None:
    touch(tmp_path, ["real/a photo.png", "fake/a photo.png", "fake/b photo.png"])
    dataset = read("plain", tmp_path)
    assert {one.members for one in dataset.samples} == {
        (f"{tmp_path.name}:a photo",),
        (f"{tmp_path.name}:b photo",),
    }


def test_a_folder_that_may_not_be_read_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(folder: object) -> object:
        raise PermissionError(13, "Permission denied")

    plain(tmp_path)
    monkeypatch.setattr("workstation.training.readers.places.os.scandir", refused)
    with pytest.raises(InputError, match="cannot be read: Permission denied"):
        read("plain", tmp_path)


def test_groups_by_folder_or_by_a_column(tmp_path: Path) -> None:
    touch(tmp_path, ["x/clip1/0.png", "x/clip1/1.png", "x/clip2/0.png"])
    table(tmp_path, "x/clip1/0.png,0,p\nx/clip1/1.png,0,p\nx/clip2/0.png,1,p\n", "file,label,who\n")
    assert len({one.group for one in read("plain", tmp_path).samples}) == 3
    assert len({one.group for one in read("plain", tmp_path, group="folder").samples}) == 2
    assert len({one.group for one in read("plain", tmp_path, group="who").samples}) == 1
    with pytest.raises(InputError, match="no column camera"):
        read("plain", tmp_path, group="camera")


@pytest.mark.parametrize(
    "row",
    [
        "a.png,2,,,,,,",
        "a.png,,,,,,,",
        "a.png,0,,,dev,,,",
        "a.png,0",
        "a.png,0,,,,,,,,",
        "../a.png,0,,,,,,",
        "/etc/a.png,0,,,,,,",
        "a.png,0,../m.png,,,,,",
        ",0,,,,,,",
    ],
)
def test_a_wrong_line_is_refused_with_its_number(row: str, tmp_path: Path) -> None:
    touch(tmp_path, ["a.png", "b.png"])
    table(tmp_path, f"b.png,1,,,,,,\n{row}\n")
    with pytest.raises(InputError, match=r"labels\.csv, line 3"):
        read("plain", tmp_path)


def test_missing_files_and_masks_are_named_and_other_files_are_noted(tmp_path: Path) -> None:
    touch(tmp_path, ["a.png", "a.tem"])
    table(tmp_path, "a.png,1,m/a.png,,,,,\nb.png,0,,,,,,\na.tem,,,,,,,\n")
    dataset = read("plain", tmp_path)
    assert "m/a.png: the mask of a.png is not there" in dataset.missing
    assert "labels.csv: 1 of 3 are not there, first b.png" in dataset.missing
    assert any("neither pictures nor videos" in note and "a.tem" in note for note in dataset.notes)
    assert [one.mask for one in dataset.samples] == [None]


def test_a_table_that_is_no_text_or_lacks_its_columns(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_bytes(b"\xff\xfe\x00file")
    with pytest.raises(InputError, match="cannot be read"):
        read("plain", tmp_path)
    write(tmp_path / "labels.csv", "path,label\na.png,0\n")
    with pytest.raises(InputError, match="lacks the columns file"):
        read("plain", tmp_path)


def test_a_hundred_thousand_samples_are_listed_without_touching_each(tmp_path: Path) -> None:
    """The files of one folder are listed once; the time is that of the table, not of the disk."""
    count = 100_000
    folder = tmp_path / "f"
    folder.mkdir()
    (folder / "0.png").touch()
    names = ["f/0.png"] + [f"f/{number}.png" for number in range(1, count)]
    write(
        tmp_path / "labels.csv",
        "file,label,group\n" + "".join(f"{name},{n % 2},g{n}\n" for n, name in enumerate(names)),
    )
    start = time.process_time()
    dataset = read("plain", tmp_path)
    assert time.process_time() - start < 10
    assert len(dataset.samples) == 1
    assert f"labels.csv: {count - 1} of {count} are not there" in dataset.missing[0]


DEV = {
    "ciplab": (120, 118, 10),
    "lfw_faceswap": (200, 200, 0),
    "stylegan2_ffhq": (80, 20, 0),
    "sdfd": (0, 150, 0),
    "ffpp_cdf_crops": (12, 20, 0),
    "videos_ffpp": (2, 2, 0),
    "engravings": (60, 0, 0),
}
TRAIN = {"london": 110, "congress": 444, "voteview": 230, "london_smiling": 102, "voteview_mono": 472}


@pytest.mark.data
@pytest.mark.parametrize("name", DEV)
def test_development_sets_are_read_with_the_counts_of_their_readme(name: str, shared_data: Path) -> None:
    genuine, manipulated, masks = DEV[name]
    dataset = read("plain", shared_data / "dev" / name)
    assert sum(not one.manipulated for one in dataset.samples) == genuine
    assert sum(one.manipulated for one in dataset.samples) == manipulated
    assert sum(one.mask is not None for one in dataset.samples) == masks
    assert dataset.missing == (("real: no such folder",) if name == "sdfd" else ())
    assert {one.split for one in dataset.samples} == {"test"}


@pytest.mark.data
@pytest.mark.parametrize("name", TRAIN)
def test_training_sets_are_genuine_and_divided(name: str, shared_data: Path) -> None:
    dataset = read("plain", shared_data / "train" / name, use="train")
    assert len(dataset.samples) == TRAIN[name]
    assert not any(one.manipulated for one in dataset.samples)
    assert 0.04 < len(dataset.of("val")) / len(dataset.samples) < 0.2
    assert not dataset.missing


@pytest.mark.data
def test_frames_of_a_real_clip_are_spread_over_it(shared_data: Path) -> None:
    clip = read("plain", shared_data / "dev" / "videos_ffpp").samples[0]
    taken = list(frames_of(clip, 4))
    indices = [index for index, _ in taken]
    gaps = [after - before for before, after in itertools.pairwise(indices)]
    assert len(taken) == 4
    assert max(gaps) - min(gaps) <= 1
    assert indices[0] <= gaps[0]
    assert all(picture.ndim == 3 and picture.std() > 5 for _, picture in taken)
