"""The indexes of a table with embeddings.

The host's ``makemigrations`` sees all but those of the vectors: these come and go with recipes, so
the app builds them itself (:mod:`artsimilarity.library.index_build`).
"""

from __future__ import annotations

import math
import re
from enum import Enum
from typing import Any, Final

from django.contrib.postgres.indexes import OpClass
from django.db import models
from django.db.backends.utils import names_digest
from django.db.models import F, Q
from pgvector.django import HnswIndex

from artsimilarity.conf import get_settings
from artsimilarity.encoder.recipe import block_sizes
from artsimilarity.schema.columns import EmbeddingColumns
from artsimilarity.schema.sql import IndexedSubvector, Scaled
from artsimilarity.schema.states import EmbeddingStatus

STYLE_IN_GRAPH: Final = 0.7
"""The balance, 0..1, at which vectors are near each other in the index's graph.

A search at any balance walks the same graph, and finds the less on its way the further its balance
is from the graph's: style alone was the hardest, so the graph leans that way (docs/benchmarks.md).
"""

GRAPH_FACTORS: Final = (math.sqrt(2 * STYLE_IN_GRAPH), math.sqrt(2 * (1 - STYLE_IN_GRAPH)))
"""What the index multiplies the style block and the colour block with; a query is divided by it."""


class Graph(Enum):
    """By what of their vectors an index links pictures that are near each other."""

    BOTH = "both"
    """By both blocks, leaning to style: searches at any balance walk it."""

    COLOUR = "colour"
    """By the colour block alone: searches at style 0 walk it, and no others."""


# In the graph of colours more candidates make building longer and find no more: at 100,000 pictures
# 0.998 of the ten nearest are found after 14 s, and after 39 s with 256 (docs/benchmarks.md).
_COLOUR_EF_CONSTRUCTION = 64

# Below this style the colour block decides.
_LEANS_ON_COLOUR = 0.1

_SUFFIXES = {
    Graph.BOTH: {"embedding": "hnsw", "embedding_next": "next"},
    Graph.COLOUR: {"embedding": "colour", "embedding_next": "nextcol"},  # 30 characters in all
}


def index_name(table: type[models.Model], column: str, graph: Graph = Graph.BOTH) -> str:
    """Return the name of an index of the vectors in a column, of whichever recipe they are."""
    return f"{_prefix(table._meta.db_table)}_{_SUFFIXES[graph][column]}"


def hnsw_index(
    table: type[models.Model],
    fingerprint: str,
    column: str = "embedding",
    graph: Graph = Graph.BOTH,
) -> HnswIndex:
    """Return the HNSW index of the vectors of one recipe.

    Of these alone: an index takes vectors of one size, and candidates of another recipe would be
    none. Its name says which column it is of and not which recipe.

    Args:
        table: model that declares the columns.
        fingerprint: of the recipe.
        column: ``embedding`` or ``embedding_next``.
        graph: which of the column's indexes.
    """
    settings = get_settings()
    construction = settings.HNSW_EF_CONSTRUCTION
    if graph is Graph.COLOUR:
        construction = max(_COLOUR_EF_CONSTRUCTION, 2 * settings.HNSW_M)  # no fewer are allowed
    return HnswIndex(
        OpClass(as_indexed(F(column), fingerprint, graph), name="halfvec_ip_ops"),
        condition=Q(**{f"{column}_recipe": fingerprint}),
        m=settings.HNSW_M,
        ef_construction=construction,
        name=index_name(table, column, graph),
    )


def candidates_setting(style: float, graph: Graph) -> str:
    """Return which setting says how many candidates a search takes at least.

    By colours alone, or nearly so, many pictures are nearly as near as each other: that needs more
    candidates, unless they are near each other in the graph as well.
    """
    is_far = style < _LEANS_ON_COLOUR and graph is Graph.BOTH
    return "EF_SEARCH_COLOUR" if is_far else "EF_SEARCH"


def as_indexed(
    vector: Any, fingerprint: str, graph: Graph = Graph.BOTH
) -> Scaled | IndexedSubvector:
    """Return a vector of a recipe as an index has it; of both blocks, halves are rounded anew."""
    style, colour = sizes = block_sizes(fingerprint)
    if graph is Graph.COLOUR:
        return IndexedSubvector(vector, style + 1, colour)
    return Scaled(vector, GRAPH_FACTORS, sizes)


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
