"""From what a frame holds by the rows of an examination to what is drawn on it. Nothing here waits for anything."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

from workstation.domain.results import FaceResult, FaceRow, FrameRow, ItemStatus
from workstation.ui.exhibit import ExhibitData
from workstation.ui.timeline.lanes import reason_words
from workstation.ui.viewer.overlay import MapOverlay
from workstation.ui.viewer.shelf import MapShelf
from workstation.ui.viewer.state import FaceMark, OverlayState
from workstation.ui.words import not_validated, uncalibrated


def tr(text: str) -> str:
    """Translate in the context "viewer"."""
    return QCoreApplication.translate("viewer", text)


def result_of(face: FaceRow, detector: str | None) -> FaceResult | None:
    """What a detector gave for a face; None where it was not asked."""
    return next((r for r in face.results if r.detector == detector), None)


def threshold_of(data: ExhibitData, detector: str | None) -> float | None:
    """The shipped threshold as a level of the map; None where there is none.

    A map is 1 where something is manipulated whatever the direction of the score, so the threshold of a score that
    falls there is no level of a map.
    """
    shipped = data.thresholds.get(detector) if detector else None
    return shipped.value if shipped is not None and detector not in data.falling else None


def marks(data: ExhibitData, row: FrameRow | None, detector: str | None) -> tuple[FaceMark, ...]:
    """The faces of a frame with what one detector gave for each."""
    return tuple(_mark(data, face, detector) for face in row.faces) if row is not None else ()


def chip(data: ExhibitData, row: FrameRow | None) -> str:
    """What is to be said of a frame that shows no box."""
    if data.run is None:
        return ""
    if row is None:
        return tr("This frame was not examined")
    return "" if row.faces else tr("Examined: no face found in this frame")


def overlays(
    shelf: MapShelf, view: str, data: ExhibitData, row: FrameRow | None, detector: str | None, overlay: OverlayState
) -> tuple[MapOverlay, ...]:
    """The maps of a frame that are at hand; the others are asked for under the name of the view."""
    results = [result_of(face, detector) for face in row.faces] if row is not None else []
    mapped = [r for r in results if r is not None and r.map_digest and r.map_transform is not None and r.crop_size]
    levels = overlay.levels(threshold_of(data, detector))
    known = shelf.get(view, tuple(str(r.map_digest) for r in mapped), levels)
    made: list[MapOverlay] = []
    for result in mapped:
        picture = known.get(str(result.map_digest))
        if picture is not None and result.map_transform is not None:
            made.append(
                MapOverlay(picture.values, picture.image, result.map_transform, result.crop_size, picture.lines)
            )
    return tuple(made)


def _mark(data: ExhibitData, face: FaceRow, detector: str | None) -> FaceMark:
    result = result_of(face, detector)
    words, scored = "", True
    if result is not None and result.status is ItemStatus.OK and result.score is not None:
        words = f"{result.score:.2f} {uncalibrated(result.detector in data.falling)}"
        if not data.validated.get(result.detector):
            words = not_validated()
    elif result is not None:
        scored = False
        name = tr("abstained") if result.status is ItemStatus.ABSTAINED else tr("error")
        words = f"{name} · {reason_words(result)}"
    return FaceMark(face.track, face.track_number, face.detection.box, face.detection.landmarks, words, scored)
