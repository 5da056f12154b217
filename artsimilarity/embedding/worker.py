"""What a worker's processes know of their worker, and what the worker does beside its tasks.

Its share of the cores, when it stops, the sweeps that it asks for, and that it takes no pictures
as long as it cannot load the encoder.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import time
from collections.abc import Callable
from typing import Any

from celery import Celery, bootsteps
from celery.signals import celeryd_after_setup, worker_init, worker_shutting_down
from django.db import DatabaseError, InterfaceError, connections

from artsimilarity.conf import get_settings
from artsimilarity.embedding.broker import publish
from artsimilarity.library import Library, libraries

logger = logging.getLogger(__name__)

SWEEP_TASK = "artsimilarity.sweep"
# Sweeps have a queue of their own, which workers take up by themselves: they would wait behind a
# library that is being embedded, and a worker without an encoder can sweep as well as any.
_SWEEP_QUEUE = "{queue}-sweep"
_PAUSE_COMMAND = "artsimilarity_pause"
# A worker without an encoder tries again after so long.
_LONGEST_PAUSE = 60


@celeryd_after_setup.connect(dispatch_uid="artsimilarity.worker")
def prepare_worker(instance: Any, **kwargs: Any) -> None:
    """Note what a worker's processes inherit with the app's configuration when they fork.

    How many of them there are, when the worker started, and a flag that says that it is about to
    stop.
    """
    conf = instance.app.conf
    conf.artsimilarity_concurrency = instance.max_concurrency or instance.concurrency
    conf.artsimilarity_started_at = time.time()
    conf.artsimilarity_stopping = multiprocessing.get_context("fork").Event()

    @worker_shutting_down.connect(weak=False, dispatch_uid="artsimilarity.stopping")
    def stop(**kwargs: Any) -> None:
        conf.artsimilarity_stopping.set()


@celeryd_after_setup.connect(dispatch_uid="artsimilarity.worker_database")
def say_if_the_database_is_another(**kwargs: Any) -> None:
    """Log in words that a worker looks at a database without pictures; its tasks would only raise.

    The usual cause is an environment that ``manage.py`` reads (``.env``) and ``celery`` does not.
    """
    for library in libraries():
        lacks = _lacks(library)
        if lacks:
            logger.error(
                "This worker cannot embed %s: its database %r %s. If the site's own database is "
                "another one, give the worker the site's settings and environment, such as "
                "DATABASE_URL: manage.py may read a file .env that celery does not.",
                library.name,
                library.using,
                lacks,
            )


def _lacks(library: Library) -> str:
    """Return what a library's database is not, in words; "" where it will do or cannot be asked."""
    connection = connections[library.using]
    if connection.vendor != "postgresql":
        return f"is {connection.vendor}, not PostgreSQL"
    table = library.holder._meta.db_table
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT to_regclass(%s)", [connection.ops.quote_name(table)])
            (found,) = cursor.fetchone()
    except (DatabaseError, InterfaceError):  # it may answer by the first task
        return ""
    finally:
        connection.close()  # the processes to come must not inherit it
    return "" if found else f"has no table {table!r}: run 'manage.py migrate'"


@worker_init.connect(dispatch_uid="artsimilarity.worker_init")
def extend_worker(sender: Any, **kwargs: Any) -> None:
    """Give a worker a step that sweeps, and a command by which its processes pause it."""
    sender.app.steps["consumer"].add(SweepStep)
    _register_pause()


def processes(app: Celery) -> int | None:
    """Return how many processes or threads this worker has; None outside a worker."""
    concurrency: int | None = app.conf.get("artsimilarity_concurrency")
    return concurrency


def threads(app: Celery) -> int | None:
    """Return one task's share of the cores; None outside a worker."""
    concurrency = processes(app)
    return max(1, (os.cpu_count() or 1) // concurrency) if concurrency else None


def started_at(app: Celery) -> float:
    """Return when this worker started, in seconds since 1970 by this machine; else 0."""
    seconds: float = app.conf.get("artsimilarity_started_at") or 0
    return seconds


def stopping(app: Celery) -> Callable[[], bool]:
    """Return the question whether the worker is about to stop; outside a worker it never is."""
    event = app.conf.get("artsimilarity_stopping")
    return event.is_set if event else bool


class SweepStep(bootsteps.StartStopStep):
    """Asks for a sweep at the start, and every ``ARTSIMILARITY["SWEEP_SECONDS"]`` from then on.

    A timer of the worker's own process, which any pool has: the sweep itself is a task like others.
    All workers ask; the first that comes to it sweeps. A connection to the broker that was lost
    starts the step anew.
    """

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, consumer: Any, **options: Any) -> None:
        super().__init__(consumer, **options)
        self._queue = get_settings().QUEUE
        self._serves = self._queue in consumer.app.amqp.queues.consume_from
        self._timers: list[Any] = []
        self._app: Celery = consumer.app
        # Whatever was claimed under this name before is in nobody's hands any more.
        self._just_started = {"started": str(consumer.hostname)}

    def start(self, consumer: Any) -> None:
        """Ask now, and by the clock from now on."""
        if not self._serves:
            return
        if self._queue not in consumer.app.amqp.queues.consume_from:
            consumer.add_task_queue(self._queue)  # its timer went with the connection
        seconds = get_settings().SWEEP_SECONDS
        if seconds:
            consumer.add_task_queue(_SWEEP_QUEUE.format(queue=self._queue))
            self._timers = [
                consumer.timer.call_after(0.1, self._ask),
                consumer.timer.call_repeatedly(seconds, self._ask),
            ]

    def stop(self, consumer: Any) -> None:
        """Ask no more."""
        while self._timers:
            self._timers.pop().cancel()

    def _ask(self) -> None:
        settings = get_settings()
        kwargs = {"unless_within": settings.SWEEP_SECONDS / 2, **self._just_started}
        if self._just_started:
            # Not known before: with some pools this step is made before the worker has started.
            kwargs["started_at"] = started_at(self._app)
        # What a killed worker had is freed however late; other sweeps are no use once there is
        # the next, and none comes before the task in hand is done.
        lifetime = max(settings.SWEEP_SECONDS, settings.TIME_LIMIT)
        expires = None if self._just_started else lifetime
        queue = _SWEEP_QUEUE.format(queue=settings.QUEUE)
        if publish(SWEEP_TASK, kwargs=kwargs, queue=queue, expires=expires):
            self._just_started.clear()


def pause(app: Celery, hostname: str | None, reason: str) -> None:
    """Let the worker of that name take no more pictures until it has tried once more.

    Called by its processes, which cannot tell it otherwise.
    """
    destination = [hostname] if hostname else []
    try:
        app.control.broadcast(_PAUSE_COMMAND, arguments={"reason": reason}, destination=destination)
    except Exception:  # the broker went away, in the way of its transport: the task is tried again
        logger.warning("The worker %s could not be paused.", hostname, exc_info=True)


def _register_pause() -> None:
    # A web process has no use for what a worker brings along.
    from celery.worker.control import control_command

    @control_command(name=_PAUSE_COMMAND, args=[("reason", str)])
    def pause_pictures(state: Any, reason: str) -> dict[str, str]:
        """Take no more pictures for a while."""
        consumer, name = state.consumer, get_settings().QUEUE
        if name in consumer.app.amqp.queues.consume_from:
            seconds = max(1, min(get_settings().SWEEP_SECONDS or _LONGEST_PAUSE, _LONGEST_PAUSE))
            logger.error(
                "This worker takes no pictures from the queue %r, and tries again in %d s: %s",
                name,
                seconds,
                reason,
            )
            consumer.cancel_task_queue(name)
            consumer.timer.call_after(seconds, consumer.add_task_queue, (name,))
        return {"ok": reason}
