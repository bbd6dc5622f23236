"""Pairs for the fit: made in the frame, alike outside the mask, cut as an examination cuts; one whole small fit."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import numpy as np
import pytest

from tests.unit.training.training_samples import MARKS, variant, write_rgb
from workstation.detectors.traces.cards import small_card
from workstation.detectors.traces.regions import PARTS
from workstation.domain.detectors import Detector, DetectorReading
from workstation.domain.errors import InputError
from workstation.domain.faces import FaceCrop
from workstation.training.portraits import held_out, list_portraits
from workstation.training.traces.controls import history
from workstation.training.traces.material import (
    KINDS,
    Frame,
    changed_parts,
    cut,
    frame_of,
    pair_of,
    part_labels,
    rounds,
)
from workstation.training.traces.table import Rows, crops_of, frames_of, measured

SIDE = 256
STILL = np.zeros((5, 2))


def frame(number: int, seed: int = 0) -> Frame:
    return frame_of(variant(number), MARKS, np.random.default_rng(seed))


def test_a_frame_is_never_enlarged_and_keeps_its_landmarks_in_place() -> None:
    for seed in range(6):
        made = frame(0, seed)
        apart = float(np.hypot(made.marks[1].x - made.marks[0].x, made.marks[1].y - made.marks[0].y))
        assert apart <= 41.9
        crop = cut(made, SIDE, STILL)
        assert crop.rgb.any(axis=-1).mean() > 0.99
        assert crop.landmarks[0].y == pytest.approx(crop.landmarks[1].y, abs=12)


@pytest.mark.parametrize("kind", KINDS)
def test_the_members_of_a_pair_differ_inside_the_mask_and_hardly_outside(kind: str) -> None:
    inside, outside = [], []
    for seed in range(4):
        made = pair_of(KINDS[KINDS.index(kind)], frame(0), frame(1), np.random.default_rng(seed))
        assert made.genuine.rgb.shape == made.forged.rgb.shape == (*made.mask.shape, 3)
        gap = np.abs(made.genuine.rgb.astype(float) - made.forged.rgb).mean(axis=-1)
        if (made.mask > 0.5).any():
            inside.append(gap[made.mask > 0.5].mean())
            outside.append(gap[made.mask == 0].mean())
    assert np.mean(inside) > np.mean(outside)


def test_parts_under_the_mask_are_labelled_changed_and_the_others_untouched() -> None:
    made = frame(0)
    mask = np.zeros(made.rgb.shape[:2], np.float32)
    corner, far = made.marks[3], made.marks[4]
    top, bottom = int(corner.y - 14), int(corner.y + 14)
    mask[top:bottom, int(corner.x - 12) : int(far.x + 12)] = 1
    labels = part_labels(changed_parts(cut(made, SIDE, STILL), mask))
    named = dict(zip(PARTS, labels.tolist(), strict=True))
    assert named["mouth"] == 1
    assert named["left_eye"] == named["right_eye"] == 0
    assert named["face"] == -1
    assert part_labels(np.array([0.0, 0.02, 0.2, 0.9, np.nan])).tolist() == [0, 0, -1, 1, -1]


def test_the_kinds_of_a_picture_are_different_ones() -> None:
    drawn = list(rounds(len(KINDS), np.random.default_rng(0)))
    assert sorted(drawn) == sorted(KINDS)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two people of each split, and their landmarks as a finder would have found them."""
    folder = tmp_path / "made_up"
    folder.mkdir()
    names = [f"p{number}.png" for number in range(60)]
    with (folder / "labels.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["file", "label"])
        writer.writerows([[name, 0] for name in names])
    for name in names:
        (folder / name).touch()
    portraits = list_portraits(tmp_path)
    chosen = [p for p in portraits if held_out(p)][:2] + [p for p in portraits if not held_out(p)][:2]
    assert len(chosen) == 4
    for number, one in enumerate(chosen):
        write_rgb(one.path, variant(number))
    marks = {str(one.path): [[p.x, p.y] for p in MARKS] for one in chosen}
    (tmp_path / "marks.json").write_text(json.dumps(marks), encoding="utf-8")
    return tmp_path


def test_a_table_made_in_pieces_is_the_table_made_at_once(data: Path) -> None:
    marks = data / "marks.json"
    whole = measured(data, [SIDE], kinds=1, held_kinds=2, landmarks=marks)[SIDE]
    pieces = [measured(data, [SIDE], kinds=1, held_kinds=2, landmarks=marks, part=(k, 2))[SIDE] for k in range(2)]
    joined = Rows.joined(pieces)
    assert len(whole.pair) == 2 * (2 * 1 + 2 * 2) == len(joined.pair)
    order = np.lexsort((joined.manipulated, joined.pair))
    assert np.array_equal(joined.parts[order], whole.parts, equal_nan=True)
    assert set(whole.held.tolist()) == {0, 1}
    genuine = whole.manipulated == 0
    assert not whole.labels[genuine].any()
    assert (whole.labels[~genuine] == 1).any()


def test_untouched_frames_of_people_held_out_and_what_their_past_does(data: Path) -> None:
    frames = frames_of(data, data / "marks.json")
    assert len(frames) == 2
    (one, two) = crops_of(data, SIDE, data / "marks.json")
    assert one.rgb.shape == two.rgb.shape == (SIDE, SIDE, 3)

    class Coarseness:
        """Scores a crop by how much the last compression left of its detail."""

        card = small_card()

        def read(self, crops: Sequence[FaceCrop]) -> list[DetectorReading]:
            return [DetectorReading(float(crop.rgb.std()) / 255) for crop in crops]

    found = history(cast(Detector, Coarseness()), frames)
    assert found is not None
    assert found.items_genuine == 2
    assert 0 <= found.low <= found.value <= found.high <= 1


def test_pasting_needs_two_people_of_a_split(data: Path) -> None:
    marks = json.loads((data / "marks.json").read_text(encoding="utf-8"))
    (data / "marks.json").write_text(json.dumps(dict(list(marks.items())[:3])), encoding="utf-8")
    with pytest.raises(InputError, match="two people"):
        measured(data, [SIDE], kinds=1, held_kinds=1, landmarks=data / "marks.json")
