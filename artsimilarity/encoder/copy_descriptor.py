"""Copy descriptor of a picture, by which scans of one print are recognised. numpy.

The picture's brightness, as the lowest 16 x 16 cosine frequencies of its square, weighted towards
those that tell pictures apart and that survive scanning. The inner product of two descriptors is
the correlation of the two filtered pictures: resizing, recompression, a change of brightness and
the loss of colour barely move it. A crop moves it more; but because a window of a sum of cosines
is again one, :func:`similarity` can cut windows out of a descriptor without the picture.

Whoever changes what :func:`copy_descriptor` computes must clear the stored ones: nothing in them
says how they were made. Figures are in docs/duplicates.md.
"""

from __future__ import annotations

from functools import cache
from itertools import product
from typing import Final

import numpy as np
from numpy.typing import NDArray

_FREQUENCIES: Final = 16
SIZE: Final = _FREQUENCIES**2

# Brightness as it is weighed in television (ITU-R BT.601), and by Pillow for greyscale copies.
_LUMINANCE: Final = (0.299, 0.587, 0.114)

# Weight k * exp(-k^2 / 50) of frequency k: half of a picture's variance lies in the lowest few,
# which many pictures share (a bright sky, a dark border); the highest suffer first from a crop.
_FALLOFF: Final = 50

# Standard deviation of the brightness, of 255, below which there is nothing to recognise.
_FLAT: Final = 2.0

# Shares that a crop may take from each edge. Halfway between two of them the loss is small.
_CUTS: Final = (0.0, 0.025, 0.05)

# Points of a line at which cosines and their windows are compared.
_SAMPLES: Final = 512


def copy_descriptor(square: NDArray[np.uint8]) -> NDArray[np.float32] | None:
    """Describes a picture's coarse shapes in light and dark.

    Args:
        square: sRGB values, shape (side, side, 3), uint8; any side of 32 or more gives nearly the
            same descriptor.

    Returns:
        Shape (256,), float32, of length 1; None for a picture that is all but flat, which would
        otherwise be like every other flat one.
    """
    side = square.shape[0]
    brightness = square @ np.array(_LUMINANCE, dtype=np.float32)
    cosines = _cosines((np.arange(side) + 0.5) / side) / side
    values = cosines.T @ brightness @ cosines
    values[0, 0] = 0.0
    if np.linalg.norm(values) < _FLAT:
        return None
    weighted: NDArray[np.float32] = (values * _weights()).astype(np.float32).ravel()
    return weighted / _lengths(weighted)


def similarity(one: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.float32]:
    """Correlates a picture with others, each either whole or with one of the two cropped.

    Args:
        one: A descriptor, shape (256,).
        others: Descriptors, shape (n, 256).

    Returns:
        Shape (n,), float32, -1..1: the best over all crops of up to 5 % from each edge.
    """
    if not len(others):
        return np.empty(0, dtype=np.float32)
    of_one, of_others = _windows(one[None])[0], _windows(others)
    cut_from_one = (of_one / _lengths(of_one)[:, None]) @ others.T
    cut_from_others = of_others @ one / _lengths(of_others)
    best: NDArray[np.float32] = np.maximum(cut_from_one.max(axis=0), cut_from_others.max(axis=1))
    return best


def _windows(descriptors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Crops' descriptors, not of length 1, from those of whole pictures: (n, crops, 256)."""
    weights = _weights()
    whole = descriptors.reshape(-1, _FREQUENCIES, _FREQUENCIES) / np.where(weights, weights, 1)
    cut_down = np.tensordot(_crops(), whole, ([2], [1]))  # crop, row, picture, column
    cut = np.tensordot(cut_down, _crops(), ([3], [2]))  # crop, row, picture, crop, column
    ordered = cut.transpose(2, 0, 3, 1, 4) * weights
    windows: NDArray[np.float32] = ordered.reshape(len(descriptors), -1, SIZE)
    return windows


def _lengths(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Lengths along the last axis; 1 for a vector of zeros, whose products are zero anyway."""
    lengths = np.sqrt(np.einsum("...k,...k->...", vectors, vectors))
    positive: NDArray[np.float32] = np.where(lengths, lengths, np.float32(1))
    return positive


@cache
def _crops() -> NDArray[np.float32]:
    """Matrices that take the frequencies of a line to those of a part of it: (crops, 16, 16)."""
    middles = (np.arange(_SAMPLES) + 0.5) / _SAMPLES
    whole = _cosines(middles) / _SAMPLES
    parts = [start + middles * (1 - start - end) for start, end in product(_CUTS, repeat=2)]
    matrices = np.stack([whole.T @ _cosines(part) for part in parts])
    return matrices.astype(np.float32)


@cache
def _weights() -> NDArray[np.float32]:
    squared = np.arange(_FREQUENCIES) ** 2
    frequency = np.sqrt(squared[:, None] + squared[None])
    weights = frequency * np.exp(-(frequency**2) / _FALLOFF)
    single: NDArray[np.float32] = weights.astype(np.float32)
    return single


def _cosines(places: NDArray[np.float64]) -> NDArray[np.float64]:
    """The orthonormal cosines of a line of length 1 at the given places: (places, 16)."""
    angles = np.pi * np.outer(places, np.arange(_FREQUENCIES))
    cosines: NDArray[np.float64] = np.sqrt(2) * np.cos(angles)
    cosines[:, 0] = 1.0
    return cosines
