# ruff: noqa: F811 - fixtures are imported by name
"""The tree and its findings, views as text, jobs, custody, settings and the models of it all (3.2, U11, U28, E7)."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QAbstractItemModel
from PySide6.QtTest import QAbstractItemModelTester
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from tests.gui.calm_case import Calm, calm, calm_window, open_calm  # noqa: F401 - fixtures
from tests.gui.conftest import rest
from workstation.app.settings import Settings
from workstation.domain.edits import ExaminerObject, ObjectKind
from workstation.domain.jobs import JobContext, JobState, Lane
from workstation.ui.dialogs.crash import CrashBox
from workstation.ui.dialogs.custody_viewer import CustodyViewer
from workstation.ui.dialogs.detector_manager import DetectorManager
from workstation.ui.dialogs.log_viewer import LogViewer
from workstation.ui.dialogs.settings import SettingsDialog
from workstation.ui.main_window import MainWindow
from workstation.ui.models.case_nodes import ObjectEntry, TrackLine
from workstation.ui.models.case_tree import Role

LONG = 60_000


def shown(window: MainWindow) -> list[str]:
    """Every line of the tree, indented by its level."""
    model, lines = window.case_panel.model, []

    def walk(parent: object, level: int) -> None:
        for row in range(model.rowCount(parent)):  # type: ignore[arg-type]
            index = model.index(row, 0, parent)  # type: ignore[arg-type]
            lines.append("  " * level + str(index.data()))
            walk(index, level + 1)

    walk(model.index(-1, 0), 0)
    return lines


def things(window: MainWindow, kind: ObjectKind) -> list[ExaminerObject]:
    return [thing for thing in window.desk.objects if thing.kind is kind]


def write_finding(window: MainWindow, title: str, parent: str, qtbot: QtBot) -> ExaminerObject:
    window.tree_work.new_finding(parent)
    dialog = window.tree_work.dialog
    assert dialog is not None
    assert not dialog.save.isEnabled()
    dialog.title.setText(title)
    dialog.save.click()
    qtbot.waitUntil(lambda: any(t.body["title"] == title for t in things(window, ObjectKind.FINDING)), timeout=LONG)
    return next(t for t in things(window, ObjectKind.FINDING) if t.body["title"] == title)


def undo_all(window: MainWindow, qtbot: QtBot) -> None:
    while window.desk.undo_state is not None and window.desk.undo_state.undo is not None:
        before = window.desk.undo_state
        window.commands["edit.undo"].trigger()
        qtbot.waitUntil(lambda before=before: window.desk.undo_state != before, timeout=LONG)
    assert window.desk.objects == ()


def test_the_tree_holds_everything_and_every_edit_can_be_undone(calm_window: MainWindow, qtbot: QtBot) -> None:
    window = calm_window
    tester = QAbstractItemModelTester(window.case_panel.model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    proxy = window.case_panel.tree.model()
    other = QAbstractItemModelTester(proxy, QAbstractItemModelTester.FailureReportingMode.Fatal)
    assert [line for line in shown(window) if line.startswith("    ")] == ["    T1", "    T2"]
    mouth = write_finding(window, "Mouth", "", qtbot)
    write_finding(window, "Teeth", mouth.id, qtbot)
    window.marks.add_bookmark("seam")
    session = window.desk.session
    assert session is not None
    session.editing.tag(window.desk.items[1].id, "light/flicker")
    rest(window, qtbot, LONG)
    lines = [line.rstrip() for line in shown(window)]
    at = lines.index("  Mouth EX-01 · open")
    assert lines[at + 1] == "    Teeth EX-01 · open"
    assert "  light" in lines
    assert "    flicker" in lines
    assert "      EX-02 two.png" in lines
    assert any(line.startswith("  seam") for line in lines)
    window.tree_work.remove(mouth.id)
    rest(window, qtbot, LONG)
    assert "  Teeth EX-01 · open" in [line.rstrip() for line in shown(window)]
    undo_all(window, qtbot)
    assert not any("Teeth" in line for line in shown(window))
    del tester, other


def test_entries_of_the_tree_lead_there(calm_window: MainWindow, qtbot: QtBot) -> None:
    window, panel = calm_window, calm_window.case_panel
    window.navigator.visit(window.desk.items[1].id, 0)
    qtbot.waitUntil(lambda: window.desk.data is not None and window.desk.data.item.exhibit == "EX-02", timeout=LONG)
    rest(window, qtbot, LONG)
    track = next(node.entry for node in panel.model.entries() if isinstance(node.entry, TrackLine))
    panel.went.emit(track)
    qtbot.waitUntil(lambda: window.desk.data is not None and window.desk.data.item.exhibit == "EX-01", timeout=LONG)
    assert track.track is not None
    assert window.navigator.track == track.track.track
    window.navigator.back()
    qtbot.waitUntil(lambda: window.desk.data is not None and window.desk.data.item.exhibit == "EX-02", timeout=LONG)
    names = [action.text() for action in panel.menu(panel.tree.model().index(0, 0)).actions()]
    assert names == ["New finding…"]
    rest(window, qtbot, LONG)


def test_an_outcome_cannot_be_saved_without_what_speaks_against_it(calm_window: MainWindow, qtbot: QtBot) -> None:
    window = calm_window
    finding = write_finding(window, "Edge", "", qtbot)
    window.tree_work.look_into(ObjectEntry("Edge", thing=finding))
    dialog = window.tree_work.dialog
    assert dialog is not None
    dialog.outcome.setCurrentIndex(dialog.outcome.findData("inconclusive"))
    assert not dialog.save.isEnabled()
    assert "against" in dialog.told.text()
    dialog.against.setPlainText("A filter would look alike.")
    assert dialog.save.isEnabled()
    dialog.save.click()
    qtbot.waitUntil(lambda: things(window, ObjectKind.FINDING)[0].body.get("outcome") == "inconclusive", timeout=LONG)
    undo_all(window, qtbot)


def test_a_view_is_text_that_opens_again(calm_window: MainWindow, qtbot: QtBot) -> None:
    """U28: exhibit by digest, frame by time stamp, zoom and overlays; kept with a bookmark, too."""
    window = calm_window
    window.viewer.canvas.actual_size()
    window.overlay.set_opacity(0.7)
    window.commands["view.copy"].trigger()
    text = QApplication.clipboard().text()
    view = json.loads(text)
    assert view["exhibit_sha256"] == window.desk.items[0].sha256
    assert view["overlay"]["opacity"] == 0.7
    assert view["overlay"]["range"] == [0, 1]
    window.marks.add_bookmark("as seen")
    rest(window, qtbot, LONG)
    (mark,) = things(window, ObjectKind.BOOKMARK)
    assert window.tree_work.views.of(mark) is not None
    place = window.viewer.canvas.place
    window.overlay.set_opacity(0.2)
    window.viewer.canvas.fit()
    window.tree_work.look_into(ObjectEntry("as seen", thing=mark))
    assert window.overlay.opacity == 0.7
    assert window.viewer.canvas.place == place
    window.navigator.visit(window.desk.items[1].id, 0)
    qtbot.waitUntil(lambda: window.desk.data is not None and window.desk.data.item.exhibit == "EX-02", timeout=LONG)
    window.tree_work.views.open_text(text)
    qtbot.waitUntil(lambda: window.desk.data is not None and window.desk.data.item.exhibit == "EX-01", timeout=LONG)
    for wrong in ("no view", json.dumps(view | {"exhibit_sha256": "0" * 64})):
        QApplication.clipboard().setText(wrong)
        window.commands["view.open"].trigger()
        assert window.work.dialog is not None
        window.work.dialog.reject()
    rest(window, qtbot, LONG)
    undo_all(window, qtbot)


def test_a_job_is_paused_gone_on_with_and_tried_again(calm_window: MainWindow, calm: Calm, qtbot: QtBot) -> None:
    window, jobs = calm_window, calm.engine.jobs
    tries: list[int] = []
    steps = threading.Semaphore(0)

    def work(context: JobContext) -> dict[str, object]:
        tries.append(1)
        for number in (1, 2, 3):
            context.progress(number, 3, f"EX-0{number}")
            steps.acquire(timeout=30)
        if len(tries) == 1:
            raise ValueError("once")
        return {}

    job = jobs.submit(Lane.IO, "Three things", work)
    qtbot.waitUntil(lambda: jobs.get(job).state is JobState.RUNNING, timeout=LONG)
    qtbot.waitUntil(lambda: job in window.jobs_panel._rows, timeout=LONG)
    row = window.jobs_panel._rows[job]
    row.hold.click()
    steps.release()
    qtbot.waitUntil(lambda: "paused" in window.status.queue.text(), timeout=LONG)
    assert row._state.text() == "paused"
    row.more.setChecked(True)
    assert "EX-01 · done" in row._items.text()
    row.hold.click()
    steps.release(10)
    qtbot.waitUntil(lambda: jobs.get(job).state is JobState.FAILED, timeout=LONG)
    qtbot.waitUntil(lambda: not row.retry.isHidden(), timeout=LONG)
    assert "EX-03 · failed" in row._items.text()
    row.retry.click()
    qtbot.waitUntil(lambda: len(tries) == 2 and jobs.all()[-1].state is JobState.DONE, timeout=LONG)


def test_custody_is_filtered_proved_and_verified(calm_window: MainWindow, qtbot: QtBot) -> None:
    window = calm_window
    window.commands["custody.view"].trigger()
    viewer = window.casework.dialog
    assert isinstance(viewer, CustodyViewer)
    everything = len(viewer.model.rows)
    viewer.kinds.setCurrentIndex(viewer.kinds.findData("evidence_taken_in"))
    assert len(viewer.model.rows) == 2
    viewer.filter.setText("two.png")
    viewer.refresh()
    assert len(viewer.model.rows) == 1
    assert "two.png" in viewer.sheet.toPlainText()
    viewer.prove.click()
    qtbot.waitUntil(lambda: not viewer.copy.isHidden(), timeout=LONG)
    assert "signed head" in viewer.told.text()
    viewer.copy.click()
    assert json.loads(QApplication.clipboard().text())["event"]["kind"] == "evidence_taken_in"
    viewer.filter.setText("nothing like it")
    viewer.refresh()
    assert "clear the filter" in viewer.told.text()
    viewer.filter.clear()
    viewer.kinds.setCurrentIndex(0)
    assert len(viewer.model.rows) >= everything
    viewer.verify.click()
    qtbot.waitUntil(viewer.verify.isEnabled, timeout=LONG)
    assert viewer.told.text().startswith("Verified")
    viewer.close()


def test_settings_are_written_from_the_form(
    open_calm: Callable[[Path | None], MainWindow], calm: Calm, qtbot: QtBot
) -> None:
    window = open_calm(None)
    window.commands["settings"].trigger()
    qtbot.waitUntil(lambda: isinstance(window.casework.machine.dialog, SettingsDialog), timeout=LONG)
    dialog = window.casework.machine.dialog
    assert isinstance(dialog, SettingsDialog)
    assert set(dialog.inputs) == set(Settings.model_fields)
    assert all(widget.accessibleDescription() for widget in dialog.inputs.values())
    dialog.inputs["organisation"].setText("Lab 7")  # type: ignore[attr-defined]
    assert dialog.values == {"organisation": "Lab 7"}
    dialog.accept()
    path = calm.engine.home.root / "settings.toml"
    qtbot.waitUntil(path.exists, timeout=LONG)
    assert 'organisation = "Lab 7"' in path.read_text()
    qtbot.waitUntil(lambda: not window.desk.busy, timeout=LONG)
    path.unlink()


def test_detectors_and_log_are_shown(open_calm: Callable[[Path | None], MainWindow], qtbot: QtBot) -> None:
    window = open_calm(None)
    machine = window.casework.machine
    window.commands["detectors.manage"].trigger()
    qtbot.waitUntil(lambda: isinstance(machine.dialog, DetectorManager), timeout=LONG)
    manager = machine.dialog
    assert isinstance(manager, DetectorManager)
    assert [row.key for row in manager.model.rows] == ["rings", "slope"]
    words = {row.key: row.cells[2] for row in manager.model.rows}
    assert words["rings"].text == "face swap"
    assert (words["slope"].text, words["slope"].second) == ("not validated", "for any kind")
    assert not manager.remove.isEnabled(), "an embedded one stays"
    manager.reject()
    window.commands["log.view"].trigger()
    qtbot.waitUntil(lambda: isinstance(machine.dialog, LogViewer), timeout=LONG)
    viewer = machine.dialog
    assert isinstance(viewer, LogViewer)
    qtbot.waitUntil(lambda: "It stays on this machine" in viewer.told.text(), timeout=LONG)
    viewer.reject()


def test_a_fault_is_told_with_a_report_that_stays_here(
    open_calm: Callable[[Path | None], MainWindow],
    calm: Calm,
    qtbot: QtBot,
) -> None:
    window = open_calm(None)
    machine = window.casework.machine
    try:
        raise RuntimeError("cannot read '/cases/77/Smith.mp4'")
    except RuntimeError as fault:
        machine.tell_unexpected(type(fault), fault, fault.__traceback__)
    box = machine.dialog
    assert isinstance(box, CrashBox)
    assert "Smith" not in box.text.toPlainText()
    assert "nothing was sent" in box.place.text()
    (written,) = calm.engine.home.logs.glob("crash-*.txt")
    assert "Smith" not in written.read_text()
    box.contents.setChecked(True)
    assert "Smith" in box.text.toPlainText()
    box.reject()
    for path in calm.engine.home.logs.glob("crash-*.txt"):
        path.unlink()


def test_every_model_of_the_window_keeps_the_rules_of_models(calm_window: MainWindow, qtbot: QtBot) -> None:
    window = calm_window
    models = [model for model in window.findChildren(QAbstractItemModel) if model.objectName() != "qt"]
    assert len(models) >= 6
    testers = [
        QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)
        for model in models
        if type(model).__module__.startswith("workstation.")
    ]
    assert len(testers) >= 5
    window.marks.add_bookmark("seam")
    rest(window, qtbot, LONG)
    window.navigator.visit(window.desk.items[1].id, 0)
    rest(window, qtbot, LONG)
    window.marks.undo()
    rest(window, qtbot, LONG)
    assert window.case_panel.model.index_of("no such thing").data(Role.KEY) is None
    testers.clear()


def test_the_first_page_leads(open_calm: Callable[[Path | None], MainWindow], qtbot: QtBot, tmp_path: Path) -> None:
    window = open_calm(None)
    assert window.commands["case.sample"].isEnabled()
    window.casework.beginning.begin_with([tmp_path / "dropped.png"])
    assert window.work.dialog is not None
    window.work.dialog.reject()
    window.activateWindow()
    window.welcome.say("Making the sample case …")
    assert not window.welcome._sample.isEnabled()
    window.welcome.say("")
    assert window.welcome._sample.isEnabled()
    window.commands["palette"].trigger()
    assert window.palette_box.isVisible()
