"""What a file says of itself before any pixel is decoded. Standard library only.

Sources: ITU-T T.81 (JPEG), TIFF 6.0 and its supplements, Adobe's BigTIFF, ISO/IEC 14496-12 (the
boxes of AVIF and HEIC), RFC 9649 (WebP), the PNG specification (third edition).
"""

from __future__ import annotations

import mmap
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final, Literal, TypeAlias

from artsimilarity.encoder.pictures.reasons import Reason

Data: TypeAlias = bytes | mmap.mmap

Kind: TypeAlias = Literal[
    "JPEG", "PNG", "TIFF", "WebP", "GIF", "BMP", "PSD", "JPEG 2000", "AVIF", "HEIC"
]

_MAGIC: Final[dict[Kind, re.Pattern[bytes]]] = {
    "JPEG": re.compile(rb"\xff\xd8\xff"),
    "PNG": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "TIFF": re.compile(rb"II[*+]\x00|MM\x00[*+]"),
    "WebP": re.compile(rb"RIFF....WEBP", re.DOTALL),
    "GIF": re.compile(rb"GIF8[79]a"),
    "BMP": re.compile(rb"BM.{4}\x00{4}", re.DOTALL),
    "PSD": re.compile(rb"8BPS\x00\x01"),
    "JPEG 2000": re.compile(rb"\xff\x4f\xff\x51|\x00\x00\x00\x0cjP  \r\n\x87\n"),
    "AVIF": re.compile(rb"....ftyp(?:avif|avis)", re.DOTALL),
    "HEIC": re.compile(rb"....ftyp(?:heic|heix|heim|heis|hevc|hevx|mif1|msf1)", re.DOTALL),
}

_BOXES: Final = re.compile(rb"....ftyp", re.DOTALL)

# Directories of a TIFF, entries of one and values of a tag, and segments of a JPEG, that are looked
# at; sound files have far fewer.
_MOST_DIRECTORIES: Final = 100
_MOST_ENTRIES: Final = 1024
_MOST_VALUES: Final = 2_000_000
_MOST_SEGMENTS: Final = 20_000


class BadDirectory(ValueError):
    """What lists the contents of a TIFF cannot be read; ``reason`` says why."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(str(reason))
        self.reason: Final = reason


@dataclass(frozen=True)
class JpegHeader:
    """What bounds the cost of a JPEG.

    Attributes:
        progressive: Whether libjpeg keeps the coefficients of the whole picture.
        scans: Scans that begin in the file.
        first_scan_ends: Whether anything follows the first scan.
        ends: Whether the file says where the picture ends.
        coefficient_bytes: What the coefficients take in memory; 0 unless they are kept.
    """

    progressive: bool
    scans: int
    first_scan_ends: bool
    ends: bool
    coefficient_bytes: int


@dataclass(frozen=True)
class TiffPage:
    """One directory of a TIFF.

    Attributes:
        number: Its place in the file.
        size: Width and height in pixels.
        block: Width and height in pixels of a tile or a strip.
        tiled: Whether it has tiles and not strips.
        bits: Bits of a sample; the largest where they differ.
        samples: Samples of a pixel.
        sample_format: 1 unsigned, 2 signed, 3 floating point.
        photometric: Tag 262.
        planar: Whether each sample is stored in a plane of its own.
        reduced: Whether it says that it is a smaller copy or a mask of another page.
        premultiplied: Whether its alpha is multiplied in already.
        map_of_8_bits: Whether its colour map counts to 255 and not to 65535, as it should.
        compressed: Whether it is compressed.
        visible: Share of its rows, from the top, that lie within the file.
        end: Where its last tile or strip ends, in bytes.
    """

    number: int
    size: tuple[int, int]
    block: tuple[int, int]
    tiled: bool
    bits: int
    samples: int
    sample_format: int
    photometric: int
    planar: bool
    reduced: bool
    premultiplied: bool
    map_of_8_bits: bool
    compressed: bool
    visible: float = 1.0
    end: int = 0


def kind_of(data: Data) -> Kind | None:
    """The format that the first bytes of a file tell, if it is one of those that are read."""
    start = data[:16]
    if _BOXES.match(start) and (b"avif" in data[: min(int.from_bytes(start[:4], "big"), 256)]):
        return "AVIF"  # the brand may stand among the compatible ones only
    return next((kind for kind, magic in _MAGIC.items() if magic.match(start)), None)


def webp_size(data: Data) -> tuple[int, int] | None:
    """Canvas of a WebP in pixels; None where its first chunk says none."""
    name, start = data[12:16], data[20:30]
    if len(start) < 10:
        return None
    if name == b"VP8X":
        return (
            1 + int.from_bytes(start[4:7], "little"),
            1 + int.from_bytes(start[7:10], "little"),
        )
    if name == b"VP8L":
        bits = int.from_bytes(start[1:5], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if name == b"VP8 ":
        width, height = struct.unpack("<HH", start[6:10])
        return width & 0x3FFF, height & 0x3FFF
    return None


# JPEG

_START_OF_FRAME: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_PROGRESSIVE: Final = frozenset({0xC2, 0xC6, 0xCA, 0xCE})
_START_OF_SCAN: Final = 0xDA
_END: Final = 0xD9
# A marker within entropy-coded data: neither a stuffed byte, nor a restart, nor filling.
_NEXT_MARKER: Final = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")


def jpeg_segments(data: Data) -> Iterator[tuple[int, int, int]]:
    """Markers of a JPEG with the places where their segments begin and end, the marker included.

    Ends at the end of the picture, where the file does, or where it makes no sense any more. What
    follows a start of scan is passed over.
    """
    place = 2
    for _ in range(_MOST_SEGMENTS):
        found = _NEXT_MARKER.search(data, place)
        if not found:
            return
        start, marker = found.start(), data[found.start() + 1]
        if marker == _END:
            return
        length = int.from_bytes(data[start + 2 : start + 4], "big")
        end = start + 2 + length
        if length < 2 or end > len(data):
            return
        yield marker, start, end
        place = end


def jpeg_header(data: Data) -> JpegHeader:
    """Walks over a JPEG's segments."""
    progressive, components, scans, after_first = False, b"", 0, False
    width = height = 0
    end = 2
    for marker, start, end in jpeg_segments(data):
        after_first = after_first or scans == 1
        if marker == _START_OF_SCAN:
            scans += 1
        elif marker in _START_OF_FRAME and end - start >= 10:
            progressive = marker in _PROGRESSIVE
            height, width = struct.unpack(">HH", data[start + 5 : start + 9])
            components = data[start + 10 : end]
    sampling = [(byte >> 4, byte & 15) for byte in components[1::3]]
    largest = max((h * v for h, v in sampling), default=1) or 1
    share = sum(h * v for h, v in sampling) / largest
    kept = progressive or scans > 1
    coefficients = int(2 * width * height * share) if kept else 0
    ends = data.find(b"\xff\xd9", end) >= 0
    return JpegHeader(progressive, scans, after_first, ends, coefficients)


def without_segments(data: Data, unwanted: frozenset[int]) -> bytes:
    """The same JPEG less the segments of some markers."""
    kept, place = [], 0
    for marker, start, end in jpeg_segments(data):
        if marker in unwanted:
            kept.append(data[place:start])
            place = end
        if marker == _START_OF_SCAN:
            break
    return b"".join([*kept, data[place:]])


# TIFF

_TYPES: Final = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}


class _Tags:
    """Integer tags of one directory; values are read when they are asked for."""

    def __init__(self, data: Data, order: str, place: int, big: bool) -> None:
        self._data, self._order = data, order
        count_size, entry_size = (8, 20) if big else (2, 12)
        count = self._number(place, count_size)
        end = place + count_size + min(count, _MOST_ENTRIES) * entry_size
        self._entries: dict[int, tuple[int, int, int]] = {}
        for start in range(place + count_size, end, entry_size):
            tag, kind = struct.unpack(order + "HH", self._bytes(start, 4))
            values = self._number(start + 4, 8 if big else 4)
            self._entries.setdefault(tag, (kind, values, start + (12 if big else 8)))
        self._room = 8 if big else 4
        self.next = self._number(
            place + count_size + count * entry_size, self._room, missing_is_zero=True
        )

    def _bytes(self, place: int, size: int) -> bytes:
        found = self._data[place : place + size]
        if len(found) < size:
            raise BadDirectory(Reason("directory-too-long"))
        return found

    def _number(self, place: int, size: int, *, missing_is_zero: bool = False) -> int:
        if missing_is_zero and place + size > len(self._data):
            return 0
        order: Literal["little", "big"] = "little" if self._order == "<" else "big"
        return int.from_bytes(self._bytes(place, size), order)

    def all(self, tag: int) -> tuple[int, ...]:
        """All values of a tag; none where it is missing or of another type than integers."""
        kind, count, place = self._entries.get(tag, (0, 0, 0))
        letter = _TYPES.get(kind)
        if letter is None or not count:
            return ()
        if count > _MOST_VALUES:
            raise BadDirectory(Reason("tag-too-long", values=count))
        size = count * struct.calcsize(self._order + letter)
        if size > self._room:
            place = self._number(place, self._room)
        return struct.unpack(f"{self._order}{count}{letter}", self._bytes(place, size))

    def first(self, tag: int, default: int) -> int:
        return next(iter(self.all(tag)), default)


def tiff_page(data: Data) -> TiffPage:
    """The page of a TIFF that is the picture.

    That is the first that does not call itself a smaller copy or a mask (NewSubfileType, tag 254);
    directories behind it are not looked at, for nothing says that they are sound.

    Raises:
        BadDirectory: No directory can be read.
    """
    first: TiffPage | None = None
    for number, tags in enumerate(_directories(data)):
        try:
            page = _page(number, tags)
        except (ValueError, struct.error) as error:
            if first is None:
                raise _bad_directory(error) from error
            break
        if first is None:
            first, tags_of_first = page, tags
        if not page.reduced:
            return _with_visible(data, tags, page)
    if first is None:
        raise BadDirectory(Reason("no-directory"))
    return _with_visible(data, tags_of_first, first)


def _directories(data: Data) -> Iterator[_Tags]:
    order = "<" if data[:2] == b"II" else ">"
    big = struct.unpack(order + "H", data[2:4])[0] == 43
    start = data[8:16] if big else data[4:8]
    place = int.from_bytes(start, "little" if order == "<" else "big")
    seen: set[int] = set()
    while place and place not in seen and len(seen) < _MOST_DIRECTORIES:
        try:
            tags = _Tags(data, order, place, big)
        except (ValueError, struct.error) as error:
            if not seen:
                why = _bad_directory(error).reason
                raise BadDirectory(Reason("bad-first-directory", why=why)) from error
            return  # what lies behind may be damaged
        seen.add(place)
        yield tags
        place = tags.next


def _bad_directory(error: ValueError | struct.error) -> BadDirectory:
    return error if isinstance(error, BadDirectory) else BadDirectory(Reason(str(error)))


def _page(number: int, tags: _Tags) -> TiffPage:
    width, height = tags.first(256, 0), tags.first(257, 0)
    if not width or not height:
        raise BadDirectory(Reason("no-dimensions"))
    tiled = bool(tags.first(322, 0))
    rows = min(tags.first(278, height) or height, height)
    block = (tags.first(322, width), tags.first(323, height) or height) if tiled else (width, rows)
    bits = max(tags.all(258), default=1)
    colours = tags.all(320) if bits <= 8 else ()
    return TiffPage(
        number=number,
        size=(width, height),
        block=block,
        bits=bits,
        samples=tags.first(277, 1),
        sample_format=tags.first(339, 1),
        photometric=tags.first(262, 1),
        planar=tags.first(284, 1) == 2,
        reduced=bool(tags.first(254, 0) & 0b101) or tags.first(255, 1) == 2,
        premultiplied=tags.first(338, 0) == 1,
        map_of_8_bits=bool(colours) and max(colours) < 256,
        tiled=tiled,
        compressed=tags.first(259, 1) != 1,
    )


def _with_visible(data: Data, tags: _Tags, page: TiffPage) -> TiffPage:
    """The same page with what is known of the part of it that lies within the file."""
    places = (324, 325) if page.tiled else (273, 279)
    offsets, counts = (tags.all(tag) for tag in places)
    if not offsets or len(counts) != len(offsets):
        return page  # old files leave the counts out
    ends = [start + size for start, size in zip(offsets, counts, strict=True)]
    missing = next((place for place, end in enumerate(ends) if end > len(data)), None)
    if missing is None:
        return page
    in_a_plane = len(offsets) // (page.samples if page.planar else 1) or 1
    if page.planar and missing < in_a_plane * (page.samples - 1):
        return replace(page, visible=0.0, end=max(ends))  # a colour is missing altogether
    place, across = missing % in_a_plane, -(-page.size[0] // page.block[0])
    whole_rows = (place // across if page.tiled else place) * page.block[1]
    if not page.compressed and not page.tiled and counts[missing]:
        there = max(0, len(data) - offsets[missing])
        whole_rows += there * page.block[1] // counts[missing]
    return replace(page, visible=min(whole_rows / page.size[1], 1.0), end=max(ends))
