"""The indexes of a table with embeddings, where the host's ``makemigrations`` sees them."""

from __future__ import annotations

import re

from django.db import models
from django.db.backends.utils import names_digest
from django.db.models import Q
from pgvector.django import HnswIndex

from artsimilarity.conf import get_settings
from artsimilarity.schema.columns import EmbeddingColumns
from artsimilarity.schema.states import EmbeddingStatus


def hnsw_index(model: type[models.Model]) -> HnswIndex:
    """Return the HNSW index of the vectors that the model declares."""
    return next(
        index
        for index in model._meta.indexes
        if isinstance(index, HnswIndex) and "embedding" in index.fields
    )


def add_indexes(model: type[EmbeddingColumns]) -> None:
    """Give a host's complete model our indexes; ``original_attrs`` is where migrations look."""
    options = model._meta
    if not any(field.name == "embedding" for field in options.local_fields):
        return
    prefix = _prefix(options.db_table)
    indexes: list[models.Index] = [
        models.Index(
            fields=["embedding_status"],
            condition=~Q(embedding_status=EmbeddingStatus.READY),
            name=f"{prefix}_todo",
        )
    ]
    if not any(isinstance(i, HnswIndex) and "embedding" in i.fields for i in options.indexes):
        settings = get_settings()
        indexes.append(
            HnswIndex(
                fields=["embedding"],
                opclasses=["halfvec_ip_ops"],
                m=settings.HNSW_M,
                ef_construction=settings.HNSW_EF_CONSTRUCTION,
                name=f"{prefix}_hnsw",
            )
        )
    if model.similarity_finds_duplicates:
        indexes.append(
            HnswIndex(
                fields=["embedding_copy_descriptor"],
                opclasses=["halfvec_ip_ops"],
                name=f"{prefix}_copy",
            )
        )
    options.indexes = [*options.indexes, *indexes]
    options.original_attrs["indexes"] = options.indexes


def _prefix(table: str) -> str:
    """A beginning for index names: a letter comes first, and a table may be a quoted path."""
    readable = re.sub(r"\W+", "_", table)[:12]
    first = readable if readable[:1].isalpha() else f"t{readable}"[:12]
    return f"{first}_{names_digest(table, 'embedding', length=8)}"
