"""Inner against outer identity: the distances and weights of the Identity Consistency Transformer.

Formulas of ICT and ICT-Ref (Dong et al., "Protecting Celebrities from DeepFake with Identity Consistency Transformer",
CVPR 2022, arXiv 2203.01318), with one nearest neighbour (k = 1). All distances are squared Euclidean ones between
embeddings of length 1, so they lie in 0..4. A higher score speaks for a swapped inner face.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]
Vectors = npt.NDArray[np.floating]

_TOP = 0.75
_MIDDLE = 0.5
_SLOPE = 0.5


@dataclass(frozen=True, slots=True)
class IctReading:
    """One number for each face, each (n,) float64: distances ``d1``..``d3``, weights ``w1``..``w3`` and the ``score``,
    ``w1 d1 + w2 d2 + w3 d3``."""

    d1: Numbers
    d2: Numbers
    d3: Numbers
    w1: Numbers
    w2: Numbers
    w3: Numbers
    score: Numbers


def squared(one: Vectors, other: Vectors) -> Numbers:
    """Squared Euclidean distance row by row: (n, width) twice to (n,)."""
    return np.asarray(np.sum((one.astype(np.float64) - other.astype(np.float64)) ** 2, axis=-1), np.float64)


def distances(one: Vectors, other: Vectors) -> Numbers:
    """Squared Euclidean distance of every row to every row: (n, width) and (m, width) to (n, m)."""
    return squared(one[:, None], other[None])


def weight(distance: Numbers) -> Numbers:
    """How much a neighbour in the bank counts: 0.75 / (1 + exp((distance - 0.5) / 0.5))."""
    # Beyond this the exponential is infinite and the weight 0 all the same.
    power = np.minimum((distance - _MIDDLE) / _SLOPE, 700.0)
    return np.asarray(_TOP / (1.0 + np.exp(power)), np.float64)


def combine(d1: Numbers, d2: Numbers, d3: Numbers, inner_distance: Numbers, outer_distance: Numbers) -> IctReading:
    """Weigh the three distances.

    Args:
        inner_distance: from the inner embedding to its nearest inner one in the bank.
        outer_distance: from the outer embedding to its nearest outer one in the bank.
    """
    w2, w3 = weight(inner_distance), weight(outer_distance)
    w1 = 2.0 - w2 - w3
    return IctReading(d1, d2, d3, w1, w2, w3, w1 * d1 + w2 * d2 + w3 * d3)


def ict(inner: Vectors, outer: Vectors) -> Numbers:
    """ICT without references: d1 = |inner - outer|^2 for each face, (n,) float64."""
    return squared(inner, outer)


def ict_ref(inner: Vectors, outer: Vectors, bank_inner: Vectors, bank_outer: Vectors) -> IctReading:
    """ICT-Ref: faces against a bank of reference faces.

    The bank's face with the nearest inner embedding is n_i, that with the nearest outer one n_o. Then
    d2 = |outer - outer(n_i)|^2 and d3 = |inner - inner(n_o)|^2: has the face whose inside is alike another outside?

    Args:
        inner, outer: (n, width), rows of length 1.
        bank_inner, bank_outer: (m, width) of the same faces in the same order, m >= 1.

    Raises:
        ValueError: the shapes do not fit, or the bank is empty.
    """
    if inner.shape != outer.shape or bank_inner.shape != bank_outer.shape or len(bank_inner) == 0:
        raise ValueError(f"faces {inner.shape}, {outer.shape} and bank {bank_inner.shape}, {bank_outer.shape}")
    to_inner, to_outer = distances(inner, bank_inner), distances(outer, bank_outer)
    near_inner, near_outer = to_inner.argmin(axis=1), to_outer.argmin(axis=1)
    return combine(
        ict(inner, outer),
        squared(outer, bank_outer[near_inner]),
        squared(inner, bank_inner[near_outer]),
        to_inner.min(axis=1),
        to_outer.min(axis=1),
    )
