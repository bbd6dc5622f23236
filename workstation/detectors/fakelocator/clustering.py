"""Single-sample clustering: which faces of a pool lie with a face that somebody knows about (arXiv 2001.09598).

Encoder features of the pool -> t-SNE to a plane -> k-means with two clusters -> the cluster of the one named face gets
its name; repeated with other seeds, votes averaged. It is transductive: it says how one pool falls apart and nothing
about a face outside the pool, and it presumes that the pool holds faces of two kinds from one unknown source.

The paper draws another labelled sample in each of its ten runs; here the named face stays and the seeds change. That
features are standardised and the size of t-SNE's neighbourhood are our choice. k-means always finds two clusters, also
where there is one kind alone, and t-SNE pulls any pool apart; so the silhouette is taken in the space of the features.
Even clear clusters that agree over all runs may be of light, skin or camera and not of manipulation: nothing in the
numbers tells these apart.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt

from workstation.domain.errors import DetectorError, InputError

LEAST = 20
RUNS = 10
_PERPLEXITY = 30.0
_STARTS = 10
TRANSDUCTIVE = "It needs a pool from one unknown source; it cannot be used on one exhibit's single face."

Features = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class ClusterRun:
    """One run: faces in the cluster of the named face and outside it, and the silhouette (-1..1) of the two clusters in
    the space of the features."""

    seed: int
    with_named: int
    others: int
    silhouette: float


@dataclass(frozen=True, slots=True)
class Clustering:
    """How a pool fell apart. Exploratory and uncalibrated.

    Attributes:
        shares: of each face, in order, the share of runs (0..1) in which it lay in the cluster of the named one; the
            named one has 1.
        named: position of the named face in the pool.
        agreement: mean adjusted Rand index over pairs of runs; 1 when all runs agree, about 0 by chance; 1 for one run.
        perplexity: of t-SNE.
    """

    shares: tuple[float, ...]
    named: int
    runs: tuple[ClusterRun, ...]
    agreement: float
    perplexity: float

    @property
    def silhouette(self) -> float:
        """Mean over runs. Near 0 the pool does not fall into two parts; above it, they may be of anything."""
        return float(np.mean([run.silhouette for run in self.runs]))


def cluster(
    features: Features,
    named: int,
    *,
    runs: int = RUNS,
    seed: int = 0,
    on_run: Callable[[int], None] = lambda _: None,
) -> Clustering:
    """Cluster a pool around a named face. The same features and seed give the same answer.

    Args:
        features: (n, d), one row for each face, n at least `LEAST`.
        named: row of the face whose label is known.
        runs: repetitions, with the seeds ``seed``, ``seed`` + 1, ...
        on_run: told the number of runs done, before the first and after each; what it raises ends the work.

    Raises:
        InputError: too few faces, features that do not differ, or no such row.
        DetectorError: a feature is not a number.
    """
    count = len(features)
    if count < LEAST:
        raise InputError(f"Clustering needs at least {LEAST} faces, and there are {count}.", TRANSDUCTIVE)
    if not 0 <= named < count or runs < 1:
        raise InputError(f"There is no face {named} in a pool of {count}, or no run was asked for.")
    if not np.isfinite(features).all():
        raise DetectorError("A feature of the pool is not a number.", "Verify the detector.")
    standard = _standardised(features)
    if not standard.any():
        raise InputError("The encoder makes the same of every face; there is nothing to cluster.", TRANSDUCTIVE)
    perplexity = min(_PERPLEXITY, (count - 1) / 3)
    labels, told = [], []
    on_run(0)
    for number in range(runs):
        found, line = _run(standard, named, seed + number, perplexity)
        labels.append(found)
        told.append(line)
        on_run(number + 1)
    shares = np.mean([found == found[named] for found in labels], axis=0)
    return Clustering(tuple(float(v) for v in shares), named, tuple(told), _agreement(labels), perplexity)


def _standardised(features: Features) -> npt.NDArray[np.float64]:
    """Each feature with mean 0 and spread 1; one that does not vary is 0."""
    values = features.astype(np.float64)
    spread = values.std(axis=0)
    varies = spread > 1e-9 * max(1.0, float(np.abs(values).max()))
    return np.asarray(np.where(varies, (values - values.mean(axis=0)) / np.where(varies, spread, 1.0), 0.0))


def _run(
    standard: npt.NDArray[np.float64], named: int, seed: int, perplexity: float
) -> tuple[npt.NDArray[np.int64], ClusterRun]:
    from sklearn.cluster import KMeans
    from sklearn.manifold import TSNE
    from sklearn.metrics import silhouette_score
    from threadpoolctl import threadpool_limits

    # Sums over threads come in any order; one thread gives the same plane every time.
    with threadpool_limits(1):
        # A start at random: from principal components every seed would give the same plane.
        plane = TSNE(2, perplexity=perplexity, init="random", random_state=seed, n_jobs=1).fit_transform(standard)
        found = np.asarray(KMeans(2, n_init=_STARTS, random_state=seed).fit_predict(plane), np.int64)
        silhouette = float(silhouette_score(standard, found))
    inside = int((found == found[named]).sum())
    return found, ClusterRun(seed, inside, len(found) - inside, silhouette)


def _agreement(labels: Sequence[npt.NDArray[np.int64]]) -> float:
    from sklearn.metrics import adjusted_rand_score

    pairs = [float(adjusted_rand_score(one, two)) for one, two in combinations(labels, 2)]
    return float(np.mean(pairs)) if pairs else 1.0
