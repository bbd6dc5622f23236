"""Robustness curves on the held-out people of a tiny drawn pool: pairs made worse alike, no labelled set opened."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import cv2
import numpy as np
import pytest
from run_samples import KINDS, write_pool

from workstation.cli.main import run
from workstation.domain.detectors import DetectorCard, DetectorReading, Direction, Level
from workstation.domain.errors import InputError
from workstation.domain.faces import FaceCrop
from workstation.domain.media import RgbArray
from workstation.training import pool
from workstation.training.embedded import Run, clip_card
from workstation.training.measures import auc, sharpness
from workstation.training.pool_curves import pool_curves
from workstation.training.robustness import Condition

CARD = clip_card(Run({"made-up": 1}, 1, 1, 1.0))
FEW = (Condition("jpeg", 90), Condition("blur", 6), Condition("scale", 0.5), Condition("noise", 5))


def rim(crop: FaceCrop) -> float:
    """How much the colours jump at the rim of the disc that makes a forgery of these pools, 0..1."""
    turned = cv2.warpPolar(
        crop.rgb, (128, 256), (128, 128), 128, cv2.WARP_POLAR_LINEAR | cv2.WARP_FILL_OUTLIERS
    ).astype(np.float32)
    return float(np.abs(turned[:, 62:66].mean(axis=1) - turned[:, 55:59].mean(axis=1)).mean() / 255)


class Known:
    """A detector that answers with a function of the crop."""

    device, precision = "cpu", "float32"

    def __init__(self, value: Callable[[FaceCrop], float] = rim, card: DetectorCard = CARD) -> None:
        self._value, self.card = value, card
        self.shapes: set[tuple[int, ...]] = set()

    def read(self, crops: Sequence[FaceCrop]) -> list[DetectorReading]:
        self.shapes |= {crop.rgb.shape for crop in crops}
        return [DetectorReading(self._value(crop), None) for crop in crops]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pool(tmp_path_factory.mktemp("pool"), held=8)


@pytest.fixture(scope="module")
def held(folder: Path) -> pool.Pool:
    return pool.load(folder, "held")


def test_curves_are_of_the_held_out_pairs_made_worse_alike(held: pool.Pool) -> None:
    tiny = Known(card=replace(CARD, input=replace(CARD.input, crop_size=160, crop_margin=1.1)))
    steps: list[tuple[int, int]] = []
    found = pool_curves([Known(), tiny], held, FEW, pairs=0, tell=lambda done, total, _: steps.append((done, total)))
    assert found == pool_curves([Known(), tiny], held, FEW, pairs=0)
    assert found["pool"]["pairs"] == 2 * found["pool"]["people"] == 16  # type: ignore[index]  # JSON: tables
    figures = found["figures"]
    assert isinstance(figures, dict)
    assert figures["auc"] > 0.95
    assert figures["auc_low"] <= figures["auc"] <= figures["auc_high"]
    by_name = {one["condition"]: one for one in figures["robustness"]}
    assert list(by_name) == [one.name for one in FEW]
    assert by_name["blur 6"]["shift"] < by_name["jpeg 90"]["shift"]
    assert all(one["n_real"] == one["n_fake"] == 16 for one in by_name.values())
    # Sharpness was drawn anew for both of each pair, so that it says little even where a forgery has a rim.
    assert figures["shortcuts"]["sharpness"] < 0.8
    assert tiny.shapes == {(160, 160, 3)}
    assert [one["detector"]["id"] for one in found["others"]] == [CARD.id]  # type: ignore[union-attr,index]  # JSON
    assert steps[-1][0] < steps[-1][1] == 10


def test_a_detector_of_sharpness_alone_is_at_its_shortcut(held: pool.Pool) -> None:
    def edges(crop: FaceCrop) -> float:
        side = CARD.input.size
        small = cv2.resize(crop.rgb, (side, side), interpolation=cv2.INTER_AREA)
        return float(1 / (1 + np.exp(-0.5 * (sharpness(np.ascontiguousarray(small)) - 6))))

    (one, other) = (
        pool_curves([Known(edges, replace(CARD, output=replace(CARD.output, direction=way)))], held, FEW, pairs=0)[
            "figures"
        ]
        for way in (Direction.HIGHER_IS_MANIPULATED, Direction.LOWER_IS_MANIPULATED)
    )
    assert isinstance(one, dict)
    assert isinstance(other, dict)
    for given, turned in zip([one, *one["robustness"]], [other, *other["robustness"]], strict=True):
        assert given["auc"] == pytest.approx(1 - turned["auc"])
        assert max(given["auc"], turned["auc"]) == pytest.approx(given["shortcuts"]["sharpness"])
        assert given["shortcut_auc"] >= given["shortcuts"]["sharpness"]


def test_few_pairs_are_of_every_kind_as_many(held: pool.Pool) -> None:
    facts = pool_curves([Known()], held, (), pairs=6)["pool"]
    assert isinstance(facts, dict)
    assert facts["kinds"] == {kind.value: 3 for kind in KINDS}


def test_the_figure_as_they_are_is_that_of_the_scores(held: pool.Pool) -> None:
    values: list[float] = []

    def noted(crop: FaceCrop) -> float:
        values.append(rim(crop))
        return values[-1]

    figures = pool_curves([Known(noted)], held, (), pairs=0)["figures"]
    assert isinstance(figures, dict)
    assert figures["auc"] == pytest.approx(auc(np.array(values[:16]), np.array(values[16:])))
    assert (figures["shift"], figures["flipped"], figures["robustness"]) == (0, 0, [])


def test_a_pair_that_a_codec_refuses_is_lost_and_counted(held: pool.Pool) -> None:
    asked = itertools.count()

    def refuses(frames: Sequence[RgbArray], codec: str, crf: int) -> list[RgbArray]:
        if crf == 40 or next(asked) == 5:
            raise InputError(f"No {codec} today.")
        return list(frames)

    few = (Condition("h264", 23), Condition("h264", 40))
    figures = pool_curves([Known()], held, few, pairs=8, recode=refuses)["figures"]
    assert isinstance(figures, dict)
    one, two = figures["robustness"]
    assert (one["n_real"], one["n_fake"], one["lost_real"], one["lost_fake"]) == (7, 7, 1, 1)
    assert one["shift"] == 0
    assert (two["n_real"], two["lost_fake"], two["auc"]) == (0, 8, None)
    assert two["lost"] == {"frame_unreadable": {"real": 8, "fake": 8}}


def test_what_cannot_read_single_crops_of_a_pool_is_refused(held: pool.Pool) -> None:
    wide = replace(CARD, input=replace(CARD.input, crop_margin=1.8))
    track = replace(CARD, output=replace(CARD.output, level=Level.TRACK, sequence=4, least=2))
    for card, told in ((wide, "margin 1.8"), (track, "reads tracks")):
        with pytest.raises(InputError, match=told) as refused:
            pool_curves([Known(card=card)], held, FEW)
        assert refused.value.advice
    with pytest.raises(InputError, match="no detectors"):
        pool_curves([], held, FEW)


def test_the_shipped_packages_are_drawn_on_a_pool(
    folder: Path, tmp_path: Path, workstation_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = tmp_path / "curves.svg"
    arguments = ("evaluate", "--pool", folder, "--pairs", 1, "--curves", picture, "--json")
    with pytest.raises(SystemExit) as ended:
        run([str(one) for one in (*arguments, "--detector", "fakelocator-small", "--detector", "clip-ln-small")])
    told = capsys.readouterr()
    assert not ended.value.code, told.err
    facts = json.loads(told.out)
    assert facts["pool"]["pairs"] == 1
    assert [one["detector"]["id"] for one in facts["others"]] == ["clip-ln-small"]
    assert {one["family"] for one in facts["figures"]["robustness"]} == {
        "jpeg",
        "scale",
        "noise",
        "blur",
        "h264",
        "h265",
    }
    title = ElementTree.parse(picture).getroot().findtext("{http://www.w3.org/2000/svg}title") or ""
    assert "fakelocator-small" in title
    assert "clip-ln-small" in title
    assert not list(workstation_home.glob("validation/*"))
    for wrong, why in (
        (("--pool", folder, "--detector", "clip-ln-small", "--curves", tmp_path / "c.gif"), "ending in"),
        (("--pool", folder, "--detector", "clip-ln-small", "--pairs", -1), "below 0"),
        (("--pool", folder), "No detector"),
        ((folder, "--pool", folder, "--detector", "clip-ln-small"), "Leave one of them out"),
    ):
        with pytest.raises(SystemExit):
            run(["evaluate", *(str(one) for one in wrong)])
        assert why in capsys.readouterr().err
