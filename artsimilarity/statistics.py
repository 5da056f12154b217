"""How far a library is embedded, and how fast it goes on: for the admin, the command, a monitor."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from celery import current_app
from django.db.models import Count, Q
from django.utils import timezone

from artsimilarity import dispatch, rollout
from artsimilarity.conf import get_settings
from artsimilarity.models import SimilarityMixin
from artsimilarity.querysets import SimilarityQuerySet
from artsimilarity.recipes import current_plan
from artsimilarity.status import RolloutState

_RATE_SECONDS = 60
_PING_SECONDS = 0.5
_ERRORS = 10


@dataclass(frozen=True, kw_only=True)
class RolloutStatus:
    """How far a roll-out has come."""

    fingerprint: str
    state: RolloutState
    filled: int
    left: int


@dataclass(frozen=True, kw_only=True)
class PictureError:
    """A picture that failed, and why."""

    pk: str
    title: str
    error: str


@dataclass(frozen=True, kw_only=True)
class LibraryStatus:
    """The state of one picture model.

    Attributes:
        model: its label.
        total: rows, with or without a picture.
        ready: rows whose present picture is embedded.
        pending: rows that wait for a worker.
        failed: rows whose present picture could not be embedded.
        without_picture: rows that have none.
        by_recipe: rows that are served, by fingerprint of their recipe.
        rollout: the roll-out that is under way, if any.
        queue_length: tasks that wait; None if the broker does not answer.
        worker_seen: whether a worker answered; None if nobody was asked.
        rate: pictures embedded a second, over the last minute.
        seconds_left: at that rate; None if nothing waits or nothing moves.
        errors: those that failed, latest first, ten at most.
    """

    model: str
    total: int
    ready: int
    pending: int
    failed: int
    without_picture: int
    by_recipe: dict[str, int]
    rollout: RolloutStatus | None
    queue_length: int | None
    worker_seen: bool | None
    rate: float
    seconds_left: float | None
    errors: list[PictureError]


def library_status(
    model: type[SimilarityMixin], *, using: str = "default", workers: bool = True
) -> LibraryStatus:
    """Return the state of ``model``'s table.

    Args:
        model: the host's picture model.
        using: database alias.
        workers: ask broker and workers too, which takes up to a second.
    """
    rows = SimilarityQuerySet[Any](model, using=using)
    ready, failed, pending = rows.ready().count(), rows.failed().count(), rows.pending().count()
    total = rows.count()
    recent = timezone.now() - timedelta(seconds=_RATE_SECONDS)
    rate = rows.filter(embedded_at__gte=recent).count() / _RATE_SECONDS
    progress = _rollout_status(model, rows, using)
    left = pending + (progress.left if progress else 0)
    return LibraryStatus(
        model=model._meta.label,
        total=total,
        ready=ready,
        pending=pending,
        failed=failed,
        without_picture=total - rows.with_picture().count(),
        by_recipe=_by_recipe(rows),
        rollout=progress,
        queue_length=dispatch.queue_length() if workers else None,
        worker_seen=worker_answers() if workers else None,
        rate=round(rate, 2),
        seconds_left=round(left / rate, 1) if left and rate else None,
        errors=[
            PictureError(pk=str(picture.pk), title=str(picture), error=picture.embedding_error)
            for picture in rows.failed()
            .defer("embedding", "embedding_next")
            .order_by("-pk")[:_ERRORS]
        ],
    )


def as_dict(status: LibraryStatus) -> dict[str, Any]:
    """Return the status as plain values, for JSON."""
    return asdict(status)


def worker_answers() -> bool:
    """Ask all workers of the host's Celery app whether any is there that serves our queue."""
    try:
        found = current_app.control.inspect(timeout=_PING_SECONDS).active_queues() or {}
    except Exception:  # noqa: BLE001 -- a broker that is down means that no worker can be seen
        return False
    queue = get_settings().QUEUE
    return any(one["name"] == queue for queues in found.values() for one in queues)


def _by_recipe(rows: SimilarityQuerySet[Any]) -> dict[str, int]:
    served = rows.filter(embedding__isnull=False).order_by("embedding_recipe")
    return dict(served.values_list("embedding_recipe").annotate(Count("pk")))


def _rollout_status(
    model: type[SimilarityMixin], rows: SimilarityQuerySet[Any], using: str
) -> RolloutStatus | None:
    latest = rollout.current(model, using=using)
    if latest is None or latest.state == RolloutState.PROMOTED:
        return None
    state = RolloutState(latest.state)
    if state == RolloutState.FILLING:
        plan = current_plan(model, using)
        left = rows.unfilled(plan.next.fingerprint).count() if plan.next else 0
        filled = rows.filter(embedding_next_recipe=latest.fingerprint).count()
    else:
        left = rows.filter(embedding_next_recipe=latest.fingerprint).count()
        filled = rows.filter(Q(embedding_recipe=latest.fingerprint)).count()
    return RolloutStatus(fingerprint=latest.fingerprint, state=state, filled=filled, left=left)
