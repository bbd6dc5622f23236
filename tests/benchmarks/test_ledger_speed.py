"""What the chain of custody costs beside bare SQLite with the same durability, and how long verifying it takes."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from workstation.domain.custody import GENESIS, CustodyKind, canonical_json, event_hash
from workstation.domain.merkle import Frontier, leaf_hash
from workstation.storage.case_store import CaseStore
from workstation.storage.checks import chain
from workstation.storage.durable import write_whole
from workstation.storage.engine import connect
from workstation.storage.keys import LedgerKey

EVENTS = int(os.environ.get("BENCH_EVENTS", "150000"))
APPENDS = 200

pytestmark = pytest.mark.benchmark


def a_store(folder: Path, key: LedgerKey) -> CaseStore:
    return CaseStore.create(folder, number="1", title="", examiner="A", question="", key=key)


def best(work: Callable[[], None], times: int = 3) -> float:
    """Seconds of the fastest of a few runs: the others were disturbed."""
    found = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        found.append(time.perf_counter() - start)
    return min(found)


def test_appending_beside_bare_inserts(tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    """An event is one durable commit and one durable replacement of a small file: within three times those two bare."""
    key = LedgerKey.load_or_create(tmp_path / "keys")
    raw = connect(tmp_path / "bare.sqlite", "rwc")
    raw.execute("PRAGMA journal_mode=WAL")
    raw.execute("CREATE TABLE t (seq INTEGER PRIMARY KEY, body TEXT, hash BLOB UNIQUE) STRICT")
    body = canonical_json({"number": 1, "path": "/some/where/frame.png", "sha256": "ab" * 32})

    def bare() -> None:
        for _ in range(APPENDS):
            raw.execute("BEGIN IMMEDIATE")
            raw.execute("INSERT INTO t (body, hash) VALUES (?, randomblob(32))", (body,))
            raw.execute("COMMIT")

    head = bytes(600)

    def bare_with_file() -> None:
        for _ in range(APPENDS):
            raw.execute("BEGIN IMMEDIATE")
            raw.execute("INSERT INTO t (body, hash) VALUES (?, randomblob(32))", (body,))
            raw.execute("COMMIT")
            write_whole(tmp_path / "head", head, sync_name=False)

    commit, reference = best(bare) / APPENDS, best(bare_with_file) / APPENDS
    raw.close()
    with a_store(tmp_path / "case", key) as store:

        def ours() -> None:
            for number in range(APPENDS):
                store.record(CustodyKind.EXPORTED, {"number": number, "path": "/some/where/x.png", "sha256": "ab" * 32})

        took = best(ours) / APPENDS
    told = f"bare FULL commit {commit * 1e3:.2f} ms, with a durable small file {reference * 1e3:.2f} ms, "
    told += f"event {took * 1e3:.2f} ms ({1 / took:.0f}/s), ratio {took / reference:.2f}"
    print("\n" + told)  # noqa: T201
    record_property("figures", told)
    assert took < 3 * reference, told


def test_verifying_a_long_chain(tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    """Every hash, link and signature and the Merkle root; against the bare time of the signature checks on one core."""
    key = LedgerKey.load_or_create(tmp_path / "keys")
    store = a_store(tmp_path / "case", key)
    store.close()
    fill(tmp_path / "case" / "case.sqlite", key, EVENTS)
    raw = connect(tmp_path / "case" / "case.sqlite", "ro")
    start = time.perf_counter()
    events = chain.read_events(raw)
    read = time.perf_counter() - start
    start, worked = time.perf_counter(), time.process_time()
    lines = chain.check_chain(events, key.public_key)
    checked, worked = time.perf_counter() - start, time.process_time() - worked
    start = time.perf_counter()
    root = chain.tree_of(events).root()
    tree = time.perf_counter() - start
    raw.close()
    assert lines[0].state.value == "ok", lines
    frontier = Frontier()
    frontier.extend(leaf_hash(event.hash) for event in events)
    assert frontier.root() == root
    signed = [(key.public_key, event.signature, event.hash) for event in events[:4000]]
    start = time.process_time()
    assert chain._first_bad(signed, 0, len(signed)) is None
    single = (time.process_time() - start) / len(signed) * len(events)
    told = f"{len(events)} events: read {read:.2f} s, hashes, links and signatures {checked:.2f} s ({worked:.2f} s of"
    told += f" processor), Merkle {tree:.2f} s; signatures alone on one core {single:.2f} s of processor"
    print("\n" + told)  # noqa: T201
    record_property("figures", told)
    assert worked < 1.5 * single, told


def fill(database: Path, key: LedgerKey, count: int) -> None:
    """Append many sound events in one transaction."""
    raw = connect(database)
    raw.execute("BEGIN IMMEDIATE")
    seq, prev = raw.execute("SELECT seq, hash FROM custody ORDER BY seq DESC LIMIT 1").fetchone()
    assert prev != GENESIS
    rows = []
    for number in range(seq + 1, count + 1):
        body = canonical_json({"number": number, "path": f"/some/where/{number}.png", "sha256": "ab" * 32})
        at = "2026-01-31T09:15:02.481+00:00"
        digest = event_hash(number, at, "A", "exported", body, prev)
        rows.append((number, at, "A", "exported", body, prev, digest, key.sign(digest)))
        prev = digest
    raw.executemany("INSERT INTO custody VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
    raw.execute("COMMIT")
    raw.close()
