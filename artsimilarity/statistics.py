"""How far a library is embedded, and how fast it goes on: for the admin, the command, a monitor."""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from celery import current_app
from django.db.models import Count, Q
from django.utils import timezone

from artsimilarity import dispatch, rollout
from artsimilarity.conf import get_settings
from artsimilarity.fields import VECTORS
from artsimilarity.models import SimilarityMixin
from artsimilarity.querysets import SimilarityQuerySet, has_picture, is_pending, is_settled
from artsimilarity.recipes import current_plan
from artsimilarity.status import EmbeddingStatus, RolloutState

logger = logging.getLogger(__name__)

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
    groups = _count(rows)
    total, pending = _sum(groups, "total"), _sum(groups, "pending")
    progress = _rollout_status(model, rows, using)
    left = pending + (progress.left if progress else 0)
    waiting = dispatch.queue_length() if workers else None
    rate = _sum(groups, "recent") / _RATE_SECONDS
    return LibraryStatus(
        model=model._meta.label,
        total=total,
        ready=_sum(groups, "ready"),
        pending=pending,
        failed=_sum(groups, "failed"),
        without_picture=total - _sum(groups, "with_picture"),
        by_recipe={
            group["embedding_recipe"]: group["served"] for group in groups if group["served"]
        },
        rollout=progress,
        queue_length=waiting,
        worker_seen=worker_answers(waiting) if workers else None,
        rate=round(rate, 2),
        seconds_left=round(left / rate, 1) if left and rate else None,
        errors=[
            PictureError(pk=str(picture.pk), title=str(picture), error=picture.embedding_error)
            for picture in rows.failed().defer(*VECTORS).order_by("-pk")[:_ERRORS]
        ],
    )


def as_dict(status: LibraryStatus) -> dict[str, Any]:
    """Return the status as plain values, for JSON."""
    return asdict(status)


def worker_answers(queue_length: int | None, queue: str = "") -> bool:
    """Ask all workers of the host's Celery app whether any is there that serves a queue.

    Args:
        queue_length: what :func:`artsimilarity.dispatch.queue_length` has just said. Where it says
            that the broker does not answer, nobody is asked: Celery would try again for seconds.
        queue: its name; that of embeddings if it is left out.
    """
    if queue_length is None:
        return False
    try:
        found = current_app.control.inspect(timeout=_PING_SECONDS).active_queues() or {}
    except Exception:  # the broker went away just now, in the way of its own transport
        logger.warning("The workers could not be asked.", exc_info=True)
        return False
    queue = queue or get_settings().QUEUE
    return any(one["name"] == queue for queues in found.values() for one in queues)


def _count(rows: SimilarityQuerySet[Any]) -> list[dict[str, Any]]:
    """Count rows by their recipe and what is in them, in one pass over the table."""
    model = rows.model
    since = timezone.now() - timedelta(seconds=_RATE_SECONDS)
    return list(
        rows.order_by()
        .values("embedding_recipe")
        .annotate(
            total=Count("pk"),
            served=Count("pk", filter=Q(embedding__isnull=False)),
            pending=Count("pk", filter=is_pending(model)),
            ready=Count("pk", filter=is_settled(model, EmbeddingStatus.READY)),
            failed=Count("pk", filter=is_settled(model, EmbeddingStatus.FAILED)),
            with_picture=Count("pk", filter=has_picture(model)),
            recent=Count("pk", filter=Q(embedded_at__gte=since)),
        )
        .order_by("embedding_recipe")
    )


def _sum(groups: list[dict[str, Any]], name: str) -> int:
    return sum(group[name] for group in groups)


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
