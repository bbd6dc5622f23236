"""Views beside each other, blink, wipe, difference and swap: what they show is what their captions say (3.4, P11)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from tests.gui.conftest import rest
from workstation.domain.map_scale import Layer, MapColours
from workstation.ui.main_window import MainWindow
from workstation.ui.viewer.mix import Mode
from workstation.ui.viewer.sources import HeldFrame, NearFrame, OtherDetector, OtherExhibit, PlainFrame

Key = Qt.Key
ALT, SHIFT, CTRL = (
    Qt.KeyboardModifier.AltModifier,
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.ControlModifier,
)


def press(window: MainWindow, key: Qt.Key, held: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    QTest.keyClick(window.viewer.canvas, key, held)


def test_views_are_linked_and_an_empty_one_says_what_to_do(window: MainWindow, qtbot: QtBot) -> None:
    board = window.viewer.board
    press(window, Key.Key_2, ALT)
    assert board.count == 2
    assert board.canvas.hasFocus()
    empty = board.canvases["B"].accessibleDescription()
    assert "Nothing is chosen" in empty
    assert "Choose above" in empty
    window.viewer.compare.show("B", NearFrame(1))
    rest(window, qtbot)
    shown = board.b.shown
    assert shown is not None
    assert shown.ref.ordinal == 1
    assert shown.ref.digest[:12] in board.captions["B"].words[1]
    assert "1 frame later" in board.captions["B"].words[0]
    # Place and zoom go both ways, time follows the first view.
    board.canvases["B"].zoom(5, QPointF(20, 30))
    assert board.canvas.place == board.canvases["B"].place
    assert board.canvas.place.across is not None
    board.canvas.push(1, 0)
    assert board.canvas.place == board.canvases["B"].place
    window.navigator.go_to(7)
    rest(window, qtbot)
    assert board.b.shown is not None
    assert board.b.shown.ref.ordinal == 8
    # The last frame has none after it, and the view says so.
    press(window, Key.Key_End)
    rest(window, qtbot)
    assert board.b.shown is None
    assert "no frame" in board.b.message
    press(window, Key.Key_4, ALT)
    assert [letter for letter, canvas in board.canvases.items() if canvas.isVisibleTo(board)] == ["A", "B", "C", "D"]
    press(window, Key.Key_1, ALT)
    assert [letter for letter, canvas in board.canvases.items() if canvas.isVisibleTo(board)] == ["A"]
    assert window.viewer.header.isVisibleTo(window.viewer)


def test_every_source_shows_what_it_says(window: MainWindow, qtbot: QtBot) -> None:
    board, compare, data = window.viewer.board, window.viewer.compare, window.desk.data
    assert data is not None
    other = window.desk.items[1]
    compare.show("B", OtherExhibit(other.id))
    rest(window, qtbot)
    assert board.b.data is not None
    assert board.b.data.item.exhibit == "EX-02"
    assert other.sha256[:12] in board.captions["B"].words[0]
    compare.show("B", OtherDetector("slope"))
    rest(window, qtbot)
    assert board.b.shown is not None
    assert board.b.shown.maps == ()
    assert [face.words for face in board.b.shown.faces] == ["not validated"]
    compare.show("B", PlainFrame())
    rest(window, qtbot)
    assert board.canvases["B"].bare
    assert board.b.shown.images[0].cacheKey() == window.stage.shown.images[0].cacheKey()  # type: ignore[union-attr]
    press(window, Key.Key_H, SHIFT)
    window.navigator.go_to(9)
    rest(window, qtbot)
    assert board.b.source == HeldFrame(data.item.id, 0)
    assert board.b.shown is not None
    assert board.b.shown.ref.ordinal == 0
    assert "held frame" in board.captions["B"].words[0]
    words = [action.text() for action in compare.menu("B").actions() if action.text()]
    assert words[0] == "The plain frame"
    assert "EX-02  still.png" in words
    assert not any("cut.mp4" in text for text in words), "what cannot be decoded is not offered"
    assert words[-1] == "Nothing"


def test_blink_turns_in_place_and_esc_leaves(window: MainWindow, qtbot: QtBot) -> None:
    board = window.viewer.board
    window.viewer.compare.show("B", NearFrame(1))
    rest(window, qtbot)
    place = board.canvas.place
    press(window, Key.Key_B)
    assert (board.mode, board.mix.turned, board.mix.words) == (Mode.BLINK, True, "B on top")
    press(window, Key.Key_B)
    assert board.mix.words == "A on top"
    assert board.canvas.place == place
    press(window, Key.Key_Escape)
    assert (board.mode, board.count) == (Mode.BESIDE, 2)


def test_wipe_line_follows_the_mouse_and_the_keys(window: MainWindow, qtbot: QtBot) -> None:
    board, canvas = window.viewer.board, window.viewer.canvas
    window.viewer.compare.show("B", NearFrame(1))
    press(window, Key.Key_W)
    rest(window, qtbot)
    qtbot.wait(20)
    middle = QPoint(canvas.width() // 2, canvas.height() // 2)
    QTest.mousePress(canvas, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, middle)
    QTest.mouseMove(canvas, QPoint(canvas.width() // 4, middle.y()))
    QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, middle)
    assert board.mix.at == pytest.approx(0.25, abs=0.02)
    before = board.mix.at
    press(window, Key.Key_Down, SHIFT)
    assert board.mix.at == pytest.approx(before + 0.05)
    assert canvas.place.across is None, "dragging the line must not move the frame"


def test_difference_is_of_the_decoded_frames_and_has_its_legend(window: MainWindow, qtbot: QtBot) -> None:
    session, data = window.desk.session, window.desk.data
    assert session is not None
    assert data is not None
    window.viewer.compare.show("B", NearFrame(3))
    press(window, Key.Key_B, SHIFT)
    qtbot.waitUntil(lambda: window.viewer.compare.levels is not None, timeout=10_000)
    levels = window.viewer.compare.levels
    assert levels is not None
    one, other = (session.frame(data.item.id, number).rgb.astype(int) for number in (0, 3))
    assert (levels == np.abs(one - other).max(axis=-1)).all()
    title = window.viewer.strip.legend.title
    assert "0 to 255" in title
    press(window, Key.Key_W, SHIFT)
    assert "0 to 64" in window.viewer.strip.legend.title
    assert window.viewer.strip.legend.scale.ticks[-1] == (1.0, "≥64")
    press(window, Key.Key_B, SHIFT)
    assert "Fakeness map" in window.viewer.strip.legend.title


def test_swap_makes_b_the_exhibit_that_is_examined(window: MainWindow, qtbot: QtBot) -> None:
    board, data = window.viewer.board, window.desk.data
    assert data is not None
    first = data.item.id
    window.viewer.compare.show("B", OtherExhibit(window.desk.items[1].id))
    rest(window, qtbot)
    press(window, Key.Key_X)
    qtbot.waitUntil(lambda: window.desk.data is not None and window.desk.data.item.exhibit == "EX-02", timeout=10_000)
    rest(window, qtbot)
    assert board.b.source == OtherExhibit(first)
    assert board.b.data is not None
    assert board.b.data.item.id == first
    window.viewer.compare.show("B", PlainFrame())
    for plain in (True, False):
        press(window, Key.Key_X)
        rest(window, qtbot)
        assert board.canvas.bare is plain
        assert board.canvases["B"].bare is not plain


def test_what_is_seen_is_exported_with_what_names_it(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    """P11: exhibit, frame, legend and scale of every view; the record says how it was shown (E4)."""
    window.viewer.compare.show("B", NearFrame(1))
    window.overlay.set_colours(MapColours.CIVIDIS)
    window.overlay.switch(Layer.MIDDLE, True)
    rest(window, qtbot)
    target = tmp_path / "view.png"
    request = window.viewer.seen(target)
    assert request is not None
    assert [pane.letter for pane in request.view.panes] == ["A", "B"]
    assert [pane.frame.ordinal for pane in request.view.panes] == [0, 1]
    assert request.view.legend.levels[-1] == 0.5
    assert request.view.scale > 0
    window.work.export_view_to(request)
    qtbot.waitUntil(target.is_file, timeout=20_000)
    picture = np.asarray(Image.open(target).convert("RGB"))
    rows, columns = request.view.rgb.shape[:2]
    assert picture.shape[1] == columns
    assert picture.shape[0] > rows
    inside = [(picture[top : top + rows] == request.view.rgb).all() for top in range(picture.shape[0] - rows)]
    assert sum(inside) == 1, "what was seen stands in it unchanged"
    session = window.desk.session
    assert session is not None
    qtbot.waitUntil(lambda: any(d.operation == "view" for d in session.store.derived.every()), timeout=10_000)
    made = [d for d in session.store.derived.every() if d.operation == "view"][-1]
    assert made.parameters["mode"] == "beside"
    assert made.parameters["colours"] == "cividis"
    panes = cast(list[Mapping[str, object]], made.parameters["panes"])
    assert [pane["letter"] for pane in panes] == ["A", "B"]
    rest(window, qtbot)


def test_nothing_is_left_of_a_comparison_when_the_case_closes(window: MainWindow, qtbot: QtBot) -> None:
    window.viewer.compare.show("B", OtherExhibit(window.desk.items[1].id))
    rest(window, qtbot)
    window.desk.close_case()
    qtbot.waitUntil(lambda: not window.desk.busy, timeout=10_000)
    assert window.viewer.board.b.source is None
    assert window.viewer.board.b.shown is None
