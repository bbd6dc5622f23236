"""Domain values to stored text and back: media facts, plans, environments, faces' points and gates."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from workstation.domain.custody import canonical_json
from workstation.domain.detectors import Measure
from workstation.domain.examinations import DetectorUse, Environment, ExaminationPlan, GateLimits
from workstation.domain.faces import Gate, GateReading
from workstation.domain.geometry import Affine, Point
from workstation.domain.ids import EvidenceId
from workstation.domain.media import FrameIndex, MediaInfo, MediaKind, Orientation, StreamInfo, TimeBase

_GATES = {gate.value: gate for gate in Gate}
Landmarks = tuple[Point, Point, Point, Point, Point]


def media_to_text(media: MediaInfo | None) -> str | None:
    return None if media is None else canonical_json(asdict(media))


def media_from_text(text: str | None) -> MediaInfo | None:
    if text is None:
        return None
    value = json.loads(text)
    return MediaInfo(
        kind=MediaKind(value["kind"]),
        container=value["container"],
        streams=tuple(_stream(stream) for stream in value["streams"]),
        primary=value["primary"],
        duration_s=value["duration_s"],
        decoder=value["decoder"],
        warnings=tuple(value["warnings"]),
    )


def _stream(value: dict[str, Any]) -> StreamInfo:
    nested = {"time_base": TimeBase(**value["time_base"]), "orientation": Orientation(**value["orientation"])}
    return StreamInfo(**(value | nested))


def plan_to_text(plan: ExaminationPlan) -> str:
    return canonical_json(asdict(plan))


def plan_from_text(text: str) -> ExaminationPlan:
    value = json.loads(text)
    nested = {
        "evidence": tuple(EvidenceId(item) for item in value["evidence"]),
        "detectors": tuple(DetectorUse(**use) for use in value["detectors"]),
        "gates": GateLimits(**value["gates"]),
    }
    return ExaminationPlan(**(value | nested))


def environment_to_text(environment: Environment) -> str:
    return canonical_json(dict(environment.facts))


def environment_from_text(text: str) -> Environment:
    facts: Mapping[str, str] = json.loads(text)
    return Environment(facts)


def landmarks_to_text(points: Landmarks) -> str:
    return json.dumps([[p.x, p.y] for p in points])


def landmarks_from_text(text: str) -> Landmarks:
    a, b, c, d, e = json.loads(text)
    return Point(*a), Point(*b), Point(*c), Point(*d), Point(*e)


def gates_to_text(readings: tuple[GateReading, ...]) -> str:
    """A gate may measure infinity or nothing (NaN); Python and SQLite both read these two words in JSON."""
    return json.dumps([[r.gate, r.value, r.limit, r.passed] for r in readings])


def gates_from_text(text: str) -> tuple[GateReading, ...]:
    return tuple(GateReading(_GATES[gate], value, limit, passed) for gate, value, limit, passed in json.loads(text))


def measures_to_text(measures: tuple[Measure, ...]) -> str:
    """A JSON list with every field by name. Raises: ValueError for a number that is none."""
    kept = [replace(m, value=_number(m.value), low=_number(m.low), high=_number(m.high)) for m in measures]
    return json.dumps([asdict(m) for m in kept], sort_keys=True, ensure_ascii=False, allow_nan=False)


def measures_from_text(text: str) -> tuple[Measure, ...]:
    return tuple(Measure(**value) for value in json.loads(text))


def _number(value: float | None) -> float | None:
    return None if value is None else float(value)


def affine_to_text(affine: Affine | None) -> str | None:
    return None if affine is None else json.dumps([affine.a, affine.b, affine.tx, affine.c, affine.d, affine.ty])


def affine_from_text(text: str | None) -> Affine | None:
    return None if text is None else Affine(*json.loads(text))


def pack_ticks(ticks: tuple[int, ...]) -> bytes:
    """Rising time stamps as differences (little-endian int64), zlib-compressed: about a byte a frame."""
    values = np.asarray(ticks, dtype=np.int64)
    return zlib.compress(np.diff(values, prepend=np.int64(0)).astype("<i8").tobytes(), 6)


def unpack_ticks(data: bytes) -> tuple[int, ...]:
    steps = np.frombuffer(zlib.decompress(data), dtype="<i8").astype(np.int64)
    return tuple(int(v) for v in np.cumsum(steps))


def frame_index(stream: int, num: int, den: int, pts: bytes, keyframes: bytes) -> FrameIndex:
    return FrameIndex(stream, TimeBase(num, den), unpack_ticks(pts), unpack_ticks(keyframes))
