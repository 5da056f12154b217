"""Which worker has which claims, so that those of a worker that was killed are soon free again.

A claim is a stamp on the row and does not say whose it is. A worker that starts knows that whatever
was claimed under its name before is nobody's any more, and need not wait for ``CLAIM_SECONDS``.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.utils import timezone

from artsimilarity.conf import get_settings
from artsimilarity.embedding.claims import Claim
from artsimilarity.library import Library
from artsimilarity.schema.tables import WorkInHand


def note(library: Library, worker: str, claims: Sequence[Claim]) -> None:
    """Note whose these claims are, to be called in the transaction that made them.

    Nothing is noted for a nameless worker.
    """
    if worker and claims:  # all of one take carry one stamp
        WorkInHand.objects.using(library.using).create(
            worker=worker, model_label=library.label, claimed_at=claims[0].claimed_at
        )


def forget(library: Library, worker: str, claims: Sequence[Claim]) -> None:
    """Delete the note of claims that are settled; one that an error left, a sweep deletes."""
    if worker and claims:
        WorkInHand.objects.using(library.using).filter(
            worker=worker, model_label=library.label, claimed_at=claims[0].claimed_at
        ).delete()


def release(library: Library, worker: str, *, before: datetime) -> int:
    """Free what a worker of that name claimed before it started; returns the number of rows."""
    notes = WorkInHand.objects.using(library.using).filter(
        worker=worker, model_label=library.label, claimed_at__lt=before
    )
    stamps = list(notes.values_list("claimed_at", flat=True))
    if not stamps:
        return 0
    freed: int = library.rows.filter(embedding_claimed_at__in=stamps).update(
        embedding_claimed_at=None
    )
    notes.filter(claimed_at__in=stamps).delete()
    return freed


def forget_old(library: Library) -> None:
    """Delete notes of claims that have run out."""
    stale = timezone.now() - timedelta(seconds=get_settings().CLAIM_SECONDS)
    WorkInHand.objects.using(library.using).filter(
        model_label=library.label, claimed_at__lt=stale
    ).delete()
