"""Celery tasks: thin wrappers over :mod:`artsimilarity.embedding.pipeline` and its neighbours.

``AppConfig.ready()`` imports them, so that a web process knows them by name.
"""

from __future__ import annotations

import logging
import time
from typing import Any, Literal, NoReturn

from celery import Task, shared_task
from celery.exceptions import Reject
from django.apps import apps

from artsimilarity.conf import get_settings
from artsimilarity.embedding import in_hand, pipeline, queue, rollout, worker
from artsimilarity.embedding import sweep as sweeping
from artsimilarity.embedding.encoders import EncoderUnavailableError
from artsimilarity.library import Library, libraries, waiting
from artsimilarity.library.thumbnails import prepare_thumbnails

logger = logging.getLogger(__name__)

# A worker that dies, or is ended at the time limit, gives its task back; rows that are done are
# skipped the second time. What raises is sent again by the task itself.
_GIVEN_BACK: dict[str, Any] = {
    "acks_late": True,
    "reject_on_worker_lost": True,
    "acks_on_failure_or_timeout": False,
    "max_retries": None,
}
# After so many the sweep goes on, which takes turns with other work.
_MOST_RETRIES = 10
_LONGEST_DELAY = 600
# Between two tries of a worker without an encoder, until it has heard that it should stop.
_PAUSE_SECONDS = 1


class TaskFailedError(RuntimeError):
    """What a task is tried again for.

    Stands for the error itself, which may be none that Celery can send, or a ``MemoryError``, at
    which Celery's workers stop altogether.
    """


@shared_task(bind=True, name=queue.EMBED_TASK, ignore_result=True, **_GIVEN_BACK)
def embed_pictures(self: Task, model: str, pks: list[str], using: str) -> None:  # type: ignore[type-arg]
    """Embed the pictures that still need it; try those again later that may pass then."""
    try:
        library = _library(model, using)
        result = pipeline.embed(
            library,
            pks,
            threads=worker.threads(self.app),
            worker=self.request.hostname or "",
            started_at=worker.started_at(self.app),
            should_stop=worker.stopping(self.app),
        )
    except EncoderUnavailableError as error:
        _give_back(self, error)
    except Exception as error:  # noqa: BLE001 -- whatever it is; it is logged
        _try_again(self, error)
    if result.unfinished:
        queue.send(library, result.unfinished, insist=True)
    queue.send_for_thumbnails(library, result.embedded)
    if result.retry:
        raise self.retry(args=(model, result.retry, using), countdown=_delay(self))


@shared_task(bind=True, name=queue.THUMBNAILS_TASK, ignore_result=True)
def make_thumbnails(self: Task, model: str, pks: list[str], using: str) -> None:  # type: ignore[type-arg]
    """Make the thumbnails of pictures before a page asks for them; what fails, pages try again."""
    prepare_thumbnails(_library(model, using), pks, should_stop=worker.stopping(self.app))


@shared_task(name=worker.SWEEP_TASK, ignore_result=True)
def sweep(unless_within: float = 0, started: str = "", started_at: float = 0) -> None:
    """Send what was left behind, and take up an interrupted promotion.

    Workers ask for it themselves (:mod:`artsimilarity.embedding.worker`); beat may, too.

    Args:
        unless_within: leave a library alone that was swept within so many seconds.
        started: name of a worker that has just started: what it had in hand before is free.
        started_at: when that was, in seconds since 1970, by the clock of its machine.
    """
    for library in libraries():
        try:
            freed = in_hand.release(library, started, before=started_at) if started else 0
            if freed or waiting.begin_sweep(library, unless_within=unless_within):
                sweeping.sweep(library)
                rollout.resume_promotion(library)
        except Exception:  # of one library, which keeps none of the others from its turn
            logger.exception("%s could not be swept; the next sweep tries again.", library.name)


@shared_task(bind=True, name=queue.ENQUEUE_TASK, ignore_result=True, **_GIVEN_BACK)
def enqueue(
    self: Task,  # type: ignore[type-arg]
    model: str,
    which: Literal["pending", "failed", "all"],
    using: str,
) -> None:
    """Send many pictures to the workers from a worker, so that a page need not wait for it."""
    try:
        library = _library(model, using)
        if which == "failed":
            failed = library.rows.failed().values("pk")
            queue.enqueue(library.pictures.filter(pk__in=failed), force=True, insist=True)
        else:
            queue.enqueue(library.pictures, force=which == "all", insist=True)
    except Exception as error:  # noqa: BLE001 -- whatever it is; it is logged
        _try_again(self, error)


@shared_task(bind=True, name=queue.PROMOTE_TASK, ignore_result=True, **_GIVEN_BACK)
def promote(self: Task, model: str, using: str) -> None:  # type: ignore[type-arg]
    """Put the recipe that was rolled out into service."""
    _settle(self, rollout.promote, model, using)


@shared_task(bind=True, name=queue.CANCEL_TASK, ignore_result=True, **_GIVEN_BACK)
def cancel(self: Task, model: str, using: str) -> None:  # type: ignore[type-arg]
    """Give up the roll-out that is under way."""
    _settle(self, rollout.cancel, model, using)


def _settle(task: Task, step: Any, model: str, using: str) -> None:  # type: ignore[type-arg]
    try:
        step(_library(model, using))
    except rollout.RolloutError as error:  # which no second try would change
        logger.error("%s: %s", task.name, error)
    except Exception as error:  # noqa: BLE001 -- whatever it is; it is logged
        _try_again(task, error)


def _try_again(task: Task, error: Exception) -> NoReturn:  # type: ignore[type-arg]
    """Send the task again, later each time; what it is about stays pending meanwhile."""
    logger.warning("%s is tried again: %r", task.name, error, exc_info=True)
    reason = TaskFailedError(f"{type(error).__name__}: {error}")
    raise task.retry(exc=reason, countdown=_delay(task), max_retries=_MOST_RETRIES) from None


def _give_back(task: Task, error: EncoderUnavailableError) -> NoReturn:  # type: ignore[type-arg]
    """Let this worker take no more pictures, and leave the task to one that can embed."""
    logger.error("%s", error, exc_info=True)
    worker.pause(task.app, task.request.hostname, str(error))
    time.sleep(_PAUSE_SECONDS)
    raise Reject(str(error), requeue=True)


def _delay(task: Task) -> float:  # type: ignore[type-arg]
    backoff: float = get_settings().RETRY_BACKOFF * 2 ** min(task.request.retries, 10)
    return min(backoff, _LONGEST_DELAY)


def _library(model: str, using: str) -> Library:
    return Library(apps.get_model(model), using)
