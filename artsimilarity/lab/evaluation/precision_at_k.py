"""How well rankings of neighbours agree with labels. Numpy and scipy.

A ranking is given as ``hits``: for each query, whether its first, second, ... neighbour carries its
label. A query's relevant pictures are all others with its label that the ranking may hold.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import stats

_RESAMPLES: Final = 2000

Hits = NDArray[np.bool_]
PerQuery = NDArray[np.float64]


def precision_at(hits: Hits, k: int) -> PerQuery:
    """Share of the k nearest that carry the query's label.

    Args:
        hits: Shape (queries, neighbours), neighbours >= k.
        k: Neighbours that are looked at.

    Returns:
        Shape (queries,), 0 to 1.
    """
    shares: PerQuery = hits[:, :k].sum(axis=1) / k
    return shares


def recall_at(hits: Hits, relevant: NDArray[np.intp], k: int) -> PerQuery:
    """Share of the relevant pictures that are among the k nearest.

    Args:
        hits: Shape (queries, neighbours).
        relevant: Relevant pictures of each query, shape (queries,), at least 1.
        k: Neighbours that are looked at; fewer where the library has fewer.

    Returns:
        Shape (queries,), 0 to 1.
    """
    shares: PerQuery = hits[:, :k].sum(axis=1) / relevant
    return shares


def average_precision_at(hits: Hits, relevant: NDArray[np.intp], k: int) -> PerQuery:
    """Mean of the precisions at each hit among the k nearest.

    The sum is divided by the most hits there can be, min(k, relevant), so that only a ranking with
    all of them in front gets 1.

    Args:
        hits: Shape (queries, neighbours).
        relevant: Relevant pictures of each query, shape (queries,), at least 1.
        k: Neighbours that are looked at; fewer where the library has fewer.

    Returns:
        Shape (queries,), 0 to 1.
    """
    looked_at = hits[:, :k]
    precisions = looked_at.cumsum(axis=1) / np.arange(1, looked_at.shape[1] + 1)
    means: PerQuery = (precisions * looked_at).sum(axis=1) / np.minimum(relevant, k)
    return means


def k_occurrence(neighbours: NDArray[np.intp], pictures: int) -> NDArray[np.intp]:
    """Times each picture is among the neighbours of another.

    Args:
        neighbours: Indices of each picture's k nearest, shape (pictures, k).
        pictures: Size of the library.

    Returns:
        Shape (pictures,); the mean is k.
    """
    return np.bincount(neighbours.ravel(), minlength=pictures)


def skewness(values: NDArray[np.intp]) -> float:
    """Third standardised moment: of k-occurrence it is hubness.

    Near 0 all pictures are shown about equally often; far above 0 a few are everybody's neighbours
    (M. Radovanović et al., "Hubs in Space", 2010).

    Args:
        values: Shape (n,).

    Returns:
        Skewness; 0 where all values are equal.
    """
    # Of equal values scipy says "not a number", and warns.
    return float(stats.skew(values)) if np.ptp(values) else 0.0


def clustered_interval(
    values: PerQuery, clusters: NDArray[Any], *, seed: int, level: float = 0.95
) -> tuple[float, float]:
    """Percentile interval of a mean over queries, whose clusters are drawn again with replacement.

    Queries by one artist are not independent: drawn one by one they would give intervals that hold
    for other pictures of the same artists only (A. C. Davison and D. V. Hinkley, "Bootstrap
    Methods and their Application", 1997, section 3.8).

    Args:
        values: One value for each query, shape (queries,).
        clusters: What queries are drawn together by, shape (queries,).
        seed: Of the draws.
        level: Share of the resampled means inside the interval.

    Returns:
        Lower and upper end.
    """
    _, places = np.unique(clusters, return_inverse=True)
    sums, counts = np.bincount(places, weights=values), np.bincount(places)
    rng = np.random.default_rng(seed)
    means = np.empty(_RESAMPLES)
    for resample in range(_RESAMPLES):
        drawn = rng.integers(len(sums), size=len(sums))
        means[resample] = sums[drawn].sum() / counts[drawn].sum()
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
