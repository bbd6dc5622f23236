"""What a case must look like after a child was killed in it, and that work goes on there."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlcipher3 import dbapi2

from tests.harness.workbench import Outcome, Place
from workstation.domain.errors import CaseLocked, CaseNotFound, WorkstationError
from workstation.domain.examinations import ExaminationState
from workstation.storage.arrays import ArrayStore
from workstation.storage.case_store import CaseStore
from workstation.storage.catalogue import Catalogue
from workstation.storage.portable.verifying import verify_pack
from workstation.storage.verification import verify_case

BATCH = 8


@dataclass(frozen=True, slots=True)
class Found:
    """What was acknowledged before, and what was missing afterwards. ``faults`` is empty when all is well."""

    events: int
    lost: int
    faults: tuple[str, ...]
    unfinished: bool


def unlocked(place: Place, secrets: Sequence[str] = ()) -> tuple[CaseStore, str | None]:
    """The case, open for reading, and the passphrase that opens it (None for a plain one). Raises: WorkstationError."""
    for secret in (None, *secrets):
        try:
            return CaseStore.open(place.case, key=None, read_only=True, passphrase=secret or None), secret or None
        except CaseLocked as fault:
            last = fault
    raise last


def look(place: Place, outcome: Outcome, secrets: Sequence[str] = ()) -> Found:
    """Look at a case as the killed child left it; nothing is changed.

    Args:
        secrets: passphrases of which one opens the case, if it is encrypted.
    """
    faults = [f"still running: {line}" for line in outcome.left]
    said = outcome.of("event")
    try:
        case, secret = unlocked(place, secrets)
    except CaseNotFound:
        return Found(len(said), len(said), tuple(faults + ["the case is gone"] * bool(said)), False)
    except WorkstationError as fault:
        return Found(len(said), len(said), (*faults, f"does not open: {fault.line()}"), False)
    with case:
        events = {event.seq: event.hash.hex() for event in case.custody()}
        lost = [line for line in said if events.get(int(line["seq"])) != line["hash"]]
        faults += [f"acknowledged event {line['seq']} is gone" for line in lost]
        faults += _records(case, outcome)
        unfinished = any(run.state is not ExaminationState.DONE for run in case.examinations())
        case_id = case.case.id
    faults += _database(place) if secret is None else []
    with_pins = Catalogue(place.home / "catalogue.sqlite")
    pins = tuple(head for head, _, _ in with_pins.pins(case_id))
    with_pins.close()
    faults += [f"{line.subject}: {line.detail}" for line in verify_case(place.case, pinned=pins, passphrase=secret).bad]
    faults += _files(place, sealed=secret is not None)
    return Found(len(said), len(lost), tuple(faults), unfinished)


def _records(case: CaseStore, outcome: Outcome) -> Iterator[str]:
    exhibits = {item.id: item.sha256 for item in case.evidence()}
    for line in outcome.of("exhibit"):
        if exhibits.get(line["id"]) != line["sha256"]:
            yield f"acknowledged exhibit {line['id']} is gone"
    stored = {
        (run.id, item, ordinal)
        for run in case.examinations()
        for item in run.plan.evidence
        for ordinal in case.examined_ordinals(run.id, item)
    }
    told = {(run, item, ordinal) for line in outcome.of("rows") for run, item, ordinal in line["rows"]}
    if told - stored:
        yield f"{len(told - stored)} acknowledged rows are gone"
    begun = sum(int(line["frames"]) for line in outcome.of("batch"))
    if begun - len(told) > BATCH:
        yield f"{begun - len(told)} frames were begun and not stored: more than one batch"
    reports = {record.path: record.sha256 for record in case.reports()}
    for line in outcome.of("report"):
        if reports.get(line["path"]) != line["sha256"]:
            yield f"acknowledged {line['path']} is gone"


def _database(place: Place) -> Iterable[str]:
    """SQLite's own check, on a copy: the next opening shall find the case as the kill left it."""
    with tempfile.TemporaryDirectory() as folder:
        for path in place.case.glob("case.sqlite*"):
            shutil.copy(path, folder)
        connection = dbapi2.connect(str(Path(folder) / "case.sqlite"))
        try:
            found = [row[0] for row in connection.execute("PRAGMA integrity_check")]
        finally:
            connection.close()
    return [] if found == ["ok"] else [f"integrity_check: {found[:3]}"]


def _files(place: Place, *, sealed: bool) -> Iterator[str]:
    """No half-written file under its final name, recorded or not. What is sealed is verified with its record alone."""
    if not sealed:
        yield from _stored(place)
    for path in (*place.exports.glob("*.pdf"), *(() if sealed else (place.case / "reports").glob("*.pdf"))):
        if not path.name.startswith(".") and not path.read_bytes().rstrip().endswith(b"%%EOF"):
            yield f"{path.name} is cut"
    for path in place.exports.glob("*.png"):
        if not path.name.startswith(".") and not path.read_bytes().endswith(b"IEND\xaeB`\x82"):
            yield f"{path.name} is cut"
    for path in place.exports.glob("*.zip"):
        if not path.name.startswith("."):
            yield from (f"{path.name}: {line.subject}: {line.detail}" for line in verify_pack(path).bad)
    if (place.exports / "backup").exists():
        found = verify_case(place.exports / "backup").bad
        yield from (f"backup: {line.subject}: {line.detail}" for line in found)


def _stored(place: Place) -> Iterator[str]:
    for path in (place.case / "evidence").glob("*/*"):
        if not path.name.startswith("."):
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            if digest != path.name:
                yield f"{path.name[:12]} holds other bytes"
    maps = ArrayStore(place.case / "maps", read_only=True)
    for path in (place.case / "maps").glob("*/*.npy.z"):
        if path.name.startswith("."):
            continue
        try:
            maps.get(path.name.removesuffix(".npy.z"))
        except WorkstationError as fault:
            yield f"{path.name}: {fault.message}"


def leftovers(place: Place) -> list[str]:
    """Temporary files that are still there after the case was opened and closed again."""
    hidden = [p for folder in (place.case, place.exports) for p in folder.rglob(".*")]
    found = hidden + [p for p in place.case.rglob("*") if p.name.endswith((".part", "-wal", "-shm", ".switch"))]
    return [p.relative_to(place.root).as_posix() for p in found]


def finished(place: Place, secrets: Sequence[str] = ()) -> list[str]:
    """What is wrong with a case after the interrupted act was done again to its end."""
    try:
        case, secret = unlocked(place, secrets)
        faults = [f"{line.subject}: {line.detail}" for line in verify_case(place.case, passphrase=secret).bad]
        with case:
            for run in case.examinations():
                if run.state is ExaminationState.DONE:
                    faults += _whole(case, run)
    except WorkstationError as fault:
        return [f"does not open: {fault.line()}"]
    return faults + [f"left over: {name}" for name in leftovers(place)]


def _whole(case: CaseStore, run: Any) -> Iterator[str]:
    for item in run.plan.evidence:
        index = case.frame_index(item)
        total = len(index) if index else 0
        done = case.examined_ordinals(run.id, item)
        if run.plan.frames == 0 and done != set(range(total)):
            yield f"examination {run.number}: {len(done)} of {total} frames"


def digest_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
