"""The palettes: seven colours each, from the paper to the darkest ink."""

from dataclasses import dataclass

import numpy as np

from .noise import FloatArray

PAPER, LIGHT, ACCENT, MIDDLE, SHADE, DEEP, INK = range(7)

# What a role becomes where light or shadow falls on it. The accent stands outside the ramp.
LIGHTER = np.array([PAPER, PAPER, PAPER, LIGHT, MIDDLE, SHADE, DEEP], dtype=np.uint8)
DARKER = np.array([LIGHT, MIDDLE, SHADE, SHADE, DEEP, INK, INK], dtype=np.uint8)


@dataclass(frozen=True)
class Palette:
    """Seven named roles and their colours.

    Attributes:
        slug: the palette's key.
        name: what a visitor reads.
        steps: one three-digit word a role, PAPER to INK. A digit, 0 to 5, picks the middle of one
            of six equal steps of red, green and blue, so that the grain of a technique moves a
            colour about within its own cube of a 6 x 6 x 6 colour histogram.
    """

    slug: str
    name: str
    steps: str

    def colours(self) -> FloatArray:
        """Return the colours, float32 (7, 3), 0 to 255."""
        digits = [[int(digit) for digit in word] for word in self.steps.split()]
        return (np.array(digits, dtype=np.float32) + np.float32(0.5)) * np.float32(256 / 6)


# No two palettes share a colour: a test keeps it so.
PALETTES = (
    Palette("harbour-dusk", "Harbour dusk", "542 433 531 323 223 112 001"),
    Palette("wheat-field", "Wheat field", "553 552 520 431 331 321 210"),
    Palette("pine-forest", "Pine forest", "454 343 441 232 132 121 010"),
    Palette("madder-rose", "Madder rose", "544 533 510 422 411 311 200"),
    Palette("first-snow", "First snow", "555 445 345 234 123 013 002"),
    Palette("autumn-orchard", "Autumn orchard", "554 541 530 420 320 220 110"),
    Palette("iris-garden", "Iris garden", "545 435 551 324 214 203 102"),
    Palette("lagoon", "Lagoon", "455 354 521 244 133 022 011"),
    Palette("terracotta", "Terracotta", "543 432 243 421 310 211 100"),
    Palette("red-thread", "Red thread", "444 443 511 333 222 111 000"),
    Palette("lime-walk", "Lime walk", "453 451 540 341 241 131 020"),
    Palette("plum-night", "Plum night", "434 423 430 313 302 201 101"),
)
