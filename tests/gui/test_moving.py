"""Cases that move, in the window: exported, backed up, taken in again, encrypted and opened with the passphrase."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PySide6.QtCore import QSettings, Qt
from pytestqt.qtbot import QtBot

from tests.gui.conftest import Lab, Open, rest
from workstation.app.engine import Engine
from workstation.ui.dialogs.export import ExportDialog
from workstation.ui.dialogs.new_case import NewCaseDialog
from workstation.ui.dialogs.passphrase import PassphraseDialog
from workstation.ui.dialogs.told import ErrorBox
from workstation.ui.main_window import MainWindow


@contextmanager
def elsewhere(tmp_path: Path, settings: QSettings) -> Iterator[MainWindow]:
    """A window on another workstation, which knows no case yet."""
    with Engine(tmp_path / "other-home") as engine:
        window = MainWindow(engine, settings)
        window.show()
        yield window
        session = window.desk.session
        window.close()
        if session is not None:
            session.close()
        window.deleteLater()


def test_a_case_leaves_and_comes_back(
    open_window: Open, lab: Lab, qtbot: QtBot, settings: QSettings, tmp_path: Path
) -> None:
    window = open_window(lab.case)
    exhibits = len(window.desk.items)
    window.commands["case.export"].trigger()
    dialog = window.moving.dialog
    assert isinstance(dialog, ExportDialog)
    pack = tmp_path / "out.zip"
    dialog.target.setText(str(pack))
    dialog.recipient.setText("Court 5")
    dialog.yes.click()
    qtbot.waitUntil(lambda: "Exported: out.zip" in window.banner.text, timeout=60_000)
    assert zipfile.is_zipfile(pack)
    rest(window, qtbot)
    assert any(event.kind.value == "exported" and "Court 5" in event.body for event in window.desk.custody)
    window.moving.take_in_pack(pack, tmp_path / "again")
    qtbot.waitUntil(lambda: isinstance(window.work.dialog, ErrorBox) or "already" in window.banner.text, timeout=60_000)
    if window.work.dialog is not None:
        window.work.dialog.close()
    assert not (tmp_path / "again").exists(), "two chains must not go on from one head on one workstation"
    with elsewhere(tmp_path, settings) as other:
        other.moving.take_in_pack(pack, tmp_path / "again")
        qtbot.waitUntil(lambda: "Taken in and verified" in other.banner.text, timeout=60_000)
        other.open_case(tmp_path / "again")
        qtbot.waitUntil(lambda: other.desk.session is not None, timeout=15_000)
        rest(other, qtbot)
        assert len(other.desk.items) == exhibits


def test_a_disclosure_needs_exhibits(open_window: Open, lab: Lab, tmp_path: Path) -> None:
    window = open_window(lab.case)
    window.moving.ask_export()
    dialog = window.moving.dialog
    assert isinstance(dialog, ExportDialog)
    dialog.target.setText(str(tmp_path / "part.zip"))
    assert dialog.yes.isEnabled()
    dialog.part.setChecked(True)
    assert not dialog.yes.isEnabled()
    dialog.list.item(1).setCheckState(Qt.CheckState.Checked)
    assert dialog.yes.isEnabled()
    assert dialog.choice.only == (window.desk.items[1].id,)
    (tmp_path / "part.zip").touch()
    dialog.target.textChanged.emit("")
    assert not dialog.yes.isEnabled()
    dialog.reject()


def test_a_backup_is_told_with_its_code(open_window: Open, lab: Lab, qtbot: QtBot, tmp_path: Path) -> None:
    window = open_window(lab.case)
    window.moving.back_up(tmp_path / "copy")
    qtbot.waitUntil(lambda: "Backed up: " in window.banner.text, timeout=60_000)
    assert "head code" in window.banner.text
    assert (tmp_path / "copy" / "case.sqlite").is_file()


def test_an_encrypted_case_asks_for_its_passphrase(
    open_window: Open, qtbot: QtBot, settings: QSettings, tmp_path: Path
) -> None:
    window = open_window()
    window.work.new_case()
    dialog = window.work.dialog
    assert isinstance(dialog, NewCaseDialog)
    for field, text in ((dialog.number, "7"), (dialog.title, "Locked"), (dialog.examiner, "E")):
        field.setText(text)
    dialog.folder.setText(str(tmp_path / "locked"))
    assert dialog._make.isEnabled()
    dialog.passphrase.setText("short")
    assert "at least 8" in dialog._hint.text()
    dialog.passphrase.setText("long enough words")
    assert not dialog._make.isEnabled()
    dialog.repeated.setText("long enough words")
    dialog._make.click()
    qtbot.waitUntil(lambda: window.desk.session is not None, timeout=20_000)
    rest(window, qtbot)
    window.desk.close_case()
    rest(window, qtbot)
    window.open_case(tmp_path / "locked")
    qtbot.waitUntil(lambda: isinstance(window.moving.dialog, PassphraseDialog), timeout=20_000)
    first = window.moving.dialog
    assert isinstance(first, PassphraseDialog)
    first.field.setText("not the words")
    first.yes.click()
    qtbot.waitUntil(
        lambda: isinstance(window.moving.dialog, PassphraseDialog) and window.moving.dialog is not first, timeout=20_000
    )
    second = window.moving.dialog
    assert isinstance(second, PassphraseDialog)
    second.field.setText("long enough words")
    second.yes.click()
    qtbot.waitUntil(lambda: window.desk.session is not None, timeout=20_000)
    assert window.desk.session is not None
    assert not window.desk.session.read_only
    rest(window, qtbot)
    window.moving.ask_export()
    export = window.moving.dialog
    assert isinstance(export, ExportDialog)
    export.target.setText(str(tmp_path / "locked.zip"))
    export.yes.click()
    qtbot.waitUntil(lambda: "Exported: locked.zip" in window.banner.text, timeout=60_000)
    with elsewhere(tmp_path, settings) as other:
        other.moving.take_in_pack(tmp_path / "locked.zip", tmp_path / "again")
        qtbot.waitUntil(lambda: isinstance(other.moving.dialog, PassphraseDialog), timeout=60_000)
        asked = other.moving.dialog
        assert isinstance(asked, PassphraseDialog)
        asked.field.setText("long enough words")
        asked.yes.click()
        qtbot.waitUntil(lambda: "Taken in and verified" in other.banner.text, timeout=60_000)
