"""While a window is open no other thread collects garbage, and afterwards Python does it by itself again."""

from __future__ import annotations

import gc
import threading
import weakref

from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from tests.gui.conftest import Lab, Open
from workstation.ui.collecting import Collector


class Ring:
    """A cycle, as a dialog and its handler are one."""

    def __init__(self) -> None:
        self.other = self
        self.load = [[n] for n in range(50)]


def test_cycles_are_collected_on_the_gui_thread_and_nowhere_else(qtbot: QtBot) -> None:
    owner = QObject()
    Collector(owner)
    assert not gc.isenabled()
    where: list[int] = []
    rings = 2000

    def fill() -> None:
        for _ in range(rings):
            weakref.finalize(Ring(), lambda: where.append(threading.get_ident()))

    worker = threading.Thread(target=fill)
    worker.start()
    worker.join()
    assert where == []
    qtbot.waitUntil(lambda: len(where) > 0, timeout=10_000)
    assert set(where) == {threading.get_ident()}
    owner.deleteLater()
    qtbot.waitUntil(gc.isenabled, timeout=5_000)


def test_a_window_has_one(open_window: Open, lab: Lab) -> None:
    window = open_window()
    assert window.findChild(Collector) is not None
    assert not gc.isenabled()
