"""Exhibits in the window: the dialog, what is left to go on with, and the red state that keeps a report away."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from tests.gui.conftest import Lab, Open, rest
from workstation.domain.custody import CustodyKind
from workstation.domain.evidence import IntegrityState
from workstation.domain.intake import BatchState
from workstation.domain.jobs import Job, JobState, Lane
from workstation.ui.dialogs.intake import IntakeDialog
from workstation.ui.main_window import MainWindow
from workstation.ui.panels.jobs_panel import JobRow


@pytest.fixture
def examined(lab: Lab, tmp_path: Path) -> Path:
    """A case of the lab's engine with one examined picture, closed."""
    session = lab.engine.create_case(tmp_path / "case", number="5", title="Red", examiner="E", question="?")
    lab.engine.jobs.wait(session.import_files([lab.picture]), 60)
    lab.engine.jobs.wait(session.examine(), 60)
    session.close()
    lab.engine.jobs.clear_ended()
    return tmp_path / "case"


def flip(case: Path) -> None:
    (stored,) = [path for path in (case / "evidence").rglob("*") if path.is_file()]
    stored.chmod(0o600)
    data = bytearray(stored.read_bytes())
    data[-20] ^= 1
    stored.write_bytes(bytes(data))
    stored.chmod(0o444)


def events(window: MainWindow, kind: CustodyKind) -> int:
    return sum(event.kind is kind for event in window.desk.custody)


def test_a_flipped_byte_opens_red_and_the_report_button_says_why(
    open_window: Open, examined: Path, qtbot: QtBot
) -> None:
    flip(examined)
    window = open_window(examined)
    report = window.commands["report.build"]
    qtbot.waitUntil(lambda: window.desk.items[0].integrity is IntegrityState.MISMATCH, timeout=20_000)
    qtbot.waitUntil(lambda: not window.jobs.checking and events(window, CustodyKind.EVIDENCE_MISMATCH) == 1)
    rest(window, qtbot)
    assert window.status._integrity.label.text() == "Integrity MISMATCH: EX-01"
    assert window.status._integrity.label.objectName() == "alarm"
    tree = window.case_panel.model
    shown = tree.index(0, 0, tree.index(0, 0)).data(Qt.ItemDataRole.ToolTipRole)
    assert "MISMATCH" in shown
    assert "MISMATCH" in window.viewer.header._digest.text()
    assert "color" in window.viewer.header._digest.styleSheet()
    qtbot.waitUntil(lambda: "MISMATCH: EX-01" in window.banner.text)
    assert not report.isEnabled()
    assert "EX-01" in report.toolTip()
    assert "MISMATCH" in report.toolTip()
    flip(examined)
    window.commands["exhibit.verify"].trigger()
    qtbot.waitUntil(report.isEnabled, timeout=20_000)
    rest(window, qtbot)
    assert "MISMATCH" not in report.toolTip()
    assert window.status._integrity.label.text().startswith("Integrity: 1 of 1 exhibit verified")
    assert events(window, CustodyKind.EVIDENCE_MISMATCH) == 1
    assert events(window, CustodyKind.EVIDENCE_VERIFIED) == 1


def test_a_stopped_import_is_offered_and_goes_on(open_window: Open, lab: Lab, qtbot: QtBot, tmp_path: Path) -> None:
    session = lab.engine.create_case(tmp_path / "case", number="6", title="Stopped", examiner="E", question="?")
    facts = lab.picture.stat()
    batch = session.store.intake.begin([(str(lab.picture), facts.st_size, facts.st_mtime_ns)])
    session.store.intake.end(batch.id, BatchState.INTERRUPTED)
    session.close()
    window = open_window(tmp_path / "case")
    qtbot.waitUntil(lambda: "1 of 1 files still to be taken in" in window.banner.text)
    assert window.banner._button.text() == "Continue the import"
    window.banner._button.click()
    qtbot.waitUntil(lambda: len(window.desk.items) == 1 and not window.jobs.active, timeout=20_000)
    rest(window, qtbot)
    qtbot.waitUntil(lambda: "1 listed: 1 taken in." in window.banner.text)


def test_the_dialog_takes_files_and_folders_with_purpose_and_authority(
    open_window: Open, lab: Lab, qtbot: QtBot, tmp_path: Path
) -> None:
    window = open_window()
    window.desk.create_case(tmp_path / "case", number="7", title="Asked", examiner="E", question="?")
    qtbot.waitUntil(lambda: window.desk.session is not None, timeout=10_000)
    rest(window, qtbot)
    window.commands["exhibit.import"].trigger()
    dialog = window.work.dialog
    assert isinstance(dialog, IntakeDialog)
    assert not dialog.take.isEnabled()
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.png").write_bytes(lab.picture.read_bytes())
    (tmp_path / "in" / "b.png").write_bytes(lab.picture.read_bytes())
    dialog.add([tmp_path / "in", tmp_path / "in", tmp_path / "gone"])
    assert dialog.list.count() == 2
    dialog.list.item(1).setSelected(True)
    dialog._drop.click()
    QTest.keyClicks(dialog.purpose, "examination")
    QTest.keyClicks(dialog.authority, "order 9")
    dialog.note.setPlainText("by courier")
    dialog.take.click()
    qtbot.waitUntil(lambda: len(window.desk.items) == 1 and not window.jobs.active, timeout=20_000)
    rest(window, qtbot)
    session = window.desk.session
    assert session is not None
    (origin,) = session.origins().values()
    assert (origin.purpose, origin.authority) == ("examination", "order 9")
    assert window.desk.items[0].note == "by courier"
    qtbot.waitUntil(lambda: "2 listed: 1 taken in, 1 already in the case." in window.banner.text)


def test_progress_of_more_bytes_than_fit_in_32_bits(qtbot: QtBot) -> None:
    row = JobRow(Job("1", Lane.IO, "t", None, JobState.RUNNING, 3 << 33, 1 << 35, "bytes"))  # type: ignore[arg-type]
    qtbot.addWidget(row)
    assert (row._bar.value(), row._bar.maximum()) == (750, 1000)
    assert row._state.text() == "24.0 GiB / 32.0 GiB"
