"""Which worker has which claims, so that those of a worker that was killed are soon free again.

A claim is a stamp on the row and does not say whose it is. A worker that starts knows that whatever
was claimed under its name before is nobody's any more, and need not wait for ``CLAIM_SECONDS``.
When it started it knows by its own machine's clock, with which no other machine's is compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from django.db.models import Q
from django.db.models.functions import Now

from artsimilarity.conf import get_settings
from artsimilarity.embedding.claims import Claim
from artsimilarity.library import Library
from artsimilarity.schema.tables import WorkInHand


def note(library: Library, worker: str, claims: Sequence[Claim], *, started_at: float) -> None:
    """Note whose these claims are, to be called in the transaction that made them.

    Nothing is noted for a nameless worker.

    Args:
        library: whose rows they are.
        worker: name of the Celery worker.
        claims: of one take.
        started_at: when that worker started, in seconds since 1970 by its own machine's clock.
    """
    if worker and claims:  # all of one take carry one stamp
        WorkInHand.objects.using(library.using).create(
            worker=worker,
            started_at=started_at,
            model_label=library.label,
            claimed_at=claims[0].claimed_at,
        )


def forget(library: Library, worker: str, claims: Sequence[Claim]) -> None:
    """Delete the note of claims that are settled; one that an error left, a sweep deletes."""
    if worker and claims:
        WorkInHand.objects.using(library.using).filter(
            worker=worker, model_label=library.label, claimed_at=claims[0].claimed_at
        ).delete()


def release(library: Library, worker: str, *, before: float) -> int:
    """Free what a worker of that name had that started earlier; returns the number of rows.

    Args:
        library: whose rows they are.
        worker: name of the Celery worker.
        before: when it has started now, as for :func:`note`.
    """
    earlier = Q(started_at__lt=before) | Q(started_at=None)  # noted by the release before
    notes = WorkInHand.objects.using(library.using).filter(
        earlier, worker=worker, model_label=library.label
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
    stale = Now() - timedelta(seconds=get_settings().CLAIM_SECONDS)
    WorkInHand.objects.using(library.using).filter(
        model_label=library.label, claimed_at__lt=stale
    ).delete()
