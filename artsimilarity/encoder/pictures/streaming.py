"""Large pictures, and kinds that Pillow gets wrong, by libvips: rows flow through, none are kept.

pyvips is an optional dependency (the extra ``worker``). libvips starts threads, so a process that
forks must not have used it before. Only the loaders named here are called, so that none of
libvips's loaders of other formats ever sees a file.
"""

from __future__ import annotations

import importlib.util
import math
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from PIL import Image

from artsimilarity.encoder.pictures.crop import WHOLE, Area, as_stored
from artsimilarity.encoder.pictures.limits import error_text

if TYPE_CHECKING:
    from artsimilarity.encoder.pictures.headers import Kind, TiffPage

_LOADERS: Final[dict[Kind, str]] = {
    "PNG": "pngload_source",
    "TIFF": "tiffload_source",
    "WebP": "webpload_source",
}
KINDS: Final = frozenset(_LOADERS)

# As Pillow's `reducing_gap`: whole pixels are averaged down to this many times the square.
_REDUCING_GAP: Final = 3.0

# White of samples that are not of 8 or 16 bits: their files do not say, so the smallest customary
# scale is taken that holds all values.
_FLOAT_WHITES: Final = (1.0, 2.0**8 - 1, 2.0**16 - 1)
_INTEGER_WHITES: Final = (2.0**8 - 1, 2.0**16 - 1)
_LARGEST_FLOAT: Final = 3.4e38


class Failed(Exception):
    """libvips cannot decode the file; the message is its own."""


@dataclass(frozen=True)
class Streamed:
    """A picture averaged down to a few times the square.

    Attributes:
        image: Of mode L, RGB, CMYK, La or RGBa.
        box: The part of it that holds what was asked for, in its pixels.
        size: Width and height of the picture as it is in the file.
        orientation: By EXIF, 1 to 8.
        profile: ICC profile, if there is one.
    """

    image: Image.Image
    box: tuple[float, float, float, float]
    size: tuple[int, int]
    orientation: int
    profile: bytes | None


def is_available() -> bool:
    """Whether pyvips is installed."""
    return importlib.util.find_spec("pyvips") is not None


def preload() -> None:
    """Loads libvips where it is installed, so that what it takes itself counts for no picture."""
    if is_available():
        import pyvips  # noqa: F401  (an optional dependency)


def decode(
    kind: Kind,
    source: bytes | os.PathLike[str],
    side: int,
    *,
    page: TiffPage | None = None,
    box: Area = WHOLE,
) -> Streamed:
    """Decodes a picture in a few megabytes.

    Args:
        kind: One of ``KINDS``.
        source: Contents of the file, or its path.
        side: Of the square that the picture will be squashed to.
        page: Of a TIFF. Where some of its rows are missing, they come out black.
        box: What of the upright picture will be squashed; no more is kept.

    Raises:
        Failed: The file is damaged, or of a kind that libvips does not read.
        MemoryError: The machine has no room.
    """
    import pyvips  # an optional dependency, and one that starts threads

    try:
        return _decode(pyvips, kind, source, side, page, box)
    except pyvips.Error as error:
        text = error_text(error)
        if "out of memory" in text:
            raise MemoryError(text) from error
        raise Failed(text) from error
    except (ValueError, OverflowError) as error:
        # pyvips and Pillow raise them for sizes and values that are out of their range.
        raise Failed(error_text(error)) from error


def _decode(
    pyvips: Any,
    kind: Kind,
    source: bytes | os.PathLike[str],
    side: int,
    page: TiffPage | None,
    box: Area,
) -> Streamed:
    pyvips.cache_set_max(0)  # operations on files that are read once
    opened = _open(pyvips, kind, source, page)
    fields = opened.get_fields()
    orientation = opened.get("orientation") if "orientation" in fields else 1
    profile = opened.get("icc-profile-data") if "icc-profile-data" in fields else None

    deep = opened.format not in ("uchar", "ushort") and opened.interpretation != "labs"
    white = _white(_numbers(_open(pyvips, kind, source, page))) if deep else 0.0
    image = _numbers(opened) * (255 / white) if deep else opened
    if image.format == "ushort":
        image = image.cast("uchar", shift=True)
    image, mode = _with_mode(image, premultiplied=page is not None and page.premultiplied)

    size = image.width, image.height
    area = as_stored(box, int(orientation))
    left, top = area.left * image.width, area.top * image.height
    right, bottom = area.right * image.width, area.bottom * image.height
    x, y = int(left), int(top)
    if area != WHOLE:
        image = image.crop(x, y, math.ceil(right) - x, math.ceil(bottom) - y)
    across, down = (
        max(1, int(length / (side * _REDUCING_GAP))) for length in (image.width, image.height)
    )
    small = image.shrink(across, down, ceil=True)
    if opened.interpretation == "labs":
        small = small.colourspace("srgb")
        profile = None
    if small.format != "uchar":
        small = small.rint().cast("uchar")
    pixels = small.write_to_memory()
    return Streamed(
        Image.frombytes(mode, (small.width, small.height), bytes(pixels)),
        ((left - x) / across, (top - y) / down, (right - x) / across, (bottom - y) / down),
        size,
        int(orientation),
        profile,
    )


def _open(pyvips: Any, kind: Kind, source: bytes | os.PathLike[str], page: TiffPage | None) -> Any:
    if isinstance(source, bytes):
        stream = pyvips.Source.new_from_memory(source)
    else:
        stream = pyvips.Source.new_from_file(os.fspath(source))
    options: dict[str, Any] = {"access": "sequential", "fail_on": "error"}
    if page:
        options["page"] = page.number
        if page.visible < 1:
            options["fail_on"] = "none"
    return getattr(pyvips.Image, _LOADERS[kind])(stream, **options)


def _numbers(image: Any) -> Any:
    """The picture with 0 for what is no number."""
    if image.format not in ("float", "double"):
        return image
    return (image.abs() <= _LARGEST_FLOAT).ifthenelse(image, 0)


def _white(image: Any) -> float:
    largest: float = image.max()
    whites = _FLOAT_WHITES if image.format in ("float", "double") else _INTEGER_WHITES
    return next((white for white in whites if largest <= white), max(largest, 2.0**32 - 1))


def _with_mode(image: Any, *, premultiplied: bool) -> tuple[Any, str]:
    """Keeps the samples that make a picture, alpha multiplied in, and names Pillow's mode."""
    if image.interpretation == "cmyk" and image.bands >= 4:
        return image.extract_band(0, n=4), "CMYK"
    if image.bands in (2, 4) and image.interpretation != "labs":
        if not premultiplied:
            image = image.premultiply(max_alpha=255)
        return image, "La" if image.bands == 2 else "RGBa"
    return image.extract_band(0, n=3 if image.bands >= 3 else 1), "RGB" if image.bands >= 3 else "L"
