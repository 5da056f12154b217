"""Bytes of a picture file to one square of sRGB values. Pillow, and numpy where it must be.

Costly steps come after the squash wherever that is right: turning by EXIF orientation, colour
management and compositing work on the small square and not on the scan.
"""

from __future__ import annotations

import logging
import re
import threading
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Final

from PIL import ExifTags, Image, ImageChops, ImageCms, TiffImagePlugin

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

logger: Final = logging.getLogger(__name__)

# Pillow opens MPO (a JPEG and further ones behind it) as a JPEG too.
FORMATS: Final = ("JPEG", "PNG", "TIFF", "WEBP", "GIF")

# Pillow itself refuses to open more than twice its Image.MAX_IMAGE_PIXELS; this is that number.
PILLOW_MAX_PIXELS: Final = 178_956_970

_MAGIC: Final = {
    "JPEG": re.compile(rb"\xff\xd8\xff"),
    "PNG": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "TIFF": re.compile(rb"II[*+]\x00|MM\x00[*+]"),
    "WebP": re.compile(rb"RIFF....WEBP", re.DOTALL),
    "GIF": re.compile(rb"GIF8[79]a"),
}

# A JPEG is decoded at no less than this many times the square, so that squashing it further still
# averages over several pixels; Pillow's `reduce` keeps the same distance for other formats.
_DRAFT_FACTOR: Final = 2
_REDUCING_GAP: Final = 3.0

# Threads that share a lock hold only one picture of more pixels than this: 64 MB at 4 bytes each.
_LARGE_PIXELS: Final = 16_000_000

_TURNS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

_ON_THEIR_SIDE: Final = frozenset({5, 6, 7, 8})

# The square that a whole picture is made of has this many times its longer side, as squashing
# averages roughly.
_DETAIL: Final = 2

# Mode that a picture must have for a profile of each colour space, and modes that may become it.
_PROFILE_MODES: Final = {
    "RGB": ("RGB", frozenset({"RGB", "L"})),
    "GRAY": ("L", frozenset({"L"})),
    "CMYK": ("CMYK", frozenset({"CMYK"})),
}

# warnings.catch_warnings swaps a list of the whole process: two threads must not do it at once.
_warnings_lock: Final = threading.Lock()


class PictureError(ValueError):
    """A picture cannot be read; the message says why, in words for an administrator."""


class EmptyFile(PictureError):
    """The file holds no bytes."""


class TooManyBytes(PictureError):
    """The file is larger than ``Limits.max_bytes``."""


class NotAPicture(PictureError):
    """The file is of none of the formats that are read."""


class TooManyPixels(PictureError):
    """The file declares more pixels than ``Limits.max_pixels``, or than Pillow opens."""


class TooSmall(PictureError):
    """A side of the picture is shorter than ``Limits.min_side``."""


class DamagedPicture(PictureError):
    """The file begins like a picture but cannot be decoded: truncated, corrupt, or rare."""


class DeepGrey(PictureError):
    """A picture in grey of 32 bits, and no numpy to read it with."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What is refused before any pixel is decoded.

    Attributes:
        max_bytes: Largest file that is read, in bytes.
        max_pixels: Largest width times height that is decoded. Pillow's own limit, twice
            ``PIL.Image.MAX_IMAGE_PIXELS``, holds beside it.
        min_side: Shortest width or height that is accepted, in pixels.
    """

    max_bytes: int = 128 * 1024 * 1024
    max_pixels: int = PILLOW_MAX_PIXELS
    min_side: int = 16


DEFAULT_LIMITS: Final = Limits()


def read_square(
    data: bytes,
    *,
    side: int = 224,
    limits: Limits = DEFAULT_LIMITS,
    large: AbstractContextManager[object] | None = None,
) -> NDArray[np.uint8]:
    """Decodes a picture file and squashes it to a square, whatever its proportions.

    JPEG (and MPO), PNG, TIFF, WebP and GIF (first frame or page). The picture is turned upright by
    its EXIF orientation, brought to sRGB by its ICC profile, and laid on white where transparent.
    Squashing is bilinear with antialiasing.

    Args:
        data: Contents of the file.
        side: Width and height of the square in pixels.
        limits: What to refuse.
        large: A lock that is held while a picture is decoded that takes much memory (more than 16
            megapixels after a JPEG's reduction), so that threads hold one such picture and not one
            each.

    Returns:
        sRGB values, shape (side, side, 3), uint8.

    Raises:
        PictureError: The file cannot be read; its subclass and its message say why. Messages are
            the same whenever the file is the same.
        MemoryError: The machine has no room for the decoded picture.
    """
    import numpy as np

    return np.asarray(open_square(data, side=side, limits=limits, large=large))


def open_square(
    data: bytes,
    *,
    side: int = 224,
    limits: Limits = DEFAULT_LIMITS,
    large: AbstractContextManager[object] | None = None,
) -> Image.Image:
    """Does the same as ``read_square``, and needs no numpy but for grey of 32 bits.

    Returns:
        A picture of mode RGB and ``side`` x ``side`` pixels.

    Raises:
        PictureError: As ``read_square`` does; ``DeepGrey`` besides, where numpy is missing.
        MemoryError: The machine has no room for the decoded picture.
    """
    return _read(data, side, limits, large)[0]


def open_whole(
    data: bytes,
    *,
    longest: int,
    limits: Limits = DEFAULT_LIMITS,
    large: AbstractContextManager[object] | None = None,
) -> Image.Image:
    """Does the same as ``open_square``, but leaves a picture its proportions, upright.

    Args:
        data: Contents of the file.
        longest: Pixels that the longer side has at most; a smaller picture is not enlarged.
        limits: What to refuse.
        large: As for ``read_square``.

    Returns:
        A picture of mode RGB.

    Raises:
        PictureError: As ``open_square`` does.
        MemoryError: The machine has no room for the decoded picture.
    """
    square, (width, height) = _read(data, _DETAIL * longest, limits, large)
    scale = min(1, longest / max(width, height))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return square.resize(size, Image.Resampling.LANCZOS)


def _read(
    data: bytes, side: int, limits: Limits, large: AbstractContextManager[object] | None
) -> tuple[Image.Image, tuple[int, int]]:
    """The square, and width and height of the upright picture in pixels."""
    _check_bytes(data, limits)
    with _open(data) as image:
        _check_size(image.size, limits)
        width, height = image.size
        try:
            with _turn_of(_draft(image, side), large):
                square, lay_on_its_side = _squash(image, data, side)
        except (MemoryError, PictureError):
            raise
        except Exception as error:
            # Pillow's decoders raise errors of many unrelated types on corrupt bytes (OSError,
            # SyntaxError, struct.error, IndexError, ...); the original is chained.
            raise DamagedPicture(
                f"The {_format_name(image)} file is damaged or incomplete "
                f"({error_text(error)}). Replace it with a sound copy."
            ) from error
        return square, (height, width) if lay_on_its_side else (width, height)


def _check_bytes(data: bytes, limits: Limits) -> None:
    if not data:
        raise EmptyFile("The file is empty (0 bytes). Upload it again.")
    if len(data) > limits.max_bytes:
        raise TooManyBytes(
            # Callers may have read no further than one byte past the limit.
            f"The file has more than {limits.max_bytes:,} bytes, the most that are read. "
            f'Raise ARTSIMILARITY["MAX_BYTES"] to accept it.'
        )


def _check_size(size: tuple[int, int], limits: Limits) -> None:
    width, height = size
    if width * height > limits.max_pixels:
        raise TooManyPixels(
            f"The picture has {width:,} x {height:,} = {width * height:,} pixels; at most "
            f"{limits.max_pixels:,} are decoded. "
            f'Raise ARTSIMILARITY["MAX_PIXELS"] to accept it.'
        )
    if min(size) < limits.min_side:
        raise TooSmall(
            f"The picture has {width:,} x {height:,} pixels; each side must have at least "
            f"{limits.min_side}. Upload a larger copy."
        )


def _open(data: bytes) -> Image.Image:
    """Reads the header only."""
    try:
        with _without_bomb_warning():
            return Image.open(BytesIO(data), formats=FORMATS)
    except MemoryError:
        raise
    except Image.DecompressionBombError as error:
        raise TooManyPixels(
            f"The picture is too large for Pillow: {error_text(error)} "
            f'Beyond that, raising ARTSIMILARITY["MAX_PIXELS"] is not enough: '
            f"PIL.Image.MAX_IMAGE_PIXELS must be raised as well."
        ) from error
    except Exception as error:
        # Besides UnidentifiedImageError, plugins let errors of many types pass on corrupt headers.
        for name, magic in _MAGIC.items():
            if magic.match(data):
                raise DamagedPicture(
                    f"The file begins like a {name} file, but its header is damaged or describes "
                    f"a kind of {name} that cannot be read. Replace it with a sound copy."
                ) from error
        raise NotAPicture(
            "The file is not a picture in a format that is read (JPEG, PNG, TIFF, WebP or GIF), "
            "whatever its name says. Replace it with one."
        ) from error


@contextmanager
def _without_bomb_warning() -> Iterator[None]:
    """Silences Pillow's warning, which comes at half its limit: our own limit decides."""
    with _warnings_lock, warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        yield


def _draft(image: Image.Image, side: int) -> int:
    """Has a JPEG decoded at reduced size; returns the pixels that decoding holds in memory."""
    declared = image.width * image.height
    if image.format in ("JPEG", "MPO"):
        image.draft(None, (_DRAFT_FACTOR * side, _DRAFT_FACTOR * side))
        if image.info.get("progressive"):
            return (
                declared  # libjpeg keeps the coefficients of all of it, whatever it makes of them
            )
    return image.width * image.height


def _turn_of(
    pixels: int, large: AbstractContextManager[object] | None
) -> AbstractContextManager[object]:
    return nullcontext() if large is None or pixels <= _LARGE_PIXELS else large


def _squash(image: Image.Image, data: bytes, side: int) -> tuple[Image.Image, bool]:
    """Decodes and squashes an opened picture, and says whether it had to be laid on its side.

    May raise whatever Pillow raises.
    """
    _load(image)
    orientation = _orientation(image)
    profile = image.info.get("icc_profile")
    square = _resize(_as_resizable(image, data), side)
    if orientation in _TURNS:
        square = square.transpose(_TURNS[orientation])
    return _to_rgb_on_white(square, profile), orientation in _ON_THEIR_SIDE


def _load(image: Image.Image) -> None:
    width, height = image.size
    if Image.MAX_IMAGE_PIXELS is not None and width * height > Image.MAX_IMAGE_PIXELS:
        # The TIFF plugin warns again here.
        with _without_bomb_warning():
            image.load()
    else:
        image.load()


def _orientation(image: Image.Image) -> int:
    """EXIF orientation of a decoded picture; none for a TIFF, which Pillow has turned already."""
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation)
    except Exception as error:  # noqa: BLE001
        # Broken EXIF is common, raises errors of many types and must not lose the picture.
        logger.info("EXIF orientation of a picture ignored: %s", error_text(error))
        return 1
    return orientation if isinstance(orientation, int) else 1


def _as_resizable(image: Image.Image, data: bytes) -> Image.Image:
    """Brings a picture to a mode whose values may be averaged; transparency becomes RGBa or La."""
    mode = image.mode
    if mode == "F" or mode.startswith("I"):
        return _eight_bits(image)
    if image.has_transparency_data:
        if mode == "RGB" and _has_16_bit_colour_key(data):
            # Pillow keeps the high byte of the pixels but both bytes of the key.
            image.info["transparency"] = tuple(v >> 8 for v in image.info["transparency"])
        if mode in ("La", "RGBa"):
            return image
        grey = mode in ("1", "L", "LA")
        return image.convert("LA" if grey else "RGBA").convert("La" if grey else "RGBa")
    if mode == "CMYK" and image.format in ("JPEG", "MPO") and "adobe" not in image.info:
        # Pillow takes every CMYK JPEG for Adobe's inverted kind; without the marker it is plain.
        return ImageChops.invert(image)
    if mode in ("RGB", "L", "CMYK", "LAB"):
        return image
    return image.convert("L" if mode == "1" else "RGB")


def _has_16_bit_colour_key(data: bytes) -> bool:
    bit_depth = data[24:25]
    return _MAGIC["PNG"].match(data) is not None and bit_depth == b"\x10"


def _eight_bits(image: Image.Image) -> Image.Image:
    """Scales one channel of 16 or 32 bits, integer or float, to 8 bits."""
    scale = _eight_of_16_bits if image.mode.startswith("I;16") else _eight_of_32_bits
    grey = scale(image)
    if _tiff_tag(image, TiffImagePlugin.PHOTOMETRIC_INTERPRETATION, 1) == 0:  # white is zero
        grey = ImageChops.invert(grey)
    return grey


def _eight_of_16_bits(image: Image.Image) -> Image.Image:
    white = 2 ** _tiff_tag(image, TiffImagePlugin.BITSPERSAMPLE, 16) - 1  # 12 bits come here too
    levels = [int(min(value * 255 / white + 0.5, 255)) for value in range(2**16)]
    key = image.info.get("transparency")
    if isinstance(key, int):
        levels[key] = 255  # a transparent grey of a PNG
    return image.convert("I").point(levels, "L")


def _eight_of_32_bits(image: Image.Image) -> Image.Image:
    try:
        import numpy as np
    except ModuleNotFoundError as error:
        raise DeepGrey(
            "Grey of 32 bits can be read only where numpy is installed. "
            "Save the picture with 8 or 16 bits."
        ) from error
    values = np.array(image, dtype=np.float32)
    np.nan_to_num(values, copy=False, posinf=0.0, neginf=0.0)
    if image.mode == "I" and _tiff_tag(image, TiffImagePlugin.SAMPLEFORMAT, 1) == 1:
        values[values < 0] += np.float32(2**32)  # Pillow reads unsigned integers as signed
    # These files do not say what white is: take the smallest customary scale that holds all values.
    scales = (1, 2**8 - 1, 2**16 - 1) if image.mode == "F" else (2**8 - 1, 2**16 - 1)
    largest = values.max()
    values *= np.float32(255 / next((s for s in scales if largest <= s), max(largest, 2**32 - 1)))
    values += np.float32(0.5)
    np.clip(values, 0, 255, out=values)
    return Image.fromarray(values.astype(np.uint8))


def _tiff_tag(image: Image.Image, tag: int, default: int) -> int:
    if not isinstance(image, TiffImagePlugin.TiffImageFile):
        return default
    value = image.tag_v2.get(tag, default)
    return int(value[0] if isinstance(value, tuple) else value)


def _resize(image: Image.Image, side: int) -> Image.Image:
    return image.resize((side, side), Image.Resampling.BILINEAR, reducing_gap=_REDUCING_GAP)


def _to_rgb_on_white(square: Image.Image, profile: object) -> Image.Image:
    alpha = None
    if square.mode in ("La", "RGBa"):
        square = square.convert("LA" if square.mode == "La" else "RGBA")
        alpha = square.getchannel("A")
        square = square.convert(square.mode.removesuffix("A"))
    rgb = _to_srgb(square, profile)
    if alpha is None:
        return rgb
    return Image.composite(rgb, Image.new("RGB", rgb.size, "white"), alpha)


def _to_srgb(square: Image.Image, profile: object) -> Image.Image:
    """Brings L, RGB, CMYK or LAB to sRGB, by the ICC profile where it fits the picture."""
    if isinstance(profile, bytes) and profile:
        try:
            return _apply_profile(square, profile)
        except (ImageCms.PyCMSError, OSError, ValueError) as error:
            # A broken or foreign profile is common and must not lose the picture.
            logger.info("ICC profile of a picture ignored: %s", error_text(error))
    return square.convert("RGB")


def _apply_profile(square: Image.Image, profile: bytes) -> Image.Image:
    opened = ImageCms.ImageCmsProfile(BytesIO(profile))
    space = opened.profile.xcolor_space.strip()
    needed, usable = _PROFILE_MODES.get(space, ("", frozenset()))
    if square.mode not in usable:
        raise ValueError(f"a profile for {space} does not fit a picture in {square.mode}")
    transform = ImageCms.buildTransform(
        opened,
        ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")),
        needed,
        "RGB",
        renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
        flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )
    return transform.apply(square.convert(needed))


def _format_name(image: Image.Image) -> str:
    return {"WEBP": "WebP", "MPO": "JPEG"}.get(image.format or "", image.format or "picture")


def error_text(error: Exception) -> str:
    """Text of an error, printable and without addresses of objects, which change at every run."""
    text = re.sub(r"<[^<>]* at 0x[0-9a-fA-F]+>", "the file", str(error)) or type(error).__name__
    return "".join(letter if letter.isprintable() else " " for letter in text)[:200]
