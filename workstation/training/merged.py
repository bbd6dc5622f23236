"""What merging of tokens changes: the same faces read with and without, by one detector.

A figure with merging is worth little beside its own interval; what counts is the change against no merging on the same
faces, so both are resampled together. Every record has its ``merge`` and ``schedule``: they are what allows it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from workstation.domain.detectors import Detector, ValidationRecord
from workstation.domain.faces import FaceCrop
from workstation.training.evaluation import (
    CHOSEN,
    SEED,
    SETS,
    Looked,
    as_crop,
    drawn_pair,
    pictures_of,
)
from workstation.training.measures import Figure, Values, auc, rounded_record
from workstation.training.pool import Pool

PLAIN = (0, "")
_CHUNK, _DRAWS = 64, 1000
_Rows = npt.NDArray[np.int64]
Merging = tuple[int, str]
"""Tokens merged after each block, and the schedule's name."""


@dataclass(frozen=True, slots=True)
class Faces:
    """The faces of one set, in chunks that are made when they are read.

    Attributes:
        chunks: gives (genuine, manipulated) crops each time it is called, always the same.
        group: of each pair, when genuine and manipulated faces are pairs and whole pictures are resampled; None when
            the two classes are resampled on their own.
    """

    name: str
    chunks: Callable[[], Iterator[tuple[Sequence[FaceCrop], Sequence[FaceCrop]]]]
    group: _Rows | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """One set under one merging: the figure without and with it, the change, and what became of the scores."""

    genuine: int
    manipulated: int
    plain: float
    figure: Figure
    change: Figure
    shift: float
    largest: float

    def words(self) -> str:
        """The change in one line, for a record's note."""
        moved = f"AUC {self.change.value:+.4f} [{self.change.low:+.4f}, {self.change.high:+.4f}]"
        scores = f"score {self.shift:+.4f} in the mean, {self.largest:.3f} at most"
        return f"against no merging (AUC {self.plain:.4f} on the same faces): {moved}; {scores}"


def faces_of(looked: Looked | None, held: Pool | None) -> list[Faces]:
    """The labelled sets that were found, and pairs of the held-out people as the plain evaluation draws them."""
    found: list[Faces] = []
    if held is not None:
        found.append(Faces("Held-out people, all kinds", _pairs(held), pictures_of(held)[held.of], CHOSEN))
    for wanted in SETS if looked is not None else ():
        if looked is None or wanted.folder not in looked.seen or wanted.column:
            continue
        seen = looked.seen[wanted.folder]
        genuine = [one.crop for one in looked.seen.get(wanted.genuine_from, seen) if not one.item.manipulated]
        forged = [one.crop for one in seen if one.item.manipulated]
        if genuine and forged:
            found.append(Faces(wanted.name, _halves(genuine, forged)))
    return found


def changes(detectors: Mapping[Merging, Detector], faces: Faces) -> dict[Merging, Change]:
    """Read a set with every detector and compare each with the one at ``PLAIN``, which must be there."""
    scores: dict[Merging, tuple[list[float], list[float]]] = {key: ([], []) for key in detectors}
    for halves in faces.chunks():
        for key, detector in detectors.items():
            for kept, crops in zip(scores[key], halves, strict=True):
                kept.extend(reading.value for reading in detector.read(crops))
    values = {key: (np.array(a), np.array(b)) for key, (a, b) in scores.items()}
    plain = values[PLAIN]
    return {key: _change(plain, pair, faces.group) for key, pair in values.items() if key != PLAIN}


def merged_records(detectors: Mapping[Merging, Detector], every: Sequence[Faces]) -> list[ValidationRecord]:
    """A record for each set and merging, with the change against no merging in its note."""
    records: list[ValidationRecord] = []
    for faces in every:
        for (r, schedule), found in changes(detectors, faces).items():
            note = "; ".join(part for part in (found.words(), faces.note) if part)
            record = rounded_record(faces.name, found.genuine, found.manipulated, "AUC", found.figure, note)
            if record is not None:
                records.append(dataclasses.replace(record, merge=r, schedule=schedule))
    return records


def with_merged(card: Sequence[ValidationRecord], merged: Sequence[ValidationRecord]) -> list[ValidationRecord]:
    """A card's records with these in the place of all that were taken with merging before."""
    return [*(record for record in card if not record.merge), *merged]


def _change(plain: tuple[Values, Values], merged: tuple[Values, Values], group: _Rows | None) -> Change:
    random = np.random.default_rng(0)
    figures, differences = [], []
    for one, two in _resampled(len(plain[0]), len(plain[1]), group, random):
        figures.append(auc(merged[0][one], merged[1][two]))
        differences.append(figures[-1] - auc(plain[0][one], plain[1][two]))
    value = auc(*merged)
    moved = np.concatenate(merged) - np.concatenate(plain)
    return Change(
        len(plain[0]),
        len(plain[1]),
        auc(*plain),
        _with_interval(value, figures),
        _with_interval(value - auc(*plain), differences),
        float(moved.mean()),
        float(np.abs(moved).max()),
    )


def _resampled(
    genuine: int, forged: int, group: _Rows | None, random: np.random.Generator
) -> Iterator[tuple[_Rows, _Rows]]:
    if group is None:
        for _ in range(_DRAWS):
            yield random.integers(genuine, size=genuine), random.integers(forged, size=forged)
        return
    rows = [np.flatnonzero(group == name) for name in np.unique(group)]
    for _ in range(_DRAWS):
        taken = np.concatenate([rows[number] for number in random.integers(len(rows), size=len(rows))])
        yield taken, taken


def _with_interval(value: float, draws: Sequence[float]) -> Figure:
    low, high = np.nanpercentile(draws, [2.5, 97.5])
    return Figure(value, min(float(low), value), max(float(high), value))


def _halves(
    genuine: Sequence[FaceCrop], forged: Sequence[FaceCrop]
) -> Callable[[], Iterator[tuple[Sequence[FaceCrop], Sequence[FaceCrop]]]]:
    def chunks() -> Iterator[tuple[Sequence[FaceCrop], Sequence[FaceCrop]]]:
        for start in range(0, max(len(genuine), len(forged)), _CHUNK):
            yield genuine[start : start + _CHUNK], forged[start : start + _CHUNK]

    return chunks


def _pairs(pool: Pool) -> Callable[[], Iterator[tuple[Sequence[FaceCrop], Sequence[FaceCrop]]]]:
    def chunks() -> Iterator[tuple[Sequence[FaceCrop], Sequence[FaceCrop]]]:
        random = np.random.default_rng(SEED)
        for start in range(0, len(pool.of), _CHUNK):
            pairs = [drawn_pair(pool, row, random) for row in range(start, min(start + _CHUNK, len(pool.of)))]
            yield [as_crop(one) for one, _ in pairs], [as_crop(two) for _, two in pairs]

    return chunks
