"""Maximal marginal relevance: eight neighbours that are not eight plates of one book.

J. Carbonell and J. Goldstein, "The Use of MMR, Diversity-Based Reranking for Reordering Documents
and Producing Summaries", SIGIR 1998.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connections
from django.db.models import Model

from artsimilarity.targets import Target

CANDIDATES = 100
"""How many of the nearest are chosen among."""


def diversify(
    pictures: Sequence[Any],
    target: Target,
    *,
    style: float,
    amount: float,
    limit: int,
    using: str,
) -> list[Any]:
    """Choose ``limit`` of ``pictures``, each near the target and unlike those chosen before it.

    The next picture is the one with the greatest ``(1 - amount) * similarity - amount * s``, where
    ``s`` is its greatest similarity to one that is chosen already. Similarities are those of the
    search: both blocks, weighed by ``style``. One query, whatever the number of pictures.

    Args:
        pictures: what a search found, nearest first, with its scores.
        target: what was searched for.
        style: weight of the style block, 0..1.
        amount: 0 leaves the order alone, 1 looks at nothing but variety.
        limit: how many to choose.
        using: database alias.

    Returns:
        The chosen ones, in the order in which they were chosen: the nearest comes first.

    Raises:
        ValueError: ``amount`` lies outside 0..1.
    """
    if not 0 <= amount <= 1:
        raise ValueError(f"diversify must lie between 0 and 1, not {amount}.")
    if amount == 0 or len(pictures) <= 1:
        return list(pictures[:limit])
    alike = _similarities(type(pictures[0]), [p.pk for p in pictures], target, style, using)
    left = list(pictures)
    chosen = [left.pop(0)]
    nearest = {picture.pk: float("-inf") for picture in left}
    while left and len(chosen) < limit:
        last = alike.get(chosen[-1].pk, {})
        for picture in left:
            nearest[picture.pk] = max(nearest[picture.pk], last.get(picture.pk, 0.0))
        best = max(left, key=lambda p: (1 - amount) * p.similarity - amount * nearest[p.pk])
        left.remove(best)
        chosen.append(best)
    return chosen


def _similarities(
    model: type[Model], pks: Sequence[Any], target: Target, style: float, using: str
) -> Mapping[Any, Mapping[Any, float]]:
    """Similarity of every picture to every other; vectors stay in the database."""
    options = model._meta.get_field("embedding").model._meta
    connection = connections[using]
    table, pk = map(connection.ops.quote_name, (options.db_table, str(options.pk.column)))
    weighted = target.weigh("embedding", style)
    recipe = target.recipe_sql()
    sql = (  # names are quoted, values are parameters
        f"WITH picture AS MATERIALIZED (SELECT {pk} AS pk, embedding, {weighted.sql} AS weighted"  # noqa: S608
        f" FROM {table} WHERE {pk} = ANY (%s) AND embedding_recipe = {recipe.sql})"
        " SELECT a.pk, array_agg(b.pk), array_agg(-(a.weighted <#> b.embedding))"
        " FROM picture a CROSS JOIN picture b GROUP BY a.pk"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [*weighted.params, list(pks), *recipe.params])
        return {pk: dict(zip(others, scores, strict=True)) for pk, others, scores in cursor}
