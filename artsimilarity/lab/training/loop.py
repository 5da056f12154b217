"""Trains a network on pictures by artist. Torch; CPU or CUDA."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

import torch
from torch import Tensor, nn
from torch.optim import AdamW
from torch.optim.lr_scheduler import LambdaLR
from torch.optim.swa_utils import AveragedModel

from artsimilarity.encoder.recipe import Recipe
from artsimilarity.lab.progress import progress_bar
from artsimilarity.lab.training.augment import augment
from artsimilarity.lab.training.dataset import TrainingError
from artsimilarity.lab.training.losses import CosineClassifier, supervised_contrastive_loss
from artsimilarity.lab.training.network import Embedder, TrainingNetwork

_WARM_UP: Final = 0.03
_LARGEST_GRADIENT: Final = 5.0

Network = TypeVar("Network", bound=Embedder)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How to train; the defaults are what the bundled weights were made with.

    Attributes:
        epochs: Times every picture is seen, in two views each.
        batch_size: Pictures a step; with fewer pictures, all of them.
        learning_rate: Of AdamW, at its greatest; it rises over the first 3 % of the steps and falls
            along a cosine to 0.
        weight_decay: Of AdamW, on weights but not on biases and norms.
        head_dimensions: Values of an embedding in training.
        dropout: Share of the descriptor's values hidden from the head.
        crop_share: Side of a view as a share of the recipe's side.
        artist_scale: What cosines to artists are multiplied by.
        style_scale: What cosines to styles are multiplied by, where there are styles.
        label_smoothing: Share of a target that is spread over all classes.
        temperature: Of the contrastive loss.
        twin_weight: Weight of the other view of a picture among its positives.
        contrastive_weight: Weight of the contrastive loss beside that of the artists.
        style_weight: Weight of the loss of the styles beside that of the artists.
        averaging: Decay of the moving average of the weights.
        seed: Of everything that is drawn.
    """

    epochs: int = 150
    batch_size: int = 128
    learning_rate: float = 1e-3
    weight_decay: float = 0.05
    head_dimensions: int = 384
    dropout: float = 0.3
    crop_share: float = 6 / 7
    artist_scale: float = 20.0
    style_scale: float = 10.0
    label_smoothing: float = 0.1
    temperature: float = 0.1
    twin_weight: float = 5.0
    contrastive_weight: float = 1.0
    style_weight: float = 0.3
    averaging: float = 0.999
    seed: int = 0


@dataclass(frozen=True, kw_only=True)
class Examples:
    """What a network is trained on, on the CPU.

    Attributes:
        pixels: sRGB squares, shape (n, side, side, 3), uint8.
        artists: Class of each picture, 0 to the number of artists less 1, shape (n,), int64.
        styles: The same for styles, UNKNOWN where unknown; None to train without.
    """

    pixels: Tensor
    artists: Tensor
    styles: Tensor | None = None


@dataclass(frozen=True, kw_only=True)
class Trained(Generic[Network]):
    """A trained network.

    Attributes:
        network: With the moving average of the weights, in evaluation mode, on the CPU.
        losses: Mean loss of each epoch.
    """

    network: Network
    losses: list[float]


def train(
    recipe: Recipe, examples: Examples, settings: Settings, device: torch.device | None = None
) -> Trained[TrainingNetwork]:
    """Trains a network for a recipe from scratch.

    The same arguments give the same network on the same machine with the same number of threads.

    Args:
        recipe: Which network; its weights file is not read.
        examples: At least two pictures.
        settings: How.
        device: Where; None is the CPU.

    Returns:
        The network.

    Raises:
        TrainingError: The loss is no finite number any more.
        ValueError: The recipe has nothing to train.
    """

    def make() -> TrainingNetwork:
        return TrainingNetwork(
            recipe, head_dimensions=settings.head_dimensions, dropout=settings.dropout
        )

    return train_network(make, examples, settings, device)


def train_network(
    make: Callable[[], Network],
    examples: Examples,
    settings: Settings,
    device: torch.device | None = None,
) -> Trained[Network]:
    """Trains any network.

    Args:
        make: Makes it on the CPU; what it draws from torch's global generator follows the seed.
        examples: As for ``train``.
        settings: As for ``train``.
        device: As for ``train``.

    Returns:
        The network.

    Raises:
        TrainingError: The loss is no finite number any more.
    """
    device = device or torch.device("cpu")
    with reproducible(settings.seed, device):
        network = make().to(device)
        objective = _Objective(examples, settings).to(device)
        average = AveragedModel(
            network, multi_avg_fn=WarmedAverage(settings.averaging), use_buffers=True
        )
        losses = list(_epochs(network, objective, average, examples, settings, device))
    network.load_state_dict(average.module.state_dict())
    return Trained(network=network.cpu().eval().requires_grad_(False), losses=losses)


@contextmanager
def reproducible(seed: int, device: torch.device) -> Iterator[None]:
    """Draws from a seed and takes deterministic kernels; both end with the block."""
    before = torch.are_deterministic_algorithms_enabled()
    warned_only = torch.is_deterministic_algorithms_warn_only_enabled()
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        # A kernel without a deterministic form shall be named, but not end hours of training.
        torch.use_deterministic_algorithms(True, warn_only=True)
        try:
            yield
        finally:
            torch.use_deterministic_algorithms(before, warn_only=warned_only)


def learning_rate_factor(progress: float) -> float:
    """Share of the greatest learning rate at a share of all steps, 0 to 1."""
    return min(1.0, progress / _WARM_UP) * (1 + math.cos(math.pi * progress)) / 2


class _Objective(nn.Module):
    """The sum of the losses, with the classes' vectors, which end with training."""

    def __init__(self, examples: Examples, settings: Settings) -> None:
        super().__init__()
        self.settings: Final = settings
        self.artists = self._classifier(examples.artists, settings.artist_scale)
        self.styles = (
            None
            if examples.styles is None
            else self._classifier(examples.styles, settings.style_scale)
        )

    def _classifier(self, labels: Tensor, scale: float) -> CosineClassifier:
        return CosineClassifier(
            max(1, int(labels.max()) + 1),
            self.settings.head_dimensions,
            scale=scale,
            smoothing=self.settings.label_smoothing,
        )

    def forward(self, embeddings: Tensor, artists: Tensor, styles: Tensor | None) -> Tensor:
        """The loss of two views each, shape (2 n, d), and their pictures' classes, shape (n,)."""
        chosen = self.settings
        loss: Tensor = self.artists(embeddings, artists.repeat(2))
        loss = loss + chosen.contrastive_weight * supervised_contrastive_loss(
            embeddings, artists, temperature=chosen.temperature, twin_weight=chosen.twin_weight
        )
        if self.styles is not None and styles is not None:
            loss = loss + chosen.style_weight * self.styles(embeddings, styles.repeat(2))
        return loss


@dataclass(frozen=True)
class WarmedAverage:
    """Exponential moving average that forgets the random start even in a short training.

    For ``AveragedModel``. The n-th average keeps (1 + n) / (10 + n) of the one before it, at most
    ``decay``.
    """

    decay: float

    def __call__(
        self,
        averages: Sequence[Tensor],
        currents: Sequence[Tensor],
        count: Tensor | int,
    ) -> None:
        number = int(count)
        share = 1 - min(self.decay, (1 + number) / (10 + number))
        for average, current in zip(averages, currents, strict=True):
            if average.is_floating_point():
                average.lerp_(current, share)
            else:  # batch norm counts its batches
                average.copy_(current)


def _epochs(
    network: Embedder,
    objective: _Objective,
    average: AveragedModel,
    examples: Examples,
    settings: Settings,
    device: torch.device,
) -> Iterator[float]:
    count = len(examples.pixels)
    batch_size = min(settings.batch_size, count)
    steps = settings.epochs * (count // batch_size)
    side = round(settings.crop_share * network.recipe.side)
    parameters = [*network.parameters(), *objective.parameters()]
    optimizer = _optimizer(network, objective, settings)
    schedule = LambdaLR(optimizer, lambda step: learning_rate_factor((step + 1) / (steps + 1)))
    network.train()
    with progress_bar("Training", steps, "step") as bar:
        for epoch in range(1, settings.epochs + 1):
            total = 0.0
            batches = torch.split(torch.randperm(count), batch_size)[: count // batch_size]
            for batch in batches:
                embeddings = network(_two_views(examples.pixels[batch].to(device), side))
                styles = None if examples.styles is None else examples.styles[batch].to(device)
                loss = objective(embeddings, examples.artists[batch].to(device), styles)
                optimizer.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(parameters, _LARGEST_GRADIENT)
                optimizer.step()
                schedule.step()
                average.update_parameters(network)
                total += loss.item()
                bar.update()
            mean = total / len(batches)
            if not math.isfinite(mean):
                raise TrainingError(
                    f"The loss is no finite number any more in epoch {epoch}: "
                    f"try a lower --learning-rate."
                )
            bar.set_postfix(epoch=epoch, loss=f"{mean:.3f}", refresh=False)
            yield mean


def _two_views(squares: Tensor, side: int) -> Tensor:
    """One view of each picture, then another of each; shape (2 n, 3, side, side)."""
    pictures = squares.permute(0, 3, 1, 2).float() / 255
    return torch.cat([augment(pictures, side), augment(pictures, side)])


def _optimizer(network: Embedder, objective: _Objective, settings: Settings) -> AdamW:
    shares = [
        *((one, network.learning_rate_share(name)) for name, one in network.named_parameters()),
        *((one, 1.0) for one in objective.parameters()),
    ]
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for parameter, share in shares:
        decay = settings.weight_decay if parameter.ndim > 1 else 0.0
        groups.setdefault((share, decay), []).append(parameter)
    return AdamW(
        [
            {"params": group, "lr": share * settings.learning_rate, "weight_decay": decay}
            for (share, decay), group in groups.items()
        ],
        lr=settings.learning_rate,
    )
