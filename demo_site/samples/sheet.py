"""The sheet of paper that a picture stands on: margins, plate mark, lettering, and age."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .noise import FloatArray, grid, layered, mix, ramp, smooth
from .palettes import ACCENT, DEEP, INK, LIGHT, PAPER


@dataclass(frozen=True)
class Sheet:
    """How a picture stands on its paper.

    Attributes:
        margin: at the sides and above, in shares of the sheet's shorter side.
        foot: below.
        plate: whether the plate has pressed its edge into the paper, and a title is engraved.
        line: thickness in pixels of a line around the picture; 0 for none.
        seal: whether it bears a seal.
        deckle: pixels by which the picture's edge wavers.
    """

    margin: float
    foot: float
    plate: bool = False
    line: int = 0
    seal: bool = False
    deckle: float = 0


PLATE = Sheet(0.085, 0.125, plate=True, line=2)
BLOCK = Sheet(0.05, 0.05, line=3, seal=True)
DRAWING = Sheet(0.06, 0.07, line=1, deckle=5)
BARE = Sheet(0.035, 0.035, deckle=2.5)


def room(sheet: Sheet, width: int, height: int) -> tuple[int, int, int, int]:
    """Return left, top, width and height of the picture on a sheet of that size, in pixels."""
    short = min(width, height)
    side, foot = round(sheet.margin * short), round(sheet.foot * short)
    return side, side, width - 2 * side, height - side - foot


def mounted(
    picture: FloatArray,
    sheet: Sheet,
    colours: FloatArray,
    size: tuple[int, int],
    rng: np.random.Generator,
) -> FloatArray:
    """Return the sheet (h, w, 3) with the picture on it.

    Args:
        picture: (h, w, 3), of the size that ``room`` says.
        sheet: how it stands there.
        colours: of its palette.
        size: width and height of the sheet.
        rng: source of what no two sheets have in common.
    """
    width, height = size
    left, top, wide, high = room(sheet, width, height)
    x, y = grid(width, height)
    # A little lighter than the paper under the ink, which has lost some of its white.
    rgb = np.broadcast_to(0.6 * colours[PAPER] + 0.4 * (colours[PAPER] + 10), (height, width, 3))
    rgb = rgb.copy()
    inside = _inside(x, y, (left, top, wide, high), sheet.deckle, rng)
    placed = np.zeros_like(rgb)
    placed[top : top + high, left : left + wide] = picture
    rgb = mix(rgb, placed, inside)
    if sheet.line:
        _frame(rgb, (left, top, wide, high), sheet.line, colours[INK])
    if sheet.plate:
        _plate_mark(rgb, (left, top, wide, high), round(0.3 * left))
        _letter(rgb, (left, top + high, wide, height - top - high), colours[DEEP], rng)
    if sheet.seal:
        _seal(rgb, (left, top, wide, high), colours[ACCENT], rng)
    return _aged(rgb, colours, rng)


def _inside(
    x: FloatArray,
    y: FloatArray,
    box: tuple[int, int, int, int],
    deckle: float,
    rng: np.random.Generator,
) -> FloatArray:
    """1 within the picture, 0 on the margin."""
    left, top, wide, high = box
    far = np.minimum(
        np.minimum(x - left, left + wide - 1 - x), np.minimum(y - top, top + high - 1 - y)
    )
    if deckle:
        far = far - deckle * (1 + layered(rng, x.shape[1], y.shape[0], 40))
    return ramp(far, -0.5, 0.5)


def _frame(rgb: FloatArray, box: tuple[int, int, int, int], line: int, ink: FloatArray) -> None:
    left, top, wide, high = box
    for rows, columns in (
        (slice(top - line, top), slice(left - line, left + wide + line)),
        (slice(top + high, top + high + line), slice(left - line, left + wide + line)),
        (slice(top, top + high), slice(left - line, left)),
        (slice(top, top + high), slice(left + wide, left + wide + line)),
    ):
        rgb[rows, columns] = 0.25 * rgb[rows, columns] + 0.75 * ink


def _plate_mark(rgb: FloatArray, box: tuple[int, int, int, int], apart: int) -> None:
    """The edge of the copper: a bright line and a dark one, and smoother paper within."""
    left, top, wide, high = box
    x0, y0, x1 = left - apart, top - apart, left + wide + apart
    y1 = min(rgb.shape[0] - 3, top + high + 3 * apart)
    rgb[y0:y1, x0:x1] -= 2.5
    for rows, columns, light in (
        (slice(y0 - 2, y0), slice(x0, x1), 7),
        (slice(y0, y0 + 2), slice(x0, x1), -13),
        (slice(y1 - 2, y1), slice(x0, x1), 8),
        (slice(y1, y1 + 2), slice(x0, x1), -9),
        (slice(y0, y1), slice(x0, x0 + 2), -13),
        (slice(y0, y1), slice(x1 - 2, x1), 8),
    ):
        rgb[rows, columns] += light


def _letter(
    rgb: FloatArray, box: tuple[int, int, int, int], ink: FloatArray, rng: np.random.Generator
) -> None:
    """A title and two names, in letters too small to be read."""
    left, top, wide, high = box
    small = max(2, high // 22)

    def words(x: float, y: float, length: float, tall: int) -> None:
        end = x + length
        while x < end:
            for _ in range(int(rng.integers(3, 9))):
                up = int(tall * (1.5 if rng.random() < 0.25 else 1.0))
                step = max(2, round(0.5 * tall))
                rows = slice(round(y) - up, round(y))
                rgb[rows, round(x) : round(x) + max(1, tall // 5)] = ink
                bar = round(y) - (tall if rng.random() < 0.5 else max(1, tall // 3))
                rgb[bar : bar + max(1, tall // 6), round(x) : round(x) + step - 1] = ink
                x += step + max(1, tall // 4)
            x += tall

    tall = round(2.2 * small)
    length = wide * rng.uniform(0.22, 0.36)
    words(left + (wide - length) / 2, top + 0.42 * high, length, tall)
    words(left + 4, top + 0.16 * high, wide * 0.1, small + 2)
    words(left + wide * 0.87, top + 0.16 * high, wide * 0.09, small + 2)


def _seal(
    rgb: FloatArray, box: tuple[int, int, int, int], ink: FloatArray, rng: np.random.Generator
) -> None:
    left, top, wide, high = box
    side = max(14, round(0.034 * min(wide, high)))
    x = left + round(0.03 * wide) if rng.random() < 0.5 else left + round(0.97 * wide) - side
    y = top + round(0.95 * high) - 2 * side
    cells = rng.random((5, 3)) < 0.62
    cells[[0, -1]] = True
    cells[:, [0, -1]] = True
    stamp = np.kron(cells, np.ones((side * 2 // 5 + 1, side // 3 + 1)))[: 2 * side, :side]
    rows, columns = slice(y, y + stamp.shape[0]), slice(x, x + stamp.shape[1])
    rgb[rows, columns] += (ink - rgb[rows, columns]) * (0.86 * stamp[..., None])


def _aged(rgb: FloatArray, colours: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Fibres, a few spots, and edges that have seen light."""
    height, width = rgb.shape[:2]
    x, y = grid(width, height)
    fibres = smooth(rng, width, height, 9, 3) + smooth(rng, width, height, 2.5)
    rgb = rgb + 2.2 * fibres[..., None] + 2.5 * layered(rng, width, height, 220)[..., None]
    edge = np.minimum(np.minimum(x, width - 1 - x), np.minimum(y, height - 1 - y))
    toned = ramp(18 + 14 * layered(rng, width, height, 120) - edge, 0, 40)
    rgb = mix(rgb, np.broadcast_to(colours[LIGHT], rgb.shape), 0.3 * toned)
    for _ in range(int(rng.integers(0, 7))):
        cx, cy, size = rng.uniform(0, width), rng.uniform(0, height), rng.uniform(1.5, 5)
        spot = ramp(size - np.hypot(x - cx, y - cy), 0, size)
        rgb = mix(rgb, rgb * np.float32(0.86), 0.7 * spot)
    return rgb
