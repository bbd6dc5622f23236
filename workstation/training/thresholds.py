"""The threshold a package ships: chosen on untouched pictures of people held out, and how often they pass it (V4, P4).

It is the order statistic of split conformal prediction (Vovk, Gammerman and Shafer, Algorithmic Learning in a Random
World, 2005, section 2.2; Angelopoulos and Bates, arXiv 2107.07511, section 1): among n untouched items a new one of the
same kind lies beyond it with a probability of at most the share wanted. Labelled sets never enter, because a threshold
that knows them would flatter the figures taken there.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.stats import beta  # type: ignore[import-untyped]  # scipy has no types

from workstation.domain.detectors import Detector, DetectorCard, Direction
from workstation.domain.errors import InputError
from workstation.domain.faces import FaceCrop
from workstation.domain.kinds_of_forgery import LEAST_GROUPS, LEAST_ITEMS, MOST_ALARMS, Threshold
from workstation.faces.alignment import align
from workstation.training.measures import Values
from workstation.training.portraits import faces, held_out, list_portraits

Groups = npt.NDArray[np.int64]
_CHUNK = 64


def chosen_threshold(
    card: DetectorCard, scores: Values, groups: Groups, dataset: str, *, most: float = MOST_ALARMS
) -> Threshold:
    """The least strict threshold that at most a share ``most`` of untouched items passes.

    The rate on it is not that of the items it was chosen on: each item is judged by the threshold that its own group's
    absence would have given, and where that rate is still above ``most`` the next stricter threshold is tried. The
    interval is Clopper and Pearson's (Biometrika 26, 1934) with groups in place of items, as if all pictures of one
    person always agreed: it is wide rather than narrow.

    Args:
        scores: raw scores 0..1 of untouched items, in the direction of ``card``.
        groups: of each item: its person, or its picture.
        dataset: what the items are, in words.

    Raises:
        InputError: fewer than `LEAST_ITEMS` items or `LEAST_GROUPS` groups, or no threshold keeps the share.
    """
    units = len(np.unique(groups))
    if len(scores) < LEAST_ITEMS or units < LEAST_GROUPS:
        raise InputError(
            f"{len(scores)} untouched items of {units} people are too few for a threshold.",
            f"Give at least {LEAST_ITEMS} items of {LEAST_GROUPS} people who were held out.",
        )
    falling = card.output.direction is Direction.LOWER_IS_MANIPULATED
    values = -scores if falling else scores
    for beyond in range(_allowed(len(values), most), -1, -1):
        rate = _rate_without_own_group(values, groups, beyond / len(values))
        if rate <= most:
            value = float(np.sort(values)[len(values) - 1 - beyond])
            low, high = _interval(rate, units)
            return Threshold(-value if falling else value, rate, low, high, len(values), units, dataset)
    raise InputError(
        f"No threshold keeps false alarms of {card.id} at or below {most:.0%}.", "Give more untouched pictures."
    )


def _allowed(items: int, most: float) -> int:
    """How many of ``items`` may lie beyond, so that a new one does with a probability of at most ``most``."""
    return max(0, items - math.ceil((items + 1) * (1 - most)))


def _rate_without_own_group(values: Values, groups: Groups, share: float) -> float:
    alarms = 0
    for group in np.unique(groups):
        own = groups == group
        rest = np.sort(values[~own])
        limit = rest[len(rest) - 1 - int(share * len(rest) + 1e-9)]
        alarms += int((values[own] > limit).sum())
    return alarms / len(values)


def _interval(rate: float, units: int) -> tuple[float, float]:
    count = rate * units
    low = 0.0 if count == 0 else float(beta.ppf(0.025, count, units - count + 1))
    high = 1.0 if count == units else float(beta.ppf(0.975, count + 1, units - count))
    return low, high


def with_sensitivity(card: DetectorCard, threshold: Threshold, scores: Values, what: str) -> Threshold:
    """The threshold with the share of manipulated items beyond it; ``scores`` are raw, ``what`` says of which items."""
    falling = card.output.direction is Direction.LOWER_IS_MANIPULATED
    beyond = scores < threshold.value if falling else scores > threshold.value
    return replace(threshold, sensitivity=float(beyond.mean()), sensitivity_of=what)


def untouched(root: Path, *, size: int, margin: float) -> Iterator[tuple[FaceCrop, str]]:
    """Faces of the held-out people of a folder of portraits, cut as an examination cuts them, each with its person.

    Raises:
        InputError: no folder with a ``labels.csv`` is there.
    """
    held = [portrait for portrait in list_portraits(root) if held_out(portrait)]
    for portrait, rgb, marks in faces(held):
        yield align(rgb, marks, size=size, margin=margin), portrait.person


def portrait_threshold(detector: Detector, found: Sequence[tuple[FaceCrop, str]]) -> Threshold:
    """Choose and measure the threshold of a detector on what `untouched` gave. Raises: as `chosen_threshold`."""
    scores: list[float] = []
    for start in range(0, len(found), _CHUNK):
        scores += [reading.value for reading in detector.read([crop for crop, _ in found[start : start + _CHUNK]])]
    groups = np.unique([person for _, person in found], return_inverse=True)[1].astype(np.int64)
    people = len(np.unique(groups))
    dataset = f"Untouched portraits of {people} people held out of training"
    return chosen_threshold(detector.card, np.array(scores, np.float64), groups, dataset)
