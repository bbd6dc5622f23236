"""Writing a frame out with everything that names it burned in (P11), as a recorded export (E6)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from workstation.app.facts import burn_for
from workstation.domain.custody import CustodyKind
from workstation.domain.errors import NotFound
from workstation.domain.ids import EvidenceId, ExaminationId
from workstation.domain.media import Frame
from workstation.storage.case_store import CaseStore


@dataclass(frozen=True, slots=True)
class FrameExport:
    """``examination`` None exports the frame without any result on it."""

    evidence: EvidenceId
    frame: Frame
    output: Path
    examination: ExaminationId | None
    detector: str | None
    opacity: float


def export_frame(store: CaseStore, request: FrameExport) -> dict[str, object]:
    """Draw and write the frame; record the export with its digest when the case is open for writing.

    Raises:
        NotFound: the folder to write into does not exist.
        StorageFull, PermissionRefused.
    """
    from workstation.reporting.figures import burn_in, write_png

    if not request.output.resolve().parent.is_dir():
        raise NotFound(f"There is no folder {request.output.resolve().parent}.", "Make it, or choose another place.")
    item = store.evidence_item(request.evidence)
    row = coverage = None
    if request.examination is not None:
        rows = store.frame_rows(request.examination, request.evidence, (request.frame.ref.ordinal,))
        row = rows[0] if rows else None
        index = store.frame_index(request.evidence)
        coverage = store.coverage(request.examination, request.evidence, len(index) if index else 0)
    burn = burn_for(store, item, request.frame, row, request.detector, coverage, opacity=request.opacity)
    ref = request.frame.ref
    write_png(
        burn_in(burn),
        request.output,
        {"exhibit": item.exhibit, "exhibit_sha256": item.sha256, "pts": str(ref.pts), "frame_sha256": ref.digest},
    )
    digest = hashlib.sha256(request.output.read_bytes()).hexdigest()
    if not store.read_only:
        store.record(
            CustodyKind.EXPORTED,
            {
                "what": "frame with burn-in",
                "exhibit": item.exhibit,
                "pts": ref.pts,
                "frame_sha256": ref.digest,
                "detector": request.detector or "",
                "file": request.output.name,
                "sha256": digest,
            },
        )
    return {"path": str(request.output), "sha256": digest}
