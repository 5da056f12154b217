"""Remembers which pictures a search found, through Django's cache; the rows are read every time.

What is remembered counts only as long as it is true: the key holds the picture's own file and
recipe, the balance, and the very SQL of what the visitor may see; and the rows that were found are
read again through that SQL, so that one that was hidden, deleted or replaced meanwhile ends it. A
row that was shown meanwhile is among none of them: so saving an embedded picture ends them all.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from secrets import token_hex
from typing import TYPE_CHECKING, Any

from django.core.cache import caches
from django.core.exceptions import EmptyResultSet
from django.db import models, transaction

from artsimilarity.conf import get_settings
from artsimilarity.labels import model_label

if TYPE_CHECKING:
    from artsimilarity.models import SimilarityMixin

SCORES = ("similarity", "similarity_style", "similarity_colour", "similarity_recipe")
"""Annotations that every picture found carries."""


def remembered(
    picture: SimilarityMixin,
    visible: models.QuerySet[Any],
    options: tuple[Any, ...],
    find: Callable[[], list[Any]],
) -> list[Any]:
    """Return what ``find`` returns, or what it returned up to ``CACHE_SECONDS`` ago.

    Args:
        picture: whose neighbours are wanted, as just read from the database.
        visible: what may be found.
        options: everything else that the answer depends on; plain values.
        find: makes the search.
    """
    settings = get_settings()
    if not settings.CACHE_SECONDS or not picture.embedding_digest:
        return find()
    try:
        sql = visible.query.sql_with_params()
    except EmptyResultSet:
        return []
    cache = caches[settings.CACHE]
    known = (
        type(picture)._meta.label,
        cache.get(_generation_key(type(picture))),
        picture.pk,
        picture.embedding_digest,
        picture.embedding_recipe,
        visible.db,
        sql,
        options,
        settings,
    )
    key = f"artsimilarity.{hashlib.sha256(repr(known).encode()).hexdigest()}"
    pictures = _read_again(visible, cache.get(key))
    if pictures is None:
        pictures = find()
        cache.set(key, [_note(one) for one in pictures], settings.CACHE_SECONDS)
    return pictures


def forget(model: type[models.Model]) -> None:
    """End all that is remembered of searches among a model's pictures.

    Saving a picture does it; call it after ``update()`` has shown pictures that were hidden, or
    after a change elsewhere on which ``similarity_queryset`` depends.
    """
    settings = get_settings()
    if settings.CACHE_SECONDS:
        # Nothing that was noted before outlives it.
        lifetime = 2 * settings.CACHE_SECONDS
        caches[settings.CACHE].set(_generation_key(model), token_hex(8), lifetime)


def forget_on_commit(model: type[models.Model], *, using: str) -> None:
    """The same once the transaction is committed; a cache that fails is logged and no more."""

    def forget_pictures() -> None:  # no partial(): Django logs the name of what failed
        forget(model)

    transaction.on_commit(forget_pictures, using=using, robust=True)


def _generation_key(model: type[models.Model]) -> str:
    return f"artsimilarity.generation.{model_label(model)}"


def _note(picture: Any) -> tuple[Any, ...]:
    scores = [getattr(picture, name) for name in SCORES]
    return (picture.pk, picture.embedding_digest, picture.embedding_recipe, *scores)


def _read_again(
    visible: models.QuerySet[Any], notes: list[tuple[Any, ...]] | None
) -> list[Any] | None:
    """The rows that were noted, with their scores; None unless all of them are as they were."""
    if notes is None:
        return None
    rows = {row.pk: row for row in visible.filter(pk__in=[note[0] for note in notes]).order_by()}
    pictures = []
    for pk, digest, recipe, *scores in notes:
        row = rows.get(pk)
        if row is None or (row.embedding_digest, row.embedding_recipe) != (digest, recipe):
            return None
        for name, score in zip(SCORES, scores, strict=True):
            setattr(row, name, score)
        pictures.append(row)
    return pictures
