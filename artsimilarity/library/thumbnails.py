"""Small versions of pictures for pages: what one is, and the function that pages ask for it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from typing import Any, Self, TypeAlias

from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.db import DatabaseError, models
from django.db.models.fields.files import FieldFile
from django.dispatch import receiver
from django.utils.module_loading import import_string
from PIL import Image

from artsimilarity.conf import SETTING, get_settings
from artsimilarity.encoder.pictures.processes import DecodersBusy
from artsimilarity.library.library import Library
from artsimilarity.library.presentation import hook
from artsimilarity.library.remembered import Remembered

logger = logging.getLogger(__name__)

SIZES = (240, 480)
"""Pixels of the longer side: a tile of 160 to 240 CSS pixels on a plain and on a sharp screen."""

# A picture without a thumbnail is not tried again, and not logged again, for so long.
_SECONDS_OF_FAILURE = 600
_MOST_FAILURES = 10_000


@dataclass(frozen=True)
class Thumbnail:
    """The whole picture, small.

    Attributes:
        url: address of the version for plain screens.
        width: its pixels; None if nobody knows.
        height: likewise.
        srcset: all versions as HTML has them, by their widths; empty if there is one.
    """

    url: str
    width: int | None = None
    height: int | None = None
    srcset: str = ""

    @classmethod
    def of(cls, versions: Iterable[tuple[str, int, int]]) -> Self:
        """Return the thumbnail with these versions: address, width and height, smallest first."""
        by_width = {width: (url, height) for url, width, height in versions}
        width, (url, height) = next(iter(by_width.items()))
        listed = ", ".join(f"{one} {pixels}w" for pixels, (one, _height) in by_width.items())
        return cls(url, width, height, listed if len(by_width) > 1 else "")

    @property
    def longest(self) -> int | None:
        """Pixels of the longer side."""
        return max(self.width, self.height) if self.width and self.height else None


Adapter: TypeAlias = Callable[[models.Model, FieldFile], Thumbnail | None]
"""Gives the thumbnail of a picture and its file; may raise what it likes, which is logged.

None where there is none, or none yet: a page has :func:`~artsimilarity.library.patience.patience`.
A method ``misfit(model) -> str``, if it has one, says for ``manage.py check`` why it cannot serve a
model, or "". A method ``stored_bytes(picture, file) -> bytes | None``, if it has one, gives the
WebP file of the smallest version, where that is stored, for the map's sheets.
"""


def thumbnail_of(picture: models.Model) -> Thumbnail | None:
    """Return a picture's thumbnail: the host's ``similarity_thumbnail``, else the adapter's.

    The hook returns a :class:`Thumbnail`, an address alone, or None. Whatever goes wrong with one
    file must not take a page down: it is logged, and the picture has no thumbnail for ten minutes.
    None may also mean that the page has waited long enough: the next one has it.

    Raises:
        TypeError: the picture's model has no embedding.
        DatabaseError: the database failed, after which a page could not go on either.
    """
    return _source().thumbnail_of(picture)


def small_version(picture: models.Model, side: int) -> Image.Image | None:
    """Return a picture from its smallest stored thumbnail, its longer side so many pixels.

    Nothing is made for it. None where there is no thumbnail yet, and where
    :func:`gives_small_versions` says no.

    Raises:
        TypeError: the picture's model has no embedding.
        ImproperlyConfigured: there is no such adapter.
        DatabaseError: the database failed.
    """
    return _source().small_version(picture, side)


def gives_small_versions(library: Library) -> bool:
    """Whether some of a library's pictures may have one.

    No where the host's hook or an adapter without ``stored_bytes`` says what is shown of a picture.

    Raises:
        TypeError: the library's model has no embedding.
        ImproperlyConfigured: there is no such adapter.
    """
    return _source().gives_small_versions(library)


def prepare_thumbnails(
    library: Library, pks: Sequence[Any], *, should_stop: Callable[[], bool] = bool
) -> None:
    """Have the thumbnails of some pictures made before a page asks for them.

    Of pictures that anybody may meet: of a hidden one nothing is laid anywhere before it is shown
    to somebody who may see it.

    Raises:
        DatabaseError: the database failed.
    """
    pictures = list(library.visible(None).using(library.using).filter(pk__in=pks))
    library.load_rows(pictures)
    for picture in pictures:
        if should_stop():
            return
        thumbnail_of(picture)


def load_adapter(path: str) -> Adapter:
    """Return the adapter at a dotted path, an instance if it is a class.

    Raises:
        ImproperlyConfigured: it is not there, or what it needs is not.
    """
    try:
        named = import_string(path)
        adapter: Adapter = named() if isinstance(named, type) else named
    except ImportError as error:
        raise ImproperlyConfigured(f"{path!r} cannot be imported: {error}") from error
    if not callable(adapter):
        raise ImproperlyConfigured(f"{path!r} is neither a class of adapters nor a function.")
    return adapter


class _Source:
    """The hooks and the adapter, and which pictures have failed of late."""

    def __init__(self) -> None:
        self._failed: Remembered[tuple[Any, ...], bool] = Remembered(
            seconds=_SECONDS_OF_FAILURE, most=_MOST_FAILURES
        )
        self._adapter: Adapter | None = None

    def thumbnail_of(self, picture: models.Model) -> Thumbnail | None:
        library = Library.of(type(picture))
        file: FieldFile | None = getattr(picture, library.image_field)
        made_by_host = hook(picture, "similarity_thumbnail")
        key = (library.name, picture.pk, file.name if file else "")
        if self._failed.get(key):
            return None
        try:
            if made_by_host:
                return _as_thumbnail(made_by_host(picture))
            return self._loaded()(picture, file) if file else None
        except DatabaseError:
            raise
        except DecodersBusy:  # no fault of the file: the next page tries again
            return None
        except Exception as error:  # storages, decoders and other packages have errors of their own
            self._failed.put(key, True)
            logger.warning(
                "No thumbnail of %s %s (%s): %s",
                library.name,
                picture.pk,
                key[-1],
                error or type(error).__name__,
                exc_info=not isinstance(error, (ValueError, OSError, ImproperlyConfigured)),
            )
            return None

    def small_version(self, picture: models.Model, side: int) -> Image.Image | None:
        library = Library.of(type(picture))
        file: FieldFile | None = getattr(picture, library.image_field)
        if not file or not self.gives_small_versions(library):
            return None
        adapter: Any = self._loaded()
        try:
            data = adapter.stored_bytes(picture, file)
            if data is None:
                return None
            with Image.open(BytesIO(data), formats=("WEBP",)) as version:
                small = version.convert("RGB")
        except DatabaseError:
            raise
        except Exception as error:  # noqa: BLE001 -- storages have errors of their own; it is logged
            logger.warning("No small version of %s %s: %s", library.name, picture.pk, error)
            return None
        small.thumbnail((side, side), Image.Resampling.LANCZOS)
        return small

    def gives_small_versions(self, library: Library) -> bool:
        if library.shows_thumbnails_of_host:
            return False
        return hasattr(self._loaded(), "stored_bytes")

    def _loaded(self) -> Adapter:
        if self._adapter is None:
            self._adapter = load_adapter(get_settings().THUMBNAILS)
        return self._adapter


def _as_thumbnail(said: Thumbnail | str | None) -> Thumbnail | None:
    if isinstance(said, str):
        return Thumbnail(said) if said else None
    return said


@cache
def _source() -> _Source:
    return _Source()


@receiver(setting_changed)
def _forget_source(*, setting: str, **kwargs: Any) -> None:
    if setting in (SETTING, "INSTALLED_APPS", "MEDIA_ROOT", "STORAGES"):
        _source.cache_clear()
