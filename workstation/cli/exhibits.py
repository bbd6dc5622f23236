"""What the commands tell of one exhibit: its facts for programs, its scores as lines for people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TypeAlias

from workstation.app.session import CaseSession
from workstation.domain.evidence import EvidenceItem
from workstation.domain.ids import EvidenceId
from workstation.domain.intake import ExhibitOrigin

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
        c = session.coverage(run.id, item.id)
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
                "frames_scored": s.frames_scored,
                "frames_abstained": s.frames_abstained,
                "frames_error": s.frames_error,
                "abstentions": {str(reason): count for reason, count in s.abstentions},
            }
            for s in session.summaries(run.id, item.id)
        ]
    return facts


def score_lines(session: CaseSession, item: EvidenceItem) -> list[str]:
    """Scores per track as lines for a person; every number carries its spread and the word "uncalibrated"."""
    run = session.latest_examination(item.id)
    if run is None:
        return ["not examined yet"] if item.media else []
    c = session.coverage(run.id, item.id)
    lines = [
        f"examination {run.number} ({run.state}): {c.examined} of {c.frames_total} frames examined, "
        f"a face in {c.with_face}, none in {c.without_face}, unreadable {c.unreadable}"
    ]
    for s in session.summaries(run.id, item.id):
        if s.mean is None or s.low is None or s.high is None:
            why = ", ".join(f"{reason} {count}" for reason, count in s.abstentions) or "no frame"
            lines.append(f"T{s.track_number} {s.detector}: no score ({why})")
            continue
        lines.append(
            f"T{s.track_number} {s.detector}: mean {s.mean:.2f} (5-95 % of frames {s.low:.2f} to {s.high:.2f}), "
            f"uncalibrated; {s.frames_scored} scored, {s.frames_abstained} abstained, {s.frames_error} failed"
        )
    return lines
