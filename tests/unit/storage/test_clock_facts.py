"""What the clock says of itself, and that every change of clock and zone is in the chain (E8)."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from workstation.domain.custody import CustodyKind
from workstation.storage import clock_facts
from workstation.storage.case_store import CaseStore
from workstation.storage.keys import LedgerKey


@pytest.fixture
def zone() -> Iterator[None]:
    """Whatever a test does to the zone is taken back."""
    before = os.environ.get("TZ")
    yield
    if before is None:
        os.environ.pop("TZ", None)
    else:
        os.environ["TZ"] = before
    time.tzset()


def kinds(store: CaseStore) -> list[str]:
    return [event.kind.value for event in store.custody()]


def test_the_facts_of_a_session_name_source_zone_offset_and_synchronisation(
    case_folder: Path, key: LedgerKey, zone: None
) -> None:
    os.environ["TZ"] = "Asia/Kolkata"
    with CaseStore.create(case_folder, number="1", title="", examiner="A", question="", key=key) as store:
        body = json.loads(store.custody()[0].body)
    os.environ["TZ"] = "America/New_York"
    with CaseStore.open(case_folder, key=key) as store:
        later = json.loads(next(e.body for e in store.custody() if e.kind is CustodyKind.CASE_OPENED))
    for said, offset, name in ((body["clock"], 19800, "IST"), (later["clock"], None, None)):
        assert said["source"] == "system clock"
        assert said["synchronised"] in {"yes", "no", "unknown"}
        assert said["synchronised_by"]
        assert said["resolution_s"] > 0
        if offset is not None:
            assert (said["offset_s"], said["zone"], said["zone_id"]) == (offset, name, "Asia/Kolkata")
    assert later["clock"]["offset_s"] in {-18000, -14400}


@pytest.mark.skipif(sys.platform != "linux", reason="adjtimex(2) is Linux")
def test_the_kernel_is_asked_and_its_answer_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    state, told = clock_facts._ask_kernel()
    assert 0 <= state <= 5
    assert clock_facts.clock_facts()["synchronised"] == ("no" if state == 5 or told.status & 0x40 else "yes")
    told.status, told.maxerror, told.esterror = 0x2001, 250_000, 1_500
    monkeypatch.setattr(clock_facts, "_ask_kernel", lambda: (0, told))
    facts = clock_facts.clock_facts()
    assert (facts["synchronised"], facts["max_error_s"], facts["estimated_error_s"]) == ("yes", 0.25, 0.0015)
    told.status = 0x0041
    assert clock_facts.clock_facts()["synchronised"] == "no"
    monkeypatch.setattr(clock_facts, "_ask_kernel", lambda: (5, told))
    assert clock_facts.clock_facts()["synchronised"] == "no"


def test_where_the_kernel_does_not_answer_the_state_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused() -> None:
        raise OSError(1, "not permitted")

    monkeypatch.setattr(clock_facts, "_ask_kernel", refused)
    assert clock_facts.clock_facts()["synchronised"] == "unknown"


@pytest.mark.parametrize("jump", [-3600.0, 3600.0, -2.5])
def test_a_clock_set_while_the_program_runs(store: CaseStore, monkeypatch: pytest.MonkeyPatch, jump: float) -> None:
    true_time = time.time
    monkeypatch.setattr("workstation.storage.chain.time.time", lambda: true_time() + jump)
    store.record(CustodyKind.EXPORTED, {})
    store.record(CustodyKind.EXPORTED, {})
    assert kinds(store) == ["case_created", "clock_changed", "exported", "exported"]
    assert json.loads(store.custody()[1].body)["jump_s"] == pytest.approx(jump, abs=0.5)


def test_a_slow_drift_is_no_change(store: CaseStore, monkeypatch: pytest.MonkeyPatch) -> None:
    true_time = time.time
    monkeypatch.setattr("workstation.storage.chain.time.time", lambda: true_time() + 1.5)
    store.record(CustodyKind.EXPORTED, {})
    assert kinds(store) == ["case_created", "exported"]


def test_a_machine_that_slept_did_not_change_its_clock(store: CaseStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both clocks went on: the wall clock and the one that counts the sleep."""
    true_time, true_steady = time.time, clock_facts.steady
    monkeypatch.setattr("workstation.storage.chain.time.time", lambda: true_time() + 7200)
    monkeypatch.setattr("workstation.storage.chain.steady", lambda: true_steady() + 7200)
    store.record(CustodyKind.EXPORTED, {})
    assert kinds(store) == ["case_created", "exported"]


def test_a_zone_changed_during_a_session(case_folder: Path, key: LedgerKey, zone: None) -> None:
    os.environ["TZ"] = "Europe/Berlin"
    with CaseStore.create(case_folder, number="1", title="", examiner="A", question="", key=key) as store:
        store.record(CustodyKind.EXPORTED, {})
        os.environ["TZ"] = "Asia/Tokyo"
        store.record(CustodyKind.EXPORTED, {})
        store.record(CustodyKind.EXPORTED, {})
        assert kinds(store) == ["case_created", "exported", "clock_changed", "exported", "exported"]
        body = json.loads(store.custody()[2].body)
    assert (body["zone_before"], body["zone"], body["offset_s"]) in (("CET", "JST", 32400), ("CEST", "JST", 32400))
    assert abs(body["jump_s"]) < 1


def test_a_clock_set_back_between_two_sessions(
    case_folder: Path, key: LedgerKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last event of the first session lies ahead of the first moment of the second."""
    from datetime import UTC, datetime, timedelta

    ahead = (datetime.now(UTC) + timedelta(days=2)).isoformat(timespec="milliseconds")
    with monkeypatch.context() as later:
        later.setattr("workstation.storage.chain.now_utc", lambda: ahead)
        CaseStore.create(case_folder, number="1", title="", examiner="A", question="", key=key).close()
    with CaseStore.open(case_folder, key=key) as store:
        # The closing event noticed it first: its own clock was the true one again for everything but its stamp.
        changed = [json.loads(e.body) for e in store.custody() if e.kind is CustodyKind.CLOCK_CHANGED]
        assert kinds(store)[-2:] == ["clock_changed", "case_opened"]
    assert changed[-1]["behind_last_event_s"] == pytest.approx(2 * 86400, abs=60)
    assert changed[-1]["last_event_at"] == ahead
