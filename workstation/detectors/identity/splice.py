"""Two people in one track? A split of its faces in two, and how much more alike they are inside the groups than across.

Any set of faces can be split; what tells a splice is that the similarities have two separate heights. Pose splits faces
too, so each group's median yaw is told. The marks from which the heights are said to stand apart are our choice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from workstation.detectors.identity.encoder import Embeddings
from workstation.detectors.identity.measures import Basis, cosines, counted
from workstation.detectors.identity.pose import Poses
from workstation.domain.detectors import Measure

SEPARATE = 2.0
# One talking head that turns reached a gap of 0.12 (D 3); two people, or a swap after the genuine face, 0.5 to 1.
WIDE = 0.25
_ROUNDS = 50


@dataclass(frozen=True, slots=True)
class Split:
    """``second`` (n,) bool: the faces of the second, smaller group. ``within`` and ``between``: mean similarity of
    pairs inside the groups and across. ``separation``: Ashman's D of the two heights; above 2 they stand apart."""

    second: npt.NDArray[np.bool_]
    within: float
    between: float
    separation: float

    @property
    def gap(self) -> float:
        return self.within - self.between

    @property
    def apart(self) -> bool:
        """Whether separation and gap are both above their marks."""
        return self.separation > SEPARATE and self.gap > WIDE


def split(embeddings: Embeddings) -> Split | None:
    """Split faces in two by 2-means, started on either side of their first principal direction.

    Separation is sqrt(2) |m1 - m2| / sqrt(v1 + v2) of the similarities inside and across (Ashman, Bird and Zepf,
    Astronomical Journal 108, 1994). None when the faces are all alike or a group would have fewer than two.
    """
    values = embeddings.astype(np.float64)
    centred = values - values.mean(axis=0)
    if len(values) < 4 or float(np.abs(centred).max()) < 1e-6:
        return None
    direction = np.linalg.svd(centred, full_matrices=False)[2][0]
    second = centred @ direction > 0
    for _ in range(_ROUNDS):
        if second.all() or not second.any():
            return None
        far = [np.sum((values - values[side].mean(axis=0)) ** 2, axis=1) for side in (~second, second)]
        again = far[1] < far[0]
        if np.array_equal(again, second):
            break
        second = again
    count = int(second.sum())
    if not 2 <= count <= len(values) - 2:
        return None
    if 2 * count > len(values) or (2 * count == len(values) and second[0]):
        second = ~second
    one, other = np.triu_indices(len(values), 1)
    alike = cosines(embeddings, embeddings)[one, other]
    same = second[one] == second[other]
    inside, across = alike[same], alike[~same]
    spread = float(np.sqrt(inside.var() + across.var()))
    gap = float(inside.mean() - across.mean())
    separation = float(np.sqrt(2) * abs(gap) / max(spread, 1e-9))
    return Split(np.asarray(second, np.bool_), float(inside.mean()), float(across.mean()), separation)


def two_people(embeddings: Embeddings, poses: Poses, seconds: Sequence[float], basis: Basis) -> list[Measure]:
    """TWO PEOPLE: the gap between similarities inside and across two groups of faces, and how clean it is.

    Args:
        seconds: presentation time of each face.
    """
    labels = (
        ("two_groups_gap", "two groups of faces: likeness inside less likeness across"),
        ("two_groups_separation", "two groups of faces: how far apart the two heights are (Ashman's D)"),
    )
    found = split(embeddings)
    if found is None:
        reason = basis.about("the faces do not fall into two groups of at least two")
        return [Measure(name, label, None, about=reason, exploratory=True) for name, label in labels]
    times = np.asarray(seconds, np.float64)
    groups = [_group(side, times, poses) for side in (~found.second, found.second)]
    verdict = "two separate heights" if found.apart else "no two separate heights"
    verdict += f" (marks: gap above {WIDE:g} and D above {SEPARATE:g}, not calibrated)"
    said = f"inside {found.within:.2f}, across {found.between:.2f}; {verdict}; {'; '.join(groups)}"
    about = basis.about(said)
    return [
        Measure(*labels[0], found.gap, about=about, exploratory=True),
        Measure(*labels[1], found.separation, about=basis.about(verdict), exploratory=True),
    ]


def _group(chosen: npt.NDArray[np.bool_], seconds: npt.NDArray[np.float64], poses: Poses) -> str:
    first, last = float(seconds[chosen].min()), float(seconds[chosen].max())
    turn = float(np.median(poses.yaw[chosen]))
    return f"{counted(int(chosen.sum()), 'face')} from {first:.2f} s to {last:.2f} s, median yaw {turn:.0f} degrees"
