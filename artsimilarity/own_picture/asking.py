"""The web's half of a search by a visitor's own picture: shrunk here, stored nowhere.

A process beside the web process, which may be killed, decodes the file by the worker's own rules,
down to the small square that a recipe decodes files to. The web process sends that square inside a
task, and the worker, which finds the picture's own area in it where the recipe wants that, leaves
the vector in a row of :class:`~artsimilarity.schema.tables.SearchAnswer`, which the web process
waits for and deletes. So neither a Celery result backend nor a cache that processes share is
needed. A search by a detail (:mod:`artsimilarity.own_picture.detail`) is answered in the same way.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from io import BytesIO
from typing import IO, Any

from django.utils.translation import gettext_lazy as _
from PIL import Image

from artsimilarity.conf import get_settings
from artsimilarity.embedding.broker import publish, queue_length
from artsimilarity.encoder.pictures import limits
from artsimilarity.encoder.pictures.processes import DecodersBusy
from artsimilarity.encoder.recipe import Recipe
from artsimilarity.library import Library
from artsimilarity.library.clock import database_seconds
from artsimilarity.library.files import search_decoders, search_limits
from artsimilarity.own_picture.message import DESCRIBE_TASK, UNTIL_HEADER, Message, Square
from artsimilarity.own_picture.slots import NoSlotError, slot
from artsimilarity.schema.tables import SearchAnswer

# As many searches may wait for a worker; more would not be answered in time.
_MOST_WAITING = 16
# By so much the clocks of this machine and of a worker's may differ.
_CLOCKS_APART_SECONDS = 3600
_RETRY_SECONDS = 5
# Of the picture that a page shows as what it was asked with: some 4 kB.
_PREVIEW_SIDE, _PREVIEW_QUALITY = 160, 60
_FIRST_PAUSE, _LONGEST_PAUSE = 0.01, 0.1


class PictureRefused(ValueError):
    """The file cannot be searched by; the message says what to do, in words for a visitor.

    ``status`` is the HTTP status that says the same: 400, 413 or 415.
    """

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class NotAnswered(Exception):
    """No worker has described a picture in time; after ``retry_after`` seconds one may."""

    status = 503
    retry_after = _RETRY_SECONDS

    def __init__(self) -> None:
        super().__init__(_("No such search is possible right now. Try again in a moment."))


_REFUSALS: dict[type[limits.PictureError], tuple[int, Any]] = {
    limits.EmptyFile: (400, _("The file is empty. Choose the picture again.")),
    limits.TooManyBytes: (413, _("The file is larger than %(bytes)s MB. Choose a smaller copy.")),
    limits.TooManyPixels: (
        413,
        _("The picture has more than %(pixels)s million pixels. Choose a smaller copy."),
    ),
    limits.TooMuchWork: (413, _("The picture takes too long to read. Save it anew as a JPEG.")),
    limits.TooMuchMemory: (413, _("The picture takes too much memory. Choose a smaller copy.")),
    limits.NotAPicture: (
        415,
        _("This is no picture that can be read. Choose a JPEG, PNG, TIFF, WebP or GIF file."),
    ),
    limits.TooSmall: (
        400,
        _("The picture is too small: each side needs %(side)s pixels. Choose a larger copy."),
    ),
    limits.MissingLibrary: (
        415,
        _("This kind of picture cannot be read here. Save it anew as a JPEG or PNG."),
    ),
}
# Of whatever else may be wrong with a file.
_DAMAGED = (400, _("The file is damaged or incomplete. Choose a sound copy of the picture."))


def describe(library: Library, recipe: Recipe, message: Callable[[], Message]) -> list[float]:
    """Return the vector that a worker makes, in one of the places for such searches.

    Args:
        library: whose pictures are to be compared.
        recipe: in force.
        message: makes what is sent, once there is a place.

    Raises:
        PictureRefused: as ``message`` does.
        NotAnswered: as :func:`ask_worker` does, or all places are taken.
    """
    try:
        with slot(library.using):
            return ask_worker(library, message(), recipe)
    except NoSlotError:
        raise NotAnswered from None


def shrink(file: IO[bytes], recipe: Recipe) -> Square:
    """Return the square in which a recipe looks for what it describes, to be sent to a worker.

    Args:
        file: the picture, open for reading at its beginning.
        recipe: in force.

    Raises:
        PictureRefused: it is too large, damaged, or no picture.
        NotAnswered: others are having pictures read just now.
    """
    bounds = search_limits()
    side = recipe.decoded_side
    try:
        square = search_decoders().read(file, [side])[side]
    except DecodersBusy as error:
        raise NotAnswered from error
    except limits.PictureError as error:
        status, words = _REFUSALS.get(type(error), _DAMAGED)
        values = {
            "bytes": f"{bounds.max_bytes / 1e6:.3g}",
            "pixels": f"{bounds.max_pixels / 1e6:.3g}",
            "side": bounds.min_side,
        }
        raise PictureRefused(words % values, status) from error
    buffer = BytesIO()
    square.image.save(buffer, "PNG", compress_level=1)
    proportion = square.proportion if recipe.finds_area else None
    return Square(buffer.getvalue(), proportion, _preview(square.image, square.proportion))


def _preview(square: Image.Image, proportion: float) -> bytes:
    """The picture in its own proportions, small, as a WebP file."""
    width, height = min(1.0, proportion), min(1.0, 1 / proportion)
    sides = (max(1, round(_PREVIEW_SIDE * width)), max(1, round(_PREVIEW_SIDE * height)))
    small = square.resize(sides, reducing_gap=2.0)
    buffer = BytesIO()
    small.save(buffer, "WEBP", quality=_PREVIEW_QUALITY)
    return buffer.getvalue()


def ask_worker(library: Library, message: Message, recipe: Recipe) -> list[float]:
    """Let a worker turn what is sent into a vector, and wait for it.

    Args:
        library: whose pictures are to be compared.
        message: from :func:`shrink`, or a detail.
        recipe: in force.

    Raises:
        NotAnswered: the broker is down, too many wait already, or no worker was done within
            ``ARTSIMILARITY["SEARCH_SECONDS"]``.
    """
    settings = get_settings()
    deadline = time.monotonic() + settings.SEARCH_SECONDS
    waiting = queue_length(settings.SEARCH_QUEUE)
    if waiting is None or waiting >= _MOST_WAITING:
        raise NotAnswered
    key = uuid.uuid4()
    sent = publish(
        DESCRIBE_TASK,
        *(str(key), library.name, message.text, recipe.fingerprint, library.using),
        kwargs=message.named,
        queue=settings.SEARCH_QUEUE,
        # Celery compares the clocks of two machines, so that is for what lies about for long.
        expires=settings.SEARCH_SECONDS + _CLOCKS_APART_SECONDS,
        headers={UNTIL_HEADER: database_seconds(library.using) + settings.SEARCH_SECONDS},
        argsrepr="(what a visitor searches by)",  # what monitors show of the task
        kwargsrepr="{}",
    )
    vector = _wait_for(key, deadline, library.using) if sent else None
    if vector is None:
        raise NotAnswered
    return vector


def _wait_for(key: uuid.UUID, deadline: float, using: str) -> list[float] | None:
    """Return the vector that a worker leaves, and delete it; None if it failed or is late."""
    rows = SearchAnswer.objects.using(using).filter(pk=key)
    pause = _FIRST_PAUSE
    while (answer := rows.first()) is None:
        if time.monotonic() + pause > deadline:
            return None
        time.sleep(pause)
        pause = min(1.5 * pause, _LONGEST_PAUSE)
    rows.delete()
    vector: list[float] | None = answer.vector
    return vector
