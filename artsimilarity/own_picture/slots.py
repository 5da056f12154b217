"""How many searches that need a worker are worked on at once, in all web processes.

A rate limits how often one visitor asks; this limits what all of them cost together. A place is
given back by the process that took it, when it is done: a visitor who hangs up frees nothing, since
the server goes on with what he asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from artsimilarity.conf import get_settings
from artsimilarity.schema.tables import SearchSlot

# Whoever has a place for longer has died with it.
_LOST_SECONDS = 120


class NoSlotError(Exception):
    """As many searches as are allowed are being worked on."""


@contextmanager
def slot(using: str) -> Iterator[None]:
    """Take a place for as long as the block runs.

    Works in a transaction of the host's too (``ATOMIC_REQUESTS``): the row stays locked then, and
    others pass it by.

    Args:
        using: database alias.

    Raises:
        NoSlotError: there is none.
    """
    taken = _take(using)
    try:
        yield
    finally:
        # If a later search has it already, because we took so long, it is not ours to give back.
        slots = SearchSlot.objects.using(using)
        slots.filter(pk=taken.pk, taken_at=taken.taken_at).update(taken_at=None)


def _take(using: str) -> SearchSlot:
    slots, most = SearchSlot.objects.using(using), get_settings().SEARCHES_AT_ONCE
    if slots.filter(number__lte=most).count() < most:
        slots.bulk_create(
            [SearchSlot(number=number) for number in range(1, most + 1)], ignore_conflicts=True
        )
    # By the database's clock: web processes on other machines may have another idea of the time.
    lost = Now() - timedelta(seconds=_LOST_SECONDS)
    free = Q(taken_at=None) | Q(taken_at__lt=lost)
    with transaction.atomic(using=using):
        wanted = slots.select_for_update(skip_locked=True).filter(free, number__lte=most)
        found = wanted.annotate(now=Now()).order_by("number").first()
        if found is None:
            raise NoSlotError
        found.taken_at = found.now
        found.save(using=using, update_fields=["taken_at"])
    return found
