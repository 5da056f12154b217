"""A worker's half of a search by a visitor's own picture, or by a detail of the library's."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.db.models.functions import Now

from artsimilarity.embedding.encoders import load_encoder
from artsimilarity.encoder.pictures.reading import read_square
from artsimilarity.encoder.recipe import Recipe
from artsimilarity.library import Library
from artsimilarity.library.seeing import see, see_detail
from artsimilarity.own_picture.message import Detail, Message, limits, understand
from artsimilarity.schema.tables import SearchAnswer

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

logger = logging.getLogger(__name__)

# Answers that nobody fetched are deleted after this.
_KEPT_SECONDS = 60


def answer(
    key: str,
    library: Library,
    picture: str,
    fingerprint: str,
    *,
    threads: int | None,
    **named: Any,
) -> None:
    """Describe a picture, and leave the vector for the process that asked.

    Args:
        key: primary key of the answer.
        library: whose recipes are in force.
        picture: ``text`` of a message.
        fingerprint: of the recipe that is asked for.
        threads: for torch, where ``ARTSIMILARITY["THREADS"]`` is None.
        named: what else the message said.
    """
    forget_unclaimed(library.using)
    vector: list[float] | None = None
    try:
        recipe = next(one for one in library.recipes().all if one.fingerprint == fingerprint)
        message = understand(picture, **named)
        encoder = load_encoder(recipe, using=library.using, threads=threads)
        vector = encoder.encode([_seen(library, recipe, message)])[0].tolist()
    except Exception:  # whatever it is, the visitor should not wait for it; it is logged
        logger.exception("A visitor's picture could not be described.")
    SearchAnswer.objects.using(library.using).create(pk=key, vector=vector)


def _seen(library: Library, recipe: Recipe, message: Message) -> NDArray[np.uint8]:
    """The square that is encoded."""
    if isinstance(message, Detail):
        return see_detail(library, recipe, message.file, message.box)
    side = recipe.decoded_side
    scan = read_square(message.square, side=side, limits=limits(side))
    return see(library, recipe, scan, proportion=message.proportion or 1.0).pixels


def forget_unclaimed(using: str, **kwargs: Any) -> None:
    """Delete answers that nobody fetched; also a receiver of ``library_swept``."""
    before = Now() - timedelta(seconds=_KEPT_SECONDS)
    SearchAnswer.objects.using(using).filter(created_at__lt=before).delete()
