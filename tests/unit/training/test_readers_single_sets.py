"""FFIW, UADFV, DeeperForensics, WildDeepfake, DFFD, GenFace: counts, labels, splits, what is missing, what is wrong."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.unit.training.dataset_layouts import (
    deeperforensics,
    dffd,
    ffiw,
    genface,
    tar_of,
    touch,
    uadfv,
    wilddeepfake,
    write,
)
from workstation.domain.errors import InputError
from workstation.training.readers import read


def test_ffiw_tests_on_the_published_val(tmp_path: Path) -> None:
    ffiw(tmp_path)
    dataset = read("ffiw", tmp_path)
    assert {(one.path.parent.parent.name, one.manipulated) for one in dataset.of("test")} == {
        ("val", False),
        ("val", True),
    }
    assert len(dataset.of("test")) == 4
    assert {(one.path.parts[-4], one.manipulated) for one in dataset.samples} == {("source", False), ("target", True)}
    assert len(dataset.of("train")) + len(dataset.of("val")) == 24
    assert dataset.of("val")
    swap = next(one for one in dataset.of("test") if one.manipulated)
    assert swap.mask == tmp_path / "FFIW10K-v1-release/target_mask/val/videos" / swap.path.name
    assert "source/val: 2, published are 250" in dataset.missing
    pair = {one.group for one in dataset.samples if one.path.stem == "clip_0003"}
    assert pair == {"ffiw:train/clip_0003"}


def test_ffiw_names_missing_folders_and_masks(tmp_path: Path) -> None:
    ffiw(tmp_path)
    shutil.rmtree(tmp_path / "FFIW10K-v1-release/target/val")
    (tmp_path / "FFIW10K-v1-release/target_mask/train/videos/clip_0000.mp4").unlink()
    missing = read("ffiw", tmp_path).missing
    assert "target/val: no clips" in missing
    assert "target_mask/train: 1 of 12 are not there, first clip_0000" in missing


def test_uadfv_pairs_labels_and_uses(tmp_path: Path) -> None:
    uadfv(tmp_path)
    dataset = read("uadfv", tmp_path)
    assert dataset.counts() == {("test", "genuine", False): 12, ("test", "UADFV", True): 12}
    assert {(one.path.parent.name, one.manipulated) for one in dataset.samples} == {("real", False), ("fake", True)}
    assert {one.path.name for one in dataset.samples if one.group == "uadfv:0003"} == {"0003.mp4", "0003_fake.mp4"}
    assert read("uadfv", tmp_path, use="train").of("val")
    with pytest.raises(InputError, match="UADFV is used for"):
        read("uadfv", tmp_path, use="val")
    shutil.rmtree(tmp_path / "fake")
    with pytest.raises(InputError, match="looked for real, fake"):
        read("uadfv", tmp_path)
    touch(tmp_path, ["fake/readme.txt"])
    assert "fake: no clips" in read("uadfv", tmp_path).missing


def test_deeperforensics_splits_variants_and_groups(tmp_path: Path) -> None:
    deeperforensics(tmp_path)
    dataset = read("deeperforensics", tmp_path)
    assert {(one.path.name, one.split) for one in dataset.samples} == {
        ("000_M101.mp4", "train"),
        ("001_M101.mp4", "train"),
        ("002_W102.mp4", "val"),
        ("003_M103.mp4", "test"),
        ("004_W104.mp4", "test"),
    }
    assert all(one.manipulated and one.method == "DF-VAE" for one in dataset.samples)
    assert len({one.group for one in dataset.of("train")}) == 1
    assert any("genuine clips: not part of this set" in line for line in dataset.missing)
    assert "manipulated_videos/end_to_end: 5, published are 1000" in dataset.missing
    assert len(read("deeperforensics", tmp_path, variants="all").samples) == 10


def test_deeperforensics_takes_the_genuine_class_from_faceforensics_and_never_the_actors(tmp_path: Path) -> None:
    deeperforensics(tmp_path)
    dataset = read("deeperforensics", tmp_path, faceforensics=str(tmp_path / "ff"))
    genuine = {one.path.stem: one.split for one in dataset.samples if not one.manipulated}
    assert genuine == {"000": "train", "001": "train", "002": "val", "003": "test", "004": "test"}
    groups = {one.path.stem: one.group for one in dataset.samples}
    assert groups["003"] == groups["003_M103"]
    assert not any("source_videos" in str(one.path) for one in dataset.samples)
    with pytest.raises(InputError, match="holds no clips"):
        read("deeperforensics", tmp_path, faceforensics=str(tmp_path))


def test_deeperforensics_missing_lists_variants_and_clips(tmp_path: Path) -> None:
    deeperforensics(tmp_path)
    (tmp_path / "manipulated_videos/end_to_end/003_M103.mp4").unlink()
    touch(tmp_path, ["manipulated_videos/end_to_end/900_M900.mp4"])
    dataset = read("deeperforensics", tmp_path)
    assert "manipulated_videos/end_to_end: 1 of 5 are not there, first 003_M103" in dataset.missing
    assert any("900_M900" in note and "left out" in note for note in dataset.notes)
    with pytest.raises(InputError, match="has no reenact"):
        read("deeperforensics", tmp_path, variants="reenact")
    (tmp_path / "lists/splits/val.txt").unlink()
    with pytest.raises(InputError, match=r"lacks val\.txt"):
        read("deeperforensics", tmp_path)


@pytest.mark.parametrize("line", ["000.mp4", "000_101.mp4", "000_M101.mp4"])
def test_a_wrong_line_of_deeperforensics_lists_is_refused(line: str, tmp_path: Path) -> None:
    deeperforensics(tmp_path)
    write(tmp_path / "lists/splits/val.txt", f"002_W102.mp4\n{line}\n")
    with pytest.raises(InputError, match=r"val\.txt, line 2"):
        read("deeperforensics", tmp_path)


def test_wilddeepfake_lists_sequences_in_archives_and_folders(tmp_path: Path) -> None:
    wilddeepfake(tmp_path)
    before = sorted(path for path in tmp_path.rglob("*"))
    dataset = read("wilddeepfake", tmp_path)
    assert sorted(path for path in tmp_path.rglob("*")) == before
    tested = [(one.path.parent.name, one.path.name, one.facts.get("member")) for one in dataset.of("test")]
    assert ("fake_test", "1.tar.gz", "1/fake/0") in tested or ("fake_test", "1.tar.gz", "./1/fake/0") in tested
    assert len(tested) == 10
    assert len(dataset.samples) == 20
    folders = {(one.path.relative_to(tmp_path).parts[1], one.manipulated) for one in dataset.samples}
    assert {label for folder, label in folders if folder.startswith("fake_")} == {True}
    assert {label for folder, label in folders if folder.startswith("real_")} == {False}
    assert sum(one.manipulated for one in dataset.samples) == 10
    assert {one.facts["frames"] for one in dataset.samples} == {"3", "2"}
    of_one = [one for one in dataset.samples if one.path.parent.name == "fake_train" and one.path.name == "2.tar.gz"]
    assert len(of_one) == 2
    assert len({one.group for one in of_one}) == 1
    assert "genuine sequences: 10, published are 3805" in dataset.missing
    assert "manipulated sequences: 10, published are 3509" in dataset.missing


def test_wilddeepfake_with_spaces_in_names_and_a_folder_missing(tmp_path: Path) -> None:
    wilddeepfake(tmp_path)
    base = tmp_path / "deepfake_in_the_wild"
    (base / "real_train").rename(base / "real train")
    shutil.rmtree(base / "fake_test")
    dataset = read("wilddeepfake", base)
    assert len(dataset.samples) == 15
    assert "fake_test: no such folder" in dataset.missing


def test_wilddeepfake_names_an_archive_that_is_cut_and_reads_the_rest(tmp_path: Path) -> None:
    wilddeepfake(tmp_path)
    archive = tmp_path / "deepfake_in_the_wild/real_test/1.tar.gz"
    archive.write_bytes(archive.read_bytes()[:40])
    dataset = read("wilddeepfake", tmp_path)
    assert any("real_test/1.tar.gz cannot be read" in line for line in dataset.missing)
    assert len(dataset.samples) == 18


def test_wilddeepfake_prefers_an_unpacked_folder_to_its_archive(tmp_path: Path) -> None:
    tar_of(tmp_path / "real_train/1.tar.gz", {"1/real/0/1.png": b""})
    touch(tmp_path, ["real_train/1/real/0/1.png", "real_train/2/real/0/1.png"])
    dataset = read("wilddeepfake", tmp_path)
    assert sorted(one.path.relative_to(tmp_path).as_posix() for one in dataset.samples) == [
        "real_train/1/real/0",
        "real_train/2/real/0",
    ]


def test_dffd_splits_labels_and_masks(tmp_path: Path) -> None:
    dffd(tmp_path)
    dataset = read("dffd", tmp_path)
    assert dataset.counts() == {
        ("train", "genuine", False): 12,
        ("train", "DFFD", True): 12,
        ("val", "genuine", False): 2,
        ("val", "DFFD", True): 2,
        ("test", "genuine", False): 3,
        ("test", "DFFD", True): 3,
    }
    assert {(one.path.parent.name, one.manipulated) for one in dataset.samples} == {("Real", False), ("Fake", True)}
    fake = next(one for one in dataset.of("test") if one.manipulated)
    assert fake.mask == tmp_path / "data/test/Mask/00000.png"
    assert fake.group == "dffd:test/00000"


def test_dffd_without_validation_masks_or_a_folder(tmp_path: Path) -> None:
    dffd(tmp_path)
    for name in ("validation", "test/Mask", "train/Fake"):
        shutil.rmtree(tmp_path / "data" / name)
    touch(tmp_path / "data/train/Fake/stargan", ["00003.png"])
    dataset = read("dffd", tmp_path)
    assert dataset.of("val")
    assert "test/Mask: no masks" in dataset.missing
    assert "train/Mask: 1 of 13 are not there, first stargan/00003.png" in dataset.missing
    assert "stargan" in {one.method for one in dataset.samples}
    shutil.rmtree(tmp_path / "data/train")
    missing = read("dffd", tmp_path).missing
    assert "train: no such folder" in missing


def test_genface_says_that_its_layout_is_not_published(tmp_path: Path) -> None:
    genface(tmp_path)
    (tmp_path / "mapping.csv").rename(tmp_path / "mine.csv")
    with pytest.raises(InputError, match="not described by its publisher") as raised:
        read("genface", tmp_path)
    assert "folder, label, method" in raised.value.advice
    assert len(read("genface", tmp_path, mapping="mine.csv").samples) == 60


def test_genface_by_its_table(tmp_path: Path) -> None:
    genface(tmp_path)
    dataset = read("genface", tmp_path)
    edited = next(one for one in dataset.samples if one.method == "Diffae" and one.path.name == "00007.png")
    assert edited.mask == tmp_path / "Diffae_masks/00007.png"
    assert (edited.facts["forgery"], edited.facts["family"]) == ("AM", "diffusion")
    same = {one.method for one in dataset.samples if one.group == edited.group}
    assert same == {"genuine", "Diffae"}
    whole = next(one for one in dataset.samples if one.method == "StyleGAN3")
    assert (whole.mask, whole.facts["mask"]) == (None, "all")
    assert dataset.of("val")
    assert any("comes from the table given" in note for note in dataset.notes)


def test_genface_missing_folder_and_masks(tmp_path: Path) -> None:
    genface(tmp_path)
    shutil.rmtree(tmp_path / "StyleGAN3")
    (tmp_path / "Diffae_masks/00002.png").unlink()
    missing = read("genface", tmp_path).missing
    assert "StyleGAN3: no pictures" in missing
    assert "Diffae_masks, masks of Diffae: 1 of 20 are not there, first 00002.png" in missing


@pytest.mark.parametrize("row", ["FFHQ,real?,FFHQ,,,,,", "FFHQ,genuine,FFHQ,,,dev,,", "FFHQ,genuine"])
def test_a_wrong_line_of_genfaces_table_is_refused(row: str, tmp_path: Path) -> None:
    genface(tmp_path)
    write(tmp_path / "mapping.csv", f"folder,label,method,forgery,family,split,mask,source\n{row}\n")
    with pytest.raises(InputError, match=r"mapping\.csv, line 2"):
        read("genface", tmp_path)
