"""What a worker's processes know of their worker: its share of the cores, and when it stops."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable
from typing import Any

from celery import Celery
from celery.signals import celeryd_after_setup, worker_shutting_down


@celeryd_after_setup.connect(dispatch_uid="artsimilarity.worker")
def prepare_worker(instance: Any, **kwargs: Any) -> None:
    """Note what a worker's processes inherit with the app's configuration when they fork.

    How many of them there are, and a flag that says that the worker is about to stop.
    """
    conf = instance.app.conf
    conf.artsimilarity_concurrency = instance.max_concurrency or instance.concurrency
    conf.artsimilarity_stopping = multiprocessing.get_context("fork").Event()

    @worker_shutting_down.connect(weak=False, dispatch_uid="artsimilarity.stopping")
    def stop(**kwargs: Any) -> None:
        conf.artsimilarity_stopping.set()


def processes(app: Celery) -> int | None:
    """Return how many processes or threads this worker has; None outside a worker."""
    concurrency: int | None = app.conf.get("artsimilarity_concurrency")
    return concurrency


def threads(app: Celery) -> int | None:
    """Return one task's share of the cores; None outside a worker."""
    concurrency = processes(app)
    return max(1, (os.cpu_count() or 1) // concurrency) if concurrency else None


def stopping(app: Celery) -> Callable[[], bool]:
    """Return the question whether the worker is about to stop; outside a worker it never is."""
    event = app.conf.get("artsimilarity_stopping")
    return event.is_set if event else bool
