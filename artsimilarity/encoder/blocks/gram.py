"""Gram matrices of feature maps and the steps that make vectors of them. Torch, batched.

A Gram matrix says how kernels fire together wherever they fire (L. Gatys et al., "Image Style
Transfer Using Convolutional Neural Networks", 2016): texture, without where things stand.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional


def gram_matrix(features: Tensor) -> Tensor:
    """Mean over positions of the products of every two channels.

    Args:
        features: Feature maps, shape (n, channels, height, width), float.

    Returns:
        Shape (n, channels, channels), symmetric and positive semi-definite.
    """
    flat = features.flatten(2)
    return flat @ flat.transpose(1, 2) / flat.shape[2]


def centred_gram(features: Tensor) -> tuple[Tensor, Tensor]:
    """Gram matrix of the maps less their means: the covariance of the channels over positions.

    Args:
        features: Feature maps, shape (n, channels, height, width), float.

    Returns:
        The covariance, shape (n, channels, channels), and the means, shape (n, channels).
    """
    means = features.mean(dim=(2, 3))
    return gram_matrix(features - means[:, :, None, None]), means


def max_pool(matrices: Tensor, size: int) -> Tensor:
    """Greatest value of every size x size tile of a matrix: what the article stores.

    Args:
        matrices: Shape (n, k, k), float; size divides k.
        size: Rows and columns of a tile.

    Returns:
        Shape (n, k / size, k / size).
    """
    return functional.max_pool2d(matrices[:, None], size)[:, 0]


def upper_triangle(matrices: Tensor) -> Tensor:
    """Upper triangle of symmetric matrices, off-diagonal values times sqrt(2).

    The factor keeps the Euclidean geometry: the inner product of two triangles is that of the two
    whole matrices.

    Args:
        matrices: Symmetric matrices, shape (n, k, k), float.

    Returns:
        Shape (n, k * (k + 1) / 2), row by row.
    """
    size = matrices.shape[-1]
    rows, columns = torch.triu_indices(size, size, device=matrices.device)
    factors = torch.full(rows.shape, math.sqrt(2), dtype=matrices.dtype, device=matrices.device)
    factors.masked_fill_(rows == columns, 1.0)  # unlike an indexed assignment it never waits
    return matrices[:, rows, columns] * factors


def signed_square_root(values: Tensor, offset: float = 0.0) -> Tensor:
    """sign(x) * (sqrt(|x| + offset) - sqrt(offset)): dampens the few values that outweigh the rest.

    Args:
        values: Any shape, float.
        offset: Not negative; above 0 the slope at 0 stays finite.

    Returns:
        Same shape and type.
    """
    return values.sign() * ((values.abs() + offset).sqrt() - math.sqrt(offset))
