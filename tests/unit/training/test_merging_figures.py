"""Figures with merging, proved with detectors whose answer is known."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from resources import resource_path
from workstation.detectors import merging, registry
from workstation.detectors.cards import read_card, write_card
from workstation.domain.detectors import DetectorCard, DetectorReading, InstalledDetector, ValidationRecord
from workstation.domain.errors import DetectorError
from workstation.domain.faces import FaceCrop
from workstation.training.__main__ import main
from workstation.training.embedded import Run, clip_card
from workstation.training.evaluation import as_crop
from workstation.training.merged import PLAIN, Faces, changes, merged_records, with_merged


class Known:
    """Answers with the mean red of a crop, moved as told."""

    device, precision = "cpu", "float32"

    def __init__(self, shift: float = 0.0, turned: bool = False) -> None:
        self._shift, self._turned = shift, turned

    @property
    def card(self) -> DetectorCard:
        return clip_card(Run({"made-up": 1}, 1, 1, 1.0))

    def read(self, crops: Sequence[FaceCrop]) -> list[DetectorReading]:
        red = [float(crop.rgb[..., 0].mean()) / 255 for crop in crops]
        return [DetectorReading((1 - value if self._turned else value) + self._shift) for value in red]


def faces(group: bool = False) -> Faces:
    def crop(red: int) -> FaceCrop:
        rgb = np.zeros((32, 32, 3), np.uint8)
        rgb[..., 0] = red
        return as_crop(rgb)

    genuine, forged = [crop(red) for red in range(20, 60, 2)], [crop(red) for red in range(40, 100, 3)]

    def chunks() -> Iterator[tuple[Sequence[FaceCrop], Sequence[FaceCrop]]]:
        yield genuine[:7], forged[:7]
        yield genuine[7:], forged[7:]

    return Faces("made-up", chunks, np.arange(20) // 2 if group else None)


@pytest.mark.parametrize("group", [False, True])
def test_a_merging_that_changes_no_order_changes_no_auc(group: bool) -> None:
    found = changes({PLAIN: Known(), (4, "even"): Known(0.125)}, faces(group))
    assert list(found) == [(4, "even")]
    change = found[4, "even"]
    assert (change.change.value, change.change.low, change.change.high) == (0, 0, 0)
    assert change.shift == pytest.approx(0.125)
    assert change.largest == pytest.approx(0.125)
    assert change.figure.low < change.figure.value < change.figure.high
    assert (change.genuine, change.manipulated) == (20, 20)


def test_a_merging_that_turns_the_scores_round_is_seen() -> None:
    change = changes({PLAIN: Known(), (4, "even"): Known(turned=True)}, faces())[4, "even"]
    plain = changes({PLAIN: Known(), (4, "even"): Known()}, faces())[4, "even"]
    assert plain.figure.value > 0.8
    assert change.figure.value == pytest.approx(1 - plain.figure.value)
    assert change.change.high < -0.4


def test_records_say_which_merging_and_take_the_place_of_earlier_ones() -> None:
    records = merged_records({PLAIN: Known(), (4, "even"): Known(0.1), (8, "organs"): Known()}, [faces()])
    assert [(r.merge, r.schedule, r.measure) for r in records] == [(4, "even", "AUC"), (8, "organs", "AUC")]
    assert all("on the same faces): AUC +0.0000 [+0.0000, +0.0000]" in record.note for record in records)
    plain = replace(records[0], merge=0, schedule="")
    old = replace(records[0], merge=99)
    assert with_merged([plain, old], records) == [plain, *records]
    assert all(isinstance(record, ValidationRecord) for record in records)


@pytest.mark.slow
def test_only_what_was_evaluated_and_recorded_may_be_used(tmp_path: Path, made_pool: Path) -> None:
    """From refusal over ``evaluate --merge --record`` to a detector that merges."""
    folder = tmp_path / "clip-ln-small"
    shutil.copytree(resource_path("detectors") / folder.name, folder)
    card = read_card(folder)
    write_card(replace(card, validation=tuple(r for r in card.validation if not r.merge)), folder)
    settings = {"merge": "2", "schedule": "organs"}
    with pytest.raises(DetectorError, match="no figure"):
        registry.load(InstalledDetector(read_card(folder), str(folder), False), device="cpu", settings=settings)
    options = ["evaluate", str(folder), "--pool", str(made_pool), "--merge", "2", "--record"]
    assert main(options) == 0
    new = read_card(folder)
    assert merging.allowed(new) == {(2, "even"), (2, "organs")}
    assert [r for r in new.validation if not r.merge] == [r for r in card.validation if not r.merge]
    detector = registry.load(InstalledDetector(new, str(folder), False), device="cpu", settings=settings)
    assert detector.merging.facts() == settings | {"tokens": "101 to 93"}  # type: ignore[attr-defined]
    with pytest.raises(DetectorError, match="no figure"):
        registry.load(InstalledDetector(new, str(folder), False), settings=settings | {"merge": "4"})
