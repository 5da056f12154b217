"""System checks; each says what to type.

``manage.py check`` runs those on the models, ``manage.py check --database default`` and
``migrate`` also those that ask the server.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.core import checks
from django.core.exceptions import FieldDoesNotExist
from django.db import ProgrammingError, connections, models, router

from artsimilarity.conf import get_settings
from artsimilarity.encoder.weight_files import WeightsError, find_weights
from artsimilarity.fields import VECTORS, EmbeddingField
from artsimilarity.status import RolloutState

if TYPE_CHECKING:
    from artsimilarity.models import SimilarityMixin

# Older releases corrupt HNSW indexes under vacuum.
PGVECTOR_MINIMUM = (0, 8, 4)
# The most dimensions of a halfvec that an HNSW index takes.
HNSW_MAX_DIMENSIONS = 4000


def register() -> None:
    """Register the checks that ask the server; those on models hang on the models."""
    checks.register(check_databases, checks.Tags.database)


def check_model(model: type[SimilarityMixin]) -> list[checks.CheckMessage]:
    """Check what a host wrote: its image field, its recipe, its manager."""
    if model._meta.abstract:
        return []
    return [
        *_check_image_field(model),
        *_check_dimensions(model),
        *_check_manager(model),
        *_check_weights(model),
    ]


def check_databases(databases: Sequence[str] | None, **kwargs: Any) -> list[checks.CheckMessage]:
    """Check the servers: pgvector, the columns and the indexes."""
    from artsimilarity.models import similarity_models

    messages: list[checks.CheckMessage] = []
    for alias in databases or []:
        connection = connections[alias]
        if connection.vendor != "postgresql":
            messages.append(
                checks.Warning(
                    f"Database {alias!r} is {connection.vendor}; embeddings need PostgreSQL.",
                    hint="Set DATABASES to 'django.db.backends.postgresql', or route the models "
                    "with an embedding to a database that is PostgreSQL.",
                    id="artsimilarity.W003",
                )
            )
            continue
        found = _check_pgvector(alias)
        messages += found
        if not found:
            messages += _check_calibrations(alias)
            for model in similarity_models():
                messages += [*_check_table(model, alias), *_check_recipe(model, alias)]
    return messages


def _check_image_field(model: type[SimilarityMixin]) -> list[checks.CheckMessage]:
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


def _check_dimensions(model: type[SimilarityMixin]) -> list[checks.CheckMessage]:
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


def _check_manager(model: type[SimilarityMixin]) -> list[checks.CheckMessage]:
    deferred, defer = model._default_manager.get_queryset().query.deferred_loading
    if defer and set(VECTORS) <= set(deferred):
        return []
    return [
        checks.Warning(
            f"{model.__name__}'s default manager loads three vectors with every row.",
            hint="Let it inherit from artsimilarity.querysets.SimilarityManager, or add "
            ".defer(*artsimilarity.fields.VECTORS) to its get_queryset().",
            obj=model,
            id="artsimilarity.W001",
        )
    ]


def _check_weights(model: type[SimilarityMixin]) -> list[checks.CheckMessage]:
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


def _check_pgvector(alias: str) -> list[checks.CheckMessage]:
    installed, available = _fetch(
        alias,
        "SELECT (SELECT extversion FROM pg_extension WHERE extname = 'vector'),"
        " (SELECT default_version FROM pg_available_extensions WHERE name = 'vector')",
    )[0]
    if not installed and not available:
        return [
            checks.Error(
                f"The server of database {alias!r} does not have pgvector.",
                hint="Install pgvector 0.8.4 or newer on the server, for example Debian's package "
                "postgresql-NN-pgvector, or take the embedded server of the demo.",
                id="artsimilarity.E004",
            )
        ]
    version = installed or available
    if _parse_version(version) >= PGVECTOR_MINIMUM:
        return []
    return [
        checks.Error(
            f"The server of database {alias!r} has pgvector {version}, whose HNSW indexes can be "
            f"corrupted by vacuum.",
            hint="Install pgvector 0.8.4 or newer on the server, then run: "
            "ALTER EXTENSION vector UPDATE; REINDEX INDEX CONCURRENTLY on the embedding's index.",
            id="artsimilarity.E005",
        )
    ]


def _check_calibrations(alias: str) -> list[checks.CheckMessage]:
    """Look for the projections that recipes name; a table not migrated yet is left alone."""
    from artsimilarity.models import Calibration, similarity_models

    if alias not in {router.db_for_write(model) for model in similarity_models()}:
        return []
    settings = get_settings()
    recipes = filter(None, (settings.recipe, settings.next_recipe))
    named = {one.calibration_sha256: one.name for one in recipes if one.calibration_sha256}
    table = Calibration._meta.db_table
    if not named or table not in connections[alias].introspection.table_names():
        return []
    kept = Calibration.objects.using(alias).values_list("sha256", flat=True)
    return [
        checks.Warning(
            f"Database {alias!r} holds no projection with the sha256 {sha256}, which the recipe "
            f"{name!r} names.",
            hint=f"Correct the recipe, or run 'manage.py calibrate --database {alias}'.",
            id="artsimilarity.W007",
        )
        for sha256, name in named.items()
        if sha256 not in kept
    ]


def _check_table(model: type[SimilarityMixin], alias: str) -> list[checks.CheckMessage]:
    """Compare the column and its index with the model; a table not migrated yet is left alone.

    Warnings, because Django refuses to run ``migrate``, which mends both, while there are errors.
    """
    field = model._meta.get_field("embedding")
    if not isinstance(field, EmbeddingField):
        return []
    table = field.model._meta.db_table
    try:
        rows = _fetch(
            alias,
            "SELECT atttypmod, EXISTS (SELECT 1 FROM pg_index JOIN pg_class ON"
            " pg_class.oid = indexrelid JOIN pg_am ON pg_am.oid = relam"
            " WHERE indrelid = attrelid AND attnum = ANY (indkey) AND amname = 'hnsw'"
            " AND indisvalid) FROM pg_attribute"
            " WHERE attrelid = to_regclass(%s) AND attname = %s AND NOT attisdropped",
            [connections[alias].ops.quote_name(table), field.column],
        )
    except ProgrammingError:
        return []
    if not rows:
        return []
    dimensions, indexed = rows[0]
    messages: list[checks.CheckMessage] = []
    if dimensions != field.dimensions:
        messages.append(
            checks.Warning(
                f"The column {table}.{field.column} has {dimensions} dimensions, but the recipe "
                f"makes {field.dimensions}.",
                hint="Run 'manage.py makemigrations' and 'manage.py migrate', then "
                "'manage.py embed_artworks'.",
                obj=model,
                id="artsimilarity.W004",
            )
        )
    if not indexed:
        messages.append(
            checks.Warning(
                f"The column {table}.{field.column} has no valid HNSW index: every search reads "
                f"the whole table.",
                hint="Run 'manage.py makemigrations' and 'manage.py migrate'; if the index is "
                "there but invalid, REINDEX INDEX CONCURRENTLY it.",
                obj=model,
                id="artsimilarity.W002",
            )
        )
    return messages


def _check_recipe(model: type[SimilarityMixin], alias: str) -> list[checks.CheckMessage]:
    """Compare the recipe that was put into service last with the settings."""
    from artsimilarity import rollout
    from artsimilarity.querysets import SimilarityQuerySet

    settings = get_settings()
    rows = SimilarityQuerySet[Any](model, using=alias)
    try:
        latest = rollout.current(model, using=alias)
        if latest is None or latest.state == RolloutState.FILLING:
            return []
        served = latest.fingerprint
        if served == settings.recipe.fingerprint:
            return []
        if not rows.filter(embedding_recipe=served).exists():
            return []
    except ProgrammingError:  # not migrated yet
        return []
    if settings.next_recipe and served == settings.next_recipe.fingerprint:
        return [
            checks.Info(
                f"{model.__name__} is served under ARTSIMILARITY['NEXT_RECIPE'], which was put "
                f"into service.",
                hint="Make it the RECIPE, empty NEXT_RECIPE, and restart.",
                obj=model,
                id="artsimilarity.I001",
            )
        ]
    return [
        checks.Warning(
            f"{model.__name__} has vectors of the recipe {served}, which was put into service, "
            f"but new pictures are embedded under {settings.recipe.fingerprint}: neither finds "
            f"the other.",
            hint=f"Make {served} the ARTSIMILARITY['RECIPE'], or embed everything anew: "
            f"'manage.py embed_artworks'.",
            obj=model,
            id="artsimilarity.W006",
        )
    ]


def _fetch(alias: str, sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    with connections[alias].cursor() as cursor:
        cursor.execute(sql, params)
        return list(cursor.fetchall())


def _parse_version(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())
