"""From trained tensors to a package: it loads and scores, or nothing is left; the steps beside a run."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from training_samples import portrait, write_rgb

from workstation.detectors import registry
from workstation.detectors.cards import read_card
from workstation.domain.detectors import InstalledDetector, ValidationRecord
from workstation.domain.errors import DetectorError, InputError
from workstation.domain.kinds_of_forgery import MOST_ALARMS, ForgeryClass, validated_kinds
from workstation.training.__main__ import main
from workstation.training.bases import LITE0_SHA256
from workstation.training.embedded import Run, locator_card
from workstation.training.embedded_lite import COMPOSITES, lite_card
from workstation.training.kind_figures import LEAST_PAIRS
from workstation.training.packaging import record, renewed, write_package
from workstation.training.portraits import Portrait, held_out


def test_steps_out_of_order_are_one_clear_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (
        ["pool", str(tmp_path), str(tmp_path / "out")],
        ["run", str(tmp_path / "none.toml"), str(tmp_path / "out")],
        ["evaluate", str(tmp_path), "--sets", str(tmp_path)],
        ["evaluate", str(tmp_path)],
    ):
        assert main(arguments) != 0
        said = capsys.readouterr().err
        assert said.count("\n") == 1
        assert "Traceback" not in said


def test_a_package_that_does_not_load_leaves_the_old_one_in_place(tmp_path: Path) -> None:
    from workstation.detectors.fakelocator.network import FakeLocator, LocatorShape

    card, folder = locator_card(Run({"made-up": 1}, 1, 1, 1.0)), tmp_path / "fakelocator-small"
    tensors = FakeLocator(LocatorShape()).state_dict()
    first = write_package(card, tensors, folder)
    with pytest.raises(DetectorError):
        write_package(card, {"a": torch.zeros(1)}, folder)
    broken = tensors | {"classify.bias": torch.full((2,), float("nan"))}
    with pytest.raises(DetectorError, match="not a number"):
        write_package(card, broken, folder)
    assert registry.verify(first).ok
    assert [path.name for path in tmp_path.iterdir()] == ["fakelocator-small"]
    with pytest.raises(InputError, match="must be called"):
        write_package(card, tensors, tmp_path / "another")
    assert record(folder, []).weights == first.card.weights


def test_records_taken_now_replace_the_same_ones_and_the_others_stay() -> None:
    held = ValidationRecord("Held-out people", 10, 10, "AUC", 0.7, 0.6, 0.8)
    old = ValidationRecord("A set", 10, 10, "AUC", 0.5, 0.4, 0.6)
    merged = ValidationRecord("A set", 10, 10, "AUC", 0.4, 0.3, 0.5, "", 8, "even")
    new = ValidationRecord("A set", 12, 12, "AUC", 0.55, 0.45, 0.65)
    assert renewed([held, old, merged], [new]) == [held, merged, new]
    assert renewed([held], []) == [held]


def people(root: Path, count: int) -> None:
    """``count`` portraits of as many people who are held out: the portrait with a little noise of its own."""
    random, number, found = np.random.default_rng(3), 0, []
    while len(found) < count:
        number += 1
        if held_out(Portrait(Path(), "congress", f"congress-{number:04}")):
            found.append(f"{number:04}.png")
    base = cv2.resize(portrait()[:330, 50:400], (175, 165), interpolation=cv2.INTER_AREA).astype(np.float32)
    for name in found:
        rgb = np.clip(base + random.normal(0, 4, base.shape), 0, 255).astype(np.uint8)
        write_rgb(root / "congress" / name, rgb)
    lines = ["file,label", *(f"{name},0" for name in found)]
    (root / "congress" / "labels.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.mark.slow
def test_a_threshold_is_measured_on_held_out_portraits_and_written_into_the_card(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from workstation.detectors.fakelocator.network import FakeLocator, LocatorShape

    folder = tmp_path / "fakelocator-small"
    torch.manual_seed(0)
    write_package(locator_card(Run({"made-up": 1}, 1, 1, 1.0)), FakeLocator(LocatorShape()).state_dict(), folder)
    kept = ValidationRecord("Held-out people", LEAST_PAIRS, LEAST_PAIRS, "AUC", 0.7, 0.6, 0.8)
    record(folder, [kept])
    people(tmp_path / "few", 3)
    assert main(["evaluate", str(folder), "--portraits", str(tmp_path / "few"), "--record"]) != 0
    assert "too few for a threshold" in capsys.readouterr().err
    assert read_card(folder).threshold is None
    people(tmp_path / "data", 52)
    assert main(["evaluate", str(folder), "--portraits", str(tmp_path / "data"), "--record"]) == 0
    card = read_card(folder)
    assert card.threshold is not None
    assert (card.threshold.items, card.threshold.groups) == (52, 52)
    assert card.threshold.false_alarm_rate <= 0.05 < card.threshold.high
    assert (card.validation, card.kinds) == ((kept,), ())
    assert registry.verify(InstalledDetector(card, str(folder), False)).ok
    assert "threshold" in capsys.readouterr().out


def test_the_shipped_card_says_what_its_maker_says() -> None:
    (shipped,) = [one.card for one in registry.installed() if one.card.id == COMPOSITES]
    made = lite_card(shipped)
    assert (made.name, made.summary, made.trace, made.limits) == (
        shipped.name,
        shipped.summary,
        shipped.trace,
        shipped.limits,
    )
    assert made.weights.origin == shipped.weights.origin
    assert LITE0_SHA256 in shipped.weights.origin
    # What its figures say of single kinds of forgery is computed from them, and here it is swaps alone.
    assert validated_kinds(shipped.kinds) == (ForgeryClass.FACE_SWAP,)
    assert shipped.threshold is not None
    assert shipped.threshold.false_alarm_rate <= MOST_ALARMS
