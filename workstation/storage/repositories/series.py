"""Reading what detectors gave over an exhibit in columns: a long clip has hundreds of thousands of results."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, select, text

from workstation.domain.ids import EvidenceId, TrackId
from workstation.domain.media import TimeBase
from workstation.domain.results import Abstention, AbstentionReason
from workstation.domain.series import (
    CodeArray,
    ExhibitSeries,
    FloatArray,
    FrameSeries,
    IntArray,
    ScoreSeries,
    TrackSeries,
    TrackSpan,
)
from workstation.storage import mapping
from workstation.storage.tables import Examinations

_FRAMES = """SELECT ordinal, pts, time_base_num, time_base_den, error FROM frames
WHERE examination = :examination AND evidence = :evidence {only} ORDER BY stream, pts"""
_TRACKS = "SELECT key, id, number FROM tracks WHERE examination = :examination AND evidence = :evidence ORDER BY number"
_PLACE = """FROM frames m JOIN faces f ON f.frame = m.key {left} JOIN results r ON r.face = f.key
WHERE m.examination = :examination AND m.evidence = :evidence {only}"""
# Small facts of a result in one number: a column less is a tenth of the time.
_RESULTS = f"""SELECT m.ordinal, f.track, r.score, CASE r.detector {{detectors}} ELSE 255 END * 16
  + CASE r.status WHEN 'ok' THEN 0 WHEN 'abstained' THEN 1 WHEN 'no_face' THEN 2 WHEN 'error' THEN 3 ELSE 7 END * 2
  + (r.map_digest IS NOT NULL) {_PLACE} ORDER BY m.stream, m.pts"""
_WHY = f"SELECT m.ordinal, f.track, r.detector, r.reason, r.detail {_PLACE} AND r.status <> 'ok'"
_DETECTORS = f"SELECT DISTINCT r.detector {_PLACE}"
_ONLY = "AND ordinal IN (SELECT value FROM json_each(:ordinals))"
_ANY = "SELECT 1 FROM frames WHERE examination = :examination AND evidence = :evidence LIMIT 1"
_SPANS = """SELECT e.id, t.id, t.number, count(*), min(m.pts), max(m.pts), m.time_base_num, m.time_base_den
FROM tracks t JOIN evidence e ON e.position = t.evidence JOIN faces f ON f.track = t.key
  JOIN frames m ON m.key = f.frame
WHERE t.examination = :examination GROUP BY t.key ORDER BY t.evidence, t.number"""
# Turned into arrays piece by piece: one call over all rows would keep every other thread waiting.
_CHUNK = 16_384
_NONE, _OTHER = 7, 255
_REASONS = {reason.value: reason for reason in AbstentionReason}


def any_row(connection: Connection, examination: int, evidence: int) -> bool:
    """Whether an examination has looked at any frame of an exhibit."""
    return connection.execute(text(_ANY), {"examination": examination, "evidence": evidence}).first() is not None


def read(
    connection: Connection, examination: int, evidence: int, ordinals: Collection[int] | None = None
) -> ExhibitSeries:
    """Everything of an exhibit under an examination, or of its frames ``ordinals`` alone."""
    place: dict[str, Any] = {"examination": examination, "evidence": evidence}
    only = ""
    if ordinals is not None:
        only, place["ordinals"] = _ONLY, json.dumps([int(ordinal) for ordinal in ordinals])
    run = _Run(connection, place, only)
    keys = {int(key): (TrackId(track), int(number)) for key, track, number in run.all(_TRACKS)}
    columns, names = _results(run, connection, examination)
    reasons: dict[tuple[int, str], dict[int, Abstention]] = {}
    for ordinal, track, detector, why, detail in run.all(_WHY.format(left="", only=only)):
        if why is not None:
            told = reasons.setdefault((track, detector), {})
            told[ordinal] = Abstention(_REASONS[why], detail or "")
    frames = _frames(run.all(_FRAMES.format(only=only)), columns)
    mapped = frozenset(names[code] for code in np.unique(columns.detectors[columns.mapped]).tolist())
    return ExhibitSeries(frames, _tracks(columns, keys), _scores(columns, keys, names, reasons), mapped)


def spans(connection: Connection, examination: int) -> dict[EvidenceId, tuple[TrackSpan, ...]]:
    """Every track of an examination, by exhibit, in the order of track numbers."""
    found: dict[EvidenceId, list[TrackSpan]] = {}
    for evidence, track, number, frames, first, last, num, den in connection.execute(
        text(_SPANS), {"examination": examination}
    ):
        base = TimeBase(num, den)
        span = TrackSpan(TrackId(track), number, base.seconds(first), base.seconds(last), frames)
        found.setdefault(EvidenceId(evidence), []).append(span)
    return {evidence: tuple(tracks) for evidence, tracks in found.items()}


@dataclass(frozen=True, slots=True, eq=False)
class _Columns:
    """Results in the order of track, detector and ordinal; ``status`` 7 is a face without any."""

    ordinals: IntArray
    tracks: IntArray
    detectors: IntArray
    status: CodeArray
    scores: FloatArray
    mapped: npt.NDArray[np.bool_]


class _Run:
    """Statements on the bare connection of the driver: rows in the hundred thousands are plain tuples there."""

    def __init__(self, connection: Connection, place: Mapping[str, object], only: str) -> None:
        self._raw = connection.connection
        self.place, self.only = place, only

    def all(self, statement: str) -> list[Any]:
        return list(self._cursor(statement, {}).fetchall())

    def chunks(self, statement: str, more: Mapping[str, object]) -> Iterator[list[Any]]:
        cursor = self._cursor(statement, more)
        while rows := cursor.fetchmany(_CHUNK):
            yield list(rows)

    def _cursor(self, statement: str, more: Mapping[str, object]) -> Any:
        cursor = self._raw.cursor()
        cursor.execute(statement, {**self.place, **more})
        return cursor


def _results(run: _Run, connection: Connection, examination: int) -> tuple[_Columns, tuple[str, ...]]:
    plan = connection.execute(select(Examinations.plan).where(Examinations.number == examination)).scalar()
    names = tuple(use.id for use in mapping.plan_from_text(plan).detectors) if plan else ()
    columns = _columns(run, names)
    if (columns.detectors == _OTHER).any():
        found = run.all(_DETECTORS.format(left="", only=run.only))
        names = tuple(sorted(str(row[0]) for row in found))
        columns = _columns(run, names)
    return columns, names


def _columns(run: _Run, names: Sequence[str]) -> _Columns:
    known = {f"d{code}": name for code, name in enumerate(names)}
    choices = " ".join(f"WHEN :{key} THEN {key[1:]}" for key in known) or "WHEN NULL THEN 0"
    statement = _RESULTS.format(detectors=choices, left="LEFT", only=run.only)
    # All four fit a double: ordinals and keys lie far below 2 ** 53, and NULL becomes NaN.
    parts = [np.array(rows, dtype=np.float64) for rows in run.chunks(statement, known)]
    if not parts:
        none = np.zeros(0, dtype=np.int64)
        return _Columns(none, none, none, none.astype(np.uint8), np.zeros(0), np.zeros(0, dtype=np.bool_))
    ordinals, tracks, scores, codes = np.concatenate(parts).T
    ordinals, tracks, codes = ordinals.astype(np.int64), tracks.astype(np.int64), codes.astype(np.int64)
    status = ((codes >> 1) & 7).astype(np.uint8)
    detectors = np.where(status == _NONE, -1, codes >> 4)
    # Rows come in the order of frames; a stable sort keeps it within each track and detector.
    order = np.argsort(tracks * 512 + detectors, kind="stable")
    mapped = ((codes & 1) == 1)[order]
    return _Columns(ordinals[order], tracks[order], detectors[order], status[order], scores[order], mapped)


def _frames(rows: Sequence[Any], columns: _Columns) -> FrameSeries:
    ordinals = np.array([row[0] for row in rows], dtype=np.int64)
    bases: dict[tuple[int, int], TimeBase] = {(row[2], row[3]): TimeBase(row[2], row[3]) for row in rows[:1]}
    seconds = [bases.setdefault((num, den), TimeBase(num, den)).seconds(pts) for _, pts, num, den, _ in _odd(rows)]
    if rows and not seconds:
        ticks = np.array([row[1] for row in rows], dtype=np.int64)
        times = (ticks * rows[0][2]) / rows[0][3]
    else:
        times = np.array(seconds, dtype=np.float64)
    return FrameSeries(ordinals, times, _faces(ordinals, columns), {int(row[0]): str(row[4]) for row in rows if row[4]})


def _odd(rows: Sequence[Any]) -> Sequence[Any]:
    """The rows, if they are in more than one time base; else none."""
    return rows if len({(row[2], row[3]) for row in rows}) > 1 else ()


def _faces(ordinals: IntArray, columns: _Columns) -> IntArray:
    """How many faces each frame has: a face has one result under each detector, or a single empty one, and a track has
    at most one face in a frame."""
    if not len(ordinals) or not len(columns.ordinals):
        return np.zeros(len(ordinals), dtype=np.int64)
    counts = np.zeros(len(ordinals), dtype=np.int64)
    ends = np.flatnonzero(np.r_[np.diff(columns.tracks) != 0, True]) + 1
    first = 0
    for last in ends.tolist():
        counts[np.searchsorted(ordinals, np.unique(columns.ordinals[first:last]))] += 1
        first = last
    return counts


def _tracks(columns: _Columns, known: Mapping[int, tuple[TrackId, int]]) -> tuple[TrackSeries, ...]:
    found = []
    for key, (track, number) in known.items():
        first, last = np.searchsorted(columns.tracks, [key, key + 1])
        if last > first:
            found.append(TrackSeries(track, number, np.unique(columns.ordinals[first:last])))
    return tuple(found)


def _scores(
    columns: _Columns,
    known: Mapping[int, tuple[TrackId, int]],
    names: Sequence[str],
    reasons: Mapping[tuple[int, str], Mapping[int, Abstention]],
) -> tuple[ScoreSeries, ...]:
    if not len(columns.ordinals):
        return ()
    cuts = np.flatnonzero((np.diff(columns.tracks) != 0) | (np.diff(columns.detectors) != 0)) + 1
    found: dict[tuple[int, str], ScoreSeries] = {}
    first = 0
    for last in [*cuts.tolist(), len(columns.ordinals)]:
        key, code = int(columns.tracks[first]), int(columns.detectors[first])
        if code >= 0:
            (track, number), name, part = known[key], names[code], slice(first, last)
            status = columns.status[part].copy()
            scores = np.where(status == 0, columns.scores[part], np.nan)
            told = reasons.get((key, name), {})
            found[(number, name)] = ScoreSeries(track, name, columns.ordinals[part].copy(), status, scores, told)
        first = last
    return tuple(found[place] for place in sorted(found))
