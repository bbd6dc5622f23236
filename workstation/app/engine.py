"""The engine: the whole product without a screen. Both doors hold one of these."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from workstation.app import logs
from workstation.app.filed_records import measured_of
from workstation.app.hub import Hub
from workstation.app.jobs.queue import JobQueue
from workstation.app.passphrases import RUN
from workstation.app.paths import Home
from workstation.app.planning import default_detectors
from workstation.app.session import CaseSession
from workstation.app.settings import Settings, load_settings
from workstation.app.workshop import Workshop
from workstation.detectors import allow
from workstation.detectors.allow import Family
from workstation.domain.case import KnownCase
from workstation.domain.clock import now_utc
from workstation.domain.custody import CustodyHead, Verification
from workstation.domain.detectors import InstalledDetector
from workstation.domain.errors import CaseError, WorkstationError
from workstation.domain.events import CaseChanged
from workstation.domain.examinations import Examination
from workstation.domain.ids import CaseId, JobId
from workstation.domain.jobs import JobContext, Lane
from workstation.domain.kinds_of_forgery import Threshold
from workstation.domain.standing import Standing, standing, thresholds
from workstation.storage.anchor import read_anchor
from workstation.storage.case_store import CaseStore
from workstation.storage.catalogue import Catalogue
from workstation.storage.keys import LedgerKey
from workstation.storage.verification import NOTHING_KEPT, Kept, verify_case

if TYPE_CHECKING:
    from workstation.detectors.importing.recognise import Source

_log = logging.getLogger(__name__)
# What pins of copies begin with: ``app.portability`` writes them.
_COPIES = ("backup ", "export ", "archive ", "pack ")


class Engine:
    """Opens cases, runs jobs, knows this machine's detectors.

    Args:
        home: the workstation's folder; by default ``WORKSTATION_HOME`` or the platform's place for user data.

    Raises:
        PermissionRefused, StorageFull: the folder cannot be made.
        InputError: its settings cannot be read.
    """

    def __init__(self, home: Path | None = None) -> None:
        self.home = Home(home) if home is not None else Home.default()
        self.home.prepare()
        self._log_handler = logs.start_logging(self.home)
        self.settings: Settings = load_settings(self.home.root)
        allow.only(self.settings.detector_families)
        self.hub = Hub()
        self.jobs = JobQueue(self.hub)
        self.key = LedgerKey.load_or_create(self.home.keys)
        self.workshop = Workshop(self.home.detectors, self.home.weights, self.settings.device, self.settings.precision)
        self._catalogue = Catalogue(self.home.catalogue)
        self._sessions: list[CaseSession] = []

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def create_case(
        self,
        folder: Path,
        *,
        number: str,
        title: str,
        examiner: str,
        question: str,
        passphrase: str | None = None,
        keyring: bool = False,
        purpose: str = "",
        authority: str = "",
    ) -> CaseSession:
        """Make a case folder and open it; with a passphrase it is encrypted, with ``keyring`` for this account too.

        ``purpose`` and ``authority`` stand in every custody event of the session that names none of its own (E6).

        Raises: CaseExists, PermissionRefused, StorageFull; InputError for a short passphrase.
        """
        store = CaseStore.create(
            folder,
            number=number,
            title=title,
            examiner=examiner,
            question=question,
            key=self.key,
            passphrase=passphrase,
            keyring=keyring,
            purpose=purpose,
            authority=authority,
        )
        return self._opened(store)

    def open_case(
        self,
        folder: Path,
        *,
        read_only: bool = False,
        passphrase: str | None = None,
        unseal: str = "",
        purpose: str = "",
        authority: str = "",
    ) -> CaseSession:
        """Open a case; ``unseal`` says why one that was sealed for the archive is opened up again.

        ``purpose`` and ``authority`` stand in every custody event of the session that names none of its own (E6).

        Raises: CaseNotFound, CaseReadOnly (open elsewhere, or sealed), CaseLocked, CaseFormatTooNew, CaseDamaged.
        """

        def work(known: str | None) -> CaseStore:
            return CaseStore.open(
                folder,
                key=self.key,
                read_only=read_only,
                passphrase=known,
                unseal=unseal,
                purpose=purpose,
                authority=authority,
            )

        return self._opened(RUN.unlocking(folder, passphrase, work))

    def known_cases(self) -> tuple[KnownCase, ...]:
        """Cases opened on this workstation, newest first."""
        return self._catalogue.known_cases()

    def forget_case(self, case: CaseId) -> None:
        """Take a case off the list of known cases; its folder and its pins stay."""
        self._catalogue.forget_case(case)

    def verify_case(
        self,
        folder: Path,
        on_progress: Callable[[int, int], None] | None = None,
        *,
        passphrase: str | None = None,
        kept: Kept = NOTHING_KEPT,
    ) -> Verification:
        """Verify a case without changing it, against the heads pinned on this machine and those in ``kept`` (E7).

        Raises: CaseNotFound, CaseLocked.
        """

        def work(known: str | None) -> Verification:
            case = self._case_in(folder, known)
            pinned = self._heads_for(case, folder) if case is not None else ()
            return verify_case(folder, pinned=pinned, on_progress=on_progress, passphrase=known, kept=kept)

        return RUN.unlocking(folder, passphrase, work)

    def detectors(self) -> tuple[InstalledDetector, ...]:
        """Detector packages on this machine, read from their cards alone."""
        from workstation.detectors import registry

        return registry.installed(self.home.detectors)

    def validated(self, run: Examination) -> Standing:
        """For which kinds of forgery the scores of a run may be shown, by the cards on this machine."""
        return standing(run, [package.card for package in self.detectors() if not package.problem])

    def thresholds(self, run: Examination) -> Mapping[str, Threshold]:
        """The shipped thresholds of the detectors of a run whose scores may be shown, by the cards on this machine."""
        return thresholds(run, [package.card for package in self.detectors() if not package.problem])

    def detector_families(self) -> tuple[Family, ...]:
        """The code that is offered for detectors: what is used, what is passed over and why; nothing is loaded."""
        return tuple(sorted(allow.families().values(), key=lambda family: family.name))

    def install_detector(self, source: Path, *, licence: str = "", origin: str = "") -> InstalledDetector:
        """Check a detector package (folder or archive) or a bare weights file, and file it read-only.

        ``licence`` and ``origin`` are stated for a bare file whose terms do not follow from its digest.

        Raises: DetectorError, InputError, PermissionRefused, StorageFull.
        """
        from workstation.detectors import installing

        return installing.install(source, self.home.detectors, licence=licence, origin=origin)

    def recognise_weights(self, path: Path) -> Source:
        """Say what a weights file is, from its header and digest; nothing of it is run. Raises: WeightsInvalid."""
        from workstation.detectors.importing.recognise import recognise

        return recognise(path)

    def remove_detector(self, detector_id: str) -> InstalledDetector:
        """Take an installed package off this machine. Raises: DetectorNotFound, DetectorError, PermissionRefused."""
        from workstation.detectors import installing

        return installing.remove(detector_id, self.home.detectors)

    def verify_detector(self, package: InstalledDetector, *, here: bool = False) -> Verification:
        """Check a package and let it answer its self-test, on the CPU in float32; with ``here`` on the device and in
        the precision that examinations on this machine use."""
        from workstation.detectors import registry, runtime

        if not here:
            return registry.verify(package)
        settings = self.settings
        device = runtime.pick_device() if settings.device == "auto" else settings.device
        precision = runtime.pick_precision(device) if settings.precision == "auto" else settings.precision
        return registry.verify(package, device=device, precision=precision)

    def finders(self) -> tuple[tuple[str, bool, str], ...]:
        """Face finders: id, whether it can be used now, and why not."""
        from workstation.faces.finder import finders

        return tuple(finders(self.home.weights))

    def device(self) -> str:
        """Where networks run, in words; empty until the gpu lane has looked."""
        return self.workshop.description

    def warm_up(self) -> JobId:
        """Load the networks that run unless others are named (gpu lane), so that the first examination starts at
        once."""

        def work(context: JobContext) -> None:
            context.progress(0, 3, "looking for a device")
            self.workshop.look()
            context.progress(1, 3, "loading the face finder")
            context.raise_if_cancelled()
            self.workshop.finder("mtcnn")
            installed = self.detectors()
            for package in default_detectors(installed, measured_of(self.home, installed)).chosen:
                context.raise_if_cancelled()
                context.progress(2, 3, f"loading {package.card.id}")
                self.workshop.detector(package.card.id)
            context.progress(3, 3)

        return self.jobs.submit(Lane.GPU, "Load the detectors", work, unit="steps")

    def pin(self, case: CaseId, head: CustodyHead, source: str) -> None:
        """Pin a custody head outside its case (E7)."""
        self._catalogue.pin_head(case, head, source, now_utc())

    def forget(self, session: CaseSession) -> None:
        """Called by a session that closes."""
        if session in self._sessions:
            self._sessions.remove(session)

    def close(self) -> None:
        """Close every case, end every lane. Safe to call twice."""
        for session in tuple(self._sessions):
            try:
                session.close()
            except WorkstationError:
                _log.exception("a case did not close cleanly")
        self.jobs.close()
        self._catalogue.close()
        logs.stop_logging(self._log_handler)

    def pins(self, case: CaseId) -> tuple[tuple[CustodyHead, str, str], ...]:
        """Heads of a case remembered here: (head, what for, when)."""
        return self._catalogue.pins(case)

    def place_of(self, case: CaseId) -> Path | None:
        """Where the case is that this workstation knows under an id; None when it knows none, or cannot reach it."""
        return next((Path(c.folder) for c in self.known_cases() if c.id == case and c.available), None)

    def _heads_for(self, case: CaseId, folder: Path) -> tuple[CustodyHead, ...]:
        """The pinned heads a folder is held against. A copy that was made here (backup, pack) may end where it ended
        when it was made; the same chain in the place of the case itself may not."""
        pins = self._catalogue.pins(case)
        everything = tuple(head for head, _, _ in pins)
        if any(known.id == case and Path(known.folder) == folder.resolve() for known in self.known_cases()):
            return everything
        try:
            own = read_anchor(folder / "custody.head").head
        except WorkstationError:
            return everything
        copies = [head for head, source, _ in pins if source.startswith(_COPIES) and head == own]
        return tuple(head for head in everything if head.count <= own.count) if copies else everything

    def _case_in(self, folder: Path, passphrase: str | None) -> CaseId | None:
        """Which case stands in a folder: what it says itself, or, when it cannot be read, what stood there last."""
        try:
            with CaseStore.open(folder, key=None, read_only=True, passphrase=passphrase) as store:
                return store.case.id
        except CaseError:
            known = (case.id for case in self.known_cases() if Path(case.folder) == folder.resolve())
            return next(known, None)

    def _opened(self, store: CaseStore) -> CaseSession:
        try:
            self._note(store)
        except BaseException:
            # Nobody would hold the case then, and nobody else could open it.
            store.close()
            raise
        session = CaseSession(self, store)
        self._sessions.append(session)
        self.hub.publish(CaseChanged(store.case.id))
        return session

    def _note(self, store: CaseStore) -> None:
        """Remember on this machine where the case is and where its chain ends."""
        for known in self.known_cases():
            if known.id != store.case.id and Path(known.folder) == Path(store.case.folder):
                self._catalogue.forget_case(known.id)
        other = self.place_of(store.case.id)
        # A copy that is only looked at does not become the place of the case.
        if not store.read_only or other is None or other == store.folder.resolve():
            self._catalogue.remember_case(store.case, now_utc())
        if not store.read_only:
            self.pin(store.case.id, store.custody_head(), "case opened")
