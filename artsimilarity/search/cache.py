"""Remembers which pictures a search found, through Django's cache; the rows are read every time.

What is remembered counts only as long as it is true: the key holds the picture's own file and
recipe, the balance, and the very SQL of what the visitor may see; and the rows that were found are
read again through that SQL, so that one that was hidden, deleted or replaced meanwhile ends it. A
row that was shown meanwhile is among none of them: so saving an embedded picture ends them all.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from secrets import token_hex
from typing import Any

from django.core.cache import caches
from django.core.exceptions import EmptyResultSet
from django.db import models, transaction

from artsimilarity.conf import get_settings
from artsimilarity.library import Library
from artsimilarity.schema.columns import SCORES
from artsimilarity.search.cursor import Cursor
from artsimilarity.search.request import Search

_NOTED = ("embedding_digest", "embedding_recipe")


def key_for(search: Search, *, limit: int, after: Cursor | None, varied: bool) -> str | None:
    """Return under what key a search is remembered; None if it is not.

    The key covers everything that the answer depends on: the picture's row, as just read from the
    database, its file and recipe, the settings, and what this visitor may see.
    """
    settings = get_settings()
    row, library = search.remembered_for, search.library
    if not settings.CACHE_SECONDS or row is None or not row.embedding_digest:
        return None
    try:
        visible = search.pictures.query.sql_with_params()
    except EmptyResultSet:
        return None  # nothing is found, and that takes no query
    known = (
        library.name,
        caches[settings.CACHE].get(_generation_key(library)),
        row.pk,
        *(getattr(row, name) for name in _NOTED),
        library.using,
        visible,
        (limit, search.page.style, str(after)),
        (search.page.limit, search.page.diversify) if varied else None,
        settings,
    )
    return f"artsimilarity.{hashlib.sha256(repr(known).encode()).hexdigest()}"


def read(key: str | None, pictures: models.QuerySet[Any]) -> list[Any] | None:
    """Return what was remembered, with its scores; None unless all of it is as it was.

    Args:
        key: from :func:`key_for`.
        pictures: what the visitor may see, through which the rows are read again.
    """
    notes = caches[get_settings().CACHE].get(key) if key else None
    if notes is None:
        return None
    again = {one.pk: one for one in pictures.filter(pk__in=[note[0] for note in notes]).order_by()}
    rows = Library.searched(pictures).rows_by_key(list(again.values()))
    found = []
    for pk, digest, recipe, *scores in notes:
        picture, row = again.get(pk), rows.get(pk)
        if row is None or (row.embedding_digest, row.embedding_recipe) != (digest, recipe):
            return None
        for name, score in zip(SCORES, scores, strict=True):
            setattr(picture, name, score)
        found.append(picture)
    return found


def write(key: str | None, found: Sequence[Any]) -> None:
    """Remember what a search found for ``CACHE_SECONDS``, by the rows of the database it asked."""
    if key is None:
        return
    settings = get_settings()
    rows = Library.loaded(found[0]).rows_by_key(found) if found else {}
    notes = []
    for picture in found:
        scores = [getattr(picture, name) for name in SCORES]
        notes.append((picture.pk, *(getattr(rows[picture.pk], name) for name in _NOTED), *scores))
    caches[settings.CACHE].set(key, notes, settings.CACHE_SECONDS)


def forget(library: Library) -> None:
    """End all that is remembered of searches in a library.

    Saving a picture does it; call it after ``update()`` has shown pictures that were hidden, or
    after a change elsewhere on which ``similarity_queryset`` depends.
    """
    settings = get_settings()
    if settings.CACHE_SECONDS:
        # Nothing that was noted before outlives it.
        lifetime = 2 * settings.CACHE_SECONDS
        caches[settings.CACHE].set(_generation_key(library), token_hex(8), lifetime)


def forget_on_commit(library: Library) -> None:
    """The same once the transaction is committed; a cache that fails is logged and no more."""

    def forget_pictures() -> None:  # no partial(): Django logs the name of what failed
        forget(library)

    transaction.on_commit(forget_pictures, using=library.using, robust=True)


def _generation_key(library: Library) -> str:
    return f"artsimilarity.generation.{library.label}"
