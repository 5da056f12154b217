"""Maximal marginal relevance: eight neighbours that are not eight plates of one book.

J. Carbonell and J. Goldstein, "The Use of MMR, Diversity-Based Reranking for Reordering Documents
and Producing Summaries", SIGIR 1998.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connections

from artsimilarity.search.request import Search

CANDIDATES = 100
"""How many of the nearest are chosen among."""


def diversify(pictures: Sequence[Any], search: Search) -> list[Any]:
    """Choose a page of ``pictures``, each near the query and unlike those chosen before it.

    The next picture is the one with the greatest ``(1 - amount) * similarity - amount * s``, where
    ``amount`` is the page's ``diversify`` (0 leaves the order alone, 1 looks at nothing but
    variety) and ``s`` is the picture's greatest similarity to one that is chosen already.
    Similarities are those of the search: both blocks, weighed by its style. One query in all.

    Args:
        pictures: what the search found, nearest first, with its scores.
        search: that found them, and whose page says how many to choose, and how unlike.

    Returns:
        The chosen ones, in the order in which they were chosen: the nearest comes first.
    """
    limit, amount = search.page.limit, search.page.diversify
    if amount == 0 or len(pictures) <= 1:
        return list(pictures[:limit])
    alike = _similarities(search, [picture.pk for picture in pictures])
    left = list(pictures)
    chosen = [left.pop(0)]
    closest = {picture.pk: float("-inf") for picture in left}
    while left and len(chosen) < limit:
        last = alike.get(chosen[-1].pk, {})
        for picture in left:
            closest[picture.pk] = max(closest[picture.pk], last.get(picture.pk, 0.0))
        best = max(left, key=lambda p: (1 - amount) * p.similarity - amount * closest[p.pk])
        left.remove(best)
        chosen.append(best)
    return chosen


def _similarities(search: Search, pks: Sequence[Any]) -> Mapping[Any, Mapping[Any, float]]:
    """Similarity of every picture to every other; vectors stay in the database."""
    table, key = search.library.table()
    weighted = search.query.weigh("embedding", search.page.style)
    sql = (  # names are quoted, values are parameters
        f"WITH picture AS MATERIALIZED (SELECT {key} AS pk, embedding, {weighted.sql} AS weighted"  # noqa: S608
        f" FROM {table} WHERE {key} = ANY (%s) AND embedding_recipe = %s)"
        " SELECT a.pk, array_agg(b.pk), array_agg(-(a.weighted <#> b.embedding))"
        " FROM picture a CROSS JOIN picture b GROUP BY a.pk"
    )
    with connections[search.library.using].cursor() as cursor:
        cursor.execute(sql, [*weighted.params, list(pks), search.query.recipe])
        return {pk: dict(zip(others, scores, strict=True)) for pk, others, scores in cursor}
