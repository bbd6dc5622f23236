"""What the window may know of an exhibit with sealed scores: frames, faces and tracks, nothing that a detector gave.

It is taken away before any view gets it, so that no view can show it by mistake (X6).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import TYPE_CHECKING

from workstation.app.lanes import build_lanes
from workstation.app.row_window import RowWindow
from workstation.domain.results import FrameRow

if TYPE_CHECKING:
    from workstation.app.session import CaseSession
    from workstation.ui.exhibit import ExhibitData


def sealed_if_asked(session: CaseSession, data: ExhibitData) -> ExhibitData:
    """The same without scores, where the case asks for an opinion first and there is none; else as it is, and that
    scores were shown is recorded. Not for the GUI thread."""
    if data.run is None or not session.opinions.wanted:
        return data
    if not session.opinions.sealed(data.item.id):
        if data.summaries or data.readings:
            session.opinions.note_scores_seen(data.item.id)
        return data
    series = replace(data.series, scores=(), mapped=frozenset())
    run, evidence = data.run, data.item.id

    def read(wanted: Collection[int]) -> tuple[FrameRow, ...]:
        return tuple(_bare(row) for row in session.frame_rows(run.id, evidence, wanted))

    lanes = build_lanes(series, (), ())
    lanes.prepare()
    return replace(
        data,
        run=replace(run, plan=replace(run.plan, detectors=())),
        series=series,
        rows=RowWindow(series.frames.ordinals, read),
        summaries=(),
        readings=(),
        lanes=lanes,
        validated={},
        thresholds={},
        sealed=True,
    )


def _bare(row: FrameRow) -> FrameRow:
    return replace(row, faces=tuple(replace(face, results=()) for face in row.faces))
