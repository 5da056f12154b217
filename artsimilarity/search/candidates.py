"""How many candidates the index keeps in hand: enough by the settings, and by what was measured.

How many are enough differs from library to library: among tight groups of pictures that are nearly
alike, more are needed for the same recall. So what the latest measurement of recall found to be
enough (:mod:`artsimilarity.search.recall`) is read within the search itself, by SQL: it costs no
statement, and holds from the moment on that it was measured.
"""

from __future__ import annotations

from functools import cache
from typing import Final

from artsimilarity.conf import get_settings
from artsimilarity.library import Library
from artsimilarity.schema.indexes import Graph, candidates_setting
from artsimilarity.schema.sql import Sql
from artsimilarity.schema.tables import RecallMeasurement

MOST_CANDIDATES: Final = 1000
"""The most that pgvector takes for ``hnsw.ef_search``."""


def candidates_for(style: float, graph: Graph) -> int:
    """Return the ``hnsw.ef_search`` for a balance by the settings, where nothing was measured."""
    candidates: int = getattr(get_settings(), candidates_setting(style, graph))
    return candidates


def candidates_in_force(
    library: Library,
    recipe: str,
    style: float,
    *,
    graph: Graph,
    least: int | None = None,
    widening: float = 1.0,
) -> Sql:
    """Return SQL for the ``hnsw.ef_search`` of a search, as text.

    Between two balances that were measured, the greater number of the two counts.

    Args:
        library: that is searched.
        recipe: fingerprint of the vectors that are searched.
        style: weight of the style block, 0..1.
        graph: that is searched.
        least: candidates in any case, at most ``MOST_CANDIDATES``; None is as the settings say.
        widening: how many times as many as were measured are needed, because of filters.
    """
    least = candidates_for(style, graph) if least is None else least
    settings = get_settings()
    if not settings.RECALL_AIM or not settings.RECALL_AT_LEAST:
        return Sql("%s", [str(least)])
    return Sql(
        f"least(greatest(%s, ceil(%s * ({_measured()}))), {MOST_CANDIDATES})::text",
        [least, widening, style, style, library.label, recipe],
    )


@cache
def _measured() -> str:
    """Candidates that the latest measurement found to be enough for a balance; null if none did."""
    table = RecallMeasurement._meta.db_table
    return (
        "SELECT CASE WHEN m.styles[m.place] = %s::float8 THEN m.candidates[m.place]"  # noqa: S608
        " ELSE greatest(m.candidates[m.place], m.candidates[m.place + 1]) END"
        " FROM (SELECT styles, candidates, width_bucket(%s::float8, styles) AS place"
        f' FROM "{table}" WHERE model_label = %s AND fingerprint = %s AND pictures > 0'
        " ORDER BY began_at DESC, id DESC LIMIT 1) m"
    )
