"""Lists of DeepfakeBench and DF40: read without the faults that are known of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.unit.training.dataset_layouts import bench_clip, deepfakebench, df40, touch, write
from workstation.domain.errors import InputError
from workstation.training.readers import read
from workstation.training.readers.bench import meaning, members


def test_counts_labels_splits_and_groups_of_faceforensics(tmp_path: Path) -> None:
    deepfakebench(tmp_path)
    dataset = read("deepfakebench", tmp_path, lists="dataset_json/FaceForensics++.json")
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
    assert {one.compression for one in dataset.samples} == {"c23"}
    assert {one.group for one in dataset.of("test")} == {"ffpp:008+ffpp:009"}


def test_clips_of_one_name_under_two_methods_stay_two(tmp_path: Path) -> None:
    deepfakebench(tmp_path)
    dataset = read("deepfakebench", tmp_path, lists="dataset_json/FaceForensics++.json")
    same = [one for one in dataset.samples if one.path.name == "008_009"]
    assert {one.method for one in same} == {"Deepfakes", "NeuralTextures"}
    assert len({one.key for one in same}) == len({one.facts["video"] for one in same}) == 2


def test_tested_clips_that_the_list_also_trains_and_validates_on_are_tested_alone(tmp_path: Path) -> None:
    deepfakebench(tmp_path)
    dataset = read("deepfakebench", tmp_path, lists="dataset_json/Celeb-DF-v2.json")
    tested = {one.path.name for one in dataset.of("test")}
    assert tested == {"id0_0000", "id1_0000", "id2_0000", "id0_id1_0000", "id1_id2_0000", "id2_id3_0000"}
    rest = {one.path.name for one in (*dataset.of("train"), *dataset.of("val"))}
    assert len(rest) == 18
    assert not rest & tested
    assert dataset.of("val")
    assert any("12 entries stood in several splits" in note for note in dataset.notes)
    assert any("12 genuine clips of 890" in note for note in dataset.notes)


def test_deepfakedetection_is_tested_alone(tmp_path: Path) -> None:
    deepfakebench(tmp_path)
    path = tmp_path / "dataset_json/DeepFakeDetection.json"
    listed = json.loads(path.read_text())
    trained = bench_clip("dfd/real", "DFD_real", "09__walk", tmp_path)
    listed["DeepFakeDetection"]["DFD_real"]["train"]["09__walk"] = trained
    write(path, json.dumps(listed))
    dataset = read("deepfakebench", tmp_path, lists="dataset_json/DeepFakeDetection.json")
    assert {one.split for one in dataset.samples} == {"test"}
    assert {one.path.name for one in dataset.samples} == {"01__hug", "01_02__hug__ABCD1234", "09__walk"}


def test_paths_of_another_machine_are_found_below_the_root(tmp_path: Path) -> None:
    deepfakebench(tmp_path)
    listed = json.loads((tmp_path / "dataset_json/FaceForensics++.json").read_text())
    first = listed["FaceForensics++"]["FF-real"]["train"]["c23"]["000"]["frames"][0]
    assert first.startswith("D:\\")
    sample = read("deepfakebench", tmp_path, lists="dataset_json/FaceForensics++.json").samples[0]
    assert sample.path == tmp_path / "ff/original/frames/000"
    assert sample.form == "frames"


def test_missing_clips_are_named_and_the_rest_is_read(tmp_path: Path) -> None:
    deepfakebench(tmp_path)
    (tmp_path / "ff/DF/frames/008_009").rename(tmp_path / "gone")
    dataset = read("deepfakebench", tmp_path)
    assert "FaceForensics++: 1 of 30 are not there, first FF-DF/008_009" in dataset.missing


def test_no_list_an_unknown_list_and_one_compression(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="dataset_json"):
        read("deepfakebench", tmp_path)
    deepfakebench(tmp_path)
    with pytest.raises(InputError, match="is not there"):
        read("deepfakebench", tmp_path, lists="dataset_json/other.json")
    dataset = read("deepfakebench", tmp_path, compression="c40")
    assert {one.facts["dataset"] for one in dataset.samples} == {"Celeb-DF-v2", "DeepFakeDetection"}


def test_a_list_does_not_lead_out_of_its_folder(tmp_path: Path) -> None:
    touch(tmp_path, ["out/0.png", "out/1.png", "root/in/0.png", "root/in/1.png"])
    clips = {name: {"label": "x_Real", "frames": [f"{name}/0.png", f"{name}/1.png"]} for name in ("../out", "in")}
    write(tmp_path / "root/x.json", json.dumps({"x": {"x_Real": {"test": clips}}}))
    dataset = read("deepfakebench", tmp_path / "root")
    assert [one.path for one in dataset.samples] == [tmp_path / "root/in"]
    assert "x: 1 of 2 are not there, first x_Real/../out" in dataset.missing


def test_masks_beside_frames(tmp_path: Path) -> None:
    clip = bench_clip("DF", "FF-DF", "000_001", tmp_path)
    assert isinstance(clip, dict)
    masks = [name.replace("frames", "masks") for name in clip["frames"]]
    touch(tmp_path, masks)
    real = bench_clip("original", "FF-real", "000", tmp_path)
    table = {
        "FF-DF": {"train": {"c23": {"000_001": clip | {"masks": masks}}}},
        "FF-real": {"train": {"c23": {"000": real | {"masks": []}}}},  # type: ignore[operator]
    }
    write(tmp_path / "x.json", json.dumps({"FaceForensics++": table}))
    found = {one.path.name: one.mask for one in read("deepfakebench", tmp_path).samples}
    assert found == {"000_001": tmp_path / "DF/masks/000_001", "000": None}


def test_entries_that_share_a_folder_are_pictures(tmp_path: Path) -> None:
    touch(tmp_path, [f"gan/{number}.png" for number in range(6)])
    entries = {f"v{n}": {"label": "gan_Fake", "frames": [f"gan/{2 * n}.png", f"gan/{2 * n + 1}.png"]} for n in range(3)}
    write(tmp_path / "x.json", json.dumps({"gan": {"gan_Fake": {"test": entries}}}))
    samples = read("deepfakebench", tmp_path).samples
    assert sorted(one.path.name for one in samples) == [f"{number}.png" for number in range(6)]
    assert {one.form for one in samples} == {"image"}


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("FF-real", (False, "genuine")),
        ("FF-F2F", (True, "Face2Face")),
        ("FF-SH", (True, "FaceShifter")),
        ("DFD_real", (False, "genuine")),
        ("CelebDFv2_fake", (True, "CelebDFv2")),
        ("DFDCP_FakeB", (True, "DFDCP-B")),
        ("UADFV_Real", (False, "genuine")),
        ("sd2.1_Fake", (True, "sd2.1")),
        ("whichisreal_Fake", (True, "whichisreal")),
        ("whichisreal_Real", (False, "genuine")),
    ],
)
def test_what_labels_mean(label: str, expected: tuple[bool, str]) -> None:
    assert meaning(label, {}) == expected


@pytest.mark.parametrize("label", ["FF-XX", "real", "surreal", "fakery_x", "0", "FF-realistic"])
def test_a_label_of_an_unknown_form_is_refused_until_it_is_given(label: str) -> None:
    with pytest.raises(InputError, match="says neither"):
        meaning(label, {})
    assert meaning(label, {label: True}) == (True, label)
    assert meaning(label, {label: False}) == (False, "genuine")


@pytest.mark.parametrize(
    ("dataset", "label", "video", "expected"),
    [
        ("FaceForensics++", "FF-DF", "000_003", ("ffpp:000", "ffpp:003")),
        ("FaceForensics++", "FF-real", "000", ("ffpp:000",)),
        ("simswap_ff", "simswap_Fake", "000_003", ("ffpp:000", "ffpp:003")),
        ("UADFV", "UADFV_Real", "000", ("UADFV:UADFV_Real/000",)),
        ("DeeperForensics-1.0", "DF_fake", "000_M101", ("ffpp:000", "deeper:M101")),
        ("DeepFakeDetection", "DFD_fake", "01_02__hug__ABCD1234", ("dfd:01", "dfd:02")),
        ("Celeb-DF-v2", "CelebDFv2_fake", "id0_id1_0002", ("celebdf:id0_0002",)),
        ("DFDC", "DFDC_Real", "aaaa", ("DFDC:DFDC_Real/aaaa",)),
    ],
)
def test_members_from_names(dataset: str, label: str, video: str, expected: tuple[str, ...]) -> None:
    assert members(dataset, label, video) == expected


def test_df40_takes_a_genuine_clip_of_several_lists_once(tmp_path: Path) -> None:
    df40(tmp_path)
    dataset = read("df40", tmp_path)
    assert dataset.counts() == {
        ("train", "genuine", False): len([1 for one in dataset.of("train") if not one.manipulated]),
        ("train", "lia", True): len([1 for one in dataset.of("train") if one.method == "lia"]),
        ("train", "simswap", True): len([1 for one in dataset.of("train") if one.method == "simswap"]),
    } | {key: count for key, count in dataset.counts().items() if key[0] != "train"}
    genuine = [one.path.name for one in dataset.samples if not one.manipulated]
    assert sorted(genuine) == ["000", "001", "002", "003", "004", "005", "008", "009"]
    assert any("8 entries stood in several lists" in note for note in dataset.notes)
    assert {one.method for one in dataset.of("test")} == {"genuine", "lia", "simswap"}
    assert {one.method for one in read("df40", tmp_path, methods="lia_ff").samples} == {"genuine", "lia"}
    with pytest.raises(InputError, match="no list e4s_ff"):
        read("df40", tmp_path, methods="e4s_ff")


@pytest.mark.parametrize(
    ("table", "why"),
    [
        ([], "a table of datasets"),
        ({"d": []}, "a table of labels"),
        ({"d": {"d_Real": {"dev": {}}}}, '"dev" is no split'),
        ({"d": {"d_Real": {"train": {"v": {"label": "d_Real", "frames": 3}}}}}, "without a list of frames"),
        ({"d": {"d_Real": {"train": {"v": 3}}}}, "a clip or a table of clips"),
        ({"d": {"d_Real": {"train": {"c23": {"v": {"label": "d_Real"}}}}}}, "without a list of frames"),
        ({"d": {"d_Real": {"train": {"v": {"label": "d_Fake", "frames": ["a/b.png"]}}}}}, "it stands under d_Real"),
        ({"d": {"odd": {"train": {"v": {"label": "odd", "frames": ["a/b.png"]}}}}}, "says neither"),
    ],
)
def test_a_misshapen_list_is_refused(table: object, why: str, tmp_path: Path) -> None:
    touch(tmp_path, ["a/b.png"])
    write(tmp_path / "d.json", json.dumps(table))
    with pytest.raises(InputError, match=why):
        read("deepfakebench", tmp_path)


def test_a_clip_that_is_genuine_in_one_list_and_manipulated_in_another_is_refused(tmp_path: Path) -> None:
    touch(tmp_path, ["a/0.png", "a/1.png"])
    for name, label in (("x", "x_Real"), ("y", "y_Fake")):
        clip = {"v": {"label": label, "frames": ["a/0.png", "a/1.png"]}}
        write(tmp_path / f"{name}.json", json.dumps({name: {label: {"test": clip}}}))
    with pytest.raises(InputError, match="as genuine and as manipulated"):
        read("deepfakebench", tmp_path)
