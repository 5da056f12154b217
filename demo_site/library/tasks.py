"""What this site has its worker do beside the app's own tasks."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from celery import current_app, shared_task
from django.dispatch import receiver

from artsimilarity.embedding.broker import publish
from artsimilarity.embedding.signals import chunk_embedded
from artsimilarity.encoder.pictures.limits import PictureError
from demo_site.library.models import Artwork
from demo_site.library.tiles import is_large, make_tiles

if TYPE_CHECKING:
    from artsimilarity.embedding.writer import Result  # of a module that needs numpy

logger = logging.getLogger(__name__)

TILES_TASK = "demo_site.make_tiles"


@shared_task(name=TILES_TASK, ignore_result=True)
def make_tiles_of(pk: int) -> None:
    """Cut a picture into tiles; not a hidden one, of which nothing is laid anywhere."""
    artwork = Artwork.similarity_queryset(None).filter(pk=pk).first()
    if artwork is None or not is_large(artwork):
        return
    try:
        make_tiles(artwork)
    except (PictureError, OSError) as error:
        logger.warning("No tiles of picture %s: %s", pk, error)


@receiver(chunk_embedded, sender=Artwork)
def send_for_tiles(*, result: Result, **kwargs: Any) -> None:
    """Have pictures cut once a worker has read them; their pages wait for nothing meanwhile."""
    for artwork in Artwork.objects.filter(pk__in=result.embedded):
        if is_large(artwork):
            send(artwork)


def send(artwork: Artwork) -> bool:
    """Have one picture cut, beside and not behind what waits to be embedded.

    Returns:
        Whether the broker took it.
    """
    queue = current_app.conf.task_default_queue
    return publish(TILES_TASK, artwork.pk, insist=True, queue=queue)
