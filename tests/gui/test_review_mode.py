"""Case review (F9): led by keys, nothing can be edited meanwhile, and every frame shown is recorded (window rule 8)."""

from __future__ import annotations

import json

import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from tests.gui.conftest import Lab, Open, rest
from workstation.app.reviewing import REVIEWED
from workstation.domain.custody import CustodyKind
from workstation.domain.geometry import Point
from workstation.ui.actions import ACTIONS
from workstation.ui.main_window import MainWindow
from workstation.ui.review.review_work import ALLOWED


@pytest.fixture
def window(open_window: Open, lab: Lab, qtbot: QtBot) -> MainWindow:
    """A window on the clip with a bookmark at frame 9, in a review."""
    window = open_window(lab.case)
    window.navigator.go_to(9)
    rest(window, qtbot)
    if not window.marks.bookmarks:
        window.marks.add_bookmark("look here", "the ear")
        qtbot.waitUntil(lambda: window.marks.bookmarks == (9,), timeout=20_000)
    window.navigator.go_to(0)
    rest(window, qtbot)
    window.commands["view.review"].trigger()
    rest(window, qtbot)
    return window


def test_keys_lead_and_every_frame_is_recorded(window: MainWindow, qtbot: QtBot) -> None:
    screen = window.review.screen
    assert screen is not None
    assert not screen.empty.isVisible()
    for _ in range(2):
        QTest.keyClick(screen, Qt.Key.Key_Right)
        rest(window, qtbot)
    QTest.keyClick(screen, Qt.Key.Key_PageDown)
    rest(window, qtbot)
    assert window.navigator.ordinal == 9
    assert screen.text.text() == "the ear"
    assert "PTS" in screen.identity.text()
    QTest.keyClick(screen, Qt.Key.Key_Escape)
    assert not window.review.active
    session = window.desk.session
    assert session is not None
    bodies = [json.loads(e.body) for e in session.custody() if e.kind is CustodyKind.EVIDENCE_ACCESSED]
    shown = [frame[0] for body in bodies if body["what"] == REVIEWED for frame in body["frames"]]
    assert shown[-4:] == [0, 1, 2, 9]


def test_nothing_can_be_edited_meanwhile(window: MainWindow, qtbot: QtBot) -> None:
    enabled = {spec.id for spec in ACTIONS if window.commands[spec.id].isEnabled()}
    assert enabled <= ALLOWED
    assert {"step.forward", "view.review"} <= enabled
    assert not {"mark.add", "run", "track.name", "edit.undo", "exhibit.import", "report.build"} & ALLOWED
    session = window.desk.session
    assert session is not None
    before = len(session.editing.journal())
    window.marks.add_bookmark("no")
    window.marks.undo()
    window.faces.join()
    rest(window, qtbot)
    assert len(session.editing.journal()) == before
    assert not window.inspector.isEnabled()
    window.commands["view.review"].trigger()
    assert window.inspector.isEnabled()
    assert window.commands["mark.add"].isEnabled()


def test_type_is_large_and_the_pointer_points(window: MainWindow, qtbot: QtBot) -> None:
    screen = window.review.screen
    assert screen is not None
    assert screen.identity.font().pointSizeF() > 1.4 * QApplication.font().pointSizeF()
    before = screen.canvas.grab().toImage()
    screen.point_at(Point(60, 50))
    assert isinstance(screen.pointer.at, QPointF)
    assert screen.canvas.grab().toImage() != before
    QTest.keyClick(screen, Qt.Key.Key_P)
    assert screen.pointer.at is None


def test_closing_the_window_ends_the_review(window: MainWindow) -> None:
    window.close_now()
    assert not window.review.active
