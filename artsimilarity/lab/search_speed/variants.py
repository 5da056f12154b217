"""Looks for better settings: candidates for each balance, and a strategy for each filter."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.db import connections

from artsimilarity.lab.search_speed.baselines import App, K, Query
from artsimilarity.lab.search_speed.explained import plan_of
from artsimilarity.lab.search_speed.measure import Cell, Clients, Result, measure
from artsimilarity.lab.search_speed.scratch import TABLE
from artsimilarity.lab.search_speed.truth import Truth
from artsimilarity.schema.sql import Gate

# The only way to the HNSW index is an index scan without a sort after it.
_HNSW_ONLY = {"enable_seqscan": "off", "enable_bitmapscan": "off", "enable_sort": "off"}
_OVERFETCH = 4


@dataclass(frozen=True, kw_only=True)
class Strategy:
    """A way to answer a search.

    Attributes:
        name: for the report.
        ef_search: candidates; None leaves the app's own.
        exact: compare with every row that the filter keeps.
        relaxed: let the iterative scan return rows out of order; four pages of them are fetched,
            and the best page of those is the answer.
        session: what the planner is told.
    """

    name: str
    ef_search: int | None = None
    exact: bool = False
    relaxed: bool = False
    session: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Variant:
    """What a search was told, and what came of it.

    Attributes:
        strategy: its name.
        ef_search: candidates; None is the app's own.
        filter_indexed: whether the column of the filter has an index.
        plan: how Postgres read the table: hnsw, btree, bitmap or seq.
        result: the measurement.
    """

    strategy: str
    ef_search: int | None
    filter_indexed: bool
    plan: str
    result: Result


UNFILTERED = tuple(
    Strategy(name="as planned", ef_search=ef_search) for ef_search in (40, 100, 200, 300, 500)
)
FILTERED = (
    Strategy(name="as planned"),
    Strategy(name="exact", exact=True),
    *(
        Strategy(name="iterative", ef_search=ef_search, session=_HNSW_ONLY)
        for ef_search in (40, 100, 200, 300, 500)
    ),
    *(
        Strategy(name="relaxed", ef_search=ef_search, relaxed=True, session=_HNSW_ONLY)
        for ef_search in (100, 300)
    ),
)
FILTERED_WITHOUT_INDEX = FILTERED[:2]


def measure_variants(
    app: App, cells: Sequence[Cell], truth: Truth, using: str, advance: Callable[[int], object]
) -> Iterator[Variant]:
    """Measure every variant, one client at a time; in the end the filter's index is gone.

    Args:
        app: asks the app's queries.
        cells: what to search.
        truth: has been prepared for the cells.
        using: alias of the database.
        advance: called after each variant.
    """
    one = Clients(1, using)
    for filter_indexed in (True, False):
        for cell in cells:
            for strategy in _strategies(cell.keep_percent, filter_indexed):
                with _session(strategy.session, using):
                    rows = _rows(app, strategy, cell.queries[0])
                    plan = plan_of(rows.explain(format="json"))
                    result = measure(strategy.name, _asking(app, strategy), cell, one, truth)
                yield Variant(
                    strategy=strategy.name,
                    ef_search=strategy.ef_search,
                    filter_indexed=filter_indexed,
                    plan=plan,
                    result=result,
                )
                advance(1)
        if filter_indexed:
            _drop_filter_index(using)
    one.close()


def count_variants(cells: Sequence[Cell]) -> int:
    """How many variants ``measure_variants`` measures."""
    return sum(
        len(_strategies(cell.keep_percent, some)) for cell in cells for some in (True, False)
    )


def _strategies(keep: float, filter_indexed: bool) -> Sequence[Strategy]:
    if keep == 100:
        return UNFILTERED if filter_indexed else ()
    return FILTERED if filter_indexed else FILTERED_WITHOUT_INDEX


def _rows(app: App, strategy: Strategy, query: Query) -> Any:
    rows = app.ordered(query, exact=strategy.exact)
    # The later of two settings is the one that holds.
    if strategy.ef_search is not None:
        rows = rows.filter(Gate({"hnsw.ef_search": str(strategy.ef_search)}))
    if strategy.relaxed:
        rows = rows.filter(Gate({"hnsw.iterative_scan": "relaxed_order"}))
    return rows[: K * _OVERFETCH if strategy.relaxed else K]


def _asking(app: App, strategy: Strategy) -> Callable[[Query], list[int]]:
    def ask(query: Query) -> list[int]:
        found = sorted(_rows(app, strategy, query), key=lambda picture: -picture.similarity)
        return [picture.pk for picture in found[:K]]

    return ask


def _drop_filter_index(using: str) -> None:
    connection = connections[using]
    with connection.cursor() as cursor:
        constraints = connection.introspection.get_constraints(cursor, TABLE)
        for name, constraint in constraints.items():
            if constraint["index"] and constraint["columns"] == ["bucket"]:
                cursor.execute(f"DROP INDEX {connection.ops.quote_name(name)}")


@contextmanager
def _session(settings: Mapping[str, str], using: str) -> Iterator[None]:
    with connections[using].cursor() as cursor:
        for name, value in settings.items():
            cursor.execute("SELECT set_config(%s, %s, false)", [name, value])
        try:
            yield
        finally:
            for name in settings:
                cursor.execute(f"RESET {name}")
