"""SQL expressions that Django's ORM has no words for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

from django.db.models import BooleanField, Field, FloatField, Func
from django.db.models.expressions import Expression
from django.utils.functional import cached_property

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.models.sql.compiler import SQLCompiler


class Sql(Expression):
    """A piece of SQL of our own making that names no column of the query around it.

    Much cheaper to build than a ``Subquery``, which matters where a search takes milliseconds.
    """

    def __init__(
        self,
        sql: str,
        params: Sequence[Any] = (),
        output_field: Field[Any, Any] | None = None,
    ) -> None:
        super().__init__(output_field=output_field)
        self.sql = sql
        self.params = tuple(params)

    def as_sql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper
    ) -> tuple[str, tuple[Any, ...]]:
        """The piece as it is."""
        return self.sql, self.params

    def resolve_expression(self, *args: Any, **kwargs: Any) -> Self:
        """Itself: there is no column to resolve."""
        return self

    def get_group_by_cols(self) -> list[Any]:
        """Nothing to group by: it has the same value in every row."""
        return []

    @cached_property
    def identity(self) -> tuple[Any, ...]:
        """What makes it equal to another, without Django's costly look at the constructor."""
        return type(self), self.sql, self.params


class Gate(Sql):
    """A condition that sets server settings for the query's transaction, and is true then.

    Postgres evaluates an uncorrelated subquery once, before the first row, and pgvector reads its
    settings when the index scan starts. So the settings travel inside the query itself: no
    ``SET LOCAL`` of its own, no ``atomic()`` around a lazy queryset, nothing left behind in a
    pooled connection.

    Args:
        settings: names and values, which may be worked out by SQL that names no column.
        source: ``FROM ... WHERE ...`` of at most one row; where there is none, the condition is
            false, and the query ends before any index is opened.
    """

    conditional = True

    def __init__(self, settings: Mapping[str, str | Sql], source: Sql | None = None) -> None:
        calls, params = [], []
        for name, value in settings.items():
            text = value if isinstance(value, Sql) else Sql("%s", [value])
            calls.append(f"set_config(%s, {text.sql}, true)")
            params += [name, *text.params]
        origin = f" {source.sql}" if source else ""
        super().__init__(
            f"(SELECT {' || '.join(calls)}{origin}) IS NOT NULL",
            [*params, *(source.params if source else ())],
            BooleanField(),
        )


class Found(Sql):
    """Whether there is a row to read.

    Args:
        source: ``FROM ... WHERE ...``.
    """

    conditional = True

    def __init__(self, source: Sql) -> None:
        super().__init__(f"EXISTS (SELECT 1 {source.sql})", source.params, BooleanField())


class Same(Func):
    """Whether two columns are equal, which the planner takes for likely.

    Of a plain comparison of columns it expects hardly any row, and then sorts the whole table
    rather than asking the index; of a CASE it expects half of them.
    """

    template = "CASE WHEN %(expressions)s THEN true ELSE false END"
    arg_joiner = " = "
    output_field = BooleanField()


class NoneOf(Func):
    """Whether a column is none of some values, given as one parameter, a list."""

    conditional = True
    template = "(%(expressions)s))"
    arg_joiner = " <> ALL ("
    output_field = BooleanField()


class _VectorFunc(Func):
    """A function of vectors."""

    @property
    def identity(self) -> tuple[Any, ...]:
        """What makes it equal to another, without Django's costly look at the constructor."""
        return type(self), self.extra.get("template"), *self.get_source_expressions()


class InnerProductDistance(_VectorFunc):
    """The negative inner product of two vectors, as pgvector's ``<#>`` gives it; a float."""

    template = "(%(expressions)s)"
    arg_joiner = " <#> "
    output_field = FloatField()


class UnindexedDistance(InnerProductDistance):
    """The same, written so that Postgres does not think of an index for it."""

    template = "((%(expressions)s) + 0)"


class InnerProduct(InnerProductDistance):
    """The inner product of two vectors; a float."""

    template = "(-(%(expressions)s))"


def filled(values: Iterable[float | str], sizes: Iterable[int]) -> str:
    """SQL of an array of floats: each value as often as its block has values.

    Args:
        values: numbers, or SQL such as ``%s``.
        sizes: values of each block.
    """
    blocks = zip(values, sizes, strict=True)
    return " || ".join(f"array_fill({value}::real, ARRAY[{size:d}])" for value, size in blocks)


class Scaled(_VectorFunc):
    """A vector with each block multiplied by a factor, as an index may have it.

    Args:
        vector: of the blocks, one after the other.
        factors: one for each block.
        sizes: values of each block.
    """

    def __init__(
        self, vector: Any, factors: Sequence[float], sizes: Sequence[int], **extra: Any
    ) -> None:
        total = sum(sizes)
        constants = filled([f"{factor:.9g}" for factor in factors], sizes)
        # Postgres works the constants out once, both for the index and for a query.
        template = f"((%(expressions)s * ({constants})::halfvec({total:d}))::halfvec({total:d}))"
        super().__init__(vector, template=template, output_field=Field(), **extra)


class Subvector(_VectorFunc):
    """The part of a vector that begins at ``start``, counted from 1, and has ``size`` values."""

    def __init__(self, vector: Any, start: int, size: int, **extra: Any) -> None:
        template = f"subvector(%(expressions)s, {start:d}, {size:d})"
        super().__init__(vector, **{"template": template, "output_field": Field(), **extra})


class IndexedSubvector(Subvector):
    """The same as an index has it, which wants to know the size of what is in it."""

    def __init__(self, vector: Any, start: int, size: int, **extra: Any) -> None:
        template = f"(subvector(%(expressions)s, {start:d}, {size:d})::halfvec({size:d}))"
        super().__init__(vector, start, size, **{"template": template, **extra})
