"""Pictures that a benchmark runs on: chosen from a folder, and made in other sizes. Pillow."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from PIL import Image

from artsimilarity.encoder.pictures.reading import PictureError, read_square
from artsimilarity.lab.progress import progress_bar

_QUALITY: Final = 90


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Files of a folder that can be read, and how many could not.

    Attributes:
        paths: The pictures.
        skipped: Files met on the way that are no pictures, or damaged ones.
    """

    paths: Sequence[Path]
    skipped: int


def choose_pictures(directory: Path, count: int) -> Choice:
    """Draws pictures from a folder and the folders in it; the same ones from the same folder.

    Args:
        directory: Where the files are.
        count: Pictures wanted; fewer where there are not so many.

    Returns:
        The pictures, each of which ``read_square`` can read.
    """
    files = sorted(path for path in directory.rglob("*") if path.is_file())
    random.Random(0).shuffle(files)  # noqa: S311 - a draw, nothing secret
    paths: list[Path] = []
    skipped = 0
    with progress_bar("Choosing", min(count, len(files)), "picture") as bar:
        for path in files:
            if len(paths) == count:
                break
            try:
                read_square(path.read_bytes())
            except (PictureError, OSError):
                skipped += 1
            else:
                paths.append(path)
                bar.update()
    return Choice(paths=paths, skipped=skipped)


def make_pictures(paths: Sequence[Path], megapixels: float, directory: Path) -> list[Path]:
    """Writes pictures again as JPEGs of another size, in their own proportions.

    An enlarged picture is smoother than a scan of that size: its file is smaller and quicker to
    decode.

    Args:
        paths: The pictures.
        megapixels: Width times height in millions of pixels.
        directory: Where they are written; it exists.

    Returns:
        The new files, in the same order.
    """
    made = []
    with progress_bar(f"Making {megapixels:g} megapixels", len(paths), "picture") as bar:
        for place, path in enumerate(paths):
            with Image.open(path) as image:
                width, height = image.size
                factor = math.sqrt(megapixels * 1e6 / (width * height))
                size = max(1, round(width * factor)), max(1, round(height * factor))
                resized = image.convert("RGB").resize(size, Image.Resampling.BICUBIC)
            made.append(directory / f"{place}.jpg")
            resized.save(made[-1], "JPEG", quality=_QUALITY)
            bar.update()
    return made


def mean_megapixels(paths: Sequence[Path]) -> float:
    """Mean width times height, in millions of pixels."""
    pixels = 0
    for path in paths:
        with Image.open(path) as image:
            pixels += image.width * image.height
    return pixels / len(paths) / 1e6


def mean_kilobytes(paths: Sequence[Path]) -> float:
    """Mean size of the files, in thousands of bytes."""
    return sum(path.stat().st_size for path in paths) / len(paths) / 1e3
