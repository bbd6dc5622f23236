"""Writing out what is seen in the viewer: one view or several, enlarged, compared, with everything that names it (P11).

The picture was drawn by the window, so it is recorded as a derived item with what was seen, but it is not made again
from its recipe as a single frame is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from workstation.app.recipes import check_folder, note_export, ticks
from workstation.domain.errors import InputError
from workstation.domain.events import CaseChanged
from workstation.domain.ids import EvidenceId, JobId
from workstation.domain.jobs import JobContext, Lane
from workstation.domain.reports import BurnPane, BurnView

if TYPE_CHECKING:
    from workstation.app.engine import Engine
    from workstation.app.session import CaseSession


@dataclass(frozen=True, slots=True)
class ViewExport:
    """``panes`` are the exhibits of the view's panes, in their order; ``seen`` is how they were shown, as plain JSON
    values (mode, zoom, layers, colours, opacity, detectors)."""

    view: BurnView
    panes: tuple[EvidenceId, ...]
    output: Path
    seen: Mapping[str, object]


def export_view(engine: Engine, session: CaseSession, request: ViewExport) -> JobId:
    """Write the view as PNG and record it (report lane). Result: ``{"path", "sha256", "derived"}``.

    The job fails with NotFound where there is no folder to write into, StorageFull, PermissionRefused.

    Raises: CaseError: the case is closed. InputError: there is no pane in it.
    """
    if not request.panes or len(request.panes) != len(request.view.panes):
        raise InputError("There is nothing in the viewer to export.", "Show a frame first.")

    def work(_: JobContext) -> dict[str, object]:
        from workstation.reporting.figures import burn_view, write_png

        check_folder(request.output)
        item = session.evidence_item(request.panes[0])
        first = request.view.panes[0]
        names = {"exhibit": item.exhibit, "exhibit_sha256": item.sha256, "frame_sha256": first.frame.digest}
        write_png(burn_view(request.view), request.output, names)
        shown = [_pane(pane) for pane in request.view.panes]
        parameters = {"what": "view with burn-in", "panes": shown, **request.seen}
        decoder = item.media.decoder if item.media else ""
        made = note_export(session.store, item, "view", parameters, decoder, request.output)
        engine.hub.publish(CaseChanged(session.case.id))
        digest = made.sha256 if made else hashlib.sha256(request.output.read_bytes()).hexdigest()
        return {"path": str(request.output), "sha256": digest, "derived": made.number if made else ""}

    return session.submit(Lane.REPORT, "Export view", work, "views")


def _pane(pane: BurnPane) -> dict[str, object]:
    ref = pane.frame
    return {
        "letter": pane.letter,
        "exhibit": pane.exhibit,
        "sha256": pane.exhibit_sha256,
        "kind": pane.kind,
        "ordinal": ref.ordinal,
        "stream": ref.stream,
        "pts": ref.pts,
        "time_base": ticks(ref.time_base),
        "frame_sha256": ref.digest,
    }
