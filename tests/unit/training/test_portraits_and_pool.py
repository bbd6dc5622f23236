"""Which pictures are trained on, who is held out, and the pool of pairs made of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from training_samples import face, write_dataset

from workstation.domain.errors import InputError
from workstation.domain.geometry import Point
from workstation.domain.media import RgbArray
from workstation.training import pool
from workstation.training.kinds import WITHOUT_NETWORKS, Kind, words
from workstation.training.pool import MAP_SIDE
from workstation.training.portraits import POOL_SIDE, held_out, list_portraits, read_rgb, view


def test_no_person_is_in_two_splits(dataset: Path) -> None:
    portraits = list_portraits(dataset)
    assert len(portraits) == 8
    split = {person: {held_out(p) for p in portraits if p.person == person} for person in {p.person for p in portraits}}
    assert all(len(places) == 1 for places in split.values())
    assert {place for places in split.values() for place in places} == {True, False}


def test_neutral_and_smiling_are_one_person(dataset: Path) -> None:
    portraits = list_portraits(dataset)
    smiling = [p for p in portraits if p.folder == "london_smiling"]
    neutral = [p for p in portraits if p.folder == "london"]
    assert [p.person for p in smiling] == [p.person for p in neutral if p.path.name[:3] == smiling[0].path.name[:3]]
    assert len({p.person for p in portraits if p.path.name != "broken.jpg"}) == 6


@pytest.mark.data
def test_no_person_of_the_real_folders_is_in_two_splits(shared_data: Path) -> None:
    portraits = list_portraits(shared_data / "train")
    held = {p.person for p in portraits if held_out(p)}
    assert held
    assert not held & {p.person for p in portraits if not held_out(p)}
    neutral = {p.person for p in portraits if p.folder == "london"}
    smiling = {p.person for p in portraits if p.folder == "london_smiling"}
    assert len(smiling) > 50
    assert smiling <= neutral
    assert 0.05 < len(held) / len({p.person for p in portraits}) < 0.16


def test_only_genuine_pictures_are_read(tmp_path: Path) -> None:
    write_dataset(tmp_path / "set", [("a.jpg", "0"), ("b.jpg", "1"), ("c.tem", "0")][:2])
    with (tmp_path / "set" / "labels.csv").open("a", encoding="utf-8") as file:
        file.write("c.tem,0\nmissing.jpg,0\n")
    assert [p.path.name for p in list_portraits(tmp_path)] == ["a.jpg"]


def test_a_folder_without_datasets_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=tmp_path.name):
        list_portraits(tmp_path)


def test_what_is_no_picture_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_text("text", encoding="utf-8")
    assert read_rgb(tmp_path / "a.jpg") is None


def test_views_of_a_picture_differ_a_little_and_keep_their_landmarks() -> None:
    made = face()
    rgb = made.rgb.astype(np.uint8)
    views = [view(rgb, made.marks, np.random.default_rng(seed)) for seed in range(6)]
    assert all(one.rgb.shape == (POOL_SIDE, POOL_SIDE, 3) for one in views)
    centres = np.array([[[p.x, p.y] for p in one.landmarks] for one in views])
    spread = np.ptp(centres, axis=0)
    assert spread.max() < 40
    assert np.abs(np.diff([one.crop_from_frame.scale for one in views])).max() > 1e-3
    again = view(rgb, made.marks, np.random.default_rng(0))
    assert np.array_equal(again.rgb, views[0].rgb)


def test_a_pool_holds_every_kind_for_every_crop(made_pool: Path) -> None:
    for name, pictures in (("train", 4), ("held", 3)):
        one = pool.load(made_pool, name)
        crops, count = 2 * pictures, 2 * pictures * len(WITHOUT_NETWORKS)
        assert sum(one.facts.values()) == pictures
        assert one.genuine.shape == (crops, POOL_SIDE, POOL_SIDE, 3)
        assert one.forged.shape == (count, POOL_SIDE, POOL_SIDE, 3)
        assert one.maps.shape == one.masks.shape == (count, MAP_SIDE, MAP_SIDE)
        assert sorted(one.of) == sorted(list(range(crops)) * len(WITHOUT_NETWORKS))
        assert np.bincount(one.kind, minlength=len(Kind)).tolist() == [crops] * 5 + [0, 0, 0]
        for row, of in enumerate(one.of):
            changed = np.abs(one.forged[row].astype(int) - one.genuine[of]).sum(axis=-1)
            assert changed.any()
            assert one.maps[row].any()
            # Outside of the exact mask the pair is equal, pixel for pixel; where the mask weighs, so does its share.
            assert not changed[~one.mask(row)].any()
            assert not one.masks[row][one.mask(row).reshape(64, 4, 64, 4).max(axis=(1, 3)) == 0].any()
        with pytest.raises(ValueError, match="read-only"):
            one.genuine[0, 0, 0, 0] = 1


def test_labels_of_a_pool_are_those_of_its_kinds(made_pool: Path) -> None:
    one = pool.load(made_pool, "train")
    for row, kind in enumerate(one.kind):
        assert tuple(one.label[row]) == words(pool.KINDS[kind]).codes()
        assert 0 < one.organs[row] < 128 or pool.KINDS[kind] is Kind.SELF_BLEND
    assert not one.maker.any()
    assert not one.video.any()
    assert one.group.shape == (len(one.genuine),)


def test_no_person_of_a_pool_is_in_both_splits_and_both_pictures_of_one_are_one_group(made_pool: Path) -> None:
    train, held = (set(pool.load(made_pool, name).group.tolist()) for name in ("train", "held"))
    assert not train & held
    assert len(train) == 4
    # Three pictures of two people: one of them neutral and smiling.
    assert len(held) == 2


def test_compression_of_moving_pictures_hits_a_crop_and_its_forgeries_alike(
    dataset: Path, made_pool: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, int]] = []

    def half(frames: Sequence[RgbArray], codec: str, crf: int) -> list[RgbArray]:
        asked.append((codec, crf))
        assert len(frames) == 3
        return [frame // 2 for frame in frames]

    monkeypatch.setattr(pool, "_SHARE_OF_VIDEO", 0.4)
    pool.build(dataset, tmp_path, views=2, per_view=1, recode=half)
    still, moving = (pool.load(folder, "train") for folder in (made_pool, tmp_path))
    through = moving.video > 0
    assert 0 < through.sum() < len(through)
    for row, code in enumerate(moving.video):
        assert np.array_equal(moving.genuine[row], still.genuine[row] // 2 if code else still.genuine[row])
        assert not code or 18 <= code % 100 <= 40
    for row, of in enumerate(moving.of):
        assert np.array_equal(moving.forged[row], still.forged[row] // 2 if through[of] else still.forged[row])
    assert np.array_equal(still.maps, moving.maps)
    assert {codec for codec, _ in asked} <= {"h264", "h265"}


def test_a_pool_needs_two_pictures_a_split_and_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no pool"):
        pool.load(tmp_path, "train")
    write_dataset(tmp_path / "data" / "set", [("a.jpg", "0"), ("b.jpg", "0")])
    with pytest.raises(InputError, match="two people"):
        pool.build(tmp_path / "data", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_pictures_that_cannot_be_used_are_counted(made_pool: Path, said: list[str]) -> None:
    assert said == ["7 of 8 pictures used; the others cannot be read or show no face"]
    assert pool.load(made_pool, "held").facts == {"london": 2, "london_smiling": 1}


def test_a_donor_is_another_person_or_for_own_organs_another_picture_of_the_same() -> None:
    random, blank, marks = np.random.default_rng(0), np.zeros((256, 256, 3), np.uint8), face().marks
    # Two people with two pictures of two views each, and one with a single picture.
    crops = [
        pool._Crop(blank, marks, person, picture)
        for person, picture in ((0, 0), (0, 0), (0, 1), (0, 1), (7, 2), (3, 3))
    ]
    for number, crop in enumerate(crops):
        for kind in (Kind.OTHER_FACE, Kind.OTHER_ORGANS):
            assert all(crops[pool._donor(kind, number, crops, random)].person != crop.person for _ in range(40))
        drawn = {pool._donor(Kind.OWN_ORGANS, number, crops, random) for _ in range(80)}
        others = {n for n, one in enumerate(crops) if one.person == crop.person and one.picture != crop.picture}
        assert drawn == others | {number}


def test_points_of_a_face_are_points() -> None:
    assert all(isinstance(mark, Point) for mark in face().marks)
