"""Imports: the whole list is kept in the case first, then the files are taken in one by one (E1, U6, X10).

An import that was cancelled, failed or killed goes on where it was: what is settled stays settled, what waits is taken
in. A file that was copied by a killed program and became an exhibit, but was not ticked off, is recognised as its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from workstation.app.hub import Hub
from workstation.app.intake_results import Intake, IntakeWish, summed_up
from workstation.app.listing import Listed, changed_since, list_files, located
from workstation.app.taking_in import Origin, prepare, take_in
from workstation.domain.custody import CustodyKind
from workstation.domain.errors import (
    Cancelled,
    CaseReadOnly,
    DuplicateEvidence,
    InputError,
    StorageFull,
    WorkstationError,
)
from workstation.domain.events import CaseChanged, EvidenceChanged
from workstation.domain.evidence import EvidenceItem
from workstation.domain.ids import EvidenceId, IntakeId
from workstation.domain.intake import BatchState, IntakeBatch, IntakeItem, IntakeState
from workstation.domain.jobs import JobContext
from workstation.storage.case_store import CaseStore

_BATCH_OF_LINES = 200


def import_files(store: CaseStore, hub: Hub, wish: IntakeWish, context: JobContext) -> Intake:
    """List everything named, keep the list in the case, and take the files in. A refused file never stops the others.

    Raises:
        InputError: nothing was found at all.
        Cancelled: while listing nothing stays; later, what was taken in stays and the rest waits.
        StorageFull, CaseReadOnly: nothing more can be taken in; the rest waits.
    """

    def count(number: int) -> None:
        context.raise_if_cancelled()
        context.progress(0, 0, f"{number} files listed")

    listed = list_files(wish.paths, case=store.folder, on_count=count)
    if not listed:
        raise InputError("There is no file to take in.", "Name at least one picture or video.")
    batch = store.intake.begin(
        [(entry.path, entry.size, entry.modified_ns) for entry in listed],
        note=wish.note,
        purpose=wish.purpose,
        authority=wish.authority,
    )
    return _run(
        store, hub, batch, wish.second_digest, context, dict(zip(_positions(store, batch), listed, strict=True))
    )


def go_on(store: CaseStore, hub: Hub, batch: IntakeId, second_digest: str, context: JobContext) -> Intake:
    """Go on with an import that was cancelled, failed or interrupted.

    Raises:
        NotFound: there is no such import.
        InputError: nothing of it waits.
        Cancelled, StorageFull, CaseReadOnly: as for ``import_files``.
    """
    found = store.intake.batch(batch)
    if not found.waiting:
        raise InputError("Nothing of this import waits to be taken in.")
    return _run(store, hub, found, second_digest, context, {})


@dataclass
class _Tally:
    """Progress in bytes over the whole import, and what is to be told at its end."""

    context: JobContext
    total: int
    files: int
    done: int = 0
    at: int = 0
    name: str = ""
    size: int = 0
    changed: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def begin(self, item: IntakeItem) -> None:
        self.at += 1
        self.name, self.size = Path(item.path).name, item.size
        self.tell(0)

    def tell(self, within: int, _total: int = 0) -> None:
        words = f"file {self.at} of {self.files}: {self.name}"
        self.context.progress(min(self.done + min(within, self.size), self.total), self.total, words)

    def end(self) -> None:
        self.done += self.size


def _run(
    store: CaseStore,
    hub: Hub,
    batch: IntakeBatch,
    second_digest: str,
    context: JobContext,
    listed: dict[int, Listed],
) -> Intake:
    """Take in what waits and end the import in one of done, cancelled, failed."""
    state = BatchState.FAILED
    try:
        if listed:
            _settle_left_out(store, batch, listed)
        waiting = store.intake.waiting(batch.id)
        tally = _Tally(context, max(1, sum(item.size for item in waiting)), len(waiting))
        for item in waiting:
            context.raise_if_cancelled()
            tally.begin(item)
            _one(store, hub, batch, item, second_digest, tally)
            tally.end()
        state = BatchState.DONE
        context.progress(tally.total, tally.total)
    except Cancelled:
        state = BatchState.CANCELLED
        raise
    finally:
        store.intake.end(batch.id, state)
        hub.publish(CaseChanged(store.case.id))
    exhibits = {item.id: item for item in store.evidence()}
    items = store.intake.items(batch.id)
    return summed_up(store.intake.batch(batch.id), items, exhibits, tally.changed, tally.notes)


def _settle_left_out(store: CaseStore, batch: IntakeBatch, listed: dict[int, Listed]) -> None:
    """Tick off what the listing itself turned away, with custody events that name every one of them (X10)."""
    turned = [(position, entry) for position, entry in listed.items() if entry.code]
    for start in range(0, len(turned), _BATCH_OF_LINES):
        part = turned[start : start + _BATCH_OF_LINES]
        body = _facts(batch) | {
            "reason": "not taken in by the listing",
            "sources": [{"source": entry.path, "code": entry.code, "reason": entry.line} for _, entry in part],
        }
        store.record(CustodyKind.EVIDENCE_REFUSED, body)
        for position, entry in part:
            store.intake.settle(batch.id, position, IntakeState.REFUSED, code=entry.code, line=entry.line)


def _one(store: CaseStore, hub: Hub, batch: IntakeBatch, item: IntakeItem, second_digest: str, tally: _Tally) -> None:
    path = located(item.path)
    differs = changed_since(item.size, item.modified_ns, path)
    if differs:
        tally.changed.append(f"{item.path}: {differs}")
    facts = _facts(batch) | ({"changed_since_listing": differs} if differs else {})
    origin = Origin(path, item.path, batch.note, facts, second_digest)
    try:
        taken = take_in(store, origin, tally.tell, tally.context.cancelled)
    except (StorageFull, CaseReadOnly, Cancelled):
        raise
    except WorkstationError as error:
        store.record(
            CustodyKind.EVIDENCE_REFUSED,
            facts | {"source": item.path, "code": error.code, "reason": f"{error.code}: {error.message}"},
        )
        store.intake.settle(batch.id, item.position, IntakeState.REFUSED, code=error.code, line=error.line())
        return
    if taken.duplicate and not _is_its_own(store, batch, item, taken.item):
        _duplicate(store, batch, item, taken.item)
        return
    store.intake.settle(batch.id, item.position, IntakeState.ADDED, evidence=taken.item.id)
    tally.notes.extend(prepare(store, taken.item))
    hub.publish(EvidenceChanged(store.case.id, taken.item.id))


def _duplicate(store: CaseStore, batch: IntakeBatch, item: IntakeItem, known: EvidenceItem) -> None:
    line = f"{Path(item.path).name} is already in the case as {known.exhibit} (same SHA-256)."
    body = {
        "source": item.path,
        "code": DuplicateEvidence.code,
        "reason": f"duplicate of {known.exhibit}",
        "evidence": known.id,
        "exhibit": known.exhibit,
        "sha256": known.sha256,
    }
    store.record(CustodyKind.EVIDENCE_REFUSED, _facts(batch) | body)
    store.intake.settle(
        batch.id, item.position, IntakeState.DUPLICATE, evidence=known.id, code=DuplicateEvidence.code, line=line
    )


def _is_its_own(store: CaseStore, batch: IntakeBatch, item: IntakeItem, known: EvidenceItem) -> bool:
    """Whether this very file became the exhibit in an earlier run of this import that was killed before ticking it."""
    if known.source_path != item.path or known.taken_in_at < batch.started_at:
        return False
    claimed: set[EvidenceId | None] = {i.evidence for i in store.intake.items(batch.id) if i.state is IntakeState.ADDED}
    return known.id not in claimed


def _facts(batch: IntakeBatch) -> dict[str, object]:
    """What every custody event of an import says about it (E6); what the session says stands where it says nothing."""
    said = {"purpose": batch.purpose, "authority": batch.authority}
    return {"intake": batch.id} | {name: text for name, text in said.items() if text}


def _positions(store: CaseStore, batch: IntakeBatch) -> Sequence[int]:
    return [item.position for item in store.intake.items(batch.id)]
