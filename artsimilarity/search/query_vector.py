"""Query vectors: what pictures are compared with, as SQL. A stored picture, several, or values."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from django.db import connections
from django.db.models import Case, F, Field, Model, Q, When

from artsimilarity.conf import get_settings
from artsimilarity.encoder.recipe import block_sizes
from artsimilarity.library import Library
from artsimilarity.schema.columns import EmbeddingColumns
from artsimilarity.schema.indexes import GRAPH_FACTORS, Graph, as_indexed
from artsimilarity.schema.sql import Same, Sql, filled
from artsimilarity.schema.states import RolloutState

# How much an example to move away from counts against one to move towards.
_UNLIKE_WEIGHT = 0.5


@dataclass(frozen=True, kw_only=True)
class QueryVector:
    """A vector to compare pictures with, as SQL.

    Attributes:
        vector: a ``halfvec`` of both blocks, each of length 1, or all zero if it does not matter.
        recipe: the fingerprint of its recipe. Pictures of other recipes are not compared with it.
        excluded: primary keys of the examples, which are no answer.
        source: ``FROM ... WHERE ...`` of the row that ``vector`` is read from, if it is.
        in_either: look for vectors of the recipe in both columns, and not only among those served.
        values: the vector's values, where they are known here and not read by the database.
        is_picture: it is the vector of one picture, so scores mean what they mean for any pair.
    """

    vector: Sql
    recipe: str
    excluded: tuple[Any, ...] = ()
    source: Sql | None = None
    in_either: bool = False
    values: tuple[float, ...] = ()
    is_picture: bool = False

    @cached_property
    def block_sizes(self) -> tuple[int, int]:
        """Values of the style block and of the colour block."""
        return block_sizes(self.recipe)

    @property
    def itself(self) -> Any:
        """The primary key of the stored picture whose vector it is; None if it is of no such."""
        return self.excluded[0] if self.source is not None else None

    def column(self, library: Library) -> Any:
        """The vector of a picture that meets the condition."""
        served = F(library.lookup("embedding"))
        if not self.in_either:
            return served
        return Case(
            When(self._is_served(library), then=served),
            default=F(library.lookup("embedding_next")),
            output_field=Field(),
        )

    def indexed(self, library: Library, graph: Graph) -> Any:
        """The same as an index of the recipe has it."""
        return as_indexed(self.column(library), self.recipe, graph)

    def condition(self, library: Library) -> Q:
        """Which pictures can be compared with it."""
        served = self._is_served(library)
        if self.in_either:
            served |= self._has(library, "embedding_next")
        # A vector of another file than the picture holds now, as after update(), is none of it.
        return served & Q(Same(library.lookup("embedding_image"), library.image_field))

    def _is_served(self, library: Library) -> Q:
        return self._has(library, "embedding")

    def _has(self, library: Library, vector: str) -> Q:
        vector, recipe = library.lookup(vector), library.lookup(f"{vector}_recipe")
        return Q(**{f"{vector}__isnull": False, recipe: self.recipe})

    def excluded_keys(self, model: type[Model], using: str) -> Any:
        """The excluded primary keys as the database has them."""
        to_column, connection = model._meta.pk.get_db_prep_value, connections[using]
        return [to_column(pk, connection) for pk in self.excluded]

    def weights(self, style: float) -> tuple[Any, Any]:
        """What the style block and the colour block are multiplied with at a balance."""
        return style, 1 - style

    def index_weights(self, style: float) -> tuple[Any, Any]:
        """The same for a product with what the index has, which has its own factors."""
        of_style, of_colour = GRAPH_FACTORS
        return style / of_style, (1 - style) / of_colour

    def weighted(self, style: float) -> Sql:
        """The style block times ``style``, and the colour block times ``1 - style``."""
        return self._times(*self.weights(style))

    def weighted_for_index(self, style: float, graph: Graph) -> Any:
        """The same, so that its product with what an index has is the same again."""
        if graph is Graph.COLOUR:
            return as_indexed(self.vector, self.recipe, graph)
        return self._times(*self.index_weights(style))

    def weigh(self, vector: str, style: float) -> Sql:
        """The same of another vector of this recipe, given as SQL without parameters."""
        return self._multiply(vector, style, 1 - style)

    def _times(self, *factors: Any) -> Sql:
        multiplied = self._multiply(self.vector.sql, *factors)
        # Within a query of its own Postgres works it out once, and not for each row again.
        return Sql(f"(SELECT {multiplied.sql})", [*self.vector.params, *multiplied.params])

    def _multiply(self, vector: str, *factors: Any) -> Sql:
        """In single precision: pgvector refuses a product of two half ones that rounds to zero."""
        total = sum(self.block_sizes)
        weights = filled(["%s"] * len(factors), self.block_sizes)
        return Sql(
            f"({vector}::vector({total}) * ({weights})::vector({total}))::halfvec({total})", factors
        )


def stored_vector(
    library: Library, picture: Model, row: EmbeddingColumns | None = None
) -> QueryVector:
    """Return a saved picture's vector, to be read inside the query for the others.

    Args:
        library: that is searched.
        picture: whose vector it is.
        row: that holds it, if the caller has it at hand.
    """
    row = row or library.row_of(picture)
    fingerprint = (row and row.embedding_recipe) or get_settings().recipe.fingerprint
    return _served_vector(library, picture.pk, fingerprint)


def _served_vector(library: Library, pk: Any, recipe: str) -> QueryVector:
    """The vector of that recipe which a picture is served by; none if it is served by another."""
    table, key = library.table()
    to_column = library.model._meta.pk.get_db_prep_value
    source = Sql(
        f"FROM {table} t WHERE t.{key} = %s AND t.embedding IS NOT NULL"
        f" AND t.embedding_recipe = %s AND t.embedding_image = {library.image_sql('t')}",
        [to_column(pk, connections[library.using]), recipe],
    )
    return QueryVector(
        vector=Sql(f"(SELECT t.embedding {source.sql})", source.params),
        recipe=recipe,
        excluded=(pk,),
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
        vector=Sql(f"%s::halfvec({style + colour})", [_literal(blocks)]),
        recipe=recipe,
        excluded=tuple(excluded),
        values=tuple(blocks),
        is_picture=is_picture,
    )


def vector_of_examples(
    library: Library,
    liked: Sequence[tuple[Any, float]],
    unlike: Sequence[tuple[Any, float]] = (),
) -> QueryVector | None:
    """Return the middle of some pictures, moved away from others; reads their vectors now.

    With vectors v, weights w and m or n pictures that count, each block is that of
    ``sum(w * v of liked) / m - sum(w * v of unlike) / (2 * n)``, scaled to length 1. The vectors of
    one recipe are taken, the one that most of them are served by. Pictures without such a vector do
    not count.

    Args:
        library: the pictures'.
        liked: primary keys of those to move towards, at least one, with their weights above 0.
        unlike: the same of those to move away from.

    Returns:
        The query vector; None if none of ``liked`` has a vector.
    """
    pks = tuple(pk for pk, _weight in (*liked, *unlike))
    most = max(weight for _pk, weight in (*liked, *unlike))  # weights near 1 can be multiplied
    rows = library.rows.current().filter(pk__in=pks, embedding__isnull=False)
    vectors = {pk: (r, v) for pk, r, v in rows.values_list("pk", "embedding_recipe", "embedding")}
    recipes = Counter(vectors[pk][0] for pk, _weight in liked if pk in vectors)
    if not recipes:
        return None
    recipe = recipes.most_common(1)[0][0]

    def weighted(examples: Sequence[tuple[Any, float]]) -> list[list[float]]:
        known = [(vectors[pk], weight / most) for pk, weight in examples if pk in vectors]
        return [[weight * one for one in v] for (made_by, v), weight in known if made_by == recipe]

    values = _mean(weighted(liked))
    if away := weighted(unlike):
        pairs = zip(values, _mean(away), strict=True)
        values = [value - _UNLIKE_WEIGHT * other for value, other in pairs]
    return given_vector(values, recipe, excluded=pks)


def since_promotion(query: QueryVector, library: Library) -> QueryVector:
    """Return what to search by where a new recipe was put into service since a query was made.

    A picture is searched for by the vector that it is served by now. Any other vector is compared
    with those of its own recipe, which are kept beside those that are served. So a search that a
    promotion overtakes ends in a full page of one recipe. Otherwise the query itself.
    """
    if query.source is not None:
        pk = query.itself
        recipe = library.rows.filter(pk=pk).values_list("embedding_recipe", flat=True).first()
        return query if recipe in (None, "", query.recipe) else _served_vector(library, pk, recipe)
    latest = library.rollout()
    if latest is None or latest.state != RolloutState.PROMOTED:
        return query
    return query if latest.fingerprint == query.recipe else replace(query, in_either=True)


def _mean(vectors: Sequence[Sequence[float]]) -> list[float]:
    return [sum(values) / len(vectors) for values in zip(*vectors, strict=True)]


def _unit(values: Sequence[float]) -> list[float]:
    length = math.hypot(*values)
    return [value / length for value in values] if length else list(values)


def _literal(values: Sequence[float]) -> str:
    """Write a vector as Postgres reads it; half precision keeps fewer digits than this."""
    return f"[{','.join(f'{value:.6g}' for value in values)}]"
