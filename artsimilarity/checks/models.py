"""Checks of what a host wrote on a model: its image field, recipe, manager and weights."""

from __future__ import annotations

from django.core import checks
from django.core.exceptions import FieldDoesNotExist
from django.db import models

from artsimilarity.conf import get_settings
from artsimilarity.encoder.weight_files import WeightsError, find_weights
from artsimilarity.schema.columns import EmbeddingColumns
from artsimilarity.schema.fields import VECTORS, EmbeddingField

# The most dimensions of a halfvec that an HNSW index takes.
HNSW_MAX_DIMENSIONS = 4000


def check_model(model: type[EmbeddingColumns]) -> list[checks.CheckMessage]:
    """Check what a host wrote: its image field, its recipe, its manager."""
    if model._meta.abstract:
        return []
    return [
        *_check_image_field(model),
        *_check_dimensions(model),
        *_check_manager(model),
        *_check_weights(model),
    ]


def _check_image_field(model: type[EmbeddingColumns]) -> list[checks.CheckMessage]:
    name = model.similarity_image_field
    try:
        field = model._meta.get_field(name)
    except FieldDoesNotExist:
        field = None
    if isinstance(field, models.FileField):
        return []
    what = "has no field" if field is None else "has no ImageField or FileField called"
    return [
        checks.Error(
            f"{model.__name__} {what} {name!r}.",
            hint=f"Set similarity_image_field on {model.__name__} to the name of the field that "
            f"holds the picture.",
            obj=model,
            id="artsimilarity.E001",
        )
    ]


def _check_dimensions(model: type[EmbeddingColumns]) -> list[checks.CheckMessage]:
    recipe = get_settings().recipe
    messages: list[checks.CheckMessage] = []
    for name in ("embedding", "embedding_next"):
        field = model._meta.get_field(name)
        if isinstance(field, EmbeddingField) and field.dimensions != recipe.dimensions:
            messages.append(
                checks.Error(
                    f"{model.__name__}.{name} has {field.dimensions} dimensions, but recipe "
                    f"{recipe.name!r} makes {recipe.dimensions}.",
                    hint="Declare the field without dimensions, or choose another "
                    "ARTSIMILARITY['RECIPE'].",
                    obj=field,
                    id="artsimilarity.E002",
                )
            )
    if recipe.dimensions > HNSW_MAX_DIMENSIONS:
        messages.append(
            checks.Error(
                f"Recipe {recipe.name!r} makes {recipe.dimensions} dimensions; an HNSW index "
                f"takes at most {HNSW_MAX_DIMENSIONS}.",
                hint="Choose another ARTSIMILARITY['RECIPE'], or fewer style dimensions or "
                "colour bins.",
                obj=model,
                id="artsimilarity.E003",
            )
        )
    return messages


def _check_manager(model: type[EmbeddingColumns]) -> list[checks.CheckMessage]:
    deferred, defer = model._default_manager.get_queryset().query.deferred_loading
    if defer and set(VECTORS) <= set(deferred):
        return []
    return [
        checks.Warning(
            f"{model.__name__}'s default manager loads three vectors with every row.",
            hint="Let it inherit from artsimilarity.models.SimilarityManager, or add "
            ".defer(*artsimilarity.schema.fields.VECTORS) to its get_queryset().",
            obj=model,
            id="artsimilarity.W001",
        )
    ]


def _check_weights(model: type[EmbeddingColumns]) -> list[checks.CheckMessage]:
    """Look for the weights before any task starts; a warning, as only workers need them."""
    settings = get_settings()
    messages: list[checks.CheckMessage] = []
    for recipe in filter(None, (settings.recipe, settings.next_recipe)):
        try:
            find_weights(recipe)
        except WeightsError as error:
            messages.append(
                checks.Warning(
                    str(error),
                    hint="Only machines that run workers need the weights.",
                    obj=model,
                    id="artsimilarity.W005",
                )
            )
    return messages
