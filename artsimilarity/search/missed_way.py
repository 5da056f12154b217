"""Tells whether a walk through an index's graph ended far from the picture searched for.

In a large graph a walk may end in another part than it should, with few candidates more often than
with many: at a million pictures a whole page was wrong for one or two in a hundred.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

# The similarity to itself that rounding leaves a picture.
_AS_NEAR = 0.999


def is_missed(found: Iterable[tuple[Any, float]], itself: Any) -> bool:
    """Whether a search did not come by the picture searched for, though by others farther away.

    Args:
        found: primary keys and similarities, of a search that leaves out no picture.
        itself: primary key of the picture searched for.
    """
    similarity = dict(found)
    return itself not in similarity and min(similarity.values(), default=1.0) < _AS_NEAR
