"""Whether workers are there."""

from __future__ import annotations

import logging

from celery import current_app

from artsimilarity.conf import get_settings

logger = logging.getLogger(__name__)

_PING_SECONDS = 0.5


def worker_answers(queue_length: int | None, queue: str = "") -> bool:
    """Ask all workers of the host's Celery app whether any is there that serves a queue.

    Args:
        queue_length: what :func:`artsimilarity.embedding.broker.queue_length` has just said. Where
            it says that the broker does not answer, nobody is asked: Celery would try again for
            seconds.
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
