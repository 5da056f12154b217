"""Checks of what reads whole rows: joins, histories, exports."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.apps import AppConfig, apps
from django.core import checks
from django.core.exceptions import FieldDoesNotExist
from django.db import models

from artsimilarity.library import libraries
from artsimilarity.schema.columns import COLUMNS, EmbeddingColumns


def check_readers(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[checks.CheckMessage]:
    """Look for models and admins that would load, copy or publish every column of an embedding."""
    holders = {library.holder for library in libraries() if not library.has_companion}
    if not holders:
        return []
    found: list[checks.CheckMessage] = []
    for model in apps.get_models():
        if not issubclass(model, EmbeddingColumns):
            found += [*_copies(model), *_joins(model, holders)]
    return [*found, *_exports(holders)]


def _copies(model: type[models.Model]) -> Iterator[checks.CheckMessage]:
    """A history that copies the columns, vectors included, with every save."""
    names = {field.name for field in model._meta.concrete_fields}
    if names.issuperset(COLUMNS):
        yield checks.Warning(
            f"{model.__name__} copies the embedding of every picture that is saved.",
            hint="Leave the columns out: HistoricalRecords(excluded_fields=[*artsimilarity.models."
            "COLUMNS]), then 'manage.py makemigrations'. Or keep embeddings in a companion.",
            obj=model,
            id="artsimilarity.W008",
        )


def _joins(
    model: type[models.Model], holders: set[type[EmbeddingColumns]]
) -> Iterator[checks.CheckMessage]:
    """A default manager whose ``select_related()`` reads the vectors with every row."""
    query = model._default_manager.get_queryset().query
    wanted = query.select_related if isinstance(query.select_related, dict) else {}
    deferred, defer = query.deferred_loading
    for name in wanted:
        try:
            related = model._meta.get_field(name).related_model
        except FieldDoesNotExist:
            continue
        if related in holders and not (defer and f"{name}__embedding" in deferred):
            yield checks.Warning(
                f"{model.__name__}'s default manager joins {name!r}, and so loads three vectors "
                f"with every row.",
                hint=f"Add .defer(*artsimilarity.models.vectors({name!r})) to its get_queryset(), "
                f"or take prefetch_related({name!r}).",
                obj=model,
                id="artsimilarity.W009",
            )


def _exports(holders: set[type[EmbeddingColumns]]) -> Iterator[checks.CheckMessage]:
    """Admins of django-import-export that export, and import, the columns of an embedding."""
    if not apps.is_installed("import_export") or not apps.is_installed("django.contrib.admin"):
        return
    from django.contrib import admin  # an optional app

    for model, model_admin in admin.site._registry.items():
        if model not in holders or not hasattr(model_admin, "get_resource_classes"):
            continue
        given: Any = model_admin
        resources = [*(given.resource_classes or ()), *filter(None, [given.resource_class])]
        if not resources or any("embedding" in resource.fields for resource in resources):
            yield checks.Warning(
                f"{type(model_admin).__name__} exports the embedding of every picture.",
                hint="Give it resource_classes whose Meta says: exclude = "
                "artsimilarity.models.COLUMNS. Or keep embeddings in a companion.",
                obj=type(model_admin),
                id="artsimilarity.W010",
            )
