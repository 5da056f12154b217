"""Celery tasks: thin wrappers over :mod:`artsimilarity.embedding.pipeline` and its neighbours.

``AppConfig.ready()`` imports them, so that a web process knows them by name.
"""

from __future__ import annotations

from typing import Any, Literal

from celery import Task, shared_task
from django.apps import apps
from django.db import InterfaceError, OperationalError

from artsimilarity.conf import get_settings
from artsimilarity.embedding import pipeline, queue, rollout, worker
from artsimilarity.embedding import sweep as sweeping
from artsimilarity.library import Library, libraries

# A worker that dies gives its task back; rows that are done are skipped the second time.
_GIVEN_BACK: dict[str, Any] = {"acks_late": True, "reject_on_worker_lost": True}


@shared_task(bind=True, name=queue.EMBED_TASK, ignore_result=True, max_retries=None, **_GIVEN_BACK)
def embed_pictures(self: Task, model: str, pks: list[str], using: str) -> None:  # type: ignore[type-arg]
    """Embed the pictures that still need it; try those again later that may pass then."""
    library = _library(model, using)
    delay = min(get_settings().RETRY_BACKOFF * 2**self.request.retries, 600)
    try:
        result = pipeline.embed(
            library,
            pks,
            threads=worker.threads(self.app),
            should_stop=worker.stopping(self.app),
        )
    except (OperationalError, InterfaceError) as error:
        raise self.retry(exc=error, countdown=delay, max_retries=10) from error
    if result.unfinished:
        queue.send(library, result.unfinished)
    if result.retry:
        raise self.retry(args=(model, result.retry, using), countdown=delay)


@shared_task(name="artsimilarity.sweep", ignore_result=True)
def sweep() -> None:
    """Send what was left behind, and take up an interrupted promotion; for Celery beat."""
    for library in libraries():
        rollout.resume_promotion(library)
        sweeping.sweep(library)


@shared_task(name="artsimilarity.enqueue", ignore_result=True, **_GIVEN_BACK)
def enqueue(model: str, which: Literal["pending", "failed", "all"], using: str) -> None:
    """Send many pictures to the workers from a worker, so that a page need not wait for it."""
    library = _library(model, using)
    if which == "failed":
        failed = library.rows.failed().values("pk")
        queue.enqueue(library.pictures.filter(pk__in=failed), force=True)
    else:
        queue.enqueue(library.pictures, force=which == "all")


@shared_task(name="artsimilarity.promote", ignore_result=True, **_GIVEN_BACK)
def promote(model: str, using: str) -> None:
    """Put the recipe that was rolled out into service."""
    rollout.promote(_library(model, using))


@shared_task(name="artsimilarity.cancel", ignore_result=True, **_GIVEN_BACK)
def cancel(model: str, using: str) -> None:
    """Give up the roll-out that is under way."""
    rollout.cancel(_library(model, using))


def _library(model: str, using: str) -> Library:
    return Library(apps.get_model(model), using)
