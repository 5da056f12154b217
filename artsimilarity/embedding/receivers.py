"""Notices that a picture was uploaded, replaced or taken away."""

from __future__ import annotations

import logging
from collections.abc import Collection
from typing import Any

from django.db import DatabaseError, models, transaction
from django.db.models import F
from django.db.models.signals import post_save, pre_save

from artsimilarity.embedding.queue import send_on_commit
from artsimilarity.library import Library
from artsimilarity.schema.columns import COLUMNS, EmbeddingColumns, blank_for
from artsimilarity.schema.states import EmbeddingStatus
from artsimilarity.search import cache

logger = logging.getLogger(__name__)

_UPLOADED = "_artsimilarity_uploaded"


def connect(model: type[models.Model]) -> None:
    """Watch the saves of a picture model, or of a proxy of one."""
    uid = f"artsimilarity.{model._meta.label_lower}"
    pre_save.connect(before_save, sender=model, dispatch_uid=uid)
    post_save.connect(after_save, sender=model, dispatch_uid=uid)


def before_save(
    instance: models.Model,
    raw: bool,
    using: str,
    update_fields: Collection[str] | None,
    **kwargs: Any,
) -> None:
    """Remember that this save uploads a file: its name may well be the old one's."""
    library = Library(type(instance), using)
    if raw and isinstance(instance, EmbeddingColumns):
        _keep_columns(library, instance)
    if raw or not _saves_picture(library, instance, update_fields):
        return
    file = getattr(instance, library.image_field)
    setattr(instance, _UPLOADED, bool(file) and not file._committed)


def after_save(
    instance: models.Model,
    raw: bool,
    using: str,
    update_fields: Collection[str] | None,
    **kwargs: Any,
) -> None:
    """Clear the embedding of a picture that is new, replaced or gone, and send for another.

    What fixtures and reverted versions (``raw``) leave pending, the sweep sends.
    """
    library = Library(type(instance), using)
    status = instance.__dict__.get("embedding_status", EmbeddingStatus.READY)
    if status == EmbeddingStatus.READY:
        cache.forget_on_commit(library)  # it may be visible from now on
    if raw:
        _forget_columns(instance)
    elif not _saves_picture(library, instance, update_fields):
        return
    uploaded = instance.__dict__.pop(_UPLOADED, False)
    if library.has_companion:
        reset = _reset_companion(library, instance, uploaded=uploaded)
    else:
        reset = reset_if_replaced(library, instance, uploaded=uploaded)
    if reset and not raw and getattr(instance, library.image_field):
        send_on_commit(library, instance.pk)


def reset_if_replaced(library: Library, picture: models.Model, *, uploaded: bool) -> bool:
    """Make the row pending if the embedding does not speak of the picture's present file.

    Args:
        library: the picture's.
        picture: that was just saved.
        uploaded: the save wrote a file, so that the content is new even under the old name.

    Returns:
        Whether the row was reset.
    """
    file = getattr(picture, library.image_field)
    columns = blank_for(file.name if file else "")
    rows = library.rows.filter(pk=picture.pk)
    if not uploaded:
        rows = rows.exclude(embedding_image=columns["embedding_image"])
    if not rows.update(**columns):
        return False
    if isinstance(picture, EmbeddingColumns):
        picture.similarity_set_columns(columns)
    return True


def _reset_companion(library: Library, picture: models.Model, *, uploaded: bool) -> bool:
    """The same in a companion's table, where a row may be lacking; the save never fails for it."""
    try:
        with transaction.atomic(using=library.using):
            library.add_rows([picture.pk])
            return reset_if_replaced(library, picture, uploaded=uploaded)
    except DatabaseError:  # as while the table is not migrated yet
        logger.exception(
            "%s %s was saved, and its embedding could not be noted; the sweep makes up for it. "
            "Is %s migrated?",
            library.name,
            picture.pk,
            library.holder._meta.label,
        )
        return False


def _keep_columns(library: Library, instance: EmbeddingColumns) -> None:
    """Let a raw save of a row that exists leave our columns alone, as any other save does.

    Fields are not asked what to write then, and fixtures and versions do not hold these columns.
    """
    if library.rows.filter(pk=instance.pk).exists():
        instance.similarity_set_columns({name: F(name) for name in COLUMNS})


def _forget_columns(instance: models.Model) -> None:
    """What stands for a column's own value is no value: let it be read when it is asked for."""
    for name in COLUMNS:
        if isinstance(instance.__dict__.get(name), F):
            delattr(instance, name)


def _saves_picture(
    library: Library, instance: models.Model, update_fields: Collection[str] | None
) -> bool:
    name = library.image_field
    if update_fields is not None and name not in update_fields:
        return False
    return name not in instance.get_deferred_fields()
