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

# What is read at a time: 48 MiB. Less would read the file more often. Halved three times it is a
# tile, so that each block is cut by itself on these levels; of the rest all is held, a 64th.
_BLOCK: Final = 8 * TILE
_HALVINGS: Final = 3

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
        """Read the picture block by block, each once, and yield its tiles on all levels.

        Raises:
            Exception: what ``read`` raises.
        """
        small = Image.new("RGB", self.size(self.last - _HALVINGS))
        for top in range(0, self.height, _BLOCK):
            for left in range(0, self.width, _BLOCK):
                block = self._read(left, top, read)
                for halvings in range(_HALVINGS):
                    yield from self._tiles(block, halvings, left, top)
                    block = block.reduce(2)
                small.paste(block, (left >> _HALVINGS, top >> _HALVINGS))
        for halvings in range(_HALVINGS, self.last - self.first + 1):
            yield from self._tiles(small, halvings, 0, 0)
            small = small.reduce(2)

    def _read(self, left: int, top: int, read: Read) -> Image.Image:
        right, bottom = min(left + _BLOCK, self.width), min(top + _BLOCK, self.height)
        # A square is read, so that no side is stretched, as far as the picture has one there.
        side = max(right - left, bottom - top)
        x, y = max(0, right - side), max(0, bottom - side)
        edges = (x / self.width, y / self.height, right / self.width, bottom / self.height)
        part = read(Area(*edges), side).resize((right - x, bottom - y), Image.Resampling.LANCZOS)
        return part.crop((left - x, top - y, right - x, bottom - y))

    def _tiles(self, block: Image.Image, halvings: int, left: int, top: int) -> Iterator[Tile]:
        """Those of a part that was halved so often and begins at (left, top) of the picture."""
        level = self.last - halvings
        if level < self.first:
            return
        column, row = (left >> halvings) // TILE, (top >> halvings) // TILE
        for y in range(0, block.height, TILE):
            for x in range(0, block.width, TILE):
                end, low = min(x + TILE, block.width), min(y + TILE, block.height)
                yield Tile(level, column + x // TILE, row + y // TILE, block.crop((x, y, end, low)))
