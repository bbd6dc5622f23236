"""Writing and reading what detectors said about tracks as a whole (X9, X10)."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, func, insert, select

from workstation.domain.errors import InputError, NotFound
from workstation.domain.examinations import ExaminationState
from workstation.domain.ids import EvidenceId, ExaminationId, TrackId
from workstation.domain.results import Abstention, AbstentionReason, ItemStatus, TrackReading
from workstation.storage import mapping
from workstation.storage.repositories import evidence as exhibits
from workstation.storage.tables import Examinations, TrackReadings, Tracks


def append(connection: Connection, readings: Sequence[TrackReading]) -> int:
    """Store readings; return how many were new. What is stored already for the same examination, exhibit, track and
    detector is left as it is.

    Raises:
        InputError: the examination is not running, or the exhibit is not in its plan.
        NotFound: the examination has no such track in that exhibit.
        ValueError: a reading contradicts itself (see ``check_reading``).
    """
    running: dict[ExaminationId, tuple[int, frozenset[str]]] = {}
    known: dict[tuple[int, int], dict[str, tuple[int, int]]] = {}
    there: dict[tuple[int, int], set[tuple[str, str]]] = {}
    values: list[dict[str, Any]] = []
    position = int(connection.execute(select(func.max(TrackReadings.position))).scalar() or 0)
    for reading in readings:
        check_reading(reading)
        if reading.examination not in running:
            running[reading.examination] = _running(connection, reading.examination)
        number, planned = running[reading.examination]
        if reading.evidence not in planned:
            raise InputError(f"Exhibit {reading.evidence} is not part of this examination.")
        place = (number, exhibits.position(connection, reading.evidence))
        if place not in known:
            known[place], there[place] = _tracks(connection, *place), set(stored(connection, *place))
        track = known[place].get(reading.track)
        if track is None:
            raise NotFound(f"The examination has no track {reading.track} in this exhibit.")
        if track[1] != reading.track_number:
            raise ValueError(f"track {reading.track} is T{track[1]}, not T{reading.track_number}")
        if (reading.track, reading.detector) in there[place]:
            continue
        there[place].add((reading.track, reading.detector))
        position += 1
        values.append(_values(reading, position, *place, track[0]))
    if values:
        connection.execute(insert(TrackReadings), values)
    return len(values)


def check_reading(reading: TrackReading) -> None:
    """Hold a reading against what the records promise (X10).

    Raises:
        ValueError: a value without the status ok, a refusal without its reason (or the reverse), or a number that is
            none (NaN or infinite).
    """
    if reading.value is not None and reading.status is not ItemStatus.OK:
        raise ValueError("a value goes with the status ok")
    if (reading.abstention is None) != (reading.status is ItemStatus.OK):
        raise ValueError("what was not read states its reason, and only that")
    numbers = [reading.value, *(n for m in reading.measures for n in (m.value, m.low, m.high))]
    if not all(number is None or math.isfinite(number) for number in numbers):
        raise ValueError("a value, a measure and its spread are finite numbers")


def read(
    connection: Connection, examination: ExaminationId, number: int, evidence: EvidenceId, position: int
) -> tuple[TrackReading, ...]:
    """Readings in the order of tracks, those of a track as they were stored."""
    wanted = (
        select(TrackReadings.__table__, Tracks.id.label("track_id"), Tracks.number.label("track_number"))
        .join(Tracks, Tracks.key == TrackReadings.track)
        .where(TrackReadings.examination == number, TrackReadings.evidence == position)
        .order_by(Tracks.number, TrackReadings.position)
    )
    return tuple(
        TrackReading(
            examination=examination,
            evidence=evidence,
            track=TrackId(row.track_id),
            track_number=row.track_number,
            detector=row.detector,
            status=ItemStatus(row.status),
            frames=tuple(json.loads(row.frames)),
            value=row.value,
            measures=mapping.measures_from_text(row.measures),
            note=row.note,
            abstention=None if row.reason is None else Abstention(AbstentionReason(row.reason), row.detail or ""),
        )
        for row in connection.execute(wanted)
    )


def stored(connection: Connection, number: int, position: int) -> frozenset[tuple[TrackId, str]]:
    """Track and detector of every reading."""
    wanted = (
        select(Tracks.id, TrackReadings.detector)
        .join(Tracks, Tracks.key == TrackReadings.track)
        .where(TrackReadings.examination == number, TrackReadings.evidence == position)
    )
    return frozenset((TrackId(track), detector) for track, detector in connection.execute(wanted))


def _running(connection: Connection, examination: ExaminationId) -> tuple[int, frozenset[str]]:
    wanted = select(Examinations.number, Examinations.state, Examinations.plan)
    row = connection.execute(wanted.where(Examinations.id == examination)).first()
    if row is None or row.state != ExaminationState.RUNNING:
        state = "unknown" if row is None else row.state
        raise InputError(f"The examination is {state}; no readings can be added.", "Go on with it first.")
    return row.number, frozenset(mapping.plan_from_text(row.plan).evidence)


def _tracks(connection: Connection, number: int, position: int) -> dict[str, tuple[int, int]]:
    """Id of each track to its key and its number."""
    wanted = select(Tracks.id, Tracks.key, Tracks.number)
    rows = connection.execute(wanted.where(Tracks.examination == number, Tracks.evidence == position))
    return {row.id: (row.key, row.number) for row in rows}


def _values(reading: TrackReading, position: int, examination: int, evidence: int, track: int) -> dict[str, Any]:
    why = reading.abstention
    return {
        "position": position,
        "examination": examination,
        "evidence": evidence,
        "track": track,
        "detector": reading.detector,
        "status": reading.status.value,
        "value": None if reading.value is None else float(reading.value),
        "reason": None if why is None else why.reason.value,
        "detail": None if why is None else why.detail,
        "frames": json.dumps([int(ordinal) for ordinal in reading.frames]),
        "measures": mapping.measures_to_text(reading.measures),
        "note": reading.note,
    }
