"""Canonical JSON, hash chain, ledger key, clock, anchor, and the workstation's catalogue (E6, E7, E8)."""

from __future__ import annotations

import json
import stat
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workstation.domain.case import Case
from workstation.domain.custody import CustodyHead, CustodyKind, canonical_json, event_hash
from workstation.domain.errors import CaseDamaged, IdentityError, IntegrityMismatch
from workstation.domain.ids import CaseId
from workstation.storage.anchor import read_anchor, write_anchor
from workstation.storage.case_store import CaseStore
from workstation.storage.catalogue import Catalogue
from workstation.storage.keys import LedgerKey, signed_by

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(TEXT, JSON, max_size=5))
def test_canonical_json_is_one_text_per_value(value: dict[str, object]) -> None:
    text = canonical_json(value)
    assert json.loads(text) == value
    assert canonical_json(dict(reversed(value.items()))) == text
    assert canonical_json(json.loads(text)) == text


@given(st.tuples(TEXT, TEXT, TEXT, TEXT), st.tuples(TEXT, TEXT, TEXT, TEXT))
def test_different_events_have_different_hashes(one: tuple[str, ...], two: tuple[str, ...]) -> None:
    """Moving characters from one field to the next must show: every field has its length in front."""
    first, second = (event_hash(1, *fields, bytes(32)) for fields in (one, two))
    assert (first == second) == (one == two)
    assert event_hash(2, *one, bytes(32)) != first
    assert event_hash(1, *one, b"\x01" * 32) != first


def test_no_custody_kind_was_removed() -> None:
    """E6: the closed list; adding is allowed, removing or renaming is not."""
    fixed = {
        "case_created", "case_opened", "case_closed", "evidence_taken_in", "evidence_refused", "evidence_verified",
        "evidence_mismatch", "evidence_accessed", "examination_started", "examination_ended", "exported",
        "report_built", "report_verified", "transferred", "redacted", "deleted", "migrated", "clock_changed",
        "settings_changed",
    }  # fmt: skip
    assert fixed <= {kind.value for kind in CustodyKind}


def test_every_kind_of_event_can_be_recorded_and_verifies(store: CaseStore, key: LedgerKey) -> None:
    for number, kind in enumerate(CustodyKind):
        event = store.record(kind, {"number": number, "purpose": "tëst", "authority": "court 5"})
        assert signed_by(key.public_key, event.signature, event.hash)
        assert event.hash == event_hash(event.seq, event.at, event.actor, kind.value, event.body, event.prev)
    events = store.custody()
    assert [e.seq for e in events] == list(range(1, len(CustodyKind) + 2))
    assert all(after.prev == before.hash for before, after in pairwise(events))
    assert store.custody_head() == CustodyHead(len(events), events[-1].hash)
    assert read_anchor(store.folder / "custody.head").head == store.custody_head()


def test_a_changed_clock_is_in_the_chain(store: CaseStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """E8: the wall clock is set back an hour while the program runs."""
    store.record(CustodyKind.EXPORTED, {})
    true_time = time.time
    monkeypatch.setattr("workstation.storage.chain.time.time", lambda: true_time() - 3600)
    store.record(CustodyKind.EXPORTED, {})
    store.record(CustodyKind.EXPORTED, {})
    monkeypatch.undo()
    kinds = [event.kind for event in store.custody()]
    assert kinds[-3:] == [CustodyKind.CLOCK_CHANGED, CustodyKind.EXPORTED, CustodyKind.EXPORTED]
    body = json.loads(store.custody()[-3].body)
    assert body["jump_s"] == pytest.approx(-3600, abs=1)


def test_the_ledger_key_is_made_once_and_private(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        keys = list(pool.map(lambda _: LedgerKey.load_or_create(tmp_path / "keys").public_key, range(16)))
    assert len(set(keys)) == 1
    files = list((tmp_path / "keys").iterdir())
    assert len(files) == 1
    assert stat.S_IMODE(files[0].stat().st_mode) == 0o600
    key = LedgerKey.load_or_create(tmp_path / "keys")
    assert signed_by(key.public_key, key.sign(b"text"), b"text")
    assert not signed_by(key.public_key, key.sign(b"text"), b"Text")
    assert not signed_by(b"short", key.sign(b"text"), b"text")
    assert len(key.fingerprint) == 16
    files[0].write_bytes(b"short")
    with pytest.raises(IdentityError):
        LedgerKey.load_or_create(tmp_path / "keys")


def test_any_change_to_an_anchor_is_noticed(tmp_path: Path, key: LedgerKey) -> None:
    """One bit flipped at every place of the file in turn."""
    path, head = tmp_path / "custody.head", CustodyHead(12, bytes(range(32)))
    write_anchor(path, CaseId("a" * 32), head, key)
    assert (read_anchor(path).head, read_anchor(path).public_key) == (head, key.public_key)
    whole = path.read_bytes()
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(IntegrityMismatch):
            read_anchor(path)


def test_the_catalogue_remembers_cases_and_pins(tmp_path: Path) -> None:
    def case(name: str) -> Case:
        (tmp_path / name).mkdir(exist_ok=True)
        return Case(CaseId(name), f"N-{name}", f"title {name}", "A", "", "2026", str(tmp_path / name))

    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "case.sqlite").touch()
    path = tmp_path / "home" / "catalogue.sqlite"
    one, two = Catalogue(path), Catalogue(path)
    one.remember_case(case("a"), "2026-01-01")
    two.remember_case(case("b"), "2026-01-02")
    assert [(k.id, k.number, k.available) for k in one.known_cases()] == [("b", "N-b", False), ("a", "N-a", True)]
    one.remember_case(case("a"), "2026-01-03")
    assert [(k.id, k.opened_at) for k in two.known_cases()] == [("a", "2026-01-03"), ("b", "2026-01-02")]
    heads = [CustodyHead(n, bytes([n]) * 32) for n in (1, 2)]
    one.pin_head(CaseId("a"), heads[0], "closed", "t1")
    two.pin_head(CaseId("a"), heads[1], "report 1", "t2")
    two.forget_case(CaseId("a"))
    assert [k.id for k in one.known_cases()] == ["b"]
    assert one.pins(CaseId("a")) == ((heads[0], "closed", "t1"), (heads[1], "report 1", "t2"))
    assert one.pins(CaseId("b")) == ()
    one.close()
    two.close()
    path.write_text("no database " * 100)
    with pytest.raises(CaseDamaged):
        Catalogue(path)


def test_many_programs_share_the_catalogue(tmp_path: Path) -> None:
    path = tmp_path / "catalogue.sqlite"

    def work(number: int) -> None:
        catalogue = Catalogue(path)
        for step in range(5):
            catalogue.pin_head(CaseId("x"), CustodyHead(step, bytes(32)), str(number), "t")
        catalogue.close()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(6)))
    catalogue = Catalogue(path)
    assert len(catalogue.pins(CaseId("x"))) == 30
    catalogue.close()
