"""An exported frame has burned in what was chosen to be drawn, and its legend says it (P11, 3.4)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from workstation.domain.geometry import Box, Point
from workstation.domain.media import FrameRef, TimeBase
from workstation.domain.reports import BurnFace, BurnIn, BurnLine, BurnPane, BurnScale, BurnView
from workstation.reporting.figures import burn_in, burn_view

REF = FrameRef(0, 12, TimeBase(1, 25), "ab" * 32, 12)
ROWS, COLUMNS = 480, 640
RAMP = np.stack([np.arange(256), np.full(256, 40), 255 - np.arange(256)], axis=-1).astype(np.uint8)


def plain() -> BurnIn:
    frame = np.full((ROWS, COLUMNS, 3), 90, np.uint8)
    values = np.full((ROWS, COLUMNS), np.nan, np.float32)
    values[100:300, 200:400] = 0.25
    face = BurnFace(Box(220, 120, 380, 280), 1, "locator", 0.62)
    return BurnIn("EX-01", "cd" * 32, REF, frame, (face,), values, "Fakeness map · locator", 1.0, 3, 30)


def body(burn: BurnIn) -> np.ndarray:
    """The frame itself, without the strips; the header of a frame is as high whatever is drawn on it."""
    bare = burn_in(replace(burn, faces=(), map=None, lines=()), width=COLUMNS)
    top = int(np.argmax((bare == 90).all(axis=(1, 2))))
    return burn_in(burn, width=COLUMNS)[top : top + ROWS]


def test_grey_is_the_value_and_other_colours_come_from_their_ramp() -> None:
    assert body(plain())[200, 300].tolist() == [64, 64, 64]
    assert body(replace(plain(), ramp=RAMP))[200, 300].tolist() == RAMP[64].tolist()
    assert body(plain())[50, 50].tolist() == [90, 90, 90], "outside the map nothing is drawn"


def test_lines_stand_without_the_map_and_the_legend_says_what_they_are() -> None:
    ring = np.array([(250, 150), (350, 150), (350, 250), (250, 250), (250, 150)], np.float32)
    drawn = replace(plain(), map_drawn=False, faces=(), lines=(BurnLine(ring, 0.7),))
    seen = body(drawn)
    assert seen[200, 300].tolist() == [90, 90, 90]
    assert seen[150, 300].min() > 200
    shipped, dotted = (
        burn_in(replace(drawn, lines=(BurnLine(ring, level, dotted=dots),)), width=COLUMNS)
        for level, dots in ((0.5, False), (0.5, True))
    )
    assert shipped.shape == dotted.shape
    assert (shipped[-40:] != dotted[-40:]).any() or (shipped[-90:] != dotted[-90:]).any()


def test_landmarks_and_boxes_are_apart() -> None:
    face = plain().faces[0]
    points = (Point(300, 200),)
    both, box, ring = (
        body(replace(plain(), map=None, faces=(replace(face, landmarks=marks, boxed=boxed),)))
        for marks, boxed in ((points, True), ((), True), (points, False))
    )
    assert (both[190:211, 290:311] == ring[190:211, 290:311]).all()
    assert (box[190:211, 290:311] == 90).all()
    assert (ring[115:125, 240:360] == 90).all()
    assert (box[115:125, 240:360] != 90).any()


@pytest.mark.parametrize("count", [1, 2, 4])
def test_a_view_stands_unchanged_between_the_strips_that_name_it(count: int) -> None:
    rgb = np.random.default_rng(2).integers(0, 256, (300, 800, 3), dtype=np.uint8)
    panes = tuple(BurnPane("ABCD"[k], f"EX-0{k}", "cd" * 32, REF, "plain" if k else "", 3, 30) for k in range(count))
    ticks = ((0.0, "0"), (1.0, "1"))
    view = BurnView(rgb, panes, BurnScale("Fakeness map · locator", ticks, RAMP, (0.5,)), 2.0, ("zoom 200 %",))
    seen = burn_view(view)
    fits = [top for top in range(seen.shape[0] - 300) if (seen[top : top + 300] == rgb).all()]
    assert len(fits) == 1
    header = seen[: fits[0]]
    assert (header.max(axis=(1, 2)) > 200).sum() > 8 * count, "every pane has its lines"
    one = burn_view(replace(view, notes=()))
    assert one.shape[0] < seen.shape[0]
    ramp = seen[fits[0] + 300 :].reshape(-1, 3)
    assert (ramp == RAMP[0]).all(axis=1).any()
    assert (ramp == RAMP[255]).all(axis=1).any()


def test_the_bar_of_a_view_is_as_long_as_it_says() -> None:
    rgb = np.zeros((200, 800, 3), np.uint8)
    pane = BurnPane("A", "EX-01", "cd" * 32, REF)
    scale = BurnScale("t", ((0.0, "0"),), RAMP)
    lengths = {}
    for pixels in (1.0, 2.5, 8.0):
        strip = burn_view(BurnView(rgb, (pane,), scale, pixels))[-60:]
        runs = [int((row == 230).all(axis=1)[400:].sum()) for row in strip]
        lengths[pixels] = max(runs)
    # 800 pixels wide: about 100 of them, in steps of 1, 2 and 5.
    assert lengths[1.0] == pytest.approx(100, abs=3)
    assert lengths[2.5] == pytest.approx(20 * 2.5, abs=3)
    assert lengths[8.0] == pytest.approx(10 * 8.0, abs=3)
