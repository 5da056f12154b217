"""What the sample pictures show: fourteen scenes, each some hundred shapes."""

from collections.abc import Callable

import numpy as np

from ..composition import Composition, Painter
from . import built, land, still, water

Scene = Callable[[Painter], None]


def compose(scene: Scene, width: int, height: int, rng: np.random.Generator) -> Composition:
    """Return ``scene`` as a composition of width x height pixels."""
    painter = Painter(width, height, rng)
    scene(painter)
    return painter.finish()


SCENES: dict[str, Scene] = {
    "valley": land.valley,
    "coast": water.coast,
    "still-life": still.still_life,
    "elevation": built.elevation,
    "tarn": land.tarn,
    "botanical": still.botanical,
    "harbour": water.harbour,
    "ruin": built.ruin,
    "birches": land.birches,
    "chart": built.chart,
    "bridge": water.bridge,
    "oak": land.oak,
    "wave": water.wave,
    "blossom": still.blossom,
}
