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
from workstation.app.paths import Home
from workstation.app.taking_in import Origin, prepare, take_in
from workstation.domain.custody import CustodyKind
from workstation.domain.errors import (
    Cancelled,
    CaseError,
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


@dataclass(frozen=True, slots=True)
class Place:
    """Where an import goes: the case, who is told, and the workstation's own folder."""

    store: CaseStore
    hub: Hub
    home: Home


def import_files(place: Place, wish: IntakeWish, context: JobContext) -> Intake:
    """List everything named, keep the list in the case, and take the files in. A refused file never stops the others.

    Raises:
        InputError: nothing was found at all.
        Cancelled: while listing nothing stays; later, what was taken in stays and the rest waits.
        StorageFull, CaseError: nothing more can be taken in; the rest waits.
    """

    def count(number: int) -> None:
        context.raise_if_cancelled()
        context.progress(0, 0, f"{number} files listed")

    listed = list_files(wish.paths, case=place.store.folder, on_count=count)
    if not listed:
        raise InputError("There is no file to take in.", "Name at least one picture or video.")
    batch = place.store.intake.begin(
        [(entry.path, entry.size, entry.modified_ns) for entry in listed],
        note=wish.note,
        purpose=wish.purpose,
        authority=wish.authority,
    )
    return _Import(place, batch, wish.second_digest, context).run(listed)


def go_on(place: Place, batch: IntakeId, second_digest: str, context: JobContext) -> Intake:
    """Go on with an import that was cancelled, failed or interrupted.

    Raises:
        NotFound: there is no such import.
        InputError: nothing of it waits.
        Cancelled, StorageFull, CaseError: as for ``import_files``.
    """
    found = place.store.intake.batch(batch)
    if not found.waiting:
        raise InputError("Nothing of this import waits to be taken in.")
    return _Import(place, found, second_digest, context).run(())


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


class _Import:
    """One run of an import; a later run of the same one is another object."""

    def __init__(self, place: Place, batch: IntakeBatch, second_digest: str, context: JobContext) -> None:
        self._place, self._store = place, place.store
        self._batch = batch
        self._second_digest = second_digest
        self._context = context

    def run(self, listed: Sequence[Listed]) -> Intake:
        """Take in what waits and end the import in one of done, cancelled, failed.

        Args:
            listed: the list as it was just made, to tick off what the listing turned away; empty when going on.
        """
        store, batch = self._store, self._batch
        state = BatchState.FAILED
        try:
            if listed:
                self._settle_left_out(listed)
            waiting = store.intake.waiting(batch.id)
            tally = _Tally(self._context, max(1, sum(item.size for item in waiting)), len(waiting))
            for item in waiting:
                self._context.raise_if_cancelled()
                tally.begin(item)
                self._one(item, tally)
                tally.end()
            state = BatchState.DONE
            self._context.progress(tally.total, tally.total)
        except Cancelled:
            state = BatchState.CANCELLED
            raise
        finally:
            store.intake.end(batch.id, state)
            self._place.hub.publish(CaseChanged(store.case.id))
        exhibits = {item.id: item for item in store.evidence()}
        items = store.intake.items(batch.id)
        return summed_up(store.intake.batch(batch.id), items, exhibits, tally.changed, tally.notes)

    def _settle_left_out(self, listed: Sequence[Listed]) -> None:
        """Tick off what the listing itself turned away, with custody events that name every one of them (X10)."""
        positions = [item.position for item in self._store.intake.items(self._batch.id)]
        turned = [(position, entry) for position, entry in zip(positions, listed, strict=True) if entry.code]
        for start in range(0, len(turned), _BATCH_OF_LINES):
            part = turned[start : start + _BATCH_OF_LINES]
            body = self._facts() | {
                "reason": "not taken in by the listing",
                "sources": [{"source": entry.path, "code": entry.code, "reason": entry.line} for _, entry in part],
            }
            self._store.record(CustodyKind.EVIDENCE_REFUSED, body)
            for position, entry in part:
                self._settle(position, IntakeState.REFUSED, code=entry.code, line=entry.line)

    def _one(self, item: IntakeItem, tally: _Tally) -> None:
        path = located(item.path)
        differs = changed_since(item.size, item.modified_ns, path)
        if differs:
            tally.changed.append(f"{item.path}: {differs}")
        facts = self._facts() | ({"changed_since_listing": differs} if differs else {})
        origin = Origin(path, item.path, self._batch.note, facts, self._second_digest)
        try:
            taken = take_in(self._store, origin, tally.tell, self._context.cancelled)
        except (StorageFull, CaseError, Cancelled):
            raise
        except WorkstationError as error:
            body = {"source": item.path, "code": error.code, "reason": f"{error.code}: {error.message}"}
            self._store.record(CustodyKind.EVIDENCE_REFUSED, facts | body)
            self._settle(item.position, IntakeState.REFUSED, code=error.code, line=error.line())
            return
        if taken.duplicate and not self._is_its_own(item, taken.item):
            self._duplicate(item, taken.item)
            return
        self._place.hub.publish(EvidenceChanged(self._store.case.id, taken.item.id))
        # Ticked off only when it is wholly described: an import stopped before that comes back to it.
        tally.notes.extend(prepare(self._store, taken.item, self._context, self._place.home))
        self._settle(item.position, IntakeState.ADDED, evidence=taken.item.id)
        self._place.hub.publish(EvidenceChanged(self._store.case.id, taken.item.id))

    def _duplicate(self, item: IntakeItem, known: EvidenceItem) -> None:
        code = DuplicateEvidence.code
        line = f"{Path(item.path).name} is already in the case as {known.exhibit} (same SHA-256)."
        body = {
            "source": item.path,
            "code": code,
            "reason": f"duplicate of {known.exhibit}",
            "evidence": known.id,
            "exhibit": known.exhibit,
            "sha256": known.sha256,
        }
        self._store.record(CustodyKind.EVIDENCE_REFUSED, self._facts() | body)
        self._settle(item.position, IntakeState.DUPLICATE, evidence=known.id, code=code, line=line)

    def _is_its_own(self, item: IntakeItem, known: EvidenceItem) -> bool:
        """Whether this very file became the exhibit in an earlier run of this import, stopped before it was ticked."""
        if known.source_path != item.path or known.taken_in_at < self._batch.started_at:
            return False
        items = self._store.intake.items(self._batch.id)
        return known.id not in {i.evidence for i in items if i.state is IntakeState.ADDED}

    def _settle(
        self,
        position: int,
        state: IntakeState,
        *,
        evidence: EvidenceId | None = None,
        code: str = "",
        line: str = "",
    ) -> None:
        self._store.intake.settle(self._batch.id, position, state, evidence=evidence, code=code, line=line)

    def _facts(self) -> dict[str, object]:
        """What every custody event of an import says about it (E6); the session's words stand where it has none."""
        said = {"purpose": self._batch.purpose, "authority": self._batch.authority}
        return {"intake": self._batch.id} | {name: text for name, text in said.items() if text}
