"""Which colours a picture shares with what it is like, and their names. Standard library only."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import product
from operator import mul
from typing import Final, NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from artsimilarity.encoder.recipe import Recipe

MOST_SWATCHES: Final = 5
LEAST_SHARE: Final = 0.03
"""Of both pictures' area; a smaller patch of colour is nothing that a visitor would see."""

# Colours closer than this in Oklab, where black and white are 1 apart, count as one.
_ALIKE: Final = 0.1

Rgb = tuple[int, int, int]

# What most people would say, with a colour that they would say it of; some names have two.
_NAMES: Final[tuple[tuple[Promise, Rgb], ...]] = (
    (_("black"), (16, 16, 16)),
    (_("dark grey"), (72, 72, 72)),
    (_("grey"), (128, 128, 128)),
    (_("light grey"), (192, 192, 192)),
    (_("white"), (245, 245, 245)),
    (_("cream"), (240, 230, 195)),
    (_("beige"), (212, 190, 155)),
    (_("grey-brown"), (130, 112, 92)),
    (_("brown"), (125, 75, 35)),
    (_("brown"), (150, 106, 48)),
    (_("dark brown"), (62, 38, 20)),
    (_("ochre"), (196, 140, 50)),
    (_("rust"), (165, 68, 32)),
    (_("dark red"), (110, 20, 24)),
    (_("red"), (205, 35, 35)),
    (_("pink"), (235, 160, 175)),
    (_("pink"), (236, 200, 200)),
    (_("orange"), (235, 130, 35)),
    (_("yellow"), (240, 215, 50)),
    (_("olive"), (112, 112, 45)),
    (_("olive"), (62, 62, 22)),
    (_("light green"), (150, 215, 120)),
    (_("green"), (45, 150, 60)),
    (_("dark green"), (20, 70, 30)),
    (_("dark green"), (62, 106, 64)),
    (_("grey-green"), (120, 145, 115)),
    (_("turquoise"), (45, 180, 170)),
    (_("dark turquoise"), (20, 85, 90)),
    (_("light blue"), (150, 200, 235)),
    (_("blue"), (40, 90, 205)),
    (_("dark blue"), (22, 28, 95)),
    (_("blue-grey"), (105, 122, 150)),
    (_("purple"), (115, 50, 140)),
    (_("dark purple"), (62, 24, 72)),
    (_("lilac"), (195, 165, 215)),
    (_("magenta"), (205, 45, 145)),
)


@dataclass(frozen=True)
class SharedColour:
    """A colour that a picture has in common with what was searched for.

    Attributes:
        rgb: red, green and blue, 0..255: the middle of a cube of RGB space, or the very colour that
            a visitor named.
        share: of the area of either picture, 0..1, that both have in it at least; of the area of
            the picture found, where a visitor named the colour.
    """

    rgb: Rgb
    share: float

    @property
    def colour(self) -> str:
        """As CSS and SVG write it, such as ``#7a4a25``."""
        return "#{:02x}{:02x}{:02x}".format(*self.rgb)

    @property
    def name(self) -> str:
        """What a visitor would call it, in the visitor's language."""
        return str(_NAMES[_nearest_name(self.rgb)][0])


def shares(values: Sequence[float], recipe: Recipe) -> list[float]:
    """Return how a picture's area is divided among the cubes; 1 in all.

    Args:
        values: the colour block of its vector: roots of the shares (``recipe.colour_root``) or
            counts, scaled to length 1 either way.
        recipe: of the vector.
    """
    amounts = [value * value if recipe.colour_root else value for value in values]
    total = math.fsum(amounts)
    return [amount / total for amount in amounts] if total > 0 else amounts


def shared_colours(
    one: Sequence[float], other: Sequence[float], bins: int
) -> tuple[SharedColour, ...]:
    """Return the colours of which both pictures have much, the largest share first.

    What is shared of a cube is the smaller of both shares. Neighbouring cubes that hardly differ
    to the eye count as one, with the colour of the fullest.

    Args:
        one: shares of the cubes, red slowest, blue fastest.
        other: the same of the other picture.
        bins: cubes along each axis.

    Returns:
        At most ``MOST_SWATCHES``, none below ``LEAST_SHARE``.
    """
    both = list(map(min, one, other))
    fullest_first = sorted(
        filter(both.__getitem__, range(len(both))), key=lambda place: -both[place]
    )
    merged: dict[int, float] = {}
    for place in fullest_first:
        alike = [first for first in _alike_cubes(place, bins) if first in merged]
        home = max(alike, key=both.__getitem__) if alike else place
        merged[home] = merged.get(home, 0.0) + both[place]
    largest = sorted(merged.items(), key=lambda found: (-found[1], found[0]))[:MOST_SWATCHES]
    return tuple(
        SharedColour(_centre(place, bins), share)
        for place, share in largest
        if share >= LEAST_SHARE
    )


def cubes_of(colour: Rgb, bins: int) -> tuple[int, ...]:
    """Return the cube that a colour lies in, and those that hardly differ from it to the eye.

    Args:
        colour: red, green and blue, 0..255.
        bins: cubes along each axis.
    """
    red, green, blue = (level * bins // 256 for level in colour)
    own, seen = _place(red, green, blue, bins), _oklab(colour)
    return tuple(
        place
        for place in range(bins**3)
        if place == own or math.dist(seen, _look(place, bins)) < _ALIKE
    )


def wanted_colours(
    cubes: Mapping[Rgb, Sequence[int]], areas: Sequence[float]
) -> tuple[SharedColour, ...]:
    """Return those of some named colours of which a picture has much, the largest share first.

    Colours that are hardly apart may have cubes in common; then each has all of the area there.

    Args:
        cubes: of each colour, see :func:`cubes_of`.
        areas: the picture's shares of the cubes.

    Returns:
        None below ``LEAST_SHARE``.
    """
    found = (
        SharedColour(colour, math.fsum(areas[place] for place in places))
        for colour, places in cubes.items()
    )
    seen = [one for one in found if one.share >= LEAST_SHARE]
    return tuple(sorted(seen, key=lambda one: -one.share))


def _centre(place: int, bins: int) -> Rgb:
    red, green, blue = (
        # A level v belongs to cube v * bins // 256, as artsimilarity.encoder.blocks.colour counts.
        (-(-axis * 256 // bins) + -(-(axis + 1) * 256 // bins) - 1) // 2
        for axis in _axes(place, bins)
    )
    return red, green, blue


def _axes(place: int, bins: int) -> tuple[int, int, int]:
    return place // bins**2, place // bins % bins, place % bins


def _place(red: int, green: int, blue: int, bins: int) -> int:
    return (red * bins + green) * bins + blue


@cache  # one answer for each cube of one recipe
def _look(place: int, bins: int) -> _Oklab:
    return _oklab(_centre(place, bins))


@cache  # one answer for each cube of one recipe
def _alike_cubes(place: int, bins: int) -> tuple[int, ...]:
    """Neighbouring cubes, at corners too, that hardly differ from this one to the eye."""
    ranges = (range(max(axis - 1, 0), min(axis + 2, bins)) for axis in _axes(place, bins))
    around = (_place(red, green, blue, bins) for red, green, blue in product(*ranges))
    return tuple(
        other
        for other in around
        if other != place and math.dist(_look(place, bins), _look(other, bins)) < _ALIKE
    )


@lru_cache(maxsize=4096)  # all cubes of a recipe, and colours that visitors name
def _nearest_name(rgb: Rgb) -> int:
    # Names go by hue more than by lightness.
    stretch = (0.5, 1.0, 1.0)
    places = [tuple(map(mul, stretch, _oklab(one))) for one in (rgb, *(c for _name, c in _NAMES))]
    distances = [math.dist(places[0], known) for known in places[1:]]
    return distances.index(min(distances))


class _Oklab(NamedTuple):
    lightness: float
    green_red: float
    blue_yellow: float


def _oklab(rgb: Rgb) -> _Oklab:
    """Place a colour where distances are as the eye sees them.

    B. Ottosson, "A perceptual color space for image processing" (2020).
    """
    red, green, blue = (
        level / 255 / 12.92 if level <= 10 else ((level / 255 + 0.055) / 1.055) ** 2.4
        for level in rgb
    )
    long = math.cbrt(0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue)
    middle = math.cbrt(0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue)
    short = math.cbrt(0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue)
    return _Oklab(
        0.2104542553 * long + 0.7936177850 * middle - 0.0040720468 * short,
        1.9779984951 * long - 2.4285922050 * middle + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * middle - 0.8086757660 * short,
    )
