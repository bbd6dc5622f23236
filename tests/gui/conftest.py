"""The window on a real case: a small clip with a face, a stretch without, and a stretch where it is too small."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QSettings
from pytestqt.qtbot import QtBot

from tests.fakes.marked_engine import marked_portrait
from tests.fakes.pattern_engine import BOTH, PatternEngine
from workstation.app.engine import Engine
from workstation.domain.jobs import JobState, Lane
from workstation.domain.media import RgbArray
from workstation.media.clips import write_clip
from workstation.ui.main_window import MainWindow
from workstation.ui.theme.sheet import dress, load_fonts

FRAMES = 36
EXAMINED = 18
NO_FACE = range(12, 18)
SMALL = range(24, 30)


def clip_frame(number: int) -> RgbArray:
    """(180, 240, 3): the portrait swaying, plain ground, or the portrait far away."""
    portrait = marked_portrait(None)
    if number in NO_FACE:
        y, x = np.mgrid[0:180, 0:240]
        return np.stack([x // 3 + 40, y // 3 + 60, (x + y) // 6 + 50], axis=-1).astype(np.uint8)
    face_only = portrait[40:232, 128:384]
    if number in SMALL:
        far = cv2.resize(face_only, (56, 42), interpolation=cv2.INTER_AREA)
        frame = np.full((180, 240, 3), 96, np.uint8)
        frame[60:102, 90:146] = far
        return frame
    shift = round(6 * np.sin(number / 4))
    frame = cv2.resize(face_only, (240, 180), interpolation=cv2.INTER_LINEAR)
    return np.ascontiguousarray(np.roll(frame, shift, axis=1))


@dataclass(frozen=True)
class Lab:
    engine: PatternEngine
    case: Path
    clip: Path
    picture: Path


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A case with a clip (examined), a still (examined) and a damaged clip, made once."""
    root = tmp_path_factory.mktemp("lab")
    engine = PatternEngine(root / "home")
    clip, picture, damaged = root / "sway.mp4", root / "still.png", root / "cut.mp4"
    write_clip(clip, (clip_frame(n) for n in range(FRAMES)), rate=12, crf=18)
    cv2.imwrite(str(picture), cv2.cvtColor(clip_frame(0), cv2.COLOR_RGB2BGR))
    damaged.write_bytes(clip.read_bytes()[:9000])
    session = engine.create_case(
        root / "case", number="2026-001", title="Window test", examiner="A. Ruiz", question="Was the face manipulated?"
    )
    job = engine.jobs.wait(session.import_files([clip, picture, damaged]), 60)
    assert job.state is JobState.DONE, job.error
    job = engine.jobs.wait(session.examine(None, BOTH, EXAMINED), 120)
    assert job.state is JobState.DONE, job.error
    session.close()
    # Lanes start with their first job; threads of the engine must be there before a test counts threads.
    for lane in (Lane.REPORT, Lane.CHECK):
        engine.jobs.wait(engine.jobs.submit(lane, "start the lane", lambda _: None), 10)
    engine.jobs.clear_ended()
    yield Lab(engine, root / "case", clip, picture)
    engine.close()


Open = Callable[..., MainWindow]


def rest(window: MainWindow, qtbot: QtBot, limit: int = 20_000) -> None:
    """Wait until the window has shown everything it asked for."""
    quiet = 0

    def settled() -> None:
        nonlocal quiet
        quiet = quiet + 1 if window.settled else 0
        assert quiet >= 4

    qtbot.waitUntil(settled, timeout=limit)


@pytest.fixture
def settings(tmp_path: Path) -> QSettings:
    return QSettings(str(tmp_path / "window.ini"), QSettings.Format.IniFormat)


def end_all(windows: list[MainWindow], engine: Engine) -> None:
    """Close windows and their cases; what is left of them is destroyed now, not by a worker of a later test."""
    for window in windows:
        session = window.desk.session
        window.close_now()
        if session is not None:
            session.close()
        window.deleteLater()
    engine.jobs.clear_ended()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    windows.clear()
    gc.collect()


@pytest.fixture
def open_window(qtbot: QtBot, lab: Lab, settings: QSettings) -> Iterator[Open]:
    """Open a window of pinned size on a case (or on none) of the lab's engine; it is closed after the test."""
    windows: list[MainWindow] = []
    load_fonts()

    def open_(case: Path | None = None, width: int = 1280, height: int = 800) -> MainWindow:
        dress(settings)
        window = MainWindow(lab.engine, settings)
        windows.append(window)
        window.resize(width, height)
        window.show()
        qtbot.waitExposed(window)
        if case is not None:
            window.open_case(case)
            qtbot.waitUntil(lambda: window.desk.session is not None, timeout=15_000)
            rest(window, qtbot)
        return window

    yield open_
    end_all(windows, lab.engine)


@pytest.fixture
def window(open_window: Open, lab: Lab) -> MainWindow:
    """The window on the lab's case, at rest, with the keyboard in the viewer."""
    window = open_window(lab.case)
    window.activateWindow()
    window.viewer.canvas.setFocus()
    return window
