"""Cutting the faces of a track again from their exhibit: for readings of whole tracks and for reference galleries.

A stored row has the landmarks and the digest of the decoded frame. The frame is decoded again, its digest compared, and
the crop cut from the same landmarks, so a crop made later is the crop made then.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from workstation.domain.detectors import InputSpec
from workstation.domain.errors import CaseError, DamagedMedia, EvidenceError, LandmarksUnusable, NotFound
from workstation.domain.evidence import EvidenceItem
from workstation.domain.faces import FaceCrop
from workstation.domain.ids import EvidenceId, ExaminationId, TrackId
from workstation.domain.media import Frame
from workstation.domain.results import FaceRow, FrameRow
from workstation.domain.sampling import even_sample
from workstation.media.reader import MediaReader, open_media

if TYPE_CHECKING:
    from workstation.storage.case_store import CaseStore

CropKind = tuple[int, float]
"""Side in pixels and margin of a crop."""


@dataclass(frozen=True, slots=True)
class TrackCrops:
    """Crops of one track in order of time, with the ordinals and presentation times (seconds) of their frames."""

    crops: tuple[FaceCrop, ...]
    ordinals: tuple[int, ...]
    seconds: tuple[float, ...]
    digests: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Wanted:
    """The crops wanted of one track: at most ``most`` of kind ``kind``, spread evenly over its usable faces."""

    track: TrackId
    kind: CropKind
    most: int


def crops_of(
    store: CaseStore,
    examination: ExaminationId,
    evidence: EvidenceId,
    track: TrackId,
    input_spec: InputSpec,
    most: int,
) -> TrackCrops:
    """Cut at most ``most`` crops of a track, spread evenly over the faces that passed every gate.

    Raises:
        EvidenceError: a frame can no longer be decoded, or decodes to other pixels than when it was examined.
        CaseError: the original is not there.
        NotFound: no such examination, exhibit or track.
    """
    rows = store.frame_rows(examination, evidence)
    wanted = Wanted(track, (input_spec.crop_size, input_spec.crop_margin), most)
    if not any(face.track == track for row in rows for face in row.faces):
        raise NotFound("There is no such track in this examination.")
    return cut_again(store, store.evidence_item(evidence), rows, [wanted])[wanted]


def usable_faces(rows: Sequence[FrameRow]) -> Mapping[TrackId, tuple[tuple[FrameRow, FaceRow], ...]]:
    """Faces that passed every gate, by track, in order of time."""
    found: dict[TrackId, list[tuple[FrameRow, FaceRow]]] = {}
    for row in rows:
        for face in row.faces:
            kept = found.setdefault(face.track, [])
            if face.quality.readings and face.quality.passed:
                kept.append((row, face))
    return {track: tuple(faces) for track, faces in found.items()}


def cut_again(
    store: CaseStore, item: EvidenceItem, rows: Sequence[FrameRow], wanted: Collection[Wanted]
) -> dict[Wanted, TrackCrops]:
    """Decode the frames that several wishes need in one forward pass and cut their crops.

    Raises:
        EvidenceError, CaseError: as `crops_of`.
    """
    faces = usable_faces(rows)
    chosen: dict[int, list[tuple[Wanted, FrameRow, FaceRow]]] = {}
    for wish in wanted:
        mine = faces.get(wish.track, ())
        for place in even_sample(len(mine), wish.most):
            row, face = mine[place]
            chosen.setdefault(row.frame.ordinal, []).append((wish, row, face))
    cut: dict[Wanted, list[tuple[FaceCrop, FrameRow]]] = {wish: [] for wish in wanted}
    if chosen:
        with open_exhibit(store, item) as reader:
            for frame in _frames(reader, item, sorted(chosen)):
                for wish, row, face in chosen[frame.ref.ordinal]:
                    if frame.ref.digest != row.frame.digest:
                        raise DamagedMedia(
                            f"{item.exhibit}: frame {frame.ref.ordinal} decodes to other pixels than it did.",
                            "Verify the exhibit; examine it anew if the decoder was changed.",
                        )
                    crop = _crop(frame, face, wish.kind)
                    if crop is not None:
                        cut[wish].append((crop, row))
    return {
        wish: TrackCrops(
            tuple(crop for crop, _ in found),
            tuple(row.frame.ordinal for _, row in found),
            tuple(row.frame.seconds for _, row in found),
            tuple(row.frame.digest for _, row in found),
        )
        for wish, found in cut.items()
    }


def open_exhibit(store: CaseStore, item: EvidenceItem) -> MediaReader:
    """Open an exhibit for reading. Raises: EvidenceError: it cannot be decoded; CaseError: its original is gone."""
    if item.media is None:
        raise EvidenceError(f"{item.exhibit} cannot be examined: {item.problem}")
    try:
        location = store.vault.open_location(item.stored_path)
        return open_media(location, item.media, index=store.frame_index(item.id))
    except NotFound as fault:
        # No fact about the exhibit, as a frame that cannot be decoded is: nothing is recorded, and the run stops.
        raise CaseError(
            f"The original of {item.exhibit} is not in the case folder.",
            "Put its medium back and go on with the examination, or run case verify.",
        ) from fault


def _frames(reader: MediaReader, item: EvidenceItem, ordinals: Sequence[int]) -> Iterator[Frame]:
    for answer in reader.frames(ordinals):
        if not isinstance(answer, Frame):
            raise DamagedMedia(f"{item.exhibit}: frame {answer.ordinal}: {answer.error.message}")
        yield answer


def _crop(frame: Frame, face: FaceRow, kind: CropKind) -> FaceCrop | None:
    from workstation.faces.alignment import align

    try:
        return align(frame.rgb, face.detection.landmarks, size=kind[0], margin=kind[1])
    except LandmarksUnusable:
        return None
