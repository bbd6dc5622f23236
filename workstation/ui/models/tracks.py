"""Rows of the track table: one detector over one track, every number with its spread and the word (X11)."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

from workstation.domain.results import FrameRow, ItemStatus, TrackSummary
from workstation.ui.exhibit import ExhibitData
from workstation.ui.models.tables import Cell, Row
from workstation.ui.timeline.lanes import reason_words
from workstation.ui.words import score

TRACK_HEADINGS = ("Track, detector", "Mean", "5–95 %", "Scored")
FACE_HEADINGS = ("Face, detector", "Score", "Gates")
_FEW = 3


def tr(text: str) -> str:
    return QCoreApplication.translate("tracks", text)


def track_rows(data: ExhibitData | None) -> list[Row]:
    """By track number, then in the plan's order of detectors; never by score."""
    if data is None:
        return []
    place = {name: number for number, name in enumerate(data.detectors)}
    ordered = sorted(data.summaries, key=lambda s: (s.track_number, place.get(s.detector, 99)))
    return [_track_row(summary, place.get(summary.detector, -1)) for summary in ordered]


def _track_row(summary: TrackSummary, place: int) -> Row:
    scored, left_out, wrong = summary.frames_scored, summary.frames_abstained, summary.frames_error
    total = scored + left_out + wrong
    if summary.mean is None:
        mean, spread = Cell("–", tr("no score"), tip=_why(summary)), Cell("–")
    elif scored < _FEW:
        mean = Cell(score(summary.mean), tr("uncalibrated"), tip=tr("Mean over the scored frames of this track"))
        spread = Cell("–", tr("no spread"), tip=tr("A spread needs at least three scored frames"))
    else:
        mean = Cell(score(summary.mean), tr("uncalibrated"), tip=tr("Mean over the scored frames of this track"))
        band = f"{score(summary.low)}–{score(summary.high)}"
        spread = Cell(
            band, tr("of frames"), tip=tr("5th to 95th percentile over the scored frames: a spread, not an error rate")
        )
    second = tr("{n} abstained").format(n=left_out)
    if wrong:
        second += tr(" · {n} errors").format(n=wrong)
    return Row(
        f"{summary.track}/{summary.detector}",
        (
            Cell(
                f"T{summary.track_number}  {summary.detector}",
                _when(summary),
                swatch=place,
                tip=summary.detector,
            ),
            mean,
            spread,
            Cell(tr("{n} of {m}").format(n=scored, m=total), second, tip=_why(summary)),
        ),
    )


def _when(summary: TrackSummary) -> str:
    if summary.first_seconds == summary.last_seconds:
        return f"{summary.first_seconds:.1f} s"
    return f"{summary.first_seconds:.1f}–{summary.last_seconds:.1f} s"


def _why(summary: TrackSummary) -> str:
    lines = [f"{count} × {reason.value.replace('_', ' ')}" for reason, count in summary.abstentions]
    return "\n".join(lines)


def face_rows(row: FrameRow | None, detectors: tuple[str, ...]) -> list[Row]:
    """Every detector's result for every face of one frame, abstentions with their reason."""
    rows: list[Row] = []
    for face in sorted(row.faces, key=lambda f: f.track_number) if row else ():
        gates = [f"{r.gate.value} {r.value:.3g} ({r.limit:.3g})" for r in face.quality.readings]
        failed = ", ".join(r.gate.value for r in face.quality.failed)
        quality = Cell(tr("failed: {what}").format(what=failed) if failed else tr("passed"), tip="\n".join(gates))
        box = face.detection.box
        for result in face.results:
            if result.status is ItemStatus.OK:
                value = Cell(score(result.score), tr("uncalibrated"))
            else:
                name = tr("abstained") if result.status is ItemStatus.ABSTAINED else tr("error")
                value = Cell(name, reason_words(result), tip=reason_words(result))
            place = detectors.index(result.detector) if result.detector in detectors else -1
            rows.append(
                Row(
                    f"{face.track}/{result.detector}",
                    (
                        Cell(
                            f"T{face.track_number}  {result.detector}",
                            f"{box.width:.0f} × {box.height:.0f} px",
                            swatch=place,
                            tip=result.detector,
                        ),
                        value,
                        quality,
                    ),
                )
            )
    return rows
