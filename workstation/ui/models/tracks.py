"""Rows of the track table: one detector over one track, every number with its spread and the word (X11)."""

from __future__ import annotations

import textwrap
from collections.abc import Collection, Sequence

from PySide6.QtCore import QCoreApplication

from workstation.domain.detectors import Measure
from workstation.domain.kinds_of_forgery import NOT_FOR_ANY, NOT_FOR_THIS, ForgeryClass
from workstation.domain.results import FrameRow, ItemStatus, TrackReading, TrackSummary
from workstation.ui.exhibit import ExhibitData
from workstation.ui.models.tables import Cell, Row
from workstation.ui.timeline.lanes import abstention_words, reason_words
from workstation.ui.words import kind_name, not_validated, score, short_uncalibrated, uncalibrated

READING_HEADINGS = ("Whole track, detector", "Value", "Spread")
TRACK_HEADINGS = ("Detector, track", "Mean", "5–95 %", "Scored")
FACE_HEADINGS = ("Face, detector", "Score", "Gates")
_FEW = 3
_LABEL = 26
"""Letters of a measure's label in the first of its two lines."""


def tr(text: str) -> str:
    return QCoreApplication.translate("tracks", text)


def track_rows(data: ExhibitData | None) -> list[Row]:
    """By track number, then in the plan's order of detectors; never by score. Under each row stand the kinds of forgery
    for which the detector is validated, with the score, and the others, with words."""
    if data is None:
        return []
    place = {name: number for number, name in enumerate(data.detectors)}
    ordered = sorted(data.summaries, key=lambda s: (s.track_number, place.get(s.detector, 99)))
    falling = data.falling
    rows: list[Row] = []
    for s in ordered:
        kinds = data.validated.get(s.detector, ())
        row = _track_row(s, place.get(s.detector, -1), s.detector in falling, bool(kinds))
        rows.append(row)
        if s.mean is not None:
            rows += _kind_rows(row.key, kinds, row.cells[1], row.cells[2], len(TRACK_HEADINGS))
    return rows


def _kind_rows(key: str, kinds: Sequence[ForgeryClass], value: Cell, spread: Cell, columns: int) -> list[Row]:
    """A row for each kind a score is validated for, and one for all others; none where it is validated for none."""
    if not kinds:
        return []
    tip = tr("The same score under each kind: it does not say which kind it is")
    empty = (Cell(""),) * (columns - 3)
    rows = [
        Row(f"{key}/{kind}", (Cell(f"  {kind_name(kind)}", f"   {tr('validated')}", tip=tip), value, spread, *empty))
        for kind in kinds
    ]
    others = [kind_name(kind) for kind in ForgeryClass if kind not in kinds]
    if others:
        name = Cell(f"  {tr('other kinds')}", f"   {others[0]}, …", tip="\n".join(others))
        words = Cell(not_validated(), tr("for this"), tip=f"{tr(NOT_FOR_THIS)}:\n" + "\n".join(others))
        rows.append(Row(f"{key}/others", (name, words, Cell("–"), *empty)))
    return rows


def _unvalidated() -> Cell:
    return Cell(not_validated(), tr("for any kind"), tip=tr(NOT_FOR_ANY))


def reading_rows(data: ExhibitData | None) -> list[Row]:
    """What detectors said about whole tracks: one row for each reading, its measures under it."""
    if data is None or data.run is None:
        return []
    place = {use.id: number for number, use in enumerate(data.run.plan.detectors)}
    rows: list[Row] = []
    for reading in sorted(data.readings, key=lambda r: (r.track_number, place.get(r.detector, 99))):
        kinds = data.validated.get(reading.detector, ())
        row = _reading_row(reading, reading.detector in data.falling, bool(kinds))
        rows.append(row)
        if reading.value is not None:
            rows += _kind_rows(row.key, kinds, row.cells[1], row.cells[2], len(READING_HEADINGS))
        rows += [_measure_row(reading, measure) for measure in reading.measures]
    return rows


def _reading_row(reading: TrackReading, falling: bool, validated: bool) -> Row:
    read = tr("{n} frames read").format(n=len(reading.frames))
    name = Cell(f"T{reading.track_number}  {reading.detector}", read, tip=reading.note or reading.detector)
    if reading.status is not ItemStatus.OK:
        word = tr("abstained") if reading.status is ItemStatus.ABSTAINED else tr("error")
        why = abstention_words(reading.abstention)
        value = Cell(word, why, tip=why)
    elif reading.value is None:
        value = Cell("–", tr("measures only"), tip=reading.note)
    elif not validated:
        value = _unvalidated()
    else:
        tip = f"{uncalibrated(falling)}\n{reading.note}".strip()
        value = Cell(score(reading.value), short_uncalibrated(falling), tip=tip)
    return Row(f"{reading.track}/{reading.detector}", (name, value, Cell("–")))


def _measure_row(reading: TrackReading, measure: Measure) -> Row:
    kind = tr("exploratory") if measure.exploratory else tr("uncalibrated")
    spread = Cell("–", tip=measure.about)
    if measure.low is not None and measure.high is not None:
        spread = Cell(f"{measure.low:.2f}–{measure.high:.2f}", tip=measure.about)
    value = Cell("–" if measure.value is None else f"{measure.value:.2f}", kind, tip=measure.about)
    first, *more = textwrap.wrap(measure.label, _LABEL) or [measure.name]
    name = Cell(f"  {first}", f"   {' '.join(more)}" if more else " ", tip=f"{measure.label}\n{measure.about}")
    return Row(f"{reading.track}/{reading.detector}/{measure.name}", (name, value, spread))


def _track_row(summary: TrackSummary, place: int, falling: bool, validated: bool) -> Row:
    scored, left_out, wrong = summary.frames_scored, summary.frames_abstained, summary.frames_error
    total = scored + left_out + wrong
    told = f"{tr('Mean over the scored frames of this track')}: {uncalibrated(falling)}"
    if summary.mean is None:
        mean, spread = Cell("–", tr("no score"), tip=_why(summary)), Cell("–")
    elif not validated:
        mean, spread = _unvalidated(), Cell("–")
    elif scored < _FEW:
        mean = Cell(score(summary.mean), short_uncalibrated(falling), tip=told)
        spread = Cell("–", tr("no spread"), tip=tr("A spread needs at least three scored frames"))
    else:
        mean = Cell(score(summary.mean), short_uncalibrated(falling), tip=told)
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
                summary.detector,
                f"T{summary.track_number} {_when(summary)}",
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


def face_rows(
    row: FrameRow | None, detectors: tuple[str, ...], falling: Collection[str] = (), validated: Collection[str] = ()
) -> list[Row]:
    """Every detector's result for every face of one frame, abstentions with their reason.

    Args:
        validated: detectors whose score may be shown; for others words stand in its place.
    """
    rows: list[Row] = []
    for face in sorted(row.faces, key=lambda f: f.track_number) if row else ():
        gates = [f"{r.gate.value} {r.value:.3g} ({r.limit:.3g})" for r in face.quality.readings]
        failed = ", ".join(r.gate.value for r in face.quality.failed)
        quality = Cell(tr("failed: {what}").format(what=failed) if failed else tr("passed"), tip="\n".join(gates))
        box = face.detection.box
        for result in face.results:
            if result.status is ItemStatus.OK and result.detector not in validated:
                value = _unvalidated()
            elif result.status is ItemStatus.OK:
                turned = result.detector in falling
                value = Cell(score(result.score), short_uncalibrated(turned), tip=uncalibrated(turned))
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
