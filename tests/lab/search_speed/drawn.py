"""A library of drawn vectors."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from artsimilarity.encoder.recipe import ART
from artsimilarity.lab.search_speed.vectors import draw_centres, draw_library


def draw(rows: int) -> NDArray[np.float16]:
    """The first vectors of the same library every time."""
    random = np.random.default_rng(0)
    return draw_library(draw_centres(ART, random), rows, random, lambda count: None)
