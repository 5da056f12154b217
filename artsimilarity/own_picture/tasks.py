"""Celery tasks of searches that need a worker, and a worker warmed up for them."""

from __future__ import annotations

import logging
from typing import Any

from celery import Task, shared_task
from celery.signals import worker_ready
from django.apps import apps

from artsimilarity.conf import get_settings
from artsimilarity.embedding import worker
from artsimilarity.embedding.broker import publish
from artsimilarity.embedding.encoders import load_encoder
from artsimilarity.library import Library, libraries
from artsimilarity.library.clock import database_seconds
from artsimilarity.own_picture.answering import answer
from artsimilarity.own_picture.message import DESCRIBE_TASK, UNTIL_HEADER

logger = logging.getLogger(__name__)

_WARM_UP_TASK = "artsimilarity.warm_up"
# A worker that is not at it by then has been busy, and so is warm.
_WARM_UP_SECONDS = 60


@shared_task(  # type: ignore[arg-type] # any name but self may be among the named
    bind=True,
    name=DESCRIBE_TASK,
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
    using: str,
    **named: Any,
) -> None:
    """Describe a visitor's picture or a detail, and leave the vector for who asked."""
    until = (self.request.headers or {}).get(UNTIL_HEADER)
    if until is not None and database_seconds(using) > until:
        logger.info("Nobody waits any more for an answer to this search.")
        return
    library = Library(apps.get_model(model), using)
    answer(key, library, picture, fingerprint, threads=worker.threads(self.app), **named)


@shared_task(bind=True, name=_WARM_UP_TASK, ignore_result=True)
def warm_up(self: Task) -> None:  # type: ignore[type-arg]
    """Load what the first visitor would otherwise wait for: torch, and the weights in service."""
    for library in libraries():
        recipe = library.recipes().serving
        load_encoder(recipe, using=library.using, threads=worker.threads(self.app))


@worker_ready.connect(dispatch_uid="artsimilarity.warm_up")
def send_warm_up(sender: Any, **kwargs: Any) -> None:
    """Warm a worker up that serves searches by picture, once for each of its processes."""
    queue = get_settings().SEARCH_QUEUE
    if queue not in sender.app.amqp.queues.consume_from:
        return
    for _process in range(worker.processes(sender.app) or 1):
        publish(_WARM_UP_TASK, queue=queue, expires=_WARM_UP_SECONDS)
