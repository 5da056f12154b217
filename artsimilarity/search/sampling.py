"""A few rows of a library, chosen without sense and the same every time, as SQL."""

from __future__ import annotations

from django.db.models import BigIntegerField, Func, TextField, Value
from django.db.models.functions import Cast

from artsimilarity.library import Library
from artsimilarity.schema.sql import Sql


def some_pages(library: Library, percent: float, seed: int) -> Sql:
    """Return the primary keys on a random part of the pages of the table with the vectors.

    Args:
        library: whose table it is.
        percent: of the pages, more than 0 to 100; no others are read.
        seed: chooses the same pages every time.
    """
    table, key = library.table()
    return Sql(
        f"(SELECT {key} FROM {table} TABLESAMPLE SYSTEM (%s) REPEATABLE (%s))",  # noqa: S608
        [percent, seed],
    )


def shuffled_place(seed: int) -> Func:
    """Return an order without sense that depends on nothing but a row's key and ``seed``."""
    text = Cast("pk", TextField())
    return Func(text, Value(seed), function="hashtextextended", output_field=BigIntegerField())
