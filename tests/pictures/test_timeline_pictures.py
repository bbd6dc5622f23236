"""Looks of the timeline, held by picture as in `test_window_pictures`: light, dark, and text at 200 %."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from tests.fakes.kind_figures import THRESHOLD
from tests.fakes.rows import exhibit, frame_row
from tests.pictures.test_window_pictures import check, desk, themed
from workstation.app.shots import Shots
from workstation.domain.kinds_of_forgery import ForgeryClass
from workstation.domain.results import FrameRow, ItemStatus
from workstation.ui.desk import Desk
from workstation.ui.exhibit import ExhibitData
from workstation.ui.navigator import Navigator
from workstation.ui.player import Player
from workstation.ui.theme.palette import DARK, LIGHT, Theme
from workstation.ui.theme.sheet import apply_theme
from workstation.ui.timeline.panel import TimelinePanel

__all__ = ["desk", "themed"]

OK, ABSTAINED, ERROR = ItemStatus.OK, ItemStatus.ABSTAINED, ItemStatus.ERROR
DETECTORS = ("clip_ln", "fakelocator")
BOTH = pytest.mark.parametrize("themed", [DARK, LIGHT], indirect=True, ids=["dark", "light"])


def rows() -> list[FrameRow]:
    """Two tracks with every kind of mark: trace, hatch, gap, cross."""
    made = []
    for n in range(0, 75, 3):
        faces: dict[int, tuple[ItemStatus, float | None]] = {}
        if not 30 <= n < 39:
            status = ABSTAINED if 48 <= n < 57 else ERROR if n == 60 else OK
            faces[1] = (status, 0.5 + 0.4 * float(np.sin(n / 9)) if status is OK else None)
        if n >= 45:
            faces[2] = (OK, 0.1 + n / 200)
        made.append(frame_row(n, faces, detectors=DETECTORS, error="cut" if n == 66 else ""))
    return made


def dense_rows() -> list[FrameRow]:
    """More scores than pixels, with a stretch without a face and one abstained."""
    noise = np.random.default_rng(4).normal(0, 0.05, 6000)
    made = []
    for n in range(6000):
        faces: dict[int, tuple[ItemStatus, float | None]] = {}
        if not 2500 <= n < 2900:
            status = ABSTAINED if 4000 <= n < 4300 else OK
            value = min(1.0, max(0.0, 0.5 + 0.3 * float(np.sin(n / 500)) + float(noise[n])))
            faces[1] = (status, value if status is OK else None)
        made.append(frame_row(n, faces, detectors=DETECTORS))
    return made


def shown(
    qtbot: QtBot, desk: Desk, data: ExhibitData, size: tuple[int, int], shots: tuple[float, ...] = ()
) -> TimelinePanel:
    navigator = Navigator(desk)
    panel = TimelinePanel(desk, navigator, Player(navigator))
    qtbot.addWidget(panel)
    panel.resize(*size)
    panel.show()
    desk.data = replace(
        data, validated={"clip_ln": (ForgeryClass.FACE_SWAP,)}, thresholds={"clip_ln": replace(THRESHOLD, value=0.72)}
    )
    desk.exhibit_shown.emit()
    desk.results_shown.emit()
    panel.canvas.show_shots(Shots(True, (), shots, data.span[1]) if shots else None)
    navigator.go_to(24)
    qtbot.wait(30)
    panel.canvas.clearFocus()
    return panel


@BOTH
def test_timeline(themed: Theme, qtbot: QtBot, desk: Desk) -> None:
    data = exhibit(rows(), frames=75, detectors=DETECTORS)
    panel = shown(qtbot, desk, data, (900, 330), (0.0, 0.84, 2.2))
    check(f"timeline-{themed.name}", panel)


@BOTH
def test_timeline_close_with_in_and_out_and_its_table(themed: Theme, qtbot: QtBot, desk: Desk) -> None:
    data = exhibit(rows(), frames=75, detectors=DETECTORS)
    panel = shown(qtbot, desk, data, (1100, 330), (0.0, 0.84, 2.2))
    panel.canvas.span.start, panel.canvas.span.end = 42, 62
    panel.canvas.zoom(2.5, 2.0)
    panel.toggle_table()
    panel.table.clearFocus()
    qtbot.wait(30)
    check(f"timeline-close-{themed.name}", panel)


@BOTH
def test_timeline_of_a_long_clip(themed: Theme, qtbot: QtBot, desk: Desk) -> None:
    data = exhibit(dense_rows(), frames=6000, detectors=DETECTORS)
    check(f"timeline-long-{themed.name}", shown(qtbot, desk, data, (900, 330)))


@BOTH
def test_timeline_with_text_twice_as_large(themed: Theme, qapp: QApplication, qtbot: QtBot, desk: Desk) -> None:
    apply_theme(qapp, themed, 2.0)
    try:
        data = exhibit(rows(), frames=75, detectors=DETECTORS)
        check(f"timeline-200-{themed.name}", shown(qtbot, desk, data, (1500, 560), (0.0, 0.84, 2.2)))
    finally:
        apply_theme(qapp, themed)
