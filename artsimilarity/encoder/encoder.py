"""Encoder: RGB squares to vectors under one recipe. Torch."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Final, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from artsimilarity.encoder.blocks.colour import colour_histogram, pixel_sample
from artsimilarity.encoder.blocks.device_colour import colour_histograms
from artsimilarity.encoder.blocks.style import StyleNetwork
from artsimilarity.encoder.cuda import Copies
from artsimilarity.encoder.precision import (
    TOLERANCE,
    Precision,
    PrecisionUnavailable,
    exact_kernels,
    half_precision_error,
)
from artsimilarity.encoder.recipe import ART, Recipe

logger: Final = logging.getLogger(__name__)

# Provisional: on a CPU one at a time was fastest when undisturbed, slowest when cores were shared;
# MPS and CUDA are not measured.
_BATCH_SIZES: Final = {"cpu": 1, "mps": 32, "cuda": 64}

Pictures = Sequence[NDArray[np.uint8]] | NDArray[np.uint8]
Pending = Callable[[], NDArray[np.float32]]
_Item = TypeVar("_Item")


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
        precision: Of all convolutions of VGG-19 but the first; the rest is float32 in any case.
            ``auto`` is float16 on CUDA where that moves no value of some drawn pictures' vectors by
            more than ``precision.TOLERANCE``, and else float32.

    Attributes:
        precision: ``float32`` or ``float16``, as it was chosen.

    Raises:
        DeviceUnavailable: The device asked for by name cannot be used here.
        PrecisionUnavailable: float16 was asked for by name, and moves the vectors further.
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
        precision: Precision = "auto",
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
        self._full: Final = StyleNetwork(recipe, scaled=scaled).to(self.device)
        self._style: Final = self._in_precision(precision)
        self.precision: Final = str(self._style.precision).removeprefix("torch.")
        self._sample: Final = (
            None
            if recipe.colour_sample is None or recipe.seed is None
            else pixel_sample(recipe.side**2, recipe.colour_sample, recipe.seed)
        )
        self._copies: Final = Copies(self.device) if self.device.type == "cuda" else None
        self._device_sample: Final = (
            None
            if self._copies is None or self._sample is None
            else torch.from_numpy(self._sample).to(self.device)
        )

    def encode(self, pictures: Pictures) -> NDArray[np.float32]:
        """Encodes pictures; the batches they go in do not change their vectors beyond rounding.

        Args:
            pictures: sRGB squares, each of shape (recipe.side, recipe.side, 3), uint8; or one
                array of shape (n, recipe.side, recipe.side, 3).

        Returns:
            Shape (n, recipe.dimensions), float32: style block and colour block, each of length 1.

        Raises:
            ValueError: A picture has another shape or type.
        """
        self._check(pictures)
        vectors = np.empty((len(pictures), self.recipe.dimensions), dtype=np.float32)
        started = ((part, self.start(pictures[part])) for part in self._batches(len(pictures)))
        for part, finish in one_behind(started):
            vectors[part] = finish()
        return vectors

    def start(self, pictures: Pictures) -> Pending:
        """Starts one batch: on CUDA the work goes on after the return, elsewhere it is done then.

        Args:
            pictures: As for ``encode``; all of them go through the network at once.

        Returns:
            Waits for the vectors of these pictures and gives them, as ``encode`` does. Start the
            next batch before it is called, and the device is never idle (``one_behind``).

        Raises:
            ValueError: A picture has another shape or type.
        """
        self._check(pictures)
        if not len(pictures):
            return lambda: np.empty((0, self.recipe.dimensions), dtype=np.float32)
        shape = len(pictures), self.recipe.side, self.recipe.side, 3
        with self._on_device():
            batch = torch.empty(shape, dtype=torch.uint8, pin_memory=self._copies is not None)
        np.stack(list(pictures), out=batch.numpy())
        finish = self._run(self._style, batch)
        return lambda: self._within_range(finish(), batch)

    def _check(self, pictures: Pictures) -> None:
        side = self.recipe.side
        for picture in pictures:
            if picture.shape != (side, side, 3) or picture.dtype != np.uint8:
                raise ValueError(
                    f"A picture is a uint8 array of shape {(side, side, 3)}, "
                    f"not {picture.dtype} of shape {picture.shape}."
                )

    def _batches(self, count: int) -> Iterator[slice]:
        for start in range(0, count, self.batch_size):
            yield slice(start, min(start + self.batch_size, count))

    def _on_device(self) -> AbstractContextManager[object]:
        # Pinned memory belongs to the present device: without this, cuda:1 would load cuda:0 too.
        return nullcontext() if self._copies is None else torch.cuda.device(self.device)

    def _run(self, network: StyleNetwork, batch: Tensor) -> Pending:
        """Starts the vectors of pictures of shape (n, side, side, 3), uint8, on the host."""
        if self._copies is not None:
            with self._on_device(), exact_kernels():
                pixels = self._copies.to_device(batch)
                blocks = [_style(network, pixels), self._encode_colour_there(pixels)]
                return self._copies.to_host(torch.cat(blocks, dim=1))
        vectors = np.empty((len(batch), self.recipe.dimensions), dtype=np.float32)
        style, colour = np.split(vectors, [self.recipe.style_dimensions], axis=1)
        with exact_kernels():
            style[:] = _style(network, batch.to(self.device)).cpu().numpy()
        for row, picture in enumerate(batch.numpy()):
            colour[row] = self._encode_colour(picture)
        return lambda: vectors

    def _encode_colour(self, picture: NDArray[np.uint8]) -> NDArray[np.float32]:
        recipe = self.recipe
        values = colour_histogram(
            picture, recipe.colour_bins, sample=self._sample, root=recipe.colour_root
        )
        # Roots of shares have length 1 already.
        return values if recipe.colour_root or not self._scaled else values / np.linalg.norm(values)

    def _encode_colour_there(self, pixels: Tensor) -> Tensor:
        """The same for a batch that is on the device, where it does not keep the host busy."""
        recipe = self.recipe
        values = colour_histograms(
            pixels, recipe.colour_bins, sample=self._device_sample, root=recipe.colour_root
        )
        return values if recipe.colour_root or not self._scaled else functional.normalize(values)

    def _within_range(self, vectors: NDArray[np.float32], batch: Tensor) -> NDArray[np.float32]:
        """Computes those pictures again in float32 whose values left the range of float16."""
        if self._style is not self._full:
            lost = ~np.isfinite(vectors).all(axis=1)
            if lost.any():
                vectors[lost] = self._run(self._full, batch[torch.from_numpy(lost)])()
        return vectors

    def _in_precision(self, precision: Precision) -> StyleNetwork:
        if precision == "float32" or (precision == "auto" and self.device.type != "cuda"):
            return self._full
        halved = self._full.halved()
        error = half_precision_error(self._full, halved)
        if error <= TOLERANCE:
            return halved
        found = (
            f"float16 moves the vectors of the recipe {self.recipe.name!r} by up to {error:.1e}, "
            f"and no more than {TOLERANCE:.0e} is allowed"
        )
        if precision == "float16":
            raise PrecisionUnavailable(
                f"{found}. Set ARTSIMILARITY['PRECISION'] to 'auto' or 'float32'."
            )
        logger.info("%s; they are computed in float32, which takes longer.", found)
        return self._full


def one_behind(items: Iterable[_Item]) -> Iterator[_Item]:
    """The same items, each of them only when the one after it has been made."""
    ahead = iter(items)
    for item in ahead:
        for following in ahead:
            yield item
            item = following
        yield item


def _style(network: StyleNetwork, pixels: Tensor) -> Tensor:
    # Height, width, channel in memory already is torch's channels_last.
    values: Tensor = network(pixels.permute(0, 3, 1, 2))
    return values


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
