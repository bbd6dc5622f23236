"""What detectors gave over the frames of one exhibit, in columns: for plots and sums over clips of any length (X10).

A frame's own rows (`results.FrameRow`) stay the record; these are the same figures without boxes, points and maps.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from workstation.domain.ids import TrackId
from workstation.domain.results import Abstention, ItemStatus

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
CodeArray = npt.NDArray[np.uint8]

STATUSES = (ItemStatus.OK, ItemStatus.ABSTAINED, ItemStatus.NO_FACE, ItemStatus.ERROR)
"""The status that each code of `ScoreSeries.status` stands for."""
CODES: Mapping[str, int] = {status.value: code for code, status in enumerate(STATUSES)}


def _ints() -> IntArray:
    return np.zeros(0, dtype=np.int64)


def _floats() -> FloatArray:
    return np.zeros(0, dtype=np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class FrameSeries:
    """Examined frames in presentation order; all arrays have the shape (frames,).

    Attributes:
        ordinals: rising.
        seconds: presentation times.
        faces: how many faces were found in each.
        errors: why a frame could not be decoded, by ordinal.
    """

    ordinals: IntArray = field(default_factory=_ints)
    seconds: FloatArray = field(default_factory=_floats)
    faces: IntArray = field(default_factory=_ints)
    errors: Mapping[int, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.ordinals)


@dataclass(frozen=True, slots=True, eq=False)
class TrackSeries:
    """``ordinals`` (faces,): the examined frames that a track was seen in, rising."""

    track: TrackId
    number: int
    ordinals: IntArray


@dataclass(frozen=True, slots=True, eq=False)
class ScoreSeries:
    """One detector over one track; all arrays have the shape (results,).

    Attributes:
        ordinals: rising.
        status: codes, see `STATUSES`.
        scores: 0..1 in the direction of the detector's card where the status is ok, NaN elsewhere.
        reasons: why there is no score, by ordinal.
    """

    track: TrackId
    detector: str
    ordinals: IntArray
    status: CodeArray
    scores: FloatArray
    reasons: Mapping[int, Abstention] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TrackSpan:
    """From when to when a track was seen, in seconds, and in how many examined ``frames``."""

    track: TrackId
    track_number: int
    first_seconds: float
    last_seconds: float
    frames: int


@dataclass(frozen=True, slots=True, eq=False)
class ExhibitSeries:
    """All of one exhibit under one examination.

    Attributes:
        tracks: by number.
        scores: by track number, then name of the detector; a track without results has none.
        mapped: detectors that stored at least one fakeness map.
    """

    frames: FrameSeries = field(default_factory=FrameSeries)
    tracks: tuple[TrackSeries, ...] = ()
    scores: tuple[ScoreSeries, ...] = ()
    mapped: frozenset[str] = frozenset()
