"""FaceForensics++ and DFD: pairs stay together, splits come from the lists, what is missing is named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.unit.training.dataset_layouts import dfd, faceforensics, pair_lists, touch, write
from workstation.domain.errors import InputError
from workstation.training.readers import read
from workstation.training.readers.faceforensics import METHODS


def test_counts_labels_splits_and_pairs(tmp_path: Path) -> None:
    faceforensics(tmp_path)
    dataset = read("faceforensics", tmp_path)
    assert dataset.counts() == {
        ("train", "genuine", False): 6,
        ("train", "Deepfakes", True): 6,
        ("train", "NeuralTextures", True): 6,
        ("val", "genuine", False): 2,
        ("val", "Deepfakes", True): 2,
        ("val", "NeuralTextures", True): 2,
        ("test", "genuine", False): 2,
        ("test", "Deepfakes", True): 2,
        ("test", "NeuralTextures", True): 2,
    }
    assert all(one.manipulated == ("manipulated_sequences" in one.path.parts) for one in dataset.samples)
    groups = {one.path.stem: one.group for one in dataset.samples}
    assert groups["000"] == groups["001"] == groups["000_001"] == groups["001_000"] == "ffpp:000+ffpp:001"
    assert groups["002"] != groups["000"]
    first = {one.path.stem: one.members[0] for one in dataset.samples}
    assert first["001"] == first["001_000"] == "ffpp:001"
    assert first["000"] == first["000_001"] == "ffpp:000"
    swap = next(one for one in dataset.samples if one.path.stem == "009_008" and one.method == "Deepfakes")
    assert (swap.split, swap.compression, swap.form) == ("test", "c23", "video")
    assert (swap.facts["target"], swap.facts["source"]) == ("009", "008")
    assert swap.mask == tmp_path / "manipulated_sequences/Deepfakes/masks/videos/009_008.mp4"


def test_all_five_methods_and_detection_are_read(tmp_path: Path) -> None:
    faceforensics(tmp_path, METHODS)
    dfd(tmp_path)
    dataset = read("faceforensics", tmp_path)
    assert {one.method for one in dataset.samples} == {"genuine", "DeepFakeDetection", *METHODS}
    assert {one.split for one in dataset.samples if one.group.startswith("dfd")} == {"test"}
    assert not any("no clips" in line for line in dataset.missing)
    chosen = read("faceforensics", tmp_path, methods="FaceSwap")
    assert {one.method for one in chosen.samples} == {"genuine", "FaceSwap"}


def test_missing_methods_clips_and_masks_are_named(tmp_path: Path) -> None:
    faceforensics(tmp_path, ("Deepfakes", "FaceShifter"))
    (tmp_path / "manipulated_sequences/Deepfakes/c23/videos/004_005.mp4").unlink()
    for mask in (tmp_path / "manipulated_sequences/FaceShifter/masks/videos").iterdir():
        mask.unlink()
    missing = read("faceforensics", tmp_path).missing
    assert "manipulated_sequences/Deepfakes/c23: 1 of 10 are not there, first 004_005" in missing
    assert "manipulated_sequences/FaceShifter/masks: no masks" in missing
    assert {"train.json, pairs: 3, published are 360", "val.json, pairs: 1, published are 70"} <= set(missing)
    for method in ("Face2Face", "FaceSwap", "NeuralTextures"):
        assert f"manipulated_sequences/{method}: no clips in raw, c23, c40" in missing


def test_a_compression_that_was_asked_for_and_is_not_there_is_missing(tmp_path: Path) -> None:
    faceforensics(tmp_path, ("Deepfakes",))
    faceforensics(tmp_path, ("Deepfakes",), rate="c40")
    both = read("faceforensics", tmp_path)
    assert len(both.samples) == 40
    assert any("same clips" in note for note in both.notes)
    assert len({one.group for one in both.samples}) == 5
    one = read("faceforensics", tmp_path, compression="c40")
    assert {sample.compression for sample in one.samples} == {"c40"}
    with pytest.raises(InputError, match="no compression"):
        read("faceforensics", tmp_path, compression="c32")
    assert "original_sequences/youtube/raw: no clips" in read("faceforensics", tmp_path, compression="raw,c23").missing


def test_extracted_frames_with_masks_beside_them(tmp_path: Path) -> None:
    pair_lists(tmp_path)
    base = tmp_path / "manipulated_sequences" / "Deepfakes" / "c23"
    touch(base / "frames", ["008_009/0000.png", "008_009/0001.png"])
    touch(base / "masks", ["008_009/0000.png"])
    touch(tmp_path / "original_sequences/youtube/c23/images", ["008/0000.png"])
    dataset = read("faceforensics", tmp_path)
    assert [(one.form, one.path.name) for one in dataset.samples] == [("frames", "008"), ("frames", "008_009")]
    assert dataset.samples[1].mask == base / "masks" / "008_009"


def test_videos_are_preferred_and_frames_are_read_when_asked_for(tmp_path: Path) -> None:
    faceforensics(tmp_path, ("Deepfakes",))
    touch(tmp_path / "original_sequences/youtube/c23/frames/008", ["0000.png"])
    assert {one.form for one in read("faceforensics", tmp_path).samples} == {"video"}
    assert [one.path.name for one in read("faceforensics", tmp_path, form="frames").samples] == ["008"]


def test_a_clip_in_no_list_is_left_out_and_noted(tmp_path: Path) -> None:
    faceforensics(tmp_path, ("Deepfakes",))
    touch(tmp_path / "manipulated_sequences/Deepfakes/c23/videos", ["000_002.mp4"])
    dataset = read("faceforensics", tmp_path)
    assert "000_002" not in {one.path.stem for one in dataset.samples}
    assert any("in no list of pairs" in note and "000_002" in note for note in dataset.notes)


@pytest.mark.parametrize("pair", [["000"], ["000", "1"], ["000", "000"], ["000", 1], "000_001", ["000", "001", "002"]])
def test_a_wrong_entry_of_a_list_is_refused_with_its_number(pair: object, tmp_path: Path) -> None:
    faceforensics(tmp_path)
    write(tmp_path / "splits/val.json", json.dumps([["006", "007"], pair]))
    with pytest.raises(InputError, match=r"val\.json, entry 2"):
        read("faceforensics", tmp_path)


def test_a_sequence_in_two_lists_is_refused(tmp_path: Path) -> None:
    faceforensics(tmp_path)
    write(tmp_path / "splits/test.json", json.dumps([["008", "000"]]))
    with pytest.raises(InputError, match=r"000 is in train\.json already"):
        read("faceforensics", tmp_path)


def test_without_the_lists_nothing_is_guessed(tmp_path: Path) -> None:
    faceforensics(tmp_path)
    (tmp_path / "splits/test.json").unlink()
    with pytest.raises(InputError, match=r"lists of pairs test\.json are not there"):
        read("faceforensics", tmp_path)
    pair_lists(tmp_path / "elsewhere")
    assert read("faceforensics", tmp_path, splits=str(tmp_path / "elsewhere")).of("test")


def test_the_shortcuts_are_noted(tmp_path: Path) -> None:
    faceforensics(tmp_path)
    notes = " ".join(read("faceforensics", tmp_path).notes)
    assert "282 of 1000" in notes
    assert "Lengths are a shortcut" in notes


def test_dfd_is_test_alone_with_actors_as_members_and_published_counts(tmp_path: Path) -> None:
    dfd(tmp_path)
    dataset = read("dfd", tmp_path)
    assert dataset.counts() == {("test", "genuine", False): 3, ("test", "DeepFakeDetection", True): 2}
    assert all(one.manipulated == ("manipulated_sequences" in one.path.parts) for one in dataset.samples)
    swap = next(one for one in dataset.samples if one.path.name.startswith("03_01"))
    assert swap.members == ("dfd:03", "dfd:01")
    assert swap.facts["scene"] == "walking"
    assert "original_sequences/actors/c23: 3, published are 363" in dataset.missing
    assert "manipulated_sequences/DeepFakeDetection/c23: 2, published are 3068" in dataset.missing


def test_dfd_names_of_another_form_are_left_out_and_noted(tmp_path: Path) -> None:
    dfd(tmp_path)
    touch(tmp_path / "manipulated_sequences/DeepFakeDetection/c23/videos", ["01_02__hug.mp4"])
    dataset = read("dfd", tmp_path)
    assert any("01_02__hug" in note and "left out" in note for note in dataset.notes)
    assert len(dataset.samples) == 5


def test_dfd_without_its_swaps_says_so(tmp_path: Path) -> None:
    touch(tmp_path / "original_sequences/actors/raw/videos", ["01__hug.mp4"])
    assert "manipulated_sequences/DeepFakeDetection: no clips in raw, c23, c40" in read("dfd", tmp_path).missing
