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
    """Return the rows of ``queryset`` that ``similarity_queryset(request)`` allows.

    All of a search asks the database that they are bound to here: a router that chooses among
    replicas, of which one may lag behind another, is asked once.
    """
    allowed = Library.of(model).visible(request)
    if queryset is None:
        visible = allowed
    elif hides_rows(allowed, beside=model._base_manager.all()):
        visible = queryset.filter(pk__in=allowed.order_by().values("pk"))
    else:
        visible = queryset  # spare the database a semi-join
    return visible.using(visible.db)


def may_see(picture: models.Model, request: HttpRequest | None, *, using: str = "") -> bool:
    """Whether the visitor might meet this picture among others' neighbours.

    Args:
        picture: that may be met.
        request: the visitor's.
        using: alias of the database that is searched, where that is chosen already.
    """
    allowed = Library.of(type(picture)).visible(request)
    return (allowed.using(using) if using else allowed).filter(pk=picture.pk).exists()
