"""One picture model in one database: where its pictures are, and where their vectors."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self, TypeGuard

from django.apps import apps
from django.core.files.storage import Storage
from django.db import connections, models, router
from django.http import HttpRequest

from artsimilarity.library.recipes import RecipesInForce, recipes_in_force
from artsimilarity.library.rows import EmbeddingQuerySet
from artsimilarity.schema.columns import EmbeddingColumns
from artsimilarity.schema.states import RolloutState
from artsimilarity.schema.tables import Rollout


@dataclass(frozen=True)
class Library:
    """A picture model in one database.

    Attributes:
        model: the host's picture model, or a proxy of it.
        using: database alias.
    """

    model: type[models.Model]
    using: str

    @classmethod
    def of(cls, model: type[models.Model]) -> Self:
        """Return the model's library in the database that its rows are written to."""
        return cls(model, router.db_for_write(model))

    @classmethod
    def searched(cls, pictures: models.QuerySet[Any]) -> Self:
        """Return the library that some pictures are read from."""
        return cls(pictures.model, pictures.db)

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
        if not issubclass(self.model, EmbeddingColumns):
            raise TypeError(
                f"{self.model.__name__} has no embedding: let it inherit from "
                f"artsimilarity.models.SimilarityMixin."
            )
        return self.model

    @property
    def label(self) -> str:
        """``app.Model``, under which our own tables speak of it; a proxy has its model's label."""
        return (self.model._meta.concrete_model or self.model)._meta.label

    @property
    def name(self) -> str:
        """``app.Model`` of the very model, for messages and tasks."""
        return self.model._meta.label

    @property
    def image_field(self) -> str:
        """Name of the picture model's field that holds the picture."""
        return self.holder.similarity_image_field

    @property
    def finds_duplicates(self) -> bool:
        """Whether workers look for scans of one print."""
        return self.holder.similarity_finds_duplicates

    @property
    def storage(self) -> Storage:
        """Where the pictures' files are."""
        storage: Storage = self.model._meta.get_field(self.image_field).storage  # type: ignore[union-attr]
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
        return EmbeddingQuerySet[Any](
            self.holder, query=pictures.query.chain(), using=self.using
        ).order_by()

    def row_of(self, picture: models.Model) -> EmbeddingColumns | None:
        """Return the row that holds a picture's vector; None if it has none yet."""
        return picture if isinstance(picture, EmbeddingColumns) else None

    def lookup(self, column: str) -> str:
        """Return the lookup that leads from a picture to a column of its embedding."""
        return column

    def table(self) -> tuple[str, str]:
        """Return the quoted names of the table with the vectors, and of its primary key."""
        options = self.holder.similarity_table()._meta
        quote = connections[self.using].ops.quote_name
        return quote(options.db_table), quote(str(options.pk.column))

    def digests(self, keys: Iterable[str]) -> dict[str, str]:
        """Return the digests of the files that embeddings speak of, by primary key as text."""
        return self.rows.digests(keys)

    # What its vectors are made by

    def rollout(self) -> Rollout | None:
        """Return the latest roll-out of a new recipe, finished or not."""
        return Rollout.objects.using(self.using).filter(model_label=self.label).first()

    def is_promoting(self) -> bool:
        """Whether a new recipe is being put into service at this moment."""
        rollouts = Rollout.objects.using(self.using)
        return rollouts.filter(model_label=self.label, state=RolloutState.PROMOTING).exists()

    def recipes(self) -> RecipesInForce:
        """Return the recipes that pictures are embedded with at this moment."""
        return recipes_in_force(self.label, self.using)


def libraries(*, proxies: bool = False) -> list[Library]:
    """Return the libraries of all installed models with an embedding, proxies if asked for."""
    return [
        Library.of(model)
        for model in apps.get_models()
        if with_columns(model) and (proxies or not model._meta.proxy)
    ]


def with_columns(model: type[models.Model]) -> TypeGuard[type[EmbeddingColumns]]:
    """Whether the model's own rows hold vectors."""
    return issubclass(model, EmbeddingColumns)
