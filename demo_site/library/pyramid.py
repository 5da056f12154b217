"""Which tiles a large picture is cut into, and in which order it is read for that. No decoding."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

from PIL import Image

from artsimilarity.encoder.pictures.crop import Area

TILE: Final = 512
"""Pixels of a tile's side; those at the right and lower edges are narrower."""

# What is read at a time, in pixels of the level: 48 MiB. Less would read the file more often.
_BLOCK: Final = 8 * TILE

Read: TypeAlias = Callable[[Area, int], Image.Image]
"""Gives a box of the upright picture as a square with so many pixels to the side."""


@dataclass(frozen=True)
class Tile:
    """A tile.

    Attributes:
        level: as Deep Zoom counts: the last is the picture itself, each before it half as large.
        column: 0 at the left.
        row: 0 at the top.
        image: of mode RGB.
    """

    level: int
    column: int
    row: int
    image: Image.Image


@dataclass(frozen=True)
class Pyramid:
    """A picture of so many pixels in all its levels."""

    width: int
    height: int

    @property
    def last(self) -> int:
        """The level that is the picture itself."""
        return math.ceil(math.log2(max(self.width, self.height)))

    @property
    def first(self) -> int:
        """The level that is one tile; smaller ones are not made."""
        beyond = math.ceil(math.log2(max(self.width, self.height) / TILE))
        return self.last - max(0, beyond)

    def size(self, level: int) -> tuple[int, int]:
        """Width and height of a level, in pixels."""
        scale = 2 ** (self.last - level)
        return math.ceil(self.width / scale), math.ceil(self.height / scale)

    def halved(self) -> Pyramid:
        """The same without its last level."""
        return Pyramid(*self.size(self.last - 1))

    def cut(self, read: Read) -> Iterator[Tile]:
        """Read the picture block by block, the last level first, and yield its tiles.

        Raises:
            Exception: what ``read`` raises.
        """
        for level in range(self.last, self.first - 1, -1):
            width, height = self.size(level)
            for top in range(0, height, _BLOCK):
                for left in range(0, width, _BLOCK):
                    yield from self._cut_block(level, left, top, read)

    def _cut_block(self, level: int, left: int, top: int, read: Read) -> Iterator[Tile]:
        width, height = self.size(level)
        right, bottom = min(left + _BLOCK, width), min(top + _BLOCK, height)
        # A square is read, so that no side is stretched, as far as the picture has one there.
        side = max(right - left, bottom - top)
        x, y = max(0, right - side), max(0, bottom - side)
        square = read(Area(x / width, y / height, right / width, bottom / height), side)
        block = square.resize((right - x, bottom - y), Image.Resampling.LANCZOS)
        for upper in range(top, bottom, TILE):
            for leftmost in range(left, right, TILE):
                end, low = min(leftmost + TILE, right), min(upper + TILE, bottom)
                image = block.crop((leftmost - x, upper - y, end - x, low - y))
                yield Tile(level, leftmost // TILE, upper // TILE, image)
