"""The main job in the window, on the real engine: drop, run, watch it fill in, cancel, go on, report, export."""

from __future__ import annotations

from pathlib import Path

import cv2
import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QDialogButtonBox, QLabel
from pytestqt.qtbot import QtBot

from tests.gui.conftest import Lab, Open, rest
from workstation.domain.examinations import ExaminationState
from workstation.domain.jobs import JobState
from workstation.ui.dialogs.confirm import ConfirmBox
from workstation.ui.dialogs.new_case import NewCaseDialog
from workstation.ui.dialogs.run import RunDialog
from workstation.ui.main_window import MainWindow


def drop(window: MainWindow, paths: list[Path]) -> bool:
    """Drop files on the window as a file manager does; whether the window accepted them."""
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    actions = Qt.DropAction.CopyAction | Qt.DropAction.MoveAction
    left, none = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(QPointF(600, 300).toPoint(), actions, data, left, none)
    window.dragEnterEvent(enter)
    if not enter.isAccepted():
        return False
    event = QDropEvent(QPointF(600, 300), actions, data, left, none)
    window.dropEvent(event)
    return event.isAccepted()


@pytest.fixture
def empty(open_window: Open, qtbot: QtBot, tmp_path: Path) -> MainWindow:
    window = open_window()
    window.desk.create_case(tmp_path / "case", number="9", title="Drop", examiner="E", question="?")
    qtbot.waitUntil(lambda: window.desk.session is not None, timeout=10_000)
    rest(window, qtbot)
    return window


def ended(window: MainWindow) -> bool:
    return bool(window.jobs.jobs) and not window.jobs.active


def test_dropped_files_are_taken_in_and_refused_ones_are_told(
    empty: MainWindow, lab: Lab, qtbot: QtBot, tmp_path: Path
) -> None:
    text = tmp_path / "letter.mp4"
    text.write_text("not a video")
    assert drop(empty, [lab.picture, text])
    qtbot.waitUntil(lambda: len(empty.desk.items) == 1 and ended(empty), timeout=20_000)
    rest(empty, qtbot)
    assert empty.desk.data is not None
    assert empty.desk.data.item.name == "still.png"
    assert empty.stage.shown is not None
    assert "1 file was refused" in empty.banner.text
    assert "letter.mp4" in empty.banner.text
    assert "Not examined yet" in empty.inspector.detectors._coverage.text()
    assert "verified" in empty.case_panel.model.index_of(empty.desk.items[0].id).data(Qt.ItemDataRole.ToolTipRole)


def test_what_is_dropped_without_a_case_asks_for_one_and_is_forgotten_without_it(
    open_window: Open, lab: Lab, qtbot: QtBot
) -> None:
    window = open_window()
    assert drop(window, [lab.picture])
    assert isinstance(window.work.dialog, NewCaseDialog)
    window.work.dialog.reject()
    assert window.desk.session is None
    window.open_case(lab.case)
    qtbot.waitUntil(lambda: window.desk.session is not None, timeout=20_000)
    rest(window, qtbot)
    assert not window.jobs.active
    assert len(window.desk.items) == 3


def test_run_from_the_dialog_fills_the_timeline_while_it_runs(empty: MainWindow, lab: Lab, qtbot: QtBot) -> None:
    drop(empty, [lab.clip])
    qtbot.waitUntil(lambda: len(empty.desk.items) == 1 and ended(empty), timeout=20_000)
    rest(empty, qtbot)
    seen: list[tuple[int, bool]] = []

    def note() -> None:
        data = empty.desk.data
        if data is not None and data.run is not None:
            seen.append((len(data.lanes.frames), empty.jobs.running is not None))

    empty.desk.results_shown.connect(note)
    empty.commands["run"].trigger()
    qtbot.waitUntil(lambda: isinstance(empty.work.dialog, RunDialog), timeout=10_000)
    dialog = empty.work.dialog
    assert isinstance(dialog, RunDialog)
    assert dialog.choice.detectors == ("rings",)
    told = [note.text() for note in dialog.findChildren(QLabel)]
    assert "1 embedded left unticked: not validated for any kind of forgery. Tick to add." in told
    dialog._detectors[1][1].setChecked(True)
    assert dialog.choice.detectors == ("rings", "slope")
    assert dialog.choice.frames == 32
    dialog._every.setChecked(True)
    assert dialog.choice.frames == 0
    box = dialog.findChild(QDialogButtonBox)
    assert box is not None
    QTest.mouseClick(dialog._run, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: empty.jobs.running is not None, timeout=10_000)
    qtbot.waitUntil(lambda: ended(empty), timeout=60_000)
    rest(empty, qtbot)
    data = empty.desk.data
    assert data is not None
    assert data.run is not None
    assert data.run.state is ExaminationState.DONE
    assert len(data.lanes.frames) == data.frames
    assert data.coverage is not None
    assert data.coverage.examined == data.frames
    counts = [count for count, _ in seen]
    assert counts == sorted(counts)
    assert any(0 < count < data.frames and running for count, running in seen), seen
    assert empty.stage.shown is not None
    assert empty.stage.shown.faces
    assert empty.commands["report.build"].isEnabled()


def test_esc_cancels_keeps_what_was_committed_and_offers_to_go_on(empty: MainWindow, lab: Lab, qtbot: QtBot) -> None:
    drop(empty, [lab.clip])
    qtbot.waitUntil(lambda: len(empty.desk.items) == 1 and ended(empty), timeout=20_000)
    session = empty.desk.session
    assert session is not None
    empty.desk.ask(lambda: session.examine(frames=0), empty.work._submitted)
    qtbot.waitUntil(lambda: empty.desk.data is not None and len(empty.desk.data.lanes.frames) > 0, timeout=60_000)
    QTest.keyClick(empty.viewer.canvas, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: ended(empty), timeout=30_000)
    rest(empty, qtbot)
    assert empty.jobs.jobs[-1].state is JobState.CANCELLED
    data = empty.desk.data
    assert data is not None
    assert data.run is not None
    assert data.run.state is ExaminationState.CANCELLED
    kept = len(data.lanes.frames)
    assert 0 < kept < data.frames
    assert empty.commands["resume"].isEnabled()
    empty.commands["resume"].trigger()
    qtbot.waitUntil(lambda: len(empty.jobs.jobs) == 3 and ended(empty), timeout=60_000)
    rest(empty, qtbot)
    assert empty.desk.data is not None
    assert len(empty.desk.data.lanes.frames) == data.frames


def test_report_is_built_and_stands_in_the_tree(window: MainWindow, qtbot: QtBot) -> None:
    before = len(window.desk.reports)
    window.commands["report.build"].trigger()
    qtbot.waitUntil(lambda: len(window.desk.reports) == before + 1 and ended(window), timeout=60_000)
    assert "SHA-256" in window.banner.text
    last = window.desk.reports[-1]
    model = window.case_panel.model
    qtbot.waitUntil(lambda: model.index_of(last.id).isValid(), timeout=20_000)
    assert model.rowCount(model.parent(model.index_of(last.id))) == before + 1
    assert window.jobs.jobs[-1].state is JobState.DONE
    assert last.number == before + 1


def test_frame_is_exported_with_its_burn_in(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    target = tmp_path / "frame.png"
    window.work.export_frame_to(target)
    qtbot.waitUntil(target.is_file, timeout=30_000)
    qtbot.waitUntil(lambda: ended(window), timeout=10_000)
    picture = cv2.imread(str(target))
    assert picture is not None
    assert picture.shape[1] >= 640
    qtbot.waitUntil(lambda: "frame.png" in window.banner.text, timeout=5_000)


def test_verify_goes_through_the_queue(window: MainWindow, qtbot: QtBot) -> None:
    before = len(window.desk.custody)
    window.commands["exhibit.verify"].trigger()
    qtbot.waitUntil(lambda: ended(window) and len(window.desk.custody) >= before + 3, timeout=20_000)
    assert all(item.integrity.value == "verified" for item in window.desk.items)


def test_changed_exhibit_is_the_only_thing_in_red(empty: MainWindow, lab: Lab, qtbot: QtBot) -> None:
    drop(empty, [lab.picture])
    qtbot.waitUntil(lambda: len(empty.desk.items) == 1 and ended(empty), timeout=20_000)
    session = empty.desk.session
    assert session is not None
    stored = session.folder / empty.desk.items[0].stored_path
    stored.parent.chmod(0o700)
    stored.chmod(0o600)
    data = bytearray(stored.read_bytes())
    data[-20] ^= 1
    stored.write_bytes(bytes(data))
    empty.commands["exhibit.verify"].trigger()
    qtbot.waitUntil(lambda: empty.desk.items[0].integrity.value == "MISMATCH", timeout=20_000)
    qtbot.waitUntil(lambda: "MISMATCH: EX-01" in empty.status._integrity.label.text())
    assert empty.status._integrity.label.objectName() == "alarm"
    qtbot.waitUntil(lambda: "MISMATCH" in empty.banner.text)


def test_new_case_is_made_from_the_dialog(open_window: Open, qtbot: QtBot, tmp_path: Path) -> None:
    window = open_window()
    window.commands["case.new"].trigger()
    dialog = window.work.dialog
    assert isinstance(dialog, NewCaseDialog)
    assert not dialog._make.isEnabled()
    QTest.keyClicks(dialog.number, "2026/77 b")
    assert dialog.folder.text().endswith("2026-77-b")
    QTest.keyClicks(dialog.title, "From the dialog")
    QTest.keyClicks(dialog.examiner, "B. Lund")
    dialog.folder.setText(str(tmp_path / "made"))
    assert dialog._make.isEnabled()
    dialog._make.click()
    qtbot.waitUntil(lambda: window.desk.session is not None, timeout=10_000)
    rest(window, qtbot)
    assert (tmp_path / "made" / "case.sqlite").is_file()
    assert "2026/77 b" in window.windowTitle()


def test_closing_while_a_job_runs_is_asked_first(empty: MainWindow, lab: Lab, qtbot: QtBot) -> None:
    drop(empty, [lab.clip])
    qtbot.waitUntil(lambda: len(empty.desk.items) == 1 and ended(empty), timeout=20_000)
    session = empty.desk.session
    assert session is not None
    empty.desk.ask(lambda: session.examine(frames=0), empty.work._submitted)
    qtbot.waitUntil(lambda: empty.jobs.running is not None, timeout=20_000)
    empty.close()
    assert empty.isVisible()
    box = empty.work.dialog
    assert isinstance(box, ConfirmBox)
    box.reject()
    assert empty.isVisible()
    empty.commands["case.close"].trigger()
    box = empty.work.dialog
    assert isinstance(box, ConfirmBox)
    box.yes.click()
    qtbot.waitUntil(lambda: empty.desk.session is None and ended(empty), timeout=30_000)
    rest(empty, qtbot)
    assert empty.jobs.jobs[-1].state is JobState.CANCELLED
    assert not empty.docks["timeline"].isVisible()


def test_job_rows_tell_state_and_cancel(empty: MainWindow, lab: Lab, qtbot: QtBot) -> None:
    empty.commands["view.jobs"].trigger()
    assert empty.docks["jobs"].isVisible()
    drop(empty, [lab.clip])
    qtbot.waitUntil(lambda: len(empty.desk.items) == 1 and ended(empty), timeout=20_000)
    session = empty.desk.session
    assert session is not None
    empty.desk.ask(lambda: session.examine(frames=0), empty.work._submitted)
    qtbot.waitUntil(lambda: empty.jobs.running is not None, timeout=20_000)
    qtbot.waitUntil(lambda: len(empty.jobs_panel._rows) == 2)
    row = list(empty.jobs_panel._rows.values())[-1]
    assert "Queue 1/1" in empty.status.queue.text()
    row.cancel.click()
    qtbot.waitUntil(lambda: ended(empty), timeout=30_000)
    qtbot.waitUntil(lambda: row._state.text() == "cancelled")
    empty.jobs.clear_ended()
    assert empty.jobs_panel._rows == {}
