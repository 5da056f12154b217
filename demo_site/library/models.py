"""The library's one model."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Self

from django.contrib.postgres.indexes import GinIndex
from django.core.validators import URLValidator
from django.db import models
from django.db.models.functions import MD5, Cast
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from artsimilarity.library.thumbnails import Thumbnail, thumbnail_of
from artsimilarity.models import SimilarityMixin
from demo_site.library.pictures import Plate, Tile, read_size
from demo_site.library.words import Century, Words


class Artwork(SimilarityMixin, models.Model):
    """A picture and what is known about it."""

    title = models.CharField(_("title"), max_length=200)
    artist = models.CharField(_("artist"), max_length=200, blank=True, db_index=True)
    year = models.CharField(_("year"), max_length=60, blank=True, help_text=_("Such as c. 1857"))
    image = models.ImageField(_("picture"), upload_to="artworks/%Y/%m", max_length=255)
    width = models.PositiveIntegerField(_("width"), null=True, editable=False)
    height = models.PositiveIntegerField(_("height"), null=True, editable=False)
    technique = models.CharField(_("technique"), max_length=60, blank=True, db_index=True)
    palette = models.CharField(_("palette"), max_length=60, blank=True, db_index=True)
    credit = models.CharField(
        _("credit line"),
        max_length=300,
        blank=True,
        default="",
        db_default="",
        help_text=_(
            "Whose it is and what others may do with it, such as “Rijksmuseum, public domain”"
        ),
    )
    licence = models.CharField(
        _("address of the licence"),
        max_length=300,
        blank=True,
        default="",
        db_default="",
        validators=[URLValidator(schemes=["http", "https"])],
    )
    published = models.BooleanField(_("published"), default=True)
    # Such a picture is shown once a worker has read it; see similarity_queryset().
    from_visitor = models.BooleanField(
        _("added by a visitor"), default=False, db_default=False, editable=False
    )
    source_digest = models.CharField(
        _("sha256 of the loaded file"), max_length=64, blank=True, db_index=True, editable=False
    )
    created = models.DateTimeField(_("added"), auto_now_add=True)

    class Meta:
        verbose_name = _("artwork")
        verbose_name_plural = _("artworks")
        ordering = ["-pk"]
        indexes = [
            GinIndex(Words(), name="artwork_words"),
            models.Index(Century(), name="artwork_century"),
            models.Index(MD5(Cast("id", models.TextField())), name="artwork_mixed"),
        ]

    def __str__(self) -> str:
        return self.title

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save, and note a new file's size, so that pages reserve the room before it arrives."""
        fields: Iterable[str] | None = kwargs.get("update_fields")
        chosen = fields is None or "image" in fields
        image: Any = self.image if chosen and "image" not in self.get_deferred_fields() else None
        if image and not image._committed:
            self.width, self.height = read_size(image) or (None, None)
            if fields is not None:
                kwargs["update_fields"] = {*fields, "width", "height"}
        super().save(*args, **kwargs)

    def get_absolute_url(self) -> str:
        """The picture's page."""
        return reverse("library:artwork", args=[self.pk])

    @classmethod
    def similarity_queryset(cls, request: HttpRequest | None = None) -> models.QuerySet[Self]:
        """Only published pictures are shown; those that a visitor has added when they were read.

        Asked of the row as it is now: no message, which may be lost, has to say that it was read.
        """
        is_read = models.Q(from_visitor=False) | models.Q(embedded_at__isnull=False)
        return cls.objects.filter(is_read, published=True)

    @property
    def tile(self) -> Tile:
        """The room that it takes in a row of pictures."""
        return Tile.of(self.width, self.height)

    @property
    def plate(self) -> Plate:
        """The room that it takes on its own page."""
        return Plate.of(self.width, self.height)

    @property
    def maker_and_year(self) -> str:
        """What stands under its title."""
        return ", ".join(filter(None, (self.artist, self.year)))

    @property
    def thumbnail(self) -> Thumbnail | None:
        """Smaller versions of the picture; None if the file cannot be read."""
        return thumbnail_of(self)
