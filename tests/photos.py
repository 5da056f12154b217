"""A picture model of somebody else, and the companion that a host declares beside it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import connection, models
from django.db.models.signals import post_save, pre_save
from django.test.utils import isolate_apps

from artsimilarity.conf import get_settings
from artsimilarity.embedding import receivers
from artsimilarity.library import Library
from artsimilarity.library.index_build import VectorIndex
from artsimilarity.models import SimilarityCompanion
from tests.pictures import RED, picture_file, unit_blocks


@dataclass(frozen=True)
class Photos:
    """The two models, on tables of their own."""

    photo: type[Any]
    companion: type[Any]

    @property
    def library(self) -> Library:
        """The photos' library."""
        return Library.of(self.photo)

    def make(self, title: str, colour: tuple[int, int, int] = RED, **fields: Any) -> Any:
        """A saved photo whose picture is of one colour."""
        return self.photo.objects.create(title=title, image=picture_file(colour), **fields)

    def make_embedded(
        self, title: str, style: Any = (1.0,), colour: Any = (1.0,), **fields: Any
    ) -> Any:
        """A saved photo with a given vector, as a worker would have left it."""
        photo = self.photo(title=title, image=f"{title}.png", **fields)
        photo.save_base(raw=True)
        self.library.add_rows([photo.pk])
        self.library.rows.filter(pk=photo.pk).update(
            embedding=unit_blocks(style, colour).tolist(),
            embedding_recipe=get_settings().recipe.fingerprint,
            embedding_image=photo.image.name,
            embedding_digest=title.ljust(64, "0")[:64],
            embedding_status="ready",
        )
        return photo


@contextmanager
def photo_tables() -> Iterator[Photos]:
    """Make the models and their tables, within the transaction of a test."""
    with isolate_apps("demo_site.library"):

        class Photo(models.Model):
            title = models.CharField(max_length=100)
            image = models.ImageField(upload_to="photos", max_length=255)
            public = models.BooleanField(default=True, db_index=True)

            class Meta:
                app_label = "library"

            def __str__(self) -> str:
                return self.title

        class PhotoEmbedding(SimilarityCompanion):
            picture = models.OneToOneField(
                Photo,
                models.CASCADE,
                primary_key=True,
                related_name="embedding",
                db_constraint=False,
            )

            class Meta:
                app_label = "library"

            @classmethod
            def similarity_queryset(cls, request: Any = None) -> models.QuerySet[Any]:
                return Photo._default_manager.filter(public=True)

        with connection.schema_editor() as editor:
            editor.create_model(Photo)
            editor.create_model(PhotoEmbedding)
        VectorIndex.serving(Library.of(Photo)).build()
        receivers.connect(Photo)
        try:
            yield Photos(Photo, PhotoEmbedding)
        finally:
            uid = f"artsimilarity.{Photo._meta.label_lower}"
            pre_save.disconnect(sender=Photo, dispatch_uid=uid)
            post_save.disconnect(sender=Photo, dispatch_uid=uid)
