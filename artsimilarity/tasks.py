"""Celery tasks: thin wrappers over :mod:`artsimilarity.indexing` and its neighbours."""

from __future__ import annotations

import base64
import multiprocessing
import os
from typing import Any, Literal

from celery import Task, shared_task
from celery.signals import celeryd_after_setup, worker_ready, worker_shutting_down
from django.apps import apps
from django.db import InterfaceError, OperationalError, router

from artsimilarity.conf import get_settings

# A worker that dies gives its task back; rows that are done are skipped the second time.
_GIVEN_BACK: dict[str, Any] = {"acks_late": True, "reject_on_worker_lost": True}

# A worker that is not at it by then has been busy, and so is warm.
_WARM_UP_SECONDS = 60


@shared_task(
    bind=True,
    name="artsimilarity.embed_pictures",
    ignore_result=True,
    max_retries=None,
    **_GIVEN_BACK,
)
def embed_pictures(self: Task, model: str, pks: list[str], using: str = "default") -> None:  # type: ignore[type-arg]
    """Embed the pictures that still need it; try those again later that may pass then."""
    from artsimilarity import dispatch, indexing

    settings = get_settings()
    delay = min(settings.RETRY_BACKOFF * 2**self.request.retries, 600)
    try:
        result = indexing.embed(
            apps.get_model(model),
            pks,
            using=using,
            threads=_threads(self),
            should_stop=_stopping(self),
        )
    except (OperationalError, InterfaceError) as error:
        raise self.retry(exc=error, countdown=delay, max_retries=10) from error
    if result.unfinished:
        dispatch.send(apps.get_model(model), result.unfinished, using=using)
    if result.retry:
        raise self.retry(args=(model, result.retry, using), countdown=delay)


@shared_task(name="artsimilarity.sweep", ignore_result=True)
def sweep() -> None:
    """Send what was left behind, and take up an interrupted promotion; for Celery beat."""
    from artsimilarity import own_pictures
    from artsimilarity import sweep as sweeping
    from artsimilarity.models import similarity_models

    for model in similarity_models():
        using = router.db_for_write(model)
        sweeping.resume_promotion(model, using=using)
        sweeping.sweep(model, using=using)
        own_pictures.forget_unclaimed(using)


@shared_task(name="artsimilarity.enqueue", ignore_result=True, **_GIVEN_BACK)
def enqueue(model: str, which: Literal["pending", "failed", "all"], using: str = "default") -> None:
    """Send many pictures to the workers from a worker, so that a page need not wait for it."""
    from artsimilarity import dispatch
    from artsimilarity.querysets import SimilarityQuerySet

    rows = SimilarityQuerySet[Any](apps.get_model(model), using=using)
    if which == "pending":
        dispatch.enqueue(rows)
    else:
        dispatch.enqueue(rows.failed() if which == "failed" else rows, force=True)


@shared_task(name="artsimilarity.promote", ignore_result=True, **_GIVEN_BACK)
def promote(model: str, using: str = "default") -> None:
    """Put the recipe that was rolled out into service."""
    from artsimilarity import rollout

    rollout.promote(apps.get_model(model), using=using)


@shared_task(name="artsimilarity.cancel", ignore_result=True, **_GIVEN_BACK)
def cancel(model: str, using: str = "default") -> None:
    """Give up the roll-out that is under way."""
    from artsimilarity import rollout

    rollout.cancel(apps.get_model(model), using=using)


@shared_task(
    bind=True,
    name="artsimilarity.describe_picture",
    ignore_result=True,
    acks_late=False,  # a second answer would come too late
    time_limit=60,
)
def describe_picture(
    self: Task,  # type: ignore[type-arg]
    key: str,
    model: str,
    picture: str,
    fingerprint: str,
    using: str = "default",
) -> None:
    """Describe a visitor's own picture and leave the vector for the process that asked."""
    from artsimilarity import own_pictures

    own_pictures.answer(
        key,
        apps.get_model(model),
        base64.b64decode(picture),
        fingerprint,
        using=using,
        threads=_threads(self),
    )


@shared_task(bind=True, name="artsimilarity.warm_up", ignore_result=True)
def warm_up(self: Task) -> None:  # type: ignore[type-arg]
    """Load what the first visitor would otherwise wait for: torch, and the weights in service."""
    from artsimilarity import indexing
    from artsimilarity.models import similarity_models
    from artsimilarity.recipes import current_plan

    for model in similarity_models():
        using = router.db_for_write(model)
        recipe = current_plan(model, using).serving
        indexing.load_encoder(recipe, using=using, threads=_threads(self))


@worker_ready.connect(dispatch_uid="artsimilarity.warm_up")
def send_warm_up(sender: Any, **kwargs: Any) -> None:
    """Warm a worker up that serves searches by picture, once for each of its processes."""
    from artsimilarity import dispatch

    queue = get_settings().SEARCH_QUEUE
    if queue not in sender.app.amqp.queues.consume_from:
        return
    for _process in range(sender.app.conf.get("artsimilarity_concurrency") or 1):
        dispatch.call(warm_up, queue=queue, expires=_WARM_UP_SECONDS)


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


def _threads(task: Task) -> int | None:  # type: ignore[type-arg]
    """Return this task's share of the cores, or None outside a worker."""
    concurrency = task.app.conf.get("artsimilarity_concurrency")
    return max(1, (os.cpu_count() or 1) // concurrency) if concurrency else None


def _stopping(task: Task) -> Any:  # type: ignore[type-arg]
    """Return the question whether the worker is about to stop; outside a worker it never is."""
    event = task.app.conf.get("artsimilarity_stopping")
    return event.is_set if event else bool
