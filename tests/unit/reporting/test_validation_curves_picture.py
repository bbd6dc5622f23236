"""Robustness curves as a picture: every curve with its band, readable without colour, with what was lost in numbers."""

from __future__ import annotations

import io
import itertools
import math
import re
from collections.abc import Mapping
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from workstation.reporting import line_art
from workstation.reporting.line_art import Area, Line, Sheet, Spot, Words, dashes
from workstation.reporting.validation_curves import MOST, curves_png, curves_sheet, curves_svg

SVG = "{http://www.w3.org/2000/svg}"


def step(family: str, level: float, auc: float | None, lost: int = 0, **more: object) -> dict[str, object]:
    ends = (None, None) if auc is None else (auc - 0.1, auc + 0.05)
    figures: dict[str, object] = {"auc": auc, "auc_low": ends[0], "auc_high": ends[1], "shortcut_auc": 0.6}
    counts = {"n_real": 9, "n_fake": 9, "lost_real": lost, "lost_fake": 0}
    return {"family": family, "level": level} | figures | counts | more


STEPS = [step("jpeg", 90, 0.8), step("jpeg", 50, 0.7), step("jpeg", 30, 0.6), step("scale", 0.5, 0.7, 4)]


def part(name: str, *steps: Mapping[str, object], **figures: object) -> dict[str, object]:
    counts = {"items_real": 10, "items_fake": 10, "n_real": 9, "n_fake": 9, "abstained_real": 1, "errors_fake": 1}
    known: dict[str, object] = {"auc": 0.85, "auc_low": 0.7, "auc_high": 0.9, "shortcuts": {"sharpness": 0.55}}
    return {"detector": {"id": name, "version": "2"}, "figures": known | counts | {"robustness": steps} | figures}


def record(*parts: dict[str, object]) -> dict[str, object]:
    return parts[0] | {"others": list(parts[1:])}


def sheet(*parts: dict[str, object]) -> Sheet:
    found = curves_sheet(record(*parts))
    assert found is not None
    return found


def words(drawn: Sheet) -> list[str]:
    return [stroke.text for stroke in drawn.strokes if isinstance(stroke, Words)]


def test_each_panel_names_its_axis_its_unit_and_its_steps() -> None:
    told = words(sheet(part("one", *STEPS)))
    for text in ("JPEG compression", "quality (0 to 100)", "Smaller picture", "side, share of the original", "AUC"):
        assert text in told
    assert [text for text in told if text in ("as is", "90", "50", "30", "0.5")].count("as is") == 2
    assert all(stroke.size >= 6 for stroke in sheet(part("one", *STEPS)).strokes if isinstance(stroke, Words))


def test_every_curve_has_its_band_and_curves_differ_without_their_colours() -> None:
    drawn = sheet(part("one", *STEPS), part("two", *STEPS), part("three", *STEPS))
    bands = [stroke for stroke in drawn.strokes if isinstance(stroke, Area) and stroke.opacity < 1]
    # Two panels and the legend, for each of three.
    assert len(bands) == 9
    curves = {(stroke.dash, stroke.width) for stroke in drawn.strokes if isinstance(stroke, Line) if stroke.width >= 1}
    marks = {(stroke.mark, stroke.open) for stroke in drawn.strokes if isinstance(stroke, Spot)}
    assert len(curves) == len(marks) == 4
    (band,) = [one for one in bands if len(one.points) == 8][:1]
    mid = next(line for line in drawn.strokes if isinstance(line, Line) and line.width == 1.0)
    for (x, y), (_, high), (_, low) in zip(mid.points, band.points[:4], reversed(band.points[4:]), strict=True):
        assert high < y < low, x


def test_what_is_not_scored_is_a_bar_and_a_number_at_every_step() -> None:
    drawn = sheet(part("one", *STEPS))
    told = words(drawn)
    assert told.count("2") == 5
    assert told.count("6") == 1
    assert "of 20" in told
    bars = [stroke for stroke in drawn.strokes if isinstance(stroke, Area) and stroke.opacity == 1]
    tall = [max(y for _, y in bar.points) - min(y for _, y in bar.points) for bar in bars[:-2]]
    assert len(tall) == 7
    assert max(tall) == pytest.approx(2 * tall[0])
    assert {"lost by the condition", "not scored as they are"} <= set(told)


def test_a_record_of_before_the_counting_shows_what_has_no_score() -> None:
    older = {key: value for key, value in step("jpeg", 90, 0.8, n_fake=6).items() if not key.startswith("lost")}
    assert words(sheet(part("one", older))).count("5") == 1
    bare = part("one", *STEPS)
    bare["figures"] = {"auc": 0.8, "auc_low": 0.7, "auc_high": 0.9, "robustness": STEPS}
    assert "lost by the condition" not in words(sheet(bare))


def test_a_step_without_a_figure_is_a_gap() -> None:
    drawn = sheet(part("one", step("blur", 1, 0.8), step("blur", 2, None), step("blur", 3, 0.6), step("blur", 4, 0.6)))
    lines = [stroke for stroke in drawn.strokes if isinstance(stroke, Line) and stroke.width == 1.0]
    assert [len(line.points) for line in lines[:-1]] == [2, 2]
    alone = sheet(part("one", step("blur", 1, None), step("blur", 2, 0.7), step("blur", 3, None), auc=None))
    areas = [stroke for stroke in alone.strokes if isinstance(stroke, Area) and 0 < stroke.opacity < 1]
    assert len(areas) == 2


@pytest.mark.parametrize(("low", "floor"), [(0.45, "0.4"), (0.31, "0.2"), (0.05, "0")])
def test_the_axis_begins_below_every_interval(low: float, floor: str) -> None:
    drawn = sheet(part("one", step("jpeg", 90, 0.5, auc_low=low)))
    ticks = [text for text in words(drawn) if re.fullmatch(r"0(\.\d)?|1", text)]
    assert ticks[0] == floor
    assert {"0.5", "1"} <= set(ticks)


def test_more_detectors_than_can_be_told_apart_are_counted() -> None:
    told = words(sheet(*(part(f"d{n}", *STEPS) for n in range(MOST + 2))))
    assert "and 2 more, not drawn" in told
    assert curves_sheet(record(part("one", robustness=[]))) is None


def test_the_svg_is_well_formed_says_its_figures_and_escapes_names() -> None:
    made = record(part("a<b>&\u202e", *STEPS))
    data = curves_svg(made)
    assert data == curves_svg(made)
    root = ElementTree.fromstring(data or b"")
    assert root.findtext(f"{SVG}title") == "AUC under worse conditions: a<b>&[U+202E] 2"
    assert "as is 0.85, 90 0.80, 50 0.70, 30 0.60" in (root.findtext(f"{SVG}desc") or "")
    assert root.get("viewBox") == f"0 0 470 {float(str(root.get('height')).removesuffix('pt')):g}"
    assert len(list(root.iter(f"{SVG}polyline"))) > 20


def test_the_png_is_print_size_and_reads_in_grey() -> None:
    made = record(
        part("one", *STEPS), part("two", *(s | {"auc": 0.5, "auc_low": 0.45, "auc_high": 0.55} for s in STEPS))
    )
    data = curves_png(made)
    assert data == curves_png(made)
    picture = Image.open(io.BytesIO(data or b""))
    assert picture.width == round(470 * line_art.DPI / 72)
    assert picture.info["dpi"][0] == pytest.approx(line_art.DPI, abs=0.1)
    grey = np.asarray(picture.convert("L"))
    # Bands are a tone of their own between the paper and the lines.
    assert ((grey > 200) & (grey < 250)).mean() > 0.02
    assert (grey < 130).mean() > 0.005


@given(
    points=st.lists(st.tuples(st.floats(0, 50), st.floats(0, 50)), min_size=2, max_size=6),
    dash=st.lists(st.floats(0.5, 9), min_size=2, max_size=4).filter(lambda parts: len(parts) % 2 == 0),
)
def test_dashes_cover_their_share_of_a_line(points: list[tuple[float, float]], dash: list[float]) -> None:
    def length(piece: tuple[tuple[float, float], ...]) -> float:
        return sum(math.dist(a, b) for a, b in itertools.pairwise(piece))

    whole = length(tuple(points))
    rounds, rest = divmod(whole, sum(dash))
    expected = rounds * sum(dash[::2])
    for number, part_ in enumerate(dash):
        taken = min(rest, part_)
        expected += taken if number % 2 == 0 else 0
        rest -= taken
    assert sum(length(piece) for piece in dashes(points, dash)) == pytest.approx(expected, abs=1e-3)
    assert dashes(points, ()) == [tuple(points)]
