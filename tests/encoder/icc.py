"""ICC profiles built byte by byte (ICC.1:2001-04): Pillow itself makes only sRGB, Lab and XYZ."""

from __future__ import annotations

import struct
from itertools import product

_D50 = (0.9642, 1.0, 0.8249)


def rgb_profile(colorants: tuple[tuple[float, float, float], ...], gamma: float) -> bytes:
    """Matrix and tone curve: XYZ (D50) of the red, green and blue primary, and one gamma."""
    curve = b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256))
    tags = {f"{name}XYZ": _xyz(xyz) for name, xyz in zip("rgb", colorants, strict=True)}
    tags |= {f"{name}TRC": curve for name in "rgb"}
    return _profile("mntr", "RGB ", "XYZ ", tags)


def grey_profile(gamma: float) -> bytes:
    curve = b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256))
    return _profile("mntr", "GRAY", "XYZ ", {"kTRC": curve})


def green_cyan_profile() -> bytes:
    """A press whose cyan ink is pure green, and whose other inks leave the paper white."""
    ramp = bytes(range(256))
    white, green = bytes([255, 128, 128]), bytes([224, 49, 209])
    table = b"".join(green if cyan else white for cyan, *_ in product((0, 1), repeat=4))
    identity = struct.pack(">9i", *(65536 * (i % 4 == 0) for i in range(9)))
    lut = b"mft1" + bytes(4) + bytes([4, 3, 2, 0]) + identity + ramp * 4 + table + ramp * 3
    return _profile("prtr", "CMYK", "Lab ", {"A2B0": lut})


def _xyz(values: tuple[float, float, float]) -> bytes:
    return b"XYZ " + bytes(4) + _fixed(values)


def _fixed(values: tuple[float, float, float]) -> bytes:
    return struct.pack(">3i", *(round(value * 65536) for value in values))


def _profile(device: str, space: str, connection: str, tags: dict[str, bytes]) -> bytes:
    tags = {"wtpt": _xyz(_D50), **tags}
    table, body = struct.pack(">I", len(tags)), b""
    start = 128 + 4 + 12 * len(tags)
    for name, data in tags.items():
        table += struct.pack(">4sII", name.encode(), start + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    header = struct.pack(">I4sI", start + len(body), bytes(4), 0x02400000)
    header += (device + space + connection).encode() + bytes(12) + b"acsp" + bytes(28)
    header += _fixed(_D50)
    return header.ljust(128, b"\0") + table + body
