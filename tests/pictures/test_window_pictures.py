"""Looks, held by picture: pinned size, style and shipped fonts; 99.5 % of the pixels within two levels.

``PICTURES=update pytest tests/pictures`` writes the references anew; look at them before they are committed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage, QPixmap
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from tests.fakes.bare_engine import BareEngine
from tests.fakes.pattern_engine import rings_map
from workstation.app.engine import Engine
from workstation.domain.geometry import Affine, Box, Point
from workstation.domain.ids import TrackId
from workstation.domain.map_scale import Layer, MapColours
from workstation.domain.media import FrameRef, TimeBase
from workstation.domain.results import ItemStatus
from workstation.ui.desk import Desk
from workstation.ui.frames import levels
from workstation.ui.theme.palette import DARK, LIGHT, Theme
from workstation.ui.theme.sheet import apply_theme, load_fonts
from workstation.ui.viewer.canvas import Canvas
from workstation.ui.viewer.mix import Mix, Mode
from workstation.ui.viewer.overlay import MapOverlay, grey_image, lines_at
from workstation.ui.viewer.state import FaceMark, OverlayState, Shown
from workstation.ui.widgets.legend import Legend

HERE = Path(__file__).parent
WITHIN, SHARE = 2, 0.995
OK, ABSTAINED, ERROR = ItemStatus.OK, ItemStatus.ABSTAINED, ItemStatus.ERROR


def pixels(widget: QWidget, ratio: float = 1.0) -> npt.NDArray[np.uint8]:
    """The widget as painted, with ``ratio`` pixels for each of its own."""
    drawn = QPixmap(round(widget.width() * ratio), round(widget.height() * ratio))
    drawn.setDevicePixelRatio(ratio)
    drawn.fill(Qt.GlobalColor.transparent)
    widget.render(drawn)
    image = drawn.toImage().convertToFormat(QImage.Format.Format_RGB888)
    data = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return data[:, : image.width() * 3].reshape(image.height(), image.width(), 3).copy()


def check(name: str, widget: QWidget, ratio: float = 1.0) -> None:
    seen = pixels(widget, ratio)
    reference = HERE / f"{name}.png"
    if os.environ.get("PICTURES") == "update":
        Image.fromarray(seen).save(reference, optimize=True)
    expected = np.asarray(Image.open(reference).convert("RGB"))
    assert seen.shape == expected.shape
    same = (np.abs(seen.astype(int) - expected.astype(int)).max(axis=-1) <= WITHIN).mean()
    assert same >= SHARE, f"{name}: only {same:.2%} of the pixels are as they were"


@pytest.fixture
def themed(qapp: QApplication, request: pytest.FixtureRequest) -> Theme:
    qapp.setStyle("Fusion")
    load_fonts()
    theme: Theme = request.param
    apply_theme(qapp, theme)
    return theme


@pytest.fixture
def desk() -> Iterator[Desk]:
    engine = BareEngine()
    made = Desk(cast(Engine, engine))
    yield made
    made.shut()
    engine.jobs.close()


def drawn_frame() -> npt.NDArray[np.uint8]:
    y, x = np.mgrid[0:240, 0:320]
    return np.stack([x * 0.5 + 60, y * 0.6 + 50, 180 - x * 0.3], axis=-1).astype(np.uint8)


def turned_frame() -> npt.NDArray[np.uint8]:
    return np.ascontiguousarray(drawn_frame()[::-1, ::-1])


def scene() -> Shown:
    frame = drawn_frame()
    values = rings_map()
    crop = Affine(1.75, 0.3, -190.0, -0.3, 1.75, -40.0)
    points = tuple(Point(150 + 5 * k, 100) for k in range(5))
    faces = (
        FaceMark(TrackId("a"), 1, Box(130, 60, 205, 150), points, "0.62 uncalibrated", True),
        FaceMark(TrackId("b"), 2, Box(250, 150, 285, 190), points, "abstained · face too small: height 31", False),
    )
    lines = {level: lines_at(values, level) for level in (0.5, 0.25)}
    maps = (MapOverlay(values, grey_image(values), crop, 256, lines),)
    return Shown(levels(frame), FrameRef(0, 12, TimeBase(1, 25), "ab" * 32, 12), faces, maps, threshold=0.25)


def canvas_of(qtbot: QtBot, shown: Shown) -> tuple[Canvas, OverlayState]:
    overlay = OverlayState()
    canvas = Canvas(overlay)
    overlay.setParent(canvas)
    qtbot.addWidget(canvas)
    canvas.resize(520, 380)
    canvas.show_frame(shown)
    return canvas, overlay


@pytest.mark.parametrize("themed", [DARK, LIGHT], indirect=True, ids=["dark", "light"])
def test_viewer(themed: Theme, qtbot: QtBot) -> None:
    canvas, _ = canvas_of(qtbot, scene())
    check(f"viewer-{themed.name}", canvas)


@pytest.mark.parametrize("themed", [DARK], indirect=True, ids=["dark"])
def test_viewer_at_200_percent(themed: Theme, qtbot: QtBot) -> None:
    """U4: what is painted finer than the screen is drawn finer, not enlarged."""
    canvas, _ = canvas_of(qtbot, scene())
    canvas.resize(360, 260)
    check("viewer-dark-200", canvas, 2.0)


@pytest.mark.parametrize("themed", [DARK, LIGHT], indirect=True, ids=["dark", "light"])
def test_every_layer_in_colours(themed: Theme, qtbot: QtBot) -> None:
    canvas, overlay = canvas_of(qtbot, scene())
    for layer in Layer:
        overlay.switch(layer, True)
    overlay.set_colours(MapColours.CIVIDIS)
    overlay.set_opacity(0.8)
    check(f"layers-{themed.name}", canvas)


@pytest.mark.parametrize("themed", [DARK], indirect=True, ids=["dark"])
def test_single_pixels_with_their_grid_and_the_probe(themed: Theme, qtbot: QtBot) -> None:
    canvas, overlay = canvas_of(qtbot, scene())
    overlay.switch(Layer.MAP, False)
    canvas.zoom(14)
    canvas.probe_keys()
    check("pixels-dark", canvas)


@pytest.mark.parametrize("themed", [DARK, LIGHT], indirect=True, ids=["dark", "light"])
def test_wipe(themed: Theme, qtbot: QtBot) -> None:
    shown = scene()
    canvas, _ = canvas_of(qtbot, shown)
    canvas.show_mix(Mix(Mode.WIPE, Shown(levels(turned_frame()), shown.ref, chip="Another frame"), at=0.6))
    check(f"wipe-{themed.name}", canvas)


@pytest.mark.parametrize("themed", [LIGHT], indirect=True, ids=["light"])
def test_empty_view_says_what_to_do(themed: Theme, qtbot: QtBot) -> None:
    canvas, _ = canvas_of(qtbot, scene())
    canvas.resize(300, 220)
    canvas.show_message("Nothing is chosen for view B", "Choose above what it shows: another exhibit or frame.")
    check("view-empty-light", canvas)


@pytest.mark.parametrize("themed", [DARK, LIGHT], indirect=True, ids=["dark", "light"])
def test_legend_in_colours_with_its_levels(themed: Theme, qtbot: QtBot) -> None:
    legend = Legend()
    qtbot.addWidget(legend)
    legend.set_title("fakelocator", colours=MapColours.CIVIDIS, threshold=0.62, middle=True)
    legend.resize(320, legend.sizeHint().height())
    check(f"legend-cividis-{themed.name}", legend, 2.0)


@pytest.mark.parametrize("themed", [DARK], indirect=True)
def test_legend(themed: Theme, qtbot: QtBot) -> None:
    legend = Legend()
    qtbot.addWidget(legend)
    legend.set_title("fakelocator")
    legend.resize(260, legend.sizeHint().height())
    check("legend", legend)
