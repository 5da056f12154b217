"""Bytes of a picture file to one square of sRGB values: Pillow, and libvips where it is better.

Costly steps come after the squash wherever that is right: turning by EXIF orientation, colour
management and compositing work on the small square and not on the scan.
"""

from __future__ import annotations

import logging
import math
import mmap
import os
import threading
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, TypeAlias, cast

from PIL import ExifTags, Image, ImageChops, TiffImagePlugin

from artsimilarity.encoder.pictures import damaged, headers, streaming
from artsimilarity.encoder.pictures.colours import profile_of_png, to_srgb_on_white
from artsimilarity.encoder.pictures.crop import WHOLE, Area, as_stored
from artsimilarity.encoder.pictures.headers import Data, Kind
from artsimilarity.encoder.pictures.limits import (
    DEFAULT_LIMITS,
    DamagedPicture,
    DecoderCrashed,
    EmptyFile,
    Limits,
    MissingLibrary,
    NotAPicture,
    PictureError,
    TooManyBytes,
    TooManyPixels,
    TooMuchMemory,
    TooMuchWork,
    TooSmall,
    error_text,
    too_much_memory,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = [
    "DEFAULT_LIMITS",
    "DETAIL",
    "DamagedPicture",
    "DecoderCrashed",
    "EmptyFile",
    "Limits",
    "MissingLibrary",
    "NotAPicture",
    "PictureError",
    "Source",
    "Square",
    "TooManyBytes",
    "TooManyPixels",
    "TooMuchMemory",
    "TooMuchWork",
    "TooSmall",
    "error_text",
    "read",
    "read_square",
]

logger: Final = logging.getLogger(__name__)

# Contents of a file, or where it lies.
Source: TypeAlias = "bytes | os.PathLike[str]"

# Pillow's name of each format that it reads; it opens MPO (a JPEG and further ones behind it) as a
# JPEG too.
_PLUGINS: Final[dict[Kind, str]] = {
    "JPEG": "JPEG",
    "PNG": "PNG",
    "TIFF": "TIFF",
    "WebP": "WEBP",
    "GIF": "GIF",
    "BMP": "BMP",
    "PSD": "PSD",
    "JPEG 2000": "JPEG2000",
    "AVIF": "AVIF",
}

# A JPEG is decoded at no less than this many times the square, so that squashing it further still
# averages over several pixels; Pillow's `reduce` keeps the same distance for other formats. A
# square of at least so many pixels is a sheet, which is itself averaged down, and needs no more.
_DRAFT_FACTOR: Final = 2
_SHEET: Final = 448
_REDUCING_GAP: Final = 3.0

# Pictures of more pixels are streamed by libvips where it is there and knows their format; and
# threads that share a lock hold only one such picture: 64 MB at 4 bytes each.
_LARGE_PIXELS: Final = 16_000_000

# Encoders write 4 to 14 scans. Each more costs as much as decoding the picture once, in two bytes.
_MOST_SCANS: Final = 100

# Pixels of one tile or strip that are decoded together, whatever the picture's size.
_MOST_BLOCK_PIXELS: Final = 4096 * 4096

# Bytes a pixel that Pillow and we hold at the worst moment, by the mode a file is opened in.
_MODE_BYTES: Final = {"1": 2, "L": 1, "P": 9, "I;16": 7, "I;16B": 7, "I;16L": 7, "I": 9}
_COLOUR_BYTES, _ALPHA_BYTES = 4, 12
# Bytes a pixel that a format's decoder holds beside that.
_DECODER_BYTES: Final[dict[Kind, int]] = {"WebP": 12, "AVIF": 12, "HEIC": 12, "JPEG 2000": 16}
# Bytes a pixel of any other WebP, and of a lossy one without alpha or animation.
_WEBP_BYTES, _LOSSY_WEBP_BYTES = 16, 6

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
DETAIL: Final = 2

# warnings.catch_warnings swaps a list of the whole process: two threads must not do it at once.
_warnings_lock: Final = threading.Lock()


@dataclass(frozen=True)
class Square:
    """A picture, or a box on it, squashed to a square.

    Attributes:
        image: Of mode RGB, in sRGB.
        damaged: Whether the end of the file is missing, and the square shows what there is.
        size: Width and height of the upright picture in pixels, as its file says.
    """

    image: Image.Image = field(repr=False)
    damaged: bool = False
    size: tuple[int, int] = (1, 1)

    @property
    def proportion(self) -> float:
        """Width divided by height of the upright picture, before it was squashed."""
        width, height = self.size
        return width / height

    def whole(self, longest: int) -> Image.Image:
        """The picture in its proportions, not enlarged, at most so many pixels long."""
        width, height = self.size
        scale = min(1, longest / max(width, height))
        size = max(1, round(width * scale)), max(1, round(height * scale))
        return self.image.resize(size, Image.Resampling.LANCZOS)

    @property
    def pixels(self) -> NDArray[np.uint8]:
        """sRGB values, shape (side, side, 3), uint8. Needs numpy."""
        import numpy as np  # the web process has none

        return np.asarray(self.image)


def read(
    source: Source,
    *,
    side: int = 224,
    limits: Limits = DEFAULT_LIMITS,
    large: AbstractContextManager[object] | None = None,
    box: Area = WHOLE,
) -> Square:
    """Decodes a picture file in this process and squashes it, whatever its proportions.

    JPEG (and MPO), PNG, TIFF, WebP, GIF, BMP, PSD, JPEG 2000, AVIF, and HEIC where pillow-heif is
    installed; of several frames or pages the first, of a TIFF the first that is no smaller copy of
    another. The picture is turned upright by its EXIF orientation, brought to sRGB by its ICC
    profile, and laid on white where transparent. Squashing is bilinear with antialiasing.

    What a file costs is looked at in its header. Nothing here can stop a decoder that runs away:
    files by strangers belong in ``DecodingProcesses``.

    Args:
        source: Contents of the file, or its path.
        side: Width and height of the square in pixels.
        limits: What to refuse.
        large: A lock that is held while a picture is decoded that takes much memory (more than 16
            megapixels after a JPEG's reduction), so that threads hold one such picture and not one
            each.
        box: What to squash of the upright picture, without an angle; its pixels are reduced no
            further than for the square.

    Raises:
        PictureError: The file cannot be read; its subclass and its message say why. Messages are
            the same whenever the file is the same.
        MemoryError: The machine has no room for the decoded picture.
        OSError: A path cannot be opened.
    """
    with _contents(source, limits) as data:
        return _File(source, data, side, limits, large, box).square()


def read_square(
    data: Source,
    *,
    side: int = 224,
    limits: Limits = DEFAULT_LIMITS,
    large: AbstractContextManager[object] | None = None,
) -> NDArray[np.uint8]:
    """Does the same as ``read``.

    Returns:
        sRGB values, shape (side, side, 3), uint8.
    """
    return read(data, side=side, limits=limits, large=large).pixels


@contextmanager
def _contents(source: Source, limits: Limits) -> Iterator[Data]:
    """The bytes of a file, mapped where it is a path."""
    if isinstance(source, bytes):
        _check_bytes(len(source), limits)
        yield source
        return
    with Path(source).open("rb") as file:
        _check_bytes(os.fstat(file.fileno()).st_size, limits)
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            yield mapped


def _check_bytes(size: int, limits: Limits) -> None:
    if not size:
        raise EmptyFile("empty-file")
    if size > limits.max_bytes:
        # Callers may have read no further than one byte past the limit.
        raise TooManyBytes("too-many-bytes", most=limits.max_bytes)


def _check_size(size: tuple[int, int], limits: Limits) -> None:
    width, height = size
    if width * height > limits.max_pixels:
        raise TooManyPixels(
            "too-many-pixels",
            width=width,
            height=height,
            pixels=width * height,
            most=limits.max_pixels,
        )
    if min(size) < limits.min_side:
        raise TooSmall("too-small", width=width, height=height, least=limits.min_side)


def _bad_header(kind: str, error: BaseException | None) -> DamagedPicture:
    if error is None:
        return DamagedPicture("bad-header", kind=kind)
    why = error.reason if isinstance(error, headers.BadDirectory) else error_text(error)
    return DamagedPicture("bad-header-why", kind=kind, why=why)


def _damaged(kind: str, error: BaseException) -> DamagedPicture:
    return DamagedPicture("damaged", kind=kind, why=error_text(error))


class _File:
    """One file on its way to a square."""

    def __init__(
        self,
        source: Source,
        data: Data,
        side: int,
        limits: Limits,
        large: AbstractContextManager[object] | None,
        box: Area,
    ) -> None:
        kind = headers.kind_of(data)
        if kind is None:
            raise NotAPicture("not-a-picture")
        self.kind: Final = kind
        self.source: Final = source
        self.data: Final = data
        self.side: Final = side
        self.limits: Final = limits
        self.large: Final = large
        self.box: Final = box

    def square(self) -> Square:
        if self.kind == "TIFF":
            return self._tiff()
        if self.kind == "JPEG":
            return self._jpeg()
        if self.kind == "WebP":
            return self._webp()
        image = self._open()
        _check_size(image.size, self.limits)
        pixels = image.width * image.height
        if self.kind == "PNG" and pixels > _LARGE_PIXELS and streaming.is_available():
            try:
                with self._turn(pixels):
                    return self._streamed(self.source, image.size, gamma=profile_of_png(image.info))
            except streaming.Failed as error:
                logger.debug("Pillow decodes what libvips did not: %s", error)
        return self._whole(image)

    # Kinds whose headers say more than a size, or cost something to be opened

    def _webp(self) -> Square:
        visible, whole_size = damaged.webp_visible(self.data)
        self._check_visible(visible)
        size = headers.webp_size(self.data)
        if size is not None:
            _check_size(size, self.limits)
            pixels = size[0] * size[1]
            lossy = self.data[12:16] == b"VP8 "
            self._check_memory(pixels * (_LOSSY_WEBP_BYTES if lossy else _WEBP_BYTES))
            if visible == 1 and pixels > _LARGE_PIXELS and streaming.is_available():
                try:
                    with self._turn(pixels):
                        return self._streamed(self.source, size)
                except streaming.Failed as error:
                    raise _damaged(self.kind, error) from error
        if visible == 1:
            return self._whole(self._open())
        return self._whole(self._open(damaged.filled_up(self.data, whole_size)), visible=visible)

    def _jpeg(self) -> Square:
        header = headers.jpeg_header(self.data)
        if header.scans > _MOST_SCANS:
            raise TooMuchWork("too-many-scans", most=_MOST_SCANS)
        image = self._open()
        size = image.size
        _check_size(size, self.limits)
        self._draft(image)
        return self._whole(image, jpeg=header, size=size)

    def _tiff(self) -> Square:
        try:
            page = headers.tiff_page(self.data)
        except ValueError as error:
            raise _bad_header(self.kind, error) from error
        _check_size(page.size, self.limits)
        self._check_block(page)
        pixels = page.size[0] * page.size[1]
        by_pillow = _pillow_is_right(page)
        streamed = not by_pillow or pixels > _LARGE_PIXELS
        self._check_visible(page.visible)
        if page.visible == 1 and by_pillow and not (streamed and streaming.is_available()):
            try:
                return self._whole(self._open_page(page.number))
            except DamagedPicture:
                if not streaming.is_available():
                    raise
        if not streaming.is_available():
            raise self._missing_pyvips() if page.visible == 1 else self._cut(page.visible)
        source = self.source
        if page.visible < 1:
            source = damaged.filled_up(self.data, page.end)
        try:
            with self._turn(pixels):
                return self._streamed(source, page.size, page)
        except streaming.Failed as error:
            raise _damaged(self.kind, error) from error

    def _check_block(self, page: headers.TiffPage) -> None:
        """A tile is decoded whole however little of it lies within the picture."""
        width, height = page.block
        most = max(_MOST_BLOCK_PIXELS, 4 * page.size[0] * page.size[1])
        if width * height > most:
            raise TooMuchWork(
                "large-tiles", across=width, down=height, width=page.size[0], height=page.size[1]
            )

    def _missing_pyvips(self) -> MissingLibrary:
        return MissingLibrary("needs-pyvips", kind=self.kind)

    def _check_memory(self, size: int) -> None:
        if size > self.limits.max_memory:
            raise too_much_memory(self.limits)

    def _check_visible(self, visible: float) -> None:
        if visible < 1 and (not self.limits.accept_damaged or visible < damaged.LEAST_VISIBLE):
            raise self._cut(visible)

    def _cut(self, visible: float) -> DamagedPicture:
        return DamagedPicture("rows-missing", kind=self.kind, percent=round(100 * visible))

    # The two ways of decoding

    def _streamed(
        self,
        source: Source,
        size: tuple[int, int],
        page: headers.TiffPage | None = None,
        *,
        gamma: bytes | None = None,
    ) -> Square:
        found = streaming.decode(self.kind, source, self.side, page=page, box=self.box)
        visible = page.visible if page else 1.0
        square = found.image.resize(
            (self.side, self.side), Image.Resampling.BILINEAR, box=found.box
        )
        profile = found.profile or gamma
        is_damaged = visible < 1
        visible = _visible_in(as_stored(self.box, found.orientation), visible)
        return _finish(square, size, found.orientation, profile, visible, is_damaged)

    def _whole(
        self,
        image: Image.Image,
        *,
        jpeg: headers.JpegHeader | None = None,
        size: tuple[int, int] | None = None,
        visible: float = 1.0,
    ) -> Square:
        """Without a size it is that of the picture as it is opened."""
        size = size or image.size
        pixels = image.width * image.height
        held = pixels * _bytes_a_pixel(image, self.kind)
        self._check_memory(held + (jpeg.coefficient_bytes if jpeg else 0))
        try:
            with self._turn(max(pixels, jpeg.coefficient_bytes // 2 if jpeg else 0)):
                # Libjpeg does without an end where the last rows are there.
                is_damaged = visible < 1 or (jpeg is not None and not jpeg.ends)
                if is_damaged and not self.limits.accept_damaged:
                    raise DamagedPicture("end-missing", kind=self.kind)
                try:
                    _load(image)
                except (MemoryError, PictureError):
                    raise
                except Exception as error:  # noqa: BLE001  (as below: it is corrupt)
                    image, visible = self._what_there_is(jpeg, error)
                    is_damaged = True
                return self._squash(image, size, visible, is_damaged)
        except (MemoryError, PictureError):
            raise
        except Exception as error:
            # Pillow's decoders raise errors of many unrelated types on corrupt bytes (OSError,
            # SyntaxError, struct.error, IndexError, ...); the original is chained.
            raise _damaged(self.kind, error) from error

    def _what_there_is(
        self, jpeg: headers.JpegHeader | None, error: Exception
    ) -> tuple[Image.Image, float]:
        if not self.limits.accept_damaged or self.kind == "TIFF":  # what a TIFF lacks is known
            raise _damaged(self.kind, error) from error
        rescued = damaged.rescue(self.data, self._open_again, jpeg)
        if rescued is None:
            raise _damaged(self.kind, error) from error
        return rescued

    def _open_again(self, data: Data) -> Image.Image:
        image = self._open(data)
        if self.kind == "JPEG":
            self._draft(image)
        return image

    def _draft(self, image: Image.Image) -> None:
        box = WHOLE if self.box == WHOLE else as_stored(self.box, _orientation(image))
        least = self.side if self.side >= _SHEET else _DRAFT_FACTOR * self.side
        wanted = least / (box.right - box.left), least / (box.bottom - box.top)
        image.draft(None, (math.ceil(wanted[0]), math.ceil(wanted[1])))

    def _open_page(self, number: int) -> Image.Image:
        image = self._open()
        try:
            image.seek(number)
        except (MemoryError, PictureError):
            raise
        except Exception as error:
            # As elsewhere, plugins let errors of many types pass on corrupt directories.
            raise _damaged(self.kind, error) from error
        return image

    def _open(self, data: Data | None = None) -> Image.Image:
        """Reads the header only."""
        data = self.data if data is None else data
        try:
            return self._open_with_pillow(data)
        except (MemoryError, PictureError):
            raise
        except Image.DecompressionBombError as error:
            raise TooManyPixels("too-many-pixels-for-pillow", why=error_text(error)) from error
        except Exception as error:
            # Besides UnidentifiedImageError, plugins let errors of many types pass on corrupt
            # headers. Segments that a JPEG can do without are left out then.
            for unwanted in _DISPENSABLE if self.kind == "JPEG" else ():
                try:
                    return self._open_with_pillow(headers.without_segments(data, unwanted))
                except Exception as again:  # noqa: BLE001  (as above; the first error is told)
                    logger.debug("A JPEG is as bad without segments: %s", error_text(again))
            raise _bad_header(self.kind, None) from error

    def _open_with_pillow(self, data: Data) -> Image.Image:
        file = BytesIO(data) if isinstance(data, bytes) else cast("IO[bytes]", data)
        if self.kind == "HEIC":
            return _open_heic(file)
        with _without_bomb_warning():
            return Image.open(file, formats=(_PLUGINS[self.kind],))

    def _squash(
        self, image: Image.Image, size: tuple[int, int], visible: float, is_damaged: bool
    ) -> Square:
        """May raise whatever Pillow raises."""
        profile = image.info.get("icc_profile")
        if self.kind == "PNG" and not profile:
            profile = profile_of_png(image.info)
        orientation = _orientation(image)
        ready = _as_resizable(image, self.data)
        box = as_stored(self.box, orientation)
        square = ready.resize(
            (self.side, self.side),
            Image.Resampling.BILINEAR,
            box=(
                box.left * ready.width,
                box.top * ready.height,
                box.right * ready.width,
                box.bottom * ready.height,
            ),
            reducing_gap=_REDUCING_GAP,
        )
        visible = _visible_in(box, visible)
        return _finish(square, size, orientation, profile, visible, is_damaged)

    def _turn(self, pixels: int) -> AbstractContextManager[object]:
        return nullcontext() if self.large is None or pixels <= _LARGE_PIXELS else self.large


# Segments of a JPEG that may be left out: JFIF's; then all but Adobe's, which tells the colours.
_DISPENSABLE: Final = (
    frozenset({0xE0}),
    frozenset({*range(0xE0, 0xF0), 0xFE}) - {0xEE},
)


def _open_heic(file: IO[bytes]) -> Image.Image:
    try:
        import pillow_heif  # an extra of its own: it holds an encoder under the GPL
    except ImportError as error:
        raise MissingLibrary("needs-pillow-heif") from error
    opener: Any = pillow_heif.HeifImageFile
    image: Image.Image = opener(file)
    return image


@contextmanager
def _without_bomb_warning() -> Iterator[None]:
    """Silences Pillow's warning, which comes at half its limit: our own limit decides."""
    with _warnings_lock, warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        yield


def _pillow_is_right(page: headers.TiffPage) -> bool:
    """Whether Pillow reads this kind of page, and reads it rightly; libvips reads the others."""
    if page.map_of_8_bits or page.sample_format not in (1, 4):
        return False
    if page.bits <= 8:
        return True
    if page.photometric in (0, 1):
        return page.samples == 1 and page.bits in (12, 16)
    return page.bits == 16 and not page.planar and page.photometric in (2, 5)


def _bytes_a_pixel(image: Image.Image, kind: Kind) -> int:
    alpha = image.mode in ("RGBA", "RGBa", "LA", "La") or "transparency" in image.info
    mode = _MODE_BYTES.get(image.mode, _ALPHA_BYTES if alpha else _COLOUR_BYTES)
    return mode + _DECODER_BYTES.get(kind, 0)


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


def _as_resizable(image: Image.Image, data: Data) -> Image.Image:
    """Brings a picture to a mode whose values may be averaged; transparency becomes RGBa or La."""
    mode = image.mode
    if mode.startswith("I;16"):
        return _eight_of_16_bits(image)
    if image.has_transparency_data:
        if mode == "RGB" and _has_16_bit_colour_key(data):
            # Pillow keeps the high byte of the pixels but both bytes of the key.
            image.info["transparency"] = tuple(v >> 8 for v in image.info["transparency"])
        if mode in ("La", "RGBa"):
            return image
        grey = mode in ("1", "L", "LA")
        return image.convert("LA" if grey else "RGBA").convert("La" if grey else "RGBa")
    if mode in ("RGB", "L", "CMYK", "LAB"):
        return image
    return image.convert("L" if mode == "1" else "RGB")


def _has_16_bit_colour_key(data: Data) -> bool:
    return headers.kind_of(data) == "PNG" and data[24] == 16


def _eight_of_16_bits(image: Image.Image) -> Image.Image:
    white = 2 ** _tiff_tag(image, TiffImagePlugin.BITSPERSAMPLE, 16) - 1  # 12 bits come here too
    levels = [int(min(value * 255 / white + 0.5, 255)) for value in range(2**16)]
    key = image.info.get("transparency")
    if isinstance(key, int):
        levels[key] = 255  # a transparent grey of a PNG
    grey = image.convert("I").point(levels, "L")
    if _tiff_tag(image, TiffImagePlugin.PHOTOMETRIC_INTERPRETATION, 1) == 0:  # white is zero
        grey = ImageChops.invert(grey)
    return grey


def _tiff_tag(image: Image.Image, tag: int, default: int) -> int:
    if not isinstance(image, TiffImagePlugin.TiffImageFile):
        return default
    value = image.tag_v2.get(tag, default)
    return int(value[0] if isinstance(value, tuple) else value)


def _visible_in(box: Area, visible: float) -> float:
    """How much of a box is there, of a picture that is there down to a share of its height."""
    if visible >= 1:
        return 1.0
    return min(max((visible - box.top) / (box.bottom - box.top), 0.0), 1.0)


def _finish(
    square: Image.Image,
    size: tuple[int, int],
    orientation: int,
    profile: object,
    visible: float,
    is_damaged: bool,
) -> Square:
    rgb = to_srgb_on_white(square, profile)
    if visible < 1:
        rgb.paste("white", (0, int(visible * rgb.height), rgb.width, rgb.height))
    if orientation in _TURNS:
        rgb = rgb.transpose(_TURNS[orientation])
    if orientation in _ON_THEIR_SIDE:
        size = size[1], size[0]
    return Square(rgb, is_damaged, size)
