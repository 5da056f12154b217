"""Tiles of large pictures, by which a visitor comes as near as the scan allows.

A worker makes them once, in processes that may be killed, and keeps them in the storage of the
pictures under names that follow from the file's name and content.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import IO, Final, Self

from django.core.files.storage import Storage
from PIL import Image

from artsimilarity.encoder.pictures.crop import Area
from artsimilarity.encoder.pictures.limits import TooMuchMemory, TooMuchWork
from artsimilarity.library import Library
from artsimilarity.library.files import decoders, decoding_limits, fetch_file, put_in_place
from demo_site.library.models import Artwork
from demo_site.library.pyramid import TILE, Pyramid, Tile

FOLDER: Final = "tiles"

LEAST: Final = 2048
"""Pixels of the longer side up to which browsers take a picture whole."""

# JPEG: a tile takes 3 ms of processor time where WebP takes 25 for two thirds of the bytes.
_QUALITY: Final = 82
# Formats that browsers show; other files are cut however small they are.
_SHOWN: Final = frozenset({".jpg", ".jpeg", ".png", ".webp", ".gif", ".avif"})
# Halved so often at most where a file is too large to be decoded whole.
_MOST_HALVINGS: Final = 3
_SIZE: Final = re.compile(r'Width="(\d+)" Height="(\d+)"')
_DESCRIPTION: Final = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<Image xmlns="http://schemas.microsoft.com/deepzoom/2008" Format="jpg" Overlap="0" '
    'TileSize="{tile}"><Size Width="{width}" Height="{height}"/></Image>\n'
)


@dataclass(frozen=True)
class Tiles:
    """Where the tiles of a picture lie: Deep Zoom's names, from the first level of one tile on.

    Attributes:
        address: followed by ``/level/column_row.jpg``.
        width: pixels of the last level.
        height: likewise.
        side: pixels of a tile.
    """

    address: str
    width: int
    height: int
    side: int = TILE

    @classmethod
    def of(cls, artwork: Artwork) -> Self | None:
        """Find those of a picture's present file; None if it has none, or none yet."""
        name = str(artwork.image.name)
        if not is_large(artwork) or artwork.embedding_image != name:
            return None
        stem = _stem(name, artwork.embedding_digest)
        size = _read_size(artwork.image.storage, _description_name(stem))
        return cls(artwork.image.storage.url(f"{stem}_files"), *size) if size else None


def is_large(artwork: Artwork) -> bool:
    """Whether a browser would better have tiles than the file itself."""
    if not artwork.image or not artwork.width or not artwork.height:
        return False
    is_shown = Path(str(artwork.image.name)).suffix.lower() in _SHOWN
    return max(artwork.width, artwork.height) > (LEAST if is_shown else 0)


def make_tiles(artwork: Artwork) -> bool:
    """Cut a picture's present file into tiles, unless that has been done; says whether it was.

    Where the whole would take more than ``MAX_MEMORY`` or ``MAX_SECONDS``, as large progressive
    JPEGs do, visitors come half as near, or a quarter.

    Raises:
        PictureError: the file cannot be read within the limits of the settings.
        Exception: what the storage raises.
    """
    library, storage, name = Library.of(Artwork), artwork.image.storage, str(artwork.image.name)
    fetched = fetch_file(library, name)
    # Named after what was read, which may be another file than the row speaks of.
    stem = _stem(name, fetched.digest)
    with fetched.contents as contents:
        if _read_size(storage, _description_name(stem)):
            return False
        with tempfile.TemporaryDirectory(prefix="artsimilarity-") as folder:
            scan = _Scan.written(contents, Path(folder) / "scan")
            pyramid = _cut(scan, lambda tile: _save_tile(storage, stem, tile))
    # Last: whoever finds it finds all tiles.
    text = _DESCRIPTION.format(tile=TILE, width=pyramid.width, height=pyramid.height)
    put_in_place(storage, _description_name(stem), text.encode())
    return True


@dataclass(frozen=True)
class _Scan:
    """A file on disk, as it is read again for each part of it."""

    path: Path

    @classmethod
    def written(cls, contents: IO[bytes], path: Path) -> Self:
        with path.open("wb") as file:
            shutil.copyfileobj(contents, file)
        return cls(path)

    def read(self, box: Area, side: int) -> Image.Image:
        """A box as a square."""
        limits = replace(decoding_limits(), min_side=1)
        squares = decoders(1).read(self.path, [side], limits=limits, box=box)
        return squares[side].image

    def size(self) -> tuple[int, int]:
        limits = replace(decoding_limits(), min_side=1)
        return decoders(1).read(self.path, [1], limits=limits)[1].size


def _cut(scan: _Scan, keep: Callable[[Tile], None]) -> Pyramid:
    """Cut it into as many levels as may be read."""
    pyramid = Pyramid(*scan.size())
    for halvings_left in reversed(range(_MOST_HALVINGS + 1)):
        try:
            for tile in pyramid.cut(scan.read):
                keep(tile)
        except (TooMuchMemory, TooMuchWork):
            if not halvings_left:
                raise
            pyramid = pyramid.halved()
        else:
            break
    return pyramid


def _save_tile(storage: Storage, stem: str, tile: Tile) -> None:
    buffer = BytesIO()
    tile.image.save(buffer, "JPEG", quality=_QUALITY)
    name = f"{stem}_files/{tile.level}/{tile.column}_{tile.row}.jpg"
    put_in_place(storage, name, buffer.getvalue())  # a worker may have ended in the midst of it


def _read_size(storage: Storage, name: str) -> tuple[int, int] | None:
    """What a description says; None if there is none, or it is not complete."""
    if not storage.exists(name):
        return None
    with storage.open(name, "r") as file:
        found = _SIZE.search(file.read())
    return (int(found[1]), int(found[2])) if found else None


def _description_name(stem: str) -> str:
    return f"{stem}.dzi"


def _stem(name: str, digest: str) -> str:
    """What the names have in common: not to be guessed by who does not have the file."""
    found = hashlib.sha256(f"{name}\n{digest}".encode()).hexdigest()
    return f"{FOLDER}/{found[:32]}"
