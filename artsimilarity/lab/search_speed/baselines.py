"""The ways to search that are measured: the app, and the baselines beside it."""

from __future__ import annotations

import importlib
import importlib.util
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from pgvector.django import MaxInnerProduct

from artsimilarity.conf import get_settings
from artsimilarity.lab.search_speed.explained import plan_of
from artsimilarity.lab.search_speed.scratch import BUCKETS, Scratch
from artsimilarity.library import Library
from artsimilarity.search import more_like_this
from artsimilarity.search.ordering import order_by_similarity
from artsimilarity.search.plan import plan_search
from artsimilarity.search.query_vector import stored_vector

K = 10
"""Length of a page: recall is recall@10."""

_CONNECTIONS = 16
_EF_CONSTRUCTION = 64


@dataclass(frozen=True, kw_only=True)
class Query:
    """One search.

    Attributes:
        picture: instance of the scratch picture model, loaded as a view would have it.
        vector: its weighed vector, float32, for those who bring it along.
        style: weight of the style block, 0..1.
        limit: only rows with ``bucket`` below it are wanted; ``BUCKETS`` means no filter.
    """

    picture: Any
    vector: NDArray[np.float32]
    style: float
    limit: int


class Baseline(Protocol):
    """A way to search: the app's own, or what it is compared with."""

    name: str
    description: str
    filters: bool
    """Whether it can search within a filter at all."""

    def ask(self, query: Query) -> list[int]:
        """Return the primary keys of the nearest pictures, nearest first."""
        ...


class App:
    """This app, as a page of the host calls it."""

    name = "app"
    description = "more_like_this(), which chooses between the index and an exact comparison"
    filters = True

    def __init__(self, scratch: Scratch, using: str) -> None:
        self._rows = scratch.pictures.objects.using(using)

    def ask(self, query: Query) -> list[int]:
        """One call of ``more_like_this()``."""
        found = more_like_this(
            query.picture,
            limit=K,
            style=query.style,
            queryset=_filtered(self._rows, query),
        )
        return [picture.pk for picture in found]

    def plan(self, query: Query) -> str:
        """How it is answered: "exact", or how Postgres reads the table on the way by the index."""
        if plan_search(_filtered(self._rows, query), query.style).exact:
            return "exact"
        return plan_of(self.ordered(query)[:K].explain(format="json"))

    def ordered(self, query: Query, *, exact: bool = False) -> Any:
        """The queryset of its first query, or of its second, exact one; not sliced."""
        return _ordered(self._rows, query, exact=exact)


class Exact:
    """A scan that compares with every row that the filter keeps."""

    name = "exact"
    description = "exact scan in Postgres"
    filters = True

    def __init__(self, scratch: Scratch, using: str) -> None:
        self._rows = scratch.pictures.objects.using(using)

    def ask(self, query: Query) -> list[int]:
        """The app's own exact query."""
        found = _ordered(self._rows, query, exact=True)
        return list(found.values_list("pk", flat=True)[:K])


class Plain:
    """``VectorField`` with the query of pgvector's README, at pgvector's defaults."""

    name = "plain"
    description = "VectorField, pgvector's README query, hnsw.ef_search 40, no iterative scan"
    filters = True

    def __init__(self, scratch: Scratch, using: str) -> None:
        self._rows = scratch.plain.objects.using(using)

    def ask(self, query: Query) -> list[int]:
        """Order by the distance to a vector that the client brings along."""
        rows = _filtered(self._rows, query).exclude(pk=query.picture.pk)
        return [row.pk for row in rows.order_by(MaxInnerProduct("embedding", query.vector))[:K]]


class Faiss:
    """faiss' HNSW graph in this process' memory; no filters, no transactions, no disk."""

    name = "faiss"
    filters = False

    def __init__(self, library: NDArray[np.float16], advance: Callable[[int], object]) -> None:
        self._faiss: Any = importlib.import_module("faiss")
        ef_search = get_settings().EF_SEARCH
        self.description = f"faiss IndexHNSWFlat in memory, float32, efSearch {ef_search}"
        started = time.monotonic()
        metric = self._faiss.METRIC_INNER_PRODUCT
        self._index = self._faiss.IndexHNSWFlat(library.shape[1], _CONNECTIONS, metric)
        self._index.hnsw.efConstruction = _EF_CONSTRUCTION
        self._index.hnsw.efSearch = ef_search
        for start in range(0, len(library), 10_000):
            chunk = library[start : start + 10_000].astype(np.float32)
            self._index.add(chunk)
            advance(len(chunk))
        self.build_seconds = time.monotonic() - started

    def ask(self, query: Query) -> list[int]:
        """One search on one thread, without the picture itself."""
        self._faiss.omp_set_num_threads(1)  # a setting of the calling thread
        _scores, rows = self._index.search(query.vector[None], K + 1)
        pks = [int(row) + 1 for row in rows[0] if row >= 0]
        return [pk for pk in pks if pk != query.picture.pk][:K]


def has_faiss() -> bool:
    """Whether faiss can be imported."""
    return importlib.util.find_spec("faiss") is not None


def _filtered(rows: Any, query: Query) -> Any:
    return rows.all() if query.limit >= BUCKETS else rows.filter(bucket__lt=query.limit)


def _ordered(rows: Any, query: Query, *, exact: bool) -> Any:
    """The app's own order of the rows that the filter keeps; not sliced."""
    rows = _filtered(rows, query)
    vector = stored_vector(Library.searched(rows), query.picture)
    return order_by_similarity(rows, vector, style=query.style, exact=exact)
