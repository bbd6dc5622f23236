"""One open case: quick reads answered at once, everything longer a job."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from workstation.app import describing, exporting, planning, reporting
from workstation.app.data_sheets import SheetRequest, submit_copy_sheet
from workstation.app.editing import Editing
from workstation.app.examining import ExaminationRun
from workstation.app.face_desk import FaceDesk
from workstation.app.filed_records import measured_of
from workstation.app.frames import Deliver, DeliverProxy, FrameServer
from workstation.app.gallery import Gallery
from workstation.app.importing import Place, go_on, import_files
from workstation.app.intake_results import IntakeWish
from workstation.app.integrity import must_be_sound, verify_exhibits
from workstation.app.opinions import Opinions
from workstation.app.origins import origins
from workstation.app.quiet import Quiet
from workstation.app.track_stage import load_settings
from workstation.app.unfinished import Unfinished, unfinished
from workstation.app.watching import Watch, watch
from workstation.domain.case import Case
from workstation.domain.custody import CustodyEvent, CustodyHead, CustodyKind
from workstation.domain.errors import (
    Cancelled,
    CaseError,
    CaseReadOnly,
    EvidenceError,
    InputError,
    NotFound,
    WorkstationError,
)
from workstation.domain.events import CaseChanged, ExaminationChanged
from workstation.domain.evidence import EvidenceItem
from workstation.domain.examinations import Examination, ExaminationPlan, ExaminationState
from workstation.domain.ids import EvidenceId, ExaminationId, IntakeId, JobId
from workstation.domain.intake import ExhibitOrigin
from workstation.domain.jobs import JobContext, Lane
from workstation.domain.map_scale import PLAIN_LOOK, Look
from workstation.domain.media import Frame, FrameIndex, MediaInfo, MediaLocation
from workstation.domain.merging import NO_MERGING, Merging
from workstation.domain.metadata import MediaMetadata
from workstation.domain.reports import ReportRecord
from workstation.domain.results import Coverage, FrameRow, TrackReading, TrackSummary
from workstation.domain.standing import Standing
from workstation.domain.streams import StreamDigest
from workstation.media.reader import MediaReader, open_media
from workstation.storage.case_store import CaseStore

if TYPE_CHECKING:
    from workstation.app.engine import Engine

_log = logging.getLogger(__name__)


class CaseSession:
    """An open case. Made by ``Engine.create_case`` and ``Engine.open_case``; thread-safe."""

    def __init__(self, engine: Engine, store: CaseStore) -> None:
        self._engine = engine
        self._store = store
        self._frames = FrameServer(self._source, lambda evidence: self._store.evidence_item(evidence).sha256)
        self._lock = threading.Lock()
        self._jobs: list[JobId] = []
        self._shown: set[EvidenceId] = set()
        self._live: set[ExaminationId] = set()
        self._closed = False
        self._watch: Watch | None = None
        self.faces = FaceDesk(store, engine.hub, self._looked_at)
        self.opinions = Opinions(store, engine.hub)

    @property
    def case(self) -> Case:
        return self._store.case

    @property
    def folder(self) -> Path:
        return self._store.folder

    @property
    def read_only(self) -> bool:
        return self._store.read_only

    @property
    def store(self) -> CaseStore:
        """The case on disk, for the other use-cases of this room."""
        return self._store

    @property
    def editing(self) -> Editing:
        """What the examiner writes into the case: bookmarks, notes, tags, names, with undo and redo (U27, U37)."""
        return Editing(self._store, self._engine.hub)

    @property
    def gallery(self) -> Gallery:
        """Persons of the case, tracks that undisputedly show them, and whom exhibits are said to show."""
        return Gallery(self._store, self._engine.hub)

    def evidence(self) -> tuple[EvidenceItem, ...]:
        return self._store.evidence()

    def evidence_item(self, evidence: EvidenceId) -> EvidenceItem:
        return self._store.evidence_item(evidence)

    def find_evidence(self, name: str) -> EvidenceItem:
        """Find an exhibit by its number ("EX-01", "1"), id, digest prefix (8 or more) or file name.

        Raises:
            NotFound, InputError: nothing, or more than one exhibit, answers to that name.
        """
        wanted = name.strip().lower()
        number = f"ex-{int(wanted):02d}" if wanted.isdigit() else wanted
        items = self.evidence()
        answers = (
            [i for i in items if i.id == wanted or i.exhibit.lower() == number],
            [i for i in items if i.name.lower() == wanted],
            [i for i in items if len(wanted) >= 8 and i.sha256.startswith(wanted)],
        )
        for found in answers:
            if len(found) == 1:
                return found[0]
            if found:
                raise InputError(f'More than one exhibit is called "{name}".', "Name it by its exhibit number.")
        known = ", ".join(item.exhibit for item in items) or "none yet"
        raise NotFound(f'There is no exhibit "{name}" in this case.', f"Exhibits: {known}.")

    def thumbnail(self, evidence: EvidenceId) -> bytes | None:
        """PNG bytes, or None when none could be made."""
        return self._store.thumbnail(evidence)

    def frame_index(self, evidence: EvidenceId) -> FrameIndex | None:
        return self._store.frame_index(evidence)

    def examinations(self) -> tuple[Examination, ...]:
        return self._store.examinations()

    def latest_examination(self, evidence: EvidenceId) -> Examination | None:
        """The newest run that includes this exhibit and was not cancelled before its first frame."""
        runs = [run for run in self.examinations() if evidence in run.plan.evidence]
        return runs[-1] if runs else None

    def frame_rows(
        self, examination: ExaminationId, evidence: EvidenceId, ordinals: Collection[int] | None = None
    ) -> tuple[FrameRow, ...]:
        return self._store.frame_rows(examination, evidence, ordinals)

    def summaries(self, examination: ExaminationId, evidence: EvidenceId) -> tuple[TrackSummary, ...]:
        return self._store.summaries(examination, evidence)

    def track_readings(self, examination: ExaminationId, evidence: EvidenceId) -> tuple[TrackReading, ...]:
        """What detectors said about whole tracks."""
        return self._store.readings.of(examination, evidence)

    def validated(self, run: Examination) -> Standing:
        """For which kinds of forgery each detector's score may be shown; for none, words stand in its place."""
        return self._engine.validated(run)

    def coverage(self, examination: ExaminationId, evidence: EvidenceId) -> Coverage:
        index = self._store.frame_index(evidence)
        return self._store.coverage(examination, evidence, len(index) if index else 0)

    def map_values(self, digest: str) -> npt.NDArray[np.floating]:
        """A stored fakeness map: (side, side) in 0..1 over the whole crop. Raises: IntegrityMismatch."""
        return np.asarray(self._store.arrays.get(digest), dtype=np.float32)

    def custody(self) -> tuple[CustodyEvent, ...]:
        return self._store.custody()

    def custody_head(self) -> CustodyHead:
        return self._store.custody_head()

    def checkpoint(self) -> str:
        """The head of the chain as a signed note, for reports, packages and paper (E7)."""
        return self._store.checkpoint()

    def reports(self) -> tuple[ReportRecord, ...]:
        return self._store.reports()

    def frame(self, evidence: EvidenceId, ordinal: int) -> Frame:
        """Decode one frame on this thread. Raises: EvidenceError."""
        return self._frames.fetch(evidence, ordinal)

    def request_frame(
        self, evidence: EvidenceId, ordinal: int, deliver: Deliver, proxy: DeliverProxy | None = None
    ) -> None:
        """Decode one frame on the case's own thread and hand it to ``deliver`` there; the newest request wins.

        With ``proxy`` a stand-in, where there is one, is handed to it before this returns (U30). It is no evidence, and
        whoever shows it says so.
        """
        self._frames.request(evidence, ordinal, deliver, proxy)

    @property
    def frame_server(self) -> FrameServer:
        """Frames, stand-ins and shots, for the window."""
        return self._frames

    def origins(self) -> Mapping[EvidenceId, ExhibitOrigin]:
        """Purpose, authority and what else the chain of custody says of how each exhibit came here."""
        return origins(self._store)

    def streams(self, evidence: EvidenceId) -> tuple[StreamDigest, ...] | None:
        """Digests of the elementary streams (E2); None when they were never computed."""
        return self._store.descriptions.streams(evidence)

    def metadata(self, evidence: EvidenceId) -> MediaMetadata | None:
        """What the exhibit says about itself (X4); None when it was never read. Raises: CaseDamaged, NotFound."""
        return describing.metadata(self._store, evidence)

    def describe_evidence(self, evidence: Sequence[EvidenceId] | None = None, *, again: bool = False) -> JobId:
        """Read stream digests and metadata where they are missing, or ``again`` (io lane).

        Result: ``{"described": [...], "problems": [...]}``.
        """
        self._must_write()

        def work(context: JobContext) -> dict[str, object]:
            return describing.describe_all(self._engine, self._store, evidence, context, again=again)

        return self.submit(Lane.IO, "Read metadata", work, "exhibits")

    def unfinished(self) -> Unfinished:
        """An import and examinations that this case was left in the middle of."""
        return unfinished(self._store)

    def import_files(self, paths: Sequence[Path], note: str = "", purpose: str = "", authority: str = "") -> JobId:
        """Take files or folders into the case (io lane). Result: ``importing.Intake.as_result``."""
        self._must_write()
        wish = IntakeWish(tuple(paths), note, purpose, authority, self._engine.settings.second_digest)

        def work(context: JobContext) -> dict[str, object]:
            return import_files(self._place(), wish, context).as_result()

        title = f"Take in {wish.paths[0].name}" if len(wish.paths) == 1 else f"Take in {len(wish.paths)} files"
        return self.submit(Lane.IO, title, work, "bytes")

    def resume_import(self, batch: IntakeId | None = None) -> JobId:
        """Go on with an import that was cancelled, failed or interrupted (io lane); by default the newest.

        Raises:
            CaseReadOnly, InputError: before anything is queued.
        """
        self._must_write()
        found = self.unfinished().intake
        chosen = batch or (found.id if found is not None else None)
        if chosen is None:
            raise InputError("There is no unfinished import in this case.")

        def work(context: JobContext) -> dict[str, object]:
            second = self._engine.settings.second_digest
            return go_on(self._place(), chosen, second, context).as_result()

        return self.submit(Lane.IO, "Go on with the import", work, "bytes")

    def verify_evidence(self, evidence: Sequence[EvidenceId] | None = None) -> JobId:
        """Hash exhibits again and record the outcome (E5). Result: ``{"verified": [...], "mismatch": [...]}``."""
        self._must_write()

        def work(context: JobContext) -> dict[str, object]:
            return verify_exhibits(self._store, self._engine.hub, evidence, context)

        return self.submit(Lane.IO, "Verify exhibits", work, "bytes")

    def watch(self) -> None:
        """Verify exhibits in the background now and on a schedule, as the settings say (E5); nothing when read only."""
        if not self.read_only and self._watch is None:
            self._watch = watch(self._engine, self)

    def examine(
        self,
        evidence: Sequence[EvidenceId] | None = None,
        detectors: Sequence[str] | None = None,
        frames: int = 32,
        finder: str = "mtcnn",
        merging: Merging = NO_MERGING,
    ) -> JobId:
        """Examine exhibits (gpu lane). ``frames`` per exhibit, spread evenly; 0 for every frame.

        Raises:
            CaseReadOnly, InputError, DetectorNotFound, DetectorError, FinderUnavailable: before anything is queued.
        """
        self._must_write()
        chosen = planning.choose_evidence(self.evidence(), evidence)
        installed = self._engine.detectors()
        measured = measured_of(self._engine.home, installed)
        packages = planning.choose_detectors(installed, detectors, measured)
        planning.check_merging(packages, merging)
        if frames < 0:
            raise InputError("The number of frames cannot be negative.", "Give 0 for every frame.")
        gallery = self.gallery.frozen([item.id for item in chosen])
        begun: list[ExaminationId] = []

        def work(context: JobContext) -> dict[str, object]:
            quiet, otherwise = Quiet(context), "it is not examined"
            must_be_sound(self._store, self._engine.hub, chosen, quiet, else_what=otherwise, only_doubtful=True)
            workshop = self._engine.workshop
            found = workshop.finder(finder)
            plan = planning.make_plan(
                chosen, packages, frames, found, merging=merging, gallery=gallery, measured=measured
            )
            environment = planning.make_environment(workshop, plan)
            run = self._store.start_examination(plan, environment)
            begun.append(run.id)
            return self._run(run, context)

        def again() -> JobId:
            return self.resume(begun[-1]) if begun else self.examine(evidence, detectors, frames, finder, merging)

        names = ", ".join(package.card.id for package in packages)
        title = f"Examine {planning.name_exhibits(chosen)} with {names}"
        return self.submit(Lane.GPU, title, work, "frames", again=again)

    def resume(self, examination: ExaminationId) -> JobId:
        """Go on with an examination that was cancelled, failed or interrupted (gpu lane)."""
        self._must_write()
        run = self._store.examination(examination)
        if run.state is ExaminationState.DONE or run.id in self._live:
            raise InputError(f"Examination {run.number} is {run.state}; there is nothing to go on with.")

        def work(context: JobContext) -> dict[str, object]:
            self._check_same_detectors(run.plan)
            if self._store.examination(examination).state is ExaminationState.RUNNING:
                self._store.end_examination(examination, ExaminationState.INTERRUPTED, "its end was not recorded")
            return self._run(self._store.reopen_examination(examination), context)

        return self.submit(Lane.GPU, f"Go on with examination {run.number}", work, "frames")

    def build_report(
        self,
        output: Path | None = None,
        *,
        examinations: Sequence[ExaminationId] = (),
        identity: Path | None = None,
        password: str | None = None,
    ) -> JobId:
        """Build, sign and verify a report (report lane). Result: path, sha256, pages, number, signer."""
        self._must_write()

        def work(context: JobContext) -> dict[str, object]:
            request = reporting.ReportRequest(output, tuple(examinations), identity, password)
            result = reporting.build(self._engine, self._store, request, context)
            self._engine.hub.publish(CaseChanged(self.case.id))
            return result

        return self.submit(Lane.REPORT, "Build report", work, "steps")

    def export_frame(
        self,
        evidence: EvidenceId,
        ordinal: int,
        output: Path,
        *,
        examination: ExaminationId | None = None,
        detector: str | None = None,
        opacity: float = 0.45,
        look: Look = PLAIN_LOOK,
    ) -> JobId:
        """Write one frame with its burn-in as PNG (report lane). Result: ``{"path", "sha256"}``."""

        def work(context: JobContext) -> dict[str, object]:
            frame = self.frame(evidence, ordinal)
            known = self.validated(self._store.examination(examination)) if examination is not None else {}
            validated = detector is None or examination is None or bool(known.get(detector))
            request = exporting.FrameExport(evidence, frame, output, examination, detector, opacity, validated, look)
            result = exporting.export_frame(self._store, request)
            self._engine.hub.publish(CaseChanged(self.case.id))
            return result

        return self.submit(Lane.REPORT, f"Export frame {ordinal}", work, "frames")

    def copy_sheet(self, request: SheetRequest) -> JobId:
        """Set out a data sheet on copied data (E9, report lane). Raises: InputError, NotFound."""
        return submit_copy_sheet(self._engine, self, request)

    def close(self) -> None:
        """Cancel this case's jobs, wait for them, pin the head of the chain and close the files."""
        if self._watch is not None:
            self._watch.close()
        with self._lock:
            self._closed = True
            jobs, self._jobs = self._jobs, []
        for job in jobs:
            self._engine.jobs.cancel_if_running(job)
        for job in jobs:
            self._engine.jobs.wait_if_known(job)
        self.faces.close()
        self._frames.close()
        self._engine.forget(self)
        head = self._store.close()
        if head is not None:
            self._engine.pin(self.case.id, head, "case closed")

    def _run(self, examination: Examination, context: JobContext) -> dict[str, object]:
        hub, store = self._engine.hub, self._store
        hub.publish(ExaminationChanged(self.case.id, examination.id))
        state, error = ExaminationState.FAILED, "the program stopped unexpectedly"
        self._live.add(examination.id)
        try:
            result = dict(ExaminationRun(store, hub, self._engine.workshop, examination).run(context))
            state, error = ExaminationState.DONE, ""
        except Cancelled as stopped:
            state, error = ExaminationState.CANCELLED, stopped.message
            raise
        except WorkstationError as fault:
            state, error = ExaminationState.FAILED, fault.message
            raise
        finally:
            self._end(examination, state, error)
            hub.publish(ExaminationChanged(self.case.id, examination.id))
            hub.publish(CaseChanged(self.case.id))
        return result

    def _end(self, examination: Examination, state: ExaminationState, error: str) -> None:
        """Record the end of a run. Where that fails too (a full disk), what stopped the run is what is told; the run
        then counts as interrupted, here and when the case is opened next."""
        self._live.discard(examination.id)
        try:
            self._store.end_examination(examination.id, state, error)
        except WorkstationError as fault:
            if state is ExaminationState.DONE:
                raise
            _log.warning("the end of examination %s could not be recorded: %s", examination.number, fault.message)

    def _check_same_detectors(self, plan: ExaminationPlan) -> None:
        for use in plan.detectors:
            loaded = self._engine.workshop.detector(use.id, settings=load_settings(use)).card
            if loaded.weights.sha256 != use.weights_sha256:
                raise InputError(
                    f"{use.id} has other weights now than when this examination began.",
                    "Start a new examination; the old rows stay as they are.",
                )

    def _source(self, evidence: EvidenceId) -> tuple[MediaLocation, MediaInfo, FrameIndex | None]:
        item = self._store.evidence_item(evidence)
        if item.media is None:
            raise EvidenceError(f"{item.exhibit} cannot be shown: {item.problem}")
        self._note_access(item)
        return self._store.vault.open_location(item.stored_path), item.media, self._store.frame_index(evidence)

    def _looked_at(self, evidence: EvidenceId) -> MediaReader:
        location, info, index = self._source(evidence)
        return open_media(location, info, index=index)

    def _note_access(self, item: EvidenceItem) -> None:
        """Say once in a session that an exhibit was looked at (E6). Looking goes on where that cannot be recorded."""
        with self._lock:
            if self.read_only or item.id in self._shown:
                return
            self._shown.add(item.id)
        body = {"evidence": item.id, "exhibit": item.exhibit, "sha256": item.sha256, "what": "frames shown"}
        try:
            self._store.record(CustodyKind.EVIDENCE_ACCESSED, body)
            self._engine.hub.publish(CaseChanged(self.case.id))
        except WorkstationError as fault:
            _log.warning("looking at %s could not be recorded: %s", item.exhibit, fault.message)

    def _place(self) -> Place:
        return Place(self._store, self._engine.hub, self._engine.home)

    def _must_write(self) -> None:
        if self.read_only:
            raise CaseReadOnly(
                f"Case {self.case.number} is open for reading only.", "Close it elsewhere and reopen it."
            )

    def submit(
        self,
        lane: Lane,
        title: str,
        work: Callable[[JobContext], dict[str, object]],
        unit: str,
        *,
        background: bool = False,
        again: Callable[[], JobId] | None = None,
    ) -> JobId:
        """Queue work on this case; closing it cancels the work and waits for it. ``again`` asks for it once more, where
        the same work would not do. Raises: CaseError: it is closed."""
        jobs = self._engine.jobs
        same = partial(self.submit, lane, title, work, unit, background=background)
        if self._is_closed():
            raise CaseError("The case is closed.", "Open it again.")
        job = jobs.submit(lane, title, work, case=self.case.id, unit=unit, background=background, again=again or same)
        with self._lock:
            self._jobs.append(job)
        if self._is_closed():
            jobs.cancel_if_running(job)
        return job

    def _is_closed(self) -> bool:
        return self._closed
