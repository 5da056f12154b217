"""Notices that a picture was uploaded, replaced or taken away."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models.signals import post_save, pre_save

from artsimilarity.embedding.queue import send_on_commit
from artsimilarity.library import Library
from artsimilarity.schema.columns import blank_for
from artsimilarity.schema.states import EmbeddingStatus
from artsimilarity.search import cache

if TYPE_CHECKING:
    from artsimilarity.schema.columns import EmbeddingColumns

_REPLACED = "_artsimilarity_replaced"


def connect(model: type[models.Model]) -> None:
    """Watch a model's, or a proxy's, saves."""
    uid = f"artsimilarity.{model._meta.label_lower}"
    pre_save.connect(before_save, sender=model, dispatch_uid=uid)
    post_save.connect(after_save, sender=model, dispatch_uid=uid)


def before_save(
    instance: EmbeddingColumns, raw: bool, update_fields: Collection[str] | None, **kwargs: Any
) -> None:
    """Remember that this save uploads a file: its name may well be the old one's."""
    if raw or not _saves_picture(instance, update_fields):
        return
    file = getattr(instance, instance.similarity_image_field)
    setattr(instance, _REPLACED, bool(file) and not file._committed)


def after_save(
    instance: EmbeddingColumns,
    raw: bool,
    using: str,
    update_fields: Collection[str] | None,
    **kwargs: Any,
) -> None:
    """Clear the embedding of a picture that is new, replaced or gone, and send for another.

    Fixtures (``raw``) bring their columns with them; what they leave pending, the sweep finds.
    """
    library = Library(type(instance), using)
    if instance.__dict__.get("embedding_status", EmbeddingStatus.READY) == EmbeddingStatus.READY:
        cache.forget_on_commit(library)  # it may be visible from now on
    if raw or not _saves_picture(instance, update_fields):
        return
    uploaded = instance.__dict__.pop(_REPLACED, False)
    file = getattr(instance, instance.similarity_image_field)
    if _reset_if_replaced(library, instance, uploaded=uploaded) and file:
        send_on_commit(library, instance.pk)


def _reset_if_replaced(library: Library, picture: EmbeddingColumns, *, uploaded: bool) -> bool:
    """Make the row pending if the embedding does not speak of its present file.

    ``uploaded`` says that the save wrote a file, so that the content is new even under the old
    name. Returns whether the row was reset.
    """
    file = getattr(picture, picture.similarity_image_field)
    columns = blank_for(file.name if file else "")
    rows = library.rows.filter(pk=picture.pk)
    if not uploaded:
        rows = rows.exclude(embedding_image=columns["embedding_image"])
    if not rows.update(**columns):
        return False
    picture.similarity_set_columns(columns)
    return True


def _saves_picture(instance: EmbeddingColumns, update_fields: Collection[str] | None) -> bool:
    name = instance.similarity_image_field
    if update_fields is not None and name not in update_fields:
        return False
    return name not in instance.get_deferred_fields()
