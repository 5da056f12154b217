"""From a query vector to rows: the plan, the SQL, and a page that is never short without need."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import models

from artsimilarity.library import Library
from artsimilarity.schema.columns import SCORES
from artsimilarity.schema.indexes import Graph
from artsimilarity.schema.sql import Sql
from artsimilarity.search import compiled
from artsimilarity.search.candidates import MOST_CANDIDATES, candidates_in_force
from artsimilarity.search.cursor import Cursor, CursorError
from artsimilarity.search.graphs import graph_for
from artsimilarity.search.missed_way import is_missed
from artsimilarity.search.ordering import SPARE, nearest_of_all, order_by_similarity, scored
from artsimilarity.search.plan import SearchPlan, plan_search
from artsimilarity.search.query_vector import QueryVector, since_promotion


def nearest(
    pictures: models.QuerySet[Any],
    query: QueryVector,
    *,
    limit: int,
    style: float,
    after: Cursor | None = None,
) -> list[Any]:
    """Return the ``limit`` pictures nearest to a query vector.

    For callers that have settled already who may see what, as an admin has. How the search is made
    is chosen from what the filters keep (:mod:`artsimilarity.search.plan`); a page that the index
    leaves short is filled by comparing with every row.

    Raises:
        CursorError: ``after`` names a primary key that is none of this model.
    """
    if _may_repeat_rows(pictures):
        return _nearest_once_each(pictures, query, limit=limit, style=style, after=after)
    library = Library.searched(pictures)
    graph = graph_for(library, query.recipe, style)
    plan = plan_search(pictures, style, graph)
    if not plan.exact:
        search = _IndexSearch(pictures=pictures, query=query, style=style, graph=graph, plan=plan)
        # More than the page, which tells whether it ends among equals.
        found = search.page(limit + SPARE, after)
        found.sort(key=lambda one: (-one.similarity, one.pk))
        if len(found) >= limit and not _ends_among_equals(found, limit):
            return found[:limit]
    found = page_by_comparison(pictures, query, limit=limit, style=style, after=after)
    if len(found) == limit:
        return found
    served = since_promotion(query, library)
    if served == query:
        return found
    return nearest(pictures, served, limit=limit, style=style, after=after)


@dataclass(frozen=True, kw_only=True)
class _IndexSearch:
    """A search by an index, which is made once more where its walk missed the way.

    A walk may end in another part of the graph than that of the picture searched for. It then does
    not come by the picture itself, which lies nearer than all others.

    Attributes:
        pictures: that are searched.
        query: vector that is searched by.
        style: weight of the style block, 0..1.
        graph: of the index.
        plan: how many candidates it takes.
    """

    pictures: models.QuerySet[Any]
    query: QueryVector
    style: float
    graph: Graph
    plan: SearchPlan

    def page(self, limit: int, after: Cursor | None) -> list[Any]:
        """Return the ``limit`` nearest pictures, or those that follow an earlier page."""
        # The index brings the examples too, and those of earlier pages, before they are left out.
        wanted = limit + len(self.query.excluded) + (after.count if after else 0)
        least = max(self.plan.candidates, wanted)
        itself, with_itself = self.query.itself, replace(self.query, excluded=())
        if itself is None:
            return self._ask(self.query, limit, least, after)
        if after is not None:  # the picture itself lies before the page
            missed = self._missed(self._ask(with_itself, 1 + SPARE, least), itself)
            return self._ask(self.query, limit, MOST_CANDIDATES if missed else least, after)
        found = self._ask(with_itself, limit + 1, least)
        if len(found) > limit and self._missed(found, itself):  # a short page is filled otherwise
            found = self._ask(with_itself, limit + 1, MOST_CANDIDATES)
        return [one for one in found if one.pk != itself][:limit]

    def _ask(
        self, query: QueryVector, limit: int, least: int, after: Cursor | None = None
    ) -> list[Any]:
        candidates = candidates_in_force(
            Library.searched(self.pictures),
            query.recipe,
            self.style,
            graph=self.graph,
            least=min(least, MOST_CANDIDATES),
            widening=self.plan.widening,
        )
        return page_by_index(
            self.pictures,
            query,
            limit=limit,
            style=self.style,
            candidates=candidates,
            graph=self.graph,
            after=after,
        )

    def _missed(self, found: Sequence[Any], itself: Any) -> bool:
        """Whether it should have come by the picture itself, which its filters may leave out."""
        pairs = ((one.pk, one.similarity) for one in found)
        return is_missed(pairs, itself) and self.pictures.filter(pk=itself).exists()


def page_by_index(
    pictures: models.QuerySet[Any],
    query: QueryVector,
    *,
    limit: int,
    style: float,
    candidates: Sql,
    graph: Graph = Graph.BOTH,
    after: Cursor | None = None,
) -> list[Any]:
    """Return the ``limit`` pictures that an index brings with so many candidates."""

    def build(query: QueryVector, candidates: Sql | None) -> models.QuerySet[Any]:
        ordered = order_by_similarity(
            pictures, query, style=style, candidates=candidates, graph=graph
        )
        return _behind(ordered, after)[:limit]

    return _read(pictures, query, limit, style, candidates, graph, after, build)


def page_by_comparison(
    pictures: models.QuerySet[Any],
    query: QueryVector,
    *,
    limit: int,
    style: float,
    after: Cursor | None = None,
) -> list[Any]:
    """Return the ``limit`` pictures that a comparison with every row finds."""

    def build(query: QueryVector, _candidates: Sql | None) -> models.QuerySet[Any]:
        scanned = _behind(nearest_of_all(pictures, query, style=style), after)
        page = pictures.filter(pk__in=scanned.values("pk")[:limit])
        return scored(page, query, style=style)

    return _read(pictures, query, limit, style, None, None, after, build)


def _read(
    pictures: models.QuerySet[Any],
    query: QueryVector,
    limit: int,
    style: float,
    candidates: Sql | None,
    graph: Graph | None,
    after: Cursor | None,
    build: Callable[[QueryVector, Sql | None], models.QuerySet[Any]],
) -> list[Any]:
    """First pages are what visitors ask for; only these are compiled once for all."""
    if after is not None:
        return list(build(query, candidates))
    return compiled.read(
        pictures,
        query,
        style=style,
        limit=limit,
        candidates=candidates,
        graph=graph,
        build=build,
    )


def _behind(ordered: models.QuerySet[Any], after: Cursor | None) -> models.QuerySet[Any]:
    """What follows the page that ``after`` ended."""
    if after is None:
        return ordered
    try:
        shown = {"_distance": after.distance, "pk__lte": after.key}
        return ordered.filter(_distance__gte=after.distance).exclude(**shown)
    except (ValueError, ValidationError) as error:
        raise CursorError(str(error)) from error


def _ends_among_equals(found: Sequence[Any], limit: int) -> bool:
    """Whether a page from the index ends among equally near pictures, of which it took any.

    Those that follow could not be told from those that were shown: an exact search has them in the
    order of their keys. Within the page Python orders them, which orders texts in its own way.
    """
    last = found[limit - 1].similarity
    equals = [one for one in found if one.similarity == last]
    if found[-1].similarity == last and len(found) > limit:
        return True
    return len(equals) > 1 and not isinstance(equals[0].pk, int | UUID)


def _may_repeat_rows(pictures: models.QuerySet[Any]) -> bool:
    """Whether a picture may come more than once, or rows are put together by the query."""
    query = pictures.query
    joins = (getattr(join, "join_field", None) for join in query.alias_map.values())
    return bool(
        query.distinct
        or query.group_by is not None
        or any(getattr(one, "multiple", False) for one in joins)
    )


def _nearest_once_each(
    pictures: models.QuerySet[Any],
    query: QueryVector,
    *,
    limit: int,
    style: float,
    after: Cursor | None,
) -> list[Any]:
    """Search the plain rows, so that the index serves and none repeats; then load the host's."""
    plain = models.QuerySet[Any](pictures.model, using=pictures.db).only("pk")
    plain = plain.filter(pk__in=pictures.order_by().values("pk"))
    found = nearest(plain, query, limit=limit, style=style, after=after)
    rows = {row.pk: row for row in pictures.filter(pk__in=[one.pk for one in found]).order_by()}
    loaded = [rows[one.pk] for one in found if one.pk in rows]
    scores = {one.pk: one for one in found}
    for picture in loaded:
        for name in SCORES:
            setattr(picture, name, getattr(scores[picture.pk], name))
    return loaded
