"""Draws samples and keeps them as files."""

from collections.abc import Callable
from pathlib import Path

from PIL import Image

from .catalogue import Sample, samples
from .noise import generator, to_image
from .palettes import PALETTES
from .scenes import SCENES, compose
from .sheet import mounted, room
from .techniques import TECHNIQUES

_QUALITY = 88


def draw(sample: Sample) -> Image.Image:
    """Return the picture of ``sample``, RGB; the same on every call."""
    (palette,) = (p for p in PALETTES if p.name == sample.palette)
    (technique,) = (t for t in TECHNIQUES if t.name == sample.technique)
    rng = generator("sample", sample.slug)
    colours, size = palette.colours(), (sample.width, sample.height)
    _left, _top, width, height = room(technique.sheet, *size)
    scene = compose(SCENES[sample.scene], width, height, rng)
    picture = technique.paint(scene, colours, rng)
    return to_image(mounted(picture, technique.sheet, colours, size, rng))


def save_all(directory: Path, progress: Callable[[int, int], object] | None = None) -> list[Path]:
    """Draw every sample that ``directory`` does not hold yet, as ``<slug>.jpg``.

    A file appears under its name only when it is complete, so an interrupted run leaves none that
    is cut short; one that is anyway (a full disk) is drawn again.

    Args:
        directory: made if it does not exist.
        progress: called with the number of samples done and of all.

    Returns:
        The files, in the catalogue's order.
    """
    directory.mkdir(parents=True, exist_ok=True)
    paths = []
    for number, sample in enumerate(samples(), start=1):
        path = directory / f"{sample.slug}.jpg"
        if not _is_complete(path):
            unfinished = path.with_suffix(".part")
            draw(sample).save(unfinished, "JPEG", quality=_QUALITY)
            unfinished.replace(path)
        paths.append(path)
        if progress:
            progress(number, len(samples()))
    return paths


def _is_complete(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            file.seek(-2, 2)
            return file.read() == b"\xff\xd9"
    except OSError:
        return False
