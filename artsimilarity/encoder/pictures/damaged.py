"""What can be seen of a file whose end is missing, as browsers show it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Final, TypeAlias

from PIL import Image, ImageChops

if TYPE_CHECKING:
    from artsimilarity.encoder.pictures.headers import Data, JpegHeader, Kind

# Share of a picture's rows, from the top, below which a file counts as no picture any more.
LEAST_VISIBLE: Final = 0.5

Opener: TypeAlias = Callable[["Data"], Image.Image]

_END_OF_JPEG: Final = b"\xff\xd9"


def rescue(
    kind: Kind, data: Data, open_again: Opener, jpeg: JpegHeader | None
) -> tuple[Image.Image, float] | None:
    """Decodes as much as there is.

    A JPEG is given the end that it lacks, which is what browsers do; libjpeg makes the missing
    blocks grey, and missing scans leave the picture blurred. A WebP is filled up with zeros. Of
    other formats, the rows are kept that were decoded.

    Args:
        kind: Format of the file.
        data: Contents of the file.
        open_again: Opens such contents, ready to be decoded.
        jpeg: Its header, if it is a JPEG.

    Returns:
        A decoded picture and the share of its rows that are there, from the top, where the others
        are to be left white; None where too little is there. May raise whatever Pillow raises.
    """
    if kind == "WebP":
        return _webp(bytes(data), open_again)
    if jpeg is not None and jpeg.progressive:
        if not jpeg.first_scan_ends:
            return None
        return _decoded(open_again(bytes(data) + _END_OF_JPEG)), 1.0
    found = _rows(data, open_again)
    if found is None or found[1] < LEAST_VISIBLE:
        return None
    if jpeg is not None:
        return _decoded(open_again(bytes(data) + _END_OF_JPEG)), 1.0
    return found


def _decoded(image: Image.Image) -> Image.Image:
    image.load()
    return image


def _rows(data: Data, open_again: Opener) -> tuple[Image.Image, float] | None:
    """Decodes over black and over white: what differs was not decoded."""
    images = []
    for value in (0, 255):
        image = open_again(data)
        blank = value if len(image.getbands()) == 1 else (value,) * len(image.getbands())
        image.im = Image.new(image.mode, image.size, blank).im
        with suppress(OSError):  # the end is missing, which is why we are here
            image.load()
        images.append(image._new(image.im))
    black, white = images
    if black.mode != white.mode or black.mode.startswith("I") or black.mode == "F":
        return None
    difference = ImageChops.difference(*(_plain(image) for image in images))
    box = difference.getbbox(alpha_only=False)
    return black, (box[1] / black.height if box else 1.0)


def _plain(image: Image.Image) -> Image.Image:
    """The same values, a palette's indices included, in a mode that can be compared."""
    if image.mode not in ("P", "PA"):
        return image
    indices = image.copy()
    indices.putpalette([level for level in range(256) for _ in "rgb"])
    return indices.convert("L")


def _webp(data: bytes, open_again: Opener) -> tuple[Image.Image, float] | None:
    declared = 8 + int.from_bytes(data[4:8], "little")
    share = len(data) / declared
    if not LEAST_VISIBLE <= share < 1:
        return None
    return _decoded(open_again(data + bytes(declared - len(data)))), share
