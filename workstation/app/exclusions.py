"""What the examiner excluded from an examination, with the number of readings each exclusion covers (X10)."""

from __future__ import annotations

from collections.abc import Sequence

from workstation.domain.edits import ObjectKind
from workstation.domain.evidence import EvidenceItem
from workstation.domain.examinations import Examination
from workstation.domain.reports import Exclusion
from workstation.domain.results import FrameRow
from workstation.storage.case_store import CaseStore


def exclusions(
    store: CaseStore, item: EvidenceItem, run: Examination, rows: Sequence[FrameRow]
) -> tuple[tuple[Exclusion, ...], int]:
    """Exclusions of one exhibit under one examination, and how many readings of faces they cover together.

    An exclusion of a track as a whole covers its readings as a whole too; these count for the exclusion alone.

    Args:
        rows: every examined frame of the exhibit.
    """
    found: list[Exclusion] = []
    covered: set[tuple[int, int, str]] = set()
    readings = store.readings.of(run.id, item.id)
    for thing in store.edits.objects(ObjectKind.EXCLUSION):
        body = thing.body
        if (body.get("examination"), body.get("evidence")) != (run.id, item.id):
            continue
        track, pts = str(body.get("track") or ""), body.get("pts")
        since, until = body.get("since"), body.get("until")
        number, seconds = 0, None
        mine: set[tuple[int, int, str]] = set()
        for row in rows:
            if pts is not None and row.frame.pts != pts:
                continue
            if not _between(row.frame.pts, since, until):
                continue
            seconds = row.frame.seconds if pts is not None else None
            for face in row.faces:
                if track and face.track != track:
                    continue
                number = face.track_number if track else 0
                mine.update((row.frame.pts, face.track_number, result.detector) for result in face.results)
        covered |= mine
        entire = pts is None and since is None and until is None
        whole = sum(entire and track in ("", reading.track) for reading in readings)
        reason = str(body.get("reason", "")) + _span(rows, since, until)
        found.append(Exclusion(number, seconds, reason, len(mine) + whole))
    return tuple(found), len(covered)


def _between(pts: int, since: object, until: object) -> bool:
    """Whether a frame lies in a piece of a track: from ``since`` on, before ``until``; None is no end."""
    return not (isinstance(since, int) and pts < since) and not (isinstance(until, int) and pts >= until)


def _span(rows: Sequence[FrameRow], since: object, until: object) -> str:
    """ " (from 2.000 s on)", for an exclusion of a piece of a track; nothing for one of the whole."""
    if since is None and until is None:
        return ""
    inside = [row.frame.seconds for row in rows if _between(row.frame.pts, since, until)]
    if not inside:
        return " (no examined frame)"
    if until is None:
        return f" (from {inside[0]:.3f} s on)"
    return f" (from {inside[0]:.3f} s to {inside[-1]:.3f} s)"
