"""Robustness curves of detectors on the held-out people of a pool: no labelled set is opened for them.

Both crops of a pair are evened in sharpness as in validation, then made worse alike, and read (V4, V11). The finder is
not asked: a pool holds crops. The kept weights of a detector that was trained on this pool's other people were chosen
on these, and the answer says so.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from workstation.domain.detectors import Detector, DetectorCard, Level
from workstation.domain.errors import InputError, WorkstationError
from workstation.domain.faces import FaceCrop
from workstation.domain.geometry import Point
from workstation.domain.media import RgbArray
from workstation.faces.alignment import target_points
from workstation.training import degrade, shortcuts
from workstation.training.evaluation import CHOSEN, SEED, pictures_of, read_all, turned
from workstation.training.measures import Figure, Values, paired_auc_figure
from workstation.training.pool import KINDS, Pool
from workstation.training.portraits import MARGIN
from workstation.training.robustness import Condition, Recode, cut_again
from workstation.training.validation_records import detector_facts

SCHEMA = "workstation.pool_curves"
_DRAWS = 300
_AT_ONCE = 32
# Spread of the sharpness of both crops of a pair, as the validation of a run draws it.
_APART = 0.5


@dataclass(frozen=True, slots=True)
class _Read:
    """What was read under one condition: turned scores and the shortcuts of the crop, of both halves of the pairs
    ``rows``; of the others a codec refused a crop."""

    scores: tuple[Values, Values]
    shortcuts: tuple[list[Mapping[str, float]], list[Mapping[str, float]]]
    rows: npt.NDArray[np.int64]


def pool_curves(
    detectors: Sequence[Detector],
    pool: Pool,
    conditions: Sequence[Condition],
    *,
    pairs: int = 200,
    recode: Recode | None = None,
    tell: Callable[[int, int, str], None] = lambda _done, _total, _name: None,
) -> dict[str, object]:
    """The curves of detectors, as a validation record has them: the first one's in ``figures``, the rest in ``others``.

    Args:
        pool: its held-out split.
        pairs: how many of its pairs are read, of every kind as many; 0 for all.
        recode: for the conditions that are video codecs.
        tell: called with steps done, steps in all and a name; what it raises ends the reading.

    Raises:
        InputError: a detector reads tracks, or wants a wider crop than a pool has; or there are no pairs.
    """
    if not detectors or not len(pool.of):
        raise InputError("There are no detectors or no pairs to read.", "Name a detector, and a pool with forgeries.")
    for detector in detectors:
        _check(detector.card)
    rows = _chosen(pool, pairs)
    groups = pictures_of(pool)[pool.of[rows]]
    total, every = len(detectors) * (len(conditions) + 1), []
    for number, detector in enumerate(detectors):
        random = np.random.default_rng(SEED)
        size = detector.card.input.size
        drawn = [degrade.even(pool.genuine[pool.of[r]], pool.forged[r], random, _APART, size) for r in rows]
        plain = _read(detector, drawn, None, recode)
        figures = _figures(plain, plain, groups)
        curves: list[dict[str, object]] = []
        for place, condition in enumerate(conditions):
            tell(number * (len(conditions) + 1) + place + 1, total, f"{detector.card.id}, {condition.name}")
            told = {"condition": condition.name, "family": condition.family, "level": condition.level}
            curves.append(told | _figures(_read(detector, drawn, condition, recode), plain, groups))
        items = {"items_real": len(rows), "items_fake": len(rows)}
        every.append({"detector": detector_facts(detector), "figures": figures | items | {"robustness": curves}})
    counted = {
        KINDS[kind].value: int((pool.kind[rows] == kind).sum()) for kind in sorted(set(pool.kind[rows].tolist()))
    }
    facts = {"pairs": len(rows), "people": len(np.unique(groups)), "kinds": counted, "note": CHOSEN}
    return {"schema": SCHEMA, "version": 1, "pool": facts, **every[0], "others": every[1:]}


def _check(card: DetectorCard) -> None:
    if card.output.level is Level.TRACK:
        raise InputError(f"{card.id} reads tracks; a pool holds single crops.", "Leave it out.")
    if card.input.crop_margin > MARGIN:
        raise InputError(
            f"{card.id} wants crops at margin {card.input.crop_margin:g}; those of a pool are at {MARGIN:g}.",
            "Take its curves on a labelled set.",
        )


def _chosen(pool: Pool, pairs: int) -> npt.NDArray[np.int64]:
    """Rows of the forgeries that are read: drawn once for all, of every kind as many as there are of the rarest."""
    if not 0 < pairs < len(pool.of):
        return np.arange(len(pool.of))
    random = np.random.default_rng(SEED)
    drawn = random.permutation(len(pool.of))
    # The place of each among those of its kind: taking by it takes the kinds in turn.
    turn = np.zeros(len(drawn), np.int64)
    for kind in np.unique(pool.kind):
        own = np.flatnonzero(pool.kind[drawn] == kind)
        turn[own] = np.arange(len(own))
    return np.sort(drawn[np.argsort(turn, kind="stable")[:pairs]])


def _read(
    detector: Detector, pairs: Sequence[tuple[RgbArray, RgbArray]], condition: Condition | None, recode: Recode | None
) -> _Read:
    scores: tuple[list[float], list[float]] = ([], [])
    found: tuple[list[Mapping[str, float]], list[Mapping[str, float]]] = ([], [])
    kept: list[int] = []
    for start in range(0, len(pairs), _AT_ONCE):
        both: tuple[list[FaceCrop], list[FaceCrop]] = ([], [])
        for row in range(start, min(start + _AT_ONCE, len(pairs))):
            try:
                # The same seed for both of a pair: what is added to one is added to the other.
                one, two = (_crop(rgb, row, condition, detector.card, recode) for rgb in pairs[row])
            except WorkstationError:
                continue
            kept.append(row)
            both[0].append(one)
            both[1].append(two)
        for half, crops in enumerate(both):
            scores[half].extend(reading.value for reading in turned(detector.card, read_all(detector, crops)))
            found[half].extend(_seen(crop.rgb, detector.card.input.size) for crop in crops)
    return _Read((np.array(scores[0]), np.array(scores[1])), found, np.array(kept, np.int64))


def _crop(rgb: RgbArray, seed: int, condition: Condition | None, card: DetectorCard, recode: Recode | None) -> FaceCrop:
    worse = condition.apply(rgb, seed, recode) if condition is not None else rgb
    side = rgb.shape[0]
    marks = [Point(float(x), float(y)) for x, y in target_points(side, MARGIN)]
    return cut_again(worse, (side, side), marks, card.input.crop_size, card.input.crop_margin)


def _seen(rgb: RgbArray, side: int) -> Mapping[str, float]:
    """The shortcuts of what the network is fed: what is told apart at another size is no way round for it."""
    small = cv2.resize(rgb, (side, side), interpolation=cv2.INTER_AREA) if side < rgb.shape[0] else rgb
    return shortcuts.of_crop(np.ascontiguousarray(small, np.uint8))


def _figures(read: _Read, plain: _Read, groups: npt.NDArray[np.int64]) -> dict[str, object]:
    count, lost = len(read.rows), len(plain.rows) - len(read.rows)
    counts = {"n_real": count, "n_fake": count, "lost_real": lost, "lost_fake": lost}
    told = {"lost": {"frame_unreadable": {"real": lost, "fake": lost}} if lost else {}}
    if not count:
        none = dict.fromkeys(("auc", "auc_low", "auc_high", "shift", "flipped", "shortcut_auc", "shortcut_best"))
        return none | counts | told | {"shortcuts": {}}
    figure = paired_auc_figure(*read.scores, groups[read.rows], draws=_DRAWS)
    values = np.concatenate(read.scores)
    before = np.concatenate([half[read.rows] for half in plain.scores])
    flags = np.arange(2 * count) >= count
    names = read.shortcuts[0][0]
    table = {name: np.array([one[name] for half in read.shortcuts for one in half]) for name in names}
    apart = shortcuts.separations(table, flags)
    best, value = shortcuts.best(apart)
    return {
        **_finite(figure),
        **counts,
        **told,
        "shift": float((values - before).mean()),
        "flipped": float(((values > 0.5) != (before > 0.5)).mean()),
        "shortcuts": {name: None if math.isnan(one) else one for name, one in apart.items()},
        "shortcut_auc": None if math.isnan(value) else value,
        "shortcut_best": best or None,
    }


def _finite(figure: Figure) -> dict[str, object]:
    values = {"auc": figure.value, "auc_low": figure.low, "auc_high": figure.high}
    return {name: value if math.isfinite(value) else None for name, value in values.items()}
