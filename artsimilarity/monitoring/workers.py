"""Whether workers are there."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from celery import current_app
from django.db.models import Q
from django.db.models.functions import Now

from artsimilarity.conf import get_settings
from artsimilarity.embedding.broker import impatient_connection
from artsimilarity.library import Library

logger = logging.getLogger(__name__)

# How long a worker has for its answer; the first that serves the queue ends the waiting. On a busy
# machine half a second is too little for some, and a page does not want to wait longer than this.
_PING_SECONDS = 1.0
# Whoever worked within so many seconds is there, however busy.
_WORKING_SECONDS = 60


class _Answered(Exception):
    """A worker that serves the queue has answered: there is nothing to wait for."""


def worker_answers(
    queue_length: int | None, queue: str = "", *, patience: float | None = None
) -> bool:
    """Ask all workers of the host's Celery app whether any is there that serves a queue.

    Args:
        queue_length: what :func:`artsimilarity.embedding.broker.queue_length` has just said. Where
            it says that the broker does not answer, nobody is asked: Celery would try again for
            seconds.
        queue: its name; that of embeddings if it is left out.
        patience: seconds to wait for the first that does; None takes one.
    """
    if queue_length is None:
        return False
    queue = queue or get_settings().QUEUE
    seconds = patience or _PING_SECONDS

    def look(reply: dict[str, Any]) -> None:
        if any(one["name"] == queue for queues in reply.values() for one in queues or ()):
            raise _Answered

    try:
        with impatient_connection(answer_seconds=seconds + 1) as connection:
            inspect = current_app.control.inspect(
                timeout=seconds, callback=look, connection=connection
            )
            inspect.active_queues()
    except _Answered:
        return True
    except Exception:  # the broker went away just now, in the way of its own transport
        logger.warning("The workers could not be asked.", exc_info=True)
    return False


def has_just_worked(library: Library) -> bool:
    """Whether rows of a library were claimed or embedded within the last minute.

    A worker that is busy may be unable to answer: in a solo pool it cannot. May read every row, so
    it is for those whose question no worker has answered.
    """
    recent = Now() - timedelta(seconds=_WORKING_SECONDS)
    worked = Q(embedding_claimed_at__gte=recent) | Q(embedded_at__gte=recent)
    return library.rows.filter(worked).exists()
