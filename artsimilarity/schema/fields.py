"""Model fields that only workers write.

A worker fills these columns behind the back of every instance that is in memory somewhere: a form
that was opened before and is saved after must not put the old values back. So on UPDATE their
``pre_save`` hands the database the column itself (``SET embedding = embedding``); only an INSERT,
a fixture (``raw``) and ``QuerySet.update()`` write a value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import F
from pgvector.django import HalfVectorField

# As artsimilarity.encoder.copy_descriptor.SIZE, which stands in a module that imports numpy.
COPY_DESCRIPTOR_DIMENSIONS = 256

# Columns that ordinary pages leave in the database.
VECTORS = ("embedding", "embedding_next", "embedding_copy_descriptor")

if TYPE_CHECKING:  # the stubs' classes are generic, Django's own are not
    _Field = models.Field[Any, Any]
else:
    _Field = models.Field


class WorkerWritten(_Field):
    """Keeps the column's value through ``Model.save()`` of a row that exists."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["editable"] = False
        # "All fields" of a serializer, a fixture or a version of a row are the host's own.
        kwargs["serialize"] = False
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> tuple[str, str, list[Any], dict[str, Any]]:
        name, path, args, kwargs = super().deconstruct()
        for always in ("editable", "serialize"):
            kwargs.pop(always, None)
        return name, path, list(args), kwargs

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        if add:
            return super().pre_save(model_instance, add)
        return F(self.attname)


class EmbeddingField(WorkerWritten, HalfVectorField):
    """A ``halfvec`` column for vectors of any recipe, whatever its number of dimensions.

    So a new recipe needs no migration. Which recipe a row's vector is of stands beside it, and each
    recipe has an index of its own (:mod:`artsimilarity.schema.indexes`).
    """

    description = "Embedding of a picture"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("null", True)
        super().__init__(*args, **kwargs)


class CopyDescriptorField(WorkerWritten, HalfVectorField):
    """A ``halfvec`` column for :mod:`artsimilarity.encoder.copy_descriptor`; null if flat."""

    description = "Copy descriptor of a picture"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("dimensions", COPY_DESCRIPTOR_DIMENSIONS)
        kwargs.setdefault("null", True)
        super().__init__(*args, **kwargs)


class WorkerTextField(WorkerWritten, models.TextField):  # type: ignore[type-arg]
    """Text that only workers write."""


class WorkerIntegerField(WorkerWritten, models.PositiveSmallIntegerField):  # type: ignore[type-arg]
    """A small count that only workers write."""


class WorkerBooleanField(WorkerWritten, models.BooleanField):  # type: ignore[type-arg]
    """A fact that only workers state."""


class WorkerDateTimeField(WorkerWritten, models.DateTimeField):  # type: ignore[type-arg]
    """A moment that only workers write."""
