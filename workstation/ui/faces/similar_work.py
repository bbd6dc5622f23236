"""Searching the case for faces like the chosen one; the recogniser is one of the installed packages."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QWidget

from workstation.app.similar_faces import likenesses, submit_search
from workstation.domain.ids import JobId
from workstation.domain.jobs import Job, JobState
from workstation.ui.actions import Actions
from workstation.ui.desk import Desk
from workstation.ui.faces.face_work import FaceWork
from workstation.ui.faces.similar_box import SimilarBox
from workstation.ui.faces.words import title, tr
from workstation.ui.models.jobs import JobsModel
from workstation.ui.widgets.banner import Banner


class SimilarWork(QObject):
    """One for a window."""

    def __init__(self, desk: Desk, jobs: JobsModel, faces: FaceWork, banner: Banner, window: QWidget) -> None:
        super().__init__(window)
        self._desk, self._faces, self._banner, self._window = desk, faces, banner, window
        self._jobs = jobs
        self._mine: dict[JobId, str] = {}
        self.box: SimilarBox | None = None
        jobs.ended.connect(self._ended)
        desk.case_shown.connect(self.close)

    def handlers(self) -> dict[str, Callable[[], object]]:
        return {"faces.similar": self.search}

    def refresh(self, actions: Actions) -> None:
        session = self._desk.session
        writes = session is not None and not session.read_only
        actions.set_enabled(("faces.similar",), writes and len(self._faces.chosen()) == 1)

    def search(self) -> None:
        """Compare the chosen face with every other; without a recogniser one line says what to import."""
        session, chosen = self._desk.session, self._faces.chosen()
        if session is None or len(chosen) != 1:
            return
        engine, asked = self._desk.engine, chosen[0]

        def work() -> tuple[JobId, str]:
            return submit_search(engine, session, asked, session.faces.listing()), title(asked)

        self._desk.ask(work, self._submitted)

    @Slot()
    def close(self) -> None:
        box, self.box = self.box, None
        if box is not None:
            box.close()
            box.deleteLater()

    def _submitted(self, told: tuple[JobId, str]) -> None:
        job, asked = told
        self._mine[job] = asked
        self._banner.tell(tr("Looking for faces like {face}…").format(face=asked), seconds=4)
        known = next((entry for entry in self._jobs.jobs if entry.id == job and entry.state.ended), None)
        if known is not None:
            self._ended(known)

    @Slot(object)
    def _ended(self, job: Job) -> None:
        asked = self._mine.pop(job.id, None)
        if asked is None:
            return
        if job.state is JobState.FAILED:
            self._banner.tell(f"{job.title}: {job.error}")
        elif job.state is JobState.DONE and job.result:
            self.close()
            detector = f"{job.result.get('detector')} ({str(job.result.get('weights_sha256'))[:8]}…)"
            left_out = int(str(job.result.get("left_out", 0)))
            self.box = SimilarBox(asked, likenesses(job.result), detector, left_out, self._window)
            self.box.chosen.connect(self._go)
            self.box.show()

    @Slot(str)
    def _go(self, key: str) -> None:
        self._faces.show_face(key)
