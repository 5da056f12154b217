"""What a recipe looks at of a decoded scan: all of it, or the picture's own area. Numpy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from artsimilarity.encoder.pictures.area import find_area
from artsimilarity.encoder.pictures.crop import WHOLE, Area, in_proportion, squash
from artsimilarity.encoder.recipe import Recipe


@dataclass(frozen=True)
class Seen:
    """The square that is encoded.

    Attributes:
        pixels: sRGB values, shape (recipe.side, recipe.side, 3), uint8.
        area: What it shows of the scan.
    """

    pixels: NDArray[np.uint8]
    area: Area


def seen(
    recipe: Recipe, scan: NDArray[np.uint8], *, proportion: float, area: Area | None = None
) -> Seen:
    """Takes what the recipe looks at.

    Args:
        recipe: Whether an area is looked for, and the side of the square.
        scan: The decoded scan, shape (recipe.decoded_side, recipe.decoded_side, 3), uint8.
        proportion: Of the scan, as ``Square.proportion``.
        area: Corrected by hand, instead of the one that would be found.

    Raises:
        ValueError: The scan has another shape; or an area is given though the recipe takes none.
    """
    side = recipe.decoded_side
    if scan.shape != (side, side, 3):
        raise ValueError(f"A scan has the shape {(side, side, 3)}, not {scan.shape}.")
    if not recipe.finds_area:
        if area not in (None, WHOLE):
            raise ValueError(f"The recipe {recipe.name!r} looks at whole scans; it takes no area.")
        return Seen(scan, WHOLE)
    sheet = Image.fromarray(scan)
    if area is None:
        area = find_area(np.asarray(in_proportion(sheet, proportion)))
    square = squash(sheet, area, side=recipe.side, proportion=proportion)
    return Seen(np.asarray(square), area)
