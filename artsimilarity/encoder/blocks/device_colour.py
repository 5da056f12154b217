"""Colour of many pictures at once, on the device where they are: what colour.py counts. Torch."""

from __future__ import annotations

import torch
from torch import Tensor


def colour_histograms(
    pictures: Tensor, bins: int, *, sample: Tensor | None = None, root: bool = True
) -> Tensor:
    """Counts the pixels of each picture in bins x bins x bins cubes of RGB space.

    The counts are exactly those of ``colour.colour_histogram``, and nothing is waited for: on CUDA
    ``torch.bincount`` would fetch its largest value first.

    Args:
        pictures: sRGB values, shape (n, height, width, 3), uint8.
        bins: Cubes along each axis, 1 to 256.
        sample: Places of the pixels that are counted, int64, row by row from 0; None counts all.
        root: Whether the square roots of the shares are returned; otherwise the counts are.

    Returns:
        Shape (n, bins**3), float32, on the same device; red varies slowest, blue fastest.
    """
    pixels = pictures.flatten(1, 2)
    if sample is not None:
        pixels = pixels[:, sample]
    red, green, blue = (pixels.int() * bins // 256).unbind(2)
    cubes = ((red * bins + green) * bins + blue).long()
    counts = torch.zeros((len(pictures), bins**3), dtype=torch.int32, device=pictures.device)
    counts.scatter_add_(1, cubes, torch.ones_like(cubes, dtype=torch.int32))
    # In float64, as numpy does it: the roots are then the same to the last bit.
    return (counts.double() / pixels.shape[1]).sqrt().float() if root else counts.float()
