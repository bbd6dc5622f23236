"""The gallery in the window: it follows viewer and timeline, its edits are undone with Ctrl+Z, and 2,000 faces stay
quick because only those in sight are asked for; and the veil over pictures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit
from pytestqt.qtbot import QtBot

from tests.gui.conftest import Lab, Open, rest
from workstation.app.face_listing import FaceEntry, FaceOrder
from workstation.domain.edits import ObjectKind
from workstation.ui.faces.gallery import FaceGallery
from workstation.ui.faces.model import KEPT, wish_of
from workstation.ui.faces.veil import veiled
from workstation.ui.main_window import MainWindow


@pytest.fixture
def shown(open_window: Open, lab: Lab, qtbot: QtBot) -> MainWindow:
    """A window with the gallery in front, on a case without marks."""
    window = open_window(lab.case)
    while window.desk.objects:
        count = len(window.desk.objects)
        window.marks.remove(window.desk.objects[0].id)
        qtbot.waitUntil(lambda: len(window.desk.objects) == count - 1, timeout=20_000)  # noqa: B023
    window.docks["faces"].raise_()
    window.activateWindow()
    window.viewer.canvas.setFocus()
    rest(window, qtbot)
    return window


def labels(window: MainWindow) -> list[str]:
    return [f"{entry.exhibit} {entry.label}" for entry in window.faces.gallery.model.entries]


def wait_for(window: MainWindow, qtbot: QtBot, wanted: list[str]) -> None:
    def there() -> None:
        assert labels(window) == wanted

    qtbot.waitUntil(there, timeout=20_000)
    rest(window, qtbot)


def test_it_follows_the_viewer_and_leads_it(shown: MainWindow, qtbot: QtBot) -> None:
    first, *_, other = labels(shown)
    assert not shown.faces.gallery.selected
    QTest.keyClick(shown.viewer.canvas, Qt.Key.Key_1)
    rest(shown, qtbot)
    assert [f"{e.exhibit} {e.label}" for e in shown.faces.gallery.selected] == [first]
    QTest.keyClick(shown.viewer.canvas, Qt.Key.Key_0)
    assert not shown.faces.gallery.selected
    entry = shown.faces.gallery.model.entries[-1]
    assert f"{entry.exhibit} {entry.label}" == other
    shown.faces.gallery.view.setCurrentIndex(shown.faces.gallery.model.index(len(labels(shown)) - 1))
    rest(shown, qtbot)
    assert shown.desk.data is not None
    assert shown.desk.data.item.id == entry.evidence
    assert shown.navigator.track == entry.best[1]
    assert not shown.faces.gallery.model.missing(0, 99)


def test_split_join_name_and_undo(shown: MainWindow, qtbot: QtBot) -> None:
    """U27: each is one edit, and Ctrl+Z takes it back."""
    before = labels(shown)
    QTest.keyClick(shown.viewer.canvas, Qt.Key.Key_1)
    assert not shown.commands["track.split"].isEnabled()
    shown.navigator.go_to(8)
    rest(shown, qtbot)
    shown.commands["track.split"].trigger()
    halves = ["EX-01 T1a", "EX-01 T1b", *before[1:]]
    wait_for(shown, qtbot, halves)
    shown.faces.gallery.choose([entry.key for entry in shown.faces.gallery.model.entries[:2]])
    assert shown.commands["track.join"].isEnabled()
    shown.commands["track.join"].trigger()
    wait_for(shown, qtbot, ["EX-01 T1a+T1b", *before[1:]])
    shown.marks.undo()
    wait_for(shown, qtbot, halves)
    shown.faces.gallery.choose([shown.faces.gallery.model.entries[1].key])
    shown.commands["track.name"].trigger()
    dialog = shown.marks.dialog
    assert dialog is not None
    assert isinstance(dialog.field, QLineEdit)
    dialog.field.setText("Witness A")
    dialog.accept()
    qtbot.waitUntil(lambda: shown.faces.gallery.every[1].name == "Witness A", timeout=20_000)
    for _ in range(2):
        rest(shown, qtbot)
        shown.marks.undo()
    wait_for(shown, qtbot, before)
    assert not [thing for thing in shown.desk.objects if thing.kind is ObjectKind.TRACK_SPLIT]


def test_a_filter_says_what_it_leaves_out_and_leads_back(shown: MainWindow, qtbot: QtBot) -> None:
    gallery = shown.faces.gallery
    gallery.words.setText("nobody")
    assert gallery.model.entries == ()
    assert str(len(gallery.every)) in gallery.empty.text()
    gallery.lead.click()
    assert len(gallery.model.entries) == len(gallery.every) > 0


def test_nothing_a_detector_gave_is_offered_to_sort_by(shown: MainWindow) -> None:
    """Window rule 1."""
    order = shown.faces.gallery.order
    offered = [order.itemText(row).casefold() for row in range(order.count())]
    assert len(offered) == len(FaceOrder)
    assert not any(word in text for text in offered for word in ("score", "fake", "manipul", "genuine"))


def test_the_veil_takes_colour_and_detail_from_every_picture(shown: MainWindow, qtbot: QtBot) -> None:
    canvas, tiles = shown.viewer.canvas, shown.faces.gallery.view
    shown.overlay.toggle()  # a line at the threshold has a colour of its own
    plain = [canvas.grab().toImage(), tiles.grab().toImage(), shown.case_panel.grab().toImage()]
    shown.commands["view.veil"].trigger()
    try:
        rest(shown, qtbot)
        drawn = [canvas.grab().toImage(), tiles.grab().toImage(), shown.case_panel.grab().toImage()]
        for before, after in zip(plain, drawn, strict=True):
            assert _colourful(before) > 20
            assert _colourful(after) == 0
    finally:
        shown.faces.veil.draw(False)
    assert not shown.faces.veil.drawn


def test_a_veiled_picture_has_the_size_of_the_picture(qtbot: QtBot) -> None:
    picture = QImage(300, 200, QImage.Format.Format_RGB888)
    picture.fill(QColor("#3366CC"))
    assert veiled(picture) is picture


def test_two_thousand_faces_ask_for_those_in_sight_alone(qtbot: QtBot, shown: MainWindow) -> None:
    one = shown.faces.gallery.every[0]
    many = [_numbered(one, number) for number in range(2000)]
    gallery = FaceGallery()
    qtbot.addWidget(gallery)
    asked: list[int] = []
    gallery.wanted.connect(lambda wishes: asked.append(len(set(wishes))))
    gallery.resize(500, 700)
    gallery.show()
    gallery.show_faces(many)
    qtbot.waitUntil(lambda: bool(asked) and asked[-1] > 0, timeout=20_000)
    assert asked[-1] < 150
    gallery.view.scrollToBottom()
    first, last = gallery.view.in_sight()
    assert last == 1999
    assert last - first < 60
    for entry in many[: KEPT + 50]:
        gallery.model.put(wish_of(entry), QImage(1, 1, QImage.Format.Format_RGB888))
    assert len(gallery.model.missing(0, KEPT + 49)) == 50


def test_a_case_without_faces_leads_on(open_window: Open, lab: Lab, tmp_path: Path, qtbot: QtBot) -> None:
    session = lab.engine.create_case(tmp_path / "empty", number="2", title="Empty", examiner="A. Ruiz", question="")
    session.close()
    window = open_window(tmp_path / "empty")
    window.docks["faces"].raise_()
    rest(window, qtbot)
    gallery = window.faces.gallery
    assert "no exhibits" in gallery.empty.text()
    assert not gallery.lead.isHidden()
    gallery.lead.click()
    assert window.work.dialog is not None
    window.work.dialog.close()


def _numbered(entry: FaceEntry, number: int) -> FaceEntry:
    pieces = (replace(entry.arranged.pieces[0], number=number + 1, track=f"track-{number}"),)
    return replace(entry, arranged=replace(entry.arranged, pieces=pieces), best=(number, entry.best[1]))


def _colourful(image: QImage) -> int:
    """Pixels whose channels differ, of a coarse grid."""
    count = 0
    for x in range(0, image.width(), 5):
        for y in range(0, image.height(), 5):
            colour = image.pixelColor(x, y)
            channels = (colour.red(), colour.green(), colour.blue())
            count += max(channels) - min(channels) > 24
    return count
