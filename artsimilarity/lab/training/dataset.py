"""A folder of pictures by artist: what it holds, read into memory, and what is held out. Numpy."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from artsimilarity.encoder.pictures.reading import PictureError
from artsimilarity.encoder.pictures.reading import read as read_scan
from artsimilarity.encoder.pictures.seen import seen
from artsimilarity.encoder.recipe import Recipe
from artsimilarity.lab.progress import progress_bar

NOT_BY_AN_ARTIST: Final = "It lies in no artist's folder. Move it into one."


class TrainingError(ValueError):
    """The pictures or the options do not allow training; the message says what to do."""


@dataclass(frozen=True, kw_only=True)
class Collection:
    """Pictures in memory and who made them.

    Attributes:
        paths: In the folder, with forward slashes.
        artists: Name of each picture's sub-folder, shape (n,), text.
        pixels: sRGB squares, shape (n, side, side, 3), uint8.
    """

    paths: Sequence[str]
    artists: NDArray[np.str_]
    pixels: NDArray[np.uint8]

    def take(self, places: NDArray[np.intp]) -> Collection:
        """The pictures at these places, copied."""
        return Collection(
            paths=[self.paths[place] for place in places],
            artists=self.artists[places],
            pixels=self.pixels[places],
        )


def read_collection(
    directory: Path, *, recipe: Recipe, max_per_artist: int, seed: int
) -> tuple[Collection, dict[str, str]]:
    """Reads the pictures of a folder with one sub-folder an artist; hidden files are passed over.

    Args:
        directory: The folder. Folders inside an artist's are the artist's as well.
        recipe: How pictures are seen: whole or by their own area, and how large.
        max_per_artist: Files that are read of an artist with more, so that none outweighs others.
        seed: Of the choice among them.

    Returns:
        The pictures, ordered by artist and path; and the files skipped, with the reasons.

    Raises:
        TrainingError: There is no such folder, or it holds no picture in a sub-folder.
    """
    if not directory.is_dir():
        raise TrainingError(
            f"{directory} is no folder: name the one that holds a folder an artist."
        )
    names, skipped = _choose(directory, max_per_artist, np.random.default_rng(seed))
    pixels, errors = _read_squares([directory / name for name in names], recipe)
    skipped |= {name: error for name, error in zip(names, errors, strict=True) if error}
    if any(errors):
        kept = [place for place, error in enumerate(errors) if error is None]
        pixels, names = pixels[kept], [names[place] for place in kept]
    if not names:
        raise TrainingError(
            f"{directory} holds no readable picture in a sub-folder: make one for each artist, "
            f"named as the artist, and put the pictures there."
        )
    artists = np.array([name.partition("/")[0] for name in names])
    return Collection(paths=names, artists=artists, pixels=pixels), skipped


def _read_squares(
    paths: Sequence[Path], recipe: Recipe
) -> tuple[NDArray[np.uint8], list[str | None]]:
    """Pixels of all files, shape (n, side, side, 3), and why a file could not be read, or None."""
    pixels = np.empty((len(paths), recipe.side, recipe.side, 3), np.uint8)

    def read(place: int) -> str | None:
        try:
            scan = read_scan(paths[place].read_bytes(), side=recipe.decoded_side)
            pixels[place] = seen(recipe, scan.pixels, proportion=scan.proportion).pixels
        except (PictureError, OSError) as error:
            return str(error)
        return None

    errors = []
    with ThreadPoolExecutor() as threads, progress_bar("Reading", len(paths), "picture") as bar:
        for error in threads.map(read, range(len(paths))):
            errors.append(error)
            bar.update()
    return pixels, errors


def _choose(
    directory: Path, max_per_artist: int, rng: np.random.Generator
) -> tuple[list[str], dict[str, str]]:
    """Paths of at most so many files an artist, and the files that belong to nobody."""
    by_artist: dict[str, list[str]] = {}
    skipped: dict[str, str] = {}
    for path in sorted(directory.rglob("*")):
        relative = path.relative_to(directory)
        if any(part.startswith(".") for part in relative.parts) or not path.is_file():
            continue
        if len(relative.parts) == 1:
            skipped[relative.as_posix()] = NOT_BY_AN_ARTIST
        else:
            by_artist.setdefault(relative.parts[0], []).append(relative.as_posix())
    chosen: list[str] = []
    for names in by_artist.values():
        places = sorted(rng.permutation(len(names))[:max_per_artist])
        chosen += [names[place] for place in places]
    return chosen, skipped


def hold_out(
    collection: Collection, share: float, *, min_pictures: int, seed: int
) -> tuple[Collection, Collection | None]:
    """Sets artists aside whom training shall not see, so that the evaluation can ask about them.

    Args:
        collection: All pictures.
        share: Of the artists, 0 to below 1; at least two artists, or none where it is 0.
        min_pictures: Pictures that an artist must have to be held out.
        seed: Of the draw.

    Returns:
        The pictures to train on, and those held out; None where none are.

    Raises:
        TrainingError: Too few artists have that many pictures.
    """
    if not share:
        return collection, None
    artists, sizes = np.unique(collection.artists, return_counts=True)
    wanted = max(2, round(share * len(artists)))
    eligible = artists[sizes >= min_pictures]
    if len(eligible) < wanted:
        raise TrainingError(
            f"{wanted} artists of {len(artists)} are to be held out, but only {len(eligible)} have "
            f"{min_pictures} readable pictures. Add pictures, or lower --min-pictures or "
            f"--held-out (0 trains without an evaluation)."
        )
    drawn = np.random.default_rng(seed).choice(eligible, wanted, replace=False)
    is_held = np.isin(collection.artists, drawn)
    return collection.take(np.flatnonzero(~is_held)), collection.take(np.flatnonzero(is_held))


def check_enough(training: Collection, dimensions: int) -> None:
    """Checks that there is something to learn from, and enough to fit the projection to.

    Args:
        training: What is to be trained on.
        dimensions: Of the style block.

    Raises:
        TrainingError: There are too few pictures.
    """
    artists, sizes = np.unique(training.artists, return_counts=True)
    if (sizes >= 2).sum() < 2:
        raise TrainingError(
            f"Training needs two artists or more with two readable pictures or more each; besides "
            f"those held out there are {len(training.paths)} pictures by {len(artists)} artists. "
            f"Add pictures, or lower --held-out."
        )
    if len(training.paths) <= dimensions:
        raise TrainingError(
            f"{dimensions} style values take more than {dimensions} pictures to fit; besides those "
            f"held out there are {len(training.paths)}. Add pictures, or lower --dimensions or "
            f"--held-out."
        )
