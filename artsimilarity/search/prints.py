"""Of several scans of one print, the nearest alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from artsimilarity.duplicates.pairs import keep_nearest, pairs_among
from artsimilarity.search.request import Search


def without_duplicates(pictures: Sequence[Any], search: Search) -> list[Any]:
    """Return the pictures without those that a nearer one, or one of the examples, is a scan of.

    Args:
        pictures: nearest first.
        search: its examples are none that the visitor may not see: what such a one is must not show
            in what is missing.
    """
    ahead = [str(picture.pk) for picture in search.examples]
    found = {str(one.pk): one for one in pictures}
    if not found:
        return []
    pairs = pairs_among(search.library, [*ahead, *found])
    keys = [(pair.first, pair.second) for pair in pairs]
    return [found[key] for key in keep_nearest([*ahead, *found], keys) if key in found]
