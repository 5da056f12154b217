"""Chooses how a search is answered, before it is made, from what the planner expects of a filter.

HNSW filters after the scan: the less a filter keeps, the more candidates the index must bring for
a right answer, until comparing with all of the few rows is both faster and right.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import models

from artsimilarity.conf import get_settings
from artsimilarity.library import Library
from artsimilarity.library.remembered import Remembered
from artsimilarity.schema.indexes import Graph
from artsimilarity.search.candidates import MOST_CANDIDATES, candidates_for

# The planner's price of reading what a filter keeps, above which the index is asked after all:
# about three times that of a hundred thousand rows one after the other.
_EXACT_COST = 50_000
# Where fewer rows are kept than pgvector's most candidates can make up for, the index would cost as
# much as comparing so many times EXACT_ROWS, and find less (docs/benchmarks.md).
_WHERE_INDEX_FALLS_SHORT = 4
# How long what the planner said of a filter is remembered, and of how many filters; and how long
# the rows of a table, by which it is seen that an ANALYZE has taught the planner something new.
_REMEMBERED_SECONDS, _TOTAL_REMEMBERED_SECONDS = 60.0, 5.0
_MOST_REMEMBERED = 1_000


@dataclass(frozen=True, kw_only=True)
class SearchPlan:
    """How a search is answered.

    Attributes:
        exact: by comparing with every row that the filter keeps.
        candidates: otherwise, ``hnsw.ef_search`` at least.
        widening: how many times as many as without filters.
    """

    exact: bool
    candidates: int
    widening: float = 1.0


def plan_search(
    pictures: models.QuerySet[Any], style: float, graph: Graph = Graph.BOTH
) -> SearchPlan:
    """Return how to search ``pictures``, without reading a row.

    If they are filtered the planner is asked, once a minute for the same filter of the same table,
    or soon after an ANALYZE.
    """
    candidates = candidates_for(style, graph)
    if not pictures.query.where:
        return SearchPlan(exact=False, candidates=candidates)
    total = _remembered_rows(Library.searched(pictures))
    rows, cost = _estimate(pictures, total)
    share = min(1.0, rows / max(total, 1.0))
    widening = 1 / math.sqrt(share) if share else float(MOST_CANDIDATES)
    wider = math.ceil(candidates * widening)
    most = get_settings().EXACT_ROWS
    if wider >= MOST_CANDIDATES:
        most *= _WHERE_INDEX_FALLS_SHORT
    if rows <= most and cost <= _EXACT_COST:
        return SearchPlan(exact=True, candidates=candidates)
    return SearchPlan(exact=False, candidates=min(wider, MOST_CANDIDATES), widening=widening)


def _estimate(pictures: models.QuerySet[Any], total: float) -> tuple[float, float]:
    """Rows that the planner expects, and the price of reading them.

    Args:
        pictures: filtered.
        total: rows of the table, by which it is seen that the planner has learned something new.
    """
    asked = pictures.order_by().values("pk")
    try:
        sql, params = asked.query.sql_with_params()
    except EmptyResultSet:  # Django itself knows that no row can meet the conditions
        return 0.0, 0.0

    def ask_planner() -> tuple[float, float]:
        plan = json.loads(asked.explain(format="json"))[0]["Plan"]
        return float(plan["Plan Rows"]), float(plan["Total Cost"])

    key = (*Library.searched(pictures).database, total, sql, repr(params))
    return _estimates().get_or_make(key, ask_planner)


def _remembered_rows(library: Library) -> float:
    """``estimated_rows``, which cost a statement, as they were a few seconds ago."""
    table, _key = library.table()
    key = (*library.database, table)
    return _totals().get_or_make(key, library.estimated_rows)


@cache
def _totals() -> Remembered[tuple[Any, ...], float]:
    return Remembered(seconds=_TOTAL_REMEMBERED_SECONDS, most=_MOST_REMEMBERED)


@cache
def _estimates() -> Remembered[tuple[Any, ...], tuple[float, float]]:
    return Remembered(seconds=_REMEMBERED_SECONDS, most=_MOST_REMEMBERED)
