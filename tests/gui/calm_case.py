"""A window on a case of two stills with made-up results: nothing is decoded twice, no network is loaded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import pytest
from PySide6.QtCore import QSettings
from pytestqt.qtbot import QtBot

from tests.fakes.pattern_engine import PatternEngine
from tests.gui.conftest import clip_frame, end_all, rest
from tests.unit.storage import storage_samples as samples
from workstation.domain.examinations import ExaminationState
from workstation.domain.jobs import JobState, Lane
from workstation.ui.main_window import MainWindow
from workstation.ui.theme.sheet import dress, load_fonts


@dataclass(frozen=True)
class Calm:
    engine: PatternEngine
    case: Path


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Calm]:
    """A case with two stills; the first has two tracks, as an examination would have left them."""
    root = tmp_path_factory.mktemp("calm")
    engine = PatternEngine(root / "home")
    paths = []
    for number, name in enumerate(("one.png", "two.png")):
        paths.append(root / name)
        cv2.imwrite(str(paths[-1]), cv2.cvtColor(clip_frame(number), cv2.COLOR_RGB2BGR))
    session = engine.create_case(root / "case", number="77", title="Calm", examiner="A. Ruiz", question="?")
    job = engine.jobs.wait(session.import_files(paths), 250)
    assert job.state is JobState.DONE, job.error
    item = session.evidence()[0]
    run = session.store.start_examination(samples.plan(item.id), samples.ENVIRONMENT)
    session.store.append_rows([samples.full_row(run.id, item.id, 0)])
    session.store.end_examination(run.id, ExaminationState.DONE)
    session.close()
    # Lanes start with their first job; threads of the engine must be there before a test counts threads.
    for lane in Lane:
        engine.jobs.wait(engine.jobs.submit(lane, "start the lane", lambda _: None), 60)
    engine.jobs.clear_ended()
    yield Calm(engine, root / "case")
    engine.close()


@pytest.fixture
def open_calm(qtbot: QtBot, calm: Calm, settings: QSettings) -> Iterator[Callable[[Path | None], MainWindow]]:
    """Open a window on the calm case, or on none; it is closed after the test."""
    windows: list[MainWindow] = []
    load_fonts()

    def open_(case: Path | None) -> MainWindow:
        dress(settings)
        window = MainWindow(calm.engine, settings)
        windows.append(window)
        window.resize(1280, 800)
        window.show()
        qtbot.waitExposed(window)
        if case is not None:
            window.open_case(case)
            qtbot.waitUntil(lambda: window.desk.session is not None, timeout=60_000)
            rest(window, qtbot, 120_000)
        return window

    yield open_
    end_all(windows, calm.engine)


@pytest.fixture
def calm_window(open_calm: Callable[[Path | None], MainWindow], calm: Calm) -> MainWindow:
    """The window on the calm case, at rest, with the keyboard in the viewer."""
    window = open_calm(calm.case)
    window.activateWindow()
    window.viewer.canvas.setFocus()
    return window
