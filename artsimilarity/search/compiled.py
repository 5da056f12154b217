"""Compiles the SQL of a search once for each shape, and puts the values of each search into it.

Building a search and writing it as SQL costs Django more than a millisecond, which is a good part
of the whole. Searches of one shape differ in a few values only: the picture, the balance, how many
candidates the index keeps. So a search is built once with slots in their places. What a visitor may
see is part of the shape, down to the last value: nothing that was compiled for one filter ever
answers another.
"""

from __future__ import annotations

import datetime
import decimal
import uuid
from collections.abc import Callable, Hashable, Mapping
from copy import copy
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from django.core.exceptions import EmptyResultSet
from django.db import connections, models
from django.db.models.query import ModelIterable
from django.db.models.sql.compiler import SQLCompiler

from artsimilarity.conf import get_settings
from artsimilarity.library import Library
from artsimilarity.library.remembered import Remembered
from artsimilarity.schema.indexes import Graph
from artsimilarity.schema.sql import Sql
from artsimilarity.search.query_vector import QueryVector

_REMEMBERED_SECONDS, _MOST_REMEMBERED = 3600.0, 200
# Equal values of one of these types are written as the same SQL.
_PLAIN: Final = (
    *(str, bytes, int, float, decimal.Decimal, uuid.UUID, type(None)),
    *(datetime.date, datetime.time, datetime.timedelta),
)
_WEIGHTS: Final = ("style", "colour")
_INDEX_WEIGHTS: Final = ("style in the index", "colour in the index")
_EXCLUDED: Final = "excluded"


@dataclass(frozen=True)
class Slot:
    """The place of a value among the parameters of compiled SQL."""

    name: str


class _Template(QueryVector):
    """A query vector of which only the shape is known; all its values are slots."""

    def weights(self, style: float) -> tuple[Any, Any]:
        return Slot(_WEIGHTS[0]), Slot(_WEIGHTS[1])

    def index_weights(self, style: float) -> tuple[Any, Any]:
        return Slot(_INDEX_WEIGHTS[0]), Slot(_INDEX_WEIGHTS[1])

    def excluded_keys(self, model: type[models.Model], using: str) -> Any:
        return Slot(_EXCLUDED)


@dataclass(frozen=True, kw_only=True)
class _Compiled:
    """A search as SQL.

    Attributes:
        compiler: that wrote it, and knows how its rows become pictures.
        sql: the statement; None where Django knows that it finds nothing.
        params: its parameters, slots among them.
    """

    compiler: SQLCompiler
    sql: str | None
    params: tuple[Any, ...] = ()


def read(
    pictures: models.QuerySet[Any],
    query: QueryVector,
    *,
    style: float,
    limit: int,
    candidates: Sql | None,
    graph: Graph | None,
    build: Callable[[QueryVector, Sql | None], models.QuerySet[Any]],
) -> list[Any]:
    """Read what ``build`` makes of a query vector and candidates, compiled once for its shape.

    Args:
        pictures: that are searched.
        query: vector that is searched by.
        style: weight of the style block, 0..1.
        limit: rows that the search takes at most, which stands in its SQL.
        candidates: ``hnsw.ef_search`` as SQL; None where every row is compared.
        graph: of the index; None where every row is compared.
        build: given ``query`` and ``candidates``, or their like with slots for values, makes the
            search of ``pictures``. What else it depends on must follow from the other arguments.
    """
    shape = _shape(pictures)
    if shape is None:
        return list(build(query, candidates))
    key = (
        *(shape, limit, graph, candidates and candidates.sql, get_settings().ITERATIVE_SCAN),
        *(query.vector.sql, query.source and query.source.sql, query.recipe, query.in_either),
    )
    compiled = _searches().get_or_make(
        key,
        lambda: _compile(build(_template(query), candidates and _slots(candidates, "candidates"))),
    )
    return _run(compiled, pictures, _values(pictures, query, style, candidates))


def _shape(pictures: models.QuerySet[Any]) -> Hashable:
    """What tells a queryset's SQL from others'; None where it must be compiled each time."""
    query = pictures.query
    if query.combinator or query.select_for_update or not _makes_models(pictures):
        return None
    try:
        sql, params = query.get_compiler(using=pictures.db).as_sql()
    except EmptyResultSet:
        return None
    if not all(isinstance(value, _PLAIN) for value in params):
        return None
    # True and 1 are equal, and not the same to Postgres.
    typed = tuple((type(value), value) for value in params)
    return (pictures.model, *Library.searched(pictures).database, sql, typed)


def _makes_models(pictures: models.QuerySet[Any]) -> bool:
    return issubclass(pictures._iterable_class, ModelIterable)


def _template(query: QueryVector) -> QueryVector:
    return _Template(
        vector=_slots(query.vector, "vector"),
        recipe=query.recipe,
        source=query.source and _slots(query.source, "source"),
        in_either=query.in_either,
    )


def _slots(sql: Sql, name: str) -> Sql:
    """The same SQL with a slot in the place of each value."""
    return Sql(sql.sql, [Slot(f"{name} {place}") for place in range(len(sql.params))])


def _values(
    pictures: models.QuerySet[Any], query: QueryVector, style: float, candidates: Sql | None
) -> dict[str, Any]:
    """What goes into the slots."""
    parts = {"vector": query.vector, "source": query.source, "candidates": candidates}
    values = {
        f"{name} {place}": value
        for name, part in parts.items()
        if part
        for place, value in enumerate(part.params)
    }
    values |= zip(_WEIGHTS, query.weights(style), strict=True)
    values |= zip(_INDEX_WEIGHTS, query.index_weights(style), strict=True)
    values[_EXCLUDED] = query.excluded_keys(pictures.model, pictures.db)
    return values


def _compile(search: models.QuerySet[Any]) -> _Compiled:
    compiler = search.query.get_compiler(using=search.db)
    try:
        sql, params = compiler.as_sql()
    except EmptyResultSet:
        return _Compiled(compiler=compiler, sql=None)
    return _Compiled(compiler=compiler, sql=sql, params=tuple(params))


def _run(
    compiled: _Compiled, pictures: models.QuerySet[Any], values: Mapping[str, Any]
) -> list[Any]:
    """Read the rows as the queryset would: with what it prefetches, and as its own class does."""
    if compiled.sql is None:
        return []
    params = tuple(
        values[value.name] if type(value) is Slot else value for value in compiled.params
    )
    statement = (compiled.sql, params)
    # A compiler belongs to the connection of one thread, and a queryset asks its query for it.
    compiler: Any = copy(compiled.compiler)
    compiler.connection = connections[pictures.db]
    compiler.as_sql = lambda *_args, **_options: statement
    query: Any = copy(compiled.compiler.query)
    query.get_compiler = lambda *_args, **_options: compiler
    found = pictures.all()
    found.query = query
    return list(found)


@cache
def _searches() -> Remembered[Hashable, _Compiled]:
    return Remembered(seconds=_REMEMBERED_SECONDS, most=_MOST_REMEMBERED)
