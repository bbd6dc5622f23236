"""Readings of whole tracks: kept as given, sealed when the examination ends, committed batch by batch (X9, X10, E7)."""

from __future__ import annotations

import hashlib
import json
import signal
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.storage.storage_samples import ENVIRONMENT, full_row, plan, take_in
from workstation.domain.custody import CustodyKind
from workstation.domain.detectors import Measure
from workstation.domain.errors import CaseReadOnly, InputError, NotFound
from workstation.domain.evidence import EvidenceItem
from workstation.domain.examinations import DetectorUse, Examination, ExaminationState
from workstation.domain.ids import EvidenceId, ExaminationId, TrackId
from workstation.domain.results import Abstention, AbstentionReason, ItemStatus, TrackReading
from workstation.storage import row_digests
from workstation.storage.case_store import CaseStore
from workstation.storage.engine import connect
from workstation.storage.keys import LedgerKey
from workstation.storage.portable.disclosure import Disclosure, disclose
from workstation.storage.portable.exporting import Handover, export_case
from workstation.storage.portable.reading import Pack
from workstation.storage.portable.receiving import import_case
from workstation.storage.portable.snapshot import back_up
from workstation.storage.verification import verify_case

MEASURES = (
    Measure(
        "reference_median", "similarity to the reference, median", 0.1 + 0.2, -0.75, 0.9, "5 % to 95 % of 8 frames"
    ),
    Measure("claimed", "similarity to the claimed person", None, about="nobody is claimed", exploratory=True),
)


def read(run: ExaminationId, evidence: EvidenceId, track: int, detector: str, **more: object) -> TrackReading:
    fixed = {"status": ItemStatus.OK, "frames": (0, 2, 5), "value": 1 / 3, "measures": MEASURES, "note": "ünï"}
    return TrackReading(run, evidence, TrackId(f"track-{track}"), track, detector, **(fixed | more))  # type: ignore[arg-type]


def refused(run: ExaminationId, evidence: EvidenceId, track: int, detector: str) -> TrackReading:
    why = Abstention(AbstentionReason.TOO_FEW_FRAMES, "3 frames; it needs 8")
    more = {"status": ItemStatus.ABSTAINED, "value": None, "measures": (), "note": "", "abstention": why}
    return read(run, evidence, track, detector, **more)


@pytest.fixture
def item(store: CaseStore, tmp_path: Path) -> EvidenceItem:
    return take_in(store, tmp_path / "clip.mp4", b"a clip of two faces")


@pytest.fixture
def run(store: CaseStore, item: EvidenceItem) -> Examination:
    """A running examination with two tracks on six frames."""
    started = store.start_examination(plan(item.id), ENVIRONMENT)
    store.append_rows([full_row(started.id, item.id, ordinal) for ordinal in range(6)])
    return started


def test_readings_come_back_exactly(store: CaseStore, item: EvidenceItem, run: Examination) -> None:
    """Every field, floats to the last bit, in the order of tracks; NULL and 0 are told apart."""
    given = [
        read(run.id, item.id, 2, "dpu", value=0.0),
        read(run.id, item.id, 1, "identity", value=None, frames=()),
        refused(run.id, item.id, 1, "dpu"),
        replace(refused(run.id, item.id, 2, "identity"), status=ItemStatus.ERROR),
    ]
    assert store.readings.append(given) == 4
    found = store.readings.of(run.id, item.id)
    assert found == (given[1], given[2], given[0], given[3])
    assert found[0].measures[0].value == 0.1 + 0.2
    pairs = {(TrackId("track-1"), "identity"), (TrackId("track-1"), "dpu"), (TrackId("track-2"), "dpu")}
    assert store.readings.stored(run.id, item.id) == pairs | {(TrackId("track-2"), "identity")}


def test_what_is_stored_already_is_left_as_it_is(store: CaseStore, item: EvidenceItem, run: Examination) -> None:
    first = read(run.id, item.id, 1, "dpu")
    assert store.readings.append([first]) == 1
    assert store.readings.append([replace(first, value=0.9), read(run.id, item.id, 2, "dpu")]) == 1
    assert store.readings.append([first, first]) == 0
    assert [r.value for r in store.readings.of(run.id, item.id)] == [1 / 3, 1 / 3]
    second = store.start_examination(plan(item.id), ENVIRONMENT)
    store.append_rows([full_row(second.id, item.id, 0)])
    assert store.readings.append([read(second.id, item.id, 1, "dpu", value=0.5)]) == 1
    assert [r.value for r in store.readings.of(second.id, item.id)] == [0.5]


def test_what_contradicts_itself_is_refused_whole(store: CaseStore, item: EvidenceItem, run: Examination) -> None:
    """Nothing of the batch is stored, whatever stands before it."""
    good = read(run.id, item.id, 1, "dpu")
    other = take_in(store, store.folder.parent / "other.mp4", b"not planned")
    wrong: list[tuple[TrackReading, type[Exception]]] = [
        (replace(good, value=float("nan")), ValueError),
        (replace(good, value=float("inf")), ValueError),
        *(
            (replace(good, measures=(Measure("a", "b", 1.0, **more),)), ValueError)
            for more in (
                {"low": float("-inf")},
                {"high": float("nan")},
            )
        ),
        (replace(good, measures=(Measure("a", "b", float("nan")),)), ValueError),
        (replace(good, abstention=Abstention(AbstentionReason.DETECTOR_FAILED, "no")), ValueError),
        (replace(good, status=ItemStatus.ABSTAINED), ValueError),
        (replace(refused(run.id, item.id, 1, "dpu"), abstention=None), ValueError),
        (replace(good, track_number=2), ValueError),
        (replace(good, track=TrackId("track-9")), NotFound),
        (replace(good, evidence=other.id), InputError),
        (replace(good, evidence=EvidenceId("x")), InputError),
        (replace(good, examination=ExaminationId("x")), InputError),
    ]
    for reading, fault in wrong:
        with pytest.raises(fault):
            store.readings.append([read(run.id, item.id, 2, "dpu"), reading])
    assert store.readings.of(run.id, item.id) == ()
    with pytest.raises(NotFound):
        store.readings.of(ExaminationId("x"), item.id)


def test_an_examination_that_ended_takes_no_readings(
    store: CaseStore, item: EvidenceItem, run: Examination, key: LedgerKey
) -> None:
    """Until it goes on; its new end covers what came in between."""
    store.end_examination(run.id, ExaminationState.CANCELLED)
    with pytest.raises(InputError):
        store.readings.append([read(run.id, item.id, 1, "dpu")])
    store.reopen_examination(run.id)
    store.readings.append([read(run.id, item.id, 1, "dpu"), refused(run.id, item.id, 2, "dpu")])
    store.end_examination(run.id, ExaminationState.DONE)
    ends = [json.loads(e.body) for e in store.custody() if e.kind is CustodyKind.EXAMINATION_ENDED]
    assert [end["readings"] for end in ends] == [{}, {"abstained": 1, "ok": 1}]
    digests = [end["tables_sha256"]["track_readings"] for end in ends]
    assert digests[0] == row_digests.rows_sha256(())
    assert digests[1] != digests[0]
    store.close()
    assert verify_case(store.folder).ok
    with CaseStore.open(store.folder, key=None, read_only=True) as reader, pytest.raises(CaseReadOnly):
        reader.readings.append([])


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE track_readings SET value = 0.5 WHERE position = 1",
        "DELETE FROM track_readings WHERE position = 2",
        "INSERT OR REPLACE INTO track_readings SELECT 1, examination, evidence, track, detector, status, 0.5, reason,"
        " detail, frames, measures, note FROM track_readings WHERE position = 1",
        "INSERT OR REPLACE INTO track_readings SELECT 3, examination, evidence, track, detector, status, 0.5, reason,"
        " detail, frames, measures, note FROM track_readings WHERE position = 1",
        "INSERT INTO track_readings SELECT 7, examination, evidence, track, 'other', status, value, reason, detail,"
        " frames, measures, note FROM track_readings WHERE position = 1",
    ],
)
def test_the_database_refuses_every_change(
    store: CaseStore, item: EvidenceItem, run: Examination, statement: str
) -> None:
    """Also to a tool that is not this program."""
    store.readings.append([read(run.id, item.id, 1, "dpu"), read(run.id, item.id, 2, "dpu")])
    raw = connect(store.folder / "case.sqlite")
    with pytest.raises(Exception, match="track_readings: "):
        raw.execute(statement)
    raw.close()
    assert len(store.readings.of(run.id, item.id)) == 2


CHANGES = {
    "changed value": "UPDATE track_readings SET value = value + 1e-9 WHERE position = 1",
    "changed measure": "UPDATE track_readings SET measures = replace(measures, '0.9', '0.8') WHERE position = 1",
    "changed frames": "UPDATE track_readings SET frames = '[0, 2, 4]' WHERE position = 1",
    "other track": "UPDATE track_readings SET track = 2 WHERE position = 1",
    "other examination": "UPDATE track_readings SET examination = 2 WHERE position = 1",
    "removed": "DELETE FROM track_readings WHERE position = 2",
    "all removed": "DELETE FROM track_readings",
    "added": "INSERT INTO track_readings SELECT 9, examination, evidence, track, 'other', status, value, reason,"
    " detail, frames, measures, note FROM track_readings WHERE position = 1",
    "swapped": "UPDATE track_readings SET position = 3 - position + 10",
    "the older one's": "INSERT INTO track_readings SELECT 9, 2, evidence, track, 'other', status, value, reason,"
    " detail, frames, measures, note FROM track_readings WHERE position = 1",
}


@pytest.mark.parametrize("change", sorted(CHANGES))
def test_verification_names_a_row_that_was_tampered_with(
    store: CaseStore, item: EvidenceItem, run: Examination, change: str
) -> None:
    """Triggers taken off and put back; the second examination ended without a reading."""
    store.readings.append([read(run.id, item.id, 1, "dpu"), read(run.id, item.id, 1, "identity")])
    store.end_examination(run.id, ExaminationState.DONE)
    second = store.start_examination(plan(item.id), ENVIRONMENT)
    store.append_rows([full_row(second.id, item.id, 0)])
    store.end_examination(second.id, ExaminationState.DONE)
    store.close()
    assert verify_case(store.folder).ok
    raw = connect(store.folder / "case.sqlite")
    triggers = raw.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").fetchall()
    for name, _ in triggers:
        raw.execute(f"DROP TRIGGER {name}")
    assert raw.execute(CHANGES[change]).rowcount >= 1
    for _, text in triggers:
        raw.execute(text)
    raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    raw.close()
    lines = [line for line in verify_case(store.folder).bad if line.subject != "database file"]
    named = {line.subject for line in lines}
    assert named <= {"examination 1", "examination 2"}
    assert ("examination 2" if change.startswith("the older") else "examination 1") in named
    assert all("rows of track_readings" in line.detail for line in lines)


def test_a_program_killed_between_batches_leaves_those_before(
    store: CaseStore, item: EvidenceItem, run: Examination, tmp_path: Path, key: LedgerKey
) -> None:
    """kill -9 in the second batch: the first stands, the examination is interrupted, goes on and is sealed whole."""
    store.close()
    code = """
    import os, signal, sys
    from pathlib import Path
    from sqlalchemy import event
    from tests.unit.storage.test_track_readings import read
    from workstation.storage.case_store import CaseStore
    from workstation.storage.keys import LedgerKey
    from workstation.storage.repositories import readings
    store = CaseStore.open(Path(sys.argv[1]), key=LedgerKey.load_or_create(Path(sys.argv[2])))
    run = store.examinations()[0]
    store.reopen_examination(run.id)
    item = store.evidence()[0]
    store.readings.append([read(run.id, item.id, 1, "dpu")])
    real = readings.append
    def killed(connection, given):
        real(connection, given)
        os.kill(os.getpid(), signal.SIGKILL)
    readings.append = killed
    store.readings.append([read(run.id, item.id, 2, "dpu")])
    """
    command = [sys.executable, "-c", textwrap.dedent(code), str(store.folder), str(tmp_path / "keys")]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    assert verify_case(store.folder).ok
    with CaseStore.open(store.folder, key=key) as again:
        assert again.examination(run.id).state is ExaminationState.INTERRUPTED
        assert again.readings.stored(run.id, item.id) == {(TrackId("track-1"), "dpu")}
        again.reopen_examination(run.id)
        both = [read(run.id, item.id, track, "dpu") for track in (1, 2)]
        assert again.readings.append(both) == 1
        again.end_examination(run.id, ExaminationState.DONE)
        assert again.readings.of(run.id, item.id) == tuple(both)
    outcome = verify_case(store.folder)
    assert outcome.ok, outcome.bad


def test_backup_archive_import_and_disclosure_carry_them(
    store: CaseStore, item: EvidenceItem, run: Examination, tmp_path: Path, key: LedgerKey
) -> None:
    given = (read(run.id, item.id, 1, "dpu"), refused(run.id, item.id, 2, "dpu"))
    store.readings.append(given)
    store.end_examination(run.id, ExaminationState.DONE)
    done = export_case(store, tmp_path / "whole.wkpack", Handover("review", "order 1", "court"))
    assert done.counts["track readings"] == (2, 2)
    received = import_case(done.path, tmp_path / "received", key)
    kept = back_up(store, tmp_path / "backups")
    assert kept.counts["track readings"] == 2
    for folder in (received.folder, kept.folder):
        with CaseStore.open(folder, key=None, read_only=True) as copy:
            assert copy.readings.of(run.id, item.id) == given
        assert verify_case(folder).ok
    part = disclose(store, tmp_path / "part.wkpack", Disclosure((item.id,), handover=Handover("hearing", "order 2")))
    with Pack(part.path) as pack:
        names = [f"exhibits/{item.exhibit}/examination-1/track-{number:02d}.jsonl" for number in (1, 2)]
        lines = [[json.loads(line) for line in pack.read(name).splitlines()] for name in names]
    assert [[one for one in track if "face" in one] == track[:-1] for track in lines] == [True, True]
    first, second = (track[-1]["reading"] for track in lines)
    assert (first["value"], second["value"]) == (1 / 3, None)
    assert first["measures"][0]["label"] == MEASURES[0].label
    assert second["abstention"]["reason"] == "too_few_frames"


@pytest.mark.parametrize("hidden", [False, True])
def test_a_disclosure_tells_of_no_reference_in_an_exhibit_that_is_withheld(
    store: CaseStore, item: EvidenceItem, tmp_path: Path, hidden: bool
) -> None:
    """The digest of the gallery stays, so that whoever has the whole case can hold it against the plan."""
    other = take_in(store, tmp_path / "other.mp4", b"withheld")
    text = json.dumps({"references": [{"person": "A. Speaker", "evidence": other.id if hidden else item.id}]})
    use = DetectorUse("identity", "1", "a" * 64, "b" * 64, settings={"gallery": text, "merge": "8"})
    run = store.start_examination(replace(plan(item.id), detectors=(use,)), ENVIRONMENT)
    store.end_examination(run.id, ExaminationState.DONE)
    done = disclose(store, tmp_path / "part.wkpack", Disclosure((item.id,), handover=Handover("hearing", "order")))
    with Pack(done.path) as pack:
        (name,) = [name for name in pack.names() if name.startswith("examinations/")]
        told = json.loads(pack.read(name))["plan"]["detectors"][0]["settings"]
        everything = b"".join(pack.read(member.name) for member in pack.present())
    assert told["merge"] == "8"
    assert told["gallery"] == ("withheld, SHA-256 " + hashlib.sha256(text.encode()).hexdigest() if hidden else text)
    assert (b"A. Speaker" in everything) is not hidden


def test_a_detector_as_used_is_kept_with_its_settings(store: CaseStore, item: EvidenceItem) -> None:
    use = DetectorUse(
        "clip", "2", "a" * 64, "b" * 64, 224, 1.7, level="track", sequence=32, least=8, settings={"merge": "8"}
    )
    made = replace(plan(item.id), detectors=(use,))
    started = store.start_examination(made, ENVIRONMENT)
    assert store.examination(started.id).plan == made
