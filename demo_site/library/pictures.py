"""What the pages need to know about a picture's file: its size, and smaller versions of it."""

from __future__ import annotations

import logging
from typing import Any

from django.db.models.fields.files import FieldFile
from easy_thumbnails.exceptions import EasyThumbnailsError
from easy_thumbnails.files import get_thumbnailer
from PIL import Image

logger = logging.getLogger(__name__)

_EXIF_ORIENTATION = 0x0112
_LYING_ON_THE_SIDE = (5, 6, 7, 8)


def read_size(file: FieldFile) -> tuple[int, int] | None:
    """Return width and height in pixels as shown, upright; None if it is no picture."""
    was_closed = file.closed
    file.open("rb")
    try:
        with Image.open(file) as picture:
            width, height = picture.size
            if picture.getexif().get(_EXIF_ORIENTATION) in _LYING_ON_THE_SIDE:
                return height, width
            return width, height
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return None
    finally:
        if was_closed:
            file.close()
        else:
            file.seek(0)


def thumbnail_url(file: FieldFile | None, alias: str) -> str:
    """Return the address of a smaller version, made when it is first asked for.

    A file that is missing or damaged gives "": one bad picture must not take a page down.
    """
    if not file:
        return ""
    try:
        thumbnail: Any = get_thumbnailer(file)[alias]
        return str(thumbnail.url)
    except (EasyThumbnailsError, OSError, SyntaxError, ValueError) as error:
        logger.info("No thumbnail of %s: %s", file.name, error)
        return ""
