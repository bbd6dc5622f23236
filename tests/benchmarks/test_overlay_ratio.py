"""Switching overlays against painting the frame: a 1080p frame with a map, a box and a line. ``make bench``.

The reference is one plain smooth ``QPainter.drawImage`` of the frame into a picture of the canvas's size. A switch must
cost less than that, or somebody paints the frame again for it. The budget of a switch is 16 ms.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable

import numpy as np
import pytest
from PySide6.QtCore import QRectF
from PySide6.QtGui import QImage, QPainter
from PySide6.QtTest import QSignalSpy, QTest
from pytestqt.qtbot import QtBot

from workstation.domain.geometry import Affine, Box
from workstation.domain.ids import TrackId
from workstation.domain.map_scale import Layer, MapColours
from workstation.domain.media import FrameRef, TimeBase
from workstation.ui.frames import levels, picture
from workstation.ui.viewer.canvas import Canvas
from workstation.ui.viewer.overlay import MapOverlay, grey_image, lines_at
from workstation.ui.viewer.state import FaceMark, OverlayState, Shown

TIMES = 40


def _median(work: Callable[[], object]) -> float:
    seen = []
    for _ in range(TIMES):
        start = time.perf_counter()
        work()
        seen.append(time.perf_counter() - start)
    return statistics.median(seen)


@pytest.mark.benchmark
def test_switching_overlays_costs_less_than_painting_the_frame(
    qtbot: QtBot, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(5)
    frame = rng.integers(0, 256, (1080, 1920, 3), dtype=np.uint8)
    y, x = np.mgrid[0:256, 0:256].astype(np.float32)
    values = np.exp(-((x - 128) ** 2 + (y - 120) ** 2) / 3000).astype(np.float32)
    # The crop of a large face: 256 pixels for 512 of the frame.
    entry = MapOverlay(values, grey_image(values), Affine(0.5, 0.02, -300.0, -0.02, 0.5, -100.0), 256)
    entry = MapOverlay(entry.values, entry.image, entry.crop_from_frame, 256, {0.5: lines_at(values, 0.5)})
    face = FaceMark(TrackId("a"), 1, Box(700, 300, 1000, 700), (), "0.62 uncalibrated", True)
    shown = Shown(levels(frame), FrameRef(0, 0, TimeBase(1, 25), "ab" * 32, 0), (face,), (entry,), threshold=0.5)

    overlay = OverlayState()
    canvas = Canvas(overlay)
    overlay.setParent(canvas)
    qtbot.addWidget(canvas)
    canvas.resize(1280, 720)
    canvas.show()
    assert QTest.qWaitForWindowExposed(canvas)
    canvas.show_frame(shown)
    canvas.repaint()
    spy = QSignalSpy(canvas.drawn)

    def switch() -> None:
        overlay.toggle()
        canvas.repaint()

    def one_layer() -> None:
        overlay.switch(Layer.MAP)
        canvas.repaint()

    def colours() -> None:
        overlay.next_colours()
        canvas.repaint()

    whole, target = picture(frame), QImage(1280, 720, QImage.Format.Format_ARGB32_Premultiplied)

    def reference() -> None:
        painter = QPainter(target)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(QRectF(0, 0, 1280, 720), whole, QRectF(whole.rect()))
        painter.end()

    plain = _median(reference)
    found = {"overlay": _median(switch), "map": _median(one_layer), "colours": _median(colours)}
    overlay.set_colours(MapColours.GREY)
    with capsys.disabled():
        said = [f"\ndrawImage of the frame: median {plain * 1000:.2f} ms"]
        said += [
            f"switch {name}: median {value * 1000:.2f} ms, ratio {value / plain:.2f}" for name, value in found.items()
        ]
        sys.stdout.write("\n".join(said) + "\n")
    assert spy.count() == 3 * TIMES, "every switch must have been painted"
    assert found["overlay"] < plain
    assert found["map"] < plain
    assert found["colours"] < 1.5 * plain
