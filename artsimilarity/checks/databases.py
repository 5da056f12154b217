"""Checks that ask the servers: pgvector, columns, indexes, and the recipe in service."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.apps import apps
from django.conf import settings as django_settings
from django.core import checks
from django.db import DatabaseError, InterfaceError, ProgrammingError, connections
from packaging.version import Version

from artsimilarity.conf import get_settings
from artsimilarity.library import Library, libraries, recall_history, waiting
from artsimilarity.library.index_build import VectorIndex
from artsimilarity.library.recipes import known_recipe
from artsimilarity.schema.fields import EmbeddingField
from artsimilarity.schema.states import RolloutState
from artsimilarity.schema.tables import Whitening

# What Postgres says of a column that takes vectors of any size.
_ANY_SIZE = -1

# Older releases corrupt HNSW indexes under vacuum.
PGVECTOR_MINIMUM = Version("0.8.4")

_EXTENSION = (
    "SELECT found.extversion, available.default_version, found.schema,"
    " found.schema = ANY (current_schemas(true)) FROM (SELECT 1) one"
    " LEFT JOIN (SELECT extversion, nspname AS schema FROM pg_extension"
    " JOIN pg_namespace n ON n.oid = extnamespace WHERE extname = 'vector') found ON true"
    " LEFT JOIN (SELECT default_version FROM pg_available_extensions WHERE name = 'vector')"
    " available ON true"
)

_DIMENSIONS = (
    "SELECT atttypmod FROM pg_attribute"
    " WHERE attrelid = to_regclass(%s) AND attname = %s AND NOT attisdropped"
)


def check_databases(databases: Sequence[str] | None, **kwargs: Any) -> list[checks.CheckMessage]:
    """Check the servers: pgvector, the columns and the indexes."""
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
            messages += _check_whitenings(alias)
            for written in libraries():
                library = Library(written.model, alias)
                messages += [*_check_table(library), *_check_recipe(library)]
    return messages


def _check_pgvector(alias: str) -> list[checks.CheckMessage]:
    installed, available, schema, visible = _fetch(alias, _EXTENSION)[0]
    if not installed and not available:
        return [
            checks.Error(
                f"The server of database {alias!r} does not have pgvector.",
                hint="Install pgvector 0.8.4 or newer on the server, for example Debian's package "
                "postgresql-NN-pgvector, or take the embedded server of the demo.",
                id="artsimilarity.E004",
            )
        ]
    if installed and not visible:
        return [
            checks.Error(
                f"pgvector is installed in the schema {schema!r} of database {alias!r}, which is "
                f"not on the search_path.",
                hint=f'Run: ALTER ROLE CURRENT_USER SET search_path = "$user", public, {schema}; '
                f"or set it in DATABASES[{alias!r}]['OPTIONS']['options'] = "
                f"'-c search_path=public,{schema}'. Then reconnect.",
                id="artsimilarity.E010",
            )
        ]
    version = installed or available
    if Version(version) >= PGVECTOR_MINIMUM:
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


def _check_whitenings(alias: str) -> list[checks.CheckMessage]:
    """Look for the projections that recipes name; a table not migrated yet is left alone."""
    if alias not in {library.using for library in libraries()}:
        return []
    recipes = get_settings().named_recipes
    named = {one.whitening_sha256: one.name for one in recipes if one.whitening_sha256}
    table = Whitening._meta.db_table
    if not named or table not in connections[alias].introspection.table_names():
        return []
    kept = Whitening.objects.using(alias).values_list("sha256", flat=True)
    return [
        checks.Warning(
            f"Database {alias!r} holds no projection with the sha256 {sha256}, which the recipe "
            f"{name!r} names.",
            hint=f"Correct the recipe, or run 'manage.py fit_whitening --database {alias}'.",
            id="artsimilarity.W007",
        )
        for sha256, name in named.items()
        if sha256 not in kept
    ]


def _check_table(library: Library) -> list[checks.CheckMessage]:
    """Compare the column and its index with the model; a table not migrated yet is left alone.

    Warnings, because Django refuses to run ``migrate``, which mends both, while there are errors.
    """
    field = library.holder._meta.get_field("embedding")
    if not isinstance(field, EmbeddingField):
        return []
    quoted, _key = library.table()
    column = f"{library.holder.similarity_table()._meta.db_table}.{field.column}"
    try:
        rows = _fetch(library.using, _DIMENSIONS, [quoted, field.column])
        indexes = VectorIndex.serving(library).with_others() if rows else []
        indexed = all(index.is_built() for index in indexes)
    except ProgrammingError:
        return []
    if not rows:
        return []
    dimensions = rows[0][0]
    messages: list[checks.CheckMessage] = []
    if dimensions != _ANY_SIZE:
        messages.append(
            checks.Warning(
                f"The column {column} takes vectors of {dimensions} dimensions alone, as in an "
                f"earlier release.",
                hint="Run 'manage.py makemigrations' and 'manage.py migrate'; no row is rewritten.",
                obj=library.model,
                id="artsimilarity.W004",
            )
        )
    if not indexed:
        messages.append(
            checks.Warning(
                f"The vectors in {column} have no valid index of the recipe and with the "
                f"parameters of the settings: searches may read the whole table.",
                hint="Run 'manage.py build_similarity_index'.",
                obj=library.model,
                id="artsimilarity.W002",
            )
        )
    return messages


def _check_recipe(library: Library) -> list[checks.CheckMessage]:
    """Compare the recipes of what is served, and of the last roll-out, with the settings."""
    settings = get_settings()
    model = library.model
    try:
        latest = library.rollout()
        if not latest or latest.state != RolloutState.PROMOTED:
            return _check_stale(library)
        served = latest.fingerprint
        if served == settings.recipe.fingerprint or not library.rows.served(served).exists():
            return []
        if known_recipe(served):
            return _check_settings(library, served)
    except ProgrammingError:  # not migrated yet
        return []
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


def _check_stale(library: Library) -> list[checks.CheckMessage]:
    fingerprint = library.recipes().serving.fingerprint
    stale = library.rows.served_otherwise(fingerprint)
    if not stale.exists():
        return _check_settings(library, fingerprint)
    return [
        checks.Info(
            f"{library.model.__name__} has pictures whose vectors another recipe than "
            f"{fingerprint} has made, as before an upgrade: pictures of the two never find each "
            f"other.",
            hint="Run 'manage.py embed_artworks --stale'.",
            obj=library.model,
            id="artsimilarity.I002",
        )
    ]


def _check_settings(library: Library, serving: str) -> list[checks.CheckMessage]:
    """Say where the library is under another recipe than the settings would have it."""
    settings, model = get_settings(), library.model
    if serving == settings.recipe.fingerprint:
        return []
    if settings.next_recipe and serving == settings.next_recipe.fingerprint:
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
        checks.Info(
            f"{model.__name__} was embedded under the recipe {serving}, and stays under it: new "
            f"pictures are embedded so, too. ARTSIMILARITY['RECIPE'] is "
            f"{settings.recipe.fingerprint}.",
            hint="Run 'manage.py embed_artworks --rollout', and 'manage.py embed_artworks "
            "--promote' when it is through; or name the present recipe as RECIPE.",
            obj=model,
            id="artsimilarity.I003",
        )
    ]


def _fetch(alias: str, sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    with connections[alias].cursor() as cursor:
        cursor.execute(sql, params)
        return list(cursor.fetchall())


def check_waiting(app_configs: Any, **kwargs: Any) -> list[checks.CheckMessage]:
    """Say which pictures wait unseen; for ``check --deploy``, which may ask the servers."""
    return _check_each(
        waiting.problems_of,
        lambda library, error: f"It is not known whether pictures of {library.name} wait: {error}",
        hint="See docs/operations.md, “Watching it”.",
        id="artsimilarity.W014",
    )


def check_recall(app_configs: Any, **kwargs: Any) -> list[checks.CheckMessage]:
    """Say where the index finds too few; for ``check --deploy``, which may ask the servers."""
    return _check_each(
        recall_history.problems_of,
        lambda library, error: f"The recall of {library.name} is not known: {error}",
        hint="See docs/operations.md, “Recall”.",
        id="artsimilarity.W016",
    )


def check_links(app_configs: Any, **kwargs: Any) -> list[checks.CheckMessage]:
    """Say where a library has outgrown ``HNSW_M``; for ``check --deploy``, as above."""
    return _check_each(
        recall_history.hints_of,
        None,  # check_recall says so
        hint="See docs/operations.md, “A million pictures”.",
        id="artsimilarity.W018",
    )


def _check_each(
    problems_of: Callable[[Library], list[str]],
    unknown: Callable[[Library, Exception], str] | None,
    **about: str,
) -> list[checks.CheckMessage]:
    """Warn of each library's problems, or that its database cannot be asked for them.

    Args:
        problems_of: what is wrong with a library, in words.
        unknown: words for that; None where another check says so.
        about: hint and id of the warnings.
    """
    messages: list[checks.CheckMessage] = []
    for library in libraries():
        if connections[library.using].vendor != "postgresql":
            continue  # which another check says
        try:
            problems = problems_of(library)
        except (DatabaseError, InterfaceError) as error:
            problems = [unknown(library, error)] if unknown else []
        messages += [checks.Warning(problem, obj=library.model, **about) for problem in problems]
    return messages


def check_proxies(app_configs: Any, **kwargs: Any) -> list[checks.CheckMessage]:
    """Say what the limit of searches by picture counts by, where that was not decided."""
    framework = getattr(django_settings, "REST_FRAMEWORK", {})
    if not apps.is_installed("rest_framework") or framework.get("NUM_PROXIES") is not None:
        return []
    return [
        checks.Warning(
            "Searches by a visitor's own picture are limited by the address that connects. Behind "
            "a proxy that is the proxy's, so that all visitors share one limit.",
            hint="Set REST_FRAMEWORK['NUM_PROXIES'] to the number of proxies before the site that "
            "write X-Forwarded-For, 0 if there is none.",
            id="artsimilarity.W015",
        )
    ]
