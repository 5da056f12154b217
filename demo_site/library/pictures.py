"""What the pages need to know about a picture's file: its size, and smaller versions of it."""

from __future__ import annotations

from typing import ClassVar

from django.db.models.fields.files import FieldFile
from PIL import Image

from artsimilarity.library.stored_thumbnails import StoredThumbnails

_EXIF_ORIENTATION = 0x0112
_LYING_ON_THE_SIDE = (5, 6, 7, 8)


def read_size(file: FieldFile) -> tuple[int, int] | None:
    """Return width and height in pixels as shown, upright; None if it is no picture."""
    was_closed = file.closed
    file.open("rb")
    try:
        with Image.open(file) as picture:
            width, height = picture.size
            # Not the plugin's own method: a PNG's decodes the picture first, whatever that costs.
            if Image.Image.getexif(picture).get(_EXIF_ORIENTATION) in _LYING_ON_THE_SIDE:
                return height, width
            return width, height
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return None
    finally:
        if was_closed:
            file.close()
        else:
            file.seek(0)


class Thumbnails(StoredThumbnails):
    """Smaller versions for grids, and for sharp screens and a picture's own page.

    They are decoded in processes that may be killed, as anybody may upload here.
    """

    sizes: ClassVar[tuple[int, ...]] = (400, 800)
    quality: ClassVar[int] = 85
    folder: ClassVar[str] = "thumbnails"
