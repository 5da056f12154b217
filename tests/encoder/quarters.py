"""One picture in many kinds of files: four quarters in colour, darker to the left."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

WIDTH, HEIGHT = 120, 90
COLOURS = ((200, 40, 40), (40, 160, 60), (50, 70, 190), (230, 200, 80))


def quarters(width: int = WIDTH, height: int = HEIGHT) -> NDArray[np.uint8]:
    """Shape (height, width, 3)."""
    picture = np.zeros((height, width, 3))
    for place, colour in enumerate(COLOURS):
        y, x = divmod(place, 2)
        half = picture[y * height // 2 :, x * width // 2 :]
        half[:] = colour
    picture *= np.linspace(0.6, 1, width)[None, :, None]
    return picture.round().astype(np.uint8)


def squashed(picture: NDArray[np.uint8], side: int) -> NDArray[np.float64]:
    image = Image.fromarray(picture).resize((side, side), Image.Resampling.BILINEAR)
    return np.asarray(image).astype(np.float64)
