"""The persons of a case: reference tracks that undisputedly show them, and whom an exhibit is said to show.

Called by the session (``session.gallery``) and, for each track, by the track stage of an examination.
"""

from __future__ import annotations

from collections.abc import Sequence

from workstation.app.hub import Hub
from workstation.domain.detectors import GalleryPerson, InputSpec
from workstation.domain.ids import EvidenceId, TrackId
from workstation.storage.case_store import CaseStore


class Gallery:
    """Reads and edits the gallery of one case."""

    def __init__(self, store: CaseStore, hub: Hub) -> None:
        self._store, self._hub = store, hub

    def frozen(self, evidence: Sequence[EvidenceId]) -> str:
        """Canonical JSON of what an examination of ``evidence`` will use, or "" when the case has no references."""
        return ""

    def persons(
        self, text: str, evidence: EvidenceId, track: TrackId, input_spec: InputSpec
    ) -> tuple[GalleryPerson, ...]:
        """Cut the crops that ``text`` (of `frozen`) names; the person claimed for this track is marked."""
        return ()
