"""Rows copied into a table in Postgres' binary form, laid out by numpy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db import connections
from numpy.typing import NDArray

_CHUNK = 5_000


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column to fill.

    Attributes:
        name: its name.
        kind: numpy's name of its binary form; that of its values where it holds vectors.
        value: one for each row, shape (rows,) or for vectors (rows, dimensions); or one for all.
    """

    name: str
    kind: str
    value: Any

    @property
    def dtype(self) -> np.dtype[Any]:
        """Its binary form."""
        if np.ndim(self.value) < 2:
            return np.dtype(self.kind)
        return np.dtype(
            [("size", ">i2"), ("unused", ">i2"), ("values", self.kind, np.shape(self.value)[1:])]
        )


def copy_rows(
    table: str, columns: Sequence[Column], using: str, advance: Callable[[int], object]
) -> None:
    """Copy rows into a table; every value of a column has the same length in bytes.

    Args:
        table: its name, quoted where it needs that.
        columns: the first has a value for each row.
        using: alias of the database.
        advance: called with the number of rows after each part.
    """
    # numpy knows no field of no bytes: of an empty text only the length is written.
    parts: list[tuple[str, Any]] = [("fields", ">i2")]
    for column in columns:
        parts.append((f"{column.name}_bytes", ">i4"))
        if column.dtype.itemsize:
            parts.append((column.name, column.dtype))
    record = np.dtype(parts)
    names = ", ".join(column.name for column in columns)
    statement = f"COPY {table} ({names}) FROM STDIN (FORMAT BINARY)"
    count = len(columns[0].value)
    with connections[using].cursor() as cursor, cursor.copy(statement) as copy:
        copy.write(b"PGCOPY\n\xff\r\n\0" + bytes(8))
        for start in range(0, count, _CHUNK):
            rows = np.zeros(min(_CHUNK, count - start), record)
            rows["fields"] = len(columns)
            for column in columns:
                _lay_out(column, rows, start)
            copy.write(rows.tobytes())
            advance(len(rows))
        copy.write(b"\xff\xff")


def _lay_out(column: Column, rows: NDArray[Any], start: int) -> None:
    rows[f"{column.name}_bytes"] = column.dtype.itemsize
    value = column.value[start : start + len(rows)] if np.ndim(column.value) else column.value
    if np.ndim(value) == 2:
        rows[column.name]["size"] = value.shape[1]
        rows[column.name]["values"] = value
    elif column.dtype.itemsize:
        rows[column.name] = value
