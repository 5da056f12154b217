"""Query vectors: what pictures are compared with, as SQL. A stored picture, several, or values."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db import connections
from django.db.models import Case, F, Field, Model, Q, TextField, When

from artsimilarity.conf import get_settings
from artsimilarity.encoder.recipe import block_sizes
from artsimilarity.library import Library
from artsimilarity.schema.columns import EmbeddingColumns
from artsimilarity.schema.sql import Same, Sql

# How much an example to move away from counts against one to move towards.
_UNLIKE_WEIGHT = 0.5

_TEXT: TextField[str, str] = TextField()


@dataclass(frozen=True, kw_only=True)
class QueryVector:
    """A vector to compare pictures with, as SQL.

    Attributes:
        block_sizes: values of the style block and of the colour block.
        vector: a ``halfvec`` of both blocks, each of length 1, or all zero if it does not matter.
        recipe: the fingerprint of its recipe, or SQL that reads it. Pictures of other recipes are
            not compared with it.
        excluded: primary keys of the examples, which are no answer.
        source: ``FROM ... WHERE ...`` of the row that ``vector`` is read from, if it is.
        moving: the recipe is being promoted: pictures have their vector of it in either column.
        values: the vector's values, where they are known here and not read by the database.
        is_picture: it is the vector of one picture, so scores mean what they mean for any pair.
    """

    block_sizes: tuple[int, int]
    vector: Sql
    recipe: str | Sql
    excluded: tuple[Any, ...] = ()
    source: Sql | None = None
    moving: bool = False
    values: tuple[float, ...] = ()
    is_picture: bool = False

    def column(self, library: Library) -> Any:
        """The vector of a picture that meets the condition."""
        served = F(library.lookup("embedding"))
        if not self.moving:
            return served  # the bare column, which is what the index knows
        return Case(
            When(self._is_served(library), then=served),
            default=F(library.lookup("embedding_next")),
            output_field=Field(),
        )

    def condition(self, library: Library) -> Q:
        """Which pictures can be compared with it."""
        served = self._is_served(library)
        if self.moving:
            served |= self._has(library, "embedding_next")
        # A vector of another file than the picture holds now, as after update(), is none of it.
        return served & Q(Same(library.lookup("embedding_image"), library.image_field))

    def _is_served(self, library: Library) -> Q:
        return self._has(library, "embedding")

    def _has(self, library: Library, vector: str) -> Q:
        vector, recipe = library.lookup(vector), library.lookup(f"{vector}_recipe")
        return Q(**{f"{vector}__isnull": False, recipe: self.recipe})

    def weighted(self, style: float) -> Sql:
        """The style block times ``style``, and the colour block times ``1 - style``."""
        weighted = self.weigh(self.vector.sql, style)
        return Sql(weighted.sql, [*self.vector.params, *weighted.params])

    def weigh(self, vector: str, style: float) -> Sql:
        """The same of another vector of this recipe, given as SQL without parameters.

        In single precision: pgvector refuses a product of two half ones that rounds to zero.
        """
        total = sum(self.block_sizes)
        weights = " || ".join(f"array_fill(%s::real, ARRAY[{size}])" for size in self.block_sizes)
        return Sql(
            f"({vector}::vector({total}) * ({weights})::vector({total}))::halfvec({total})",
            [style, 1 - style],
        )

    def recipe_sql(self) -> Sql:
        """The fingerprint of the recipe, as SQL."""
        return self.recipe if isinstance(self.recipe, Sql) else Sql("%s", [self.recipe], _TEXT)


def stored_vector(
    library: Library, picture: Model, row: EmbeddingColumns | None = None
) -> QueryVector:
    """Return a saved picture's vector, to be read inside the query for the others.

    Args:
        library: that is searched.
        picture: whose vector it is.
        row: that holds it, if the caller has it at hand.
    """
    table, key = library.table()
    source = Sql(
        f"FROM {table} t WHERE t.{key} = %s AND t.embedding IS NOT NULL"
        f" AND t.embedding_image = {library.image_sql('t')}",
        [picture._meta.pk.get_db_prep_value(picture.pk, connections[library.using])],
    )
    row = row or library.row_of(picture)
    fingerprint = (row and row.embedding_recipe) or get_settings().recipe.fingerprint
    return QueryVector(
        block_sizes=block_sizes(fingerprint),
        vector=Sql(f"(SELECT t.embedding {source.sql})", source.params),
        recipe=Sql(f"(SELECT t.embedding_recipe {source.sql})", source.params, _TEXT),
        excluded=(picture.pk,),
        source=source,
        is_picture=True,
    )


def given_vector(
    values: Sequence[float],
    recipe: str,
    *,
    excluded: Iterable[Any] = (),
    is_picture: bool = False,
) -> QueryVector:
    """Return values, made by the recipe of that fingerprint, as a query vector.

    Args:
        values: style block, then colour block; scaled to length 1 here, block by block. A block of
            zeros stays as it is: it has no say.
        recipe: fingerprint.
        excluded: primary keys that are no answer.
        is_picture: it is what the recipe makes of one picture.

    Raises:
        ValueError: the number of values is not that of the recipe, or one is not finite.
    """
    style, colour = block_sizes(recipe)
    if len(values) != style + colour:
        raise ValueError(f"Recipe {recipe} has {style + colour} values, not {len(values)}.")
    blocks = [*_unit(values[:style]), *_unit(values[style:])]
    if not all(map(math.isfinite, blocks)):
        raise ValueError("A vector to search by must be finite.")
    return QueryVector(
        block_sizes=(style, colour),
        vector=Sql(f"%s::halfvec({style + colour})", [_literal(blocks)]),
        recipe=recipe,
        excluded=tuple(excluded),
        values=tuple(blocks),
        is_picture=is_picture,
    )


def vector_of_examples(
    library: Library, liked: Sequence[Any], unlike: Sequence[Any] = ()
) -> QueryVector | None:
    """Return the middle of some pictures, moved away from others; reads their vectors now.

    The vectors of one recipe are taken, the one that most of them have; while a recipe is being
    promoted they may be in either column. Pictures without such a vector do not count.

    Args:
        library: the pictures'.
        liked: primary keys of those to move towards, at least one.
        unlike: primary keys of those to move away from.

    Returns:
        The query vector; None if none of ``liked`` has a vector.
    """
    moving = library.is_promoting()
    pks = (*liked, *unlike)
    columns = ("pk", "embedding_recipe", "embedding", "embedding_next_recipe", "embedding_next")
    vectors: dict[Any, dict[str, Any]] = {}
    for pk, recipe, vector, next_recipe, next_vector in (
        library.rows.current().filter(pk__in=pks).values_list(*columns)
    ):
        # The recipe that is coming goes first: all pictures have it, not only those left behind.
        found = {next_recipe: next_vector, recipe: vector} if moving else {recipe: vector}
        vectors[pk] = {name: one for name, one in found.items() if one is not None}
    towards = [vectors[pk] for pk in liked if pk in vectors]
    counted = Counter(recipe for found in towards for recipe in found)
    if not counted:
        return None
    recipe = counted.most_common(1)[0][0]
    values = _mean([found[recipe] for found in towards if recipe in found])
    away = [vectors[pk][recipe] for pk in unlike if recipe in vectors.get(pk, {})]
    if away:
        pairs = zip(values, _mean(away), strict=True)
        values = [value - _UNLIKE_WEIGHT * other for value, other in pairs]
    return given_vector(values, recipe, excluded=pks)


def for_scan(query: QueryVector, library: Library) -> QueryVector:
    """Return a query vector as an exact scan wants it, which no index restricts to one column.

    While a new recipe is being promoted, every picture has its vector of that recipe in either of
    the two columns: so the whole library can be compared under it, not just the part that has
    moved, and a page is full at any moment.
    """
    if not library.is_promoting():
        return query
    if query.source is not None:
        query = vector_of_examples(library, query.excluded) or query
    return replace(query, moving=True)


def _mean(vectors: Sequence[Sequence[float]]) -> list[float]:
    return [sum(values) / len(vectors) for values in zip(*vectors, strict=True)]


def _unit(values: Sequence[float]) -> list[float]:
    length = math.hypot(*values)
    return [value / length for value in values] if length else list(values)


def _literal(values: Sequence[float]) -> str:
    """Write a vector as Postgres reads it; half precision keeps fewer digits than this."""
    return f"[{','.join(f'{value:.6g}' for value in values)}]"
