"""How well rankings of neighbours agree with labels. Numpy and scipy.

A ranking is given as ``hits``: for each query, whether its first, second, ... neighbour carries its
label. A query's relevant pictures are all others with its label that the ranking may hold.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import stats

_RESAMPLES: Final = 2000
# Values of a bootstrap that are in memory at a time, 80 MB.
_DRAWN_AT_ONCE: Final = 10_000_000

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


def bootstrap_interval(values: PerQuery, *, seed: int, level: float = 0.95) -> tuple[float, float]:
    """Percentile interval of a mean over queries that are drawn again with replacement.

    Args:
        values: One value for each query, shape (queries,), at least two.
        seed: Of the draws.
        level: Share of the resampled means inside the interval.

    Returns:
        Lower and upper end.
    """
    found = stats.bootstrap(
        (values,),
        np.mean,
        n_resamples=_RESAMPLES,
        confidence_level=level,
        method="percentile",
        batch=max(1, _DRAWN_AT_ONCE // len(values)),
        rng=np.random.default_rng(seed),
    )
    return float(found.confidence_interval.low), float(found.confidence_interval.high)
