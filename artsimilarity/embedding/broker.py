"""The broker, asked in a way that never holds up a page or a save."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from celery import current_app
from kombu import Connection

from artsimilarity.conf import get_settings

logger = logging.getLogger(__name__)

# How long a save may wait for a broker to accept a connection, and for its answers.
_CONNECT_SECONDS = 0.5
_ANSWER_SECONDS = 5


@contextmanager
def impatient_connection() -> Iterator[Connection]:
    """Connect to the broker once, without the retries by which Celery would hold up a save."""
    with current_app.connection_for_write(connect_timeout=_CONNECT_SECONDS) as connection:
        options = {**(connection.transport_options or {}), "max_retries": 0}
        if connection.transport.driver_type == "redis":
            options.setdefault("socket_connect_timeout", _CONNECT_SECONDS)
            options.setdefault("socket_timeout", _ANSWER_SECONDS)
        connection.transport_options = options
        yield connection


def publish_over(connection: Connection, task: str, *args: Any, **options: Any) -> None:
    """Publish a task, known by its name; raises what the broker's transport raises.

    Args:
        connection: from :func:`impatient_connection`.
        task: name of one of the app's tasks, which ``AppConfig.ready()`` has registered.
        args: its arguments.
        options: for ``apply_async``, such as ``queue``.
    """
    options.setdefault("queue", get_settings().QUEUE)
    options |= {"connection": connection, "retry": False}  # the stubs lack connection
    current_app.tasks[task].apply_async(args=args, **options)


def publish(task: str, *args: Any, **options: Any) -> bool:
    """Publish one task; returns whether the broker took it. Arguments as for ``publish_over``."""
    try:
        with impatient_connection() as connection:
            publish_over(connection, task, *args, **options)
    except Exception as error:  # transports fail in ways of their own; it is logged
        logger.warning("The broker did not take %s: %s", task, error, exc_info=True)
        return False
    return True


def queue_length(queue: str = "") -> int | None:
    """Return how many tasks wait in a queue; None if the broker does not answer.

    Args:
        queue: its name; that of embeddings if it is left out.
    """
    queue = queue or get_settings().QUEUE
    try:
        with impatient_connection() as connection:
            try:
                channel: Any = connection.default_channel  # the stubs' class lacks the method
                declared = channel.queue_declare(queue, passive=True)
            except connection.channel_errors:
                return 0  # a queue that nothing was ever sent to does not exist
            return int(declared.message_count)
    except Exception as error:  # noqa: BLE001 -- transports fail in ways of their own; it is logged
        logger.warning("The broker does not answer: %s", error)
        return None
