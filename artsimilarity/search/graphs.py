"""Which of a library's indexes a search asks: colours alone may have one of their own.

By colours alone many pictures are nearly as near as each other, and the graph of both blocks has
them far apart: the larger a library is, the more of it must be searched (docs/benchmarks.md).
"""

from __future__ import annotations

from functools import cache
from typing import Any

from artsimilarity.conf import get_settings
from artsimilarity.library import Library
from artsimilarity.library.index_build import VectorIndex
from artsimilarity.library.remembered import Remembered
from artsimilarity.schema.indexes import Graph

# How long it is remembered whether there is an index: a search without it would read every row.
_REMEMBERED_SECONDS, _MOST_REMEMBERED = 60.0, 1_000


def graph_for(library: Library, recipe: str, style: float) -> Graph:
    """Return by which graph a balance is searched.

    Where ``ARTSIMILARITY["COLOUR_INDEX"]`` is on, whether that index is there is asked once a
    minute; while it is built, and until then, colours are searched for in the index of both blocks.

    Args:
        library: that is searched.
        recipe: fingerprint of the vectors that are searched.
        style: weight of the style block, 0..1.
    """
    if style or not get_settings().COLOUR_INDEX:
        return Graph.BOTH
    table, _key = library.table()
    index = VectorIndex(library=library, recipe=recipe, graph=Graph.COLOUR)
    key = (*library.database, table, recipe)
    is_there = _known().get_or_make(key, lambda: index.file() is not None)
    return Graph.COLOUR if is_there else Graph.BOTH


@cache
def _known() -> Remembered[tuple[Any, ...], bool]:
    return Remembered(seconds=_REMEMBERED_SECONDS, most=_MOST_REMEMBERED)
