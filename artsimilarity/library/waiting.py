"""Since when pictures wait for a worker, and when workers last looked for such."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext as _

from artsimilarity.conf import get_settings
from artsimilarity.library.library import Library
from artsimilarity.schema.tables import SweepRecord

# Pictures whose waiting is followed at a time.
_FOLLOWED = 200


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """How long a library has waited for workers.

    Attributes:
        now: when it was looked at. All times are by the database's clock, the one that all machines
            share.
        since: some pictures have waited since then, at least; None if it is not known of any.
        swept_at: when a sweep was last done; None if none ever was.
    """

    now: datetime
    since: datetime | None = None
    swept_at: datetime | None = None

    @property
    def is_long(self) -> bool:
        """Whether pictures have waited longer than ``ARTSIMILARITY["PENDING_SECONDS"]``."""
        return self.since is not None and self._age(self.since) > get_settings().PENDING_SECONDS

    @property
    def is_unswept(self) -> bool:
        """Whether no sweep has been done for longer than three of them are apart."""
        settings = get_settings()
        allowed = 3 * settings.SWEEP_SECONDS or settings.PENDING_SECONDS
        return self.swept_at is None or self._age(self.swept_at) > allowed

    def _age(self, moment: datetime) -> float:
        return (self.now - moment).total_seconds()


def begin_sweep(library: Library, *, unless_within: float) -> bool:
    """Note that a sweep begins; False if another began within so many seconds.

    One statement decides, so that of several workers one sweeps; nothing is held meanwhile that a
    killed worker or a pooler in transaction mode could leave behind.
    """
    records = SweepRecord.objects.using(library.using)
    records.get_or_create(model_label=library.label)
    free = Q(began_at=None) | Q(began_at__lte=Now() - timedelta(seconds=unless_within))
    return bool(records.filter(free, model_label=library.label).update(began_at=Now()))


def end_sweep(library: Library) -> None:
    """Note that a sweep is done."""
    SweepRecord.objects.using(library.using).update_or_create(
        model_label=library.label, defaults={"swept_at": Now()}
    )


def follow(library: Library) -> Waiting:
    """Look at what waits, note since when, and return it; counts as many rows as a status does."""
    with transaction.atomic(using=library.using):
        records = SweepRecord.objects.using(library.using)
        records.get_or_create(model_label=library.label)
        locked = records.select_for_update().annotate(now=Now())
        record = locked.get(model_label=library.label)
        if not _still_waiting(library, record):
            pks = library.rows.pending().order_by("pk").values_list("pk", flat=True)
            record.waiting_keys = [str(pk) for pk in pks[:_FOLLOWED]]
            record.waiting_since = record.now if record.waiting_keys else None
            record.save(update_fields=["waiting_keys", "waiting_since"])
        return _as_noted(record, record.waiting_since)


def read(library: Library) -> Waiting:
    """Return what was noted last; looks a few rows up by their keys, and writes nothing."""
    records = SweepRecord.objects.using(library.using).annotate(now=Now())
    record = records.filter(model_label=library.label).first()
    if record is None:
        return Waiting(now=timezone.now())
    return _as_noted(record, record.waiting_since if _still_waiting(library, record) else None)


def problems_of(library: Library, known: Waiting | None = None) -> list[str]:
    """Return what waits unseen in a library, in words for an administrator that say what to do.

    Args:
        library: to look at.
        known: what :func:`read` has just said.
    """
    waiting, settings = known or read(library), get_settings()
    problems = []
    if waiting.is_long and waiting.since:
        problems.append(
            _(
                "Pictures of %(model)s have waited for a worker since %(since)s UTC, longer than "
                "ARTSIMILARITY['PENDING_SECONDS'] = %(seconds)s. See whether a worker runs and "
                "what it logs: celery -A <project> worker -Q %(queue)s; "
                "'manage.py embed_artworks --status' shows how many wait."
            )
            % {
                "model": library.name,
                "since": f"{waiting.since:%F %H:%M}",
                "seconds": settings.PENDING_SECONDS,
                "queue": settings.QUEUE,
            }
        )
    if waiting.is_unswept and library.pictures.exists():
        problems.append(_unswept(library, waiting.swept_at))
    return problems


def _unswept(library: Library, swept_at: datetime | None) -> str:
    values = {"model": library.name, "queue": get_settings().QUEUE}
    if swept_at is None:
        return (
            _(
                "No worker has looked for pictures of %(model)s that were left behind so far. A "
                "worker does so by itself every ARTSIMILARITY['SWEEP_SECONDS']: "
                "celery -A <project> worker -Q %(queue)s"
            )
            % values
        )
    return _(
        "No worker has looked for pictures of %(model)s that were left behind since %(since)s UTC. "
        "A worker does so by itself every ARTSIMILARITY['SWEEP_SECONDS']: "
        "celery -A <project> worker -Q %(queue)s"
    ) % {**values, "since": f"{swept_at:%F %H:%M}"}


def _still_waiting(library: Library, record: SweepRecord) -> bool:
    """Whether any of the pictures that are followed waits."""
    if not record.waiting_keys:
        return False
    return library.rows.pending().filter(pk__in=record.waiting_keys).exists()


def _as_noted(record: Any, since: datetime | None) -> Waiting:
    """What a record says that was read with the time of the database."""
    return Waiting(now=record.now, since=since, swept_at=record.swept_at)
