"""The bridge between the engine's threads and the window (design: Threads)."""

from __future__ import annotations

import threading

import pytest
from PySide6.QtCore import QObject, QThread, Signal, Slot
from pytestqt.qtbot import QtBot

from workstation.domain.errors import InputError, WorkstationError
from workstation.domain.events import CaseSaved, JobChanged
from workstation.domain.ids import CaseId, JobId
from workstation.domain.jobs import Job, JobState, Lane
from workstation.ui.bridge import Bridge
from workstation.ui.reader import Reader

EVENTS = 20_000


class Listener(QObject):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, int]] = []
        self.foreign = 0

    @Slot(object)
    def take(self, event: CaseSaved) -> None:
        if QThread.currentThread() is not self.thread():
            self.foreign += 1
        name, _, number = event.at.partition(":")
        self.seen.append((name, int(number)))


def test_20000_events_from_four_threads_arrive_in_order_in_the_gui_thread(qtbot: QtBot) -> None:
    bridge, listener = Bridge(), Listener()
    bridge.case_saved.connect(listener.take)

    def talk(name: str) -> None:
        for number in range(EVENTS // 4):
            bridge.post(CaseSaved(CaseId("c"), f"{name}:{number}"))

    threads = [threading.Thread(target=talk, args=(f"t{k}",)) for k in range(4)]
    for thread in threads:
        thread.start()
    qtbot.waitUntil(lambda: len(listener.seen) == EVENTS, timeout=30_000)
    for thread in threads:
        thread.join()
    assert listener.foreign == 0
    for k in range(4):
        assert [n for name, n in listener.seen if name == f"t{k}"] == list(range(EVENTS // 4))
    assert bridge.wakes < EVENTS / 10


def test_a_closed_bridge_delivers_nothing(qtbot: QtBot) -> None:
    bridge, listener = Bridge(), Listener()
    bridge.case_saved.connect(listener.take)
    bridge.post(CaseSaved(CaseId("c"), "a:1"))
    bridge.close()
    bridge.post(CaseSaved(CaseId("c"), "a:2"))
    qtbot.wait(50)
    assert listener.seen == []


class Emitter(QObject):
    told = Signal(bool, object)


def test_3000_emissions_with_true_and_objects_do_not_crash(qtbot: QtBot) -> None:
    """PySide6 6.12.0 on Python 3.11 aborts after some 570 of these (design: Versions)."""
    emitter = Emitter()
    seen: list[bool] = []

    class Taker(QObject):
        @Slot(bool, object)
        def take(self, yes: bool, _: object) -> None:
            seen.append(yes)

    taker = Taker()
    emitter.told.connect(taker.take)
    job = Job(JobId("1"), Lane.IO, "t", None, JobState.RUNNING)
    for _ in range(3_000):
        emitter.told.emit(True, JobChanged(job))
    assert len(seen) == 3_000
    assert all(seen)


class Asker(QObject):
    def __init__(self) -> None:
        super().__init__()
        self.bridge = Bridge()
        self.errors: list[WorkstationError] = []
        self.reader = Reader(self.bridge, self.errors.append)
        self.values: list[object] = []
        self.threads: set[object] = set()

    def take(self, value: object) -> None:
        self.threads.add(threading.current_thread())
        self.values.append(value)


@pytest.fixture
def asker() -> Asker:
    return Asker()


def test_reader_works_elsewhere_and_answers_here(qtbot: QtBot, asker: Asker) -> None:
    asker.reader.ask(threading.current_thread, asker.take)
    qtbot.waitUntil(lambda: len(asker.values) == 1)
    assert asker.values[0] is not threading.current_thread()
    assert asker.threads == {threading.current_thread()}
    asker.reader.close()


def test_a_question_with_a_key_gives_way_to_a_newer_one(qtbot: QtBot, asker: Asker) -> None:
    gate = threading.Event()
    asker.reader.ask(gate.wait, asker.take)
    for number in range(50):
        asker.reader.ask(lambda n=number: n, asker.take, key="rows")  # type: ignore[misc]
    gate.set()
    qtbot.waitUntil(lambda: not asker.reader.pending)
    assert asker.values == [True, 49]
    asker.reader.close()


def test_errors_come_back_as_errors(qtbot: QtBot, asker: Asker) -> None:
    def refuse() -> None:
        raise InputError("No.", "Ask otherwise.")

    def stumble() -> None:
        raise ZeroDivisionError("by zero")

    asker.reader.ask(refuse, asker.take)
    asker.reader.ask(stumble, asker.take)
    qtbot.waitUntil(lambda: len(asker.errors) == 2)
    assert asker.errors[0].line() == "No. Ask otherwise."
    assert "ZeroDivisionError" in asker.errors[1].message
    assert asker.values == []
    asker.reader.close()
