"""Colours that a visitor names, as a vector to search by. Standard library only."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import fields
from itertools import pairwise
from typing import Final, NamedTuple

from django.utils.translation import gettext as _

from artsimilarity.encoder.recipe import Recipe

MAX_COLOURS: Final = 5

# Standard deviation of a named colour, in levels of 0..255: a colour at the edge of a cube has its
# likes on both sides of it. Chosen by measurement: docs/searching.md.
_SPREAD: Final = 10.0

_HEX: Final = re.compile(r"#?([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})", re.IGNORECASE)
# What this module knows of how a recipe counts colours.
_UNDERSTOOD: Final = {"colour_bins", "colour_sample", "colour_root"}


class WeightedColour(NamedTuple):
    """A colour, and how much of it is wanted beside the others."""

    colour: tuple[int, int, int]
    weight: float = 1.0


class ColoursNotUnderstood(ValueError):
    """The recipe in force describes colours in a way that named colours cannot be turned into."""


def parse_colour(text: str) -> tuple[int, int, int]:
    """Return red, green and blue, 0..255, of a colour such as ``#aa3311`` or ``aa3311``.

    Raises:
        ValueError: it is not written so; the message says how, in words for a visitor.
    """
    match = _HEX.fullmatch(text.strip())
    if match is None:
        raise ValueError(
            _("“%(text)s” is no colour: write six hexadecimal digits, such as aa3311.")
            % {"text": text[:40]}
        )
    red, green, blue = (int(digits, 16) for digits in match.groups())
    return red, green, blue


def check_weight(weight: float) -> float:
    """Return ``weight``.

    Raises:
        ValueError: it is not above 0, or not finite; in words for a visitor.
    """
    if not (weight > 0 and math.isfinite(weight)):
        raise ValueError(_("The weight of a colour must be a number above 0."))
    return weight


def parse_colours(colours: Iterable[tuple[str, float]]) -> list[WeightedColour]:
    """Return one to five colours with their weights.

    Args:
        colours: each as ``("#aa3311", 2.0)``; only the weights' proportions matter.

    Raises:
        ValueError: there is none or more than five, or one is malformed.
    """
    found = [WeightedColour(parse_colour(text), check_weight(float(w))) for text, w in colours]
    if not 1 <= len(found) <= MAX_COLOURS:
        raise ValueError(
            _("Name one to %(most)d colours, not %(count)d.")
            % {"most": MAX_COLOURS, "count": len(found)}
        )
    return found


def colour_vector(colours: Sequence[WeightedColour], recipe: Recipe) -> list[float]:
    """Return the vector of a picture that has these colours in these shares and nothing else.

    Each colour is a normal distribution around itself in RGB space, cut off where that ends; a
    cube's value is the share that lies in it, rooted where the recipe does so. The style block is
    all zero: it has no say.

    Args:
        colours: at least one.
        recipe: whose cubes are filled.

    Returns:
        ``recipe.dimensions`` values, not negative; red varies slowest, blue fastest.

    Raises:
        ColoursNotUnderstood: the recipe counts colours in another way.
    """
    _check_recipe(recipe)
    bins = recipe.colour_bins
    total = math.fsum(weight for _colour, weight in colours)
    shares = [0.0] * bins**3
    for colour, weight in colours:
        red, green, blue = (_shares_of_axis(level, bins) for level in colour)
        cubes = (r * g * b for r in red for g in green for b in blue)
        for place, share in enumerate(cubes):
            shares[place] += weight / total * share
    values = [math.sqrt(share) for share in shares] if recipe.colour_root else shares
    return [0.0] * recipe.style_dimensions + values


def _shares_of_axis(level: int, bins: int) -> list[float]:
    """Return how much of a level's distribution lies in each bin of one axis; 1 in all."""
    # Level v stands for v..v + 1, and bin b holds the levels from b * 256 / bins on.
    edges = (((256 * edge / bins) - level - 0.5) / _SPREAD for edge in range(bins + 1))
    below = [math.erf(edge / math.sqrt(2)) for edge in edges]
    return [(upper - lower) / (below[-1] - below[0]) for lower, upper in pairwise(below)]


def _check_recipe(recipe: Recipe) -> None:
    names = {field.name for field in fields(recipe) if field.name.startswith("colour_")}
    unknown = sorted(names - _UNDERSTOOD)
    if unknown:
        raise ColoursNotUnderstood(
            f"Pictures are searched by colour where a recipe counts pixels in cubes of RGB space; "
            f"recipe {recipe.name!r} has {', '.join(unknown)} besides. Serve another recipe, or "
            f"offer no search by colour."
        )
