"""Looks, held by picture: pinned size, style and shipped fonts; 99.5 % of the pixels within two levels.

``PICTURES=update pytest tests/pictures`` writes the references anew; look at them before they are committed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from tests.fakes.bare_engine import BareEngine
from tests.fakes.pattern_engine import rings_map
from tests.fakes.rows import exhibit, frame_row
from workstation.app.engine import Engine
from workstation.domain.geometry import Affine, Box, Point
from workstation.domain.ids import TrackId
from workstation.domain.kinds_of_forgery import ForgeryClass
from workstation.domain.media import FrameRef, TimeBase
from workstation.domain.results import FrameRow, ItemStatus
from workstation.ui.desk import Desk
from workstation.ui.frames import levels
from workstation.ui.navigator import Navigator
from workstation.ui.player import Player
from workstation.ui.theme.palette import DARK, LIGHT, Theme
from workstation.ui.theme.sheet import apply_theme, load_fonts
from workstation.ui.timeline.panel import TimelinePanel
from workstation.ui.viewer.canvas import Canvas
from workstation.ui.viewer.overlay import MapOverlay, grey_image
from workstation.ui.viewer.state import FaceMark, OverlayState, Shown
from workstation.ui.widgets.legend import Legend

HERE = Path(__file__).parent
WITHIN, SHARE = 2, 0.995
OK, ABSTAINED, ERROR = ItemStatus.OK, ItemStatus.ABSTAINED, ItemStatus.ERROR


def pixels(widget: QWidget) -> npt.NDArray[np.uint8]:
    image = widget.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
    data = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return data[:, : image.width() * 3].reshape(image.height(), image.width(), 3).copy()


def check(name: str, widget: QWidget) -> None:
    seen = pixels(widget)
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


def scene() -> Shown:
    y, x = np.mgrid[0:240, 0:320]
    frame = np.stack([x * 0.5 + 60, y * 0.6 + 50, 180 - x * 0.3], axis=-1).astype(np.uint8)
    values = rings_map()
    crop = Affine(1.75, 0.3, -190.0, -0.3, 1.75, -40.0)
    points = tuple(Point(150 + 5 * k, 100) for k in range(5))
    faces = (
        FaceMark(TrackId("a"), 1, Box(130, 60, 205, 150), points, "0.62 uncalibrated", True),
        FaceMark(TrackId("b"), 2, Box(250, 150, 285, 190), points, "abstained · face too small: height 31", False),
    )
    maps = (MapOverlay(values, grey_image(values), crop, 256),)
    return Shown(levels(frame), FrameRef(0, 12, TimeBase(1, 25), "ab" * 32, 12), faces, maps)


def rows() -> list[FrameRow]:
    made = []
    for n in range(0, 75, 3):
        faces: dict[int, tuple[ItemStatus, float | None]] = {}
        if not 30 <= n < 39:
            status = ABSTAINED if 48 <= n < 57 else ERROR if n == 60 else OK
            faces[1] = (status, 0.5 + 0.4 * float(np.sin(n / 9)) if status is OK else None)
        if n >= 45:
            faces[2] = (OK, 0.1 + n / 200)
        made.append(frame_row(n, faces, detectors=("clip_ln", "fakelocator"), error="cut" if n == 66 else ""))
    return made


@pytest.mark.parametrize("themed", [DARK, LIGHT], indirect=True, ids=["dark", "light"])
def test_viewer(themed: Theme, qtbot: QtBot) -> None:
    overlay = OverlayState()
    canvas = Canvas(overlay)
    overlay.setParent(canvas)
    qtbot.addWidget(canvas)
    canvas.resize(520, 380)
    canvas.show_frame(scene())
    canvas.choose(None)
    check(f"viewer-{themed.name}", canvas)


@pytest.mark.parametrize("themed", [DARK, LIGHT], indirect=True, ids=["dark", "light"])
def test_timeline(themed: Theme, qtbot: QtBot, desk: Desk) -> None:
    navigator = Navigator(desk)
    panel = TimelinePanel(desk, navigator, Player(navigator))
    qtbot.addWidget(panel)
    panel.resize(900, 230)
    panel.show()
    data = exhibit(rows(), frames=75, detectors=("clip_ln", "fakelocator"))
    desk.data = replace(data, validated={"clip_ln": (ForgeryClass.FACE_SWAP,)})
    desk.exhibit_shown.emit()
    desk.results_shown.emit()
    navigator.go_to(24)
    qtbot.wait(30)
    panel.canvas.clearFocus()
    check(f"timeline-{themed.name}", panel)


@pytest.mark.parametrize("themed", [DARK], indirect=True)
def test_legend(themed: Theme, qtbot: QtBot) -> None:
    legend = Legend()
    qtbot.addWidget(legend)
    legend.set_title("fakelocator")
    legend.resize(260, legend.sizeHint().height())
    check("legend", legend)
