"""Style of pictures under one recipe: Gram matrices of VGG-19, and what joins them. Torch."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable
from functools import partial, reduce
from typing import Final, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from artsimilarity.encoder.blocks.deep import DeepStatistics
from artsimilarity.encoder.blocks.gram import (
    centred_gram,
    gram_matrix,
    max_pool,
    signed_square_root,
    upper_triangle,
)
from artsimilarity.encoder.blocks.tensors import assign_weights
from artsimilarity.encoder.blocks.vgg import (
    read_weights,
    read_whitening,
    vgg19_segments,
)
from artsimilarity.encoder.recipe import CHANNELS, Recipe

Step = Callable[[Tensor], Tensor]


class StyleNetwork(nn.Module):
    """Pixels to style block, step by step as the recipe has them.

    Args:
        recipe: What determines the vectors.
        scaled: False leaves the block as long as the steps made it, which only a measurement of
            unscaled distances wants.

    Raises:
        WeightsError: The recipe's weights are missing or are not the ones it names.
    """

    channel_mean: Tensor
    channel_std: Tensor

    def __init__(self, recipe: Recipe, *, scaled: bool = True) -> None:
        super().__init__()
        weights = read_weights(recipe)
        by_depth = sorted(recipe.layers, key=list(CHANNELS).index)
        self.segments = nn.ModuleList(vgg19_segments(weights, by_depth))
        self.order: Final = [by_depth.index(layer) for layer in recipe.layers]
        self.reduce: nn.Module = nn.Identity()
        if recipe.reduced_channels is not None:
            with torch.device("meta"):
                self.reduce = nn.Conv2d(CHANNELS[recipe.layer], recipe.reduced_channels, 1)
            assign_weights({"reduce": self.reduce}, weights)
        self.recipe: Final = recipe
        self.project = projection(recipe, weights)
        projected = () if isinstance(self.project, nn.Identity) else (self.project, _to_length_one)
        self.deep = DeepStatistics(recipe, scaled=scaled) if recipe.is_deep else None
        self.vector_steps: Final = (_to_length_one, *projected) if scaled else (self.project,)
        for name in ("channel_mean", "channel_std"):
            self.register_buffer(name, torch.tensor(getattr(recipe, name)).view(1, 3, 1, 1))
        # Pixels come with the channel innermost; so stored, no layer has to turn them over.
        self.to(memory_format=torch.channels_last)
        self.eval().requires_grad_(False)
        self.precision = torch.float32

    def halved(self) -> StyleNetwork:
        """A copy whose VGG-19 computes in float16 behind its first convolution.

        The first one and all that comes after VGG-19 stay in float32: rounding the pixels moves
        the values of a picture that is nearly flat twenty times further than all else does. So
        does EfficientNet-Lite0, which has a twentieth of VGG-19's work.
        """
        network = copy.deepcopy(self)
        network.segments.half()
        whole, halved = (cast(nn.Sequential, one.segments[0]) for one in (self, network))
        halved[0] = nn.Sequential(copy.deepcopy(whole[0]), _Halve())
        network.precision = torch.float16
        return network

    def forward(self, pixels: Tensor) -> Tensor:
        """Describes style: uint8, shape (n, 3, side, side), to float32, (n, style_dimensions)."""
        maps = (pixels.float() / 255 - self.channel_mean) / self.channel_std
        described = []
        for segment in self.segments:
            maps = segment(maps)
            described.append(describe(self.reduce(maps.float()), self.recipe))
        values = torch.cat([described[place] for place in self.order], dim=1)
        style = _in_turn(self.vector_steps, values)
        return style if self.deep is None else self._joined(style, self.deep(pixels))

    def _joined(self, gram: Tensor, deep: Tensor) -> Tensor:
        # Of blocks of length 1 this one has length 1, and inner products by the recipe's share.
        share = self.recipe.deep_share or 0.0
        return torch.cat([math.sqrt(1 - share) * gram, math.sqrt(share) * deep], dim=1)


class _Halve(nn.Module):
    def forward(self, maps: Tensor) -> Tensor:
        return maps.half()


def describe(maps: Tensor, recipe: Recipe) -> Tensor:
    """The recipe's values of one layer before they are scaled: matrix_steps, then the means.

    Args:
        maps: Feature maps, reduced where the recipe reduces, shape (n, channels, height, width).
        recipe: Which steps there are.

    Returns:
        Shape (n, d); for a recipe of one layer d is its descriptor_dimensions.
    """
    values = _in_turn(matrix_steps(recipe), maps)
    return torch.cat([values, maps.mean(dim=(2, 3))], dim=1) if recipe.means else values


def matrix_steps(recipe: Recipe) -> list[Step]:
    """The recipe's way from feature maps, (n, channels, height, width), to values, (n, d)."""
    steps: list[Step] = [_covariance if recipe.centred else gram_matrix]
    if recipe.gram_pool > 1:
        steps.append(partial(max_pool, size=recipe.gram_pool))
    steps.append(upper_triangle if recipe.triangle else partial(torch.flatten, start_dim=1))
    if recipe.root_offset is not None:
        steps.append(partial(signed_square_root, offset=recipe.root_offset))
    return steps


def projection(recipe: Recipe, weights: dict[str, Tensor]) -> nn.Module:
    """The recipe's linear map from descriptor_dimensions to gram_dimensions, or the identity.

    A random one keeps distances nearly (W. B. Johnson and J. Lindenstrauss, 1984): its entries are
    Gaussian with variance 1 / gram_dimensions.

    Raises:
        WeightsError: The weights hold no such projection, or the fitted one is missing or another.
    """
    if recipe.projection == "none":
        return nn.Identity()
    shape = recipe.descriptor_dimensions, recipe.gram_dimensions
    with torch.device("meta"):
        linear = nn.Linear(*shape, bias=recipe.projection != "random")
    if recipe.projection == "whitened":
        assign_weights({"project": linear}, read_whitening(recipe))
    elif recipe.projection == "weights":
        assign_weights({"project": linear}, weights)
    else:
        # Of numpy's generators only RandomState promises the same stream in every version (NEP 19).
        drawn = np.random.RandomState(recipe.seed).standard_normal(shape[::-1])
        scaled = torch.from_numpy(drawn.astype(np.float32) / recipe.gram_dimensions**0.5)
        linear.load_state_dict({"weight": scaled}, assign=True)
    return linear


def _covariance(maps: Tensor) -> Tensor:
    return centred_gram(maps)[0]


def _to_length_one(values: Tensor) -> Tensor:
    return functional.normalize(values, dim=1)


def _in_turn(steps: Iterable[Step], values: Tensor) -> Tensor:
    return reduce(lambda made, step: step(made), steps, values)
