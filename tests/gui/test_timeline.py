"""Trace, hatch, gap and cross: four marks, and none of them is drawn as zero (window rule 5, X10)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import cast

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QColor, QImage
from pytestqt.qtbot import QtBot

from tests.fakes.bare_engine import BareEngine
from tests.fakes.rows import exhibit, frame_row, series_of
from workstation.app.engine import Engine
from workstation.domain.kinds_of_forgery import ForgeryClass
from workstation.domain.results import AbstentionReason, ItemStatus
from workstation.ui.desk import Desk
from workstation.ui.navigator import Navigator
from workstation.ui.theme.palette import DARK
from workstation.ui.theme.sheet import apply_theme, load_fonts
from workstation.ui.timeline.canvas import TimelineCanvas
from workstation.ui.timeline.lanes import Tick, build_lanes, peak_places
from workstation.ui.timeline.scale import TimeScale, ruler_step, ruler_ticks, ruler_words

OK, ABSTAINED, ERROR = ItemStatus.OK, ItemStatus.ABSTAINED, ItemStatus.ERROR


def test_lanes_keep_every_status_apart() -> None:
    rows = (
        frame_row(0, {1: (OK, 0.2)}),
        frame_row(2, {1: (OK, 0.4), 2: (OK, 0.9)}),
        frame_row(4, {}),
        frame_row(6, {1: (ABSTAINED, None)}),
        frame_row(8, {1: (ERROR, None)}),
        frame_row(10, {}, error="cut short"),
        frame_row(12, {1: (OK, 0.6)}),
    )
    lanes = build_lanes(series_of(rows), ("a",))
    assert [f.tick for f in lanes.frames] == [
        Tick.FACE,
        Tick.FACE,
        Tick.NO_FACE,
        Tick.FACE,
        Tick.FACE,
        Tick.ERROR,
        Tick.FACE,
    ]
    assert [lane.label for lane in lanes.lanes] == ["T1", "T2"]
    runs = lanes.lanes[0].traces[0].runs
    assert [[(m.ordinal, m.status) for m in run.marks] for run in runs] == [
        [(0, OK), (2, OK)],
        [(6, ABSTAINED)],
        [(8, ERROR)],
        [(12, OK)],
    ]
    assert lanes.lanes[0].traces[0].linked == {8}
    assert all(m.score is None for run in runs for m in run.marks if m.status is not OK)


@given(st.lists(st.floats(0, 1), max_size=60))
def test_peaks_are_scores_no_neighbour_exceeds(values: list[float]) -> None:
    found = peak_places(np.array(values, dtype=np.float64)).tolist()
    assert found == sorted(set(found))
    for place in found:
        near = values[max(0, place - 1) : place + 2]
        assert values[place] == max(near)
    if values and max(values) > min(values) + 0.05:
        assert values.index(max(values)) in found


@given(st.floats(0.01, 1e5), st.integers(100, 4000))
def test_ruler_ticks_have_room_and_are_few(length: float, width: int) -> None:
    scale = TimeScale(0.0, length, 100.0, float(width))
    step = ruler_step(scale, 80.0)
    ticks = ruler_ticks(scale, step)
    assert step * scale.per_second >= 79.9
    assert len(ticks) <= width / 79 + 1
    assert all(ruler_words(t, step) for t in ticks)


@given(st.floats(-5, 5), st.floats(0.1, 10), st.floats(0, 1))
def test_zoom_keeps_the_second_under_the_cursor(start: float, length: float, at: float) -> None:
    scale = TimeScale(start, start + length, 50.0, 800.0)
    about = start + at * length
    zoomed = scale.zoomed(1.5, about, (start, start + length), 0.01)
    assert zoomed.x(about) == pytest.approx(scale.x(about), abs=1.0) or zoomed.start in (start,)
    assert start - 1e-9 <= zoomed.start < zoomed.end <= start + length + 1e-9


@pytest.fixture
def canvas(qtbot: QtBot, qapp: object) -> Iterator[TimelineCanvas]:
    engine = BareEngine()
    load_fonts()
    apply_theme(qapp, DARK)  # type: ignore[arg-type]
    desk = Desk(cast(Engine, engine))
    navigator = Navigator(desk)
    made = TimelineCanvas(desk, navigator)
    qtbot.addWidget(made)
    made.resize(1000, 220)
    yield made
    desk.shut()
    engine.jobs.close()


def show(canvas: TimelineCanvas, rows: Sequence[object]) -> None:
    desk = canvas._desk
    desk.data = exhibit(rows)  # type: ignore[arg-type]
    desk.exhibit_shown.emit()
    desk.results_shown.emit()


def area(canvas: TimelineCanvas, seconds: float, lane: int = 0, reach: int = 3) -> npt.NDArray[np.int64]:
    """Pixels of a narrow column of a lane at a time, (height, width, 3)."""
    image = canvas.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
    data = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    pixels = data[:, : image.width() * 3].reshape(image.height(), image.width(), 3)
    rect: QRectF = canvas.lane_rects()[lane][1]
    x = round(canvas.scale.x(seconds))
    return pixels[round(rect.top()) + 4 : round(rect.bottom()) - 4, x - reach : x + reach + 1].astype(np.int64)


def near(pixels: npt.NDArray[np.int64], colour: str, reach: int = 60) -> npt.NDArray[np.bool_]:
    wanted = QColor(colour)
    away = np.abs(pixels - np.array([wanted.red(), wanted.green(), wanted.blue()]))
    return np.asarray(away.sum(axis=-1) < reach)


def test_marks_are_drawn_apart_and_never_as_zero(canvas: TimelineCanvas) -> None:
    status = {0: (OK, 0.5), 10: (OK, 0.5), 20: (ABSTAINED, None), 30: (ERROR, None), 50: (OK, 1.0), 60: (OK, 0.0)}
    rows = [frame_row(n, {1: status[n]} if n in status else {}) for n in range(0, 70, 10)]
    show(canvas, rows)
    canvas._navigator.go_to(69)
    yellow = DARK.series[0]
    at = {n: area(canvas, n / 25) for n in (5, 10, 20, 30, 40, 50, 60)}
    height = at[10].shape[0]
    rows_of = {n: np.nonzero(near(pixels, yellow).any(axis=1))[0] for n, pixels in at.items()}
    assert abs(rows_of[10].mean() / height - 0.5) < 0.06, "a score of 0.5 stands in the middle"
    assert rows_of[50].min() / height < 0.12, "a score of 1 stands on top"
    assert rows_of[60].max() / height > 0.88, "a score of 0 stands at the bottom"
    assert rows_of[20].size == 0, "an abstention has no trace"
    assert rows_of[40].size == 0, "no face has no trace"
    assert near(at[20], DARK.second).sum() > 20, "an abstention is hatched"
    assert near(at[40], DARK.panel, 24).all(), "no face is a gap: nothing but the panel"
    cross = rows_of[30]
    assert cross.size
    assert abs(cross.mean() / height - 0.5) < 0.1, "an error is a cross in the middle"
    assert near(at[5], yellow, 220).any(), "examined neighbours are joined"


def test_tool_tip_says_why_there_is_no_score(canvas: TimelineCanvas) -> None:
    reason = AbstentionReason.FACE_TOO_SMALL
    show(
        canvas, [frame_row(0, {1: (OK, 0.25)}), frame_row(30, {1: (ABSTAINED, None)}, reason=reason), frame_row(60, {})]
    )
    y = canvas.lane_rects()[0][1].center().y()
    x = canvas.scale.x
    assert canvas.words_at(QPointF(x(0.0), y)) == "frame 1 · 0.000 s\nT1 a: 0.25 uncalibrated · not validated"
    assert "abstained, face too small: height 31, limit 48" in canvas.words_at(QPointF(x(30 / 25), y))
    assert "no face found" in canvas.words_at(QPointF(x(60 / 25), y))
    assert canvas.words_at(QPointF(x(15 / 25), y)) == ""
    desk = canvas._desk
    assert desk.data is not None
    desk.data = replace(desk.data, validated={"a": (ForgeryClass.PARTS,)})
    assert canvas.words_at(QPointF(x(0.0), y)) == "frame 1 · 0.000 s\nT1 a: 0.25 uncalibrated"


def test_a_hundred_tracks_can_be_scrolled(canvas: TimelineCanvas) -> None:
    heard: list[tuple[int, int]] = []
    canvas.scrolled.connect(lambda offset, most: heard.append((offset, most)))
    show(canvas, [frame_row(n, dict.fromkeys(range(1, 101), (OK, 0.5))) for n in (0, 30)])
    rects = canvas.lane_rects()
    assert len(rects) == 100
    assert heard[-1][1] == pytest.approx(rects[-1][1].bottom() - canvas.places.bottom, abs=2)
    canvas.set_offset(heard[-1][1])
    assert canvas.lane_rects()[-1][1].bottom() == pytest.approx(canvas.places.bottom, abs=2)


def test_every_frame_of_an_hour_is_drawn_quickly(canvas: TimelineCanvas, qtbot: QtBot) -> None:
    import time

    rows = [frame_row(n, {1: (OK, 0.5 + 0.4 * np.sin(n / 300))}) for n in range(20_000)]
    show(canvas, rows)
    canvas.grab()
    begun = time.thread_time()
    canvas.redraw()
    canvas.grab()
    spent = time.thread_time() - begun
    begun = time.thread_time()
    canvas.grab()
    assert spent - (time.thread_time() - begun) < 0.05


def test_clicking_a_lanes_name_chooses_it(canvas: TimelineCanvas, qtbot: QtBot) -> None:
    from PySide6.QtCore import Qt
    from PySide6.QtTest import QTest

    show(canvas, [frame_row(n, {1: (OK, 0.5), 2: (OK, 0.6)}) for n in (0, 30)])
    lane, rect = canvas.lane_rects()[1]
    QTest.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=QPointF(20, rect.center().y()).toPoint())
    assert canvas._navigator.track == lane.track


def test_rows_without_run_say_what_to_do(canvas: TimelineCanvas) -> None:
    data = exhibit([])
    canvas._desk.data = replace(data, run=None)
    canvas._desk.exhibit_shown.emit()
    before = canvas.grab().toImage()
    show(canvas, [frame_row(0, {1: (OK, 0.5)})])
    assert canvas.grab().toImage() != before
