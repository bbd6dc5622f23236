"""Keys can be changed, kept, reset and typed on keyboards of other countries (3.3, U16)."""

from __future__ import annotations

import ctypes
import ctypes.util
from pathlib import Path

import pytest
from PySide6.QtCore import QSettings, Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from tests.gui.conftest import rest
from workstation.ui.action_specs import ActionSpec
from workstation.ui.actions import ACTIONS
from workstation.ui.dialogs.key_editor import KeyEditor
from workstation.ui.keys.keymap import KeyMap, conflicts, portable, preset_keys, read_keys, write_keys
from workstation.ui.keys.layouts import NEEDS_ALTGR, needs_altgr, uncertain
from workstation.ui.keys.presets import CVAT, PRESETS, WORKSTATION
from workstation.ui.main_window import MainWindow

_LEVEL_OF_ALTGR = 2
_COUNTRIES = {"German": ("de",), "French": ("fr",), "Nordic": ("se", "no", "dk", "fi")}


@pytest.mark.parametrize("preset", PRESETS)
def test_no_preset_gives_one_key_to_two_actions(preset: str) -> None:
    assert conflicts(preset_keys(preset, ACTIONS)) == {}


@pytest.mark.parametrize("preset", PRESETS)
def test_every_action_with_keys_has_one_without_altgr(preset: str) -> None:
    """3.3: [, ] and Ctrl+/ are made with AltGr on German, French and Nordic keyboards; each has a second key."""
    resolved = preset_keys(preset, ACTIONS)
    assert {name: uncertain(keys) for name, keys in resolved.items() if uncertain(keys)} == {}
    assert {"mark.next", "mark.previous"} <= {n for n, keys in resolved.items() if any(map(needs_altgr, keys))}
    assert portable("Shift+F1") in resolved["keys"]


def test_no_key_is_made_with_ctrl_alt() -> None:
    """With AltGr Windows reports Ctrl+Alt: such a key would answer to typing."""
    assert [spec.id for spec in ACTIONS for key in spec.keys if "Ctrl+Alt" in portable(key)] == []


class _Names(ctypes.Structure):
    _fields_ = [(name, ctypes.c_char_p) for name in ("rules", "model", "layout", "variant", "options")]


def _characters(layout: str) -> tuple[set[str], set[str]]:
    """(typed plainly or with Shift, typed with AltGr only) on an X keyboard of that layout."""
    library = ctypes.util.find_library("xkbcommon")
    if library is None or not Path("/usr/share/X11/xkb/symbols").is_dir():
        pytest.skip("libxkbcommon or its layouts are not installed")
    xkb = ctypes.CDLL(library)
    xkb.xkb_context_new.restype = xkb.xkb_keymap_new_from_names.restype = ctypes.c_void_p
    context = ctypes.c_void_p(xkb.xkb_context_new(0))
    names = _Names(b"evdev", b"pc105", layout.encode(), b"", b"")
    keymap = ctypes.c_void_p(xkb.xkb_keymap_new_from_names(context, ctypes.byref(names), 0))
    assert keymap.value, layout
    plain, deep = set(), set()
    for code in range(xkb.xkb_keymap_min_keycode(keymap), xkb.xkb_keymap_max_keycode(keymap) + 1):
        for level in range(xkb.xkb_keymap_num_levels_for_key(keymap, code, 0)):
            found = ctypes.POINTER(ctypes.c_uint32)()
            count = xkb.xkb_keymap_key_get_syms_by_level(keymap, code, 0, level, ctypes.byref(found))
            points = [xkb.xkb_keysym_to_utf32(found[k]) for k in range(count)]
            (plain if level < _LEVEL_OF_ALTGR else deep).update(chr(point) for point in points if point > 32)
    xkb.xkb_keymap_unref(keymap)
    xkb.xkb_context_unref(context)
    return plain, deep - plain


@pytest.mark.parametrize("name", _COUNTRIES)
def test_the_table_of_altgr_is_that_of_the_keyboards(name: str) -> None:
    """On the layouts themselves: what the table calls hard is hard, and every last character of a key can be typed."""
    last = {portable(key)[-1] for spec in ACTIONS for key in spec.keys if len(portable(key).split("+")[-1]) == 1}
    for layout in _COUNTRIES[name]:
        plain, deep = _characters(layout)
        for character in last - plain - {"+"}:
            if character.lower() not in plain:
                assert character in NEEDS_ALTGR[name], (layout, character)
        assert {"[", "]", "@"} <= deep, layout
        for character in NEEDS_ALTGR[name]:
            assert character not in plain, (layout, character)


def test_a_changed_key_is_kept_and_new_actions_keep_theirs(settings: QSettings) -> None:
    keys = KeyMap().with_keys("peak.next", ("Ctrl+Y",), ACTIONS)
    write_keys(settings, keys)
    again = read_keys(settings)
    assert again.resolve(ACTIONS)["peak.next"] == ("Ctrl+Y",)
    assert again.resolve(ACTIONS)["run"] == ("Ctrl+R",)
    later = (*ACTIONS, ActionSpec("new.one", "New", "Work", ("Ctrl+Shift+Y",)))
    assert again.resolve(later)["new.one"] == ("Ctrl+Shift+Y",)
    assert again.without_change("peak.next").resolve(ACTIONS)["peak.next"] == ("N",)


def test_what_cannot_be_read_in_the_profile_is_left_out(settings: QSettings) -> None:
    settings.setValue("keys/preset", "Somebody's")
    settings.setValue("keys/changes", '{"run": "Ctrl+R", "peak.next": ["Y"], "no.such": ["Q"]')
    assert read_keys(settings) == KeyMap()
    settings.setValue("keys/changes", '{"run": "Ctrl+R", "peak.next": ["Y"], "no.such": ["Q"]}')
    resolved = read_keys(settings).resolve(ACTIONS)
    assert (resolved["run"], resolved["peak.next"]) == (("Ctrl+R",), ("Y",))
    assert "no.such" not in resolved


def test_cvat_keys_step_with_d_and_f(window: MainWindow, qtbot: QtBot) -> None:
    window.commands.set_keys(KeyMap(CVAT))
    canvas, nav = window.viewer.canvas, window.navigator
    for key, expected in ((Qt.Key.Key_F, 1), (Qt.Key.Key_V, 11), (Qt.Key.Key_D, 10), (Qt.Key.Key_C, 0)):
        QTest.keyClick(canvas, key)
        assert nav.ordinal == expected
    QTest.keyClick(canvas, Qt.Key.Key_S)
    assert nav.track is not None
    assert window.commands["step.back"].toolTip().endswith("(D)")
    rest(window, qtbot)


def test_the_held_key_follows_the_map(window: MainWindow) -> None:
    window.commands.set_keys(KeyMap().with_keys("overlay.hold", ("Y",), ACTIONS))
    canvas, overlay = window.viewer.canvas, window.overlay
    QTest.keyPress(canvas, Qt.Key.Key_H)
    assert overlay.drawn
    QTest.keyPress(canvas, Qt.Key.Key_Y)
    assert not overlay.drawn
    QTest.keyRelease(canvas, Qt.Key.Key_Y)
    assert overlay.drawn


def test_editor_shows_a_conflict_and_settles_it(window: MainWindow, qtbot: QtBot, settings: QSettings) -> None:
    window.commands["keys.edit"].trigger()
    editor = window.casework.dialog
    assert isinstance(editor, KeyEditor)
    editor.choose("step.forward")
    editor.field.setKeySequence(QKeySequence("L"))
    assert "Play forwards" in editor.told.text()
    assert not editor.take.isHidden()
    editor.add.click()
    assert not editor.save.isEnabled()
    remarks = {row.key: row.cells[2] for row in editor.model.rows if row.cells[2].text}
    assert remarks["step.forward"].text == remarks["play.forward"].text == "Conflict"
    editor.field.setKeySequence(QKeySequence("L"))
    editor.take.click()
    assert editor.save.isEnabled()
    editor.save.click()
    assert read_keys(settings).resolve(ACTIONS)["play.forward"] == ()
    canvas = window.viewer.canvas
    canvas.setFocus()
    QTest.keyClick(canvas, Qt.Key.Key_L)
    assert window.navigator.ordinal == 1
    assert not window.player.playing
    window.commands["keys.edit"].trigger()
    again = window.casework.dialog
    assert isinstance(again, KeyEditor)
    again.reset_all.click()
    again.save.click()
    assert read_keys(settings) == KeyMap(WORKSTATION)
    assert window.commands["play.forward"].shortcut().toString() == "L"


def test_editor_warns_of_altgr(qtbot: QtBot) -> None:
    editor = KeyEditor(KeyMap())
    qtbot.addWidget(editor)
    editor.choose("peak.next")
    editor.field.setKeySequence(QKeySequence("{"))
    assert "AltGr" in editor.told.text()
    assert "French" in editor.told.text()
    editor.only.click()
    remark = next(row.cells[2] for row in editor.model.rows if row.key == "peak.next")
    assert remark.text == "AltGr"
    editor.filter.setText("bookmark")
    assert {row.key for row in editor.model.rows} >= {"mark.add", "mark.next"}
    assert "zoom.fit" not in {row.key for row in editor.model.rows}
