"""The faces of one open case: the list of them, their small pictures, and what the examiner does with tracks."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from workstation.app.face_listing import FaceCache, FaceEntry, list_faces
from workstation.app.face_pictures import Deliver, FacePictures, Opened
from workstation.app.hub import Hub
from workstation.app.track_edits import TrackEdits
from workstation.domain.ids import EvidenceId, ExaminationId
from workstation.storage.case_store import CaseStore


class FaceDesk:
    """Made and closed by the session of the case.

    Args:
        opened: opens an exhibit for looking at its frames, noted in the chain of custody.
    """

    def __init__(self, store: CaseStore, hub: Hub, opened: Opened) -> None:
        self._store, self._opened = store, opened
        self._known = FaceCache()
        self._pictures: list[FacePictures] = []
        self.edits = TrackEdits(store, hub)

    def listing(
        self,
        chosen: Mapping[EvidenceId, ExaminationId] | None = None,
        only: Collection[EvidenceId] | None = None,
    ) -> tuple[FaceEntry, ...]:
        """Every face of the case as the examiner arranged them (`list_faces`). Not for the GUI thread."""
        return list_faces(self._store, chosen, self._known, only)

    def pictures(self, deliver: Deliver) -> FacePictures:
        """Small pictures of faces, cut on a thread of their own that ends with the case."""
        self._pictures.append(FacePictures(self._store, self._opened, deliver))
        return self._pictures[-1]

    def close(self) -> None:
        """End the threads and decoders of the pictures."""
        for pictures in self._pictures:
            pictures.close()
