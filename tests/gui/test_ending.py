"""A window that is asked to end by a signal closes without a question, also while nothing happens in it (U5)."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from tests.gui.conftest import Lab, Open, rest
from workstation.domain.custody import CustodyKind
from workstation.domain.jobs import JobContext, JobState, Lane
from workstation.storage.case_store import CaseStore
from workstation.ui.ending import when_asked_to_end


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_signal_closes_the_window_and_the_case_cleanly(
    open_window: Open, lab: Lab, qtbot: QtBot, tmp_path: Path, name: str
) -> None:
    """With a job running: it is cancelled and waited for, and the case says that it was closed."""
    window = open_window()
    window.desk.create_case(tmp_path / "case", number="9", title="End", examiner="E", question="?")
    qtbot.waitUntil(lambda: window.desk.session is not None, timeout=10_000)
    rest(window, qtbot)
    session = window.desk.session
    assert session is not None

    def slow(context: JobContext) -> dict[str, object]:
        while not context.cancelled():
            session.store.record(CustodyKind.EXPORTED, {})
        context.raise_if_cancelled()
        return {}

    job = session.submit(Lane.IO, "slow", slow, "events")
    qtbot.waitUntil(lambda: lab.engine.jobs.get(job).state is JobState.RUNNING, timeout=5_000)
    before = signal.getsignal(getattr(signal, name))
    with when_asked_to_end(window.close_now):
        os.kill(os.getpid(), getattr(signal, name))
        qtbot.waitUntil(lambda: not window.isVisible(), timeout=5_000)
    assert signal.getsignal(getattr(signal, name)) is before
    session.close()
    assert lab.engine.jobs.get(job).state is JobState.CANCELLED
    with CaseStore.open(tmp_path / "case", key=None, read_only=True) as case:
        assert case.custody()[-1].kind is CustodyKind.CASE_CLOSED
