"""Decides which rows need work and sends them to the workers' queue."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Any

from celery import Celery, Task
from django.db import models, transaction
from kombu import Connection
from kombu.exceptions import OperationalError

from artsimilarity.conf import get_settings
from artsimilarity.recipes import current_plan
from artsimilarity.status import EmbeddingStatus

if TYPE_CHECKING:
    from artsimilarity.models import SimilarityMixin
    from artsimilarity.querysets import SimilarityQuerySet

logger = logging.getLogger(__name__)

# How long a save may wait for a broker to accept a connection, and for its answers.
_CONNECT_SECONDS = 0.5
_ANSWER_SECONDS = 5


def reset_if_replaced(picture: SimilarityMixin, *, uploaded: bool, using: str) -> bool:
    """Make the row pending if the embedding does not speak of its present file.

    Args:
        picture: an instance that has just been saved.
        uploaded: the save wrote a file, so that the content is new even under the old name.
        using: the database alias that it was saved to.

    Returns:
        Whether the row was reset.
    """
    from artsimilarity.models import BLANK_EMBEDDING

    file = getattr(picture, picture.similarity_image_field)
    columns = {**BLANK_EMBEDDING, "embedding_image": file.name or ""} if file else BLANK_EMBEDDING
    rows = type(picture)._base_manager.using(using).filter(pk=picture.pk)
    if not uploaded:
        rows = rows.exclude(embedding_image=columns["embedding_image"])
    if not rows.update(**columns):
        return False
    picture._set_columns(columns)
    return True


def enqueue_on_commit(picture: SimilarityMixin, *, using: str) -> None:
    """Send one saved picture to the workers once its transaction is committed."""
    if not getattr(picture, picture.similarity_image_field):
        return

    def send_picture() -> None:  # no partial(): Django logs the name of what failed
        send(type(picture), [picture.pk], using=using)

    transaction.on_commit(send_picture, using=using, robust=True)


def enqueue(queryset: models.QuerySet[Any], *, force: bool = False) -> int:
    """Send a queryset's pictures to the workers, in chunks of ``ARTSIMILARITY["CHUNK_SIZE"]``.

    For rows that came by ``bulk_create()`` or ``update()``, which send no signals, and for
    embedding again. Call it outside a transaction or from ``transaction.on_commit``: workers see
    committed rows only.

    Args:
        queryset: pictures of a model with an embedding.
        force: embed also what is ready or failed; a ready picture's vector goes on being served
            until the new one is there.

    Returns:
        The number of pictures that were handed to the broker. Those that it did not take stay
        pending; ``embed_artworks --pending`` sends them again.
    """
    # Not from a replica, which may lag behind what was just saved.
    rows = as_similarity_queryset(queryset).with_picture().using(_write_alias(queryset))
    if not force:
        reset_replaced(rows.pending())
        rows = rows.to_do(current_plan(rows.model, rows.db))
    pks = list(rows.order_by("pk").values_list("pk", flat=True))
    if force:
        mark_pending(rows)
    return send(rows.model, pks, using=rows.db)


def reset_replaced(rows: SimilarityQuerySet[Any]) -> int:
    """Clear the embeddings of rows whose file was replaced behind the signals' back."""
    from artsimilarity.models import BLANK_EMBEDDING

    image = models.F(rows.model.similarity_image_field)
    replaced = rows.order_by().with_picture().exclude(embedding_image=image)
    return replaced.update(**{**BLANK_EMBEDDING, "embedding_image": image})


def mark_pending(rows: SimilarityQuerySet[Any]) -> int:
    """Make pictures wait for a worker whatever became of them before; their vectors stay served."""
    reset_replaced(rows)
    return (
        rows.order_by()
        .with_picture()
        .update(
            embedding_status=EmbeddingStatus.PENDING,
            embedding_error="",
            embedding_attempts=0,
            embedding_claimed_at=None,
        )
    )


def send(model: type[models.Model], pks: Iterable[Any], *, using: str) -> int:
    """Publish primary keys in chunks and return how many the broker took.

    A broker that is down costs a log record and at most a second, never the caller's save: the
    rows say pending, and the sweep sends them again.
    """
    from artsimilarity.tasks import embed_pictures

    settings = get_settings()
    waiting = iter(pks)
    sent = 0
    try:
        with _impatient_connection(embed_pictures.app) as connection:
            while chunk := [str(pk) for pk in islice(waiting, settings.CHUNK_SIZE)]:
                embed_pictures.apply_async(
                    args=(model._meta.label, chunk, using),
                    queue=settings.QUEUE,
                    time_limit=settings.TIME_LIMIT,
                    connection=connection,
                    retry=False,
                )
                sent += len(chunk)
    except Exception as error:  # transports fail in ways of their own; it is logged
        logger.warning(
            "The broker took %d pictures of %s and no more (%s); the others stay pending until "
            "'manage.py embed_artworks --pending' runs.",
            sent,
            model._meta.label,
            error,
            exc_info=not isinstance(error, OperationalError),
            extra={"model": model._meta.label, "sent": sent},
        )
    return sent


def call(task: Task[Any, Any], *args: Any, **options: Any) -> bool:
    """Send one task to the workers' queue; returns whether the broker took it.

    Args:
        task: what to do.
        args: its arguments.
        options: for ``apply_async``, such as another ``queue``.
    """
    options.setdefault("queue", get_settings().QUEUE)
    try:
        with _impatient_connection(task.app) as connection:
            task.apply_async(  # type: ignore[call-arg] # the stubs lack connection
                args=args, connection=connection, retry=False, **options
            )
    except Exception as error:  # transports fail in ways of their own; it is logged
        logger.warning("The broker did not take %s: %s", task.name, error, exc_info=True)
        return False
    return True


def queue_length(queue: str = "") -> int | None:
    """Return how many tasks wait in a queue; None if the broker does not answer.

    Args:
        queue: its name; that of embeddings if it is left out.
    """
    from artsimilarity.tasks import embed_pictures

    queue = queue or get_settings().QUEUE
    try:
        with _impatient_connection(embed_pictures.app) as connection:
            try:
                channel: Any = connection.default_channel  # the stubs' class lacks the method
                declared = channel.queue_declare(queue, passive=True)
            except connection.channel_errors:
                return 0  # a queue that nothing was ever sent to does not exist
            return int(declared.message_count)
    except Exception as error:  # noqa: BLE001 -- transports fail in ways of their own; it is logged
        logger.warning("The broker does not answer: %s", error)
        return None


@contextmanager
def _impatient_connection(app: Celery) -> Iterator[Connection]:
    """Connect to the broker once, without the retries by which Celery would hold up a save."""
    with app.connection_for_write(connect_timeout=_CONNECT_SECONDS) as connection:
        options = {**(connection.transport_options or {}), "max_retries": 0}
        if connection.transport.driver_type == "redis":
            options.setdefault("socket_connect_timeout", _CONNECT_SECONDS)
            options.setdefault("socket_timeout", _ANSWER_SECONDS)
        connection.transport_options = options
        yield connection


def as_similarity_queryset(queryset: models.QuerySet[Any]) -> SimilarityQuerySet[Any]:
    """Return the same rows as a ``SimilarityQuerySet``, for hosts with managers of their own."""
    from artsimilarity.querysets import SimilarityQuerySet

    if isinstance(queryset, SimilarityQuerySet):
        return queryset
    return SimilarityQuerySet(queryset.model, query=queryset.query.chain(), using=queryset.db)


def _write_alias(queryset: models.QuerySet[Any]) -> str:
    """Return the database to which the rows of ``queryset`` are written."""
    return queryset.select_for_update().db
