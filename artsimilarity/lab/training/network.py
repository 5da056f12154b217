"""The network as it is trained: VGG-19 with batch norm, reduction, descriptor, head. Torch."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from artsimilarity.encoder.blocks.style import describe
from artsimilarity.encoder.recipe import CHANNELS, Recipe

# Descriptors of length 1 have tiny values; the head sees them times this.
HEAD_GAIN: Final = 8.0


class Embedder(nn.Module):
    """What can be trained: pictures to embeddings, by way of what a recipe projects.

    Attributes:
        recipe: Which network, and how pictures are seen.
    """

    recipe: Recipe

    def descriptors(self, pictures: Tensor) -> Tensor:
        """What the recipe projects: RGB in [0, 1], shape (n, 3, h, w), to (n, d), float32."""
        raise NotImplementedError

    def learning_rate_share(self, parameter: str) -> float:
        """Share of the learning rate that the parameter of this name is trained with."""
        return 1.0


class TrainingNetwork(Embedder):
    """Pictures to embeddings, with the recipe's own steps between the reduction and the head.

    Batch norm (S. Ioffe and C. Szegedy, 2015) follows every convolution, so that the network learns
    from scratch; ``export.fold`` takes it out again. Weights are drawn from torch's
    global generator.

    Args:
        recipe: One layer, a reduction and a learned projection; its weights file is not read.
        head_dimensions: Values of an embedding.
        dropout: Share of the descriptor's values that training hides from the head.

    Raises:
        ValueError: The recipe has several layers, no reduction or no learned projection.
    """

    channel_mean: Tensor
    channel_std: Tensor

    def __init__(self, recipe: Recipe, *, head_dimensions: int, dropout: float) -> None:
        super().__init__()
        if recipe.reduced_channels is None or recipe.projection != "weights":
            raise ValueError(
                f"The recipe {recipe.name!r} cannot be trained: it needs one layer, "
                f"reduced_channels, and 'weights' as its projection."
            )
        self.recipe = recipe
        channels = CHANNELS[recipe.layer]
        self.features = normed_vgg19(recipe.layer)
        self.reduce = nn.Conv2d(channels, recipe.reduced_channels, 1, bias=False)
        self.reduce_norm = nn.BatchNorm2d(recipe.reduced_channels)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(recipe.descriptor_dimensions, head_dimensions)
        for name in ("channel_mean", "channel_std"):
            self.register_buffer(name, torch.tensor(getattr(recipe, name)).view(1, 3, 1, 1))
        self.to(memory_format=torch.channels_last)

    def descriptors(self, pictures: Tensor) -> Tensor:
        """What the recipe projects: RGB in [0, 1], (n, 3, h, w), to (n, d) of length 1, float32."""
        kind = pictures.device.type
        half = kind == "cuda" and self.training
        with torch.autocast(kind, dtype=torch.bfloat16, enabled=half):
            maps = self.features((pictures - self.channel_mean) / self.channel_std)
            reduced = self.reduce_norm(self.reduce(maps))
        # Sums over positions lose too much in bfloat16.
        return functional.normalize(describe(reduced.float(), self.recipe), dim=1)

    def forward(self, pictures: Tensor) -> Tensor:
        """Embeds RGB in [0, 1], shape (n, 3, height, width): (n, head_dimensions), of length 1."""
        values = self.head(HEAD_GAIN * self.dropout(self.descriptors(pictures)))
        return functional.normalize(values, dim=1)


def normed_vgg19(layer: str) -> nn.Sequential:
    """VGG-19 up to a ReLU layer, batch norm after every convolution, with new random weights.

    Args:
        layer: Such as ``relu3_1``.

    Returns:
        Modules named ``conv1_1``, ``norm1_1``, ``relu1_1`` and so on, and ``pool1``.
    """
    network = nn.Sequential()
    previous = 3
    for name, channels in CHANNELS.items():
        place = name.removeprefix("relu")
        block, _, place_in_block = place.partition("_")
        if block != "1" and place_in_block == "1":
            network.add_module(f"pool{int(block) - 1}", nn.MaxPool2d(2))
        # Batch norm subtracts any bias again.
        convolution = nn.Conv2d(previous, channels, 3, padding=1, bias=False)
        network.add_module(f"conv{place}", convolution)
        network.add_module(f"norm{place}", nn.BatchNorm2d(channels))
        network.add_module(name, nn.ReLU(inplace=True))
        if name == layer:
            break
        previous = channels
    return network
