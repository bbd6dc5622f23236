"""The map lies where the face is, the right way round, in fixed grey (3.4, P11)."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PySide6.QtCore import QPoint, QPointF
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from tests.fakes.pattern_engine import SIDE, rings_map
from workstation.domain.geometry import Affine, Point
from workstation.domain.ids import TrackId
from workstation.domain.media import FrameRef, TimeBase
from workstation.ui.frames import levels, picture
from workstation.ui.main_window import MainWindow
from workstation.ui.viewer.canvas import Canvas
from workstation.ui.viewer.overlay import MapOverlay, grey_image
from workstation.ui.viewer.state import OverlayState, Shown

CROP = 256


def similarity(scale: float, degrees: float, tx: float, ty: float, mirror: bool = False) -> Affine:
    c, s = scale * math.cos(math.radians(degrees)), scale * math.sin(math.radians(degrees))
    return Affine(-c if mirror else c, -s, tx, -s if mirror else s, c, ty)


def pixels(image: QImage) -> npt.NDArray[np.uint8]:
    image = image.convertToFormat(QImage.Format.Format_RGB888)
    data = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return data[:, : image.width() * 3].reshape(image.height(), image.width(), 3).copy()


def canvas_with(qtbot: QtBot, crop_from_frame: Affine, values: npt.NDArray[np.float32], ground: int = 128) -> Canvas:
    overlay = OverlayState()
    canvas = Canvas(overlay)
    overlay.setParent(canvas)
    qtbot.addWidget(canvas)
    canvas.resize(660, 500)
    entry = MapOverlay(values, grey_image(values), crop_from_frame, CROP)
    frame = np.full((480, 640, 3), ground, np.uint8)
    canvas.show_frame(Shown(levels(frame), FrameRef(0, 0, TimeBase(1, 25), "0" * 64, 0), (), (entry,)))
    overlay.set_opacity(1.0)
    return canvas


TURNS = (
    similarity(1.3, 0, -160.0, -90.0),
    similarity(1.3, 25, -60.0, -200.0),
    similarity(1.0, 90, 420.0, -150.0),
    similarity(1.2, 180, 500.0, 420.0),
    similarity(1.2, 10, 420.0, -120.0, mirror=True),
)


@pytest.mark.parametrize("crop_from_frame", TURNS)
def test_every_map_pixel_is_drawn_where_its_crop_pixel_came_from(qtbot: QtBot, crop_from_frame: Affine) -> None:
    """Turned, mirrored, scaled: the widget's pixel under a frame point has the grey of the map at that point."""
    y, x = np.mgrid[0:64, 0:64].astype(np.float32)
    values = (0.15 + 0.5 * x / 63 + 0.3 * y / 63).astype(np.float32)
    canvas = canvas_with(qtbot, crop_from_frame, values)
    seen = pixels(canvas.grab().toImage())
    entry = canvas.shown.maps[0] if canvas.shown else None
    assert entry is not None
    view, back = canvas.view(), crop_from_frame.inverse()
    checked = 0
    for u in (30.0, 90.0, 128.0, 200.0, 226.0):
        for v in (30.0, 100.0, 160.0, 226.0):
            point = back.apply(Point(u, v))
            place = view.map(QPointF(point.x + 0.5, point.y + 0.5))
            if not canvas.rect().adjusted(14, 14, -14, -14).contains(place.toPoint()):
                continue
            if not (0 <= point.x < 639 and 0 <= point.y < 479):
                continue
            expected = entry.value_at(point)
            assert expected is not None
            grey = seen[int(place.y()), int(place.x())]
            assert grey[0] == grey[1] == grey[2]
            assert abs(float(grey[0]) / 255 - expected) < 0.02
            checked += 1
    assert checked >= 12


def test_a_half_pixel_would_be_noticed() -> None:
    """A single bright map pixel sits on the centre of its own crop square, to a hundredth of a pixel."""
    values = np.zeros((4, 4), np.float32)
    values[1, 2] = 1.0
    entry = MapOverlay(values, grey_image(values), similarity(1.0, 0, 0.0, 0.0), 8)
    # Map pixel (2, 1) covers crop pixels 4..5 by 2..3; the centre between their centres is (4.5, 2.5).
    assert entry.value_at(Point(4.5, 2.5)) == pytest.approx(1.0)
    assert entry.value_at(Point(2.5, 2.5)) == pytest.approx(0.0)
    assert entry.value_at(Point(3.5, 2.5)) == pytest.approx(0.5)
    assert entry.value_at(Point(-1.0, 2.0)) is None


def test_blend_is_frame_and_grey_by_opacity(qtbot: QtBot) -> None:
    values = np.full((8, 8), 0.8, np.float32)
    canvas = canvas_with(qtbot, similarity(0.5, 0, -20.0, -20.0), values, ground=60)
    canvas._overlay.set_opacity(0.45)
    seen = pixels(canvas.grab().toImage())
    middle = similarity(0.5, 0, -20.0, -20.0).inverse().apply(Point(100, 100))
    place = canvas.view().map(QPointF(middle.x, middle.y))
    expected = 60 * 0.55 + 204 * 0.45
    assert abs(float(seen[int(place.y()), int(place.x()), 0]) - expected) <= 2


def test_where_two_maps_overlap_the_larger_value_shows(qtbot: QtBot) -> None:
    low, high = np.full((8, 8), 0.3, np.float32), np.full((8, 8), 0.9, np.float32)
    one, two = similarity(0.5, 0, -20.0, -20.0), similarity(0.5, 20, -10.0, -60.0)
    canvas = canvas_with(qtbot, one, low)
    shown = canvas.shown
    assert shown is not None
    maps = (MapOverlay(high, grey_image(high), one, CROP), MapOverlay(low, grey_image(low), two, CROP))
    for order in (maps, maps[::-1]):
        canvas.show_frame(Shown(shown.images, shown.ref, (), order))
        seen = pixels(canvas.grab().toImage())
        place = canvas.view().map(QPointF(260.0, 260.0))
        assert abs(float(seen[int(place.y()), int(place.x()), 0]) - 0.9 * 255) <= 2


def test_grey_is_fixed_and_never_stretched() -> None:
    dim = np.full((4, 4), 0.25, np.float32)
    assert pixels(grey_image(dim)).max() == 64
    ends = np.array([[0.0, 1.0], [-3.0, np.nan]], np.float32)
    assert pixels(grey_image(ends))[..., 0].tolist() == [[0, 255], [0, 0]]


def test_zoom_keeps_the_point_under_the_cursor(qtbot: QtBot) -> None:
    canvas = canvas_with(qtbot, similarity(1.0, 0, 0, 0), rings_map())
    place = QPointF(200.0, 150.0)
    before = canvas.frame_point(place)
    canvas.zoom(8, place)
    after = canvas.frame_point(place)
    assert before is not None
    assert after is not None
    assert abs(before.x - after.x) < 0.3
    assert abs(before.y - after.y) < 0.3
    canvas.actual_size()
    assert canvas.scale == 1.0


def test_frame_pixels_are_shown_unchanged_at_1_to_1(qtbot: QtBot) -> None:
    rng = np.random.default_rng(3)
    frame = rng.integers(0, 256, (101, 151, 3), dtype=np.uint8)
    overlay = OverlayState()
    canvas = Canvas(overlay)
    overlay.setParent(canvas)
    qtbot.addWidget(canvas)
    canvas.resize(400, 300)
    canvas.show_frame(Shown((picture(frame),), FrameRef(0, 0, TimeBase(1, 1), "0" * 64, 0)))
    canvas.actual_size()
    corner = canvas.view().map(QPointF(0, 0))
    seen = pixels(canvas.grab().toImage())
    x, y = round(corner.x()), round(corner.y())
    assert (seen[y : y + 101, x : x + 151] == frame).all()


def test_on_the_real_case_the_spot_lies_on_the_face(window: MainWindow, qtbot: QtBot) -> None:
    """End to end: what the detector gave in crop pixels stands at the same place of the frame on screen."""
    shown = window.stage.shown
    assert shown is not None
    entry = shown.maps[0]
    k = entry.crop_size / SIDE
    spot = entry.crop_from_frame.inverse().apply(Point((46 + 0.5) * k - 0.5, (52 + 0.5) * k - 0.5))
    face = shown.faces[0]
    assert face.box.x0 < spot.x < face.box.centre.x
    assert face.box.y0 < spot.y < face.box.y1
    window.overlay.set_opacity(1.0)
    canvas = window.viewer.canvas
    seen = pixels(canvas.grab().toImage())
    place = canvas.view().map(QPointF(spot.x + 0.5, spot.y + 0.5))
    assert seen[int(place.y()), int(place.x())].min() > 225
    QTest.mouseMove(canvas, place.toPoint())
    qtbot.waitUntil(lambda: "map " in window.viewer.strip.probe_text)
    words = window.viewer.strip.probe_text
    value = float(words.split("map ")[1].split(" ")[0])
    assert value > 0.9
    assert "uncalibrated" in words
    assert "RGB" in words
    assert f"T{face.number}" in words


def test_legend_is_black_to_white_whatever_is_shown(window: MainWindow, qtbot: QtBot) -> None:
    legend = window.viewer.strip.legend
    before = pixels(legend.grab().toImage())
    row = before[legend.height() // 2 - 2, :, 0].astype(int)
    ramp = row[10 : legend.width() - 10]
    assert ramp[0] < 6
    assert ramp[-1] > 249
    assert (np.diff(ramp) >= 0).all()
    window.navigator.go_to(1)
    qtbot.waitUntil(lambda: window.settled)
    assert window.stage.shown is not None
    assert not window.stage.shown.maps
    assert "none for this frame" in legend.title
    after = pixels(legend.grab().toImage())
    assert (after[legend.height() // 2 - 2, :, 0] == row).all()


def test_clicking_a_face_chooses_its_track(window: MainWindow) -> None:
    from PySide6.QtCore import Qt

    shown = window.stage.shown
    assert shown is not None
    centre = shown.faces[0].box.centre
    place = window.viewer.canvas.view().map(QPointF(centre.x, centre.y))
    spot = QPoint(int(place.x()), int(place.y()))
    QTest.mouseClick(
        window.viewer.canvas,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
        spot,
    )
    assert window.navigator.track == TrackId(shown.faces[0].track)


def test_read_path_of_the_case(window: MainWindow, tmp_path: Path) -> None:
    """The values behind the picture are those stored in the case, bit for bit."""
    session, shown = window.desk.session, window.stage.shown
    assert session is not None
    assert shown is not None
    assert window.stage.row is not None
    result = next(r for r in window.stage.row.faces[0].results if r.map_digest)
    stored = session.map_values(str(result.map_digest))
    assert np.array_equal(shown.maps[0].values, np.asarray(stored, np.float32))
    assert np.abs(shown.maps[0].values - rings_map()).max() < 1e-3
