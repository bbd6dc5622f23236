"""One frame on a canvas: zoom to single pixels, the probe for pointer and keys, layers with switches of their own."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from PySide6.QtCore import QPointF, QSizeF, Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from workstation.domain.geometry import Affine, Box, Point
from workstation.domain.ids import TrackId
from workstation.domain.map_scale import Layer, MapColours
from workstation.domain.media import FrameRef, TimeBase
from workstation.ui.frames import picture
from workstation.ui.viewer.canvas import Canvas
from workstation.ui.viewer.mix import Mix, Mode
from workstation.ui.viewer.overlay import MapOverlay, grey_image, lines_at
from workstation.ui.viewer.place import FIT, MOST, Room, onto
from workstation.ui.viewer.probe import probe
from workstation.ui.viewer.state import FaceMark, OverlayState, Shown

Key = Qt.Key
SHIFT = Qt.KeyboardModifier.ShiftModifier
REF = FrameRef(0, 12, TimeBase(1, 25), "ab" * 32, 12)


def pixels(widget: Canvas) -> npt.NDArray[np.uint8]:
    image = widget.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
    data = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return data[:, : image.width() * 3].reshape(image.height(), image.width(), 3).copy()


def noise(seed: int = 3, rows: int = 120, columns: int = 160) -> npt.NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (rows, columns, 3), dtype=np.uint8)


def canvas_of(qtbot: QtBot, shown: Shown) -> tuple[Canvas, OverlayState]:
    overlay = OverlayState()
    canvas = Canvas(overlay)
    overlay.setParent(canvas)
    qtbot.addWidget(canvas)
    canvas.resize(400, 300)
    canvas.show()
    canvas.show_frame(shown)
    return canvas, overlay


def mapped(values: npt.NDArray[np.float32]) -> Shown:
    lines = {0.5: lines_at(values, 0.5)}
    entry = MapOverlay(values, grey_image(values), Affine(1.0, 0, -20.0, 0, 1.0, -20.0), 64, lines)
    face = FaceMark(TrackId("a"), 1, Box(30, 30, 70, 80), (Point(45, 50),), "0.62 uncalibrated", True)
    return Shown((picture(noise()),), REF, (face,), (entry,))


@pytest.mark.parametrize("times", [2, 3, 7])
def test_above_actual_size_every_pixel_is_a_square_of_its_own(qtbot: QtBot, times: int) -> None:
    frame = noise()
    canvas, _ = canvas_of(qtbot, Shown((picture(frame),), REF))
    canvas.actual_size()
    while canvas.scale < times * 0.999:
        canvas.look(Room(QSizeF(160, 120), QSizeF(canvas.size())).zoomed(canvas.place, times, QPointF(200, 150)))
    seen = pixels(canvas)
    for x, y in ((80, 60), (75, 63), (90, 55)):
        at = canvas.view().map(QPointF(x, y))
        block = seen[round(at.y()) : round(at.y()) + times, round(at.x()) : round(at.x()) + times]
        assert (block == frame[y, x]).all()


def test_zoom_ends_at_3200_percent_with_a_grid_and_exact_colours_between(qtbot: QtBot) -> None:
    frame = noise()
    canvas, _ = canvas_of(qtbot, Shown((picture(frame),), REF))
    for _ in range(60):
        canvas.zoom(1)
    assert canvas.scale == MOST
    point = canvas.frame_point(QPointF(200, 150))
    assert point is not None
    x, y = round(point.x), round(point.y)
    middle = canvas.view().map(QPointF(x + 0.5, y + 0.5)).toPoint()
    edge = canvas.view().map(QPointF(x, y + 0.5)).toPoint()
    seen = pixels(canvas)
    assert (seen[middle.y(), middle.x()] == frame[y, x]).all()
    assert not (seen[edge.y(), edge.x()] == frame[y, x]).all()
    for _ in range(90):
        canvas.zoom(-1)
    assert canvas.scale == pytest.approx(0.02)


def test_the_keyboard_probes_to_the_pixel_and_the_view_follows(qtbot: QtBot) -> None:
    frame = noise()
    canvas, _ = canvas_of(qtbot, Shown((picture(frame),), REF))
    moved: list[Point | None] = []
    canvas.cross_moved.connect(moved.append)
    canvas.zoom(12)
    canvas.probe_keys()
    start = canvas.cross
    assert start is not None
    QTest.keyClick(canvas, Key.Key_Right)
    QTest.keyClick(canvas, Key.Key_Down, SHIFT)
    assert canvas.cross == Point(start.x + 1, start.y + 10)
    assert moved[-1] == canvas.cross
    for _ in range(40):
        QTest.keyClick(canvas, Key.Key_Left, SHIFT)
    assert canvas.cross.x == 0, "held on the frame"
    seen_at = canvas.view().map(QPointF(canvas.cross.x + 0.5, canvas.cross.y + 0.5))
    assert canvas.rect().contains(seen_at.toPoint())
    QTest.keyClick(canvas, Key.Key_Escape)
    assert canvas.cross is None
    assert moved[-1] is None


def test_probe_says_place_colour_map_and_score_with_its_word(qtbot: QtBot) -> None:
    values = np.full((64, 64), 0.25, np.float32)
    shown = mapped(values)
    said = probe(shown, Point(50, 60), "a")
    r, g, b = noise()[60, 50]
    assert said.lines == (
        "frame 13 · PTS 0.480 s · x 50 y 60",
        f"RGB {r} {g} {b}",
        "map 0.25 · T1 score 0.62 uncalibrated",
    )
    assert probe(shown, Point(80, 80), "a").results == "map 0.25 uncalibrated"
    assert probe(shown, Point(5, 5), "a").results == "no map here"
    assert "press P" in probe(shown, None).colour
    assert probe(None, None).sentence == ""


def test_probe_compares_the_pixel_at_the_same_place_of_another_size() -> None:
    one = np.full((120, 160, 3), 100, np.uint8)
    other = np.full((240, 320, 3), 90, np.uint8)
    other[100:104, 200:204] = (10, 90, 255)
    said = probe(Shown((picture(one),), REF), Point(100.5, 50.5), None, Shown((picture(other),), REF))
    assert said.colour == "RGB 100 100 100 · B 10 90 255 · |A − B| 155"


def test_places_are_linked_across_sizes() -> None:
    small, large = QSizeF(160, 120), QSizeF(640, 480)
    room = Room(small, QSizeF(400, 300))
    place = room.zoomed(FIT, 5.0, QPointF(300, 80))
    there = Room(large, QSizeF(400, 300)).view(place)
    for x, y in ((10.0, 20.0), (100.0, 60.0)):
        here = room.view(place).map(QPointF(x, y))
        same = there.map(onto(large, small).map(QPointF(x, y)))
        assert abs(here.x() - same.x()) <= 1.0
        assert abs(here.y() - same.y()) <= 1.0


def test_every_layer_has_a_switch_of_its_own(qtbot: QtBot) -> None:
    y, x = np.mgrid[0:64, 0:64].astype(np.float32)
    values = np.clip(1 - np.hypot(x - 32, y - 32) / 30, 0, 1).astype(np.float32)
    canvas, overlay = canvas_of(qtbot, mapped(values))
    for layer in Layer:
        overlay.switch(layer, False)
    plain = pixels(canvas)
    seen = {}
    for layer in (Layer.MAP, Layer.MIDDLE, Layer.BOXES, Layer.LANDMARKS):
        overlay.switch(layer, True)
        seen[layer] = pixels(canvas)
        assert (seen[layer] != plain).any(), layer
        overlay.switch(layer, False)
    assert (pixels(canvas) == plain).all()
    for layer in Layer:
        overlay.switch(layer, True)
    overlay.hold(True)
    assert (pixels(canvas)[40:, :] == plain[40:, :]).all(), "held away, whatever is switched on"


def test_colours_change_the_map_and_not_its_range(qtbot: QtBot) -> None:
    dim = np.full((64, 64), 0.25, np.float32)
    canvas, overlay = canvas_of(qtbot, mapped(dim))
    for layer in (Layer.BOXES, Layer.CONTOUR):
        overlay.switch(layer, False)
    overlay.set_opacity(1.0)
    at = canvas.view().map(QPointF(50, 50)).toPoint()
    assert pixels(canvas)[at.y(), at.x()].tolist() == [64, 64, 64]
    overlay.next_colours()
    assert overlay.colours is MapColours.CIVIDIS
    from workstation.app.map_drawing import colour_table

    found = pixels(canvas)[at.y(), at.x()].astype(int)
    assert np.abs(found - colour_table(MapColours.CIVIDIS)[64]).max() <= 2


def test_a_wipe_shows_each_frame_on_its_own_side(qtbot: QtBot) -> None:
    one, other = noise(1), noise(2)
    canvas, _ = canvas_of(qtbot, Shown((picture(one),), REF))
    canvas.actual_size()
    canvas.show_mix(Mix(Mode.WIPE, Shown((picture(other),), REF), at=0.5))
    seen, corner = pixels(canvas), canvas.view().map(QPointF(0, 0)).toPoint()
    left, right = (30, 60), (130, 60)
    assert (seen[corner.y() + left[1], corner.x() + left[0]] == one[left[1], left[0]]).all()
    assert (seen[corner.y() + right[1], corner.x() + right[0]] == other[right[1], right[0]]).all()
    canvas.show_mix(Mix(Mode.BLINK, Shown((picture(other),), REF), turned=True))
    seen = pixels(canvas)
    assert (seen[corner.y() + left[1], corner.x() + left[0]] == other[left[1], left[0]]).all()
