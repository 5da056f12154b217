"""The mixin that gives the host's own picture model an embedding."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from django.core import checks

import artsimilarity.models.managers
import artsimilarity.schema.preparation  # noqa: F401 -- both listen before a host's class is made
from artsimilarity.checks import check_model
from artsimilarity.schema.columns import EmbeddingColumns
from artsimilarity.search.querysets import SimilarityManager


class SimilarityMixin(EmbeddingColumns):
    """Adds the embedding of one image field to a picture model, and keeps it up to date."""

    objects: ClassVar[SimilarityManager[Self]] = SimilarityManager()

    class Meta:
        abstract = True

    @classmethod
    def check(cls, **kwargs: Any) -> list[checks.CheckMessage]:
        """Django's model checks and ours."""
        return [*super().check(**kwargs), *check_model(cls)]
