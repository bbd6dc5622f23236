"""What was found, what was made from it, and imports: kept with their events, and never changed (E2, E4, E6, U6)."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
import storage_samples as samples

from workstation.domain.case import WorkState
from workstation.domain.clock import now_utc
from workstation.domain.custody import CustodyKind
from workstation.domain.derived import DerivedItem, DerivedKind, ParentKind
from workstation.domain.errors import CaseReadOnly, InputError, NotFound
from workstation.domain.evidence import EvidenceItem, IntegrityState
from workstation.domain.ids import DerivedId, EvidenceId, IntakeId, new_id
from workstation.domain.intake import BatchState, IntakeState
from workstation.domain.streams import StreamDigest
from workstation.storage.case_store import CaseStore
from workstation.storage.engine import connect
from workstation.storage.keys import LedgerKey
from workstation.storage.verification import verify_case

STREAMS = (
    StreamDigest(0, "video", "h264", 250, 123_456, "a" * 64, "b" * 64),
    StreamDigest(1, "audio", "aac", 430, 40_000, "c" * 64),
)


@pytest.fixture
def item(store: CaseStore, tmp_path: Path) -> EvidenceItem:
    return samples.take_in(store, tmp_path / "a.mp4", b"first")


def described(store: CaseStore) -> list[tuple[str, str]]:
    bodies = [json.loads(e.body) for e in store.custody() if e.kind is CustodyKind.EVIDENCE_DESCRIBED]
    return [(body["what"], body["exhibit"]) for body in bodies]


def test_descriptions_are_kept_once_and_renewed_with_an_event(store: CaseStore, item: EvidenceItem) -> None:
    facet = store.descriptions
    assert (facet.streams(item.id), facet.metadata(item.id)) == (None, None)
    text = '{"b": 1.50,  "a": "ünï\\u0000"}'
    for _ in range(2):
        facet.put_streams(item.id, STREAMS)
        facet.put_metadata(item.id, text)
        store.put_thumbnail(item.id, b"png")
        store.put_frame_index(item.id, samples.index())
        store.set_work(item.id, WorkState.EXAMINED)
    whats = ["streams", "metadata", "thumbnail", "frame_index", "work"]
    assert described(store) == [(what, "EX-01") for what in whats], "the same again is no event"
    assert (facet.streams(item.id), facet.metadata(item.id)) == (STREAMS, text)
    facet.put_streams(item.id, ())
    facet.put_metadata(item.id, "{}")
    store.put_thumbnail(item.id, b"other")
    store.put_frame_index(item.id, samples.index(50))
    assert [what for what, _ in described(store)] == whats + whats[:4]
    assert (facet.streams(item.id), facet.metadata(item.id)) == ((), "{}")
    store.close()
    raw = connect(store.folder / "case.sqlite", "ro", immutable=True)
    assert raw.execute("SELECT count(*) FROM stream_digests").fetchone() == (2,), "what was in force before stays"
    assert raw.execute("SELECT text FROM metadata ORDER BY description").fetchall() == [(text,), ("{}",)]
    raw.close()
    assert verify_case(store.folder).ok


def test_what_cannot_be_described_is_refused(store: CaseStore, item: EvidenceItem, key: LedgerKey) -> None:
    for text in ("", "[]", "{", "1"):
        with pytest.raises(InputError):
            store.descriptions.put_metadata(item.id, text)
    for attempt in (
        lambda: store.descriptions.put_streams(EvidenceId("x"), STREAMS),
        lambda: store.descriptions.put_metadata(EvidenceId("x"), "{}"),
        lambda: store.descriptions.streams(EvidenceId("x")),
        lambda: store.descriptions.metadata(EvidenceId("x")),
    ):
        with pytest.raises(NotFound):
            attempt()
    assert described(store) == []
    with pytest.raises(InputError):
        store.set_integrity(item.id, IntegrityState.NOT_VERIFIED, now_utc())
    store.close()
    with CaseStore.open(store.folder, key=None, read_only=True) as reader:
        for attempt in (
            lambda: reader.descriptions.put_streams(item.id, STREAMS),
            lambda: reader.put_thumbnail(item.id, b""),
            lambda: reader.intake.begin([]),
            lambda: reader.derived.add(child(reader, item)),
        ):
            with pytest.raises(CaseReadOnly):
                attempt()


def child(store: CaseStore, source: EvidenceItem, **other: object) -> DerivedItem:
    made = DerivedItem(
        id=DerivedId(new_id()),
        number=store.derived.next_number(),
        kind=DerivedKind.DERIVATIVE,
        parent_kind=ParentKind.EVIDENCE,
        parent=source.id,
        parent_sha256=source.sha256,
        operation="frame",
        parameters={"pts": 512, "scale": 1.5, "colours": ["bt709", None]},
        tool="workstation 0.1, libav 62",
        path="derived/DI-01.png",
        exported=False,
        sha256="d" * 64,
        size=4096,
        made_at=now_utc(),
        made_by="A. Examiner",
        note="first",
    )
    return dataclasses.replace(made, **other)  # type: ignore[arg-type]


def test_derived_items_have_a_parent_a_recipe_and_an_event(store: CaseStore, item: EvidenceItem) -> None:
    one = child(store, item)
    store.derived.add(one)
    two = child(
        store, item, parent_kind=ParentKind.DERIVED, parent=one.id, parent_sha256=one.sha256, exported=True,
        path="/media/stick/clip.mp4",
    )  # fmt: skip
    assert (one.number, two.number) == ("DI-01", "DI-02")
    store.derived.add(two)
    assert store.derived.every() == (one, two)
    assert store.derived.one(two.id) == two
    assert store.derived.next_number() == "DI-03"
    events = [e for e in store.custody() if e.kind in (CustodyKind.DERIVED, CustodyKind.EXPORTED)]
    assert [event.kind for event in events] == [CustodyKind.DERIVED, CustodyKind.EXPORTED]
    body = json.loads(events[1].body)
    assert (body["derived"], body["parent"], body["operation"], body["exported"]) == (two.id, one.id, "frame", 1)
    assert json.loads(body["parameters"]) == dict(two.parameters)


def test_orphans_and_doubles_are_refused(store: CaseStore, item: EvidenceItem) -> None:
    """The graph has no orphan, and every parent is the one that was there (E4)."""
    one = child(store, item)
    store.derived.add(one)
    before = store.custody()
    with pytest.raises(NotFound):
        store.derived.add(child(store, item, parent="unknown"))
    with pytest.raises(NotFound):
        store.derived.add(child(store, item, parent_kind=ParentKind.DERIVED))
    with pytest.raises(InputError, match="SHA-256"):
        store.derived.add(child(store, item, parent_sha256="e" * 64))
    for double in (child(store, item, id=one.id), child(store, item, number=one.number)):
        with pytest.raises(InputError, match="taken"):
            store.derived.add(double)
    with pytest.raises((ValueError, TypeError)):
        store.derived.add(child(store, item, parameters={"bad": float("nan")}))
    with pytest.raises(NotFound):
        store.derived.one(DerivedId("x"))
    assert store.derived.every() == (one,)
    assert store.custody() == before


def test_an_import_goes_on_after_the_program_was_killed(store: CaseStore, item: EvidenceItem, key: LedgerKey) -> None:
    """What was settled stays settled; opening says that it was interrupted; it runs again with the next file (U6)."""
    listed = [(f"/stick/{n}.mp4", 100 + n, 10**18 + n) for n in range(4)]
    batch = store.intake.begin(listed, note="from the stick", purpose="case 7", authority="order 4")
    assert (batch.state, batch.total, batch.waiting) == (BatchState.RUNNING, 4, 4)
    store.intake.settle(batch.id, 1, IntakeState.ADDED, evidence=item.id)
    store.intake.settle(batch.id, 2, IntakeState.REFUSED, code="empty_file", line="2.mp4 is empty.")
    store._open.abandon()
    with CaseStore.open(store.folder, key=key) as again:
        found = again.intake.unfinished()
        assert found is not None
        assert (found.state, found.added, found.refused, found.waiting) == (BatchState.INTERRUPTED, 1, 1, 2)
        assert [i.path for i in again.intake.waiting(batch.id)] == ["/stick/2.mp4", "/stick/3.mp4"]
        assert again.intake.items(batch.id)[1].line == "2.mp4 is empty."
        assert again.intake.items(batch.id)[3].modified_ns == 10**18 + 3
        again.intake.settle(batch.id, 3, IntakeState.DUPLICATE, evidence=item.id)
        assert again.intake.batch(batch.id).state is BatchState.RUNNING
        again.intake.settle(batch.id, 4, IntakeState.ADDED, evidence=item.id)
        ended = again.intake.end(batch.id, BatchState.DONE)
        assert (ended.added, ended.refused, ended.duplicates, ended.waiting) == (2, 1, 1, 0)
        assert (ended.note, ended.purpose, ended.authority) == ("from the stick", "case 7", "order 4")
        assert again.intake.unfinished() is None
        assert again.intake.batches() == (ended,)
        kinds = (CustodyKind.INTAKE_STARTED, CustodyKind.INTAKE_ENDED)
        told = [json.loads(e.body) for e in again.custody() if e.kind in kinds]
        assert [t.get("state", t.get("resumed")) for t in told] == [False, "interrupted", True, "done"]
        assert told[0]["list_sha256"] == told[2]["list_sha256"]
        assert told[1]["items_sha256"] != told[3]["items_sha256"]
        with pytest.raises(InputError):
            again.intake.end(batch.id, BatchState.CANCELLED)
    assert verify_case(store.folder).ok


def test_imports_refuse_what_is_not_there(store: CaseStore) -> None:
    batch = store.intake.begin([("/a", 1, 2)])
    for attempt in (
        lambda: store.intake.settle(batch.id, 2, IntakeState.ADDED),
        lambda: store.intake.settle(batch.id, 1, IntakeState.ADDED, evidence=EvidenceId("x")),
        lambda: store.intake.settle(IntakeId("x"), 1, IntakeState.ADDED),
        lambda: store.intake.items(IntakeId("x")),
        lambda: store.intake.end(IntakeId("x"), BatchState.DONE),
    ):
        with pytest.raises(NotFound):
            attempt()
    with pytest.raises(InputError):
        store.intake.end(batch.id, BatchState.RUNNING)
    assert [i.state for i in store.intake.items(batch.id)] == [IntakeState.WAITING]
    stopped = store.intake.end(batch.id, BatchState.CANCELLED)
    assert (stopped.state, stopped.waiting) == (BatchState.CANCELLED, 1)
    assert store.intake.unfinished() is None, "cancelling was meant"
    assert store.intake.begin([]).total == 0


def test_a_long_list_is_settled_in_time_that_grows_with_it(store: CaseStore) -> None:
    """Settling one file does not look at all the others: no step of it scans the list."""
    batch = store.intake.begin([(f"/stick/{n}", n, n) for n in range(20_000)])
    store.close()
    raw = connect(store.folder / "case.sqlite", "ro", immutable=True)
    for statement in (
        "UPDATE intake_items SET state = 'added' WHERE batch = 1 AND position = 3",
        "SELECT state FROM intake_batches WHERE number = 1",
        "SELECT number FROM intake_batches WHERE id = 'x'",
        "SELECT max(number) FROM descriptions WHERE evidence = 1 AND what = 'streams'",
        "SELECT max(seq) FROM edits WHERE target = 1 AND seq < 9",
    ):
        plan = " ".join(str(row[-1]) for row in raw.execute(f"EXPLAIN QUERY PLAN {statement}"))
        assert "SEARCH" in plan, statement
        assert "SCAN" not in plan, statement
    raw.close()
    assert batch.total == 20_000
    assert (store.folder / "case.sqlite").stat().st_size < 3_000_000
