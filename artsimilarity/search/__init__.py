"""“More like this”: query vector, plan, SQL, page, explanation; one pipeline for every search.

Imports ``duplicates``, ``library`` and ``schema``. Template tags, ``api``, ``admin``, ``models``
(for ``similar_to()``) and ``own_picture`` import it; ``embedding`` ends what it remembers.
"""

from artsimilarity.search.cursor import Cursor, CursorError
from artsimilarity.search.entry_points import (
    amore_like_this,
    more_like_these,
    more_like_this,
    search_by_colours,
)
from artsimilarity.search.neighbours import Neighbours, NeighbourStatus
from artsimilarity.search.querysets import similar_to

__all__ = [
    "Cursor",
    "CursorError",
    "NeighbourStatus",
    "Neighbours",
    "amore_like_this",
    "more_like_these",
    "more_like_this",
    "search_by_colours",
    "similar_to",
]
