"""A library of drawn vectors."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from artsimilarity.encoder.recipe import ART
from artsimilarity.lab.search_speed.vectors import draw_centres, draw_library, draw_series


def draw(rows: int, *, series: int = 1) -> NDArray[np.float16]:
    """The first vectors of the same library every time."""
    random = np.random.default_rng(0)
    centres = draw_centres(ART, random)
    if series > 1:
        return draw_series(centres, rows, series, random, lambda count: None)
    return draw_library(centres, rows, random, lambda count: None)
