"""One picture model in one database: where its pictures are, and where their vectors."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

from django.apps import apps
from django.core.files.storage import Storage
from django.db import connections, models, router
from django.http import HttpRequest

from artsimilarity.conf import get_settings
from artsimilarity.library.recipes import RecipesInForce, recipes_in_force
from artsimilarity.library.rows import EmbeddingQuerySet
from artsimilarity.schema.columns import EmbeddingColumns
from artsimilarity.schema.fields import VECTORS
from artsimilarity.schema.indexes import GRAPH_FACTORS, Graph, index_name
from artsimilarity.schema.tables import Rollout

# The expression and the condition of an index, as Postgres writes them.
_FACTOR = re.compile(r"array_fill\(\(?'?([0-9.]+)")
_CONDITION = re.compile(r"embedding(?:_next)?_recipe = '([^']*)'")

# Rows of a companion made by one statement.
_BATCH = 2_000


@dataclass(frozen=True, kw_only=True)
class FoundIndex:
    """An index of vectors, as the database has it.

    Attributes:
        is_valid: whether it was built to its end.
        options: parameters that it was built with, such as ``m``.
        recipe: fingerprint of the recipe whose vectors alone are in it; empty if of all.
        can_be_asked: whether it has vectors as searches ask for them; one of both blocks that an
            earlier release has built has not.
        file: number of the file that holds it, another one after each way of building it anew.
    """

    is_valid: bool
    options: Mapping[str, str]
    recipe: str
    can_be_asked: bool
    file: int


@dataclass(frozen=True)
class Library:
    """A picture model in one database.

    Attributes:
        model: the host's picture model, or a proxy of it; given a companion, its picture model.
        using: database alias.
    """

    model: type[models.Model]
    using: str

    def __post_init__(self) -> None:
        if is_companion(self.model):
            object.__setattr__(self, "model", self.model.similarity_picture_model())  # type: ignore[attr-defined]

    @classmethod
    def of(cls, model: type[models.Model]) -> Self:
        """Return the model's library in the database that its rows are written to."""
        return cls(model, router.db_for_write(model))

    @classmethod
    def searched(cls, pictures: models.QuerySet[Any]) -> Self:
        """Return the library that some pictures are read from."""
        return cls(pictures.model, pictures.db)

    @classmethod
    def loaded(cls, picture: models.Model) -> Self:
        """Return the library that a picture was loaded from, which may be a replica."""
        model = type(picture)
        return cls(model, picture._state.db or router.db_for_read(model))

    @classmethod
    def written(cls, pictures: models.QuerySet[Any]) -> Self:
        """Return the library that some pictures are written to."""
        return cls(pictures.model, pictures.select_for_update().db)

    # What it is called, and what the host said of it

    @cached_property
    def holder(self) -> type[EmbeddingColumns]:
        """The model whose rows hold the vectors, and on which the host says how to treat them.

        Raises:
            TypeError: the model has no embedding.
        """
        holder = holder_of(self.model)
        if holder is None:
            raise TypeError(
                f"{self.model.__name__} has no embedding: let it inherit from "
                f"artsimilarity.models.SimilarityMixin, or declare a companion that inherits from "
                f"artsimilarity.models.SimilarityCompanion."
            )
        return holder

    @property
    def has_companion(self) -> bool:
        """Whether the vectors are in a table beside the pictures'."""
        return is_companion(self.holder)

    @property
    def label(self) -> str:
        """``app.Model``, under which our own tables speak of it; a proxy has its model's label."""
        return (self.model._meta.concrete_model or self.model)._meta.label

    @property
    def name(self) -> str:
        """``app.Model`` of the very model, for messages and tasks."""
        return self.model._meta.label

    @property
    def database(self) -> tuple[str, str]:
        """What tells its database from others, also where tests put another behind the alias."""
        return self.using, str(connections[self.using].settings_dict["NAME"])

    @property
    def image_field(self) -> str:
        """Name of the picture model's field that holds the picture."""
        return self.holder.similarity_image_field

    @property
    def shows_thumbnails_of_host(self) -> bool:
        """Whether the host's ``similarity_thumbnail`` says what is shown of a picture."""
        return hasattr(self.holder, "similarity_thumbnail")

    @property
    def finds_duplicates(self) -> bool:
        """Whether workers look for scans of one print."""
        return self.holder.similarity_finds_duplicates

    @property
    def finds_area(self) -> bool:
        """Whether workers look for the picture's own area, where a recipe does."""
        return get_settings().FIND_AREA and self.holder.similarity_finds_area

    @property
    def storage(self) -> Storage:
        """Where the pictures' files are."""
        field: Any = self.model._meta.get_field(self.image_field)
        storage: Storage = field.storage
        return storage

    def visible(self, request: HttpRequest | None) -> models.QuerySet[Any]:
        """Return the pictures that the visitor of ``request`` may meet among neighbours."""
        return self.holder.similarity_queryset(request)

    # Its rows

    @property
    def pictures(self) -> models.QuerySet[Any]:
        """All pictures, as the host's models."""
        return self.model._base_manager.using(self.using)

    @property
    def rows(self) -> EmbeddingQuerySet[Any]:
        """All rows that hold vectors, by the primary keys of their pictures."""
        return EmbeddingQuerySet[Any](self.holder, using=self.using)

    def rows_of(self, pictures: models.QuerySet[Any]) -> EmbeddingQuerySet[Any]:
        """Return the rows that hold the vectors of some pictures."""
        if self.has_companion:
            return self.rows.filter(pk__in=pictures.using(self.using).order_by().values("pk"))
        return EmbeddingQuerySet[Any](
            self.holder, query=pictures.query.chain(), using=self.using
        ).order_by()

    def row_of(self, picture: models.Model) -> EmbeddingColumns | None:
        """Return the row that holds a picture's vector, itself not loaded; None if there is none.

        One query where it is a companion's, and where it was loaded from another database: a
        replica may not have what its primary has, or have it still.
        """
        row: Any = None
        if isinstance(picture, EmbeddingColumns):
            row = picture
        elif self._to_row.is_cached(picture):
            row = self._to_row.get_cached_value(picture)
        if row is not None and row._state.db in (None, self.using):
            loaded: EmbeddingColumns = row
            return loaded
        return self.rows.filter(pk=picture.pk).defer(*VECTORS).first()

    def load_rows(self, pictures: Sequence[Any]) -> None:
        """Load the rows of several pictures with one query, where they are a companion's.

        From the database that the pictures themselves were loaded from.
        """
        if self.has_companion and pictures:
            rows = self.rows.using(pictures[0]._state.db or self.using).defer(*VECTORS)
            to_row: Any = models.Prefetch(self._to_row.get_accessor_name(), rows)
            models.prefetch_related_objects(pictures, to_row)

    def rows_by_key(self, pictures: Sequence[Any]) -> Mapping[Any, EmbeddingColumns]:
        """Return the rows of several pictures, by primary key; one query at most."""
        rows: Iterable[EmbeddingColumns | None]
        if any(picture._state.db not in (None, self.using) for picture in pictures):
            rows = self.rows.filter(pk__in=[one.pk for one in pictures]).defer(*VECTORS)
        else:
            self.load_rows(pictures)
            rows = (self.row_of(picture) for picture in pictures)
        return {row.pk: row for row in rows if row is not None}

    def lookup(self, column: str) -> str:
        """Return the lookup that leads from a picture to a column of its embedding."""
        return f"{self._row_lookup}__{column}" if self.has_companion else column

    def table(self) -> tuple[str, str]:
        """Return the quoted names of the table with the vectors, and of its primary key."""
        options = self.holder.similarity_table()._meta
        quote = connections[self.using].ops.quote_name
        return quote(options.db_table), quote(str(options.pk.column))

    def image_sql(self, alias: str) -> str:
        """Return SQL for the file that the picture of a row holds, the row's table having an alias.

        That is a column of the same table, unless the pictures are in another.
        """
        picture = self.holder.similarity_picture_model()
        field: Any = picture._meta.get_field(self.image_field)
        quote = connections[self.using].ops.quote_name
        if field.model is self.holder.similarity_table():
            return f"{alias}.{quote(field.column)}"
        options = field.model._meta
        _table, key = self.table()
        return (
            f"(SELECT p.{quote(field.column)} FROM {quote(options.db_table)} p"  # noqa: S608
            f" WHERE p.{quote(options.pk.column)} = {alias}.{key})"
        )

    @property
    def _row_lookup(self) -> str:
        name: str = self._to_row.field.related_query_name()
        return name

    @property
    def _to_row(self) -> Any:
        """The relation from a picture to its companion's row."""
        field: Any = self.holder._meta.get_field(self.holder.similarity_picture_field)
        return field.remote_field

    # Rows that a companion lacks or has too many

    def without_row(self) -> models.QuerySet[Any]:
        """Return the pictures that no row stands for yet; none where a picture is its own row."""
        if not self.has_companion:
            return self.pictures.none()
        return self.pictures.filter(**{f"{self._row_lookup}__isnull": True})

    def add_rows(self, pks: Iterable[Any] | None = None) -> int:
        """Make the rows that pictures lack, some or all; returns how many were lacking."""
        pictures = self.without_row() if pks is None else self.without_row().filter(pk__in=pks)
        missing = pictures.order_by("pk").values_list("pk", flat=True)
        made, left = 0, missing
        while some := list(left[:_BATCH]):
            rows = [self.new_row(pk) for pk in some]
            self.holder._base_manager.using(self.using).bulk_create(rows, ignore_conflicts=True)
            made += len(rows)
            left = missing.filter(pk__gt=some[-1])
        return made

    def new_row(self, pk: Any) -> EmbeddingColumns:
        """Return a blank row for a picture, not saved."""
        row = self.holder()
        row.pk = pk
        return row

    def delete_orphans(self) -> int:
        """Delete the rows of pictures that are gone, where no constraint of the database does."""
        if not self.has_companion:
            return 0
        pictures = self.pictures.filter(pk=models.OuterRef("pk"))
        return self.rows.filter(~models.Exists(pictures)).delete()[0]

    # What its vectors are made by

    def rollout(self) -> Rollout | None:
        """Return the latest roll-out of a new recipe, finished or not."""
        return Rollout.objects.using(self.using).filter(model_label=self.label).first()

    def recipes(self) -> RecipesInForce:
        """Return the recipes that pictures are embedded with at this moment."""
        return recipes_in_force(
            self.rollout(), self._present_recipe(), lambda one: self.rows.served(one).exists()
        )

    def _present_recipe(self) -> str:
        """Fingerprint of the recipe that the library seems to be under; empty if by none.

        The index of what is served tells, without a look at any row; where there is none, the
        first of the rows does.
        """
        index = self.find_index("embedding")
        if index and index.recipe:
            return index.recipe
        served = self.rows.filter(embedding__isnull=False)
        return served.values_list("embedding_recipe", flat=True).first() or ""

    def estimated_rows(self) -> float:
        """Return the rows of the vectors' table, as the last ANALYZE saw it; below 1 if none did.

        What the planner of Postgres goes by; counting them would take as long as reading them.
        """
        table, _key = self.table()
        with connections[self.using].cursor() as cursor:
            cursor.execute("SELECT reltuples FROM pg_class WHERE oid = to_regclass(%s)", [table])
            found = cursor.fetchone()
        return float(found[0]) if found else 0.0

    def find_index(self, column: str, graph: Graph = Graph.BOTH) -> FoundIndex | None:
        """Return what the database has for an index of the vectors in a column; None if none."""
        table, _key = self.table()
        with connections[self.using].cursor() as cursor:
            cursor.execute(
                "SELECT indisvalid, coalesce(reloptions, '{}'),"
                " coalesce(pg_get_expr(indpred, indrelid), ''),"
                " coalesce(pg_get_expr(indexprs, indrelid), ''),"
                # A partitioned index has no file of its own.
                " coalesce(pg_relation_filenode(indexrelid), indexrelid)::bigint FROM pg_index"
                " JOIN pg_class ON pg_class.oid = indexrelid"
                " WHERE indrelid = to_regclass(%s) AND relname = %s",
                [table, index_name(self.holder.similarity_table(), column, graph)],
            )
            row = cursor.fetchone()
        if row is None:
            return None
        is_valid, options, condition, expression, file = row
        recipe = _CONDITION.search(condition)
        return FoundIndex(
            is_valid=is_valid,
            options=dict(option.split("=") for option in options),
            recipe=recipe[1] if recipe else "",
            can_be_asked=graph is Graph.COLOUR or _has_our_factors(expression),
            file=file,
        )


def libraries(*, proxies: bool = False) -> list[Library]:
    """Return the libraries of all installed models with an embedding.

    Args:
        proxies: also of their proxies, and of children of a picture model that has a companion.
    """
    found = []
    for model in apps.get_models():
        holder = holder_of(model)
        if holder is None or is_companion(model) or (model._meta.proxy and not proxies):
            continue
        inherited = is_companion(holder) and holder.similarity_picture_model() is not model
        if proxies or not inherited:
            found.append(Library.of(model))
    return found


def _has_our_factors(expression: str) -> bool:
    """Whether the blocks are multiplied with what searches divide by."""
    factors = [float(one) for one in _FACTOR.findall(expression)]
    return len(factors) == len(GRAPH_FACTORS) and all(
        math.isclose(one, ours, rel_tol=1e-6)
        for one, ours in zip(factors, GRAPH_FACTORS, strict=True)
    )


def holder_of(model: type[models.Model]) -> type[EmbeddingColumns] | None:
    """Return the model that holds the vectors of a picture model's rows, if any does."""
    if issubclass(model, EmbeddingColumns):
        return model
    for relation in model._meta.related_objects:
        other = relation.related_model
        if relation.one_to_one and isinstance(other, type) and is_companion(other):
            companion: Any = other
            if companion.similarity_picture_field == relation.field.name:
                holder: type[EmbeddingColumns] = companion
                return holder
    return None


def is_companion(model: type[models.Model]) -> bool:
    """Whether the model's rows hold the vectors of another model's pictures."""
    return issubclass(model, EmbeddingColumns) and bool(model.similarity_picture_field)
