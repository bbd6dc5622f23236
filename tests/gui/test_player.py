"""Two named modes of playing: one skips nothing, one keeps time and counts what it skipped (U29; window rule 4)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import cast

import pytest
from PySide6.QtCore import QObject, Qt, Slot
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from tests.fakes.bare_engine import BareEngine
from tests.fakes.rows import exhibit, frame_row
from tests.gui.conftest import FRAMES, rest
from workstation.app.engine import Engine
from workstation.domain.results import ItemStatus
from workstation.ui.desk import Desk
from workstation.ui.main_window import MainWindow
from workstation.ui.navigator import Navigator
from workstation.ui.player import Player, PlayMode
from workstation.ui.timeline.panel import TimelinePanel

LENGTH = 100


class Screen(QObject):
    """Paints each frame it is told to after a delay, as a slow decoder would."""

    def __init__(self, navigator: Navigator, delay_s: float) -> None:
        super().__init__()
        self.shown: list[int] = []
        self._delay_s = delay_s
        self.player: Player | None = None
        navigator.moved.connect(self.paint, Qt.ConnectionType.QueuedConnection)

    @Slot(int)
    def paint(self, ordinal: int) -> None:
        until = time.monotonic() + self._delay_s
        while time.monotonic() < until:
            time.sleep(0.001)
        self.shown.append(ordinal)
        if self.player is not None:
            self.player.frame_painted()


@pytest.fixture
def desk(qapp: object) -> Iterator[Desk]:
    engine = BareEngine()
    made = Desk(cast(Engine, engine))
    made.data = exhibit([frame_row(0, {1: (ItemStatus.OK, 0.5)})], frames=LENGTH)
    yield made
    made.shut()
    engine.jobs.close()


def play(desk: Desk, qtbot: QtBot, mode: PlayMode, delay_s: float, direction: int = 1) -> tuple[Player, list[int]]:
    navigator = Navigator(desk)
    desk.exhibit_shown.emit()
    if direction < 0:
        navigator.go_to(LENGTH - 1)
    screen = Screen(navigator, delay_s)
    screen.player = player = Player(navigator)
    player.set_mode(mode)
    player.play(direction)
    qtbot.waitUntil(lambda: not player.playing, timeout=30_000)
    return player, screen.shown


def test_every_frame_skips_none_however_slow(desk: Desk, qtbot: QtBot) -> None:
    player, shown = play(desk, qtbot, PlayMode.EVERY_FRAME, 0.0)
    assert shown == list(range(1, LENGTH))
    assert player.skipped == 0


@pytest.mark.parametrize("direction", [1, -1])
def test_real_time_counts_every_frame_it_did_not_show(desk: Desk, qtbot: QtBot, direction: int) -> None:
    begun = time.monotonic()
    player, shown = play(desk, qtbot, PlayMode.REAL_TIME, 0.15, direction)
    took = time.monotonic() - begun
    assert shown == sorted(set(shown), reverse=direction < 0), "never back, never twice"
    assert shown[-1] == (LENGTH - 1 if direction > 0 else 0), "the last frame is shown"
    assert player.skipped > LENGTH / 2
    assert player.skipped + len(shown) == LENGTH - 1, "shown and skipped are all there are"
    assert took < LENGTH * 0.15 / 2, "it did not wait for every frame"


def test_pressing_l_again_doubles_the_pace_of_real_time_alone(desk: Desk) -> None:
    navigator = Navigator(desk)
    player = Player(navigator)
    player.play(1)
    player.play(1)
    assert player.speed == 1
    player.stop()
    player.set_mode(PlayMode.REAL_TIME)
    speeds = []
    for _ in range(5):
        player.play(1)
        speeds.append(player.speed)
    assert speeds == [1, 2, 4, 8, 8]
    player.play(-1)
    assert (player.speed, player.direction) == (1, -1)
    player.stop()


def test_a_stand_in_is_not_a_frame_that_was_shown(desk: Desk) -> None:
    navigator = Navigator(desk)
    exact: list[int | None] = [None]
    player = Player(navigator, lambda: exact[0])
    player.play(1)
    player._timer.stop()
    player._advance()
    assert navigator.ordinal == 1
    player.frame_painted()
    assert not player._timer.isActive(), "a proxy stands there"
    exact[0] = 1
    player.frame_painted()
    assert player._timer.isActive()
    player.stop()


def test_playing_stays_between_in_and_out(desk: Desk, qtbot: QtBot) -> None:
    navigator = Navigator(desk)
    screen = Screen(navigator, 0.0)
    screen.player = player = Player(navigator)
    panel = TimelinePanel(desk, navigator, player)
    qtbot.addWidget(panel)
    span = panel.canvas.span
    navigator.go_to(30)
    span.set_in()
    navigator.go_to(38)
    span.set_out()
    assert span.ends(LENGTH) == (30, 38)
    qtbot.wait(10)
    screen.shown.clear()
    player.play(1)
    qtbot.waitUntil(lambda: not player.playing, timeout=10_000)
    assert screen.shown == list(range(30, 39))
    navigator.go_to(10)
    span.set_out()
    assert (span.start, span.end) == (None, 10), "an in behind the out is forgotten"
    span.clear()
    assert not span.is_set
    assert span.ends(LENGTH) == (0, LENGTH - 1)


def test_the_mode_and_what_it_skipped_stand_on_screen(desk: Desk, qtbot: QtBot) -> None:
    navigator = Navigator(desk)
    player = Player(navigator)
    panel = TimelinePanel(desk, navigator, player)
    qtbot.addWidget(panel)
    assert panel._mode.text() == "Every frame"
    player.set_mode(PlayMode.REAL_TIME)
    assert panel._mode.text() == "Real time"
    player.play(1)
    player.skipped = 3
    player.changed.emit()
    assert panel._mode.text().endswith("3 frames skipped")
    player.stop()
    assert panel._mode.text() == "Real time · 3 frames skipped"


def test_keys_of_the_timeline(window: MainWindow, qtbot: QtBot) -> None:
    canvas = window.timeline.canvas
    canvas.setFocus()
    QTest.keyClick(canvas, Qt.Key.Key_Space, Qt.KeyboardModifier.ShiftModifier)
    assert window.player.mode is PlayMode.REAL_TIME
    assert window.commands["play.real"].isChecked()
    QTest.keyClick(canvas, Qt.Key.Key_Space, Qt.KeyboardModifier.ShiftModifier)
    window.navigator.go_to(4)
    QTest.keyClick(canvas, Qt.Key.Key_I)
    window.navigator.go_to(9)
    QTest.keyClick(canvas, Qt.Key.Key_O)
    assert canvas.span.ends(FRAMES) == (4, 9)
    QTest.keyClick(canvas, Qt.Key.Key_X, Qt.KeyboardModifier.AltModifier)
    assert not canvas.span.is_set
    QTest.keyClick(canvas, Qt.Key.Key_T, Qt.KeyboardModifier.AltModifier)
    table = window.timeline.table
    assert table.isVisible()
    marks = table.marks
    told = [marks.index(row, 3).data() for row in range(marks.rowCount())]
    assert any("abstained, face too small" in words for words in told)
    assert any(words == "no face found" for words in told)
    row = next(k for k, words in enumerate(told) if words == "no face found")
    table.activated.emit(marks.index(row, 0))
    assert window.navigator.ordinal == marks.ordinal(row)
    rest(window, qtbot)
    QTest.keyClick(table, Qt.Key.Key_T, Qt.KeyboardModifier.AltModifier)
    assert not table.isVisible()


def test_no_exact_frame_is_begun_while_the_hand_moves(window: MainWindow, qtbot: QtBot) -> None:
    session, data = window.desk.session, window.desk.data
    assert session is not None
    assert data is not None
    server = session.frame_server
    server.proxy(data.item.id, 0)
    strip = server.strip(data.item.id)
    assert strip is not None
    qtbot.waitUntil(lambda: strip.whole, timeout=60_000)
    decoded: list[int] = []
    fetch = server.fetch

    def seen(evidence: object, ordinal: int) -> object:
        decoded.append(ordinal)
        return fetch(evidence, ordinal)  # type: ignore[arg-type]

    server.fetch = seen  # type: ignore[method-assign, assignment]
    feed = window.stage.feed
    feed.hold(True)
    for ordinal in (30, 20, 25, 33):
        window.navigator.go_to(ordinal)
        assert window.stage.shown is not None
        assert window.stage.shown.proxy is not None, "something is shown at once"
    assert decoded == []
    feed.hold(False)
    rest(window, qtbot)
    assert decoded[0] == 33, "the exact frame comes when the hand lets go"
    assert window.stage.exact() == 33
