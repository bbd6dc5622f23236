"""A case from its making to its closing: what goes in comes out the same, and every step is in the chain (E1, E6)."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import storage_samples as samples

from workstation.domain.case import WorkState
from workstation.domain.custody import CustodyKind
from workstation.domain.errors import (
    CaseDamaged,
    CaseError,
    CaseExists,
    CaseFormatTooNew,
    CaseNotFound,
    CaseReadOnly,
    DuplicateEvidence,
    InputError,
    IntegrityMismatch,
    NotFound,
)
from workstation.domain.evidence import IntegrityState
from workstation.domain.examinations import ExaminationState
from workstation.domain.ids import EvidenceId, ReportId, new_id
from workstation.domain.media import FrameIndex, TimeBase
from workstation.domain.reports import ReportRecord
from workstation.domain.results import AbstentionReason, FrameRow, ItemStatus
from workstation.storage.case_format import APPLICATION_ID, FORMAT, read_header
from workstation.storage.case_store import CaseStore
from workstation.storage.engine import connect
from workstation.storage.keys import LedgerKey
from workstation.storage.verification import verify_case


def kinds(store: CaseStore) -> list[CustodyKind]:
    return [event.kind for event in store.custody()]


def test_a_new_case_has_its_facts_folders_and_first_event(store: CaseStore, key: LedgerKey, case_folder: Path) -> None:
    assert (store.case.number, store.case.examiner, store.folder) == ("2026-014", "A. Examiner", case_folder)
    assert {p.name for p in case_folder.iterdir() if p.is_dir()} == {"evidence", "derived", "maps", "reports"}
    assert kinds(store) == [CustodyKind.CASE_CREATED]
    assert store.custody_head().count == 1
    assert store.public_key == key.public_key
    assert not store.read_only
    assert read_header(case_folder / "case.sqlite") == (APPLICATION_ID, FORMAT)


def test_a_closed_case_is_one_file_with_no_wal(store: CaseStore, case_folder: Path, key: LedgerKey) -> None:
    head = store.close()
    assert head is not None
    assert head.count == 2
    assert not (case_folder / "case.sqlite-wal").exists()
    assert store.close() is None
    with CaseStore.open(case_folder, key=key) as again:
        assert kinds(again) == [CustodyKind.CASE_CREATED, CustodyKind.CASE_CLOSED, CustodyKind.CASE_OPENED]


def test_a_taken_place_is_refused_and_left_alone(tmp_path: Path, key: LedgerKey) -> None:
    facts = {"number": "1", "title": "", "examiner": "A", "question": "", "key": key}
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "letter.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")
    for place in ("there", "file", "file/below"):
        with pytest.raises((CaseExists, CaseError)):
            CaseStore.create(tmp_path / place, **facts)
    assert (tmp_path / "there" / "letter.txt").read_text() == "mine"
    (tmp_path / "empty").mkdir()
    CaseStore.create(tmp_path / "empty", **facts).close()
    with pytest.raises(CaseExists):
        CaseStore.create(tmp_path / "empty", **facts)
    with pytest.raises(InputError):
        CaseStore.create(tmp_path / "blank", **(facts | {"number": "  "}))
    assert not (tmp_path / "blank").exists()


def test_what_is_no_case_is_refused(tmp_path: Path, key: LedgerKey) -> None:
    with pytest.raises(CaseNotFound):
        CaseStore.open(tmp_path / "nowhere", key=key)
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "case.sqlite").write_text("not a database " * 50)
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "case.sqlite").touch()
    (tmp_path / "other").mkdir()
    other = connect(tmp_path / "other" / "case.sqlite", "rwc")
    other.execute("CREATE TABLE t (a)")
    other.close()
    for name in ("text", "empty", "other"):
        for read_only in (True, False):
            with pytest.raises(CaseDamaged):
                CaseStore.open(tmp_path / name, key=key, read_only=read_only)


@pytest.mark.parametrize(("number", "readable"), [(FORMAT + 1000, False), (FORMAT + 1, True)])
def test_a_newer_format_is_refused_or_read_only(
    store: CaseStore, case_folder: Path, key: LedgerKey, number: int, readable: bool
) -> None:
    store.close()
    raw = connect(case_folder / "case.sqlite")
    raw.execute(f"PRAGMA user_version={number}")
    raw.close()
    with pytest.raises(CaseFormatTooNew):
        CaseStore.open(case_folder, key=key)
    if readable:
        CaseStore.open(case_folder, key=key, read_only=True).close()
    else:
        with pytest.raises(CaseFormatTooNew):
            CaseStore.open(case_folder, key=key, read_only=True)


def test_an_exhibit_comes_back_as_it_was_recorded(store: CaseStore, tmp_path: Path) -> None:
    assert store.next_exhibit() == "EX-01"
    first = samples.take_in(store, tmp_path / "a.mp4", b"first")
    second = samples.take_in(store, tmp_path / "b.mp4", b"second")
    assert (first.exhibit, second.exhibit) == ("EX-01", "EX-02")
    assert store.evidence() == (first, second)
    assert store.evidence_item(second.id) == second
    assert store.find_by_digest(first.sha256) == first
    assert store.find_by_digest("0" * 64) is None
    body = json.loads(store.custody()[-1].body)
    wanted = {"exhibit": "EX-02", "name": "b.mp4", "sha256": second.sha256, "size": 6, "source": second.source_path}
    assert body.items() >= wanted.items()
    with pytest.raises(DuplicateEvidence):
        store.add_evidence(first, {})
    with pytest.raises(NotFound):
        store.evidence_item(EvidenceId("none"))
    assert kinds(store).count(CustodyKind.EVIDENCE_TAKEN_IN) == 2


def test_row_and_event_are_one_transaction(store: CaseStore, tmp_path: Path) -> None:
    """A body that is no JSON stops the event, and the exhibit with it."""
    item = samples.take_in(store, tmp_path / "a.mp4", b"first")
    events = store.custody()
    other = replace(item, id=EvidenceId(new_id()), sha256="1" * 64, exhibit="EX-02")
    with pytest.raises(TypeError):
        store.add_evidence(other, {"when": object()})
    assert store.evidence() == (item,)
    assert store.custody() == events


def test_states_of_work_and_integrity(store: CaseStore, tmp_path: Path) -> None:
    item = samples.take_in(store, tmp_path / "a.mp4", b"first")
    store.set_work(item.id, WorkState.EXAMINED)
    store.set_integrity(item.id, IntegrityState.MISMATCH, "2026-01-01T00:00:00.000+00:00")
    after = store.evidence_item(item.id)
    assert (after.work, after.integrity) == (WorkState.EXAMINED, IntegrityState.MISMATCH)
    assert after.verified_at.startswith("2026-01-01")
    store.set_integrity(item.id, IntegrityState.VERIFIED, "2026-01-02T00:00:00.000+00:00")
    assert kinds(store)[-2:] == [CustodyKind.EVIDENCE_MISMATCH, CustodyKind.EVIDENCE_VERIFIED]
    with pytest.raises(NotFound):
        store.set_work(EvidenceId("none"), WorkState.EXAMINED)


def test_index_and_thumbnail(store: CaseStore, tmp_path: Path) -> None:
    item = samples.take_in(store, tmp_path / "a.mp4", b"first")
    assert store.frame_index(item.id) is None
    assert store.thumbnail(item.id) is None
    odd = FrameIndex(2, TimeBase(1001, 30000), (-(2**62), -7, 0, 3, 2**62), (-(2**62), 3))
    for index in (samples.index(1000), odd, FrameIndex(0, TimeBase(1, 1), (0,), (0,))):
        store.put_frame_index(item.id, index)
        assert store.frame_index(item.id) == index
    store.put_thumbnail(item.id, b"\x89PNG one")
    store.put_thumbnail(item.id, b"\x89PNG two")
    assert store.thumbnail(item.id) == b"\x89PNG two"


def test_rows_come_back_exactly_and_totals_add_up(store: CaseStore, tmp_path: Path) -> None:
    """X10, G14: statuses and totals, with every kind of row there is."""
    item = samples.take_in(store, tmp_path / "a.mp4", b"first")
    plan = samples.plan(item.id)
    run = store.start_examination(plan, samples.ENVIRONMENT)
    assert (run.number, run.plan, run.environment, run.state) == (
        1,
        plan,
        samples.ENVIRONMENT,
        ExaminationState.RUNNING,
    )
    digest = store.arrays.put(samples.fakeness(1))
    small, failed = AbstentionReason.FACE_TOO_SMALL, AbstentionReason.DETECTOR_FAILED
    mixed = samples.face(
        1,
        [
            samples.refused(1, "clip_ln", small, ItemStatus.ABSTAINED),
            samples.refused(1, "fakelocator", failed, ItemStatus.ERROR),
        ],
    )
    rows = (
        FrameRow(
            run.id, item.id, samples.frame(0), (samples.face(1, [samples.scored(1, "clip_ln", 0.1 + 0.2, digest)]),)
        ),
        FrameRow(run.id, item.id, samples.frame(1), (mixed, samples.face(2, [samples.scored(2, "clip_ln", 1.0)]))),
        FrameRow(run.id, item.id, samples.frame(2), ()),
        FrameRow(run.id, item.id, samples.frame(3, ""), (), "the decoder stopped"),
        FrameRow(run.id, item.id, samples.frame(4), (samples.face(1, [samples.scored(1, "clip_ln", 0.7)]),)),
    )
    store.append_rows(tuple(reversed(rows)))
    assert store.frame_rows(run.id, item.id) == rows
    assert store.frame_rows(run.id, item.id, {3, 1, 99}) == (rows[1], rows[3])
    assert store.frame_rows(run.id, item.id, ()) == ()
    assert store.examined_ordinals(run.id, item.id) == {0, 1, 2, 3, 4}
    cover = store.coverage(run.id, item.id, 100)
    assert (cover.examined, cover.with_face, cover.without_face, cover.unreadable) == (5, 3, 1, 1)
    assert (cover.scored, cover.abstained, cover.errors, cover.frames_total) == (3, 1, 1, 100)
    one, two, three = store.summaries(run.id, item.id)
    assert (one.track_number, one.detector, one.frames_scored, one.frames_abstained) == (1, "clip_ln", 2, 1)
    assert one.abstentions == ((small, 1),)
    assert (one.mean, one.median) == pytest.approx((0.5, 0.5))
    assert (one.low, one.high) == pytest.approx((0.32, 0.68))
    assert one.peak == samples.frame(4)
    assert (one.first_seconds, one.last_seconds) == (0.0, pytest.approx(4 * 512 / 12800))
    assert (two.detector, two.frames_error, two.mean, two.peak) == ("fakelocator", 1, None, None)
    assert (three.track_number, three.mean) == (2, 1.0)
    store.end_examination(run.id, ExaminationState.DONE)
    body = json.loads(store.custody()[-1].body)
    assert (body["frames"], body["results"]) == (5, {"ok": 3, "abstained": 1, "no_face": 0, "error": 1})
    assert store.examination(run.id).ended_at is not None


def test_rows_are_never_replaced(store: CaseStore, tmp_path: Path) -> None:
    """X10: adding a stored frame again is ignored; other pixels under the same time stamp are refused."""
    item = samples.take_in(store, tmp_path / "a.mp4", b"first")
    run = store.start_examination(samples.plan(item.id), samples.ENVIRONMENT)
    row = samples.full_row(run.id, item.id, 3)
    store.append_rows([row, row])
    other = FrameRow(run.id, item.id, row.frame, (samples.face(1, [samples.scored(1, "clip_ln", 0.999)]),))
    store.append_rows([other, samples.full_row(run.id, item.id, 4)])
    assert store.frame_rows(run.id, item.id) == (row, samples.full_row(run.id, item.id, 4))
    changed = FrameRow(run.id, item.id, samples.frame(3, "f" * 64), ())
    with pytest.raises(IntegrityMismatch):
        store.append_rows([samples.full_row(run.id, item.id, 5), changed])
    assert store.examined_ordinals(run.id, item.id) == {3, 4}, "a refused batch leaves nothing"


def test_rows_that_contradict_themselves_are_refused(store: CaseStore, tmp_path: Path) -> None:
    item = samples.take_in(store, tmp_path / "a.mp4", b"first")
    other = samples.take_in(store, tmp_path / "b.mp4", b"second")
    run = store.start_examination(samples.plan(item.id), samples.ENVIRONMENT)
    no_reason = replace(samples.scored(1, "clip_ln", 0.5), status=ItemStatus.ABSTAINED, score=None)
    for faces, error in (
        ((samples.face(1, []),), "unreadable"),
        ((samples.face(1, [samples.scored(2, "clip_ln", 0.5)]),), ""),
        ((samples.face(1, [no_reason]),), ""),
    ):
        with pytest.raises(ValueError):
            store.append_rows([FrameRow(run.id, item.id, samples.frame(0), faces, error)])
    with pytest.raises(InputError):
        store.append_rows([samples.full_row(run.id, other.id, 0)])
    store.append_rows([samples.full_row(run.id, item.id, 0)])
    renumbered = replace(samples.face(1, []), track_number=9)
    with pytest.raises(ValueError, match="cannot become"):
        store.append_rows([FrameRow(run.id, item.id, samples.frame(1), (renumbered,))])
    store.end_examination(run.id, ExaminationState.DONE)
    with pytest.raises(InputError):
        store.append_rows([samples.full_row(run.id, item.id, 1)])
    with pytest.raises(InputError):
        store.end_examination(run.id, ExaminationState.DONE)


def test_resume_keeps_the_rows_and_is_in_the_chain(store: CaseStore, tmp_path: Path) -> None:
    item = samples.take_in(store, tmp_path / "a.mp4", b"first")
    run = store.start_examination(samples.plan(item.id), samples.ENVIRONMENT)
    with pytest.raises(InputError):
        store.reopen_examination(run.id)
    store.append_rows([samples.full_row(run.id, item.id, 0)])
    store.end_examination(run.id, ExaminationState.CANCELLED, "cancelled")
    again = store.reopen_examination(run.id)
    assert (again.state, again.ended_at, again.error, again.number) == (ExaminationState.RUNNING, None, "", 1)
    store.append_rows([samples.full_row(run.id, item.id, 1)])
    store.end_examination(run.id, ExaminationState.DONE)
    with pytest.raises(InputError):
        store.reopen_examination(run.id)
    assert store.examined_ordinals(run.id, item.id) == {0, 1}
    second = store.start_examination(samples.plan(item.id), samples.ENVIRONMENT)
    assert second.number == 2
    assert [e.number for e in store.examinations()] == [1, 2]
    assert store.frame_rows(second.id, item.id) == ()


def test_reports_are_recorded_once(store: CaseStore) -> None:
    assert store.next_report_number() == 1
    head = store.custody_head()
    record = ReportRecord(
        ReportId(new_id()),
        store.case.id,
        1,
        "reports/report-01.pdf",
        "d" * 64,
        10,
        "2026-01-01T00:00:00.000+00:00",
        "A. Examiner",
        head.count,
        head.hash.hex(),
    )
    store.add_report(record)
    assert store.reports() == (record,)
    assert store.next_report_number() == 2
    with pytest.raises(InputError):
        store.add_report(record)
    assert kinds(store)[-1] is CustodyKind.REPORT_BUILT


def test_many_threads_write_and_read_at_once(store: CaseStore, tmp_path: Path, case_folder: Path) -> None:
    item = samples.take_in(store, tmp_path / "a.mp4", b"first")
    run = store.start_examination(samples.plan(item.id), samples.ENVIRONMENT)

    def write(start: int) -> None:
        for ordinal in range(start, start + 10):
            store.arrays.put(samples.fakeness(ordinal, 16))
            store.append_rows([samples.full_row(run.id, item.id, ordinal)])
            store.record(CustodyKind.EXPORTED, {"frame": ordinal})
            store.frame_rows(run.id, item.id)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, (0, 10, 20, 30)))
    assert store.examined_ordinals(run.id, item.id) == set(range(40))
    assert kinds(store).count(CustodyKind.EXPORTED) == 40
    store.end_examination(run.id, ExaminationState.DONE)
    store.close()
    assert verify_case(case_folder).ok


def test_reading_only_refuses_every_change(store: CaseStore, case_folder: Path, tmp_path: Path) -> None:
    item = samples.take_in(store, tmp_path / "a.mp4", b"first")
    store.close()
    before = {p: p.stat().st_mtime_ns for p in case_folder.rglob("*")}
    with CaseStore.open(case_folder, key=None, read_only=True) as reader:
        assert reader.evidence() == (item,)
        for change in (
            lambda: reader.record(CustodyKind.EXPORTED, {}),
            lambda: reader.set_work(item.id, WorkState.EXAMINED),
            lambda: reader.put_thumbnail(item.id, b""),
            lambda: reader.vault.take_in(tmp_path / "a.mp4"),
            lambda: reader.arrays.put(np.zeros(3)),
            lambda: reader.append_rows([]),
        ):
            with pytest.raises(CaseReadOnly):
                change()
    assert {p: p.stat().st_mtime_ns for p in case_folder.rglob("*")} == before, "reading leaves no trace"
    with pytest.raises(InputError):
        CaseStore.open(case_folder, key=None)


def test_a_closed_store_says_so(store: CaseStore) -> None:
    store.close()
    with pytest.raises(CaseError, match="closed"):
        store.evidence()
    with pytest.raises(CaseError, match="closed"):
        store.record(CustodyKind.EXPORTED, {})
