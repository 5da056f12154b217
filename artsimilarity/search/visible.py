"""Who may see what."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.http import HttpRequest

from artsimilarity.library import Library
from artsimilarity.library.visibility import hides_rows


def visible_pictures(
    model: type[models.Model],
    queryset: models.QuerySet[Any] | None,
    request: HttpRequest | None,
) -> models.QuerySet[Any]:
    """Return the rows of ``queryset`` that ``similarity_queryset(request)`` allows."""
    allowed = Library.of(model).visible(request)
    if queryset is None:
        return allowed
    if not hides_rows(allowed, beside=model._base_manager.all()):
        return queryset  # spare the database a semi-join
    return queryset.filter(pk__in=allowed.order_by().values("pk"))


def may_see(picture: models.Model, request: HttpRequest | None) -> bool:
    """Whether the visitor might meet this picture among others' neighbours."""
    return Library.of(type(picture)).visible(request).filter(pk=picture.pk).exists()
