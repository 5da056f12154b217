"""Encoder: RGB squares to vectors under one recipe. Torch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from artsimilarity.encoder.colour import colour_histogram
from artsimilarity.encoder.gram import centred_gram, signed_square_root, upper_triangle
from artsimilarity.encoder.recipe import ART, Recipe
from artsimilarity.encoder.vgg import assign_weights, read_weights, truncated_vgg19

# Provisional: on a CPU one at a time was fastest when undisturbed, slowest when cores were shared;
# MPS and CUDA are not measured.
_BATCH_SIZES: Final = {"cpu": 1, "mps": 32, "cuda": 64}


class DeviceUnavailable(RuntimeError):
    """The device that was asked for by name is not on this machine, or torch cannot use it."""


class Encoder:
    """Turns RGB squares into vectors under one recipe.

    Not to be carried over a fork once made for CUDA: make it in the process that uses it.

    Args:
        recipe: What determines the vectors.
        device: ``auto`` (CUDA, else MPS, else CPU) or a torch device such as ``cpu`` or ``cuda:1``.
        threads: Threads torch uses on the CPU, in the whole process; None leaves them as they are.
        batch_size: Pictures that go through the network at once; None chooses by device.

    Raises:
        DeviceUnavailable: The device asked for by name cannot be used here.
        ValueError: threads or batch_size is below 1, or the recipe names an unknown layer.
        WeightsError: The recipe's weights are missing or are not the ones it names.
    """

    def __init__(
        self,
        recipe: Recipe = ART,
        *,
        device: str = "auto",
        threads: int | None = None,
        batch_size: int | None = None,
    ) -> None:
        for name, value in (("threads", threads), ("batch_size", batch_size)):
            if value is not None and value < 1:
                raise ValueError(f"{name} is at least 1, not {value}.")
        self.recipe: Final = recipe
        self.device: Final = _choose_device(device)
        self.batch_size: Final = batch_size or _BATCH_SIZES[self.device.type]
        if threads is not None:
            torch.set_num_threads(threads)
        self._style: Final = _StyleNetwork(recipe).to(self.device)

    def encode(
        self, pictures: Sequence[NDArray[np.uint8]] | NDArray[np.uint8]
    ) -> NDArray[np.float32]:
        """Encodes pictures; the batches they go in do not change their vectors beyond rounding.

        Args:
            pictures: sRGB squares, each of shape (recipe.side, recipe.side, 3), uint8; or one
                array of shape (n, recipe.side, recipe.side, 3).

        Returns:
            Shape (n, recipe.dimensions), float32: style block and colour block, each of length 1.

        Raises:
            ValueError: A picture has another shape or type.
        """
        side = self.recipe.side
        for picture in pictures:
            if picture.shape != (side, side, 3) or picture.dtype != np.uint8:
                raise ValueError(
                    f"A picture is a uint8 array of shape {(side, side, 3)}, "
                    f"not {picture.dtype} of shape {picture.shape}."
                )
        vectors = np.empty((len(pictures), self.recipe.dimensions), dtype=np.float32)
        style, colour = np.split(vectors, [self.recipe.style_dimensions], axis=1)
        for part in self._batches(len(pictures)):
            style[part] = self._encode_style(np.stack(list(pictures[part])))
        for row, picture in enumerate(pictures):
            colour[row] = colour_histogram(picture, self.recipe.colour_bins)
        return vectors

    def _batches(self, count: int) -> Iterator[slice]:
        for start in range(0, count, self.batch_size):
            yield slice(start, min(start + self.batch_size, count))

    def _encode_style(self, batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        # TF32 and autotuned kernels would move values by more than machines may differ (1e-3).
        exact = torch.backends.cudnn.flags(
            enabled=True, benchmark=False, deterministic=True, allow_tf32=False
        )
        with torch.inference_mode(), exact:
            # Height, width, channel in memory already is torch's channels_last.
            pixels = torch.from_numpy(batch).to(self.device).permute(0, 3, 1, 2)
            vectors: NDArray[np.float32] = self._style(pixels).cpu().numpy()
        return vectors


class _StyleNetwork(nn.Module):
    """Pixels to style block: VGG-19, reduction, centred Gram matrix, projection."""

    channel_mean: Tensor
    channel_std: Tensor

    def __init__(self, recipe: Recipe) -> None:
        super().__init__()
        self.root_offset = recipe.root_offset
        weights = read_weights(recipe.weights, recipe.weights_sha256)
        self.features = truncated_vgg19(weights, recipe.layer)
        channels = weights[f"{recipe.layer.replace('relu', 'conv', 1)}.bias"].shape[0]
        reduced = recipe.reduced_channels
        with torch.device("meta"):
            self.reduce = nn.Conv2d(channels, reduced, kernel_size=1)
            self.project = nn.Linear(reduced * (reduced + 3) // 2, recipe.style_dimensions)
        assign_weights({"reduce": self.reduce, "project": self.project}, weights)
        for name in ("channel_mean", "channel_std"):
            self.register_buffer(name, torch.tensor(getattr(recipe, name)).view(1, 3, 1, 1))
        # Pixels come with the channel innermost; so stored, no layer has to turn them over.
        self.to(memory_format=torch.channels_last)
        self.eval().requires_grad_(False)

    def forward(self, pixels: Tensor) -> Tensor:
        """Describes style: uint8, shape (n, 3, side, side), to float32, (n, style_dimensions)."""
        normalised = (pixels.float() / 255 - self.channel_mean) / self.channel_std
        covariance, means = centred_gram(self.reduce(self.features(normalised)))
        texture = signed_square_root(upper_triangle(covariance), self.root_offset)
        descriptor = functional.normalize(torch.cat([texture, means], dim=1), dim=1)
        return functional.normalize(self.project(descriptor), dim=1)


def _choose_device(name: str) -> torch.device:
    """The device of that name, or for ``auto`` the fastest kind that this machine has."""
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise DeviceUnavailable(_unavailable(name, "torch knows no such device")) from error
    if device.type not in _BATCH_SIZES:
        raise DeviceUnavailable(_unavailable(name, "only cpu, cuda and mps are supported"))
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        found = torch.cuda.device_count()
        raise DeviceUnavailable(_unavailable(name, f"torch finds {found} CUDA devices here"))
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise DeviceUnavailable(_unavailable(name, "torch finds no MPS device here"))
    return device


def _unavailable(name: str, reason: str) -> str:
    return (
        f"The device {name!r} cannot be used: {reason}. "
        f"Set ARTSIMILARITY['DEVICE'] to 'auto' or to a device that is there."
    )
