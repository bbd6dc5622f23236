"""Keys do what the key sheet says, where it says (3.3, U16, U31)."""

from __future__ import annotations

from collections import Counter

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit, QWidget
from pytestqt.qtbot import QtBot

from tests.gui.conftest import FRAMES, NO_FACE, rest
from workstation.domain.results import ItemStatus
from workstation.ui.action_specs import Scope
from workstation.ui.actions import ACTIONS
from workstation.ui.dialogs.command_palette import rank
from workstation.ui.dialogs.go_to import GoToDialog, read_place
from workstation.ui.dialogs.key_sheet import KeySheet
from workstation.ui.main_window import MainWindow
from workstation.ui.timeline.lanes import Tick

Key = Qt.Key
SHIFT, CTRL, ALT = (
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.ControlModifier,
    Qt.KeyboardModifier.AltModifier,
)


def press(where: QWidget, key: Qt.Key, held: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    QTest.keyClick(where, key, held)


def test_no_two_actions_share_a_key() -> None:
    used = Counter(QKeySequence(key).toString() for spec in ACTIONS for key in spec.keys)
    assert [key for key, count in used.items() if count > 1] == []


def test_frame_keys(window: MainWindow, qtbot: QtBot) -> None:
    canvas, nav, data = window.viewer.canvas, window.navigator, window.desk.data
    assert data is not None
    assert data.index is not None
    keys = [data.index.pts.index(pts) for pts in data.index.keyframes]
    for key, held, expected in (
        (Key.Key_Right, None, 1),
        (Key.Key_Right, SHIFT, 11),
        (Key.Key_Left, None, 10),
        (Key.Key_Left, SHIFT, 0),
        (Key.Key_Left, None, 0),
        (Key.Key_End, None, FRAMES - 1),
        (Key.Key_Right, None, FRAMES - 1),
        (Key.Key_Home, None, 0),
        (Key.Key_Right, CTRL, keys[1]),
        (Key.Key_Right, CTRL, keys[2]),
        (Key.Key_Left, CTRL, keys[1]),
    ):
        press(canvas, key, held or Qt.KeyboardModifier.NoModifier)
        assert nav.ordinal == expected, key
    rest(window, qtbot)
    assert window.stage.shown is not None
    assert window.stage.shown.ref.ordinal == keys[1]


def test_keys_act_in_the_timeline_too(window: MainWindow) -> None:
    window.timeline.canvas.setFocus()
    press(window.timeline.canvas, Key.Key_Right)
    assert window.navigator.ordinal == 1


def test_letters_type_where_text_is_typed(window: MainWindow, qtbot: QtBot) -> None:
    """U16: single letters act only while viewer or timeline has the keyboard."""
    window.commands["palette"].trigger()
    field = window.palette_box.field
    qtbot.waitUntil(field.hasFocus)
    visible = window.overlay.visible
    QTest.keyClicks(field, "vnkf")
    assert field.text() == "vnkf"
    assert window.overlay.visible is visible
    assert window.navigator.ordinal == 0
    press(field, Key.Key_Escape)
    assert not window.palette_box.isVisible()


def test_overlay_toggles_with_v_and_hides_while_h_is_held(window: MainWindow) -> None:
    canvas, overlay = window.viewer.canvas, window.overlay
    press(canvas, Key.Key_V)
    assert not overlay.visible
    press(canvas, Key.Key_V)
    assert overlay.drawn
    QTest.keyPress(canvas, Key.Key_H)
    assert not overlay.drawn
    QTest.keyRelease(canvas, Key.Key_H)
    assert overlay.drawn
    QTest.keyPress(canvas, Key.Key_H)
    window.timeline.canvas.setFocus()
    assert overlay.drawn


def test_opacity_keys(window: MainWindow) -> None:
    start = window.overlay.opacity
    assert start == 0.45
    press(window.viewer.canvas, Key.Key_Plus)
    assert window.overlay.opacity == 0.5
    press(window.viewer.canvas, Key.Key_Minus)
    press(window.viewer.canvas, Key.Key_Minus)
    assert window.overlay.opacity == 0.4


def test_zoom_keys(window: MainWindow) -> None:
    canvas = window.viewer.canvas
    fitted = canvas.scale
    press(canvas, Key.Key_Z)
    assert canvas.scale == 1.0
    press(canvas, Key.Key_Z, SHIFT)
    assert canvas.scale == fitted


def test_peaks_are_peaks_and_come_in_order(window: MainWindow) -> None:
    canvas, nav, data = window.viewer.canvas, window.navigator, window.desk.data
    assert data is not None
    seen = []
    for _ in range(40):
        before = nav.ordinal
        press(canvas, Key.Key_N)
        if nav.ordinal == before:
            break
        seen.append(nav.ordinal)
    assert seen == sorted(seen)
    assert seen
    marks = {m.ordinal: m for lane in data.lanes.lanes for trace in lane.traces for m in trace.marks}
    assert all(place in marks for place in seen)
    press(canvas, Key.Key_N, SHIFT)
    assert nav.ordinal < seen[-1]


def test_u_visits_every_gap_and_abstention(window: MainWindow) -> None:
    canvas, nav, data = window.viewer.canvas, window.navigator, window.desk.data
    assert data is not None
    wanted = {frame.ordinal for frame in data.lanes.frames if frame.tick is not Tick.FACE}
    for lane in data.lanes.lanes:
        for trace in lane.traces:
            wanted |= {m.ordinal for m in trace.marks if m.status is not ItemStatus.OK}
    assert any(ordinal in NO_FACE for ordinal in wanted)
    seen = set()
    for _ in range(len(wanted)):
        press(canvas, Key.Key_U)
        seen.add(nav.ordinal)
    assert seen == wanted


def test_tracks_by_number_and_in_turn(window: MainWindow) -> None:
    canvas, nav, data = window.viewer.canvas, window.navigator, window.desk.data
    assert data is not None
    tracks = [lane.track for lane in data.lanes.lanes]
    press(canvas, Key.Key_1)
    assert nav.track == tracks[0]
    press(canvas, Key.Key_0)
    assert nav.track is None
    for number in range(len(tracks) + 1):
        press(canvas, Key.Key_F)
        assert nav.track == tracks[number % len(tracks)]
    press(canvas, Key.Key_F, SHIFT)
    assert nav.track == tracks[len(tracks) - 1]


def test_history_goes_back_and_forward_over_exhibits(window: MainWindow, qtbot: QtBot) -> None:
    canvas, nav = window.viewer.canvas, window.navigator
    press(canvas, Key.Key_End)
    press(canvas, Key.Key_PageDown)
    qtbot.waitUntil(lambda: window.desk.data is not None and window.desk.data.item.exhibit == "EX-02", timeout=10_000)
    rest(window, qtbot)
    press(canvas, Key.Key_Left, ALT)
    qtbot.waitUntil(lambda: window.desk.data is not None and window.desk.data.item.exhibit == "EX-01", timeout=10_000)
    assert nav.ordinal == FRAMES - 1
    press(canvas, Key.Key_Left, ALT)
    assert nav.ordinal == 0
    press(canvas, Key.Key_Right, ALT)
    assert nav.ordinal == FRAMES - 1
    press(canvas, Key.Key_PageUp)
    assert nav.ordinal == FRAMES - 1


def test_playback_shows_every_frame(window: MainWindow, qtbot: QtBot) -> None:
    """U29: the mode "every frame" skips none."""
    painted: list[int] = []

    def note() -> None:
        shown = window.stage.shown
        if shown is not None:
            painted.append(shown.ref.ordinal)

    window.viewer.canvas.painted.connect(note)
    press(window.viewer.canvas, Key.Key_Space)
    assert window.player.playing
    qtbot.waitUntil(lambda: not window.player.playing, timeout=30_000)
    rest(window, qtbot)
    assert list(dict.fromkeys(painted)) == list(range(1, FRAMES))
    press(window.viewer.canvas, Key.Key_J)
    qtbot.waitUntil(lambda: window.navigator.ordinal < FRAMES - 3, timeout=10_000)
    press(window.viewer.canvas, Key.Key_K)
    assert not window.player.playing


def test_go_to_understands_times_and_frames(window: MainWindow, qtbot: QtBot) -> None:
    data = window.desk.data
    assert data is not None
    assert read_place("f 5", data) == 4
    assert read_place("frame 999", data) == FRAMES - 1
    assert read_place("1,0", data) == data.nearest(1.0) == 12
    assert read_place("0:01.5 s", data) == 18
    assert read_place("soon", data) is None
    press(window.viewer.canvas, Key.Key_G)
    dialog = window.findChild(GoToDialog)
    assert dialog is not None
    QTest.keyClicks(dialog.field, "f 8")
    press(dialog.field, Key.Key_Return)
    qtbot.waitUntil(lambda: window.navigator.ordinal == 7)


def test_palette_finds_and_runs(window: MainWindow, qtbot: QtBot) -> None:
    window.viewer.canvas.setFocus()
    press(window, Key.Key_K, CTRL)
    box = window.palette_box
    qtbot.waitUntil(box.isVisible)
    QTest.keyClicks(box.field, "last fr")
    press(box.field, Key.Key_Return)
    assert window.navigator.ordinal == FRAMES - 1
    assert window.viewer.canvas.hasFocus()
    assert rank("xyz", "Last frame") is None
    assert (rank("last", "Last frame") or 0) < (rank("lf", "Last frame") or 0)


def test_key_sheet_is_the_live_map(window: MainWindow, qtbot: QtBot) -> None:
    window.commands["peak.next"].setShortcuts([QKeySequence("Ctrl+Alt+P")])
    listed = {name: keys for _, lines in window.commands.sheet() for name, keys, _ in lines}
    assert listed["Next score peak"] == "Ctrl+Alt+P"
    assert listed["Hide overlay while held"] == "H"
    assert listed["Track T1 to T9"] == "1 … 9"
    names = {spec.id for spec in ACTIONS if spec.keys and spec.scope is not Scope.HELD}
    assert all(window.commands[name].shortcuts() for name in names)
    press(window, Key.Key_Slash, CTRL)
    sheet = window.findChild(KeySheet)
    assert sheet is not None
    sheet.reject()


def test_filter_field_keeps_its_letters(window: MainWindow) -> None:
    field = window.case_panel.findChild(QLineEdit)
    assert field is not None
    field.show()
    field.setFocus()
    QTest.keyClicks(field, "still")
    assert field.text() == "still"
    assert window.case_panel.tree.model().rowCount(window.case_panel.tree.model().index(0, 0)) == 1
    field.clear()
