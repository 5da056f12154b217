"""Checks of what a host wrote on a model: its image field, recipe, manager and weights."""

from __future__ import annotations

from django.core import checks
from django.core.exceptions import FieldDoesNotExist, ImproperlyConfigured
from django.db import models, router

from artsimilarity.conf import get_settings
from artsimilarity.encoder.weight_files import WeightsError, find_weights
from artsimilarity.library import Library
from artsimilarity.library.thumbnails import load_adapter
from artsimilarity.schema.columns import SCORES, EmbeddingColumns
from artsimilarity.schema.fields import VECTORS, EmbeddingField

# The most dimensions of a halfvec that an HNSW index takes.
HNSW_MAX_DIMENSIONS = 4000


def check_model(model: type[EmbeddingColumns]) -> list[checks.CheckMessage]:
    """Check what a host wrote on a model of its own: its key, image field, recipe and manager."""
    if model._meta.abstract:
        return []
    return [
        *_check_key(model),
        *_check_image_field(model, model),
        *_check_dimensions(model),
        *_check_manager(model),
        *_check_router(model),
        *_check_weights(model),
        *_check_words(model),
        *_check_address(model),
        *_check_thumbnails(model),
    ]


def check_companion(companion: type[EmbeddingColumns]) -> list[checks.CheckMessage]:
    """Check what a host wrote on a companion: its one-to-one field, and the picture it leads to."""
    if companion._meta.abstract:
        return []
    messages = _check_picture_field(companion)
    if messages:
        return messages
    picture = companion.similarity_picture_model()
    return [
        *_check_key(picture),
        *_check_image_field(picture, companion),
        *_check_dimensions(companion),
        *_check_router(companion),
        *_check_weights(companion),
        *_check_words(companion),
        *_check_address(companion),
        *_check_thumbnails(companion),
    ]


def _check_picture_field(companion: type[EmbeddingColumns]) -> list[checks.CheckMessage]:
    name = companion.similarity_picture_field
    try:
        field = companion._meta.get_field(name)
    except FieldDoesNotExist:
        field = None
    if (
        isinstance(field, models.OneToOneField)
        and field.primary_key
        and not field.remote_field.hidden
        and field.related_query_name() not in SCORES
    ):
        return []
    return [
        checks.Error(
            f"{companion.__name__}.{name} must be a OneToOneField that is the primary key and can "
            f"be followed back from the picture, by a name that no search takes.",
            hint=f"Write: {name} = models.OneToOneField('app.Picture', models.CASCADE, "
            f"primary_key=True, db_constraint=False, related_name='embedding')",
            obj=companion,
            id="artsimilarity.E006",
        )
    ]


def _check_key(model: type[models.Model]) -> list[checks.CheckMessage]:
    if not getattr(model._meta, "pk_fields", None) or len(model._meta.pk_fields) == 1:
        return []
    return [
        checks.Error(
            f"{model.__name__} has a primary key of several columns, which embeddings cannot have.",
            hint="Give the model a key of one column, and make a UniqueConstraint of the several.",
            obj=model,
            id="artsimilarity.E007",
        )
    ]


def _check_image_field(
    picture: type[models.Model], holder: type[EmbeddingColumns]
) -> list[checks.CheckMessage]:
    name = holder.similarity_image_field
    try:
        field = picture._meta.get_field(name)
    except FieldDoesNotExist:
        field = None
    if isinstance(field, models.FileField):
        return []
    what = "has no field" if field is None else "has no ImageField or FileField called"
    hint = (
        f"Set similarity_image_field on {holder.__name__} to the name of the field that holds the "
        f"picture."
    )
    if "__" in name:
        hint = (
            "A picture in another model's row is embedded there: declare a companion of that model "
            "(artsimilarity.models.SimilarityCompanion, docs/companions.md)."
        )
    return [
        checks.Error(
            f"{picture.__name__} {what} {name!r}.",
            hint=hint,
            obj=holder,
            id="artsimilarity.E001",
        )
    ]


def _check_router(holder: type[EmbeddingColumns]) -> list[checks.CheckMessage]:
    """Our own tables and pgvector belong into the database of the pictures."""
    using = router.db_for_write(holder.similarity_picture_model())
    messages: list[checks.CheckMessage] = []
    if not router.allow_migrate(using, "artsimilarity"):
        messages.append(
            checks.Error(
                f"The pictures of {holder.__name__} are in database {using!r}, into which the "
                f"routers do not let the app artsimilarity migrate.",
                hint=f"Let allow_migrate({using!r}, 'artsimilarity') return True in your router, "
                f"then run 'manage.py migrate --database {using}'.",
                obj=holder,
                id="artsimilarity.E008",
            )
        )
    if (other := router.db_for_write(holder)) != using:
        messages.append(
            checks.Error(
                f"{holder.__name__} is written to database {other!r}, its pictures to {using!r}: "
                f"one query cannot join them.",
                hint=f"Route {holder._meta.label} to {using!r} too.",
                obj=holder,
                id="artsimilarity.E009",
            )
        )
    return messages


def _check_dimensions(model: type[EmbeddingColumns]) -> list[checks.CheckMessage]:
    recipe = get_settings().recipe
    messages: list[checks.CheckMessage] = []
    for name in ("embedding", "embedding_next"):
        field = model._meta.get_field(name)
        if isinstance(field, EmbeddingField) and field.dimensions is not None:
            messages.append(
                checks.Error(
                    f"{model.__name__}.{name} takes vectors of {field.dimensions} dimensions "
                    f"alone, so that no recipe of another size can be rolled out.",
                    hint="Declare the field without dimensions.",
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
    messages: list[checks.CheckMessage] = []
    for recipe in get_settings().named_recipes:
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


def _check_words(holder: type[EmbeddingColumns]) -> list[checks.CheckMessage]:
    """Look for words that may stand under a picture."""
    model = Library.of(holder).model
    if hasattr(holder, "similarity_caption") or model.__str__ is not models.Model.__str__:
        return []
    return [
        checks.Warning(
            f'{model.__name__} has no __str__: visitors read "{model.__name__} object (1)" under '
            f"its pictures.",
            hint=f"Write on {model.__name__}: def __str__(self): return self.title; or on "
            f"{holder.__name__}, with the artist: def similarity_caption(picture): "
            f"return picture.title, picture.artist.",
            obj=model,
            id="artsimilarity.W011",
        )
    ]


def _check_address(holder: type[EmbeddingColumns]) -> list[checks.CheckMessage]:
    """Look for the page that a picture leads to."""
    model = Library.of(holder).model
    if hasattr(holder, "similarity_url") or hasattr(model, "get_absolute_url"):
        return []
    other = "" if holder is model else f"or on {holder.__name__}: def similarity_url(picture). "
    return [
        checks.Warning(
            f"{model.__name__} has no get_absolute_url: its pictures among neighbours are no "
            f"links.",
            hint=f"Write on {model.__name__}: def get_absolute_url(self): "
            f'return reverse("{model._meta.model_name}", args=[self.pk]). {other}'
            f"If they have no page, add artsimilarity.W012 to SILENCED_SYSTEM_CHECKS.",
            obj=model,
            id="artsimilarity.W012",
        )
    ]


def _check_thumbnails(holder: type[EmbeddingColumns]) -> list[checks.CheckMessage]:
    """See whether thumbnails can be made of the model's pictures."""
    library = Library.of(holder)
    if library.shows_thumbnails_of_host:
        return []
    model, path = library.model, get_settings().THUMBNAILS
    try:
        adapter = load_adapter(path)
        misfit = getattr(adapter, "misfit", None)
        problem = misfit(model) if misfit else ""
    except ImproperlyConfigured as error:
        problem = str(error)
    if not problem:
        return []
    return [
        checks.Warning(
            f"{model.__name__} has no thumbnails, by ARTSIMILARITY['THUMBNAILS'] = {path!r}: "
            f"{problem}",
            hint=f"Mend that; or leave the setting out, and they are made without any package; or "
            f"name another of artsimilarity.library.thumbnail_adapters; or write "
            f"{holder.__name__}.similarity_thumbnail().",
            obj=model,
            id="artsimilarity.W013",
        )
    ]
