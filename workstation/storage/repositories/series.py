"""Reading what detectors gave over an exhibit in columns: a long clip has hundreds of thousands of results."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from sqlalchemy import Connection, text

from workstation.domain.ids import TrackId
from workstation.domain.media import TimeBase
from workstation.domain.results import Abstention, AbstentionReason
from workstation.domain.series import (
    CODES,
    CodeArray,
    ExhibitSeries,
    FloatArray,
    FrameSeries,
    IntArray,
    ScoreSeries,
    TrackSeries,
)

_FRAMES = """SELECT ordinal, pts, time_base_num, time_base_den, error FROM frames
WHERE examination = :examination AND evidence = :evidence {only} ORDER BY stream, pts"""
_TRACKS = "SELECT key, id, number FROM tracks WHERE examination = :examination AND evidence = :evidence ORDER BY number"
_RESULTS = """SELECT m.ordinal, f.track, r.detector, r.status, r.score, r.reason, r.detail, r.map_digest IS NOT NULL
FROM frames m JOIN faces f ON f.frame = m.key LEFT JOIN results r ON r.face = f.key
WHERE m.examination = :examination AND m.evidence = :evidence {only}"""
_ONLY = "AND ordinal IN (SELECT value FROM json_each(:ordinals))"
_ANY = "SELECT 1 FROM frames WHERE examination = :examination AND evidence = :evidence LIMIT 1"
# Turned into arrays piece by piece: one call over all rows would keep every other thread waiting.
_CHUNK = 16_384
_REASONS = {reason.value: reason for reason in AbstentionReason}

Raw = tuple[int, int, str | None, str, float | None, str | None, str | None, int]


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
    tracks = {
        int(key): (TrackId(track), int(number)) for key, track, number in connection.execute(text(_TRACKS), place)
    }
    gathered = _Gathered(tracks)
    found = connection.execute(text(_RESULTS.format(only=only)), place)
    while chunk := found.fetchmany(_CHUNK):
        gathered.add(chunk)
    frames = _frames(connection.execute(text(_FRAMES.format(only=only)), place).all(), gathered.faces())
    return ExhibitSeries(frames, gathered.tracks(), gathered.scores(), frozenset(gathered.mapped))


def _frames(rows: Sequence[Any], faces: Mapping[int, int]) -> FrameSeries:
    seconds: list[float] = []
    bases: dict[tuple[int, int], TimeBase] = {}
    for _, pts, num, den, _ in rows:
        base = bases.setdefault((num, den), TimeBase(num, den))
        seconds.append(base.seconds(pts))
    return FrameSeries(
        np.array([row[0] for row in rows], dtype=np.int64),
        np.array(seconds, dtype=np.float64),
        np.array([faces.get(row[0], 0) for row in rows], dtype=np.int64),
        {int(row[0]): str(row[4]) for row in rows if row[4]},
    )


class _Gathered:
    """Chunks of results as arrays, and what few of them have as words."""

    def __init__(self, tracks: Mapping[int, tuple[TrackId, int]]) -> None:
        self._tracks = tracks
        self._detectors: dict[str | None, int] = {None: -1}
        self._parts: list[tuple[IntArray, IntArray, IntArray, CodeArray, FloatArray]] = []
        self._reasons: dict[tuple[int, int], dict[int, Abstention]] = {}
        self.mapped: set[str] = set()

    def add(self, rows: Iterable[Any]) -> None:
        ordinals, tracks, detectors, statuses, scores, reasons, details, maps = zip(*rows, strict=True)
        known = self._detectors
        for name in set(detectors) - known.keys():
            known[name] = len(known) - 1
        part = (
            np.array(ordinals, dtype=np.int64),
            np.array(tracks, dtype=np.int64),
            np.array([known[name] for name in detectors], dtype=np.int64),
            np.array([CODES.get(status, 0) for status in statuses], dtype=np.uint8),
            np.array(scores, dtype=np.float64),
        )
        self._parts.append(part)
        for at in np.flatnonzero((part[3] != 0) & (part[2] >= 0)).tolist():
            why = reasons[at]
            if why is not None:
                told = self._reasons.setdefault((tracks[at], known[detectors[at]]), {})
                told[ordinals[at]] = Abstention(_REASONS[why], details[at] or "")
        if any(maps):
            self.mapped.update(name for name, has in zip(detectors, maps, strict=True) if has)

    def _columns(self) -> tuple[IntArray, IntArray, IntArray, CodeArray, FloatArray]:
        if not self._parts:
            none = np.zeros(0, dtype=np.int64)
            return none, none, none, np.zeros(0, dtype=np.uint8), np.zeros(0, dtype=np.float64)
        if len(self._parts) > 1:
            self._parts = [tuple(np.concatenate(column) for column in zip(*self._parts, strict=True))]  # type: ignore[list-item]  # five arrays, as before
        return self._parts[0]

    def faces(self) -> dict[int, int]:
        """Faces of each frame: a face has one result under each detector, or a single empty one."""
        ordinals, tracks, *_ = self._columns()
        if not len(ordinals):
            return {}
        # A track has at most one face in a frame, so distinct pairs are faces.
        pairs = np.unique(np.stack([ordinals, tracks], axis=1), axis=0)
        which, counts = np.unique(pairs[:, 0], return_counts=True)
        return dict(zip(which.tolist(), counts.tolist(), strict=True))

    def tracks(self) -> tuple[TrackSeries, ...]:
        ordinals, keys, *_ = self._columns()
        order = np.argsort(keys, kind="stable")
        keys, ordinals = keys[order], ordinals[order]
        found = []
        for key, (track, number) in self._tracks.items():
            first, last = np.searchsorted(keys, [key, key + 1])
            if last > first:
                found.append(TrackSeries(track, number, np.unique(ordinals[first:last])))
        return tuple(found)

    def scores(self) -> tuple[ScoreSeries, ...]:
        ordinals, keys, detectors, status, scores = self._columns()
        order = np.lexsort((ordinals, detectors, keys))
        ordinals, keys, detectors = ordinals[order], keys[order], detectors[order]
        status, scores = status[order], np.where(status[order] == 0, scores[order], np.nan)
        names = {code: name for name, code in self._detectors.items() if name is not None}
        cuts = np.flatnonzero((np.diff(keys) != 0) | (np.diff(detectors) != 0)) + 1
        found: dict[tuple[int, str], ScoreSeries] = {}
        ends = [*cuts.tolist(), len(keys)] if len(keys) else []
        first = 0
        for last in ends:
            key, code = int(keys[first]), int(detectors[first])
            if code >= 0:
                track, number = self._tracks[key]
                part = slice(first, last)
                told = self._reasons.get((key, code), {})
                found[(number, names[code])] = ScoreSeries(
                    track, names[code], ordinals[part].copy(), status[part].copy(), scores[part].copy(), told
                )
            first = last
        return tuple(found[place] for place in sorted(found))
