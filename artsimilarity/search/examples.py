"""Examples to search by: pictures, and how much each of them counts."""

from __future__ import annotations

import math
from collections.abc import Iterable
from numbers import Real
from typing import NamedTuple, TypeAlias

from django.db import models
from django.utils.translation import gettext as _

Example: TypeAlias = models.Model | tuple[models.Model, float]
"""A picture that counts as usual, or a picture with its weight."""


class WeightedPicture(NamedTuple):
    """A picture, and how much it counts beside the other examples."""

    picture: models.Model
    weight: float = 1.0


def parse_examples(examples: Iterable[Example]) -> list[WeightedPicture]:
    """Return the pictures with their weights; only the weights' proportions matter.

    Raises:
        ValueError: a weight is not above 0, or not finite; in words for a visitor.
        TypeError: an example is neither a picture nor a pair of a picture and a number.
    """
    return [_parse(example) for example in examples]


def _parse(example: Example) -> WeightedPicture:
    if isinstance(example, models.Model):
        return WeightedPicture(example)
    if not (isinstance(example, tuple) and len(example) == 2):
        raise TypeError(f"An example is a picture, or (picture, weight), not {example!r}.")
    picture, weight = example
    if not (isinstance(picture, models.Model) and isinstance(weight, Real)):
        raise TypeError(f"An example is a picture, or (picture, weight), not {example!r}.")
    if not (math.isfinite(weight) and weight > 0):
        raise ValueError(_("The weight of an example must be a number above 0."))
    return WeightedPicture(picture, float(weight))
