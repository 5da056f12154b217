"""Whether a network may compute in float16: only where its vectors stay those of float32. Torch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Literal

import numpy as np
import torch
from torch import Tensor

from artsimilarity.encoder.blocks.style import StyleNetwork

Precision = Literal["auto", "float32", "float16"]

# Half of what two machines may differ by: the drawn pictures are few, and a site's are many.
TOLERANCE: Final = 5e-4


class PrecisionUnavailable(RuntimeError):
    """float16 was asked for by name, and would move the vectors of this recipe too far."""


@contextmanager
def exact_kernels() -> Iterator[None]:
    """No gradients; of cuDNN's kernels those that give the same values every time.

    TF32 and autotuned kernels would move values by more than machines may differ (1e-3).
    """
    exact = torch.backends.cudnn.flags(
        enabled=True, benchmark=False, deterministic=True, allow_tf32=False
    )
    with torch.inference_mode(), exact:
        yield


def half_precision_error(network: StyleNetwork, halved: StyleNetwork) -> float:
    """Largest difference of any value of the style blocks of a few drawn pictures.

    Args:
        network: In float32.
        halved: The same in float16, on the same device.

    Returns:
        The difference; infinite where a value left the range of float16, which ends at 65,504.
    """
    with exact_kernels():
        pixels = _probes(network.recipe.side).to(network.channel_mean.device)
        difference = (network(pixels) - halved(pixels)).abs().max()
    return float(difference) if difference.isfinite() else float("inf")


def _probes(side: int) -> Tensor:
    """Flat, faint, sharp and noisy pictures, shape (4, 3, side, side), uint8, channels_last."""
    rows, columns = np.indices((side, side))
    noise = np.random.RandomState(0).randint(0, 256, (side, side, 3))
    faint = 240 + (7 * columns + 13 * rows) % 5  # what little it holds is soon lost in rounding
    grey = (np.zeros((side, side)), faint, (rows + columns) % 2 * 255)
    pictures = np.stack([*(np.repeat(one[..., None], 3, axis=2) for one in grey), noise])
    return torch.from_numpy(pictures.astype(np.uint8)).permute(0, 3, 1, 2)
