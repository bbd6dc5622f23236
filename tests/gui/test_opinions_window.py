"""Opinions before scores in the window: nothing a detector gave reaches a view while it is sealed; the second examiner
is shown pictures and propositions alone (X5-X7, G5)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QLabel, QLineEdit, QPlainTextEdit, QWidget
from pytestqt.qtbot import QtBot

from tests.gui.conftest import Lab, Open, rest
from workstation.app.opinions import Agreement, OpinionOutcome
from workstation.ui.main_window import MainWindow
from workstation.ui.review.comparison_box import ComparisonBox
from workstation.ui.review.opinion_dialog import OpinionDialog


@pytest.fixture
def window(open_window: Open, lab: Lab, qtbot: QtBot) -> Iterator[MainWindow]:
    """A window on the clip; what a test does is undone after it."""
    window = open_window(lab.case)
    yield window
    session = window.desk.session
    if session is not None:
        while session.editing.state().undo is not None:
            session.editing.undo()


def wait_sealed(window: MainWindow, qtbot: QtBot, sealed: bool) -> None:
    def there() -> None:
        assert window.desk.data is not None
        assert window.desk.data.sealed is sealed

    qtbot.waitUntil(there, timeout=20_000)
    rest(window, qtbot)


def record_first(window: MainWindow, qtbot: QtBot) -> None:
    window.commands["opinion.first"].trigger()
    qtbot.waitUntil(lambda: isinstance(window.opinions.dialog, OpinionDialog), timeout=20_000)
    dialog = window.opinions.dialog
    assert isinstance(dialog, OpinionDialog)
    assert not dialog.yes.isEnabled()
    dialog.first.setText("The face was replaced")
    dialog.second.setText("The clip is as the camera made it")
    dialog.form.words.setPlainText("The jaw moves.")
    dialog.form.choose(OpinionOutcome.WITH_FIRST)
    assert not dialog.yes.isEnabled()
    dialog.form.against.setPlainText("Motion blur.")
    dialog.yes.click()
    rest(window, qtbot)


def test_scores_come_after_the_opinion(window: MainWindow, qtbot: QtBot) -> None:
    data = window.desk.data
    assert data is not None
    assert data.summaries
    window.commands["opinion.policy"].trigger()
    wait_sealed(window, qtbot, True)
    data = window.desk.data
    assert data is not None
    assert (data.summaries, data.readings, data.series.scores, data.detectors) == ((), (), (), ())
    assert data.lanes.lanes
    assert not any(lane.traces for lane in data.lanes.lanes)
    assert not any(face.results for row in data.rows.values() for face in row.faces)
    assert "sealed until" in window.banner.text
    record_first(window, qtbot)
    wait_sealed(window, qtbot, False)
    data = window.desk.data
    assert data is not None
    assert data.summaries
    assert any(face.results for row in data.rows.values() for face in row.faces)
    window.marks.undo()
    wait_sealed(window, qtbot, True)


def test_opening_the_scores_takes_a_reason(window: MainWindow, qtbot: QtBot) -> None:
    assert not window.commands["opinion.unseal"].isEnabled()
    window.commands["opinion.policy"].trigger()
    wait_sealed(window, qtbot, True)
    window.commands["opinion.unseal"].trigger()
    dialog = window.marks.dialog
    assert dialog is not None
    assert not dialog.yes.isEnabled()
    assert isinstance(dialog.field, QPlainTextEdit)
    dialog.field.setPlainText("Triage")
    dialog.yes.click()
    wait_sealed(window, qtbot, False)


def test_the_second_examiner_sees_pictures_and_propositions_alone(
    window: MainWindow, lab: Lab, qtbot: QtBot, tmp_path: Path
) -> None:
    record_first(window, qtbot)
    window.commands["opinion.second"].trigger()
    screen = window.opinions.screen
    assert screen is not None
    assert not window.isVisible()
    qtbot.waitUntil(lambda: screen.exhibit is not None and screen.settled, timeout=20_000)
    shown = " ".join(_words(screen)).casefold()
    for hidden in ("sway", "ruiz", "window test", "the jaw moves", "motion blur", "manipulated?"):
        assert hidden not in shown
    assert "the face was replaced" in shown
    assert not screen.record.isEnabled()
    screen.by.setText("A. Ruiz")
    screen.form.words.setPlainText("Nothing moves.")
    screen.form.against.setPlainText("Low resolution.")
    screen.form.choose(OpinionOutcome.WITH_SECOND)
    screen.record.click()
    qtbot.waitUntil(lambda: "not the first" in screen.told.text(), timeout=20_000)
    screen.by.setText("B. Blind")
    screen.record.click()
    qtbot.waitUntil(lambda: screen.exhibit is None, timeout=20_000)
    screen.close()
    assert window.isVisible()
    rest(window, qtbot)
    window.commands["opinion.compare"].trigger()
    qtbot.waitUntil(lambda: isinstance(window.opinions.dialog, ComparisonBox), timeout=20_000)
    box = window.opinions.dialog
    assert isinstance(box, ComparisonBox)
    assert box.yes is not None
    assert "disagree" in box.verdict.text()
    box.reason.setPlainText("Looked at the collar together.")
    assert not box.yes.isEnabled()
    box.level.setCurrentIndex(6)
    box.yes.click()
    session, data = window.desk.session, window.desk.data
    assert session is not None
    assert data is not None
    qtbot.waitUntil(lambda: session.opinions.state(data.item.id).agreement is Agreement.RESOLVED, timeout=20_000)
    rest(window, qtbot)


def _words(screen: QWidget) -> list[str]:
    """Everything that can be read on a window."""
    return [
        screen.windowTitle(),
        *(label.text() for label in screen.findChildren(QLabel)),
        *(line.text() for line in screen.findChildren(QLineEdit)),
        *(box.toPlainText() for box in screen.findChildren(QPlainTextEdit)),
    ]
