"""Celeb-DF: 1 in its list is genuine, test videos leave training with all that was made of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.training.dataset_layouts import CELEB_LIST, celebdf, celebdf_plus, touch, write
from workstation.domain.errors import InputError
from workstation.training.readers import read

LIST = "List_of_testing_videos.txt"


def test_one_in_the_list_is_genuine_and_zero_is_manipulated(tmp_path: Path) -> None:
    celebdf(tmp_path)
    labels = {
        one.path.relative_to(tmp_path).as_posix(): one.manipulated for one in read("celebdf", tmp_path).of("test")
    }
    assert labels == {
        "YouTube-real/00170.mp4": False,
        "Celeb-real/id1_0007.mp4": False,
        "Celeb-synthesis/id1_id0_0007.mp4": True,
        "Celeb-synthesis/id2_id0_0001.mp4": True,
    }
    assert {line.split()[0] for line in CELEB_LIST.splitlines() if "real" in line} == {"1"}


@pytest.mark.parametrize("line", ["0 Celeb-real/id1_0007.mp4", "1 Celeb-synthesis/id1_id0_0007.mp4"])
def test_a_line_that_takes_one_for_manipulated_is_refused(line: str, tmp_path: Path) -> None:
    celebdf(tmp_path)
    write(tmp_path / LIST, f"1 YouTube-real/00170.mp4\n{line}\n")
    with pytest.raises(InputError, match=r"line 2.*1 is genuine"):
        read("celebdf", tmp_path)


def test_what_was_made_of_a_tested_video_leaves_training(tmp_path: Path) -> None:
    celebdf(tmp_path)
    dataset = read("celebdf", tmp_path)
    training = {one.path.stem for one in (*dataset.of("train"), *dataset.of("val"))}
    assert not training & {"id2_0001", "id2_id3_0001", "id1_0007", "id1_id0_0007"}
    assert {"id2_0007", "id0_0001", "id0_id1_0001", "id3_id0_0001", "00171"} <= training
    assert any("2 items of train were left out" in note for note in dataset.notes)
    groups = {one.path.stem: one.group for one in dataset.samples}
    assert groups["id0_0001"] == groups["id0_id1_0001"] != groups["id0_0007"]


def test_persons_shared_with_the_test_are_counted_and_can_be_kept_apart(tmp_path: Path) -> None:
    celebdf(tmp_path)
    assert any("Persons: 3 of the 3 named" in note for note in read("celebdf", tmp_path).notes)
    apart = read("celebdf", tmp_path, groups="person")
    tested = {m for one in apart.of("test") for m in one.members}
    others = {m for one in (*apart.of("train"), *apart.of("val")) for m in one.members}
    assert not tested & others
    assert others == {"celebdf:youtube_00171", "celebdf:youtube_00172"}


def test_counts_against_the_published_ones_and_a_missing_folder(tmp_path: Path) -> None:
    celebdf(tmp_path)
    for path in (tmp_path / "YouTube-real").iterdir():
        path.unlink()
    (tmp_path / "YouTube-real").rmdir()
    missing = read("celebdf", tmp_path).missing
    assert "Celeb-real: 8, published are 590" in missing
    assert "Celeb-synthesis: 6, published are 5639" in missing
    assert f"{LIST}: 4, published are 518" in missing
    assert "YouTube-real: no such folder" in missing
    assert f"{LIST}: 1 of 4 are not there, first YouTube-real/00170" in missing


def test_videos_below_a_folder_of_that_name_and_another_spelling(tmp_path: Path) -> None:
    celebdf(tmp_path)
    (tmp_path / "YouTube-real").rename(tmp_path / "Youtube-real")
    (tmp_path / "Celeb-real").rename(tmp_path / "c")
    (tmp_path / "Celeb-real").mkdir()
    (tmp_path / "c").rename(tmp_path / "Celeb-real" / "videos")
    dataset = read("celebdf", tmp_path)
    assert len(dataset.of("test")) == 4
    assert not any("not there" in line for line in dataset.missing)


@pytest.mark.parametrize(
    "line", ["YouTube-real/00170.mp4", "2 YouTube-real/00170.mp4", "1 Other/00170.mp4", "1 YouTube-real/00170.mp4"]
)
def test_a_wrong_line_of_the_list_is_refused_with_its_number(line: str, tmp_path: Path) -> None:
    celebdf(tmp_path)
    write(tmp_path / LIST, f"1 YouTube-real/00170.mp4\n{line}\n")
    with pytest.raises(InputError, match="line 2"):
        read("celebdf", tmp_path)


def test_without_the_list_nothing_is_guessed(tmp_path: Path) -> None:
    celebdf(tmp_path)
    (tmp_path / LIST).unlink()
    with pytest.raises(InputError, match="cannot be told apart"):
        read("celebdf", tmp_path)


def test_a_training_clip_whose_name_tells_no_source_is_left_out(tmp_path: Path) -> None:
    celebdf(tmp_path)
    touch(tmp_path / "Celeb-synthesis", ["renamed.mp4"])
    dataset = read("celebdf", tmp_path)
    assert "renamed" not in {one.path.stem for one in dataset.samples}
    assert any("renamed was left out" in note for note in dataset.notes)


def test_plus_takes_labels_from_folders_and_methods_from_theirs(tmp_path: Path) -> None:
    celebdf_plus(tmp_path)
    dataset = read("celebdf-plus", tmp_path)
    tested = {one.path.relative_to(tmp_path).as_posix(): one.method for one in dataset.of("test")}
    assert tested == {
        "Celeb-real/id0_0000.mp4": "genuine",
        "Celeb-synthesis/FaceSwap/SimSwap/id0_id1_0000.mp4": "SimSwap",
        "Celeb-synthesis/TalkingFace/FLOAT/strange.mp4": "FLOAT",
    }
    training = {one.path.relative_to(tmp_path).as_posix() for one in (*dataset.of("train"), *dataset.of("val"))}
    assert "Celeb-synthesis/FaceReenact/LIA/id1_id0_0001.mp4" in training
    assert not any("id0_id1_0000" in one or "strange" in one for one in training)
    assert any("digits mean is not stated" in note for note in dataset.notes)


def test_plus_accepts_either_meaning_of_the_digits_but_not_both(tmp_path: Path) -> None:
    celebdf_plus(tmp_path)
    listed = (tmp_path / LIST).read_text().splitlines()
    turned = [f"{1 - int(line[0])}{line[1:]}" for line in listed]
    before = read("celebdf-plus", tmp_path)
    write(tmp_path / LIST, "\n".join(turned))
    assert read("celebdf-plus", tmp_path).samples == before.samples
    write(tmp_path / LIST, "\n".join([listed[0], turned[1]]))
    with pytest.raises(InputError, match=r"line 2.*opposite of the one in line 1"):
        read("celebdf-plus", tmp_path)


def test_plus_without_its_scenarios_is_refused_and_a_missing_one_is_named(tmp_path: Path) -> None:
    celebdf(tmp_path)
    with pytest.raises(InputError, match="Celeb-synthesis/FaceSwap"):
        read("celebdf-plus", tmp_path)
    touch(tmp_path, ["Celeb-synthesis/FaceSwap/SimSwap/id0_id1_0000.mp4"])
    write(tmp_path / LIST, "1 YouTube-real/00170.mp4\n")
    missing = read("celebdf-plus", tmp_path).missing
    assert "Celeb-synthesis/TalkingFace: no such folder" in missing
    assert f"{LIST}, genuine: 1, published are 178" in missing


@pytest.mark.parametrize("groups", ["video", "person"])
def test_the_recording_of_a_swap_is_known_however_persons_are_grouped(tmp_path: Path, groups: str) -> None:
    celebdf(tmp_path)
    samples = read("celebdf", tmp_path, groups=groups).samples
    assert any(one.manipulated for one in samples)
    for one in samples:
        if "clip" in one.facts:
            assert one.recording == f"celebdf:{one.facts['person']}_{one.facts['clip']}"
