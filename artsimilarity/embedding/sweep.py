"""Finds what was left behind: messages that the broker lost, workers killed, changes in bulk."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from artsimilarity.conf import get_settings
from artsimilarity.duplicates.detection import forget_stale
from artsimilarity.embedding import in_hand, rollout
from artsimilarity.embedding.broker import queue_length
from artsimilarity.embedding.queue import send
from artsimilarity.embedding.signals import library_swept, recall_known
from artsimilarity.library import Library, waiting
from artsimilarity.library.files import file_digest
from artsimilarity.schema.columns import blank_for
from artsimilarity.search import recall, score_calibration

logger = logging.getLogger(__name__)

# As long as this many tasks wait, workers have enough to do, and what waits may be in them already.
_ENOUGH_TASKS = 100


class StorageAwayError(Exception):
    """Most of a library's files are missing; the message says what to do about it."""


def sweep(library: Library) -> int:
    """Send every picture that needs a worker and that none has in hand; measure what is due.

    That is the calibration of the scores and the recall of the index, once a day.

    Any number of sweeps may run at once: a picture that is sent twice is embedded once. While the
    queue is long nothing is sent, or a large library would be sent again and again.

    Returns:
        The number of pictures sent.
    """
    library.delete_orphans()
    library.add_rows()
    rollout.repair(library)
    forget_stale(library)
    in_hand.forget_old(library)
    library.rows.pending().reset_replaced()
    todo = library.rows.to_do(library.recipes())
    pending, sent = todo.count(), 0
    tasks = queue_length(insist=True)
    if tasks is not None and tasks <= _ENOUGH_TASKS:
        stale = Now() - timedelta(seconds=get_settings().CLAIM_SECONDS)
        free = Q(embedding_claimed_at__isnull=True) | Q(embedding_claimed_at__lt=stale)
        pks = todo.filter(free).order_by("pk").values_list("pk", flat=True)
        sent = send(library, list(pks), insist=True)
    logger.info(
        "The sweep found %d pictures of %s that wait, and sent %d.",
        pending,
        library.name,
        sent,
        extra={"model": library.name, "pending": pending, "sent": sent},
    )
    library_swept.send_robust(library.model, using=library.using, pending=pending, sent=sent)
    waiting.follow(library)
    waiting.end_sweep(library)
    for problem in waiting.problems_of(library):
        logger.warning("%s", problem, extra={"model": library.name, "pending": pending})
    score_calibration.refresh(library)
    if latest := recall.refresh(library):
        recall_known.send_robust(library.model, using=library.using, measurement=latest)
    return sent


def verify(library: Library, *, on_progress: Callable[[int], object] | None = None) -> list[Any]:
    """Read every embedded picture's file and compare it with the digest that was embedded.

    Files that were replaced behind Django's back, or are gone, are reset and wait for a worker.

    Returns:
        Primary keys of the pictures that were reset.

    Raises:
        StorageAwayError: more files are missing than are there, as if their disk was not mounted;
            pictures whose file is missing keep their vectors.
    """
    columns = ("pk", library.holder.similarity_image_lookup(), "embedding_digest")
    changed, missing, seen = [], [], 0
    for row in library.rows.ready().order_by("pk").values_list(*columns).iterator():
        found = file_digest(library, row[1])
        if not found:
            missing.append(row)
        elif found != row[2] and _reset(library, *row):
            changed.append(row[0])
        seen += 1
        if on_progress:
            on_progress(1)
    if 2 * len(missing) > seen:
        raise StorageAwayError(
            _(
                "%(count)d of %(total)d files are missing from the storage. Pictures without a "
                "file were left as they are: see whether the storage is mounted, and whether its "
                "address in the settings is right. If the files are gone for good, "
                "“embed_artworks” without an option marks their pictures failed."
            )
            % {"count": len(missing), "total": seen}
        )
    return sorted(changed + [row[0] for row in missing if _reset(library, *row)])


def _reset(library: Library, pk: Any, image: str, digest: str) -> bool:
    """Make a picture wait for a worker, unless another process has embedded it meanwhile."""
    same = library.rows.filter(pk=pk, embedding_digest=digest)
    return bool(same.update(**blank_for(image)))
