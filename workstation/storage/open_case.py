"""A case while it is open: its database, and for the writer the lock, the chain and the anchor that go with it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy import Connection

from workstation.domain.case import Case
from workstation.domain.custody import CustodyEvent, CustodyHead, CustodyKind
from workstation.domain.errors import CaseReadOnly, WorkstationError
from workstation.storage.anchor import write_anchor
from workstation.storage.case_folder import CaseFolder
from workstation.storage.case_lock import CaseLock
from workstation.storage.chain import Chain
from workstation.storage.checkpoints import Ledger
from workstation.storage.closing import closed_state
from workstation.storage.database import Database
from workstation.storage.durable import file_error
from workstation.storage.sealing import CaseSeal

T = TypeVar("T")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Writing:
    """What only the one writer has."""

    lock: CaseLock
    chain: Chain


class OpenCase:
    """Gives reads and changes; every change that adds to the chain is followed by a new anchor."""

    def __init__(
        self, folder: CaseFolder, database: Database, case: Case, first_key: bytes, seal: CaseSeal | None = None
    ) -> None:
        self.folder = folder
        self.database = database
        self.case = case
        self.first_key = first_key
        self.seal = seal
        self.writing: Writing | None = None
        self.ledger = Ledger()
        self._anchoring = threading.Lock()
        self._closed = False

    def read(self, work: Callable[[Connection], T]) -> T:
        return self.database.read(work)

    def change(self, work: Callable[[Connection, Chain], T]) -> T:
        """Run ``work`` in one transaction; it appends its custody events to the chain it is handed.

        Raises:
            CaseReadOnly: the case is open for reading only.
        """
        if self.writing is None:
            raise CaseReadOnly(f"Case {self.case.number} is open for reading only.", "Open it for writing.")
        chain = self.writing.chain
        done = self.database.write(lambda connection: work(connection, chain))
        self._anchor(chain)
        return done

    def event(
        self,
        kind: CustodyKind,
        body: Mapping[str, object],
        *,
        purpose: str | None = None,
        authority: str | None = None,
    ) -> CustodyEvent:
        return self.change(lambda c, chain: chain.append(c, kind, body, purpose=purpose, authority=authority))

    def head(self) -> CustodyHead:
        """Where the chain ends now, with its Merkle root."""
        return self.read(self.ledger.head)

    def close(self) -> CustodyHead | None:
        """Record ``case_closed`` and let go. Returns the last head when the case was open for writing."""
        if self._closed:
            return None
        head = None
        try:
            if self.writing is not None:
                self._settle_head(self.writing.chain)
                self.event(CustodyKind.CASE_CLOSED, {})
                head = self.head()
        except WorkstationError as fault:
            _log.warning("the closing of case %s could not be recorded: %s", self.case.number, fault.message)
        finally:
            self.abandon(head)
        return head

    def abandon(self, closing: CustodyHead | None = None) -> None:
        """Let go of files and lock; with ``closing``, the recorded end, note first what the closed case looks like."""
        self._closed = True
        try:
            self.database.close()
            if closing is not None:
                self._note_closed(closing)
        except WorkstationError as fault:
            _log.warning("case %s: %s", self.case.number, fault.message)
        finally:
            if self.writing is not None:
                self.writing.lock.release()

    def _settle_head(self, chain: Chain) -> None:
        """Make the head durable before the closing is recorded: beside a chain that ends with it lies no older one.

        Raises: StorageFull, PermissionRefused, CaseError: the closing is not recorded then.
        """
        try:
            write_anchor(self.folder.anchor, self.case.id, self.head(), chain.key, durable=True)
        except OSError as fault:
            raise file_error(fault, self.folder.anchor) from fault

    def _note_closed(self, head: CustodyHead) -> None:
        """A head without the closed state is true too: it only shows less."""
        if self.writing is None:
            return
        try:
            state = closed_state(self.folder)
            if state is not None:
                write_anchor(self.folder.anchor, self.case.id, head, self.writing.chain.key, state)
        except OSError as fault:
            _log.warning("the closed state of case %s could not be noted: %s", self.case.number, fault)

    def _anchor(self, chain: Chain) -> None:
        """What is committed stays committed: an anchor that cannot be written now is written with the next event."""
        with self._anchoring:
            try:
                write_anchor(self.folder.anchor, self.case.id, self.head(), chain.key)
            except OSError as fault:
                _log.warning("the anchor of case %s could not be written: %s", self.case.number, fault)
