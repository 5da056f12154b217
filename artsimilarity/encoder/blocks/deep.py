"""Means and deviations of EfficientNet-Lite0's channels, projected: style seen by deeper layers.

They are the statistics that style transfer by adaptive instance normalisation exchanges (X. Huang
and S. Belongie, "Arbitrary Style Transfer in Real-time with Adaptive Instance Normalization",
2017). Torch.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from artsimilarity.encoder.blocks.efficientnet import STAGE_CHANNELS, EfficientNetLite0
from artsimilarity.encoder.blocks.tensors import assign_weights, read_tensors
from artsimilarity.encoder.recipe import Recipe
from artsimilarity.encoder.weight_files import read_deep_files

# Stages that are described, counted from 0, and how many statistics they have together.
STAGES: Final = (3, 4, 5)
STATISTICS: Final = 2 * sum(STAGE_CHANNELS[stage] for stage in STAGES)

# What the network was trained with: pixels become (v - 127) / 128.
_MIDDLE, _RANGE = 127.0, 128.0


class DeepStatistics(nn.Module):
    """Pixels to the deep part of the style block.

    Args:
        recipe: What determines the vectors; its ``deep`` is not ``none``.
        scaled: False leaves the part as long as the projection made it.

    Raises:
        WeightsError: The recipe's weights are missing or are not the ones it names.
    """

    def __init__(self, recipe: Recipe, *, scaled: bool = True) -> None:
        super().__init__()
        network, projection = read_deep_files(recipe)
        weights = read_tensors(network, f"The weights file {recipe.deep}")
        self.network = EfficientNetLite0(weights)
        with torch.device("meta"):
            self.project = nn.Linear(STATISTICS, recipe.deep_dimensions or 0)
        found = read_tensors(projection, f"The weights file {recipe.deep_projection}")
        assign_weights({"project": self.project}, found)
        self.scaled: Final = scaled
        self.eval().requires_grad_(False)

    def forward(self, pixels: Tensor) -> Tensor:
        """Describes: uint8, shape (n, 3, side, side), to float32, (n, deep_dimensions)."""
        values: Tensor = self.project(describe_deeply(self.network, pixels.float()))
        return functional.normalize(values, dim=1) if self.scaled else values


def describe_deeply(network: EfficientNetLite0, pixels: Tensor) -> Tensor:
    """The statistics that the recipe projects.

    Args:
        network: With any weights.
        pixels: RGB, 0 to 255, shape (n, 3, height, width), float32.

    Returns:
        Shape (n, STATISTICS), float32.
    """
    outputs = network((pixels - _MIDDLE) / _RANGE)
    # Sums over positions lose too much in bfloat16, which training may compute in.
    return statistics(outputs[stage].float() for stage in STAGES)


def statistics(maps: Iterable[Tensor]) -> Tensor:
    """Mean and population standard deviation over positions of every channel.

    Args:
        maps: Feature maps, each of shape (n, channels, height, width), float.

    Returns:
        Shape (n, twice the channels of all): means and deviations of the first, of the second, ...
    """
    values = []
    for one in maps:
        deviations, means = torch.std_mean(one, dim=(2, 3), correction=0)
        values += [means, deviations]
    return torch.cat(values, dim=1)
