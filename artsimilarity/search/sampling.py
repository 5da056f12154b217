"""A few rows of a library, chosen without sense and the same every time, as SQL."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import BigIntegerField, Func, TextField, Value
from django.db.models.functions import Cast

from artsimilarity.library import Library
from artsimilarity.library.rows import EmbeddingQuerySet
from artsimilarity.schema.sql import Sql

# So many times the pages are read where those before held too little.
_WIDENED = 20


def samples(
    library: Library, rows: EmbeddingQuerySet[Any], *, about: int, seed: int
) -> Iterator[EmbeddingQuerySet[Any]]:
    """Yield those of some rows that are on a few pages of the table, then on more, at last all.

    Args:
        library: whose rows they are.
        rows: to choose from.
        about: as many rows of the table as are on the first pages.
        seed: chooses the same pages every time.
    """
    total = library.estimated_rows()
    percent = 100 * about / total if total > 0 else 100.0
    while percent < 100:
        yield rows.filter(pk__in=_some_pages(library, percent, seed))
        percent *= _WIDENED
    yield rows


def shuffled_place(seed: int) -> Func:
    """Return an order without sense that depends on nothing but a row's key and ``seed``."""
    text = Cast("pk", TextField())
    return Func(text, Value(seed), function="hashtextextended", output_field=BigIntegerField())


def _some_pages(library: Library, percent: float, seed: int) -> Sql:
    """Primary keys on a random part of the table's pages; no others are read."""
    table, key = library.table()
    return Sql(
        f"(SELECT {key} FROM {table} TABLESAMPLE SYSTEM (%s) REPEATABLE (%s))",  # noqa: S608
        [percent, seed],
    )
