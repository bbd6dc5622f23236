"""Which faces of a case are like a chosen one, by an installed recogniser: a search aid, and no statement of identity.

Faces are cut again from their exhibits, a recogniser describes each, and likeness is the cosine of the descriptions, as
the detectors of identity measure it. It is uncalibrated: how high the same person scores depends on the recogniser, the
pictures and the pose (L6). That a search was made, with what and over how much, is in the chain of custody (X1).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, cast

import numpy as np
import numpy.typing as npt

from workstation.app.face_listing import FaceEntry
from workstation.app.track_crops import CropKind, Wanted, cut_again
from workstation.domain.custody import CustodyKind
from workstation.domain.detectors import DetectorCard, InstalledDetector
from workstation.domain.errors import CaseReadOnly, DetectorNotFound, InputError
from workstation.domain.faces import FaceCrop
from workstation.domain.ids import EvidenceId, ExaminationId, JobId, TrackId
from workstation.domain.jobs import JobContext, Lane
from workstation.domain.results import FrameRow

if TYPE_CHECKING:
    from workstation.app.engine import Engine
    from workstation.app.session import CaseSession

FAMILY = "identity"
PER_TRACK = 5
TOP = 3
COMPARED = "faces compared with one another"
CAUTION = (
    "Likeness is a cosine of a recogniser, uncalibrated.",
    "It sorts what is worth a look; it says nothing on who is shown.",
)
Rows = npt.NDArray[np.float32]
TrackKey = tuple[ExaminationId, EvidenceId, TrackId]


@dataclass(frozen=True, slots=True)
class Likeness:
    """How like the chosen face a track, or the reference pictures of a person, are.

    Attributes:
        key: of the `FaceEntry`, or "person/" with the person's name.
        median, low, high: cosine -1..1: the median over its faces and the 5th and 95th percentile, each face to the
            ``TOP`` nearest of the other side. Uncalibrated.
        faces: how many were compared. ``pictures``: how many of the other side.
    """

    key: str
    label: str
    name: str
    median: float
    low: float
    high: float
    faces: int
    pictures: int


class _Encoder(Protocol):
    @property
    def card(self) -> DetectorCard: ...

    def embed(self, crops: Sequence[FaceCrop]) -> Rows: ...


def recogniser(installed: Sequence[InstalledDetector]) -> InstalledDetector | None:
    """The recogniser to search with: the first usable package of the family, by its id; None where there is none."""
    usable = [one for one in installed if one.card.family == FAMILY and not one.problem]
    return min(usable, key=lambda one: one.card.id, default=None)


def submit_search(engine: Engine, session: CaseSession, chosen: FaceEntry, among: Sequence[FaceEntry]) -> JobId:
    """Compare a face with others and with the reference pictures of the case's persons (gpu lane).

    Result: ``{"likenesses": [fields of `Likeness`, ...], "detector", "weights_sha256", "left_out"}``, the most alike
    first; ``left_out`` counts tracks of which no face passed the gates.

    Raises:
        DetectorNotFound: no recogniser is installed; its advice says what to import. CaseReadOnly.
    """
    package = recogniser(engine.detectors())
    if package is None:
        raise DetectorNotFound(
            "Faces cannot be compared: no recogniser is installed.",
            "Import an ONNX recogniser such as ArcFace as a package of the family identity, then search again.",
        )
    if session.read_only:
        raise CaseReadOnly(f"Case {session.case.number} is open for reading only.", "Close it elsewhere and reopen it.")
    detector = package.card.id

    def work(context: JobContext) -> dict[str, object]:
        encoder = cast(_Encoder, engine.workshop.detector(detector))
        return search(session, encoder, chosen, among, context)

    return session.submit(Lane.GPU, f"Find faces like {chosen.exhibit} {chosen.label}", work, "exhibits")


def search(
    session: CaseSession, encoder: _Encoder, chosen: FaceEntry, among: Sequence[FaceEntry], context: JobContext
) -> dict[str, object]:
    """Cut, describe and compare. Progress counts exhibits.

    Raises:
        InputError: no face of the chosen track passed the gates.
        EvidenceError, CaseError: an exhibit is not what was examined. DetectorError, DeviceFault, Cancelled.
    """
    card = encoder.card
    kind: CropKind = (card.input.crop_size, card.input.crop_margin)
    people = session.gallery.people()
    references: dict[str, list[TrackKey]] = {
        person.name: [(one.examination, one.evidence, one.track) for one in person.references] for person in people
    }
    entries = [chosen, *(entry for entry in among if entry.key != chosen.key)]
    wanted = {key for entry in entries for key in _tracks(entry)} | {k for keys in references.values() for k in keys}
    described = _describe(session, encoder, kind, wanted, context)
    asked = _rows(described, chosen)
    if not len(asked):
        raise InputError(
            f"No face of {chosen.exhibit} {chosen.label} passed the quality gates.", "Choose a track with clear faces."
        )
    found: list[Likeness] = []
    left_out = 0
    for entry in entries[1:]:
        rows = _rows(described, entry)
        if len(rows):
            label = f"{entry.exhibit} {entry.label}"
            found.append(_likeness(entry.key, label, entry.name, rows, asked))
        else:
            left_out += 1
    own = set(_tracks(chosen))
    for name, keys in references.items():
        parts = [described[key][1] for key in keys if key not in own and key in described]
        rows = np.concatenate(parts) if parts else np.zeros((0, 1), np.float32)
        if len(rows):
            found.append(_likeness(f"person/{name}", name, name, asked, rows))
    found.sort(key=lambda one: (-one.median, one.label))
    body = {
        "what": COMPARED,
        "evidence": chosen.evidence,
        "exhibit": chosen.exhibit,
        "track": chosen.label,
        "detector": card.id,
        "weights_sha256": card.weights.sha256,
        "compared": len(found),
        "left_out": left_out,
    }
    session.store.record(CustodyKind.EVIDENCE_ACCESSED, body)
    return {
        "likenesses": [{name: getattr(one, name) for name in Likeness.__slots__} for one in found],
        "detector": card.id,
        "weights_sha256": card.weights.sha256,
        "left_out": left_out,
    }


def likenesses(result: Mapping[str, object]) -> tuple[Likeness, ...]:
    """The likenesses in the result of a search."""
    told = result.get("likenesses")
    return tuple(Likeness(**one) for one in told) if isinstance(told, list) else ()


def _tracks(entry: FaceEntry) -> list[TrackKey]:
    return [(entry.examination, entry.evidence, track) for track in entry.arranged.tracks]


def _describe(
    session: CaseSession, encoder: _Encoder, kind: CropKind, wanted: set[TrackKey], context: JobContext
) -> dict[TrackKey, tuple[tuple[int, ...], Rows]]:
    """Ordinals and descriptions of the faces of tracks, one forward pass for each exhibit."""
    of_exhibit: dict[tuple[ExaminationId, EvidenceId], list[TrackId]] = {}
    for examination, evidence, track in sorted(wanted):
        of_exhibit.setdefault((examination, evidence), []).append(track)
    found: dict[TrackKey, tuple[tuple[int, ...], Rows]] = {}
    for done, ((examination, evidence), tracks) in enumerate(of_exhibit.items()):
        context.raise_if_cancelled()
        item = session.store.evidence_item(evidence)
        context.progress(done, len(of_exhibit), item.exhibit)
        rows: tuple[FrameRow, ...] = session.store.frame_rows(examination, evidence)
        wishes = [Wanted(track, kind, PER_TRACK) for track in tracks]
        cut = cut_again(session.store, item, rows, wishes)
        for wish in wishes:
            crops = cut[wish]
            if crops.crops:
                described = np.asarray(encoder.embed(crops.crops), np.float32)
                found[examination, evidence, wish.track] = (crops.ordinals, described)
    return found


def _rows(described: Mapping[TrackKey, tuple[tuple[int, ...], Rows]], entry: FaceEntry) -> Rows:
    """Descriptions of the faces that belong to an entry; of a split track, those of its own piece."""
    parts = []
    for key in _tracks(entry):
        ordinals, rows = described.get(key, ((), np.zeros((0, 1), np.float32)))
        inside = [entry.first_ordinal <= ordinal <= entry.last_ordinal for ordinal in ordinals]
        if any(inside):
            parts.append(rows[np.array(inside)])
    return np.concatenate(parts) if parts else np.zeros((0, 1), np.float32)


def _likeness(key: str, label: str, name: str, rows: Rows, others: Rows) -> Likeness:
    """How like ``others`` the faces of ``rows`` are, each to the nearest of them."""
    cosines = np.clip(rows.astype(np.float64) @ others.astype(np.float64).T, -1.0, 1.0)
    nearest = np.sort(cosines, axis=1)[:, ::-1][:, :TOP].mean(axis=1)
    low, middle, high = (float(value) for value in np.percentile(nearest, (5, 50, 95)))
    return Likeness(key, label, name, middle, low, high, len(rows), len(others))
