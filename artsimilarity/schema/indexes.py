"""The indexes of a table with embeddings, where the host's ``makemigrations`` sees them."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.backends.utils import names_digest
from django.db.models import Q
from django.db.models.signals import class_prepared
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


def add_indexes(sender: type[models.Model], **kwargs: Any) -> None:
    """Give a host's model our indexes, also when its ``Meta`` does not inherit ours.

    ``Meta.indexes`` of an abstract model is lost as soon as the host writes a ``Meta`` of its own,
    so they are added once the class is complete; ``original_attrs`` is where migrations look.
    """
    options = sender._meta
    if not issubclass(sender, EmbeddingColumns) or options.abstract or options.proxy:
        return
    if not any(field.name == "embedding" for field in options.local_fields):
        return
    prefix = f"{options.db_table[:12]}_{names_digest(options.db_table, 'embedding', length=8)}"
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
    if sender.similarity_finds_duplicates:
        indexes.append(
            HnswIndex(
                fields=["embedding_copy_descriptor"],
                opclasses=["halfvec_ip_ops"],
                name=f"{prefix}_copy",
            )
        )
    options.indexes = [*options.indexes, *indexes]
    options.original_attrs["indexes"] = options.indexes


class_prepared.connect(add_indexes, dispatch_uid="artsimilarity.indexes")
