"""Totals over the rows of an examination, straight from SQL: they always add up (X10, G14)."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sqlalchemy import Connection, text

from workstation.domain.detectors import Direction
from workstation.domain.ids import TrackId
from workstation.domain.media import FrameRef, TimeBase
from workstation.domain.results import AbstentionReason, Coverage, ItemStatus, TrackSummary
from workstation.storage import mapping, row_digests
from workstation.storage.case_format import FORMAT

_TRACKED = """SELECT t.id, t.number, r.detector, r.status, r.score, r.reason,
  m.stream, m.pts, m.time_base_num, m.time_base_den, m.digest, m.ordinal
FROM tracks t JOIN faces f ON f.track = t.key JOIN frames m ON m.key = f.frame JOIN results r ON r.face = f.key
WHERE t.examination = :examination AND t.evidence = :evidence ORDER BY t.number, r.detector, m.stream, m.pts"""
_FRAME_COUNTS = """SELECT count(*), coalesce(sum(error <> ''), 0),
  coalesce(sum(error = '' AND EXISTS (SELECT 1 FROM faces WHERE frame = frames.key)), 0)
FROM frames WHERE examination = :examination AND evidence = :evidence"""
_RESULT_COUNTS = """SELECT r.status, count(*)
FROM frames m JOIN faces f ON f.frame = m.key JOIN results r ON r.face = f.key
WHERE m.examination = :examination {only} GROUP BY r.status"""
_PLAN = "SELECT plan FROM examinations WHERE number = :examination"
_READING_COUNTS = "SELECT status, count(*) FROM track_readings WHERE examination = :examination GROUP BY status"
ROWS = """SELECT e.id, m.stream, m.pts, m.time_base_num, m.time_base_den, m.digest, m.ordinal, m.error,
  f.position, t.id, t.number, f.x0, f.y0, f.x1, f.y1, f.confidence, f.finder, f.landmarks, f.gates,
  r.position, r.detector, r.status, r.score, r.reason, r.detail, r.map_digest, r.map_transform, r.crop_size
FROM frames m JOIN evidence e ON e.position = m.evidence LEFT JOIN faces f ON f.frame = m.key
  LEFT JOIN tracks t ON t.key = f.track LEFT JOIN results r ON r.face = f.key
WHERE m.examination = :examination ORDER BY e.position, m.stream, m.pts, f.position, r.position"""

_Place = tuple[Any, ...]


@dataclass
class _Gathered:
    """What was seen of one track under one detector; ``places`` are (stream, pts, num, den, digest, ordinal)."""

    first: _Place
    last: _Place
    scores: list[float] = field(default_factory=list)
    places: list[_Place] = field(default_factory=list)
    errors: int = 0
    refused: Counter[AbstentionReason] = field(default_factory=Counter)


def tracks(connection: Connection, examination: int, evidence: int) -> tuple[TrackSummary, ...]:
    """One summary per track and detector, in track order; percentiles interpolate linearly between frames.

    The peak is the frame whose score points most to manipulation, the way the plan says the detector's scores point.
    Detectors that read whole tracks alone have no rows here.
    """
    falling = _falling(connection, examination)
    gathered: dict[tuple[str, int, str], _Gathered] = {}
    rows = connection.execute(text(_TRACKED), {"examination": examination, "evidence": evidence})
    for track, number, detector, status, score, reason, *rest in rows:
        place: _Place = tuple(rest)
        seen = gathered.setdefault((track, number, detector), _Gathered(place, place))
        seen.last = place
        if status == ItemStatus.OK:
            seen.scores.append(score)
            seen.places.append(place)
        elif status == ItemStatus.ERROR:
            seen.errors += 1
        else:
            seen.refused[AbstentionReason(reason)] += 1
    return tuple(_summary(TrackId(t), n, d, seen, d in falling) for (t, n, d), seen in gathered.items())


def _falling(connection: Connection, examination: int) -> frozenset[str]:
    """Detectors of the plan whose score is lower where it points to manipulation."""
    plan = connection.execute(text(_PLAN), {"examination": examination}).scalar()
    uses = mapping.plan_from_text(plan).detectors if plan else ()
    return frozenset(use.id for use in uses if use.direction == Direction.LOWER_IS_MANIPULATED)


def _frame(place: _Place) -> FrameRef:
    stream, pts, num, den, digest, ordinal = place
    return FrameRef(stream, pts, TimeBase(num, den), digest, ordinal)


def _summary(track: TrackId, number: int, detector: str, seen: _Gathered, falling: bool) -> TrackSummary:
    mean = median = low = high = None
    peak = None
    if seen.scores:
        values = np.asarray(seen.scores, dtype=np.float64)
        mean, median = float(values.mean()), float(np.median(values))
        low, high = (float(v) for v in np.percentile(values, (5, 95)))
        peak = _frame(seen.places[int(values.argmin() if falling else values.argmax())])
    return TrackSummary(
        track=track,
        track_number=number,
        detector=detector,
        frames_scored=len(seen.scores),
        frames_abstained=seen.refused.total(),
        frames_error=seen.errors,
        mean=mean,
        median=median,
        low=low,
        high=high,
        first_seconds=_frame(seen.first).seconds,
        last_seconds=_frame(seen.last).seconds,
        peak=peak,
        abstentions=tuple(sorted(seen.refused.items())),
    )


def coverage(connection: Connection, examination: int, evidence: int, frames_total: int) -> Coverage:
    place = {"examination": examination, "evidence": evidence}
    examined, unreadable, with_face = connection.execute(text(_FRAME_COUNTS), place).one()
    counts = _by_status(connection, examination, evidence)
    return Coverage(
        frames_total=frames_total,
        examined=examined,
        with_face=with_face,
        without_face=examined - unreadable - with_face,
        unreadable=unreadable,
        scored=counts[ItemStatus.OK],
        abstained=counts[ItemStatus.ABSTAINED] + counts[ItemStatus.NO_FACE],
        errors=counts[ItemStatus.ERROR],
    )


def _by_status(connection: Connection, examination: int, evidence: int | None = None) -> Counter[str]:
    place = {"examination": examination} | ({} if evidence is None else {"evidence": evidence})
    statement = _RESULT_COUNTS.format(only="" if evidence is None else "AND m.evidence = :evidence")
    return Counter({row[0]: row[1] for row in connection.execute(text(statement), place)})


def ending(connection: Connection, examination: int) -> dict[str, object]:
    """What the custody event at the end of an examination states: counts per status and a digest over every row."""
    place = {"examination": examination}
    frames = connection.execute(text("SELECT count(*) FROM frames WHERE examination = :examination"), place).scalar()
    faces = "SELECT count(*) FROM faces f JOIN frames m ON m.key = f.frame WHERE m.examination = :examination"
    counts = _by_status(connection, examination)
    return {
        "frames": frames,
        "faces": connection.execute(text(faces), place).scalar(),
        "results": {status.value: counts[status] for status in ItemStatus},
        "results_sha256": rows_digest(connection.execute(text(ROWS), place)),
        "readings": {str(row[0]): int(row[1]) for row in connection.execute(text(_READING_COUNTS), place)},
        "tables_sha256": row_digests.of_examination(
            lambda sql, values: connection.execute(text(sql), values), examination, FORMAT
        ),
    }


def rows_digest(rows: Iterable[Sequence[object]]) -> str:
    """SHA-256 over every stored value of an examination's rows (statement ``ROWS``), each with its kind and length.

    It goes into the chain when an examination ends, so that a score changed afterwards is found.
    """
    digest = hashlib.sha256(b"workstation examination rows v1")
    for row in rows:
        digest.update("\x1e".join(f"{type(v).__name__}{len(t)}:{t}" for v in row for t in (repr(v),)).encode())
        digest.update(b"\x1d")
    return digest.hexdigest()
