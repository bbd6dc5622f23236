"""Frames are spread over the whole length, in folders, archives and videos, and masks go with their frames."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.training.dataset_layouts import tar_of
from workstation.domain.errors import InputError
from workstation.training.readers import frames as frames_module
from workstation.training.readers import frames_of, masks_of, read, spread
from workstation.training.samples import Form, Sample


def sample(path: Path, form: Form, mask: Path | None = None, **facts: str) -> Sample:
    return Sample(path, form, True, "m", "g", "test", mask, facts=facts)


def png(value: int, side: int = 8) -> bytes:
    picture = np.full((side, side, 3), (0, 0, value), np.uint8)
    return bytes(cv2.imencode(".png", picture)[1])


def numbered(folder: Path, count: int, names: str = "{}.png") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        (folder / names.format(number)).write_bytes(png(number))


@given(st.integers(1, 5000), st.integers(1, 64))
def test_indices_are_even_over_the_whole_length(length: int, count: int) -> None:
    indices = spread(length, count)
    assert len(indices) == min(length, count)
    assert all(0 <= one < length for one in indices)
    gaps = np.diff(indices)
    assert len(gaps) == 0 or (gaps.min() >= 1 and gaps.max() - gaps.min() <= 1)
    part = length / len(indices)
    assert indices[0] < part
    assert indices[-1] >= length - part - 1


@given(st.integers(2, 5000), st.integers(1, 64))
def test_the_beginning_is_no_better_seen_than_the_end(length: int, count: int) -> None:
    indices = spread(length, count)
    before, after = indices[0], length - 1 - indices[-1]
    assert abs(before - after) <= 1


def test_the_first_frames_are_not_what_is_taken() -> None:
    assert spread(300, 4) == (37, 112, 187, 262)
    assert spread(3, 8) == (0, 1, 2)
    assert spread(0, 8) == ()
    with pytest.raises(InputError):
        spread(10, 0)


def test_a_folder_is_taken_in_the_order_of_its_numbers(tmp_path: Path) -> None:
    numbered(tmp_path / "clip", 120)
    taken = list(frames_of(sample(tmp_path / "clip", "frames"), 4))
    assert [index for index, _ in taken] == [15, 45, 75, 105]
    assert [int(picture[0, 0, 0]) for _, picture in taken] == [15, 45, 75, 105]
    assert all(picture.dtype == np.uint8 and picture.shape == (8, 8, 3) for _, picture in taken)


def test_a_picture_is_its_own_only_frame(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png(200))
    ((index, picture),) = frames_of(sample(tmp_path / "a.png", "image"), 9)
    assert index == 0
    assert tuple(picture[0, 0]) == (200, 0, 0)


@pytest.mark.parametrize("mode", ["w:gz", "w"])
def test_members_of_an_archive_are_read_without_unpacking_it(mode: str, tmp_path: Path) -> None:
    frames = {f"1/fake/0/{number}.png": png(number) for number in range(40)}
    others = {f"1/fake/1/{number}.png": png(200) for number in range(5)} | {"1/fake/0/notes.txt": b"x"}
    tar_of(tmp_path / "fake_test" / "1.tar.gz", dict(sorted((frames | others).items())), mode)
    before = sorted(tmp_path.rglob("*"))
    first = read("wilddeepfake", tmp_path).samples[0]
    assert first.facts["frames"] == "40"
    taken = list(frames_of(first, 4))
    assert [(index, int(picture[0, 0, 0])) for index, picture in taken] == [(5, 5), (15, 15), (25, 25), (35, 35)]
    assert sorted(tmp_path.rglob("*")) == before


def test_an_archive_that_names_a_place_outside_is_only_ever_read(tmp_path: Path) -> None:
    tar_of(tmp_path / "a.tar", {"../../out/0.png": png(1), "../../out/1.png": png(2)}, "w")
    taken = list(frames_of(sample(tmp_path / "a.tar", "frames", member="../../out"), 2))
    assert len(taken) == 2
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a.tar"]


def test_a_member_too_large_for_a_frame_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tar_of(tmp_path / "a.tar", {"x/0.png": png(1, 64)}, "w")
    monkeypatch.setattr(frames_module, "_LARGEST_MEMBER", 10)
    with pytest.raises(InputError, match="no frame of a face"):
        list(frames_of(sample(tmp_path / "a.tar", "frames", member="x"), 1))


def video(path: Path, count: int, code: str) -> None:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*code), 25, (64, 64))
    assert writer.isOpened()
    for number in range(count):
        writer.write(np.full((64, 64, 3), number * 4, np.uint8))
    writer.release()


@pytest.mark.parametrize(("name", "code"), [("a.mp4", "mp4v"), ("a.avi", "MJPG")])
def test_frames_of_a_video_are_those_at_their_places(name: str, code: str, tmp_path: Path) -> None:
    video(tmp_path / name, 60, code)
    taken = list(frames_of(sample(tmp_path / name, "video"), 5))
    assert [index for index, _ in taken] == [6, 18, 30, 42, 54]
    assert [round(float(picture.mean()) / 4) for _, picture in taken] == pytest.approx([6, 18, 30, 42, 54], abs=1)


def test_a_video_with_fewer_frames_than_it_states_is_spread_over_those_it_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    video(tmp_path / "a.mp4", 20, "mp4v")
    monkeypatch.setattr(frames_module, "_length", lambda path: 400)
    assert [index for index, _ in frames_of(sample(tmp_path / "a.mp4", "video"), 4)] == [2, 7, 12, 17]


@pytest.mark.parametrize("name", ["a.png", "a.mp4", "a.tar"])
def test_what_cannot_be_read_is_one_line(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"nothing of the kind")
    facts = {"member": "x"} if name == "a.tar" else {}
    with pytest.raises(InputError, match=name):
        list(frames_of(sample(tmp_path / name, "video", None, **facts), 2))
    (tmp_path / name).unlink()
    with pytest.raises(InputError, match=name):
        list(frames_of(sample(tmp_path / name, "video", None, **facts), 2))


def test_an_empty_folder_and_an_empty_sequence_are_one_line(tmp_path: Path) -> None:
    (tmp_path / "clip").mkdir()
    with pytest.raises(InputError, match="holds no frames"):
        list(frames_of(sample(tmp_path / "clip", "frames"), 2))
    tar_of(tmp_path / "a.tar", {"x/0.png": png(1)}, "w")
    with pytest.raises(InputError, match="holds no frames in y"):
        list(frames_of(sample(tmp_path / "a.tar", "frames", member="y"), 2))


def test_masks_go_with_their_frames_by_name_and_else_by_place(tmp_path: Path) -> None:
    numbered(tmp_path / "clip", 30)
    numbered(tmp_path / "masks", 30)
    (tmp_path / "masks" / "15.png").unlink()
    clip = sample(tmp_path / "clip", "frames", tmp_path / "masks")
    indices = [index for index, _ in frames_of(clip, 3)]
    assert indices == [5, 15, 25]
    found = list(masks_of(clip, indices))
    assert [(index, mask.shape, int(mask.max())) for index, mask in found] == [(5, (8, 8), 5), (25, (8, 8), 25)]
    numbered(tmp_path / "other", 30, "mask_{}.png")
    placed = sample(tmp_path / "clip", "frames", tmp_path / "other")
    assert [(index, int(mask.max())) for index, mask in masks_of(placed, indices)] == [(5, 5), (15, 15), (25, 25)]


def test_masks_in_a_video_go_by_the_numbers_in_the_names_of_kept_frames(tmp_path: Path) -> None:
    (tmp_path / "clip").mkdir()
    for number in (2, 12, 22, 32):
        (tmp_path / "clip" / f"{number:03d}.png").write_bytes(png(number))
    video(tmp_path / "m.mp4", 40, "mp4v")
    clip = sample(tmp_path / "clip", "frames", tmp_path / "m.mp4")
    found = [(index, round(float(mask.mean()) / 4)) for index, mask in masks_of(clip, [0, 3])]
    assert found == [(0, pytest.approx(2, abs=1)), (3, pytest.approx(32, abs=1))]


def test_masks_of_a_video_are_taken_at_the_same_frames(tmp_path: Path) -> None:
    video(tmp_path / "a.mp4", 40, "mp4v")
    video(tmp_path / "m.mp4", 40, "mp4v")
    clip = sample(tmp_path / "a.mp4", "video", tmp_path / "m.mp4")
    indices = [index for index, _ in frames_of(clip, 4)]
    assert [(index, round(float(mask.mean()) / 4)) for index, mask in masks_of(clip, indices)] == [
        (one, pytest.approx(one, abs=1)) for one in indices
    ]
    assert not list(masks_of(sample(tmp_path / "a.mp4", "video"), indices))
