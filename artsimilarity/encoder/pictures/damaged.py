"""What can be seen of a file whose end is missing, as browsers show it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Final, TypeAlias

from PIL import Image, ImageChops

if TYPE_CHECKING:
    from artsimilarity.encoder.pictures.headers import Data, JpegHeader

# Share of a picture's rows, from the top, below which a file counts as no picture any more.
LEAST_VISIBLE: Final = 0.5

Opener: TypeAlias = Callable[["Data"], Image.Image]

# Rows that an interlaced file may leave out between two that it has.
_WIDEST_GAP: Final = 8

# Libjpeg holds back up to 16 rows until it has seen what follows: of so small a picture, too many
# for their share to say anything.
_FEW_ROWS: Final = 32

_WEBP_HEADER_BYTES: Final = 30
_END_OF_JPEG: Final = b"\xff\xd9"


def rescue(
    data: Data, open_again: Opener, jpeg: JpegHeader | None
) -> tuple[Image.Image, float] | None:
    """Decodes as much as there is, of formats whose rows follow one another.

    A JPEG is given the end that it lacks, which is what browsers do; libjpeg makes the missing
    blocks grey, and missing scans leave the picture blurred. Of other formats, the rows are kept
    that were decoded, and those that an interlaced file lacks are copied from above.

    Args:
        data: Contents of the file.
        open_again: Opens such contents, ready to be decoded.
        jpeg: Its header, if it is a JPEG.

    Returns:
        A decoded picture and the share of its rows that are there, from the top, where the others
        are to be left white; None where too little is there. May raise whatever Pillow raises.
    """
    if jpeg is not None and jpeg.progressive:
        if not jpeg.first_scan_ends:
            return None
        return _decoded(open_again(bytes(data) + _END_OF_JPEG)), 1.0
    found = _rows(data, open_again)
    if jpeg is None:
        return found
    ended = open_again(bytes(data) + _END_OF_JPEG)
    if found is None and ended.height > _FEW_ROWS:
        return None
    return _decoded(ended), 1.0


def filled_up(data: Data, size: int) -> bytes:
    """The same file with zeros where its end is missing, at most as many as there are bytes."""
    return bytes(data) + bytes(min(size - len(data), len(data)))


def webp_visible(data: Data) -> tuple[float, int]:
    """Share of a WebP's bytes that are there, about that of its rows, and its size when whole."""
    declared = 8 + int.from_bytes(data[4:8], "little")
    # The last byte may be filling, which some writers leave out.
    whole = len(data) >= declared - 1 or len(data) < _WEBP_HEADER_BYTES
    return (1.0 if whole else len(data) / declared), declared


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
    difference = ImageChops.difference(_plain(black), _plain(white))
    there = [not any_missing for any_missing in _any_by_row(difference)]
    if sum(there) < LEAST_VISIBLE * black.height:
        return None
    last = max(row for row, decoded in enumerate(there) if decoded)
    end = black.height if black.height - last <= _WIDEST_GAP else last + 1
    for row in range(1, end):
        if not there[row]:
            black.paste(black.crop((0, row - 1, black.width, row)), (0, row))
    return black, end / black.height


def _any_by_row(difference: Image.Image) -> list[bool]:
    width = difference.width * len(difference.getbands())
    values = difference.tobytes()
    if difference.mode == "1":
        width = (difference.width + 7) // 8
    blank = bytes(width)
    return [values[start : start + width] != blank for start in range(0, len(values), width)]


def _plain(image: Image.Image) -> Image.Image:
    """The same values, a palette's indices included, in a mode that can be compared."""
    if image.mode not in ("P", "PA"):
        return image
    indices = image.copy()
    indices.putpalette([level for level in range(256) for _ in "rgb"])
    return indices.convert("L")
