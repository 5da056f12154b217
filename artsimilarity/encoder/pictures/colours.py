"""Colours of a small square as browsers show them: ICC profiles, PNG's gamma, transparency."""

from __future__ import annotations

import logging
import struct
from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any, Final, TypeAlias

from PIL import Image, ImageCms

from artsimilarity.encoder.pictures.limits import error_text

logger: Final = logging.getLogger(__name__)

# Mode that a picture must have for a profile of each colour space, and modes that may become it.
_PROFILE_MODES: Final = {
    "RGB": ("RGB", frozenset({"RGB", "L"})),
    "GRAY": ("L", frozenset({"L"})),
    "CMYK": ("CMYK", frozenset({"CMYK"})),
}

# White, red, green and blue of sRGB on the chromaticity diagram, and the exponent that PNG's gAMA
# states for it. What lies this near is taken for sRGB itself (libpng's own threshold of 5 %).
_SRGB_XY: Final = (0.3127, 0.3290, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06)
_SRGB_GAMMA: Final = 0.45455
_NEAR: Final = 0.05

_D50: Final = (0.9642, 1.0, 0.8249)
_Matrix: TypeAlias = tuple[tuple[float, ...], ...]
_BRADFORD: Final[_Matrix] = (
    (0.8951, 0.2664, -0.1614),
    (-0.7502, 1.7135, 0.0367),
    (0.0389, -0.0685, 1.0296),
)


def to_srgb_on_white(square: Image.Image, profile: object) -> Image.Image:
    """Brings a square to sRGB and lays it on white where it is transparent.

    Args:
        square: Of mode L, RGB, CMYK or LAB; or La or RGBa, whose alpha is multiplied in.
        profile: The ICC profile of the picture; anything else is passed over, and so is a profile
            that is broken or of another colour space.

    Returns:
        A square of mode RGB.
    """
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


def profile_of_png(info: Mapping[Any, Any]) -> bytes | None:
    """An ICC profile that says the same as a PNG's ``gAMA`` and ``cHRM`` chunks.

    Args:
        info: What Pillow read of the chunks before the pixels.

    Returns:
        A profile; None where there is no ``gAMA``, where an ``sRGB`` chunk overrules it, or where
        both say what sRGB is.
    """
    gamma, chromaticity = info.get("gamma"), info.get("chromaticity")
    if not isinstance(gamma, float) or not 0.01 <= gamma <= 10 or "srgb" in info:
        return None
    xy = _SRGB_XY
    if isinstance(chromaticity, tuple) and len(chromaticity) == 8:
        xy = chromaticity
    if abs(gamma / _SRGB_GAMMA - 1) < _NEAR and all(
        abs(one - other) < 0.01 for one, other in zip(xy, _SRGB_XY, strict=True)
    ):
        return None
    try:
        colorants = _colorants(xy)
    except ZeroDivisionError:
        return None  # chromaticities on one line
    return _matrix_profile(colorants, 1 / gamma)


def _colorants(xy: tuple[float, ...]) -> _Matrix:
    """XYZ of red, green and blue under D50, from chromaticities (ICC.1:2022, annex E)."""
    white, *primaries = (
        (x / y, 1.0, (1 - x - y) / y) for x, y in zip(xy[::2], xy[1::2], strict=True)
    )
    columns = tuple(zip(*primaries, strict=True))
    amounts = _times(_inverse(columns), white)
    cone, wanted = _times(_BRADFORD, white), _times(_BRADFORD, _D50)
    gains = [to / of for to, of in zip(wanted, cone, strict=True)]
    adapted = [
        [amount * gain * part for gain, part in zip(gains, _times(_BRADFORD, xyz), strict=True)]
        for amount, xyz in zip(amounts, primaries, strict=True)
    ]
    return tuple(_times(_inverse(_BRADFORD), one) for one in adapted)


def _times(matrix: Sequence[Sequence[float]], vector: Sequence[float]) -> tuple[float, ...]:
    return tuple(sum(a * b for a, b in zip(row, vector, strict=True)) for row in matrix)


def _inverse(m: _Matrix) -> _Matrix:
    (a, b, c), (d, e, f), (g, h, i) = m
    determinant = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)
    cofactors = (
        (e * i - f * h, c * h - b * i, b * f - c * e),
        (f * g - d * i, a * i - c * g, c * d - a * f),
        (d * h - e * g, b * g - a * h, a * e - b * d),
    )
    return tuple(tuple(value / determinant for value in row) for row in cofactors)


def _matrix_profile(colorants: _Matrix, exponent: float) -> bytes:
    """A display profile of three colorants and one exponent (ICC.1:2001-04)."""
    curve = b"curv" + struct.pack(">IIH2x", 0, 1, min(round(exponent * 256), 65535))
    tags = {b"wtpt": _xyz(_D50)}
    for letter, xyz in zip((b"r", b"g", b"b"), colorants, strict=True):
        tags |= {letter + b"XYZ": _xyz(xyz), letter + b"TRC": curve}
    table, body, start = b"", b"", 128 + 4 + 12 * len(tags)
    for name, data in tags.items():
        table += struct.pack(">4sII", name, start + len(body), len(data))
        body += data
    header = struct.pack(">I4sI", start + len(body), b"", 0x02400000) + b"mntrRGB XYZ "
    header = header.ljust(36, b"\0") + b"acsp"
    header = header.ljust(68, b"\0") + _fixed(_D50)
    return header.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body


def _xyz(values: tuple[float, ...]) -> bytes:
    return b"XYZ " + bytes(4) + _fixed(values)


def _fixed(values: tuple[float, ...]) -> bytes:
    within = [max(-30000.0, min(value, 30000.0)) for value in values]
    return struct.pack(">3i", *(round(value * 65536) for value in within))
