"""Fine-tunes EfficientNet-Lite0 from the weights that a recipe names, and projects anew. Torch."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from artsimilarity.encoder.blocks.deep import STATISTICS, describe_deeply
from artsimilarity.encoder.blocks.efficientnet import EfficientNetLite0
from artsimilarity.encoder.blocks.tensors import read_tensors
from artsimilarity.encoder.recipe import Recipe
from artsimilarity.encoder.weight_files import read_deep_files
from artsimilarity.lab.training.export import (
    Projection,
    extract_descriptors,
    halves_of,
    write_whole,
)
from artsimilarity.lab.training.loop import Examples, Settings, Trained, train_network
from artsimilarity.lab.training.network import Embedder

# As the one fine-tuning was that docs/weights.md tells of.
FINE_TUNING: Final = Settings(epochs=10, batch_size=96, crop_share=5 / 7)

# Weights that know something are changed more slowly than the head, which begins at random.
_SHARE_OF_GIVEN: Final = 0.1

_WHITENING_POWER: Final = 0.35
_SHRINKAGE: Final = 0.1
# A statistic that hardly differs from picture to picture is noise: it must not be blown up.
_SMALLEST_SPREAD: Final = 1e-4


class DeepTrainingNetwork(Embedder):
    """Pictures to embeddings by the deep statistics of a recipe.

    Args:
        recipe: Its ``deep`` names the weights that training begins with; batch norm is folded into
            them already, and the network is trained without.
        head_dimensions: Values of an embedding.
        dropout: Share of the statistics that training hides from the head.

    Raises:
        WeightsError: The recipe's weights are missing or are not the ones it names.
    """

    mean: Tensor
    spread: Tensor

    def __init__(self, recipe: Recipe, *, head_dimensions: int, dropout: float) -> None:
        super().__init__()
        self.recipe = recipe
        weights = read_tensors(read_deep_files(recipe)[0], f"The weights file {recipe.deep}")
        self.network = EfficientNetLite0(weights).requires_grad_(True)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(STATISTICS, head_dimensions)
        self.register_buffer("mean", torch.zeros(STATISTICS))
        self.register_buffer("spread", torch.ones(STATISTICS))
        self.to(memory_format=torch.channels_last)

    def standardise(self, descriptors: Tensor) -> None:
        """Lets the head see statistics of mean 0 and variance 1, once and for all.

        Args:
            descriptors: Of the pictures to be trained on, shape (n, STATISTICS), n at least 1.
        """
        spread, mean = torch.std_mean(descriptors, dim=0, correction=0)
        self.mean.copy_(mean)
        self.spread.copy_(_not_too_small(spread))

    def descriptors(self, pictures: Tensor) -> Tensor:
        """What the recipe projects: RGB in [0, 1], (n, 3, h, w), to (n, STATISTICS), float32."""
        kind = pictures.device.type
        half = kind == "cuda" and self.training
        with torch.autocast(kind, dtype=torch.bfloat16, enabled=half):
            return describe_deeply(self.network, 255 * pictures)

    def forward(self, pictures: Tensor) -> Tensor:
        """Embeds RGB in [0, 1], shape (n, 3, height, width): (n, head_dimensions), of length 1."""
        standard = (self.descriptors(pictures) - self.mean) / self.spread
        return functional.normalize(self.head(self.dropout(standard)), dim=1)

    def learning_rate_share(self, parameter: str) -> float:
        return _SHARE_OF_GIVEN if parameter.startswith("network.") else 1.0


def fine_tune(
    recipe: Recipe, examples: Examples, settings: Settings, device: torch.device | None = None
) -> Trained[DeepTrainingNetwork]:
    """Trains the deep network of a recipe further, on pictures by artist.

    Args:
        recipe: Its ``deep`` names the weights that training begins with.
        examples: As for ``loop.train``.
        settings: How; 0 epochs leave the network as it is.
        device: Where; None is the CPU.

    Returns:
        The network.

    Raises:
        TrainingError: The loss is no finite number any more.
        WeightsError: The recipe's weights are missing or are not the ones it names.
    """

    def make() -> DeepTrainingNetwork:
        network = DeepTrainingNetwork(
            recipe, head_dimensions=settings.head_dimensions, dropout=settings.dropout
        ).eval()
        if settings.epochs:
            network.standardise(extract_descriptors(network, examples.pixels, device))
        return network

    return train_network(make, examples, settings, device)


def rounded(network: DeepTrainingNetwork) -> DeepTrainingNetwork:
    """A copy with its convolutions as the file will hold them, for the projection to be fitted to.

    Raises:
        ValueError: A value does not fit into float16, or is no number.
    """
    copied = copy.deepcopy(network)
    halves = halves_of(copied.network.state_dict())
    copied.network.load_state_dict({name: half.float() for name, half in halves.items()})
    return copied


@torch.no_grad()
def fit_deep_projection(descriptors: Tensor, artists: Tensor, dimensions: int) -> Projection:
    """Makes the projection of deep statistics, as that of the bundled weights was made.

    Values are scaled to unit variance and centred. Directions in which pictures by one artist
    differ among themselves are dampened: values are multiplied by the within-artist scatter, shrunk
    by a tenth towards its mean, to the power -0.35 (within-class covariance normalisation, with a
    power of -0.5: A. Hatch, S. Kajarekar and A. Stolcke, 2006). What is left is rotated to its
    leading directions and cut.

    Args:
        descriptors: Shape (n, d), float; n > dimensions.
        artists: Class of each picture, shape (n,), int64.
        dimensions: Values that the projection is to have, at most d.

    Returns:
        The projection, centring included in its bias.

    Raises:
        ValueError: There are too few descriptors, or they have too few values, or no artist has two
            pictures that differ.
    """
    count, values = descriptors.shape
    if not dimensions < count or dimensions > values:
        raise ValueError(
            f"{dimensions} values of the projection take more than {dimensions} pictures and at "
            f"least {dimensions} values before it, not {count} and {values}."
        )
    exact = descriptors.double()
    spread, mean = torch.std_mean(exact, dim=0, correction=0)
    scale = 1 / _not_too_small(spread)
    standard = (exact - mean) * scale
    scatter = _within_artists(standard, artists)
    if not float(scatter.trace()) > 0:
        raise ValueError(
            "The projection takes an artist with two different pictures among those that it is "
            "fitted to: raise --projection-pictures."
        )
    whitening = _matrix_power(scatter, -_WHITENING_POWER)
    _, _, leading = torch.linalg.svd(standard @ whitening, full_matrices=False)
    weight = leading[:dimensions] @ whitening * scale
    return Projection(weight=weight.float(), bias=(-weight @ mean).float())


def _within_artists(standard: Tensor, artists: Tensor) -> Tensor:
    """Scatter of pictures about the mean of their artist, shrunk; shape (d, d)."""
    _, places, sizes = torch.unique(artists, return_inverse=True, return_counts=True)
    sums = standard.new_zeros(len(sizes), standard.shape[1]).index_add_(0, places, standard)
    apart = standard - (sums / sizes[:, None])[places]
    scatter = apart.T @ apart / len(apart)
    even = scatter.diagonal().mean() * torch.eye(len(scatter)).to(scatter)
    shrunk: Tensor = (1 - _SHRINKAGE) * scatter + _SHRINKAGE * even
    return shrunk


def _matrix_power(matrix: Tensor, power: float) -> Tensor:
    values, vectors = torch.linalg.eigh(matrix)
    raised: Tensor = vectors * values**power @ vectors.T
    return raised


def _not_too_small(spread: Tensor) -> Tensor:
    return spread.clamp(min=_SMALLEST_SPREAD * max(float(spread.max()), _SMALLEST_SPREAD))


def projection_path(weights: Path) -> Path:
    """Where the projection is written that belongs to a weights file."""
    return weights.with_name(f"{weights.stem}-project.safetensors")


def write_deep_weights(network: DeepTrainingNetwork, projection: Projection, path: Path) -> Recipe:
    """Writes the network's weights, float16, and beside them the projection, float32.

    Args:
        network: In evaluation mode, on the CPU.
        projection: What ``project`` is to be.
        path: The weights file; ``projection_path`` tells the other.

    Returns:
        The network's recipe with these files and their digests.

    Raises:
        OSError: A file cannot be written.
        ValueError: A value does not fit into float16.
    """
    tensors = {
        f"{name}.{kind}": tensor
        for name, convolution in network.network.convolutions().items()
        for kind, tensor in convolution.state_dict().items()
    }
    recipe, beside = network.recipe, projection_path(path)
    dimensions = len(projection.weight)
    return replace(
        recipe,
        style_dimensions=recipe.gram_dimensions + dimensions,
        deep=str(path.resolve()),
        deep_sha256=write_whole(halves_of(tensors), path),
        deep_projection=str(beside.resolve()),
        deep_projection_sha256=write_whole(
            {"project.weight": projection.weight, "project.bias": projection.bias}, beside
        ),
        deep_dimensions=dimensions,
    )
