"""Decides which pictures need a worker, and sends them to the workers' queue."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from itertools import islice
from typing import Any

from celery import current_app
from django.db import models, transaction
from kombu.exceptions import OperationalError

from artsimilarity.conf import get_settings
from artsimilarity.embedding.broker import impatient_connection, publish, publish_over
from artsimilarity.library import Library

logger = logging.getLogger(__name__)

# Names of tasks, for those who send them: artsimilarity.embedding.tasks has what they do.
EMBED_TASK = "artsimilarity.embed_pictures"
ENQUEUE_TASK = "artsimilarity.enqueue"
THUMBNAILS_TASK = "artsimilarity.make_thumbnails"
PROMOTE_TASK = "artsimilarity.promote"
CANCEL_TASK = "artsimilarity.cancel"

# Of a whole library, in one task: a few seconds' work where none is there yet.
_THUMBNAILS_AT_ONCE = 50


def enqueue(pictures: models.QuerySet[Any], *, force: bool = False, insist: bool = False) -> int:
    """Send a queryset's pictures to the workers, in chunks of ``ARTSIMILARITY["CHUNK_SIZE"]``.

    For rows that came by ``bulk_create()`` or ``update()``, which send no signals, and for
    embedding again. Call it outside a transaction or from ``transaction.on_commit``: workers see
    committed rows only.

    Args:
        pictures: of a model with an embedding.
        force: embed also what is ready or failed; a ready picture's vector goes on being served
            until the new one is there.
        insist: as for :func:`send`.

    Returns:
        The number of pictures that were handed to the broker. Those that it did not take stay
        pending; the next sweep sends them again.
    """
    # Not from a replica, which may lag behind what was just saved.
    library = Library.written(pictures)
    library.add_rows(pictures.using(library.using).order_by().values("pk"))
    rows = library.rows_of(pictures).with_picture()
    if not force:
        rows.pending().reset_replaced()
        rows = rows.to_do(library.recipes())
    pks = list(rows.order_by("pk").values_list("pk", flat=True))
    if force:
        rows.mark_pending()
    return send(library, pks, insist=insist)


def send(library: Library, pks: Iterable[Any], *, insist: bool = False) -> int:
    """Publish primary keys in chunks and return how many the broker took.

    A broker that is down costs a log record and a fifth of a second, never the caller's save: the
    rows say pending, and the sweep sends them again.

    Args:
        library: whose pictures they are.
        pks: primary keys.
        insist: as for :func:`~artsimilarity.embedding.broker.impatient_connection`.
    """
    settings = get_settings()
    waiting = iter(pks)
    sent = 0
    try:
        with impatient_connection(insist=insist) as connection:
            while chunk := [str(pk) for pk in islice(waiting, settings.CHUNK_SIZE)]:
                publish_over(
                    connection,
                    EMBED_TASK,
                    *(library.name, chunk, library.using),
                    time_limit=settings.TIME_LIMIT,
                )
                sent += len(chunk)
    except Exception as error:  # transports fail in ways of their own; it is logged
        if (
            current_app.conf.task_always_eager
        ):  # then no broker is asked, and the task itself failed
            logger.exception("%s could not be embedded in this process.", library.name)
            return sent
        logger.warning(
            "The broker took %d pictures of %s and no more (%s); the others wait for a worker's "
            "next sweep, or for 'manage.py embed_artworks --pending'.",
            sent,
            library.name,
            error,
            exc_info=not isinstance(error, OperationalError),
            extra={"model": library.name, "sent": sent},
        )
    return sent


def send_for_thumbnails(library: Library, pks: list[str]) -> bool:
    """Have workers make the thumbnails of what was embedded, where they should.

    By a task of its own: searches by a visitor's picture have their turn between two tasks. If the
    broker does not take it, or forgets it, pages make them.

    Returns:
        Whether the broker took it.
    """
    if not pks or not workers_make_thumbnails(library):
        return False
    return publish(
        THUMBNAILS_TASK,
        *(library.name, pks, library.using),
        insist=True,
        time_limit=get_settings().TIME_LIMIT,
    )


def workers_make_thumbnails(library: Library) -> bool:
    """Whether they should, and not the pages alone."""
    return get_settings().WORKER_THUMBNAILS and not library.shows_thumbnails_of_host


def send_all_for_thumbnails(library: Library) -> int:
    """Have workers make what thumbnails are lacking of a whole library's embedded pictures.

    Returns:
        The number of pictures that the broker took; fewer than there are if it does not answer.
    """
    embedded = library.rows.ready().order_by("pk").values_list("pk", flat=True)
    every, sent = embedded.iterator(chunk_size=1_000), 0
    while some := [str(pk) for pk in islice(every, _THUMBNAILS_AT_ONCE)]:
        if not send_for_thumbnails(library, some):
            break
        sent += len(some)
    return sent


def send_on_commit(library: Library, pk: Any) -> None:
    """Send one saved picture to the workers once its transaction is committed."""

    def send_picture() -> None:  # no partial(): Django logs the name of what failed
        send(library, [pk])

    transaction.on_commit(send_picture, using=library.using, robust=True)
