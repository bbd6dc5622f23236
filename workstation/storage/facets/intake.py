"""Imports kept in the case, so that one that was stopped or killed goes on where it was (E1, U6)."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from workstation.domain.clock import now_utc
from workstation.domain.custody import CustodyKind
from workstation.domain.errors import InputError, NotFound
from workstation.domain.ids import EvidenceId, IntakeId, new_id
from workstation.domain.intake import BatchState, IntakeBatch, IntakeItem, IntakeState
from workstation.storage.chain import Chain
from workstation.storage.facets.reading import is_there, read_or
from workstation.storage.open_case import OpenCase
from workstation.storage.repositories import evidence as exhibits
from workstation.storage.repositories import intake

_ENDS = frozenset(BatchState) - {BatchState.RUNNING}


class Intake:
    """Facet ``store.intake``. Custody: ``intake_started`` with a digest over the list, ``intake_ended`` with one over
    what became of every file; while an import runs, its rows are not sealed yet."""

    def __init__(self, opened: OpenCase) -> None:
        self._open = opened

    def begin(
        self, items: Sequence[tuple[str, int, int]], *, note: str = "", purpose: str = "", authority: str = ""
    ) -> IntakeBatch:
        """Keep the list of an import before its first file is read.

        Args:
            items: (path, size in bytes, mtime in ns) as listed; positions count from 1.

        Raises:
            CaseReadOnly.
        """
        identifier = IntakeId(new_id())

        def work(connection: Connection, chain: Chain) -> IntakeBatch:
            number = intake.begin(connection, identifier, items, now_utc(), (note, purpose, authority))
            _started(connection, chain, number, identifier, resumed=False)
            return intake.one(connection, identifier)

        return self._open.change(work)

    def waiting(self, batch: IntakeId) -> tuple[IntakeItem, ...]:
        """Files not settled yet, in order. Raises: NotFound."""
        return self._open.read(lambda c: intake.items(c, _number(c, batch), IntakeState.WAITING))

    def items(self, batch: IntakeId) -> tuple[IntakeItem, ...]:
        """Every file of an import, in order. Raises: NotFound."""
        return self._open.read(lambda c: intake.items(c, _number(c, batch)))

    def settle(
        self,
        batch: IntakeId,
        position: int,
        state: IntakeState,
        *,
        evidence: EvidenceId | None = None,
        code: str = "",
        line: str = "",
    ) -> None:
        """Say what became of one file. An import that was interrupted runs again from here on.

        Raises:
            NotFound: there is no such import, file or exhibit.
            CaseReadOnly.
        """

        def work(connection: Connection, chain: Chain) -> None:
            settle(connection, chain, batch, position, state, evidence, code, line)

        self._open.change(work)

    def end(self, batch: IntakeId, state: BatchState) -> IntakeBatch:
        """End an import; one that was stopped can be ended again after it went on.

        Raises:
            InputError: ``state`` is no end, or the import is done.
            NotFound, CaseReadOnly.
        """
        if state not in _ENDS:
            raise InputError("An import ends as done, cancelled, failed or interrupted.")

        def work(connection: Connection, chain: Chain) -> IntakeBatch:
            before = intake.one(connection, batch)
            if before.state is BatchState.DONE:
                raise InputError("This import is done already.")
            end(connection, chain, batch, state)
            return intake.one(connection, batch)

        return self._open.change(work)

    def batches(self) -> tuple[IntakeBatch, ...]:
        """Every import, oldest first."""
        return read_or(self._open, intake.every, ())

    def batch(self, batch: IntakeId) -> IntakeBatch:
        """Raises: NotFound."""

        def work(connection: Connection) -> IntakeBatch:
            _number(connection, batch)
            return intake.one(connection, batch)

        return self._open.read(work)

    def unfinished(self) -> IntakeBatch | None:
        """The newest import that runs or was interrupted and has files waiting; None when there is none."""
        found = [b for b in self.batches() if b.state in (BatchState.RUNNING, BatchState.INTERRUPTED) and b.waiting]
        return found[-1] if found else None


def settle(
    connection: Connection,
    chain: Chain,
    batch: IntakeId,
    position: int,
    state: IntakeState,
    evidence: EvidenceId | None = None,
    code: str = "",
    line: str = "",
) -> None:
    """See ``Intake.settle``; for callers with a transaction open. Raises: NotFound."""
    number = intake.number(connection, batch)
    if intake.state(connection, number) is not BatchState.RUNNING:
        intake.set_state(connection, number, BatchState.RUNNING, None)
        _started(connection, chain, number, batch, resumed=True)
    exhibit = None if evidence is None else exhibits.position(connection, evidence)
    intake.settle(connection, number, position, state, exhibit, code, line)


def end(connection: Connection, chain: Chain, batch: IntakeId, state: BatchState) -> None:
    """End an import, with its event. Raises: NotFound."""
    number, at = intake.number(connection, batch), now_utc()
    intake.set_state(connection, number, state, at)
    found = intake.one(connection, batch)
    body = {
        "intake": batch,
        "number": number,
        "state": state.value,
        "ended_at": at,
        "added": found.added,
        "refused": found.refused,
        "duplicates": found.duplicates,
        "waiting": found.waiting,
        "items_sha256": intake.digest(connection, intake.SETTLED, number),
        "purpose": found.purpose,
        "authority": found.authority,
    }
    chain.append(connection, CustodyKind.INTAKE_ENDED, body)


def interrupt_running(connection: Connection, chain: Chain) -> None:
    """Mark what a program that stopped had under way; called when a case is opened for writing."""
    for batch in intake.every(connection):
        if batch.state is BatchState.RUNNING:
            end(connection, chain, batch.id, BatchState.INTERRUPTED)


def _started(connection: Connection, chain: Chain, number: int, batch: IntakeId, *, resumed: bool) -> None:
    found = intake.one(connection, batch)
    body = {
        "intake": batch,
        "number": number,
        "resumed": resumed,
        "started_at": found.started_at,
        "note": found.note,
        "purpose": found.purpose,
        "authority": found.authority,
        "total": found.total,
        "list_sha256": intake.digest(connection, intake.LISTED, number),
    }
    chain.append(connection, CustodyKind.INTAKE_STARTED, body)


def _number(connection: Connection, batch: IntakeId) -> int:
    if not is_there(connection):
        raise NotFound(f"There is no import with the id {batch}.")
    return intake.number(connection, batch)
