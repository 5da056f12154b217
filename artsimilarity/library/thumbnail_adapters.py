"""Thumbnails by the package that a host makes its own with; for ``ARTSIMILARITY["THUMBNAILS"]``.

Each adapter imports its package when it is made, as a host has one of them at most.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any, ClassVar

from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.db import models
from django.db.models.fields.files import FieldFile

from artsimilarity.library.thumbnails import SIZES, Thumbnail


def _require(app: str, distribution: str) -> None:
    """Say what to type where a package is not there, or not among the host's apps."""
    if find_spec(app.partition(".")[0]) is None:
        raise ImproperlyConfigured(
            f"{distribution} is not installed: python -m pip install {distribution}"
        )
    if not apps.is_installed(app):
        raise ImproperlyConfigured(f"Add {app!r} to INSTALLED_APPS, and run 'manage.py migrate'.")


class EasyThumbnails:
    """By easy-thumbnails. ``THUMBNAIL_CACHE_DIMENSIONS = True`` spares a look into each file."""

    sizes: ClassVar[tuple[int, ...]] = SIZES

    def __init__(self) -> None:
        _require("easy_thumbnails", "easy-thumbnails")
        from easy_thumbnails.files import get_thumbnailer

        self._thumbnailer: Any = get_thumbnailer

    def __call__(self, picture: models.Model, file: FieldFile) -> Thumbnail | None:
        """Return the thumbnail; raises what the package raises."""
        thumbnailer = self._thumbnailer(file)
        made = [thumbnailer.get_thumbnail({"size": (size, size)}) for size in self.sizes]
        return Thumbnail.of((one.url, one.width, one.height) for one in made)


class SorlThumbnail:
    """By sorl-thumbnail."""

    sizes: ClassVar[tuple[int, ...]] = SIZES

    def __init__(self) -> None:
        _require("sorl.thumbnail", "sorl-thumbnail")
        from sorl.thumbnail import get_thumbnail

        self._get_thumbnail: Any = get_thumbnail

    def __call__(self, picture: models.Model, file: FieldFile) -> Thumbnail | None:
        """Return the thumbnail; raises what the package raises.

        Raises:
            ValueError: the package could not make it, which it has logged itself.
        """
        made = [self._get_thumbnail(file, f"{size}x{size}", upscale=False) for size in self.sizes]
        if any(one.size is None for one in made):
            raise ValueError("sorl-thumbnail made none")
        return Thumbnail.of((one.url, one.width, one.height) for one in made)


class ImageKit:
    """By django-imagekit, as WebP."""

    sizes: ClassVar[tuple[int, ...]] = SIZES
    quality: ClassVar[int] = 80

    def __init__(self) -> None:
        _require("imagekit", "django-imagekit")
        from imagekit.cachefiles import ImageCacheFile

        self._file: Any = ImageCacheFile
        self._specs = [self._spec(size) for size in self.sizes]

    def _spec(self, size: int) -> Any:
        from imagekit import ImageSpec
        from imagekit.processors import ResizeToFit, Transpose

        attributes = {
            "processors": [Transpose(), ResizeToFit(size, size, upscale=False)],
            "format": "WEBP",
            "options": {"quality": self.quality},
        }
        return type(f"Thumbnail{size}", (ImageSpec,), attributes)

    def __call__(self, picture: models.Model, file: FieldFile) -> Thumbnail | None:
        """Return the thumbnail; raises what the package raises."""
        made = [self._file(spec(source=file)) for spec in self._specs]
        for one in made:
            one.generate()
        return Thumbnail.of((one.url, one.width, one.height) for one in made)


class WagtailRenditions:
    """By Wagtail's renditions, as WebP; for its own ``Image``, or a custom image model."""

    sizes: ClassVar[tuple[int, ...]] = SIZES

    def __init__(self) -> None:
        _require("wagtail.images", "wagtail")
        self._filters = [f"max-{size}x{size}|format-webp" for size in self.sizes]

    def misfit(self, model: type[models.Model]) -> str:
        """Say why a model has no renditions; "" if it has."""
        if hasattr(model, "get_renditions"):
            return ""
        return f"{model.__name__} is no image model of Wagtail and has no renditions."

    def __call__(self, picture: models.Model, file: FieldFile) -> Thumbnail | None:
        """Return the thumbnail; raises what the package raises."""
        image: Any = picture
        renditions = image.get_renditions(*self._filters)
        made = [renditions[one] for one in self._filters]
        return Thumbnail.of((one.url, one.width, one.height) for one in made)
