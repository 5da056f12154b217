"""The broker, asked in a way that never holds up a page or a save."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from celery import current_app
from kombu import Connection
from kombu.exceptions import OperationalError

from artsimilarity.conf import get_settings

logger = logging.getLogger(__name__)

# How long a save may wait for a broker to accept a connection, and for each of its answers.
_CONNECT_SECONDS = 0.2
_ANSWER_SECONDS = 0.2
# The same for workers and commands, which have nothing better to do.
_PATIENT_CONNECT_SECONDS = 0.5
_PATIENT_ANSWER_SECONDS = 5.0
# A broker that did not answer is left alone for so long by whoever cannot wait.
_REST_SECONDS = 10.0


class BrokerDownError(OperationalError):
    """The broker did not answer a moment ago, so it was not asked again."""


class Outages:
    """Which brokers did not answer just now; one a process and Celery app, threads share it."""

    def __init__(self) -> None:
        self._until: dict[str, float] = {}

    def __contains__(self, url: str) -> bool:
        return time.monotonic() < self._until.get(url, 0.0)

    def begin(self, url: str) -> None:
        """Leave this broker alone from now on, for a while."""
        self._until[url] = time.monotonic() + _REST_SECONDS

    def end(self, url: str) -> None:
        """It answers again."""
        self._until.pop(url, None)


def outages() -> Outages:
    """Return those that the host's Celery app remembers."""
    app: Any = current_app._get_current_object()  # type: ignore[attr-defined]
    kept: Outages = vars(app).setdefault("artsimilarity_outages", Outages())
    return kept


@contextmanager
def impatient_connection(
    *, insist: bool = False, answer_seconds: float | None = None
) -> Iterator[Connection]:
    """Connect to the broker once, without the retries by which Celery would hold up a save.

    A broker that does not answer is remembered as down for ten seconds, and whoever does not
    insist is refused at once meanwhile: one save or page pays for finding out, not each.

    Args:
        insist: ask also a broker that did not answer just now, and wait seconds for its answers;
            for workers and commands.
        answer_seconds: how long to wait for each answer; None takes 0.2, or 5 to those who insist.

    Raises:
        BrokerDownError: it did not answer a moment ago.
    """
    known, url = outages(), str(current_app.conf.broker_write_url or "")
    if not insist and url in known:
        raise BrokerDownError("The broker did not answer a moment ago.")
    connect = _PATIENT_CONNECT_SECONDS if insist else _CONNECT_SECONDS
    answer = answer_seconds or (_PATIENT_ANSWER_SECONDS if insist else _ANSWER_SECONDS)
    with current_app.connection_for_write(connect_timeout=connect) as connection:
        failures: tuple[type[Exception], ...] = (OSError, OperationalError)
        options = {**(connection.transport_options or {}), "max_retries": 0}
        if connection.transport.driver_type == "redis":
            for name, seconds in (("socket_connect_timeout", connect), ("socket_timeout", answer)):
                options[name] = min(options.get(name) or seconds, seconds)
        connection.transport_options = options
        try:
            yield connection
        except (*failures, *connection.connection_errors):
            known.begin(url)
            raise
        known.end(url)


def publish_over(
    connection: Connection,
    task: str,
    *args: Any,
    kwargs: dict[str, Any] | None = None,
    **options: Any,
) -> None:
    """Publish a task, known by its name; raises what the broker's transport raises.

    Args:
        connection: from :func:`impatient_connection`.
        task: name of one of the app's tasks, which ``AppConfig.ready()`` has registered.
        args: its arguments, and ``kwargs`` those with names.
        options: for ``apply_async``, such as ``queue``.
    """
    options.setdefault("queue", get_settings().QUEUE)
    options |= {"connection": connection, "retry": False}  # the stubs lack connection
    current_app.tasks[task].apply_async(args=args, kwargs=kwargs, **options)


def publish(task: str, *args: Any, insist: bool = False, **options: Any) -> bool:
    """Publish one task; returns whether the broker took it.

    Args:
        insist: as for :func:`impatient_connection`; the others as for :func:`publish_over`.
    """
    try:
        with impatient_connection(insist=insist) as connection:
            publish_over(connection, task, *args, **options)
    except Exception as error:  # transports fail in ways of their own; it is logged
        expected = isinstance(error, OperationalError)
        logger.warning("The broker did not take %s: %s", task, error, exc_info=not expected)
        return False
    return True


def queue_length(
    queue: str = "", *, insist: bool = False, answer_seconds: float | None = None
) -> int | None:
    """Return how many tasks wait in a queue; None if the broker does not answer.

    Args:
        queue: its name; that of embeddings if it is left out.
        insist: as for :func:`impatient_connection`, and so is ``answer_seconds``.
    """
    queue = queue or get_settings().QUEUE
    try:
        with impatient_connection(insist=insist, answer_seconds=answer_seconds) as connection:
            try:
                channel: Any = connection.default_channel  # the stubs' class lacks the method
                declared = channel.queue_declare(queue, passive=True)
            except connection.channel_errors:
                return 0  # a queue that nothing was ever sent to does not exist
            return int(declared.message_count)
    except Exception as error:  # noqa: BLE001 -- transports fail in ways of their own; it is logged
        logger.warning("The broker does not answer: %s", error)
        return None
