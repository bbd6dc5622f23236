"""Pictures that generators made elsewhere: cut as the portrait they were made of, paired, labelled, kept apart."""

from __future__ import annotations

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest
from training_samples import variant, write_rgb

from workstation.domain.errors import InputError
from workstation.domain.geometry import Point
from workstation.training import pool
from workstation.training.forgeries import Face
from workstation.training.kinds import GENERATED, WITHOUT_NETWORKS, Kind, Maker
from workstation.training.made import as_published, list_made, strangers
from workstation.training.portraits import held_out, list_portraits
from workstation.training.seams import same_seam


def write_made(folder: Path, rows: list[tuple[str, str, str]]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for number, (name, _, _) in enumerate(rows):
        if not (folder / name).exists():
            write_rgb(folder / name, variant(number)[:330, 50:400])
    with (folder / "labels.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("file", "label", "of"), *rows])
    return folder


@pytest.fixture(scope="module")
def with_made(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pool of the portraits, one of them made anew (its negative), and of ten pictures of nobody."""
    folder, out = tmp_path_factory.mktemp("made"), tmp_path_factory.mktemp("pool-with-made")
    portrait = next(one for one in list_portraits(dataset) if not held_out(one))
    rgb = cv2.imread(str(portrait.path))
    cv2.imwrite(str(folder / "anew.png"), 255 - cv2.resize(rgb, None, fx=2, fy=2))
    nobody = [(f"nobody{number:02}.png", "1", "") for number in range(10)]
    write_made(folder, [*nobody, ("anew.png", "1", str(portrait.path.relative_to(dataset)))])
    pool.build(dataset, out, views=1, per_view=1, made=folder)
    return out


def test_every_crop_has_a_picture_of_nobody_and_its_own_made_anew(with_made: Path) -> None:
    one = pool.load(with_made, "train")
    kinds = [pool.KINDS[kind] for kind in one.kind]
    crops = len(one.genuine)
    assert kinds.count(Kind.MADE_FACE) == crops
    assert all(kinds.count(kind) == crops for kind in WITHOUT_NETWORKS)
    # One portrait alone was made anew, so that it has both resynthesised kinds and no other has.
    rows = [row for row, kind in enumerate(kinds) if kind in GENERATED]
    assert len(rows) == len(GENERATED)
    assert len({int(one.of[row]) for row in rows}) == 1
    for row in rows:
        assert pool.MAKERS[one.maker[row]] is Maker.GIVEN
        changed = np.abs(one.forged[row].astype(int) - one.genuine[one.of[row]]).sum(axis=-1) > 0
        assert changed.any()
        assert not changed[~one.mask(row)].any()


def test_a_picture_of_nobody_is_changed_everywhere(with_made: Path) -> None:
    for name in ("train", "held"):
        one = pool.load(with_made, name)
        rows = np.flatnonzero(one.kind == pool.KINDS.index(Kind.MADE_FACE))
        for row in rows:
            assert (one.masks[row] == 255).all()
            assert (one.maps[row] == 255).all()
            assert one.mask(row).all()
    assert pool.load(with_made, "train").facts["made"] + pool.load(with_made, "held").facts.get("made", 0) == 10


def test_a_crop_made_anew_lies_on_its_portrait(with_made: Path) -> None:
    """The negative of a picture, cut alike, sums with its picture to white in the middle of the face."""
    one = pool.load(with_made, "train")
    row = next(row for row, kind in enumerate(one.kind) if pool.KINDS[kind] is Kind.REMADE_FACE)
    made, genuine = (
        picture.astype(float).mean(axis=-1)[100:156, 100:156] for picture in (one.forged[row], one.genuine[one.of[row]])
    )
    assert np.corrcoef(made.ravel(), genuine.ravel())[0, 1] < -0.5


def test_a_made_picture_gets_the_past_of_a_portrait() -> None:
    rgb = np.asarray(np.random.default_rng(0).integers(0, 256, (600, 500, 3)), np.uint8)
    small, scale = as_published(rgb, 200.0, np.random.default_rng(1))
    assert 150 / 500 <= scale <= 1
    assert small.shape == (round(600 * scale), round(500 * scale), 3)
    same, one = as_published(rgb, 10.0, np.random.default_rng(1))
    assert one == 1.0
    assert same.shape == rgb.shape
    assert not np.array_equal(same, rgb)


def test_what_a_table_of_made_pictures_lacks_is_named(tmp_path: Path, dataset: Path) -> None:
    with pytest.raises(InputError, match=r"no labels\.csv"):
        list_made(tmp_path)
    folder = write_made(tmp_path / "a", [("x.png", "0", "")])
    with pytest.raises(InputError, match="columns file, label and of"):
        list_made(folder)
    folder = write_made(tmp_path / "b", [("x.png", "1", "")])
    (folder / "x.png").unlink()
    with pytest.raises(InputError, match=r"names x\.png"):
        list_made(folder)
    folder = write_made(tmp_path / "c", [("x.png", "1", "nowhere/y.jpg")])
    assert not strangers(list_made(folder))
    with pytest.raises(InputError, match=r"nowhere/y\.jpg, which is not there"):
        pool.build(dataset, tmp_path / "out", made=folder)


def test_carriers_are_forged_like_anybody(dataset: Path, tmp_path: Path) -> None:
    folder = write_made(tmp_path / "made", [(f"nobody{number:02}.png", "1", "") for number in range(10)])
    pool.build(dataset, tmp_path / "out", views=1, per_view=1, made=folder, carriers=True)
    one, other = (pool.load(tmp_path / "out", name) for name in ("train", "held"))
    assert len(one.genuine) + len(other.genuine) == 7 + 10
    assert set(one.group.tolist()).isdisjoint(other.group.tolist())
    for part in (one, other):
        assert sorted({pool.KINDS[kind] for kind in part.kind}) == sorted(WITHOUT_NETWORKS)
        assert np.bincount(part.of).tolist() == [len(WITHOUT_NETWORKS)] * len(part.genuine)


def test_with_matched_seams_both_are_composites_and_one_was_made(dataset: Path, tmp_path: Path) -> None:
    """Outside the mask both are the portrait; inside neither is it, and only one of them is what a generator made."""
    folder = write_made(tmp_path / "made", [(f"nobody{number:02}.png", "1", "") for number in range(10)])
    for carriers, named in ((True, folder), (False, None)):
        with pytest.raises(InputError, match="Seams are matched with"):
            pool.build(dataset, tmp_path / "out", made=named, carriers=carriers, matched=True)
    pool.build(dataset, tmp_path / "out", views=1, per_view=1, made=folder, matched=True)
    plain = tmp_path / "plain"
    pool.build(dataset, plain, views=1, per_view=1)
    one = pool.load(tmp_path / "out", "train")
    portraits = {crop.tobytes() for crop in pool.load(plain, "train").genuine}
    kinds = [pool.KINDS[kind] for kind in one.kind]
    assert set(kinds) == {Kind.OTHER_ORGANS, Kind.OTHER_FACE, Kind.MADE_FACE}
    assert one.of.tolist() == list(range(len(one.genuine)))
    for row, kind in enumerate(kinds):
        assert pool.MAKERS[one.maker[row]] is Maker.GIVEN
        genuine = one.genuine[row]
        if kind is Kind.MADE_FACE:
            assert genuine.tobytes() in portraits
            continue
        assert genuine.tobytes() not in portraits
        differs = (genuine.astype(int) != one.forged[row]).any(axis=-1)
        assert differs.any()
        assert not differs[~one.mask(row)].any()


def test_the_same_donor_twice_gives_the_same_composite_twice() -> None:
    side = 256
    rgb = variant(3)[:side, 100 : 100 + side].astype(np.float32)
    marks = tuple(Point(x, y) for x, y in ((96, 110), (160, 110), (128, 145), (104, 175), (152, 175)))
    face = Face(rgb, marks)
    for kind in (Kind.OTHER_ORGANS, Kind.OTHER_FACE):
        donor = Face(np.roll(rgb, 9, axis=1), marks)
        one, two = same_seam(kind, face, donor, donor, 5)
        assert np.array_equal(one.rgb, two.rgb)
        assert np.array_equal(one.mask, two.mask)
    one, two = same_seam(Kind.OWN_ORGANS, face, face, Face(255 - rgb, marks), 5)
    assert np.array_equal(one.mask, two.mask)
    assert not np.array_equal(one.rgb, two.rgb)
    with pytest.raises(InputError, match="no seam"):
        same_seam(Kind.WARPED, face, face, face, 5)
