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
    chunks = _start_of_png(width, height, bits=8 * pixels.itemsize, kind=kind)
    if transparent is not None:
        chunks += _chunk(b"tRNS", struct.pack(f">{len(transparent)}H", *transparent))
    return chunks + _chunk(b"IDAT", zlib.compress(rows)) + _chunk(b"IEND", b"")


def cut_short_png(width: int, height: int) -> bytes:
    """RGB PNG of 8 bits that ends where its pixels begin."""
    return _start_of_png(width, height) + _chunk(b"IDAT", b"")


def _start_of_png(width: int, height: int, *, bits: int = 8, kind: int = 2) -> bytes:
    """Signature and first chunk of a PNG."""
    header = struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header)


def _chunk(name: bytes, data: bytes) -> bytes:
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
