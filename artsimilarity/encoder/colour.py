"""Colour of a picture: how many of its pixels lie in each cube of RGB space. Numpy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def colour_histogram(picture: NDArray[np.uint8], bins: int) -> NDArray[np.float32]:
    """Counts all pixels in bins x bins x bins cubes of RGB space, and takes the square root.

    The inner product of two such vectors is the Hellinger affinity (Bhattacharyya coefficient) of
    the two distributions: 1 for the same colours in the same shares, 0 for no colour in common.

    Args:
        picture: sRGB values, shape (height, width, 3), uint8.
        bins: Cubes along each axis, 1 to 256.

    Returns:
        Shape (bins**3,), float32, not negative, of length 1; red varies slowest, blue fastest.

    Raises:
        ValueError: The picture has another shape or type, or no pixel, or bins is out of range.
    """
    if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8 or not picture.size:
        raise ValueError(
            f"A picture is a uint8 array of shape (height, width, 3), "
            f"not {picture.dtype} of shape {picture.shape}."
        )
    if not 1 <= bins <= 256:
        raise ValueError(f"bins is between 1 and 256, not {bins}.")
    cube_of_level = np.arange(256, dtype=np.intp) * bins // 256
    red, green, blue = (cube_of_level[picture[..., channel]] for channel in range(3))
    cubes = (red * bins + green) * bins + blue
    counts = np.bincount(cubes.ravel(), minlength=bins**3)
    roots: NDArray[np.float32] = np.sqrt(counts / counts.sum()).astype(np.float32)
    return roots
