"""PNG and TIFF files written byte by byte: kinds that Pillow reads but does not write."""

from __future__ import annotations

import struct
import zlib

import numpy as np


def png(pixels: np.ndarray, *, transparent: tuple[int, ...] | None = None) -> bytes:
    """PNG of 8 or 16 bits: (height, width, channels), 1 to 4 channels."""
    height, width, channels = pixels.shape
    samples = pixels.astype(">u2") if pixels.dtype == np.uint16 else pixels
    rows = b"".join(b"\0" + row.tobytes() for row in samples)
    kind = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    chunks = start_of_png(width, height, bits=8 * pixels.itemsize, kind=kind)
    if transparent is not None:
        chunks += chunk(b"tRNS", struct.pack(f">{len(transparent)}H", *transparent))
    return chunks + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def cut_short_png(width: int, height: int) -> bytes:
    """RGB PNG of 8 bits that ends where its pixels begin."""
    return start_of_png(width, height) + chunk(b"IDAT", b"")


def start_of_png(
    width: int, height: int, *, bits: int = 8, kind: int = 2, interlaced: bool = False
) -> bytes:
    """Signature and first chunk of a PNG."""
    header = struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, interlaced)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def tiff(
    samples: bytes,
    width: int,
    height: int,
    *,
    bits: int,
    channels: int = 1,
    photometric: int = 1,
    sample_format: int = 1,
    extra_samples: int | None = None,
) -> bytes:
    """Uncompressed little-endian TIFF of one strip."""
    shorts = {
        256: [width],
        257: [height],
        258: [bits] * channels,
        259: [1],
        262: [photometric],
        277: [channels],
        278: [height],
        339: [sample_format] * channels,
    }
    if extra_samples is not None:
        shorts[338] = [extra_samples]
    behind = 8 + 2 + 12 * (len(shorts) + 2) + 4
    entries, overflow = {}, b""
    for tag, values in shorts.items():
        packed = struct.pack(f"<{len(values)}H", *values)
        if len(packed) > 4:
            packed, overflow = struct.pack("<I", behind + len(overflow)), overflow + packed
        entries[tag] = struct.pack("<HHI4s", tag, 3, len(values), packed)
    entries[273] = struct.pack("<HHII", 273, 4, 1, behind + len(overflow))
    entries[279] = struct.pack("<HHII", 279, 4, 1, len(samples))
    directory = b"".join(entries[tag] for tag in sorted(entries))
    head = b"II*\0" + struct.pack("<IH", 8, len(entries))
    return head + directory + bytes(4) + overflow + samples


def tiff_of(
    tags: dict[int, int | list[int]],
    *,
    order: str = "<",
    big: bool = False,
    strips: list[bytes] | None = None,
    tiles: list[bytes] | None = None,
    sizes: list[int] | None = None,
    next_directory: int = 0,
) -> bytes:
    """TIFF of one directory, sound or not, whose blocks follow it.

    Args:
        tags: Values of tags; all are written as LONG (as SHORT the bits of each sample, 258, and
            colour maps, 320).
        order: "<" or ">".
        big: BigTIFF.
        strips: Contents of strips.
        tiles: Contents of tiles.
        sizes: What the directory says of their sizes, where that is not the truth.
        next_directory: Offset of the next one.
    """
    blocks = strips or tiles or []
    offset_tag, size_tag = (324, 325) if tiles else (273, 279)
    values = {tag: [value] if isinstance(value, int) else value for tag, value in tags.items()}
    if blocks:
        values |= {offset_tag: [0] * len(blocks), size_tag: sizes or [len(b) for b in blocks]}
    room, word = (8, "Q") if big else (4, "I")
    start = 16 if big else 8
    directory_size = (8 if big else 2) + len(values) * (20 if big else 12) + room
    behind = start + directory_size

    def packed(tag: int) -> bytes:
        letter = "H" if tag in (258, 320, 339) else "I"
        return struct.pack(f"{order}{len(values[tag])}{letter}", *values[tag])

    overflow_size = sum(len(packed(tag)) for tag in values if len(packed(tag)) > room)
    place = behind + overflow_size
    if blocks:
        values[offset_tag] = []
        for block in blocks:
            values[offset_tag].append(place)
            place += len(block)
    entries, overflow = b"", b""
    for tag in sorted(values):
        data = packed(tag)
        if len(data) > room:
            where = struct.pack(order + word, behind + len(overflow))
            overflow += data
        else:
            where = data.ljust(room, b"\0")
        kind = 3 if tag in (258, 320, 339) else 4
        entries += struct.pack(order + "HH" + word, tag, kind, len(values[tag])) + where
    magic = b"II" if order == "<" else b"MM"
    head = struct.pack(order + "HHHQ", 43, 8, 0, 16) if big else struct.pack(order + "HI", 42, 8)
    count = struct.pack(order + ("Q" if big else "H"), len(values))
    following = struct.pack(order + word, next_directory)
    return magic + head + count + entries + following + overflow + b"".join(blocks)
