"""Nearest pictures of every picture in a labelled library, and how good they are. Numpy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from artsimilarity.lab.evaluation.precision_at_k import (
    PerQuery,
    average_precision_at,
    clustered_interval,
    k_occurrence,
    precision_at,
    recall_at,
    skewness,
)

NEIGHBOURS: Final = 100
HUBNESS_NEIGHBOURS: Final = 10
NOBODY: Final = -1

_CHUNK: Final = 256

# From the places of some queries to their similarity to every picture, the greatest nearest.
Similarity = Callable[[slice], NDArray[np.floating]]


@dataclass(frozen=True, kw_only=True)
class Labels:
    """What is known of the pictures, by their places in the library.

    Attributes:
        labels: What a neighbour should share with its query, shape (n,), text; empty where unknown.
        groups: Pictures of the same group are no neighbours of each other (the artist, where the
            label is a style), shape (n,), text; None for no groups.
    """

    labels: NDArray[np.str_]
    groups: NDArray[np.str_] | None = None


@dataclass(frozen=True, kw_only=True)
class Score:
    """A mean over queries, 0 to 1, and its 95 % interval, clustered by group or by label."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Quality:
    """How good a ranking is.

    Attributes:
        neighbours: Nearest pictures of every picture, shape (n, at most 100); NOBODY where there
            are no more.
        queries: Places of the pictures that were scored.
        scores: By name: P@1, P@4, mAP@10, mAP@100, R@10, R@100.
        hubness: Skewness of the 10-occurrence over all pictures, groups not heeded.
    """

    neighbours: NDArray[np.intp]
    queries: NDArray[np.intp]
    scores: dict[str, Score]
    hubness: float


def weighted(
    style: NDArray[np.float32],
    colour: NDArray[np.float32],
    share: float,
    *,
    queries: tuple[NDArray[np.float32], NDArray[np.float32]] | None = None,
) -> Similarity:
    """Inner product of the blocks, style times share and colour times 1 - share: what is served.

    Args:
        style: Blocks of length 1, shape (n, style_dimensions).
        colour: Blocks of length 1, shape (n, colour_dimensions).
        share: Of style, 0 to 1.
        queries: Style and colour blocks that ask in the place of the same pictures' own.
    """
    asking_style, asking_colour = queries or (style, colour)

    def of(part: slice) -> NDArray[np.floating]:
        both: NDArray[np.float32] = share * (asking_style[part] @ style.T)
        both += (1 - share) * (asking_colour[part] @ colour.T)
        return both

    return of


def euclidean(vectors: NDArray[np.floating]) -> Similarity:
    """Minus the squared Euclidean distance, for vectors of any length.

    Args:
        vectors: Shape (n, dimensions).
    """
    exact = vectors.astype(np.float64)  # squares of large, close values lose all digits in float32
    lengths = (exact**2).sum(axis=1)

    def of(part: slice) -> NDArray[np.floating]:
        distances: NDArray[np.float64] = lengths[part, None] + lengths - 2 * (exact[part] @ exact.T)
        return -distances

    return of


def k_nearest_neighbours(
    similarity: Similarity, count: int, k: int, groups: NDArray[np.str_] | None = None
) -> NDArray[np.intp]:
    """The k nearest of every picture, itself left out; ties in the order of the library.

    Args:
        similarity: Of chunks of queries to the library.
        count: Size of the library.
        k: Neighbours wanted.
        groups: Pictures of the same group are left out, shape (count,); None leaves out none.

    Returns:
        Places, shape (count, min(k, count - 1)); NOBODY where too few are left.
    """
    ranked = np.empty((count, min(k, count - 1)), dtype=np.intp)
    for start in range(0, count, _CHUNK):
        part = slice(start, min(start + _CHUNK, count))
        found = similarity(part).astype(np.float64)
        rows = np.arange(len(found))
        found[rows, rows + start] = -np.inf
        if groups is not None:
            found[groups[part, None] == groups] = -np.inf
        order = np.argsort(-found, axis=1, kind="stable")[:, : ranked.shape[1]]
        order[np.isneginf(np.take_along_axis(found, order, axis=1))] = NOBODY
        ranked[part] = order
    return ranked


def assess(
    similarity: Similarity, labels: Labels, *, min_pictures: int = 5, seed: int = 0
) -> Quality:
    """Ranks every picture's neighbours and scores them by label.

    Queries are the pictures whose label at least ``min_pictures`` pictures carry and that have at
    least one picture to find.

    Args:
        similarity: Of chunks of queries to the library.
        labels: Of the library.
        min_pictures: Pictures of a label that make its pictures queries.
        seed: Of the bootstrap.

    Returns:
        Neighbours and scores.

    Raises:
        ValueError: No picture can be a query.
    """
    count = len(labels.labels)
    neighbours = k_nearest_neighbours(similarity, count, NEIGHBOURS, labels.groups)
    relevant = _relevant(labels)
    queries = _queries(labels, relevant, min_pictures)
    ungrouped = neighbours
    if labels.groups is not None:
        ungrouped = k_nearest_neighbours(similarity, count, HUBNESS_NEIGHBOURS)
    return Quality(
        neighbours=neighbours,
        queries=queries,
        scores=_scores(labels, neighbours, queries, relevant[queries], seed),
        hubness=skewness(k_occurrence(ungrouped[:, :HUBNESS_NEIGHBOURS], count)),
    )


def _queries(labels: Labels, relevant: NDArray[np.intp], min_pictures: int) -> NDArray[np.intp]:
    names, places, sizes = np.unique(labels.labels, return_inverse=True, return_counts=True)
    is_query = (sizes[places] >= min_pictures) & (relevant > 0) & (names[places] != "")
    if not is_query.any():
        raise ValueError(
            f"No label has {min_pictures} pictures with one to find among them: choose another "
            f"label, or a smaller number of pictures."
        )
    return np.flatnonzero(is_query)


def _scores(
    labels: Labels,
    neighbours: NDArray[np.intp],
    queries: NDArray[np.intp],
    relevant: NDArray[np.intp],
    seed: int,
) -> dict[str, Score]:
    """Scores by name; ``relevant`` is of the queries."""
    nearby = neighbours[queries]
    hits = (labels.labels[nearby] == labels.labels[queries, None]) & (nearby != NOBODY)
    per_query: dict[str, PerQuery] = {
        "P@1": precision_at(hits, 1),
        "P@4": precision_at(hits, 4),
        "mAP@10": average_precision_at(hits, relevant, 10),
        "mAP@100": average_precision_at(hits, relevant, 100),
        "R@10": recall_at(hits, relevant, 10),
        "R@100": recall_at(hits, relevant, 100),
    }
    clusters = (labels.labels if labels.groups is None else labels.groups)[queries]
    return {name: _score(values, clusters, seed) for name, values in per_query.items()}


def _relevant(labels: Labels) -> NDArray[np.intp]:
    """Pictures with each picture's label, without itself and without those of its group."""
    count = len(labels.labels)
    groups = np.arange(count).astype(np.str_) if labels.groups is None else labels.groups
    _, label, same_label = np.unique(labels.labels, return_inverse=True, return_counts=True)
    pairs = np.stack([label, np.unique(groups, return_inverse=True)[1]], axis=1)
    _, pair, same_pair = np.unique(pairs, axis=0, return_inverse=True, return_counts=True)
    relevant: NDArray[np.intp] = same_label[label] - same_pair[pair.ravel()]
    return relevant


def _score(values: PerQuery, clusters: NDArray[np.str_], seed: int) -> Score:
    low, high = clustered_interval(values, clusters, seed=seed)
    return Score(mean=float(values.mean()), low=low, high=high)
