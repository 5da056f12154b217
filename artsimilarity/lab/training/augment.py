"""Other views of a picture that keep its hand: crops, flips, changes of light. Torch, batched."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor
from torch.nn import functional

_AREA: Final = (0.45, 1.0)
_LOG_ASPECT: Final = (-0.3, 0.3)
_BRIGHTNESS: Final = (0.75, 1.3)
_CONTRAST: Final = (0.75, 1.3)
_SATURATION: Final = (0.3, 1.4)
_CHANNEL_GAIN: Final = (0.88, 1.12)
_GREY_SHARE: Final = 0.15


def augment(pictures: Tensor, side: int) -> Tensor:
    """Draws one view of each picture from torch's global generator.

    Args:
        pictures: RGB in [0, 1], shape (n, 3, height, width), float32.
        side: Width and height of a view in pixels.

    Returns:
        RGB in [0, 1], shape (n, 3, side, side), channels last in memory.
    """
    views = change_light(crop_and_flip(pictures, side))
    return views.contiguous(memory_format=torch.channels_last)


def crop_and_flip(pictures: Tensor, side: int) -> Tensor:
    """Cuts out 45 to 100 % of the area at changed proportions; mirrors every other, on average.

    Args:
        pictures: Shape (n, 3, height, width), float32.
        side: Width and height of a crop in pixels.

    Returns:
        Shape (n, 3, side, side), bilinear, within the range of the picture.
    """
    count = len(pictures)
    length = _uniform(count, *_AREA, like=pictures).sqrt()
    aspect = _uniform(count, *_LOG_ASPECT, like=pictures).exp()
    width, height = (length * aspect).clamp(max=1), (length / aspect).clamp(max=1)
    mirror = _uniform(count, -1, 1, like=pictures).sign()
    # Places run from -1 to 1; a crop of half the width is moved by at most half of that.
    transform = pictures.new_zeros(count, 2, 3)
    transform[:, 0, 0] = width * mirror
    transform[:, 1, 1] = height
    transform[:, 0, 2] = (1 - width) * _uniform(count, -1, 1, like=pictures)
    transform[:, 1, 2] = (1 - height) * _uniform(count, -1, 1, like=pictures)
    grid = functional.affine_grid(transform, [count, 3, side, side], align_corners=False)
    # Past the outermost pixel's middle there is nothing to blend with but zeros: repeat the edge.
    return functional.grid_sample(
        pictures, grid, mode="bilinear", padding_mode="border", align_corners=False
    )


def change_light(pictures: Tensor) -> Tensor:
    """Changes brightness, contrast, saturation and the gain of each channel; 15 % become grey.

    Args:
        pictures: RGB in [0, 1], shape (n, 3, height, width), float32.

    Returns:
        Same shape, in [0, 1].
    """

    def drawn(low: float, high: float, channels: int = 1) -> Tensor:
        factors = _uniform(len(pictures) * channels, low, high, like=pictures)
        return factors.view(-1, channels, 1, 1)

    means = pictures.mean(dim=(2, 3), keepdim=True)
    changed = (pictures - means) * drawn(*_CONTRAST) + means * drawn(*_BRIGHTNESS)
    grey = changed.mean(dim=1, keepdim=True)
    changed = grey + (changed - grey) * drawn(*_SATURATION)
    changed = changed * drawn(*_CHANNEL_GAIN, channels=3)
    becomes_grey = drawn(0, 1) < _GREY_SHARE
    return torch.where(becomes_grey, changed.mean(dim=1, keepdim=True), changed).clamp(0, 1)


def _uniform(count: int, low: float, high: float, *, like: Tensor) -> Tensor:
    return torch.empty(count, dtype=like.dtype, device=like.device).uniform_(low, high)
