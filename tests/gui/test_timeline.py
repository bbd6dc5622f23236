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
from PySide6.QtCore import QPoint, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QMouseEvent, QWheelEvent
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from tests.fakes.bare_engine import BareEngine
from tests.fakes.kind_figures import THRESHOLD
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
from workstation.ui.timeline.words import threshold_words

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


def wheel(
    canvas: TimelineCanvas, at: QPointF, steps: int, keys: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier
) -> None:
    event = QWheelEvent(
        at, at, QPoint(0, 0), QPoint(0, 120 * steps), Qt.MouseButton.NoButton, keys, Qt.ScrollPhase.NoScrollPhase, False
    )
    canvas.wheelEvent(event)


def drag(canvas: TimelineCanvas, button: Qt.MouseButton, start: QPointF, end: QPointF) -> None:
    QTest.mousePress(canvas, button, pos=start.toPoint())
    move = QMouseEvent(
        QMouseEvent.Type.MouseMove, end, end, Qt.MouseButton.NoButton, button, Qt.KeyboardModifier.NoModifier
    )
    canvas.mouseMoveEvent(move)
    QTest.mouseRelease(canvas, button, pos=end.toPoint())


def test_the_wheel_zooms_about_the_pointer_and_shift_pans(canvas: TimelineCanvas) -> None:
    show(canvas, [frame_row(n, {1: (OK, 0.5)}) for n in range(0, 70, 10)])
    at = QPointF(640, 150)
    before = canvas.scale.seconds(at.x())
    wheel(canvas, at, 4)
    zoomed = canvas.scale
    assert zoomed.end - zoomed.start < 1.5
    assert zoomed.seconds(at.x()) == pytest.approx(before, abs=1e-6)
    wheel(canvas, at, -1, Qt.KeyboardModifier.ShiftModifier)
    assert canvas.scale.start > zoomed.start
    wheel(canvas, at, -40)
    assert canvas.shown_span == canvas._desk.data.span  # type: ignore[union-attr]


def test_the_wheel_over_the_names_scrolls_the_lanes(canvas: TimelineCanvas) -> None:
    show(canvas, [frame_row(n, dict.fromkeys(range(1, 30), (OK, 0.5))) for n in (0, 30)])
    heard: list[int] = []
    canvas.scrolled.connect(lambda offset, _: heard.append(offset))
    wheel(canvas, QPointF(20, 150), -2)
    assert heard == [120]
    assert canvas.shown_span == canvas._desk.data.span  # type: ignore[union-attr]


def test_the_middle_button_and_the_mini_map_pan(canvas: TimelineCanvas) -> None:
    show(canvas, [frame_row(n, {1: (OK, 0.5)}) for n in range(0, 70, 10)])
    canvas.zoom(4.0, 1.4)
    start, where = canvas.shown_span[0], canvas._navigator.ordinal
    pixel = 1 / canvas.scale.per_second
    drag(canvas, Qt.MouseButton.MiddleButton, QPointF(600, 150), QPointF(500, 150))
    assert canvas.shown_span[0] == pytest.approx(start + 100 * pixel)
    assert canvas._navigator.ordinal == where, "panning does not move the playhead"
    row = canvas.places.map_row
    whole = canvas._scaled(canvas._desk.data.span)  # type: ignore[union-attr]
    middle = whole.x(sum(canvas.shown_span) / 2)
    start = canvas.shown_span[0]
    y = row.center().y()
    drag(canvas, Qt.MouseButton.LeftButton, QPointF(middle, y), QPointF(middle - 60, y))
    assert canvas.shown_span[0] == pytest.approx(max(0.0, start - 60 / whole.per_second), abs=0.01)
    assert canvas._navigator.ordinal == where


def test_a_threshold_is_a_line_with_a_word_only_where_there_is_one(canvas: TimelineCanvas) -> None:
    rows = [frame_row(n, {1: (OK, 0.2)}) for n in range(0, 70, 10)]
    show(canvas, rows)
    desk = canvas._desk
    assert desk.data is not None

    def at_level() -> int:
        column = area(canvas, 15 / 25, reach=12)
        inner = column[3:-3]
        y = round((1 - THRESHOLD.value) * inner.shape[0])
        return int(near(inner[max(0, y - 2) : y + 3], DARK.series[0], 120).sum())

    assert at_level() == 0
    desk.data = replace(desk.data, thresholds={"a": THRESHOLD})
    canvas.redraw()
    assert at_level() > 6
    words = canvas.words_at(QPointF(canvas.scale.x(0.0), canvas.lane_rects()[0][1].center().y()))
    assert "false alarms 4.5 % (1.0 %–11.5 %) of 310 untouched faces" in words
    assert threshold_words("a", THRESHOLD, False) == "a: alarm above 0.83 (uncalibrated)"
    assert threshold_words("a", THRESHOLD, True) == "a: alarm below 0.83 (uncalibrated)"


def test_d_goes_from_one_disagreement_to_the_next_and_round(canvas: TimelineCanvas) -> None:
    rows = [frame_row(n, {1: (OK, 1.0 if n in (20, 50) else 0.5)}, detectors=("a", "b")) for n in range(0, 70, 10)]
    desk, navigator = canvas._desk, canvas._navigator
    desk.data = exhibit(rows, detectors=("a", "b"))
    series = desk.data.series
    turned = build_lanes(series, ("a", "b"), falling=("b",))
    desk.data = replace(desk.data, lanes=turned)
    desk.exhibit_shown.emit()
    assert turned.disagreements.tolist() == [20, 50]
    visited = []
    for _ in range(3):
        navigator.disagreement()
        visited.append(navigator.ordinal)
    assert visited == [20, 50, 20]
    assert canvas.places.apart > 0
    place = QPointF(canvas.scale.x(20 / 25), canvas.places.apart_row.center().y())
    assert "greatest difference of two detectors on a face: 0.80 (uncalibrated)" in canvas.words_at(place)
