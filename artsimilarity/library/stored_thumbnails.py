"""Thumbnails made here by Pillow and kept in a storage: what a host has that names no package."""

from __future__ import annotations

import hashlib
import posixpath
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from itertools import pairwise
from typing import ClassVar

from django.core.exceptions import ImproperlyConfigured
from django.core.files.base import ContentFile
from django.core.files.storage import InvalidStorageError, Storage, storages
from django.db import models
from django.db.models.fields.files import FieldFile
from PIL import Image, features

from artsimilarity.conf import SETTING, get_settings
from artsimilarity.encoder.pictures.reading import DETAIL
from artsimilarity.library.files import fetch_file, put_in_place, read_for_thumbnail
from artsimilarity.library.library import Library
from artsimilarity.library.made_once import MadeOnce
from artsimilarity.library.patience import patience
from artsimilarity.library.remembered import Remembered
from artsimilarity.library.thumbnails import SIZES, Thumbnail

# After so long, or so many pictures, a process looks into the storage again.
_SECONDS_KNOWN = 3600
_MOST_KNOWN = 20_000
# WebP's "method": 4, which is usual, takes twice the time and saves 1 to 2 % of the bytes.
_EFFORT = 2
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


@dataclass(frozen=True)
class _Wanted:
    """A file of which there should be thumbnails, and what their names begin with.

    ``digest`` is the sha256 of the file if a worker has read it, else "".
    """

    library: Library
    storage: Storage
    name: str
    digest: str
    stem: str

    @property
    def key(self) -> tuple[int, str]:
        return id(self.storage), self.stem


class StoredThumbnails:
    """The whole picture as WebP in two sizes, made by the worker or when it is first shown.

    A page waits for no longer than its patience; what it began is there for the next.

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
        self._making: MadeOnce[tuple[int, str], tuple[_Stored, ...]] = MadeOnce(
            behind=get_settings().SEARCH_DECODERS
        )

    def __call__(self, picture: models.Model, file: FieldFile) -> Thumbnail | None:
        """Return the thumbnail of a picture's file; None if a page would wait too long for it.

        Raises:
            PictureError: the file cannot be read.
            NameNotKept: the storage cannot be used for thumbnails.
            Exception: whatever the storage raises.
        """
        wanted = self._wanted(picture, file)
        stored = self._known.get(wanted.key) or self._found(wanted) or self._have_made(wanted)
        if stored is None:
            return None
        self._known.put(wanted.key, stored)
        versions = ((wanted.storage.url(one.name), one.width, one.height) for one in stored)
        return Thumbnail.of(versions)

    def stored_bytes(self, picture: models.Model, file: FieldFile) -> bytes | None:
        """Return the smallest version's file; None if it is not there."""
        wanted = self._wanted(picture, file)
        stem = self._stem_of_versions(wanted)
        return _read(wanted.storage, _name(stem, self.sizes[0])) if stem else None

    def _wanted(self, picture: models.Model, file: FieldFile) -> _Wanted:
        library, name = Library.loaded(picture), str(file.name)
        row = library.row_of(picture)
        digest = row.embedding_digest if row and row.embedding_image == name else ""
        stem = self._stem(name, digest or f"{file.size} bytes")
        return _Wanted(library, self._storage or file.storage, name, digest, stem)

    def _stem(self, name: str, version: str) -> str:
        """What the versions' names have in common."""
        folder, base = posixpath.split(name)
        digest = hashlib.sha256(f"{name}\n{version}".encode()).hexdigest()[:16]
        return posixpath.join(self.folder, folder, f"{base[:_MOST_LETTERS]}.{digest}")

    def _found(self, wanted: _Wanted) -> tuple[_Stored, ...]:
        """The versions that are there; none if one is to be made that may be lacking."""
        stored = self._find(wanted)
        # A page shows what there is; who may take the time makes a size that was added since.
        return () if patience() is None and self._may_lack_a_size(stored) else stored

    def _find(self, wanted: _Wanted) -> tuple[_Stored, ...]:
        """The versions that are there."""
        stem = self._stem_of_versions(wanted)
        return self._find_versions(wanted.storage, stem) if stem else ()

    def _stem_of_versions(self, wanted: _Wanted) -> str:
        """What the versions' names have in common; "" if nobody has read the file yet."""
        if wanted.digest:
            return wanted.stem
        digest = _read_note(wanted.storage, _note_name(wanted.stem))
        return self._stem(wanted.name, digest) if digest else ""

    def _find_versions(self, storage: Storage, stem: str) -> tuple[_Stored, ...]:
        """Those under a name; none if the smallest is not there, which is written last."""
        small = _look_at(storage, _name(stem, self.sizes[0]))
        if small is None:
            return ()
        if max(small.width, small.height) < self.sizes[0]:
            return (small,)  # the picture is no larger
        others = (_look_at(storage, _name(stem, size)) for size in self.sizes[1:])
        return (small, *filter(None, others))

    def _may_lack_a_size(self, stored: Sequence[_Stored]) -> bool:
        """Whether a version is missing that may show more of the picture than the one before.

        So it is of a picture of exactly the size before, whose versions do not tell that.
        """
        sides = [max(one.width, one.height) for one in stored]
        return any(
            max(sides, default=0) >= less and not any(less < side <= size for side in sides)
            for less, size in pairwise(self.sizes)
        )

    def _have_made(self, wanted: _Wanted) -> tuple[_Stored, ...] | None:
        page = patience()
        maker = partial(self._make_unless_made, wanted, hurried=page is not None)
        if page is None:
            return self._making.make(wanted.key, maker)
        return self._making.make_within(wanted.key, maker, page)

    def _make_unless_made(self, wanted: _Wanted, *, hurried: bool) -> tuple[_Stored, ...]:
        """Another thread may have made them since this one looked."""
        if stored := self._known.get(wanted.key):
            return stored
        stored = self._make(wanted, hurried=hurried)
        self._known.put(wanted.key, stored)
        return stored

    def _make(self, wanted: _Wanted, *, hurried: bool) -> tuple[_Stored, ...]:
        storage = wanted.storage
        fetched = fetch_file(wanted.library, wanted.name)
        # Named after what the file is, as its row may know later, or may not know any more.
        stem = self._stem(wanted.name, fetched.digest)
        with fetched.contents as contents:
            stored = () if stem == wanted.stem else self._find_versions(storage, stem)
            if not stored or self._may_lack_a_size(stored):
                longest = self.sizes[-1]
                square = read_for_thumbnail(contents, DETAIL * longest, hurried=hurried)
                stored = self._save_versions(storage, stem, square.whole(longest))
        if not wanted.digest:
            _write_note(storage, _note_name(wanted.stem), fetched.digest)
        return stored

    def _save_versions(
        self, storage: Storage, stem: str, whole: Image.Image
    ) -> tuple[_Stored, ...]:
        versions: list[_Stored] = []
        for size in reversed(self._sizes_of(whole)):
            version = whole.copy()
            version.thumbnail((size, size), Image.Resampling.LANCZOS)
            buffer = BytesIO()
            version.save(buffer, "WEBP", quality=self.quality_of(size), method=_EFFORT)
            name = _name(stem, size)
            _save(storage, name, buffer.getvalue())
            versions.insert(0, _Stored(name, *version.size))
        return tuple(versions)

    def quality_of(self, size: int) -> int:
        """Return WebP's quality, 0..100, of one of the sizes; a subclass may tell them apart."""
        return self.quality

    def _sizes_of(self, whole: Image.Image) -> list[int]:
        """The first, and each that shows more of the picture than the one before."""
        larger = (size for less, size in pairwise(self.sizes) if max(whole.size) > less)
        return [self.sizes[0], *larger]


def _name(stem: str, size: int) -> str:
    return f"{stem}.{size}.webp"


def _note_name(stem: str) -> str:
    return f"{stem}.sha256"


def _read_note(storage: Storage, name: str) -> str:
    """The sha256 of a file that no worker has read, where a page has read it; else ""."""
    if not storage.exists(name):
        return ""
    with storage.open(name, "rb") as file:
        return str(file.read(64).decode("ascii", "replace"))


def _write_note(storage: Storage, name: str, digest: str) -> None:
    if _read_note(storage, name) != digest:
        put_in_place(storage, name, digest.encode())


def _read(storage: Storage, name: str) -> bytes | None:
    """The file under a name, if it is there and complete."""
    if not storage.exists(name):
        return None
    with storage.open(name, "rb") as file:
        data: bytes = file.read()
    whole = len(data) >= 12 and len(data) == 8 + int.from_bytes(data[4:8], "little")
    return data if whole else None


def _look_at(storage: Storage, name: str) -> _Stored | None:
    """What is stored under a name, if it is there and complete."""
    data = _read(storage, name)
    if data is None:
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
