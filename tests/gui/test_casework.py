"""History, search, palette and workspaces lead where they say (3.2 rule 7, 3.3, U12, U17)."""

from __future__ import annotations

from PySide6.QtCore import QSettings, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from tests.gui.conftest import Lab, Open, rest
from workstation.domain.edits import ObjectKind
from workstation.ui.actions import ACTIONS
from workstation.ui.dialogs.search import SearchDialog
from workstation.ui.main_window import MainWindow
from workstation.ui.workspaces import WORKSPACES, Workspaces


def found(dialog: SearchDialog, words: str, qtbot: QtBot) -> list[tuple[str, str]]:
    """Kind and title of every result."""
    dialog.field.setText(words)
    dialog.search()
    qtbot.waitUntil(lambda: not dialog.parent().desk.busy, timeout=20_000)  # type: ignore[attr-defined]
    return [(row.cells[0].text, row.cells[1].text) for row in dialog.model.rows]


def test_history_holds_tracks_and_marks(window: MainWindow, qtbot: QtBot) -> None:
    nav, data = window.navigator, window.desk.data
    assert data is not None
    first = data.lanes.lanes[0].track
    nav.choose_number(1)
    assert nav.track == first
    nav.go_to(20, jump=True)
    nav.choose_track(None)
    nav.back()
    assert (nav.track, nav.ordinal) == (first, 20)
    nav.back()
    assert (nav.track, nav.ordinal) == (first, 0)
    nav.back()
    assert nav.track is None
    for expected in ((first, 0), (first, 20), (None, 20)):
        nav.forward()
        assert (nav.track, nav.ordinal) == expected
    window.marks.add_bookmark("seam")
    rest(window, qtbot)
    thing = next(t for t in window.desk.objects if t.kind is ObjectKind.BOOKMARK and t.body["label"] == "seam")
    nav.show_thing(thing.id)
    nav.back()
    assert nav.thing is None
    nav.forward()
    assert nav.thing == thing.id
    window.marks.remove(thing.id)
    rest(window, qtbot)


def test_search_finds_and_leads_there(window: MainWindow, qtbot: QtBot) -> None:
    window.marks.add_bookmark("seam at the hairline", "blurred")
    rest(window, qtbot)
    window.navigator.go_to(9, jump=True)
    QTest.keyClick(window, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
    dialog = window.casework.dialog
    assert isinstance(dialog, SearchDialog)
    still = window.desk.items[1]
    assert ("Exhibit", "EX-02 still.png") in found(dialog, still.sha256[:10].upper(), qtbot)
    assert found(dialog, "zzz nothing", qtbot) == []
    assert "at least" in dialog.told.text()
    assert any(kind == "Track" for kind, _ in found(dialog, "ex-01 t1", qtbot))
    assert [kind for kind, _ in found(dialog, "hairline blurred", qtbot)] == ["Bookmark"]
    dialog._go()
    assert window.navigator.ordinal == 0
    assert window.navigator.thing is not None
    assert window.inspector.currentWidget() is window.inspector.notes
    assert found(dialog, "still", qtbot)
    dialog._go()
    qtbot.waitUntil(lambda: window.desk.data is not None and window.desk.data.item.exhibit == "EX-02", timeout=20_000)
    dialog.close()
    rest(window, qtbot)
    window.marks.undo()
    rest(window, qtbot)


def test_the_palette_has_every_action_and_every_panel(window: MainWindow) -> None:
    window.commands["palette"].trigger()
    listed = {window.palette_box.list.item(row).text() for row in range(window.palette_box.list.count())}
    missing = [spec.id for spec in ACTIONS if spec.id != "palette" and window.commands[spec.id].text() not in listed]
    assert missing == []
    assert {"Inspector", "Timeline"} <= listed
    QTest.keyClick(window.palette_box.field, Qt.Key.Key_Escape)


def test_workspaces_come_back_as_they_were_left(open_window: Open, lab: Lab, settings: QSettings, qtbot: QtBot) -> None:
    window = open_window(lab.case)
    window.viewer.canvas.setFocus()
    for number, space in enumerate(WORKSPACES, 1):
        window.commands[f"workspace.{number}"].trigger()
        shown = {name for name, dock in window.docks.items() if not dock.isHidden()}
        assert shown == set(space.panels) & set(window.docks), space.key
        assert window.casework.tabs.currentIndex() == number - 1
    window.commands["workspace.3"].trigger()
    window.docks["case"].show()
    window.commands["workspace.2"].trigger()
    window.commands["workspace.3"].trigger()
    assert not window.docks["case"].isHidden()
    window.casework.tabs.setCurrentIndex(3)
    assert window.commands["workspace.4"].isChecked()
    settings.setValue("workspace/version", 0)
    Workspaces(window.arrangement, settings, lambda _: None, window)
    assert settings.value("workspace/compare/state") is None, "what another version kept is not put up"
    window.commands["layout.reset"].trigger()
    assert not window.docks["timeline"].isHidden()


def test_a_panel_that_is_new_shows_in_a_kept_workspace(window: MainWindow, settings: QSettings) -> None:
    """U17: a kept layout must not hide what a later version adds."""
    window.commands["workspace.4"].trigger()
    window.commands["workspace.2"].trigger()
    closed = str(settings.value("workspace/review/closed")).split(",")
    assert "inspector" in closed
    settings.setValue("workspace/review/closed", ",".join(name for name in closed if name != "inspector"))
    window.commands["workspace.4"].trigger()
    assert not window.docks["inspector"].isHidden()
