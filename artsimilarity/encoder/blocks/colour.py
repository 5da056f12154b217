"""Colour of a picture: how many of its pixels lie in each cube of RGB space. Numpy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def colour_histogram(
    picture: NDArray[np.uint8],
    bins: int,
    *,
    sample: NDArray[np.intp] | None = None,
    root: bool = True,
) -> NDArray[np.float32]:
    """Counts pixels in bins x bins x bins cubes of RGB space.

    The inner product of two vectors of roots is the Hellinger affinity (Bhattacharyya coefficient)
    of the two distributions: 1 for the same colours in the same shares, 0 for no colour in common.

    Args:
        picture: sRGB values, shape (height, width, 3), uint8.
        bins: Cubes along each axis, 1 to 256.
        sample: Places of the pixels that are counted, row by row from 0; None counts all.
        root: Whether the square roots of the shares are returned, which have length 1; otherwise
            the counts are.

    Returns:
        Shape (bins**3,), float32, not negative; red varies slowest, blue fastest.

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
    pixels = picture.reshape(-1, 3)
    if sample is not None:
        pixels = pixels[sample]
    cube_of_level = np.arange(256, dtype=np.intp) * bins // 256
    red, green, blue = (cube_of_level[pixels[:, channel]] for channel in range(3))
    counts = np.bincount((red * bins + green) * bins + blue, minlength=bins**3)
    values: NDArray[np.float32] = (np.sqrt(counts / counts.sum()) if root else counts).astype(
        np.float32
    )
    return values


def pixel_sample(pixels: int, size: int, seed: int) -> NDArray[np.intp]:
    """Draws the places of some pixels, none twice.

    Args:
        pixels: Pixels of the picture.
        size: Places drawn, at most that many.
        seed: 0 to 2**32 - 1; the same places for the same seed, on any machine.

    Returns:
        Shape (size,), intp.
    """
    # Of numpy's generators only RandomState promises the same stream in every version (NEP 19).
    return np.random.RandomState(seed).permutation(pixels)[:size]
