"""Vectors like those of a real library: mixtures around real ones, of the same block structure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from artsimilarity.conf import get_settings
from artsimilarity.library import Library, libraries

if TYPE_CHECKING:
    from artsimilarity.encoder.recipe import Recipe

Vectors = NDArray[np.float32]

# Fewer pictures than these span too little to be mixed into a library.
_MIN_CENTRES = 100
_MAX_CENTRES = 5_000
_DRAWN_CENTRES = 400
_CHUNK = 10_000
# Length of the noise beside a style block of length 1, from near-copy to merely related.
_STYLE_NOISE = (0.3, 1.0)
# Concentration of the Dirichlet around a colour histogram, on a log scale; more is nearer.
_COLOUR_CONCENTRATION = (20.0, 400.0)
# Length of the noise beside each block of a picture in a series: hardly another impression.
_SERIES_NOISE = (0.02, 0.15)


@dataclass(frozen=True, kw_only=True)
class Centres:
    """What the mixtures are drawn around.

    Attributes:
        vectors: float32, shape (n, dimensions), both blocks of length 1.
        origin: where they come from, for the report.
    """

    vectors: Vectors
    origin: str


def find_centres(using: str, random: np.random.Generator) -> Centres:
    """Return the library's own vectors, or drawn ones where it has fewer than a hundred."""
    recipe = get_settings().recipe
    for written in libraries():
        library = Library(written.model, using)
        rows = library.rows.ready().served(recipe.fingerprint)
        found = rows.order_by("pk").values_list("embedding", flat=True)[:_MAX_CENTRES]
        vectors = list(found)
        if len(vectors) >= _MIN_CENTRES:
            return Centres(
                vectors=_unit_blocks(np.array(vectors, np.float32), recipe),
                origin=f"{len(vectors)} pictures of {library.name}",
            )
    return draw_centres(recipe, random)


def draw_centres(recipe: Recipe, random: np.random.Generator) -> Centres:
    """Draw centres for a database that holds no library.

    The style block is a normal vector with a decaying spectrum around a common mean, as real ones
    have; the colour block is the root of a sparse histogram: most pictures fill few of the cubes.
    """
    style, colour = recipe.style_dimensions, recipe.colour_dimensions
    axes = np.linalg.qr(random.normal(size=(style, style)))[0]
    spectrum = np.arange(1, style + 1) ** -0.5
    spread = random.normal(size=(_DRAWN_CENTRES, style)) * spectrum @ axes
    spread /= np.linalg.norm(spread, axis=1, keepdims=True)
    mean = random.normal(size=style)
    popular = random.gamma(0.5, size=colour) + 1e-3
    histograms = random.gamma(20 * popular / popular.sum(), size=(_DRAWN_CENTRES, colour)) + 1e-12
    vectors = np.hstack([spread + 0.4 * mean / np.linalg.norm(mean), np.sqrt(histograms)])
    return Centres(
        vectors=_unit_blocks(vectors.astype(np.float32), recipe),
        origin=f"{_DRAWN_CENTRES} drawn vectors (the database holds no library)",
    )


def draw_library(
    centres: Centres,
    rows: int,
    random: np.random.Generator,
    advance: Callable[[int], object],
) -> NDArray[np.float16]:
    """Draw the vectors of a library of ``rows`` pictures around ``centres``.

    Each picture mixes two centres, and adds noise with the covariance of the centres' styles and
    draws its colours from a Dirichlet distribution around the mixed histogram.

    Returns:
        float16, shape (rows, dimensions), rounded as the database stores them.
    """
    recipe = get_settings().recipe
    library = np.empty((rows, recipe.dimensions), np.float16)
    for start in range(0, rows, _CHUNK):
        chunk = library[start : start + _CHUNK]
        chunk[:] = _mix(centres.vectors, len(chunk), recipe, random)
        advance(len(chunk))
    return library


def draw_series(
    centres: Centres,
    rows: int,
    size: int,
    random: np.random.Generator,
    advance: Callable[[int], object],
) -> NDArray[np.float16]:
    """Draw a library of series: ``size`` near-identical pictures of each that is drawn.

    They stand for the impressions of a plate, or the states of an etching. What is drawn is as in
    :func:`draw_library`; the noise beside it has length 0.02 to 0.15 in each block.

    Returns:
        float16, shape (rows, dimensions), in no order.
    """
    recipe = get_settings().recipe
    plates = draw_library(centres, -(-rows // size), random, lambda _count: None)
    library = np.empty((rows, recipe.dimensions), np.float16)
    for start in range(0, rows, _CHUNK):
        chunk = library[start : start + _CHUNK]
        numbers = (start + np.arange(len(chunk))) // size
        chunk[:] = _impressions(plates[numbers].astype(np.float32), recipe, random)
        advance(len(chunk))
    return library[random.permutation(rows)]


def _impressions(plates: Vectors, recipe: Recipe, random: np.random.Generator) -> Vectors:
    noise = _unit_blocks(random.normal(size=plates.shape).astype(np.float32), recipe)
    length = random.uniform(*_SERIES_NOISE, size=(len(plates), 1)).astype(np.float32)
    varied = plates + length * noise
    colour = varied[:, recipe.style_dimensions :]
    np.maximum(colour, 0, out=colour)
    return _unit_blocks(varied, recipe)


def _mix(centres: Vectors, rows: int, recipe: Recipe, random: np.random.Generator) -> Vectors:
    size = recipe.style_dimensions
    styles, histograms = centres[:, :size], centres[:, size:] ** 2
    first, second = random.integers(len(centres), size=(2, rows))
    share = random.uniform(0, 0.5, size=(rows, 1)).astype(np.float32)

    residuals = styles - styles.mean(axis=0)
    noise = random.normal(size=(rows, len(centres))).astype(np.float32) @ residuals
    noise /= np.linalg.norm(noise, axis=1, keepdims=True)
    noise *= random.uniform(*_STYLE_NOISE, size=(rows, 1)).astype(np.float32)
    style = (1 - share) * styles[first] + share * styles[second] + noise

    mixed = (1 - share) * histograms[first] + share * histograms[second]
    low, high = np.log(_COLOUR_CONCENTRATION)
    concentration = np.exp(random.uniform(low, high, size=(rows, 1)))
    colour = random.gamma(concentration * mixed + 1e-4)
    colour[colour < colour.sum(axis=1, keepdims=True) / recipe.side**2] = 0  # less than a pixel
    return _unit_blocks(np.hstack([style, np.sqrt(colour)]).astype(np.float32), recipe)


def _unit_blocks(vectors: Vectors, recipe: Recipe) -> Vectors:
    for block in np.split(vectors, [recipe.style_dimensions], axis=1):
        block /= np.linalg.norm(block, axis=1, keepdims=True)
    return vectors
