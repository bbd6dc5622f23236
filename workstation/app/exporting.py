"""Writing a frame out with everything that names it burned in (P11), as a derived item with its recipe (E4, E6)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from workstation.app.facts import burn_for
from workstation.app.recipes import check_folder, note_export, ticks
from workstation.domain.evidence import EvidenceItem
from workstation.domain.ids import EvidenceId, ExaminationId
from workstation.domain.map_scale import PLAIN_LOOK, Look
from workstation.domain.media import Frame
from workstation.storage.case_store import CaseStore

if TYPE_CHECKING:
    from workstation.domain.reports import BurnIn


@dataclass(frozen=True, slots=True)
class FrameExport:
    """``examination`` None exports the frame without any result on it; ``validated`` False draws words in place of
    scores."""

    evidence: EvidenceId
    frame: Frame
    output: Path
    examination: ExaminationId | None
    detector: str | None
    opacity: float
    validated: bool = True
    look: Look = PLAIN_LOOK


def export_frame(store: CaseStore, request: FrameExport) -> dict[str, object]:
    """Draw and write the frame; record it as a derived item when the case is open for writing.

    Raises:
        NotFound: the folder to write into does not exist.
        StorageFull, PermissionRefused.
    """
    check_folder(request.output)
    item = store.evidence_item(request.evidence)
    burn = _drawn(store, item, request)
    write_frame(item, request.frame, burn, request.output)
    ref = request.frame.ref
    parameters: dict[str, object] = {
        "what": "frame with burn-in",
        "exhibit": item.exhibit,
        "ordinal": ref.ordinal,
        "stream": ref.stream,
        "pts": ref.pts,
        "time_base": ticks(ref.time_base),
        "frame_sha256": ref.digest,
        "examination": request.examination or "",
        "detector": request.detector or "",
        "opacity": request.opacity,
        "validated": request.validated,
        "layers": sorted(request.look.layers),
        "colours": request.look.colours.value,
        "threshold": request.look.threshold,
        "frames_examined": burn.frames_examined,
        "frames_total": burn.frames_total,
    }
    decoder = item.media.decoder if item.media else ""
    made = note_export(store, item, "frame", parameters, decoder, request.output)
    digest = made.sha256 if made else hashlib.sha256(request.output.read_bytes()).hexdigest()
    return {"path": str(request.output), "sha256": digest, "derived": made.number if made else ""}


def write_frame(item: EvidenceItem, frame: Frame, burn: BurnIn, output: Path) -> None:
    """Write a drawn frame as PNG with the names of exhibit and frame in its text chunks."""
    from workstation.reporting.figures import burn_in, write_png

    names: Mapping[str, str] = {
        "exhibit": item.exhibit,
        "exhibit_sha256": item.sha256,
        "pts": str(frame.ref.pts),
        "frame_sha256": frame.ref.digest,
    }
    write_png(burn_in(burn), output, names)


def redraw(store: CaseStore, request: FrameExport, frames_examined: int, frames_total: int) -> None:
    """Draw and write a frame as it was exported when so many frames had been examined; records nothing."""
    item = store.evidence_item(request.evidence)
    burn = replace(_drawn(store, item, request), frames_examined=frames_examined, frames_total=frames_total)
    write_frame(item, request.frame, burn, request.output)


def _drawn(store: CaseStore, item: EvidenceItem, request: FrameExport) -> BurnIn:
    row = coverage = None
    if request.examination is not None:
        rows = store.frame_rows(request.examination, request.evidence, (request.frame.ref.ordinal,))
        row = rows[0] if rows else None
        index = store.frame_index(request.evidence)
        coverage = store.coverage(request.examination, request.evidence, len(index) if index else 0)
    return burn_for(
        store,
        item,
        request.frame,
        row,
        request.detector,
        coverage,
        opacity=request.opacity,
        validated=request.validated,
        look=request.look,
    )
