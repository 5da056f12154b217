"""Celery tasks: thin wrappers over :mod:`artsimilarity.indexing`."""

from __future__ import annotations

import os
from typing import Any

from celery import Task, shared_task
from celery.signals import celeryd_after_setup
from django.apps import apps
from django.db import InterfaceError, OperationalError

from artsimilarity.conf import get_settings


@shared_task(
    bind=True,
    name="artsimilarity.embed_pictures",
    # A worker that dies gives its chunk back; rows that are done are skipped the second time.
    acks_late=True,
    reject_on_worker_lost=True,
    ignore_result=True,
    max_retries=None,
)
def embed_pictures(self: Task, model: str, pks: list[str], using: str = "default") -> None:  # type: ignore[type-arg]
    """Embed the pictures that still need it; try those again later that may pass then."""
    from artsimilarity import indexing

    settings = get_settings()
    delay = min(settings.RETRY_BACKOFF * 2**self.request.retries, 600)
    try:
        result = indexing.embed(apps.get_model(model), pks, using=using, threads=_threads(self))
    except (OperationalError, InterfaceError) as error:
        raise self.retry(exc=error, countdown=delay, max_retries=10) from error
    if result.retry:
        raise self.retry(args=(model, result.retry, using), countdown=delay)


@celeryd_after_setup.connect(dispatch_uid="artsimilarity.concurrency")
def remember_concurrency(instance: Any, **kwargs: Any) -> None:
    """Note how many tasks the worker runs at once; its processes inherit the configuration."""
    instance.app.conf.artsimilarity_concurrency = instance.max_concurrency or instance.concurrency


def _threads(task: Task) -> int | None:  # type: ignore[type-arg]
    """Return this task's share of the cores, or None outside a worker."""
    concurrency = task.app.conf.get("artsimilarity_concurrency")
    return max(1, (os.cpu_count() or 1) // concurrency) if concurrency else None
