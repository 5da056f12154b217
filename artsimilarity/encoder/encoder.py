"""Encoder: RGB squares to vectors under one recipe. Torch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from artsimilarity.encoder.colour import colour_histogram, pixel_sample
from artsimilarity.encoder.recipe import ART, Recipe
from artsimilarity.encoder.style import StyleNetwork

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
        scaled: False leaves both blocks as long as they come, for measurements of unscaled
            distances; such vectors are not those of the recipe and must not be stored.

    Raises:
        DeviceUnavailable: The device asked for by name cannot be used here.
        ValueError: threads or batch_size is below 1.
        WeightsError: The recipe's weights are missing or are not the ones it names.
    """

    def __init__(
        self,
        recipe: Recipe = ART,
        *,
        device: str = "auto",
        threads: int | None = None,
        batch_size: int | None = None,
        scaled: bool = True,
    ) -> None:
        for name, value in (("threads", threads), ("batch_size", batch_size)):
            if value is not None and value < 1:
                raise ValueError(f"{name} is at least 1, not {value}.")
        self.recipe: Final = recipe
        self.device: Final = choose_device(device)
        self.batch_size: Final = batch_size or _BATCH_SIZES[self.device.type]
        if threads is not None:
            torch.set_num_threads(threads)
        self._scaled: Final = scaled
        self._style: Final = StyleNetwork(recipe, scaled=scaled).to(self.device)
        self._sample: Final = (
            None
            if recipe.colour_sample is None or recipe.seed is None
            else pixel_sample(recipe.side**2, recipe.colour_sample, recipe.seed)
        )

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
            colour[row] = self._encode_colour(picture)
        return vectors

    def _encode_colour(self, picture: NDArray[np.uint8]) -> NDArray[np.float32]:
        recipe = self.recipe
        values = colour_histogram(
            picture, recipe.colour_bins, sample=self._sample, root=recipe.colour_root
        )
        # Roots of shares have length 1 already.
        return values if recipe.colour_root or not self._scaled else values / np.linalg.norm(values)

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


def choose_device(name: str) -> torch.device:
    """The device of that name, or for ``auto`` the fastest kind that this machine has.

    Raises:
        DeviceUnavailable: The device asked for by name cannot be used here.
    """
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
