"""An area of a scan, and the square that is made of it. Pillow, without numpy."""

from __future__ import annotations

import math
from dataclasses import astuple, dataclass
from typing import Final

from PIL import Image

# Longer side, in pixels, of the copy in which an area is looked for.
LOOKED_AT_SIDE: Final = 320

# Of an area.
MOST_DEGREES: Final = 45.0

# A turned area is drawn this many times larger and averaged down: turning itself averages nothing.
_FINER: Final = 2


@dataclass(frozen=True)
class Area:
    """Where the picture lies within its scan, in shares of the upright scan's width and height.

    Attributes:
        left: Left edge, 0 to 1.
        top: Upper edge, 0 to 1.
        right: Right edge, more than ``left``, at most 1.
        bottom: Lower edge, more than ``top``, at most 1.
        angle: Degrees, at most 45 either way, by which the picture lies turned clockwise on the
            scan. The edges are those after the scan has been turned back around its middle.

    Raises:
        ValueError: A value is out of its range.
    """

    left: float
    top: float
    right: float
    bottom: float
    angle: float = 0.0

    def __post_init__(self) -> None:
        in_order = 0 <= self.left < self.right <= 1 and 0 <= self.top < self.bottom <= 1
        if not in_order or not abs(self.angle) <= MOST_DEGREES:
            raise ValueError(
                f"An area's edges lie between 0 and 1, left before right and top before bottom, "
                f"and its angle within {MOST_DEGREES:g} degrees, not {astuple(self)}."
            )

    @property
    def edges(self) -> tuple[float, float, float, float]:
        """Left, top, right and bottom."""
        return self.left, self.top, self.right, self.bottom

    @property
    def share(self) -> float:
        """Its share of the scan, above 0, at most 1."""
        return (self.right - self.left) * (self.bottom - self.top)


WHOLE: Final = Area(0.0, 0.0, 1.0, 1.0)


def as_stored(box: Area, orientation: int) -> Area:
    """Where a box on the upright picture lies on the picture as its file holds it.

    Args:
        box: Without an angle.
        orientation: By EXIF, 1 to 8; anything else is upright.
    """
    left, top, right, bottom = box.edges
    if orientation in (5, 6, 7, 8):  # lying on its side: what is above was on the left, or right
        left, top, right, bottom = top, left, bottom, right
    if orientation in (2, 3, 7, 8):
        left, right = 1 - right, 1 - left
    if orientation in (3, 4, 6, 7):
        top, bottom = 1 - bottom, 1 - top
    return Area(left, top, right, bottom)


def squash(sheet: Image.Image, area: Area, *, side: int, proportion: float) -> Image.Image:
    """Makes a square of an area.

    Args:
        sheet: The whole upright scan, squashed to a square, of mode RGB.
        area: What to take of it.
        side: Width and height of the square in pixels.
        proportion: Width of the scan divided by its height, before it was squashed.

    Returns:
        A picture of mode RGB and ``side`` x ``side`` pixels; bilinear with antialiasing.
    """
    size = (side, side)
    if not area.angle:
        box = tuple(edge * length for edge, length in zip(area.edges, 2 * sheet.size, strict=True))
        return sheet.resize(size, Image.Resampling.BILINEAR, box=box)  # type: ignore[arg-type]
    finer = _FINER * side
    turned = sheet.transform(
        (finer, finer),
        Image.Transform.AFFINE,
        _places(sheet, area, finer, proportion),
        Image.Resampling.BILINEAR,
    )
    return turned.resize(size, Image.Resampling.BILINEAR)


def in_proportion(sheet: Image.Image, proportion: float) -> Image.Image:
    """The scan as it was before it was squashed, in the size in which areas are looked for.

    Args:
        sheet: The whole upright scan, squashed to a square.
        proportion: Its width divided by its height.
    """
    width, height = min(1.0, proportion), min(1.0, 1 / proportion)
    size = (max(1, round(LOOKED_AT_SIDE * width)), max(1, round(LOOKED_AT_SIDE * height)))
    return sheet.resize(size, Image.Resampling.BILINEAR)


def _places(sheet: Image.Image, area: Area, side: int, proportion: float) -> tuple[float, ...]:
    """Six numbers that take places in the square to places on the sheet, as Pillow wants them.

    Turning needs true proportions: there the scan is ``proportion`` wide, 1 high, around (0, 0).
    """
    cosine, sine = math.cos(math.radians(area.angle)), math.sin(math.radians(area.angle))
    across, down = (area.right - area.left) * proportion / side, (area.bottom - area.top) / side
    left, top = (area.left - 0.5) * proportion, area.top - 0.5
    wide, high = sheet.width / proportion, sheet.height
    return (
        wide * cosine * across,
        -wide * sine * down,
        wide * (cosine * left - sine * top) + sheet.width / 2,
        high * sine * across,
        high * cosine * down,
        high * (sine * left + cosine * top) + sheet.height / 2,
    )
