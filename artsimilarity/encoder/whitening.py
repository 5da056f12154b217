"""A projection fitted on a site's own pictures, without labels. Numpy; torch for the network.

Principal components with half-whitening: each is divided by the square root of its standard
deviation, so that the first few, which mostly tell dark pictures from light ones, weigh less.
``docs/whitening.md`` says when that is worth while.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

from artsimilarity.encoder.recipe import Recipe

# Pictures of the sample lie further from everything than the library's others, the more so the
# fewer they are for each value (docs/whitening.md): with ten hardly, below four plainly.
PICTURES_PER_VALUE: Final = 10
LEAST_PICTURES_PER_VALUE: Final = 4

# Values that are turned to float64 at a time: 2,560 pictures take 84 MB so.
_COLUMNS: Final = 4096


class WhiteningError(ValueError):
    """No projection can be fitted on these pictures; the message says what would help."""


@dataclass(frozen=True, kw_only=True)
class Projection:
    """A fitted linear map; the vectors that it makes still have to be scaled to length 1.

    Attributes:
        weight: Shape (style_dimensions, descriptor_dimensions), float16.
        bias: Shape (style_dimensions,), float32: minus the image of the pictures' mean.
    """

    weight: NDArray[np.float16]
    bias: NDArray[np.float32]

    def to_safetensors(self) -> bytes:
        """The file that workers load, as ``project.weight`` and ``project.bias``."""
        return save({"project.weight": self.weight, "project.bias": self.bias})


def unprojected(base: Recipe) -> Recipe:
    """The recipe whose style block is what a projection is fitted on and applied to.

    Args:
        base: Any recipe; its projection is left out, and the colour block made small.

    Raises:
        ValueError: The recipe joins the Gram matrix with something else.
    """
    return replace(
        base,
        projection="none",
        style_dimensions=base.descriptor_dimensions,
        whitening_sha256=None,
        colour_bins=1,
        colour_sample=None,
        seed=None,
    )


def fit(descriptors: NDArray[np.float32], style_dimensions: int) -> Projection:
    """Fits principal components with half-whitening.

    Args:
        descriptors: Style blocks under ``unprojected(base)``, shape (n, descriptor_dimensions).
        style_dimensions: Components that are kept.

    Returns:
        The projection.

    Raises:
        WhiteningError: There are too few pictures, or too few that differ.
    """
    if len(descriptors) <= style_dimensions:
        raise WhiteningError(
            f"{len(descriptors)} pictures have no {style_dimensions} principal components; take "
            f"more pictures, or fewer values."
        )
    mean = descriptors.mean(axis=0, dtype=np.float64)
    # The n x n products have the same components as the d x d covariance, which would not fit.
    products = sum(part @ part.T for part, _ in _centred(descriptors, mean))
    squares, pictures = np.linalg.eigh(products)
    squares = squares[::-1][:style_dimensions]
    pictures = pictures[:, ::-1][:, :style_dimensions]
    if squares[-1] < 1e-10 * squares[0] or squares[0] <= 0:
        raise WhiteningError(
            f"The {len(descriptors)} pictures do not differ enough for {style_dimensions} values; "
            f"take more pictures, or fewer values."
        )
    # A component is products' eigenvector / singular value; half-whitened it is divided by the root
    # of that once more.
    combine = (pictures / squares**0.75).T
    weight = np.empty((style_dimensions, descriptors.shape[1]))
    for part, columns in _centred(descriptors, mean):
        weight[:, columns] = combine @ part
    # Length does not matter; this one uses what float16 can tell apart.
    rounded = (weight / np.abs(weight).max()).astype(np.float16)
    bias = -np.array([row @ mean for row in rounded.astype(np.float64)])
    return Projection(weight=rounded, bias=bias.astype(np.float32))


def _centred(
    descriptors: NDArray[np.float32], mean: NDArray[np.float64]
) -> Iterator[tuple[NDArray[np.float64], slice]]:
    for start in range(0, descriptors.shape[1], _COLUMNS):
        columns = slice(start, start + _COLUMNS)
        yield descriptors[:, columns] - mean[columns], columns
