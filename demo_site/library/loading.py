"""Puts pictures from files into the library."""

from __future__ import annotations

import hashlib
from pathlib import Path

from django.core.files import File

from demo_site.library.models import Artwork


def load(path: Path, *, title: str, artist: str, year: str = "", **facts: str) -> Artwork | None:
    """Add one picture; None if the same file is in the library already.

    Saved one by one, as a form would, so that the signals fire that send it to a worker.

    Args:
        path: the picture's file, which is copied.
        title: shortened if it is longer than the column.
        artist: the same.
        year: free text; the same.
        **facts: texts of further columns; the same.
    """
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        if Artwork.objects.filter(source_digest=digest).exists():
            return None
        texts = {"title": title, "artist": artist, "year": year, **facts}
        artwork = Artwork(
            **{name: text[: _max_length(name)] for name, text in texts.items()},
            image=File(file, name=path.name),
            source_digest=digest,
        )
        file.seek(0)
        artwork.save()
    return artwork


def _max_length(name: str) -> int | None:
    length: int | None = Artwork._meta.get_field(name).max_length  # type: ignore[union-attr]
    return length
