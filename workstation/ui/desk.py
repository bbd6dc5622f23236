"""What lies on the examiner's desk: the open case, the exhibit shown, and every change of either.

The desk asks the engine off the GUI thread and keeps the last answers as frozen values. Views listen to its signals
and never call the engine themselves.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from workstation.domain.case import KnownCase
from workstation.domain.custody import CustodyEvent, CustodyHead
from workstation.domain.edits import ExaminerObject, UndoState
from workstation.domain.errors import CaseLocked, CaseReadOnly, WorkstationError
from workstation.domain.events import CaseChanged, CaseSaved, EvidenceChanged, ExaminationChanged
from workstation.domain.evidence import EvidenceItem
from workstation.domain.examinations import Examination
from workstation.domain.ids import EvidenceId, ExaminationId
from workstation.domain.reports import ReportRecord
from workstation.ui.bridge import Bridge
from workstation.ui.exhibit import ExhibitData, read_exhibit, refresh_rows
from workstation.ui.reader import Reader

if TYPE_CHECKING:
    from workstation.app.engine import Engine
    from workstation.app.session import CaseSession

_GATHER_MS = 40
_AGAIN_MS = 200


@dataclass(frozen=True, slots=True)
class Opening:
    """What was asked to be opened last, and whether a passphrase came with it."""

    folder: Path
    read_only: bool
    tried: bool


class Desk(QObject):
    """Signals carry nothing; the new state is read from the properties.

    Signals:
        case_shown: a case was opened or closed.
        exhibits_shown: the list of exhibits or a fact of one changed.
        exhibit_shown: another exhibit, or another examination of it.
        results_shown: rows, summaries or coverage of the exhibit shown changed.
        custody_shown: the chain or the reports changed.
        marks_shown: the examiner's marks, or what undo would do, changed.
        thumbnail_shown(str): the thumbnail of that exhibit was read.
        saved(str): everything up to that time is on disk.
        failed(object): a known error to tell the examiner.
        locked(object): the case asked for is open elsewhere or cannot be written; it can still be read.
        sealed(object): the case asked for is encrypted, and no passphrase or a wrong one was given.
    """

    case_shown = Signal()
    exhibits_shown = Signal()
    exhibit_shown = Signal()
    results_shown = Signal()
    custody_shown = Signal()
    marks_shown = Signal()
    thumbnail_shown = Signal(str)
    known_shown = Signal()
    saved = Signal(str)
    failed = Signal(object)
    locked = Signal(object)
    sealed = Signal(object)

    def __init__(self, engine: Engine, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.engine = engine
        self.bridge = Bridge(self)
        self.reader = Reader(self.bridge, self.failed.emit)
        self.session: CaseSession | None = None
        self.items: tuple[EvidenceItem, ...] = ()
        self.runs: tuple[Examination, ...] = ()
        self.reports: tuple[ReportRecord, ...] = ()
        self.custody: tuple[CustodyEvent, ...] = ()
        self.head: CustodyHead | None = None
        self.objects: tuple[ExaminerObject, ...] = ()
        self.undo_state: UndoState | None = None
        self.thumbnails: dict[EvidenceId, bytes] = {}
        self.known: tuple[KnownCase, ...] = ()
        self.data: ExhibitData | None = None
        self._wanted: EvidenceId | None = None
        self._chosen_run: ExaminationId | None = None
        self._fresh: set[int] = set()
        self._all_rows = False
        self._refreshing = False
        self._opening = 0
        self._asked: Path | None = None
        self.opening: Opening | None = None
        self._gather = QTimer(self, singleShot=True, interval=_GATHER_MS)
        self._gather.timeout.connect(self._refresh)
        self._again = QTimer(self, singleShot=True, interval=_AGAIN_MS)
        self._again.timeout.connect(self._read_again)
        self._stale = False
        self._unsubscribe = engine.hub.subscribe(self.bridge.post)
        self.bridge.case_changed.connect(self._case_changed)
        self.bridge.evidence_changed.connect(self._evidence_changed)
        self.bridge.examination_changed.connect(self._examination_changed)
        self.bridge.case_saved.connect(self._case_saved)

    @property
    def busy(self) -> bool:
        """Whether an answer is still under way."""
        return bool(self.reader.pending or self._refreshing or self._gather.isActive() or self._opening or self._stale)

    def open_case(self, folder: Path, *, read_only: bool = False, passphrase: str | None = None) -> None:
        self._asked = None if read_only else folder
        self.opening = Opening(folder, read_only, passphrase is not None)
        self._adopt(partial(self.engine.open_case, folder, read_only=read_only, passphrase=passphrase))

    @property
    def asked(self) -> Path | None:
        """The folder last asked for to work in."""
        return self._asked

    def create_case(
        self, folder: Path, *, number: str, title: str, examiner: str, question: str, passphrase: str | None = None
    ) -> None:
        self._asked = None
        make = partial(
            self.engine.create_case,
            folder,
            number=number,
            title=title,
            examiner=examiner,
            question=question,
            passphrase=passphrase,
        )
        self._adopt(make)

    def close_case(self) -> None:
        """Close the case; what runs in it is cancelled, what was committed stays."""
        session, self.session = self.session, None
        self._forget()
        self.case_shown.emit()
        self.exhibit_shown.emit()
        if session is not None:
            self.reader.ask(session.close, self._closed)

    def read_known(self) -> None:
        self.reader.ask(self.engine.known_cases, self._took_known, key="known")

    def show_exhibit(self, evidence: EvidenceId, run: ExaminationId | None = None) -> None:
        """Show an exhibit, with the examination named or its newest."""
        if self.session is None:
            return
        self._wanted = evidence
        self._chosen_run = run
        self._fresh.clear()
        self._all_rows = False
        read = partial(read_exhibit, self.session, evidence, run, self.engine.thresholds)
        self.reader.ask(read, self._took_exhibit, key="exhibit")

    def warm(self, evidence: EvidenceId, ordinal: int) -> None:
        """Have the row of a frame at hand before it is shown. May be called on any thread but the window's."""
        data = self.data
        if data is not None and data.item.id == evidence:
            data.rows.get(ordinal)

    def ask(self, work: Callable[[], Any], then: Callable[[Any], None]) -> None:
        """Call the engine off the GUI thread; a known error goes to ``failed``."""
        self.reader.ask(work, then)

    def shut(self) -> None:
        """End listening and reading; the engine stays with its owner."""
        self._unsubscribe()
        self.bridge.close()
        self.reader.close()

    def _adopt(self, make: Callable[[], CaseSession]) -> None:
        before, self.session = self.session, None
        self._opening += 1

        def work() -> CaseSession:
            if before is not None:
                before.close()
            session = make()
            session.watch()
            return session

        if before is not None:
            self._forget()
            self.case_shown.emit()
            self.exhibit_shown.emit()
        self.reader.ask(work, self._opened, failed=self._not_opened)

    def _opened(self, session: CaseSession) -> None:
        self._opening -= 1
        self.session = session
        self._forget()
        self.case_shown.emit()
        self.exhibit_shown.emit()
        self._read_case()

    def _not_opened(self, error: WorkstationError) -> None:
        self._opening -= 1
        if isinstance(error, CaseReadOnly) and self._asked is not None:
            self.locked.emit(error)
        elif isinstance(error, CaseLocked):
            self.sealed.emit(error)
        else:
            self.failed.emit(error)
        self.read_known()

    def _closed(self, _: object) -> None:
        self.read_known()

    def _forget(self) -> None:
        self.items, self.runs, self.reports, self.custody, self.head = (), (), (), (), None
        self.objects, self.undo_state = (), None
        self.thumbnails.clear()
        self.data = None
        self._wanted = None
        self._stale = False
        self._fresh.clear()

    def _took_known(self, known: tuple[KnownCase, ...]) -> None:
        self.known = known
        self.known_shown.emit()

    def _case_stale(self) -> None:
        """Read the case again, but no oftener than five times a second: an import or a verification of hundreds of
        exhibits tells of each of them."""
        self._stale = True
        if not self._again.isActive():
            self._read_again()

    @Slot()
    def _read_again(self) -> None:
        if self._stale:
            self._again.start()
            self._read_case()

    def _read_case(self) -> None:
        self._stale = False
        session = self.session
        if session is None:
            return

        def work() -> tuple[Any, ...]:
            return (
                session,
                session.evidence(),
                session.examinations(),
                session.reports(),
                session.custody(),
                session.custody_head(),
                session.editing.objects(),
                session.editing.state(),
            )

        self.reader.ask(work, self._took_case, key="case")

    def _took_case(self, facts: tuple[Any, ...]) -> None:
        if facts[0] is not self.session:
            return
        _, self.items, self.runs, self.reports, self.custody, self.head, self.objects, self.undo_state = facts
        self.exhibits_shown.emit()
        self.custody_shown.emit()
        self.marks_shown.emit()
        for item in self.items:
            if item.id not in self.thumbnails and item.media is not None:
                self._read_thumbnail(item.id)
        if self._wanted is None and self.items:
            self.show_exhibit(self.items[0].id)
        elif self.data is not None:
            now = next((item for item in self.items if self.data and item.id == self.data.item.id), None)
            if now is not None and now != self.data.item:
                self.data = replace(self.data, item=now)
                self.results_shown.emit()

    def _read_thumbnail(self, evidence: EvidenceId) -> None:
        if self.session is not None:
            self.thumbnails[evidence] = b""
            read = self.session.thumbnail
            self.reader.ask(lambda: (evidence, read(evidence)), self._took_thumbnail, later=True)

    def _took_thumbnail(self, answer: tuple[EvidenceId, bytes | None]) -> None:
        evidence, png = answer
        if png and evidence in self.thumbnails:
            self.thumbnails[evidence] = png
            self.thumbnail_shown.emit(evidence)

    def _took_exhibit(self, data: ExhibitData) -> None:
        if self.session is None or data.item.id != self._wanted:
            return
        self.data = data
        self.exhibit_shown.emit()
        self.results_shown.emit()

    def _refresh(self) -> None:
        if self._refreshing or self.session is None or self.data is None:
            return
        ordinals = None if self._all_rows else tuple(sorted(self._fresh))
        self._fresh.clear()
        self._all_rows = False
        self._refreshing = True
        work = partial(refresh_rows, self.session, self.data, ordinals)
        self.reader.ask(work, self._took_rows, failed=self._rows_failed)

    def _took_rows(self, data: ExhibitData) -> None:
        self._refreshing = False
        shown = self.data
        if shown is not None and (shown.item.id, _run_id(shown)) == (data.item.id, _run_id(data)):
            self.data = replace(data, item=shown.item)
            self.results_shown.emit()
        if self._fresh or self._all_rows:
            self._gather.start()

    def _rows_failed(self, error: WorkstationError) -> None:
        self._refreshing = False
        self.failed.emit(error)

    @Slot(object)
    def _case_changed(self, event: CaseChanged) -> None:
        if self.session is not None and event.case == self.session.case.id:
            self._case_stale()

    @Slot(object)
    def _evidence_changed(self, event: EvidenceChanged) -> None:
        if self.session is not None and event.case == self.session.case.id:
            self._case_stale()

    @Slot(object)
    def _examination_changed(self, event: ExaminationChanged) -> None:
        if self.session is None or event.case != self.session.case.id:
            return
        if event.evidence is None:
            self._case_stale()
        shown = self.data
        if shown is None or (event.evidence is not None and event.evidence != shown.item.id):
            return
        if shown.run is not None and shown.run.id == event.examination:
            self._fresh.update(event.ordinals)
            self._all_rows = self._all_rows or not event.ordinals
            self._gather.start()
        elif self._chosen_run is None and event.examination not in {run.id for run in shown.runs}:
            self.show_exhibit(shown.item.id)

    @Slot(object)
    def _case_saved(self, event: CaseSaved) -> None:
        if self.session is not None and event.case == self.session.case.id:
            self.saved.emit(event.at)


def _run_id(data: ExhibitData) -> ExaminationId | None:
    return data.run.id if data.run is not None else None
