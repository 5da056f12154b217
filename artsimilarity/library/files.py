"""The pictures' files, read through the host's storage within the limits of the settings."""

from __future__ import annotations

import hashlib
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import cache
from tempfile import SpooledTemporaryFile
from typing import IO, TYPE_CHECKING

from django.core.files.base import ContentFile
from django.core.files.storage import Storage

from artsimilarity.conf import get_settings
from artsimilarity.encoder.pictures.crop import WHOLE, Area
from artsimilarity.encoder.pictures.limits import Limits
from artsimilarity.encoder.pictures.processes import DecodingProcesses

if TYPE_CHECKING:
    from artsimilarity.encoder.pictures.reading import Square
    from artsimilarity.library.library import Library

_PIECE = 1024 * 1024
# Of a larger file the rest is kept on disk while it waits to be decoded.
_IN_MEMORY = 32 * 1024 * 1024


@dataclass(frozen=True)
class StoredFile:
    """A file that was fetched from its storage.

    Attributes:
        contents: open for reading at its beginning; whoever has it closes it.
        digest: sha256, of what was read.
    """

    contents: IO[bytes]
    digest: str


def fetch_file(library: Library, name: str) -> StoredFile:
    """Fetch a file, at most one byte past ``MAX_BYTES``; raises what the storage raises.

    In the thread that calls it: a storage may use the database, whose connections belong to one.
    """
    room = get_settings().MAX_BYTES + 1
    digest = hashlib.sha256()
    with ExitStack() as on_error, library.storage.open(name, "rb") as file:
        contents: IO[bytes] = on_error.enter_context(SpooledTemporaryFile(_IN_MEMORY))
        while room and (piece := file.read(min(_PIECE, room))):
            room -= len(piece)
            digest.update(piece)
            contents.write(piece)
        contents.seek(0)
        on_error.pop_all()  # from now on the caller's to close
    return StoredFile(contents, digest.hexdigest())


def put_in_place(storage: Storage, name: str, data: bytes) -> None:
    """Save under that very name, in the place of what is there.

    If another process is quicker, its file is kept: what has that name is the same in all.
    """
    if storage.exists(name):  # not every storage takes it well if there is nothing
        storage.delete(name)
    kept = storage.save(name, ContentFile(data))
    if kept != name:
        storage.delete(kept)


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


def decode_file(library: Library, name: str, side: int) -> tuple[Square, str]:
    """Fetch one file and decode it; returns its square and its digest.

    Raises:
        PictureError: it cannot be read within the limits of the settings.
        OSError: the storage cannot read it; storages raise errors of their own besides.
    """
    stored = fetch_file(library, name)
    with stored.contents as contents:
        return decoders(1).read(contents, [side])[side], stored.digest


def decoding_limits() -> Limits:
    """Return what the settings allow a picture of the library to take."""
    settings = get_settings()
    return Limits(
        max_bytes=settings.MAX_BYTES,
        max_pixels=settings.MAX_PIXELS,
        max_memory=settings.MAX_MEMORY,
        max_seconds=settings.MAX_SECONDS,
        accept_damaged=settings.ACCEPT_DAMAGED,
    )


def decoders(processes: int) -> DecodingProcesses:
    """Return this process's decoders for the library's pictures.

    Args:
        processes: how many, where ``ARTSIMILARITY["DECODERS"]`` is None.
    """
    return _decoders(get_settings().DECODERS or processes, decoding_limits(), None)


def search_limits() -> Limits:
    """Return what the settings allow a visitor's own picture to take."""
    settings = get_settings()
    return Limits(
        max_bytes=settings.SEARCH_MAX_BYTES,
        max_pixels=settings.SEARCH_MAX_PIXELS,
        max_memory=settings.SEARCH_MAX_MEMORY,
        max_seconds=settings.SEARCH_MAX_SECONDS,
        accept_damaged=settings.ACCEPT_DAMAGED,
    )


def search_decoders() -> DecodingProcesses:
    """Return this process's decoders for visitors' own pictures."""
    settings = get_settings()
    return _decoders(settings.SEARCH_DECODERS, search_limits(), settings.SEARCH_SECONDS)


def read_for_thumbnail(contents: IO[bytes], side: int, *, hurried: bool) -> Square:
    """Decode a picture of the library, however small, to be shown.

    Args:
        contents: of its file.
        side: of the square, in pixels.
        hurried: for a page, within the processor time of searches; else as workers decode.

    Raises:
        PictureError: it cannot be read within the limits of the settings.
    """
    limits = replace(decoding_limits(), min_side=1)
    if not hurried:
        return decoders(1).read(contents, [side], limits=limits)[side]
    limits = _as_quick_as_a_search(limits)
    return _decoders(get_settings().SEARCH_DECODERS, limits, None).read(contents, [side])[side]


def read_for_detail(contents: IO[bytes], side: int, box: Area = WHOLE) -> Square:
    """Decode a part of a picture of the library for a visitor who waits: in the time of searches.

    Args:
        contents: of its file.
        side: of the square, in pixels.
        box: that the square shows of the upright picture.

    Raises:
        PictureError: it cannot be read within the limits of the settings.
        DecodersBusy: others are being read, for as long as a search may take.
    """
    limits = _as_quick_as_a_search(decoding_limits())
    return _decoders(1, limits, get_settings().SEARCH_SECONDS).read(contents, [side], box=box)[side]


def _as_quick_as_a_search(limits: Limits) -> Limits:
    return replace(limits, max_seconds=min(limits.max_seconds, get_settings().SEARCH_MAX_SECONDS))


@cache  # the processes go on from one picture to the next
def _decoders(processes: int, limits: Limits, wait: float | None) -> DecodingProcesses:
    return DecodingProcesses(processes, limits=limits, wait=wait)
