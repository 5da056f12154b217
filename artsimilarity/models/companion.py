"""A table of embeddings beside a picture model that the host cannot, or would not, change."""

from __future__ import annotations

from typing import Any, ClassVar

from django.core import checks
from django.db import models

import artsimilarity.schema.preparation  # noqa: F401 -- listens before a host's class is made
from artsimilarity.checks import check_companion
from artsimilarity.schema.columns import EmbeddingColumns
from artsimilarity.schema.managers import DeferringManager


class SimilarityCompanion(EmbeddingColumns):
    """The embeddings of another model's pictures, one row a picture.

    The host declares the one-to-one field, whose primary key is the picture's::

        class PhotoEmbedding(SimilarityCompanion):
            picture = models.OneToOneField(
                "photologue.Photo", models.CASCADE, primary_key=True, db_constraint=False,
                related_name="embedding",
            )

    Searches are given a picture: ``more_like_this(photo)``. Rows are made when pictures are saved,
    by the sweep, and by ``embed_artworks``.
    """

    similarity_picture_field: ClassVar[str] = "picture"

    objects: ClassVar[models.Manager[Any]] = DeferringManager()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return str(self.pk)

    @classmethod
    def check(cls, **kwargs: Any) -> list[checks.CheckMessage]:
        """Django's model checks and ours."""
        return [*super().check(**kwargs), *check_companion(cls)]
