"""Bookmarks, notes and tags in the window: made by key, seen on the timeline, undone, still there later."""

from __future__ import annotations

from functools import partial

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit, QPlainTextEdit
from pytestqt.qtbot import QtBot

from tests.gui.conftest import Lab, Open, rest
from workstation.domain.edits import ObjectKind
from workstation.ui.main_window import MainWindow


@pytest.fixture
def marked(open_window: Open, lab: Lab, qtbot: QtBot) -> MainWindow:
    """A window on the clip of the lab's case, at frame 7, without marks."""
    window = open_window(lab.case)
    while window.desk.objects:
        count = len(window.desk.objects)
        window.marks.remove(window.desk.objects[0].id)
        qtbot.waitUntil(lambda: len(window.desk.objects) == count - 1, timeout=10_000)  # noqa: B023
    window.activateWindow()
    window.viewer.canvas.setFocus()
    window.navigator.go_to(7)
    rest(window, qtbot)
    return window


def press(window: MainWindow, key: Qt.Key, *more: Qt.KeyboardModifier) -> None:
    modifiers = Qt.KeyboardModifier.NoModifier
    for one in more:
        modifiers |= one
    QTest.keyClick(window.viewer.canvas, key, modifiers)


def kinds(window: MainWindow) -> list[ObjectKind]:
    return [thing.kind for thing in window.desk.objects]


def is_there(window: MainWindow, kind: ObjectKind) -> bool:
    return kind in kinds(window)


def test_m_bookmarks_the_frame_and_undo_takes_it_back(marked: MainWindow, qtbot: QtBot) -> None:
    press(marked, Qt.Key.Key_M)
    qtbot.waitUntil(lambda: kinds(marked) == [ObjectKind.BOOKMARK], timeout=10_000)
    rest(marked, qtbot)
    data = marked.desk.data
    assert data is not None
    assert data.index is not None
    assert marked.desk.objects[0].body["pts"] == data.index.pts[7]
    assert marked.marks.bookmarks == (7,)
    assert "Undo: " in marked.commands["edit.undo"].text()
    assert len(marked.inspector.notes.model.rows) == 1
    before = marked.timeline.canvas.grab().toImage()
    press(marked, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: not marked.desk.objects, timeout=10_000)
    rest(marked, qtbot)
    assert marked.timeline.canvas.grab().toImage() != before
    assert marked.commands["edit.redo"].isEnabled()
    press(marked, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier)
    qtbot.waitUntil(lambda: marked.marks.bookmarks == (7,), timeout=10_000)


def test_words_go_with_a_bookmark_and_brackets_jump(marked: MainWindow, qtbot: QtBot) -> None:
    press(marked, Qt.Key.Key_M, Qt.KeyboardModifier.ShiftModifier)
    dialog = marked.marks.dialog
    assert dialog is not None
    assert not dialog.yes.isEnabled()
    assert isinstance(dialog.field, QPlainTextEdit)
    dialog.field.setPlainText("Edge of the jaw flickers")
    dialog.yes.click()
    qtbot.waitUntil(lambda: marked.marks.bookmarks == (7,), timeout=10_000)
    assert marked.desk.objects[0].body["note"] == "Edge of the jaw flickers"
    marked.navigator.go_to(2)
    marked.activateWindow()
    marked.viewer.canvas.setFocus()
    rest(marked, qtbot)
    press(marked, Qt.Key.Key_BracketRight)
    assert marked.navigator.ordinal == 7
    press(marked, Qt.Key.Key_BracketRight)
    assert "No further bookmark" in marked.banner.text


def test_marks_and_the_way_back_survive_closing(marked: MainWindow, lab: Lab, qtbot: QtBot) -> None:
    """U27, U37: everything is committed when made; undo works after the case was closed and opened again."""
    press(marked, Qt.Key.Key_M)
    qtbot.waitUntil(lambda: bool(marked.desk.objects), timeout=10_000)
    marked.desk.close_case()
    rest(marked, qtbot)
    assert marked.desk.objects == ()
    assert not marked.commands["edit.undo"].isEnabled()
    marked.open_case(lab.case)
    qtbot.waitUntil(lambda: bool(marked.desk.objects), timeout=15_000)
    rest(marked, qtbot)
    assert marked.commands["edit.undo"].isEnabled()
    marked.marks.undo()
    qtbot.waitUntil(lambda: not marked.desk.objects, timeout=10_000)


def test_delete_in_the_tab_removes_and_undo_brings_back(marked: MainWindow, qtbot: QtBot) -> None:
    marked.marks.add_bookmark("here")
    qtbot.waitUntil(lambda: bool(marked.inspector.notes.model.rows), timeout=10_000)
    rest(marked, qtbot)
    table = marked.inspector.notes.table
    marked.inspector.setCurrentWidget(marked.inspector.notes)
    table.selectRow(0)
    QTest.keyClick(table, Qt.Key.Key_Delete)
    qtbot.waitUntil(lambda: not marked.desk.objects, timeout=10_000)
    marked.marks.undo()
    qtbot.waitUntil(lambda: kinds(marked) == [ObjectKind.BOOKMARK], timeout=10_000)


def test_without_a_chosen_track_it_cannot_be_named(marked: MainWindow, qtbot: QtBot) -> None:
    assert not marked.commands["track.exclude"].isEnabled()
    press(marked, Qt.Key.Key_1)
    rest(marked, qtbot)
    assert marked.commands["track.exclude"].isEnabled()
    marked.commands["track.exclude"].trigger()
    assert marked.marks.dialog is not None
    assert isinstance(marked.marks.dialog.field, QPlainTextEdit)
    marked.marks.dialog.field.setPlainText("Reflection in a window")
    marked.marks.dialog.yes.click()
    qtbot.waitUntil(lambda: kinds(marked) == [ObjectKind.EXCLUSION], timeout=10_000)
    assert marked.inspector.notes.model.rows[0].cells[1].text == "Reflection in a window"


def test_a_track_becomes_a_reference_and_an_exhibit_is_claimed(marked: MainWindow, qtbot: QtBot) -> None:
    data = marked.desk.data
    assert data is not None
    marked.navigator.choose_track(data.lanes.lanes[0].track)
    rest(marked, qtbot)
    for deed, words in ((marked.marks.ask_reference, "A. Adams"), (marked.marks.ask_claim, "a. adams")):
        deed()
        dialog = marked.marks.dialog
        assert dialog is not None
        assert isinstance(dialog.field, QLineEdit)
        dialog.field.setText(words)
        dialog.accept()
        wanted = ObjectKind.REFERENCE if words == "A. Adams" else ObjectKind.CLAIM
        qtbot.waitUntil(partial(is_there, marked, wanted), timeout=10_000)
        rest(marked, qtbot)
    assert sorted(kinds(marked)) == sorted([ObjectKind.PERSON, ObjectKind.REFERENCE, ObjectKind.CLAIM])
    rows = [[cell.text for cell in row.cells] for row in marked.inspector.notes.model.rows]
    assert ["Shows", "A. Adams"] in rows
    assert ["Said to show", "A. Adams"] in rows
    session = marked.desk.session
    assert session is not None
    (person,) = session.gallery.people()
    assert [r.label for r in person.references] == ["T1"]
    assert [c.track for c in person.claims] == ["T1"]
    marked.marks.undo()
    qtbot.waitUntil(lambda: ObjectKind.CLAIM not in kinds(marked), timeout=10_000)
