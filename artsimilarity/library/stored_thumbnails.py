"""Thumbnails made here by Pillow and kept in a storage: what a host has that names no package."""

from __future__ import annotations

import hashlib
import posixpath
import threading
import time
from dataclasses import dataclass
from io import BytesIO
from typing import ClassVar

from django.core.exceptions import ImproperlyConfigured
from django.core.files.base import ContentFile
from django.core.files.storage import InvalidStorageError, Storage, storages
from django.db import models
from django.db.models.fields.files import FieldFile
from PIL import Image, features

from artsimilarity.conf import SETTING, get_settings
from artsimilarity.encoder.pictures.reading import DETAIL
from artsimilarity.library.files import fetch_file, thumbnail_decoders
from artsimilarity.library.library import Library
from artsimilarity.library.remembered import Remembered
from artsimilarity.library.thumbnails import SIZES, Thumbnail

# After so long, or so many pictures, a process looks into the storage again.
_SECONDS_KNOWN = 3600
_MOST_KNOWN = 20_000
# Threads of this process that make the same thumbnail take turns, on one of so many locks.
_LOCKS = 64
# A process that is writing a thumbnail is waited for so long; then it is taken for dead.
_WRITING_SECONDS = 0.5
# Letters of the file's name that are kept, so that people recognise it; file systems take 255.
_MOST_LETTERS = 80


class NameNotKept(OSError):
    """The storage saves files under other names than it is asked to."""


@dataclass(frozen=True)
class _Stored:
    name: str
    width: int
    height: int


class StoredThumbnails:
    """The whole picture as WebP in two sizes, made when it is first shown.

    The files lie in the image field's own storage, or in ``ARTSIMILARITY["THUMBNAIL_STORAGE"]``,
    in a folder of their own, under names that follow from the picture's file: another file under
    the same name gets other thumbnails. Processes that make the same ones at the same time keep
    one.

    Raises:
        ImproperlyConfigured: there is no such storage, or Pillow was built without WebP.
    """

    sizes: ClassVar[tuple[int, ...]] = SIZES
    """Pixels of the longer side of each version, smallest first; a subclass may name others."""
    quality: ClassVar[int] = 80
    folder: ClassVar[str] = "similarity-thumbnails"

    def __init__(self) -> None:
        if not features.check("webp"):
            raise ImproperlyConfigured("Pillow was built without WebP: install its own wheel.")
        alias = get_settings().THUMBNAIL_STORAGE
        try:
            self._storage = storages[alias] if alias else None
        except InvalidStorageError as error:
            raise ImproperlyConfigured(
                f"{SETTING}['THUMBNAIL_STORAGE'] = {alias!r} is none of STORAGES."
            ) from error
        self._known: Remembered[tuple[int, str], tuple[_Stored, ...]] = Remembered(
            seconds=_SECONDS_KNOWN, most=_MOST_KNOWN
        )
        self._locks = [threading.Lock() for _ in range(_LOCKS)]

    def __call__(self, picture: models.Model, file: FieldFile) -> Thumbnail:
        """Return the thumbnail of a picture's file, made if it is not there.

        Raises:
            PictureError: the file cannot be read.
            NameNotKept: the storage cannot be used for thumbnails.
            Exception: whatever the storage raises.
        """
        storage = self._storage or file.storage
        digest = _known_digest(picture, file)
        stem = self._stem(str(file.name), digest or f"{file.size} bytes")
        key = id(storage), stem
        stored = self._known.get(key)
        if stored is None:
            with self._locks[hash(key) % _LOCKS]:
                stored = self._known.get(key) or self._find(storage, stem)
                stored = stored or self._make(storage, stem, picture, file, digest)
                self._known.put(key, stored)
        return Thumbnail.of((storage.url(one.name), one.width, one.height) for one in stored)

    def _stem(self, name: str, version: str) -> str:
        """What the versions' names have in common."""
        folder, base = posixpath.split(name)
        digest = hashlib.sha256(f"{name}\n{version}".encode()).hexdigest()[:16]
        return posixpath.join(self.folder, folder, f"{base[:_MOST_LETTERS]}.{digest}")

    def _find(self, storage: Storage, stem: str) -> tuple[_Stored, ...]:
        """The versions that are there; none if the smallest is not, which is written last."""
        small = _look_at(storage, _name(stem, self.sizes[0]))
        if small is None:
            return ()
        if max(small.width, small.height) < self.sizes[0]:
            return (small,)  # the picture is no larger
        others = (_look_at(storage, _name(stem, size)) for size in self.sizes[1:])
        return (small, *filter(None, others))

    def _make(
        self, storage: Storage, stem: str, picture: models.Model, file: FieldFile, digest: str
    ) -> tuple[_Stored, ...]:
        fetched = fetch_file(Library.of(type(picture)), str(file.name))
        with fetched.contents as contents:
            if digest and fetched.digest != digest:
                # Overwritten without the row's knowledge: named after what it is now.
                stem = self._stem(str(file.name), fetched.digest)
                if stored := self._find(storage, stem):
                    return stored
            longest = self.sizes[-1]
            side = DETAIL * longest
            whole = thumbnail_decoders().read(contents, [side])[side].whole(longest)
        versions: list[_Stored] = []
        for size in reversed(self._sizes_of(whole)):
            version = whole.copy()
            version.thumbnail((size, size), Image.Resampling.LANCZOS)
            buffer = BytesIO()
            version.save(buffer, "WEBP", quality=self.quality, method=4)
            name = _name(stem, size)
            _save(storage, name, buffer.getvalue())
            versions.insert(0, _Stored(name, *version.size))
        return tuple(versions)

    def _sizes_of(self, whole: Image.Image) -> list[int]:
        """The first, and each that shows more of the picture than the one before."""
        smaller = zip(self.sizes, self.sizes[1:], strict=False)
        return [self.sizes[0], *(size for less, size in smaller if max(whole.size) > less)]


def _known_digest(picture: models.Model, file: FieldFile) -> str:
    """The sha256 of the file if a worker has read it, else ""."""
    row = Library.of(type(picture)).row_of(picture)
    return row.embedding_digest if row and row.embedding_image == file.name else ""


def _name(stem: str, size: int) -> str:
    return f"{stem}.{size}.webp"


def _look_at(storage: Storage, name: str) -> _Stored | None:
    """What is stored under a name, if it is there and complete."""
    if not storage.exists(name):
        return None
    with storage.open(name, "rb") as file:
        data = file.read()
    if len(data) < 12 or len(data) != 8 + int.from_bytes(data[4:8], "little"):
        return None
    with Image.open(BytesIO(data), formats=("WEBP",)) as image:
        return _Stored(name, *image.size)


def _save(storage: Storage, name: str, data: bytes) -> None:
    """Save under that very name what another process may be saving at this moment."""
    kept = storage.save(name, ContentFile(data))
    if kept == name:
        return
    storage.delete(kept)
    if not storage.exists(name):
        raise NameNotKept(
            f"The storage saved {name} as {kept}. Name another in "
            f"{SETTING}['THUMBNAIL_STORAGE'], which keeps names."
        )
    until = time.monotonic() + _WRITING_SECONDS
    while _look_at(storage, name) is None:
        if time.monotonic() > until:  # a process died while it wrote
            storage.delete(name)
            storage.save(name, ContentFile(data))
            return
        time.sleep(0.02)
