"""Notices that a picture was uploaded, replaced or taken away, and tells hosts what became of it.

Hosts may listen to ``embedding_succeeded`` (arguments ``pk``, ``using``, ``recipe``),
``embedding_failed`` (``pk``, ``using``, ``error``), ``chunk_embedded`` (``result``, ``seconds``;
once for all pictures of a task) and ``library_swept`` (``pending``, ``sent``). The sender is the
picture's model. All are sent in the worker. What a receiver raises is logged and does no harm.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models.signals import post_save, pre_save
from django.dispatch import Signal

from artsimilarity import caching, dispatch
from artsimilarity.status import EmbeddingStatus

if TYPE_CHECKING:
    from artsimilarity.models import SimilarityMixin

embedding_succeeded = Signal()
embedding_failed = Signal()
chunk_embedded = Signal()
library_swept = Signal()

_REPLACED = "_artsimilarity_replaced"


def connect(model: type[models.Model]) -> None:
    """Watch ``model`` and its proxies' saves."""
    uid = f"artsimilarity.{model._meta.label_lower}"
    pre_save.connect(before_save, sender=model, dispatch_uid=uid)
    post_save.connect(after_save, sender=model, dispatch_uid=uid)


def before_save(
    instance: SimilarityMixin, raw: bool, update_fields: Collection[str] | None, **kwargs: Any
) -> None:
    """Remember that this save uploads a file: its name may well be the old one's."""
    if raw or not _saves_picture(instance, update_fields):
        return
    file = getattr(instance, instance.similarity_image_field)
    setattr(instance, _REPLACED, bool(file) and not file._committed)


def after_save(
    instance: SimilarityMixin,
    raw: bool,
    using: str,
    update_fields: Collection[str] | None,
    **kwargs: Any,
) -> None:
    """Clear the embedding of a picture that is new, replaced or gone, and send for another.

    Fixtures (``raw``) bring their columns with them; what they leave pending, the sweep finds.
    """
    if instance.__dict__.get("embedding_status", EmbeddingStatus.READY) == EmbeddingStatus.READY:
        caching.forget_on_commit(type(instance), using=using)  # it may be visible from now on
    if raw or not _saves_picture(instance, update_fields):
        return
    uploaded = instance.__dict__.pop(_REPLACED, False)
    if dispatch.reset_if_replaced(instance, uploaded=uploaded, using=using):
        dispatch.enqueue_on_commit(instance, using=using)


def _saves_picture(instance: SimilarityMixin, update_fields: Collection[str] | None) -> bool:
    name = instance.similarity_image_field
    if update_fields is not None and name not in update_fields:
        return False
    return name not in instance.get_deferred_fields()
