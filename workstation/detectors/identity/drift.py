"""Does the likeness follow the pose? Rank correlation of a track's likeness with yaw, turn, pitch and expression.

A swap drags the driver's shape along as the head moves, so its likeness should follow pose and expression more than
that of an unaltered face. Every recogniser drifts with pose; the measure is exploratory and comparable only with a
control video of the same person.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata  # type: ignore[import-untyped]

from workstation.detectors.identity.measures import Basis
from workstation.detectors.identity.pose import Poses
from workstation.domain.detectors import Measure

Numbers = npt.NDArray[np.float64]

_LEAST_FRAMES = 5
_TWO_SIDED_95 = 1.959963984540054


def spearman(one: Numbers, other: Numbers) -> tuple[float, float, float] | None:
    """Spearman's rank correlation with a 95 % interval; None where one of them does not change or n is below 5.

    The interval is Fisher's with the standard error of Bonett and Wright (Psychometrika 65, 2000). Neighbouring frames
    are alike, so n is first brought down to n (1 - ab) / (1 + ab), a and b being the correlations of each row of ranks
    with itself one frame later (Bartlett, 1935); hence the order of the frames matters to the interval alone.
    """
    n = len(one)
    first, second = rankdata(one), rankdata(other)
    if n < _LEAST_FRAMES or np.ptp(one) < 1e-9 or np.ptp(other) < 1e-9:
        return None
    r = float(np.clip(np.corrcoef(first, second)[0, 1], -1.0, 1.0))
    both = _later(first) * _later(second)
    effective = min(float(n), n * (1 - both) / (1 + both)) if both > -1 else float(n)
    if effective <= 3.5:
        return r, -1.0, 1.0
    z = math.atanh(min(max(r, -0.999999), 0.999999))
    reach = _TWO_SIDED_95 * math.sqrt((1 + r * r / 2) / (effective - 3))
    return r, min(r, math.tanh(z - reach)), max(r, math.tanh(z + reach))


def drift(likeness: Numbers, poses: Poses, of_what: str, basis: Basis, references: str) -> list[Measure]:
    """DRIFT: correlation of the likeness of each frame with its pose and expression.

    Args:
        likeness: (n,) of the frames in order of time, against the references or the track's own median.
        of_what: what that likeness is, for people.
        references: how many reference images, for people.
    """
    found: list[Measure] = []
    for key, words, values in (
        ("yaw", "yaw", poses.yaw),
        ("turn", "turn to either side", np.abs(poses.yaw)),
        ("pitch", "pitch", poses.pitch),
        ("expression", "expression energy", poses.expression),
    ):
        name, label = f"drift_{key}", f"rank correlation of {of_what} with {words}"
        answer = spearman(likeness, values)
        if answer is None:
            reason = "too few frames" if len(likeness) < _LEAST_FRAMES else f"likeness or {words} does not change"
            found.append(Measure(name, label, None, about=basis.about(reason, references=references), exploratory=True))
            continue
        said = f"95 % interval; {words} is a proxy from five landmarks"
        about = basis.about(said, references=references)
        found.append(Measure(name, label, *answer, about=about, exploratory=True))
    return found


def _later(values: Numbers) -> float:
    """Correlation of a row with itself one place later, 0 where it has none."""
    if len(values) < 3 or np.ptp(values[:-1]) == 0 or np.ptp(values[1:]) == 0:
        return 0.0
    return float(np.corrcoef(values[:-1], values[1:])[0, 1])
