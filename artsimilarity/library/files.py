"""The pictures' files, read through the host's storage within the limits of the settings."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from artsimilarity.conf import get_settings
from artsimilarity.encoder.pictures.reading import Limits, read_square

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from artsimilarity.library.library import Library

_PIECE = 1024 * 1024


def read_file(library: Library, name: str) -> bytes:
    """Read a file, at most one byte past ``MAX_BYTES``; raises what the storage raises."""
    with library.storage.open(name, "rb") as file:
        data: bytes = file.read(get_settings().MAX_BYTES + 1)
    return data


def file_digest(library: Library, name: str) -> str:
    """Return the sha256 of a file, "" if it is gone; read in pieces, as files may be large."""
    digest = hashlib.sha256()
    try:
        with library.storage.open(name, "rb") as file:
            while piece := file.read(_PIECE):
                digest.update(piece)
    except FileNotFoundError:
        return ""
    return digest.hexdigest()


def decoding_limits() -> Limits:
    """Return what the settings allow a file to take."""
    settings = get_settings()
    return Limits(max_bytes=settings.MAX_BYTES, max_pixels=settings.MAX_PIXELS)


def decode(data: bytes, side: int) -> NDArray[np.uint8]:
    """Decode a file within the limits of the settings; raises ``PictureError``."""
    return read_square(data, side=side, limits=decoding_limits())
