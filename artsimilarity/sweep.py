"""Finds what was left behind: messages that the broker lost, workers killed, changes in bulk."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db.models import Q
from django.utils import timezone

from artsimilarity import detection, dispatch, rollout, scale
from artsimilarity.conf import get_settings
from artsimilarity.models import BLANK_EMBEDDING, SimilarityMixin
from artsimilarity.querysets import SimilarityQuerySet
from artsimilarity.recipes import current_plan
from artsimilarity.signals import library_swept
from artsimilarity.status import RolloutState

logger = logging.getLogger(__name__)

# As long as this many tasks wait, workers have enough to do, and what waits may be in them already.
_ENOUGH_TASKS = 100
_READ_BYTES = 1024 * 1024


def sweep(model: type[SimilarityMixin], *, using: str = "default") -> int:
    """Send every picture that needs a worker and that none has in hand; renew the scale.

    Any number of sweeps may run at once: a picture that is sent twice is embedded once. While the
    queue is long nothing is sent, or a large library would be sent again and again.

    Returns:
        The number of pictures sent.
    """
    rollout.repair(model, using=using)
    detection.forget_stale(model, using=using)
    rows = SimilarityQuerySet[Any](model, using=using)
    dispatch.reset_replaced(rows.pending())
    todo = rows.to_do(current_plan(model, using))
    pending, sent = todo.count(), 0
    waiting = dispatch.queue_length()
    if waiting is not None and waiting <= _ENOUGH_TASKS:
        stale = timezone.now() - timedelta(seconds=get_settings().CLAIM_SECONDS)
        free = Q(embedding_claimed_at__isnull=True) | Q(embedding_claimed_at__lt=stale)
        pks = todo.filter(free).order_by("pk").values_list("pk", flat=True)
        sent = dispatch.send(model, list(pks), using=using)
    logger.info(
        "The sweep found %d pictures of %s that wait, and sent %d.",
        pending,
        model._meta.label,
        sent,
        extra={"model": model._meta.label, "pending": pending, "sent": sent},
    )
    library_swept.send_robust(model, pending=pending, sent=sent)
    scale.refresh(model, using=using)
    return sent


def verify(
    model: type[SimilarityMixin],
    *,
    using: str = "default",
    on_progress: Callable[[int], object] | None = None,
) -> list[Any]:
    """Read every embedded picture's file and compare it with the digest that was embedded.

    Files that were replaced behind Django's back, or are gone, are reset and wait for a worker.

    Returns:
        Primary keys of the pictures that were reset.
    """
    rows = SimilarityQuerySet[Any](model, using=using)
    columns = ("pk", model.similarity_image_field, "embedding_digest")
    changed = []
    for pk, image, digest in rows.ready().order_by("pk").values_list(*columns).iterator():
        if _digest_of(model, image) != digest:
            same = rows.filter(pk=pk, embedding_digest=digest)
            if same.update(**{**BLANK_EMBEDDING, "embedding_image": image}):
                changed.append(pk)
        if on_progress:
            on_progress(1)
    return changed


def _digest_of(model: type[SimilarityMixin], name: str) -> str:
    """Return the sha256 of a file, "" if it is gone; read in pieces, as files may be large."""
    storage: Any = model._meta.get_field(model.similarity_image_field).storage  # type: ignore[union-attr]
    digest = hashlib.sha256()
    try:
        with storage.open(name, "rb") as file:
            while piece := file.read(_READ_BYTES):
                digest.update(piece)
    except FileNotFoundError:
        return ""
    return digest.hexdigest()


def resume_promotion(model: type[SimilarityMixin], *, using: str = "default") -> int:
    """Take up a promotion that was interrupted; returns the number of rows moved."""
    latest = rollout.current(model, using=using)
    if latest is None or latest.state != RolloutState.PROMOTING:
        return 0
    return rollout.promote(model, using=using)
