"""What the pages need to know about a picture's file: its size, and smaller versions of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from django.db.models.fields.files import FieldFile
from PIL import Image

from artsimilarity.library.stored_thumbnails import StoredThumbnails
from artsimilarity.library.thumbnails import Thumbnail

_EXIF_ORIENTATION = 0x0112
_LYING_ON_THE_SIDE = (5, 6, 7, 8)

_NARROWEST, _WIDEST = 0.7, 2.6
# How high rows are, in rem, by the window; a little above what library.css says, as rows are
# stretched to fill the line. On the sharpest telephones two pixels a CSS pixel do for a tile.
_ROWS = (
    ("(min-width: 90rem)", 16.5),
    ("(min-width: 60rem)", 14.5),
    ("(min-width: 40rem)", 12.0),
    ("(min-resolution: 2.5dppx)", 5.8),
    ("", 8.7),
)


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


@dataclass(frozen=True)
class Tile:
    """The room of a picture in a row of pictures that are all of one height.

    Attributes:
        ratio: width through height, for a style sheet.
        sizes: how wide that is at most, for ``<img sizes>``.
    """

    ratio: str
    sizes: str

    @classmethod
    def of(cls, width: int | None, height: int | None) -> Self:
        """Return that of a picture; a square where nobody knows its size.

        Very tall ones have room for a caption, very wide ones do not become flat: the picture
        stands whole within its tile.
        """
        ratio = min(max(width / height, _NARROWEST), _WIDEST) if width and height else 1.0
        widths = [f"{window} {ratio * rem:.1f}rem".strip() for window, rem in _ROWS]
        return cls(f"{ratio:.4f}", ", ".join(widths))


@dataclass(frozen=True)
class Plate:
    """The room of a picture on its own page: see ``.plate`` in library.css.

    Attributes:
        ratio: width through height, for a style sheet.
        sizes: how wide that is, for ``<img sizes>``.
    """

    ratio: str
    sizes: str

    @classmethod
    def of(cls, width: int | None, height: int | None) -> Self:
        """Return that of a picture; a square where nobody knows its size."""
        ratio = width / height if width and height else 1.0
        large = f"(min-width: 60rem) min(62vw, {100 * ratio:.0f}vh - {25.5 * ratio:.0f}rem)"
        # On the sharpest telephones two pixels a CSS pixel do, as for a tile.
        sharp = f"(min-resolution: 2.5dppx) min(61vw, {53 * ratio:.0f}vh)"
        return cls(f"{ratio:.4f}", f"{large}, {sharp}, min(92vw, {80 * ratio:.0f}vh)")


def largest_address(thumbnail: Thumbnail) -> str:
    """The address of its largest version."""
    if not thumbnail.srcset:
        return thumbnail.url
    return thumbnail.srcset.rsplit(", ", 1)[-1].rsplit(" ", 1)[0]


class Thumbnails(StoredThumbnails):
    """Smaller versions for rows on plain and on sharp screens, and for a picture's own page.

    They are decoded in processes that may be killed, as anybody may upload here.
    """

    sizes: ClassVar[tuple[int, ...]] = (240, 360, 560, 768, 960)
    quality: ClassVar[int] = 70
    folder: ClassVar[str] = "thumbnails"

    def quality_of(self, size: int) -> int:
        """Less for those that telephones of two pixels a CSS pixel take, where nobody sees it."""
        return {360: 66, 560: 62, 768: 62}.get(size, self.quality)
