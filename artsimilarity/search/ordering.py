"""The nearest-neighbour query itself: any queryset of pictures, ordered by similarity."""

from __future__ import annotations

from typing import Any, Final, TypeVar

from django.db import models
from django.db.models import F

from artsimilarity.conf import get_settings
from artsimilarity.library import Library
from artsimilarity.schema.indexes import Graph
from artsimilarity.schema.sql import (
    Found,
    Gate,
    InnerProduct,
    InnerProductDistance,
    NoneOf,
    Sql,
    Subvector,
    UnindexedDistance,
)
from artsimilarity.search.candidates import candidates_in_force
from artsimilarity.search.graphs import graph_for
from artsimilarity.search.query_vector import QueryVector

_M = TypeVar("_M", bound=models.Model)

ORDER_OF_INDEX: Final = "_index_distance"
"""Alias of what a search by the index is ordered by: nearly, but not quite, ``_distance``."""

SPARE: Final = 4
"""Rows beyond a page that put right what the index orders wrongly: it rounds once more."""

_TEXT: models.TextField[str, str] = models.TextField()


def order_by_similarity(
    pictures: models.QuerySet[_M],
    query: QueryVector,
    *,
    style: float | None = None,
    candidates: int | Sql | None = None,
    graph: Graph | None = None,
    exact: bool = False,
) -> models.QuerySet[_M]:
    """Return a queryset's pictures, nearest to a query vector first, as one lazy query.

    Only vectors of the query's own recipe are compared with it, and its examples are left out. A
    picture without an embedding has no neighbours.

    Args:
        pictures: any queryset of a model with an embedding, not sliced; filters and joins compose.
            An ``order_by`` is replaced.
        query: what to compare with.
        style: weight of the style block, 0..1; the colour block gets the rest. None takes
            ``ARTSIMILARITY["STYLE"]``.
        candidates: ``hnsw.ef_search``, as a number or as SQL for its text; None takes what is
            enough by the settings and by what was measured
            (:func:`~artsimilarity.search.candidates.candidates_in_force`).
        graph: which index is asked; None is the best that there is for the balance
            (:func:`~artsimilarity.search.graphs.graph_for`).
        exact: compare with every row instead of asking the index.

    Returns:
        The queryset annotated with ``similarity_style`` and ``similarity_colour`` (cosine of the
        style blocks and Hellinger affinity of the colour blocks, at most 1), ``similarity``, their
        weighted mean, by which it is ordered, and ``similarity_recipe``, the fingerprint of the
        recipe under which they hold.

    Raises:
        ValueError: ``style`` lies outside 0..1.
    """
    style = check_style(style)
    library = Library.searched(pictures)
    if exact:
        return _with_scores(nearest_of_all(pictures, query, style=style), query, style)
    if graph is None:
        graph = graph_for(library, query.recipe, style)
    if candidates is None:
        candidates = candidates_in_force(library, query.recipe, style, graph=graph)
    # No second key for equals: it disables the index.
    near = InnerProductDistance(
        query.indexed(library, graph), query.weighted_for_index(style, graph)
    )
    comparable: Any = _comparable(pictures, query, style, _gate(query, candidates))
    ordered = comparable.alias(**{ORDER_OF_INDEX: near}).order_by(ORDER_OF_INDEX)
    return _with_scores(ordered, query, style)


def nearest_of_all(
    pictures: models.QuerySet[_M], query: QueryVector, *, style: float
) -> models.QuerySet[_M]:
    """Return the same by a comparison with every row, without the scores.

    Postgres would work them out for every row that it sorts; and Django's work is spared.

    Args:
        pictures: as for :func:`order_by_similarity`, and so is ``query``.
        style: as :func:`check_style` gives it.
    """
    found = [Found(query.source)] if query.source else []
    return _comparable(pictures, query, style, *found).order_by("_distance", "pk")


def scored(
    pictures: models.QuerySet[_M], query: QueryVector, *, style: float
) -> models.QuerySet[_M]:
    """Return pictures that are known to be comparable, nearest first, with their scores.

    Args:
        pictures: those of :func:`nearest_of_all`, by their keys and read within the same statement,
            so that what was asked of them need not be asked again.
        query: as there, and so is ``style``.
    """
    distance = UnindexedDistance(query.column(Library.searched(pictures)), query.weighted(style))
    named: Any = pictures.alias(_distance=distance)
    return _with_scores(named.order_by("_distance", "pk"), query, style)


def _with_scores(
    pictures: models.QuerySet[_M], query: QueryVector, style: float
) -> models.QuerySet[_M]:
    column = query.column(Library.searched(pictures))
    size, colour_size = query.block_sizes
    annotated: Any = pictures.annotate(
        similarity=InnerProduct(column, query.weighted(style)),
        similarity_style=_block_product(query, column, 1, size),
        similarity_colour=_block_product(query, column, size + 1, colour_size),
        similarity_recipe=Sql("%s", [query.recipe], _TEXT),
    )
    found: models.QuerySet[_M] = annotated
    return found


def _comparable(
    pictures: models.QuerySet[_M], query: QueryVector, style: float, *conditions: Sql
) -> models.QuerySet[_M]:
    """Those that can be compared, with their distance, if conditions hold that are of no row."""
    library = Library.searched(pictures)
    distance = UnindexedDistance(query.column(library), query.weighted(style))
    comparable: Any = pictures.filter(
        *conditions,
        query.condition(library),
        NoneOf(F("pk"), Sql("%s", [query.excluded_keys(pictures.model, pictures.db)])),
    )
    named: models.QuerySet[_M] = comparable.alias(_distance=distance)
    return named


def check_style(style: float | None) -> float:
    """Return the balance to search with, to four digits: nobody sees less.

    Raises:
        ValueError: it lies outside 0..1.
    """
    style = get_settings().STYLE if style is None else style
    if not 0 <= style <= 1:
        raise ValueError(
            f"style must lie between 0 (colour alone) and 1 (style alone), not {style}."
        )
    return round(style, 4)


def _gate(query: QueryVector, candidates: int | Sql) -> Gate:
    """What must hold before the index is asked: it is told how, and there is a vector to ask by."""
    return Gate(
        {
            "hnsw.ef_search": candidates if isinstance(candidates, Sql) else str(candidates),
            "hnsw.iterative_scan": get_settings().ITERATIVE_SCAN,
        },
        query.source,
    )


def _block_product(query: QueryVector, column: Any, start: int, size: int) -> InnerProduct:
    """Inner product of one block (1-based ``start``) of a row's vector and the query's."""
    return InnerProduct(*(Subvector(side, start, size) for side in (column, query.vector)))
