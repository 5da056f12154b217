"""Places on the map as single numbers, of which any square tile of the map is a range.

The bits of both coordinates are taken in turns (G. M. Morton, "A computer oriented geodetic data
base", 1966). One ordinary index then serves every level of detail: a tile is a range of places, and
its cells are the places without their last bits.
"""

from __future__ import annotations

import hashlib
from typing import Final, NamedTuple

LAYOUTS: Final = ("brushwork", "colours")
"""Both ways in which a map is laid out; the names of the columns that hold them."""

BITS: Final = 16
"""Of each coordinate."""

SIDE: Final = 1 << BITS
"""Coordinates run from 0 to one less."""

CELL_BITS: Final = 4
"""A tile has 2 to the power of this many cells along each side."""

DEEPEST: Final = BITS - CELL_BITS
"""The level on which each cell is one place."""


class Point(NamedTuple):
    """Coordinates, from the left and from above, 0 to ``SIDE - 1``."""

    x: int
    y: int


class Tile(NamedTuple):
    """A square of the map: on level 0 all of it, on each further level a quarter of one before."""

    level: int
    x: int
    y: int

    @property
    def is_valid(self) -> bool:
        """Whether there is such a tile."""
        tiles = 1 << self.level if 0 <= self.level <= DEEPEST else 0
        return 0 <= self.x < tiles and 0 <= self.y < tiles

    @property
    def places(self) -> tuple[int, int]:
        """The first place in it, and the first one behind it."""
        shift = 2 * (BITS - self.level)
        code = place_of(Point(self.x, self.y))
        return code << shift, (code + 1) << shift

    @property
    def cell_shift(self) -> int:
        """How many bits at the end of a place do not tell its cell."""
        return 2 * (BITS - self.level - CELL_BITS)


def place_of(point: Point) -> int:
    """Return the place of a point: 32 bits, the first of them the highest of y."""
    return _spread(point.x) | _spread(point.y) << 1


def point_of(place: int) -> Point:
    """Return the point of a place."""
    return Point(_gather(place), _gather(place >> 1))


def cell_of(place: int, level: int) -> int:
    """Return the cell that a place is in on a level."""
    return place >> Tile(level, 0, 0).cell_shift


def lot_of(key: str) -> bytes:
    """Return 32 bytes without sense that depend on nothing but a picture's key as text.

    They tell who stands for a crowd, and move pictures apart that would stand on one another.
    """
    return hashlib.sha256(f"map of pictures\n{key}".encode()).digest()


def rank_of(key: str) -> int:
    """Return a picture's rank: a signed number of 32 bits, the lowest stands for a crowd."""
    return int.from_bytes(lot_of(key)[:4], "big", signed=True)


def apart(x: float, y: float, key: str, *, pictures: int) -> Point:
    """Return the point nearest to some coordinates, 0 to 1, moved a little in no matter which way.

    By at most an eighth of the distance that the pictures would have in a grid: prints of one plate
    stand beside one another then, and not on one another.
    """
    lot = lot_of(key)
    reach = SIDE / (8 * max(pictures, 1) ** 0.5)
    across, down = (int.from_bytes(lot[i : i + 2], "big") / 0x7FFF - 1 for i in (4, 6))
    return Point(_within(x * SIDE + reach * across), _within(y * SIDE + reach * down))


def _within(value: float) -> int:
    return min(max(int(value), 0), SIDE - 1)


def _spread(bits: int) -> int:
    """Sixteen bits with a zero before each."""
    for shift, mask in ((8, 0x00FF00FF), (4, 0x0F0F0F0F), (2, 0x33333333), (1, 0x55555555)):
        bits = (bits | bits << shift) & mask
    return bits


def _gather(bits: int) -> int:
    """Every second bit, from the last one on."""
    bits &= 0x55555555
    for shift, mask in ((1, 0x33333333), (2, 0x0F0F0F0F), (4, 0x00FF00FF), (8, 0x0000FFFF)):
        bits = (bits | bits >> shift) & mask
    return bits
