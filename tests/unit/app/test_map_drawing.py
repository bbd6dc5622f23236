"""Colours of a map and the lines in it, as the window and exported frames draw them (3.4, P11)."""

from __future__ import annotations

import numpy as np
import pytest

from workstation.app.map_drawing import colour_table, frame_lines, level_lines
from workstation.domain.geometry import Affine, Point
from workstation.domain.map_scale import FIRST_LAYERS, PLAIN_LOOK, Layer, Look, MapColours


@pytest.mark.parametrize("colours", list(MapColours))
def test_lightness_rises_with_the_value(colours: MapColours) -> None:
    table = colour_table(colours).astype(float)
    light = table @ (0.2126, 0.7152, 0.0722)
    assert table.shape == (256, 3)
    assert (np.diff(light) >= 0).all()
    assert light[-1] - light[0] > 150


def test_grey_is_black_to_white_and_cividis_is_not_red_against_green() -> None:
    assert colour_table(MapColours.GREY)[[0, 128, 255]].tolist() == [[0] * 3, [128] * 3, [255] * 3]
    first, last = colour_table(MapColours.CIVIDIS)[[0, 255]].astype(int)
    assert first[2] > first[0]
    assert last[0] > 200
    assert last[1] > 200
    assert last[2] < 100


def test_a_line_runs_where_the_map_crosses_its_level() -> None:
    y, x = np.mgrid[0:64, 0:64].astype(np.float32)
    disc = np.clip(1 - np.hypot(x - 30, y - 20) / 20, 0, 1).astype(np.float32)
    (line,) = level_lines(disc, 0.5)
    radius = np.hypot(line[:, 0] - 30, line[:, 1] - 20)
    assert abs(radius - 10).max() < 0.1
    assert (line[0] == line[-1]).all()
    assert level_lines(disc, 0.999) == () or len(level_lines(disc, 0.999)) == 1
    assert level_lines(np.zeros((8, 8), np.float32), 0.5) == ()


def test_lines_lie_on_the_frame_where_the_crop_came_from() -> None:
    """A map of half the crop's side, a crop turned by a quarter and moved: back to a hundredth of a pixel."""
    y, x = np.mgrid[0:32, 0:32].astype(np.float32)
    disc = np.clip(1 - np.hypot(x - 10, y - 20) / 10, 0, 1).astype(np.float32)
    crop_from_frame = Affine(0.0, 1.0, -5.0, -1.0, 0.0, 100.0)
    look = Look(FIRST_LAYERS | {Layer.MIDDLE}, threshold=0.5)
    shipped, *rest = frame_lines(disc, crop_from_frame, 64, Look(FIRST_LAYERS, threshold=0.5))
    assert not rest
    centre = crop_from_frame.inverse().apply(Point(10 * 2 + 0.5, 20 * 2 + 0.5))
    radius = np.hypot(shipped.points[:, 0] - centre.x, shipped.points[:, 1] - centre.y)
    assert abs(radius - 10).max() < 0.25
    assert not shipped.dotted
    assert {line.dotted for line in frame_lines(disc, crop_from_frame, 64, look)} == {False}
    middle = Look(frozenset({Layer.MIDDLE}), threshold=0.3)
    assert {line.dotted for line in frame_lines(disc, crop_from_frame, 64, middle)} == {True}


def test_without_a_shipped_threshold_there_is_no_line_until_it_is_asked_for() -> None:
    assert PLAIN_LOOK.levels == ()
    assert Look().levels == ()
    assert Look(threshold=0.7).levels == (0.7,)
    assert Look(FIRST_LAYERS - {Layer.CONTOUR}, threshold=0.7).levels == ()
    assert Look(FIRST_LAYERS | {Layer.MIDDLE}).levels == (0.5,)
