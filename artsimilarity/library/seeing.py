"""What a recipe looks at of a library's picture: its file, its own area, or a detail of it.

For workers: what calls numpy imports it when it is called.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from artsimilarity.encoder.pictures.crop import WHOLE, Area
from artsimilarity.encoder.recipe import Recipe
from artsimilarity.library.files import decode_file, fetch_file, read_for_detail
from artsimilarity.library.library import Library

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from artsimilarity.encoder.pictures.seen import Seen


def see(
    library: Library,
    recipe: Recipe,
    scan: NDArray[np.uint8],
    *,
    proportion: float,
    by_hand: Area | None = None,
) -> Seen:
    """Return what the recipe looks at of a scan.

    Args:
        library: whose switches say whether an area is looked for.
        recipe: whether it looks for one at all.
        scan: the decoded file, shape (recipe.decoded_side, recipe.decoded_side, 3), uint8.
        proportion: width divided by height of the upright scan, before it was squashed.
        by_hand: the area that an administrator gave, whatever the switches say; a recipe that looks
            at whole scans takes no notice of it.
    """
    from artsimilarity.encoder.pictures.seen import seen  # numpy is a worker's

    area = by_hand
    if not recipe.finds_area or (area is None and not library.finds_area):
        area = WHOLE
    return seen(recipe, scan, proportion=proportion, area=area)


def see_file(
    library: Library, recipe: Recipe, name: str, *, by_hand: Area | None = None
) -> tuple[Seen, str]:
    """Fetch one file and decode it; returns what the recipe looks at, and the file's digest.

    Args:
        library: whose file it is.
        recipe: as for :func:`see`, and so is ``by_hand``.
        name: of the file.

    Raises:
        PictureError: it cannot be read within the limits of the settings.
        OSError: the storage cannot read it; storages raise errors of their own besides.
    """
    square, digest = decode_file(library, name, recipe.decoded_side)
    found = see(library, recipe, square.pixels, proportion=square.proportion, by_hand=by_hand)
    return found, digest


def see_detail(library: Library, recipe: Recipe, name: str, box: Area) -> NDArray[np.uint8]:
    """Fetch one file and return the square of a box on it, in which no area is looked for.

    Args:
        library: whose file it is.
        recipe: whose square is wanted.
        name: of the file.
        box: on the whole upright picture.

    Returns:
        sRGB values, shape (recipe.side, recipe.side, 3), uint8.

    Raises:
        PictureError: it cannot be read within the limits of searches.
        DecodersBusy: no process was free to read it.
        OSError: the storage cannot read it; storages raise errors of their own besides.
    """
    from artsimilarity.encoder.pictures.seen import seen  # numpy is a worker's

    with fetch_file(library, name).contents as contents:
        square = read_for_detail(contents, recipe.decoded_side, box)
    return seen(recipe, square.pixels, proportion=square.proportion, area=WHOLE).pixels
