"""Ranks a labelled library under recipes and scores the rankings. Torch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from artsimilarity.encoder.encoder import Encoder
from artsimilarity.encoder.pictures.reading import PictureError
from artsimilarity.encoder.recipe import Recipe
from artsimilarity.encoder.stream import encode_files
from artsimilarity.lab.evaluation.library import EvaluationError, Library
from artsimilarity.lab.evaluation.retrieval import (
    NOBODY,
    Quality,
    Similarity,
    assess,
    euclidean,
    weighted,
)
from artsimilarity.lab.evaluation.summary import Row, Scans
from artsimilarity.lab.hardware import cores
from artsimilarity.lab.progress import progress_bar


@dataclass(frozen=True, kw_only=True)
class EvaluationProtocol:
    """How pictures are ranked, and how the rankings are scored.

    Attributes:
        shares: Shares of style, 0 to 1, by which the two blocks are weighed.
        unscaled: Whether Euclidean distances of the blocks as they come are measured as well.
        min_pictures: As for ``assess``.
        seed: As for ``assess``, and of the halves that are drawn of the library.
        scans: Folders with the same pictures under the same paths, scanned in other ways.
    """

    shares: Sequence[float] = (0.75,)
    unscaled: bool = False
    min_pictures: int = 5
    seed: int = 0
    scans: Sequence[Path] = ()


@dataclass(frozen=True, kw_only=True)
class _Ranking:
    name: str
    dimensions: int
    similarity: Similarity
    scans: Scans | None = None


def encode_library(
    library: Library, recipe: Recipe, *, device: str = "auto", scaled: bool = True
) -> NDArray[np.float32]:
    """Encodes every picture, and tells on standard error how far it has come.

    Args:
        library: The pictures.
        recipe: What determines the vectors.
        device: As for ``Encoder``.
        scaled: As for ``Encoder``.

    Returns:
        Shape (n, recipe.dimensions).

    Raises:
        DeviceUnavailable: The device asked for by name cannot be used here.
        EvaluationError: A picture cannot be read.
        WeightsError: The recipe's weights are missing or are not the ones it names.
    """
    encoder = Encoder(recipe, device=device, scaled=scaled)
    vectors = np.empty((len(library.paths), recipe.dimensions), dtype=np.float32)
    files = ((library.directory / path).read_bytes() for path in library.paths)
    with progress_bar(recipe.name, len(vectors), "picture") as bar:
        for place, found in enumerate(encode_files(files, encoder, threads=cores())):
            if isinstance(found, PictureError):
                path = library.directory / library.paths[place]
                raise EvaluationError(f"{path}: {found} Or leave it out of the labels.") from found
            vectors[place] = found
            bar.update()
    return vectors


def evaluate(
    library: Library,
    recipes: Sequence[Recipe],
    protocol: EvaluationProtocol,
    *,
    device: str = "auto",
) -> Iterator[Row]:
    """Ranks a library under recipes, one after the other, and scores each ranking.

    Args:
        library: The pictures and their labels.
        recipes: What determines the vectors.
        protocol: Which rankings, and how they are scored.
        device: As for ``Encoder``.

    Yields:
        For every recipe a row for every share and, if unscaled, for style, colour and both; for
        every folder of scans and every share a row in which each query, and it alone, is taken from
        there, and one in which half of the library is.

    Raises:
        DeviceUnavailable: The device asked for by name cannot be used here.
        EvaluationError: A picture cannot be read.
        ValueError: No picture can be a query.
        WeightsError: A recipe's weights are missing or are not the ones it names.
    """
    for recipe in recipes:
        for ranking in _rankings(library, recipe, protocol, device):
            quality = assess(
                ranking.similarity,
                library.labels,
                min_pictures=protocol.min_pictures,
                seed=protocol.seed,
            )
            yield Row(
                recipe=recipe.name,
                fingerprint=recipe.fingerprint,
                ranking=ranking.name,
                dimensions=ranking.dimensions,
                quality=quality,
                treated=_share_treated(quality, ranking.scans),
                scans=ranking.scans,
            )


def _rankings(
    library: Library, recipe: Recipe, protocol: EvaluationProtocol, device: str
) -> Iterator[_Ranking]:
    vectors = encode_library(library, recipe, device=device)
    style, colour = _blocks(vectors, recipe)
    for share in protocol.shares:
        yield _Ranking(
            name=_share_name(share),
            dimensions=_dimensions(recipe, share),
            similarity=weighted(style, colour, share),
        )
    for folder in protocol.scans:
        yield from _rankings_of_scans(library, recipe, protocol, device, folder, vectors)
    if protocol.unscaled:
        vectors = encode_library(library, recipe, device=device, scaled=False)
        style, colour = _blocks(vectors, recipe)
        for name, block in (("style", style), ("colour", colour), ("both", vectors)):
            yield _Ranking(
                name=f"{name}, unscaled, Euclidean",
                dimensions=block.shape[1],
                similarity=euclidean(block),
            )


def _rankings_of_scans(
    library: Library,
    recipe: Recipe,
    protocol: EvaluationProtocol,
    device: str,
    folder: Path,
    vectors: NDArray[np.float32],
) -> Iterator[_Ranking]:
    scans = encode_library(replace(library, directory=folder), recipe, device=device)
    treated = np.zeros(len(scans), dtype=np.bool_)
    drawn = np.random.default_rng(protocol.seed).permutation(len(scans))
    treated[drawn[: len(scans) // 2]] = True
    mixed = np.where(treated[:, None], scans, vectors)
    style, colour = _blocks(vectors, recipe)
    mixed_style, mixed_colour = _blocks(mixed, recipe)
    for share in protocol.shares:
        yield _Ranking(
            name=f"{_share_name(share)}, {folder.name}: the query",
            dimensions=_dimensions(recipe, share),
            similarity=weighted(style, colour, share, queries=_blocks(scans, recipe)),
            scans=Scans(folder=folder),
        )
        yield _Ranking(
            name=f"{_share_name(share)}, {folder.name}: half the library",
            dimensions=_dimensions(recipe, share),
            similarity=weighted(mixed_style, mixed_colour, share),
            scans=Scans(folder=folder, places=treated),
        )


def _blocks(
    vectors: NDArray[np.float32], recipe: Recipe
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    style, colour = np.split(vectors, [recipe.style_dimensions], axis=1)
    return style, colour


def _share_treated(quality: Quality, scans: Scans | None) -> float | None:
    """Of the four nearest of pictures scanned in another way, the share scanned so as well."""
    if scans is None or scans.places is None:
        return None
    nearest = quality.neighbours[scans.places, :4]
    return float(scans.places[nearest[nearest != NOBODY]].mean())


def _share_name(share: float) -> str:
    return {1.0: "style", 0.0: "colour"}.get(share, f"{share:g} style + {1 - share:g} colour")


def _dimensions(recipe: Recipe, share: float) -> int:
    return {1.0: recipe.style_dimensions, 0.0: recipe.colour_dimensions}.get(
        share, recipe.dimensions
    )
