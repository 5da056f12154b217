"""A sample of the library's own pictures, for a projection to be fitted on; needs numpy."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Iterator
from itertools import islice
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from artsimilarity.embedding.encoders import make_encoder
from artsimilarity.encoder.pictures.crop import Area
from artsimilarity.encoder.recipe import Recipe
from artsimilarity.library import Library
from artsimilarity.library.seeing import see_file

logger = logging.getLogger(__name__)

_CHUNK = 32

# A file's name, and the area that somebody gave for it by hand.
_Drawn: TypeAlias = tuple[str, Area | None]


def sample_style_blocks(
    library: Library,
    recipe: Recipe,
    *,
    count: int,
    seed: int,
    on_progress: Callable[[int], object] | None = None,
) -> tuple[NDArray[np.float32], list[str]]:
    """Compute the style blocks of pictures drawn from the whole library.

    Args:
        library: that they are drawn from.
        recipe: what makes the style blocks.
        count: pictures wanted; all of them where the library has fewer.
        seed: of the draw; the same library and seed give the same pictures.
        on_progress: called with the number of pictures done since its last call.

    Returns:
        Shape (pictures that could be read, recipe.style_dimensions), and the names of the files
        that could not; others were drawn in their place.

    Raises:
        WeightsError: the recipe's weights are missing or are not the ones it names.
    """
    encoder = make_encoder(recipe)
    drawn = _draw(library, seed)
    count = min(count, len(drawn))
    unreadable: list[str] = []
    squares = islice(_squares(library, drawn, recipe, unreadable), count)
    found = np.empty((count, recipe.style_dimensions), dtype=np.float32)
    done = 0
    while chunk := list(islice(squares, _CHUNK)):
        found[done : done + len(chunk)] = encoder.encode(chunk)[:, : recipe.style_dimensions]
        done += len(chunk)
        if on_progress:
            on_progress(len(chunk))
    return found[:done], unreadable


def _draw(library: Library, seed: int) -> list[_Drawn]:
    """Return the library's files in an order drawn from the seed."""
    rows = library.rows.with_picture().order_by("pk")
    columns = ("embedding_image", "embedding_area_by_hand")
    drawn = [
        (name, area if name == embedded else None)
        for name, embedded, area in rows.values_list(
            library.holder.similarity_image_lookup(), *columns
        )
    ]
    random.Random(seed).shuffle(drawn)  # noqa: S311 -- nothing is secret about it
    return drawn


def _squares(
    library: Library, drawn: list[_Drawn], recipe: Recipe, unreadable: list[str]
) -> Iterator[NDArray[np.uint8]]:
    """Read the files that can be read; the names of the others are added to ``unreadable``."""
    for name, by_hand in drawn:
        try:
            yield see_file(library, recipe, name, by_hand=by_hand)[0].pixels
        except Exception as error:  # noqa: BLE001 -- storages have errors of their own; it is logged
            logger.warning("%s is left out of the sample: %s", name, error)
            unreadable.append(name)
