"""The palettes: seven colours each, from the paper to the darkest ink."""

from dataclasses import dataclass

import numpy as np

from .noise import FloatArray

PAPER, LIGHT, ACCENT, MIDDLE, SHADE, DEEP, INK = range(7)

# What a role becomes where light or shadow falls on it. The accent stands outside the ramp.
LIGHTER = np.array([PAPER, PAPER, PAPER, LIGHT, MIDDLE, SHADE, DEEP], dtype=np.uint8)
DARKER = np.array([LIGHT, MIDDLE, SHADE, SHADE, DEEP, INK, INK], dtype=np.uint8)

# How dark each role is where there is one ink.
DEPTHS = np.array([0.06, 0.2, 0.5, 0.4, 0.58, 0.78, 0.98], dtype=np.float32)


@dataclass(frozen=True)
class Palette:
    """Seven named roles and their colours.

    Attributes:
        slug: the palette's key.
        name: what a visitor reads.
        steps: one colour a role, PAPER to INK, as six hexadecimal digits. Papers lie in different
            cubes of a 6 x 6 x 6 colour histogram, so that a search by colours tells them apart.
    """

    slug: str
    name: str
    steps: str

    def colours(self) -> FloatArray:
        """Return the colours, float32 (7, 3), 0 to 255."""
        values = [list(bytes.fromhex(word)) for word in self.steps.split()]
        return np.array(values, dtype=np.float32)


# No two palettes share a colour: a test keeps it so.
PALETTES = (
    Palette("bistre", "Bistre on cream", "f0e6cb d8c39c a8643c b09468 866846 5a4028 33220f"),
    Palette("indigo", "Indigo on white", "eeeee6 c3d0da c8876a 8aa2ba 56749a 2f4a74 16264a"),
    Palette("sanguine", "Sanguine", "f0d2bc deb096 c25436 cc8664 aa5638 823622 5a1e12"),
    Palette("lampblack", "Lampblack on grey", "bebdb8 a5a49f 8c5046 84837f 605f5c 3c3b39 181717"),
    Palette("verdigris", "Verdigris", "ccdcc4 a6c2ae c09048 74a092 4a7c70 2c5850 12342e"),
    Palette("blue-paper", "Blue paper", "b2c2d8 8ea4c0 e6e0d2 6e84a2 4e6280 324258 1c2634"),
    Palette("ochre", "Ochre on buff", "e6cb94 d4ac66 9c4a2c ba8838 92641e 664212 3c2408"),
    Palette("olive", "Olive on straw", "dcd6aa bcb682 b0683c 98965a 6e7040 4a4c2a 282c14"),
    Palette("madder", "Rose madder", "e4d0d8 ceacb8 7c7a9c bc7c90 9a5068 702e46 441428"),
    Palette("kraft", "Brown paper", "c4a27a a8865e ecdcc0 8c6a46 6c4e32 4a3420 2a1c10"),
    Palette("nocturne", "Nocturne", "9aa4b4 7e8aa0 dcc890 606c86 444e6a 2a3250 121830"),
    Palette("celadon", "Celadon", "bcd6d8 94b6ba d08a78 6a9498 486e76 2c4c56 142e38"),
)
