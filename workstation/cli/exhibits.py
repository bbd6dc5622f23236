"""What the commands tell of one exhibit: its facts for programs, its scores as lines for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TypeAlias

from workstation.app.session import CaseSession
from workstation.domain.detectors import Direction
from workstation.domain.evidence import EvidenceItem
from workstation.domain.examinations import Examination
from workstation.domain.ids import EvidenceId
from workstation.domain.intake import ExhibitOrigin
from workstation.domain.kinds_of_forgery import NOT_FOR_ANY, NOT_FOR_THIS, ForgeryClass, name_of
from workstation.domain.results import ItemStatus, TrackReading, TrackSummary
from workstation.domain.standing import Standing

Origins: TypeAlias = "Mapping[EvidenceId, ExhibitOrigin]"


def exhibit_facts(session: CaseSession, item: EvidenceItem, origins: Origins) -> dict[str, object]:
    """Facts of one exhibit with the newest examination's scores per track; ``origins`` as the session gives them."""
    origin = origins.get(item.id, ExhibitOrigin())
    streams = session.streams(item.id)
    facts: dict[str, object] = {
        "id": item.id,
        "exhibit": item.exhibit,
        "name": item.name,
        "sha256": item.sha256,
        "other_digests": dict(origin.other_digests),
        "size": item.size,
        "source": item.source_path,
        "taken_in_at": item.taken_in_at,
        "taken_in_by": item.taken_in_by,
        "machine": item.machine,
        "purpose": origin.purpose,
        "authority": origin.authority,
        "note": item.note,
        "kind": item.media.kind if item.media else None,
        "problem": item.problem,
        "integrity": item.integrity,
        "verified_at": item.verified_at,
        "work": item.work,
        "streams": None if streams is None else [asdict(stream) for stream in streams],
    }
    run = session.latest_examination(item.id)
    if run is not None:
        c, directions, validated = session.coverage(run.id, item.id), _directions(run), session.validated(run)
        facts["examination"] = run.number
        facts["coverage"] = {
            "frames_total": c.frames_total,
            "examined": c.examined,
            "with_face": c.with_face,
            "without_face": c.without_face,
            "unreadable": c.unreadable,
            "scored": c.scored,
            "abstained": c.abstained,
            "errors": c.errors,
        }
        facts["tracks"] = [
            {
                "track": s.track_number,
                "detector": s.detector,
                "mean": s.mean,
                "median": s.median,
                "spread_5_95": None if s.low is None else [s.low, s.high],
                "calibrated": False,
                "validated_for": list(validated.get(s.detector, ())),
                "direction": directions.get(s.detector, Direction.HIGHER_IS_MANIPULATED.value),
                "frames_scored": s.frames_scored,
                "frames_abstained": s.frames_abstained,
                "frames_error": s.frames_error,
                "abstentions": {str(reason): count for reason, count in s.abstentions},
            }
            for s in session.summaries(run.id, item.id)
        ]
        facts["track_readings"] = [_reading(r, directions, validated) for r in session.track_readings(run.id, item.id)]
    return facts


def _reading(reading: TrackReading, directions: Mapping[str, str], validated: Standing) -> dict[str, object]:
    why = reading.abstention
    return {
        "track": reading.track_number,
        "detector": reading.detector,
        "status": reading.status,
        "value": reading.value,
        "calibrated": False,
        "validated_for": list(validated.get(reading.detector, ())),
        "direction": directions.get(reading.detector, Direction.HIGHER_IS_MANIPULATED.value),
        "frames": list(reading.frames),
        "measures": [asdict(measure) for measure in reading.measures],
        "note": reading.note,
        "abstention": None if why is None else {"reason": why.reason, "detail": why.detail},
    }


def _directions(run: Examination) -> dict[str, str]:
    """Which way the scores of each detector of a run point."""
    return {use.id: use.direction for use in run.plan.detectors}


def score_lines(session: CaseSession, item: EvidenceItem) -> list[str]:
    """Scores and readings per track as lines for a person; every number carries the word "uncalibrated", and its
    spread where it has one. Where a detector is validated for no kind of forgery, words stand in place of a number."""
    run = session.latest_examination(item.id)
    if run is None:
        return ["not examined yet"] if item.media else []
    c, directions, validated = session.coverage(run.id, item.id), _directions(run), session.validated(run)
    lines = [
        f"examination {run.number} ({run.state}): {c.examined} of {c.frames_total} frames examined, "
        f"a face in {c.with_face}, none in {c.without_face}, unreadable {c.unreadable}"
    ]
    for s in session.summaries(run.id, item.id):
        if s.mean is None or s.low is None or s.high is None:
            why = ", ".join(f"{reason} {count}" for reason, count in s.abstentions) or "no frame"
            lines.append(f"T{s.track_number} {s.detector}: no score ({why})")
            continue
        kinds = validated.get(s.detector, ())
        mean, spread = f"{s.mean:.2f}", f"{s.low:.2f} to {s.high:.2f}"
        said = f"mean {mean} (5-95 % of frames {spread}), uncalibrated{_way(directions, s.detector)}"
        lines.append(f"T{s.track_number} {s.detector}: {said if kinds else NOT_FOR_ANY}; {_counts(s)}")
        lines += _kind_lines(kinds, f"{mean} ({spread})")
    for reading in session.track_readings(run.id, item.id):
        lines += _reading_lines(reading, directions, validated.get(reading.detector, ()))
    return lines


def _counts(summary: TrackSummary) -> str:
    return f"{summary.frames_scored} scored, {summary.frames_abstained} abstained, {summary.frames_error} failed"


def _kind_lines(kinds: Sequence[ForgeryClass], said: str) -> list[str]:
    """What a score says of each kind of forgery: a line for each it is validated for, one for the others together."""
    if not kinds:
        return []
    lines = [f"  {name_of(kind)}: {said}" for kind in kinds]
    others = "; ".join(name_of(kind) for kind in ForgeryClass if kind not in kinds)
    return [*lines, f"  {others}: {NOT_FOR_THIS}"] if others else lines


def _reading_lines(reading: TrackReading, directions: Mapping[str, str], kinds: Sequence[ForgeryClass]) -> list[str]:
    """One line for what was said of a track as a whole, then one for each measure."""
    head = f"T{reading.track_number} {reading.detector}, whole track ({len(reading.frames)} frames read)"
    if reading.abstention is not None:
        said = "failed" if reading.status is ItemStatus.ERROR else "no value"
        detail = f": {reading.abstention.detail}" if reading.abstention.detail else ""
        return [f"{head}: {said} ({reading.abstention.reason}{detail})"]
    value = "measures alone"
    if reading.value is not None and not kinds:
        value = NOT_FOR_ANY
    elif reading.value is not None:
        way = _way(directions, reading.detector) or " (higher = more like manipulated examples)"
        value = f"{reading.value:.2f}, uncalibrated{way}"
    lines = [f"{head}: {value}" + (f"; {reading.note}" if reading.note else "")]
    lines += _kind_lines(kinds, f"{reading.value:.2f}") if reading.value is not None else []
    for m in reading.measures:
        number = "not measured" if m.value is None else f"{m.value:.3f}"
        spread = "" if m.low is None or m.high is None else f" ({m.low:.3f} to {m.high:.3f})"
        about = f", {m.about}" if m.about else ""
        lines.append(f"  {m.label}: {number}{spread}{about}, uncalibrated{', exploratory' if m.exploratory else ''}")
    return lines


def _way(directions: Mapping[str, str], detector: str) -> str:
    """Said only of scores that point down: the other way is the rule."""
    falling = directions.get(detector) == Direction.LOWER_IS_MANIPULATED
    return " (lower = more like manipulated examples)" if falling else ""
