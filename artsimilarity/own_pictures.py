"""A visitor's own picture: shrunk here, described by a worker, stored nowhere.

The web process decodes the file by the worker's own rules, down to the small square that a recipe
looks at, and sends that square inside a task. The worker leaves the vector in a row of
:class:`~artsimilarity.models.SearchAnswer`, which the web process waits for and deletes. So neither
a Celery result backend nor a cache that processes share is needed.
"""

from __future__ import annotations

import base64
import logging
import time
import uuid
from datetime import timedelta
from io import BytesIO
from typing import IO, TYPE_CHECKING, Any

from django.apps import apps
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from artsimilarity import dispatch
from artsimilarity.conf import get_settings
from artsimilarity.encoder.pictures import reading as images
from artsimilarity.recipes import current_plan

if TYPE_CHECKING:
    from artsimilarity.encoder.recipe import Recipe
    from artsimilarity.models import SimilarityMixin

logger = logging.getLogger(__name__)

# As many searches may wait for a worker; more would not be answered in time.
_MOST_WAITING = 16
# Answers that nobody came for are deleted after this.
_KEPT_SECONDS = 60
_RETRY_SECONDS = 5
_FIRST_PAUSE, _LONGEST_PAUSE = 0.01, 0.1


class PictureRefused(ValueError):
    """The file cannot be searched by; the message says what to do, in words for a visitor.

    ``status`` is the HTTP status that says the same: 400, 413 or 415.
    """

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class NotAnswered(Exception):
    """No worker has described the picture in time; after ``retry_after`` seconds one may."""

    status = 503
    retry_after = _RETRY_SECONDS

    def __init__(self) -> None:
        super().__init__(_("No search by picture is possible right now. Try again in a moment."))


_REFUSALS: dict[type[images.PictureError], tuple[int, Any]] = {
    images.EmptyFile: (400, _("The file is empty. Choose the picture again.")),
    images.TooManyBytes: (413, _("The file is larger than %(bytes)s MB. Choose a smaller copy.")),
    images.TooManyPixels: (
        413,
        _("The picture has more than %(pixels)s million pixels. Choose a smaller copy."),
    ),
    images.NotAPicture: (
        415,
        _("This is no picture that can be read. Choose a JPEG, PNG, TIFF, WebP or GIF file."),
    ),
    images.TooSmall: (
        400,
        _("The picture is too small: each side needs %(side)s pixels. Choose a larger copy."),
    ),
    images.DeepGrey: (
        415,
        _("Grey of 32 bits cannot be read here. Save the picture with 8 or 16 bits."),
    ),
    images.DamagedPicture: (
        400,
        _("The file is damaged or incomplete. Choose a sound copy of the picture."),
    ),
}


def shrink(file: IO[bytes], side: int) -> bytes:
    """Return the square that a recipe looks at, as a PNG.

    Args:
        file: the picture, open for reading at its beginning.
        side: of the square, in pixels.

    Raises:
        PictureRefused: it is too large, damaged, or no picture.
    """
    settings = get_settings()
    limits = images.Limits(
        max_bytes=settings.SEARCH_MAX_BYTES, max_pixels=settings.SEARCH_MAX_PIXELS
    )
    try:
        square = images.open_square(file.read(limits.max_bytes + 1), side=side, limits=limits)
    except images.PictureError as error:
        status, words = _REFUSALS[type(error)]
        values = {
            "bytes": f"{limits.max_bytes / 1e6:.3g}",
            "pixels": f"{limits.max_pixels / 1e6:.3g}",
            "side": limits.min_side,
        }
        raise PictureRefused(words % values, status) from error
    buffer = BytesIO()
    square.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def describe(
    model: type[SimilarityMixin], square: bytes, recipe: Recipe, *, using: str
) -> list[float]:
    """Let a worker turn a square into a vector, and wait for it.

    Args:
        model: whose pictures are to be compared.
        square: from :func:`shrink`.
        recipe: in force.
        using: the database that workers write ``model`` to.

    Raises:
        NotAnswered: the broker is down, too many wait already, or no worker was done within
            ``ARTSIMILARITY["SEARCH_SECONDS"]``.
    """
    from artsimilarity.tasks import describe_picture

    settings = get_settings()
    deadline = time.monotonic() + settings.SEARCH_SECONDS
    waiting = dispatch.queue_length(settings.SEARCH_QUEUE)
    if waiting is None or waiting >= _MOST_WAITING:
        raise NotAnswered
    key = uuid.uuid4()
    picture = base64.b64encode(square).decode("ascii")
    sent = dispatch.call(
        describe_picture,
        *(str(key), model._meta.label, picture, recipe.fingerprint, using),
        queue=settings.SEARCH_QUEUE,
        expires=settings.SEARCH_SECONDS,
        argsrepr="(a visitor's picture)",  # what monitors show of the task
    )
    vector = _wait_for(key, deadline, using) if sent else None
    if vector is None:
        raise NotAnswered
    return vector


def _wait_for(key: uuid.UUID, deadline: float, using: str) -> list[float] | None:
    """Return the vector that a worker leaves, and delete it; None if it failed or is late."""
    rows = _answers(using).filter(pk=key)
    pause = _FIRST_PAUSE
    while (answer := rows.first()) is None:
        if time.monotonic() + pause > deadline:
            return None
        time.sleep(pause)
        pause = min(1.5 * pause, _LONGEST_PAUSE)
    rows.delete()
    vector: list[float] | None = answer.vector
    return vector


def answer(
    key: str,
    model: type[SimilarityMixin],
    square: bytes,
    fingerprint: str,
    *,
    using: str,
    threads: int | None,
) -> None:
    """Describe a square, in a worker, and leave the vector for the process that asked.

    Args:
        key: primary key of the answer.
        model: whose recipes are in force.
        square: from :func:`shrink`.
        fingerprint: of the recipe that is asked for.
        using: database alias.
        threads: for torch, where ``ARTSIMILARITY["THREADS"]`` is None.
    """
    from artsimilarity import indexing

    forget_unclaimed(using)
    vector: list[float] | None = None
    try:
        recipes = current_plan(model, using).recipes
        recipe = next(one for one in recipes if one.fingerprint == fingerprint)
        encoder = indexing.load_encoder(recipe, using=using, threads=threads)
        pixels = indexing.read_square(square, recipe.side)
        vector = encoder.encode([pixels])[0].tolist()
    except Exception:  # whatever it is, the visitor should not wait for it; it is logged
        logger.exception("A visitor's picture could not be described.")
    _answers(using).create(pk=key, vector=vector)


def forget_unclaimed(using: str) -> None:
    """Delete answers that nobody came for."""
    before = timezone.now() - timedelta(seconds=_KEPT_SECONDS)
    _answers(using).filter(created_at__lt=before).delete()


def _answers(using: str) -> Any:
    return apps.get_model("artsimilarity", "SearchAnswer")._default_manager.using(using)
