"""The timeline (3.2 rule 5): trace, hatch, gap and cross are four different marks, and none is drawn as zero."""

from __future__ import annotations

import pytest
from reportlab.graphics.shapes import Line, Path, PolyLine, String
from reportlab.lib.colors import HexColor
from sample_facts import report_facts

from workstation.domain.reports import Series, SeriesPoint
from workstation.domain.results import Abstention, AbstentionReason, ItemStatus
from workstation.reporting import timeline
from workstation.reporting.fonts import register

REFUSAL = Abstention(AbstentionReason.FACE_TOO_SMALL, "face height 31 px, limit 48 px")


@pytest.fixture(autouse=True)
def fonts() -> None:
    register()


def series(*values: float | str | None, detector: str = "a", step: float = 1.0) -> Series:
    """A number is a score, "x" an error, "/" an abstention, None a frame where the face was not seen."""
    points = []
    for index, value in enumerate(values):
        time = index * step
        if value == "/":
            points.append(SeriesPoint(time, ItemStatus.ABSTAINED, None, REFUSAL))
        elif value == "x":
            points.append(SeriesPoint(time, ItemStatus.ERROR, None))
        elif isinstance(value, float):
            points.append(SeriesPoint(time, ItemStatus.OK, value))
    return Series(1, detector, tuple(points))


def drawn(*lines: Series, length: float = 9.0) -> list[object]:
    look = timeline.looks([line.detector for line in lines])
    return list(timeline.panel(1, lines, look, (0.0, length), 1.0).contents)


def traces(shapes: list[object]) -> list[PolyLine]:
    return [shape for shape in shapes if isinstance(shape, PolyLine)]


def test_a_trace_breaks_at_gap_abstention_and_error() -> None:
    shapes = drawn(series(0.1, 0.2, None, None, 0.3, 0.4, "/", 0.5, 0.6, "x"))
    assert [len(trace.points) // 2 for trace in traces(shapes)] == [2, 2, 2]


def test_the_axis_is_always_nothing_to_one() -> None:
    """The same score stands at the same height whatever else the track holds."""
    quiet = traces(drawn(series(0.5, 0.5, 0.51)))[0].points
    wide = traces(drawn(series(0.5, 0.0, 1.0)))[0].points
    assert quiet[1] == wide[1]
    assert {shape.text for shape in drawn(series(0.5)) if isinstance(shape, String)} >= {"0", "0.5", "1"}


def test_abstention_is_hatched_and_error_crossed_and_neither_is_a_point() -> None:
    assert not [shape for shape in drawn(series(0.4, 0.5, 0.6)) if isinstance(shape, Path)]
    hatched = drawn(series("/", "/", "/"))
    assert len([shape for shape in hatched if isinstance(shape, Path)]) == 1
    assert traces(hatched) == []
    grid = len([shape for shape in drawn(series(0.4)) if isinstance(shape, Line)])
    crossed = drawn(series("x"))
    assert len([shape for shape in crossed if isinstance(shape, Line)]) == grid + 2
    assert traces(crossed) == []


def test_a_hatch_of_one_detector_stands_above_the_panel_in_its_colour() -> None:
    """Inside the panel it could be mistaken for a low score."""
    first, second = series(0.5, 0.5, 0.5), series(0.5, "/", 0.5, detector="b")
    look = timeline.looks(["a", "b"])
    drawing = timeline.panel(1, (first, second), look, (0.0, 9.0), 1.0)
    hatch = next(shape for shape in drawing.contents if isinstance(shape, Path))
    assert min(hatch.points[1::2]) >= max(traces(drawing.contents)[0].points[1::2])
    assert hatch.strokeColor == look["b"].colour
    assert drawing.height > timeline.PANEL_HEIGHT


def test_detectors_differ_without_colour_and_none_takes_a_colour_of_support() -> None:
    """Orange and sky blue mean a direction of support (3.4)."""
    look = timeline.looks([f"d{i}" for i in range(12)])
    assert len({(entry.dash, entry.marker) for entry in look.values()}) >= 10
    reserved = {HexColor("#E69F00"), HexColor("#56B4E9")}
    assert not reserved & {entry.colour for entry in look.values()}


@pytest.mark.parametrize("length", [0.04, 1.0, 33.6, 7200.0])
def test_ticks_are_few_round_and_within_the_axis(length: float) -> None:
    ticks = timeline._ticks((0.0, length))
    assert 3 <= len(ticks) <= 10
    assert all(0.0 <= time <= length * 1.001 for time, _ in ticks)
    assert len({words for _, words in ticks}) == len(ticks)


def test_everything_drawn_stays_on_the_page() -> None:
    for entry in report_facts(tracks=6).exhibits[:1]:
        look = timeline.looks([line.detector for line in entry.series])
        for line in entry.series:
            drawing = timeline.panel(1, [line], look, (0.0, 33.6), 1.2)
            x0, y0, x1, y1 = drawing.getBounds()
            assert x0 >= -1
            assert y0 >= -1
            assert x1 <= drawing.width + 4
            assert y1 <= drawing.height + 2


def test_an_axis_exists_for_a_single_moment_and_for_unknown_lengths() -> None:
    assert timeline.span_of([series(0.5)], None) == (-0.5, 0.5)
    assert timeline.span_of([series(0.5, 0.5)], float("nan")) == (0.0, 1.0)
    assert timeline.sampling_step([series(0.5, 0.5, 0.5, step=2.0)], None, 0) == 2.0
