"""Stand-ins for the encoder that misbehave."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from artsimilarity.encoder.recipe import Recipe
from artsimilarity.encoder.weight_files import find_weights
from artsimilarity.testing import QuickEncoder


class ParticularEncoder(QuickEncoder):
    """Insists on the weights that its recipe names, as the real one does."""

    def __init__(self, recipe: Recipe, **options: Any) -> None:
        super().__init__(recipe, **options)
        find_weights(recipe)


class BrokenEncoder(QuickEncoder):
    """Chokes on any batch that holds a black picture, as a device without memory might."""

    def _encode_one(self, picture: NDArray[np.uint8]) -> NDArray[np.float32]:
        if not picture.any():
            raise RuntimeError("out of memory")
        return super()._encode_one(picture)


class DeadlyEncoder(QuickEncoder):
    """A black picture kills the process, as the kernel does when memory is exhausted."""

    def _encode_one(self, picture: NDArray[np.uint8]) -> NDArray[np.float32]:
        if not picture.any():
            os.kill(os.getpid(), signal.SIGKILL)
        return super()._encode_one(picture)


class SleepyEncoder(QuickEncoder):
    """Takes so long that there is time to kill its worker."""

    def encode(self, pictures: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        time.sleep(60)
        return super().encode(pictures)


class LeisurelyEncoder(QuickEncoder):
    """Takes long enough over each picture to be interrupted between two of them."""

    def _encode_one(self, picture: NDArray[np.uint8]) -> NDArray[np.float32]:
        time.sleep(0.03)
        return super()._encode_one(picture)


class GreedyEncoder(QuickEncoder):
    """A black picture asks for more memory than there is."""

    def _encode_one(self, picture: NDArray[np.uint8]) -> NDArray[np.float32]:
        if not picture.any():
            raise MemoryError
        return super()._encode_one(picture)


class StuckEncoder(QuickEncoder):
    """Never comes to an end of a black picture."""

    def _encode_one(self, picture: NDArray[np.uint8]) -> NDArray[np.float32]:
        if not picture.any():
            time.sleep(3600)
        return super()._encode_one(picture)


class AbsentEncoder(QuickEncoder):
    """Cannot be loaded until the file that ``ENCODER_FILE`` names is there."""

    def __init__(self, recipe: Recipe, **options: Any) -> None:
        super().__init__(recipe, **options)
        if not Path(os.environ["ENCODER_FILE"]).exists():
            raise ImportError("No module named 'torch'")
