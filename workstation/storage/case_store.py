"""A case on disk, as the engine sees it: every change one transaction, every custody event in it (E1, E6, E7).

All methods may be called from any thread. Only domain types come out.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Self

from sqlalchemy import Connection

from workstation.domain.case import Case, WorkState
from workstation.domain.checkpoints import ConsistencyProof, InclusionProof, VerifierKey
from workstation.domain.clock import now_utc
from workstation.domain.custody import CustodyEvent, CustodyHead, CustodyKind
from workstation.domain.errors import InputError
from workstation.domain.evidence import EvidenceItem, IntegrityState
from workstation.domain.examinations import Environment, Examination, ExaminationPlan, ExaminationState
from workstation.domain.ids import EvidenceId, ExaminationId, new_id
from workstation.domain.media import FrameIndex
from workstation.domain.reports import ReportRecord
from workstation.domain.results import Coverage, FrameRow, TrackSummary
from workstation.storage import checkpoints, opening
from workstation.storage.anchor import read_anchor
from workstation.storage.arrays import ArrayStore
from workstation.storage.case_files import CaseFiles
from workstation.storage.case_lock import CaseLock
from workstation.storage.chain import Chain
from workstation.storage.described import Described, exhibit_facts, sha256_of
from workstation.storage.facets.derived import DerivedItems
from workstation.storage.facets.descriptions import Descriptions, describe
from workstation.storage.facets.edits import Edits
from workstation.storage.facets.intake import Intake
from workstation.storage.facets.reading import keys
from workstation.storage.facets.readings import Readings
from workstation.storage.keys import LedgerKey
from workstation.storage.open_case import OpenCase
from workstation.storage.repositories import custody, evidence, examinations, frames, reports, summaries
from workstation.storage.sealing import CaseSeal
from workstation.storage.vault import EvidenceVault


class CaseStore:
    """One case folder. Made by ``create`` and ``open``; a context manager that closes itself."""

    def __init__(self, opened: OpenCase) -> None:
        self._open = opened
        reading = opened.writing is None
        self._vault = EvidenceVault(opened.folder.root, read_only=reading, seal=opened.seal)
        self._arrays = ArrayStore(opened.folder.maps, read_only=reading, seal=opened.seal)
        self._files = CaseFiles(opened.folder.root, read_only=reading, seal=opened.seal)

    @classmethod
    def create(
        cls,
        folder: Path,
        *,
        number: str,
        title: str,
        examiner: str,
        question: str,
        key: LedgerKey,
        purpose: str = "",
        authority: str = "",
        passphrase: str | None = None,
        keyring: bool = False,
    ) -> CaseStore:
        """Make a case in a folder that is not there yet, or is empty, and open it for writing.

        With a ``passphrase`` (8 characters or more) it is encrypted; ``keyring`` lets this account open it without.
        ``purpose`` and ``authority`` stand in every custody event of the session that names none of its own (E6).

        Raises:
            InputError: number or examiner is blank, or the passphrase too short.
            CaseExists: the folder holds something.
            PermissionRefused, StorageFull: it cannot be made; nothing half made stays.
        """
        return cls(
            opening.make_case(
                folder,
                number=number,
                title=title,
                examiner=examiner,
                question=question,
                key=key,
                purpose=purpose,
                authority=authority,
                passphrase=passphrase,
                keyring=keyring,
            )
        )

    @classmethod
    def open(
        cls,
        folder: Path,
        *,
        key: LedgerKey | None,
        read_only: bool = False,
        examiner: str | None = None,
        purpose: str = "",
        authority: str = "",
        passphrase: str | None = None,
        unseal: str = "",
    ) -> CaseStore:
        """Open a case. Opening for writing marks interrupted examinations and records ``case_opened``.

        Args:
            key: the ledger key of this installation; None only for reading.
            examiner: who acts from now on; by default the case's examiner.
            purpose, authority: why and on whose word; in every event of the session that names none of its own (E6).
            passphrase: of an encrypted case; None tries the keyring.
            unseal: why a case that was sealed for the archive is opened up again.

        Raises:
            CaseNotFound, CaseFormatTooNew.
            CaseLocked: the case is encrypted, and there is no passphrase or a wrong one.
            CaseDamaged: no database of this program, or a chain of custody that was cut.
            CaseReadOnly: another program has it open for writing, or the folder cannot be written.
        """
        return cls(
            opening.open_case(
                folder,
                key=key,
                read_only=read_only,
                examiner=examiner,
                purpose=purpose,
                authority=authority,
                passphrase=passphrase,
                unseal=unseal,
            )
        )

    def close(self) -> CustodyHead | None:
        """Record ``case_closed``, move everything into the database file and let go. Returns the last head when the
        case was open for writing. A second call does nothing."""
        return self._open.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    @property
    def case(self) -> Case:
        return self._open.case

    @property
    def folder(self) -> Path:
        return self._open.folder.root

    @property
    def read_only(self) -> bool:
        return self._open.database.read_only

    @property
    def being_written(self) -> bool:
        """Whether this store, or another program at this moment, may write."""
        return not self.read_only or CaseLock.is_held(self._open.folder.lock)

    @property
    def vault(self) -> EvidenceVault:
        return self._vault

    @property
    def arrays(self) -> ArrayStore:
        return self._arrays

    @property
    def files(self) -> CaseFiles:
        """Reports and derived items by name, sealed where the case is encrypted."""
        return self._files

    @property
    def ledger_key(self) -> LedgerKey | None:
        """What this case is being written with; None while it is open for reading."""
        return None if self._open.writing is None else self._open.writing.chain.key

    @property
    def encrypted(self) -> bool:
        return self._open.seal is not None

    @property
    def seal(self) -> CaseSeal | None:
        """The keys of an encrypted case, for the parts that copy or re-write it as a whole."""
        return self._open.seal

    @property
    def public_key(self) -> bytes:
        """The key (32 bytes, Ed25519) that the newest events of the chain are signed with."""
        if self._open.writing is not None:
            return self._open.writing.chain.key.public_key
        return self._open.read(lambda c: custody.key_in_force(c, self._open.first_key))

    @property
    def descriptions(self) -> Descriptions:
        """What was found in exhibits: digests of streams, metadata (E2, E3)."""
        return Descriptions(self._open)

    @property
    def derived(self) -> DerivedItems:
        """What was made from evidence (E4)."""
        return DerivedItems(self._open)

    @property
    def intake(self) -> Intake:
        """Imports, kept so that one that was stopped goes on."""
        return Intake(self._open)

    @property
    def edits(self) -> Edits:
        """The examiner's edits with undo and redo (U27, U37)."""
        return Edits(self._open)

    @property
    def readings(self) -> Readings:
        """What detectors said about tracks as a whole (X9, X10)."""
        return Readings(self._open)

    # Exhibits

    def next_exhibit(self) -> str:
        """The number the next exhibit gets: "EX-01", "EX-02", ..."""
        return self._open.read(evidence.next_exhibit)

    def add_evidence(self, item: EvidenceItem, body: Mapping[str, object]) -> None:
        """Record an exhibit and its custody event in one transaction. ``body`` adds to the facts every such event has.

        Raises:
            DuplicateEvidence: the same bytes, or the same exhibit number, are already in the case.
        """
        facts = {
            "evidence": item.id,
            "exhibit": item.exhibit,
            "name": item.name,
            "sha256": item.sha256,
            "size": item.size,
            "source": item.source_path,
            "taken_in_at": item.taken_in_at,
            "taken_in_by": item.taken_in_by,
            "machine": item.machine,
            "note": item.note,
        }

        def work(connection: Connection, chain: Chain) -> None:
            evidence.add(connection, item)
            more = exhibit_facts(evidence.columns(connection, item.id))
            chain.append(connection, CustodyKind.EVIDENCE_TAKEN_IN, dict(body) | facts | more)
            if item.work is not WorkState.TO_DO:
                describe(connection, chain, item.id, Described.WORK, sha256_of(item.work.value), state=item.work.value)

        self._open.change(work)
        self._vault.claim(item.stored_path)

    def refuse_evidence(self, source: str, reason: str) -> None:
        """Record that a file was not taken in, and why."""
        self._open.event(CustodyKind.EVIDENCE_REFUSED, {"source": source, "reason": reason})

    def evidence(self) -> tuple[EvidenceItem, ...]:
        """Every exhibit, in the order taken in."""
        return self._open.read(evidence.every)

    def evidence_item(self, evidence_id: EvidenceId) -> EvidenceItem:
        """Raises: NotFound."""
        return self._open.read(lambda c: evidence.one(c, evidence_id))

    def find_by_digest(self, sha256: str) -> EvidenceItem | None:
        return self._open.read(lambda c: evidence.find_by_digest(c, sha256))

    def set_integrity(self, evidence_id: EvidenceId, state: IntegrityState, at: str) -> None:
        """Record the outcome of hashing an original again, at ``at`` (ISO 8601 UTC) (E5).

        Raises:
            InputError: ``state`` is no outcome.
            NotFound.
        """
        if state is IntegrityState.NOT_VERIFIED:
            raise InputError("Hashing an original again verifies it or finds a mismatch.")

        def work(connection: Connection, chain: Chain) -> None:
            item = evidence.one(connection, evidence_id)
            evidence.set_integrity(connection, evidence_id, state, at)
            kind = CustodyKind.EVIDENCE_VERIFIED if state is IntegrityState.VERIFIED else CustodyKind.EVIDENCE_MISMATCH
            body = {"exhibit": item.exhibit, "evidence": item.id, "sha256": item.sha256, "state": state.value, "at": at}
            chain.append(connection, kind, body)

        self._open.change(work)

    def set_work(self, evidence_id: EvidenceId, work_state: WorkState) -> None:
        """Note how far the program itself got; what the examiner set by an edit goes before it. Raises: NotFound."""

        def work(connection: Connection, chain: Chain) -> None:
            if evidence.set_work(connection, evidence_id, work_state):
                said = work_state.value
                describe(connection, chain, evidence_id, Described.WORK, sha256_of(said), state=said)

        self._open.change(work)

    def put_frame_index(self, evidence_id: EvidenceId, index: FrameIndex) -> None:
        """Keep (or renew) the presentation times of an exhibit's frames. Raises: NotFound."""

        def work(connection: Connection, chain: Chain) -> None:
            digest = evidence.put_index(connection, evidence_id, index)
            if digest is not None:
                describe(connection, chain, evidence_id, Described.FRAME_INDEX, digest)

        self._open.change(work)

    def frame_index(self, evidence_id: EvidenceId) -> FrameIndex | None:
        """Raises: NotFound."""
        return self._open.read(lambda c: evidence.index(c, evidence_id))

    def put_thumbnail(self, evidence_id: EvidenceId, png: bytes) -> None:
        """Keep (or renew) the small picture of an exhibit. Raises: NotFound."""

        def work(connection: Connection, chain: Chain) -> None:
            digest = evidence.put_thumbnail(connection, evidence_id, png)
            if digest is not None:
                describe(connection, chain, evidence_id, Described.THUMBNAIL, digest)

        self._open.change(work)

    def thumbnail(self, evidence_id: EvidenceId) -> bytes | None:
        """PNG bytes, or None. Raises: NotFound."""
        return self._open.read(lambda c: evidence.thumbnail(c, evidence_id))

    # Examinations

    def start_examination(self, plan: ExaminationPlan, environment: Environment) -> Examination:
        """Freeze plan and environment and begin (X1, P3). Raises: NotFound for an unknown exhibit."""

        def work(connection: Connection, chain: Chain) -> Examination:
            for item in plan.evidence:
                evidence.position(connection, item)
            run = examinations.start(
                connection, self._open.case.id, ExaminationId(new_id()), plan, environment, now_utc()
            )
            chain.append(
                connection, CustodyKind.EXAMINATION_STARTED, opening.start_facts(connection, run, resumed=False)
            )
            return run

        return self._open.change(work)

    def append_rows(self, rows: Sequence[FrameRow]) -> None:
        """Store examined frames in one transaction, after the maps they name are safely on disk; what is stored already
        for the same examination, exhibit, stream and time stamp is ignored, never replaced.

        Raises:
            InputError: the examination is not running, or does not include the exhibit.
            IntegrityMismatch: the frame is stored already, with other pixels.
            ValueError: a row contradicts itself.
        """
        if self._open.writing is not None:
            self._arrays.flush()
        self._open.database.write(lambda c: frames.append(c, rows))

    def end_examination(self, examination_id: ExaminationId, state: ExaminationState, error: str = "") -> None:
        """End a running examination; the event states counts per status and a digest over every row.

        Raises: InputError: it is not running, or ``state`` is no end.
        """
        if state is ExaminationState.RUNNING:
            raise InputError("An examination ends as done, cancelled, failed or interrupted.")
        self._open.change(lambda c, chain: opening.end_examination(c, chain, self.case, examination_id, state, error))

    def reopen_examination(self, examination_id: ExaminationId) -> Examination:
        """Let an examination that was cancelled, failed or interrupted go on. Raises: InputError, NotFound."""

        def work(connection: Connection, chain: Chain) -> Examination:
            run = examinations.one(connection, self._open.case.id, examination_id)
            if run.state in (ExaminationState.RUNNING, ExaminationState.DONE):
                raise InputError(f"Examination {run.number} is {run.state.value}; there is nothing to go on with.")
            examinations.set_state(connection, examination_id, ExaminationState.RUNNING, None, "")
            chain.append(
                connection, CustodyKind.EXAMINATION_STARTED, opening.start_facts(connection, run, resumed=True)
            )
            return examinations.one(connection, self._open.case.id, examination_id)

        return self._open.change(work)

    def examinations(self) -> tuple[Examination, ...]:
        """Every examination. For a reader, one that nobody carries on any more counts as interrupted."""
        runs = self._open.read(lambda c: examinations.every(c, self._open.case.id))
        ended = {} if self.being_written else {ExaminationState.RUNNING: ExaminationState.INTERRUPTED}
        return tuple(replace(run, state=ended.get(run.state, run.state)) for run in runs)

    def examination(self, examination_id: ExaminationId) -> Examination:
        """Raises: NotFound."""
        return self._open.read(lambda c: examinations.one(c, self._open.case.id, examination_id))

    def examined_ordinals(self, examination_id: ExaminationId, evidence_id: EvidenceId) -> frozenset[int]:
        """Raises: NotFound."""
        return self._open.read(lambda c: frames.ordinals(c, *keys(c, examination_id, evidence_id)))

    def frame_rows(
        self, examination_id: ExaminationId, evidence_id: EvidenceId, ordinals: Collection[int] | None = None
    ) -> tuple[FrameRow, ...]:
        """Stored rows in presentation order, of the frames ``ordinals`` or of all. Raises: NotFound."""

        def work(connection: Connection) -> tuple[FrameRow, ...]:
            number, position = keys(connection, examination_id, evidence_id)
            return frames.read(connection, examination_id, number, evidence_id, position, ordinals)

        return self._open.read(work)

    def summaries(self, examination_id: ExaminationId, evidence_id: EvidenceId) -> tuple[TrackSummary, ...]:
        """One line per track and detector; the peak is the frame that points most to manipulation. Raises: NotFound."""
        return self._open.read(lambda c: summaries.tracks(c, *keys(c, examination_id, evidence_id)))

    def coverage(self, examination_id: ExaminationId, evidence_id: EvidenceId, frames_total: int) -> Coverage:
        """How much was looked at; totals add up (X10). Raises: NotFound."""
        return self._open.read(lambda c: summaries.coverage(c, *keys(c, examination_id, evidence_id), frames_total))

    # Chain of custody and reports

    def record(
        self,
        kind: CustodyKind,
        body: Mapping[str, object],
        *,
        purpose: str | None = None,
        authority: str | None = None,
    ) -> CustodyEvent:
        """Append one event (E6); purpose and authority are the session's where none are given.

        Raises: ValueError, TypeError: the body is not plain JSON.
        """
        return self._open.event(kind, body, purpose=purpose, authority=authority)

    def custody(self) -> tuple[CustodyEvent, ...]:
        """The whole chain, oldest first. Raises: CaseDamaged."""
        return self._open.read(custody.events)

    def custody_head(self) -> CustodyHead:
        """Number of events, hash of the last one, and the Merkle root over all (E7)."""
        return self._open.head()

    def head_code(self) -> str:
        """The short code of the head, for writing down."""
        return self.custody_head().code

    def verifier_key(self) -> VerifierKey:
        """Whose signature ``checkpoint`` bears; its text form is what C2SP tools take."""
        return checkpoints.verifier_key(self.case.id, self.public_key)

    def checkpoint(self, extensions: tuple[str, ...] = (), *, head: CustodyHead | None = None) -> str:
        """The head as a signed note (C2SP tlog-checkpoint). A case open for reading hands out the last one signed.

        Args:
            extensions: lines to be signed with it; for a case open for writing.
            head: the head to sign in place of the present one; for a case open for writing.

        Raises: IntegrityMismatch: the case is open for reading and its head is missing or altered; InputError: it is of
            format 1.0 and holds no checkpoint yet.
        """
        writing = self._open.writing
        if writing is not None:
            return checkpoints.sign_checkpoint(self.case.id, head or self.custody_head(), writing.chain.key, extensions)
        if not read_anchor(self._open.folder.anchor).head.root:
            raise InputError("The case has no checkpoint yet.", "Open it for writing once.")
        return self._open.folder.anchor.read_text(encoding="utf-8")

    def prove_inclusion(self, seq: int) -> InclusionProof:
        """Prove that event ``seq`` (from 1) stands in the chain of the present head. Raises: NotFound."""
        return self._open.read(lambda c: checkpoints.inclusion(c, seq))

    def prove_consistency(self, old_size: int) -> ConsistencyProof:
        """Prove that the chain continues the one of ``old_size`` events. Raises: NotFound."""
        return self._open.read(lambda c: checkpoints.consistency(c, old_size))

    def next_report_number(self) -> int:
        return self._open.read(reports.next_number)

    def add_report(self, record: ReportRecord) -> None:
        """Record a report and its custody event. Raises: InputError when it is already there."""
        body = {
            "report": record.id,
            "number": record.number,
            "path": record.path,
            "sha256": record.sha256,
            "size": record.size,
            "built_at": record.built_at,
            "signer": record.signer,
            "custody_count": record.custody_count,
            "custody_hash": record.custody_hash,
        }

        def work(connection: Connection, chain: Chain) -> None:
            reports.add(connection, record)
            chain.append(connection, CustodyKind.REPORT_BUILT, body)

        self._open.change(work)

    def reports(self) -> tuple[ReportRecord, ...]:
        return self._open.read(lambda c: reports.every(c, self._open.case.id))
