"""Ways from a picture file to a vector: ours and the baselines beside it, by stages. Torch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from time import perf_counter
from typing import Final, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from torchvision.models import vgg19

from artsimilarity.encoder.blocks.colour import colour_histogram
from artsimilarity.encoder.encoder import Encoder
from artsimilarity.encoder.pictures.reading import PictureError, read
from artsimilarity.encoder.pictures.seen import seen
from artsimilarity.encoder.precision import Precision
from artsimilarity.encoder.recipe import ART, LIKENESS, Recipe
from artsimilarity.encoder.stream import encode_files

READ: Final = "read"
DECODE: Final = "decode"
ENCODE: Final = "encode"
COLOUR: Final = "colour"

_RELU3_1: Final = 11  # its index in torchvision's vgg19().features
_OWN_CHUNK: Final = 32


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """One way to compute vectors: ours, or what ours is compared with.

    Attributes:
        kind: ``ours``, ``art``, ``stream``, ``plain`` or ``truncated``.
        recipe: Of ours, of ``art`` and of the stream.
        batch_size: Of ours; None for the encoder's own.
        prefetch: Of ours: whether a thread decodes the next batch beside the network.
        precision: Of the stream: as for ``Encoder``.
    """

    kind: str
    recipe: Recipe = LIKENESS
    batch_size: int | None = None
    prefetch: bool = False
    precision: Precision = "auto"


OURS: Final = Baseline(kind="ours")
WITH_ART: Final = Baseline(kind="art", recipe=ART)
PLAIN: Final = Baseline(kind="plain")
TRUNCATED: Final = Baseline(kind="truncated")
BASELINES: Final = (OURS, WITH_ART, PLAIN, TRUNCATED)


class Stopwatch:
    """Seconds spent in each stage, added up.

    Attributes:
        seconds: By name of the stage.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Adds the time inside the block to a stage."""
        start = perf_counter()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + perf_counter() - start


class Runner(Protocol):
    """A baseline that is ready to run.

    Attributes:
        precision: In which its network computes.
    """

    precision: str

    def __call__(self, paths: Sequence[Path], watch: Stopwatch) -> NDArray[np.float32]:
        """Computes one vector for each file.

        Args:
            paths: The files.
            watch: Takes the time of the stages.

        Returns:
            One row for each file.
        """


def prepare(baseline: Baseline, device: str) -> Runner:
    """Loads what a baseline needs: the weights of ours, random ones of the others.

    Args:
        baseline: Which.
        device: ``cpu`` or another torch device.

    Returns:
        What runs it.

    Raises:
        ValueError: There is no such kind.
    """
    if baseline.kind in ("ours", "art"):
        return Ours(baseline, device)
    if baseline.kind == "stream":
        return Stream(baseline, device)
    if baseline.kind == "plain":
        return Plain(device, truncated=False)
    if baseline.kind == "truncated":
        return Plain(device, truncated=True)
    raise ValueError(f"There is no baseline {baseline.kind!r}.")


class Ours:
    """``read``, ``seen`` and ``Encoder.encode`` under a recipe, one after the other.

    The stage ``decode`` holds ``seen``, which looks for the picture's area. The stage ``encode``
    holds networks, Gram matrix and colour; ``time_colour`` tells colour alone.
    """

    def __init__(self, baseline: Baseline, device: str) -> None:
        self._encoder: Final = Encoder(
            baseline.recipe, device=device, batch_size=baseline.batch_size
        )
        self.precision = self._encoder.precision
        self._prefetch: Final = baseline.prefetch
        # What is decoded before the network starts: a batch if the next is decoded meanwhile.
        self._chunk: Final = self._encoder.batch_size if self._prefetch else _OWN_CHUNK

    def __call__(self, paths: Sequence[Path], watch: Stopwatch) -> NDArray[np.float32]:
        """See ``Runner``."""
        starts = range(0, len(paths), self._chunk)
        chunks = [paths[start : start + self._chunk] for start in starts]
        vectors = []
        for squares in self._decoded(chunks, watch):
            with watch.stage(ENCODE):
                vectors.append(self._encoder.encode(squares))
        return np.concatenate(vectors)

    def _decoded(
        self, chunks: Sequence[Sequence[Path]], watch: Stopwatch
    ) -> Iterator[list[NDArray[np.uint8]]]:
        def decode(chunk: Sequence[Path]) -> list[NDArray[np.uint8]]:
            return [_square(path, self._encoder.recipe, watch) for path in chunk]

        if not self._prefetch:
            yield from map(decode, chunks)
            return
        with ThreadPoolExecutor(1) as thread:
            ahead = thread.submit(decode, chunks[0])
            for following in chunks[1:]:
                squares = ahead.result()
                ahead = thread.submit(decode, following)
                yield squares
            yield ahead.result()


class Stream:
    """``encode_files``: as many threads as torch has decode ahead of the network."""

    def __init__(self, baseline: Baseline, device: str) -> None:
        self._encoder: Final = Encoder(baseline.recipe, device=device, precision=baseline.precision)
        self.precision = self._encoder.precision

    def __call__(self, paths: Sequence[Path], watch: Stopwatch) -> NDArray[np.float32]:
        """See ``Runner``; stages overlap, so all of them count as ``encode``.

        Raises:
            PictureError: A file cannot be read.
        """
        files = (path.read_bytes() for path in paths)
        vectors = []
        with watch.stage(ENCODE):
            for found in encode_files(files, self._encoder, threads=torch.get_num_threads()):
                if isinstance(found, PictureError):
                    raise found
                vectors.append(found)
        return np.stack(vectors)


class Plain:
    """What one writes without a thought for speed: one picture after the other.

    Pillow decodes all of it, torchvision's network runs in the default memory format, numpy makes
    the Gram matrix of relu3_1. The weights are random: the time does not depend on them.

    Args:
        device: A torch device.
        truncated: False runs all of ``vgg19().features``, True only up to relu3_1.
    """

    def __init__(self, device: str, *, truncated: bool) -> None:
        self.precision = "float32"
        self._device: Final = device
        features = _random_features()
        self._network: Final = (features[: _RELU3_1 + 1] if truncated else features).to(device)
        self._maps: list[Tensor] = []
        self._network[_RELU3_1].register_forward_hook(lambda *call: self._maps.append(call[2]))

    @torch.no_grad()
    def __call__(self, paths: Sequence[Path], watch: Stopwatch) -> NDArray[np.float32]:
        """See ``Runner``."""
        return np.stack([self._vector(path, watch) for path in paths])

    def _vector(self, path: Path, watch: Stopwatch) -> NDArray[np.float32]:
        with watch.stage(READ):
            data = path.read_bytes()
        with watch.stage(DECODE):
            square = _plain_square(data)
        with watch.stage(ENCODE):
            pixels = (square / np.float32(255) - ART.channel_mean) / ART.channel_std
            batch = torch.from_numpy(pixels.astype(np.float32).transpose(2, 0, 1)[None].copy())
            self._network(batch.to(self._device))
            maps = self._maps.pop().cpu().numpy()[0].reshape(256, -1)
            gram = maps @ maps.T / maps.shape[1]
        with watch.stage(COLOUR):
            colour = colour_histogram(square, ART.colour_bins)
        return np.concatenate([gram.ravel(), colour])


def _random_features() -> nn.Sequential:
    """Those of VGG-19 without the classifier behind them, whose weights take seconds to draw."""
    with torch.device("meta"):
        features: nn.Sequential = vgg19(weights=None, init_weights=False).features.eval()
    features.to_empty(device="cpu")
    for layer in features:
        if isinstance(layer, nn.Conv2d) and layer.bias is not None:
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)
    return features.requires_grad_(False)


def time_colour(recipe: Recipe, paths: Sequence[Path]) -> float:
    """Seconds that a recipe's colour histograms take for the files, once they are decoded."""
    squares = [_square(path, recipe, Stopwatch()) for path in paths]
    start = perf_counter()
    for square in squares:
        colour_histogram(square, recipe.colour_bins)
    return perf_counter() - start


def _square(path: Path, recipe: Recipe, watch: Stopwatch) -> NDArray[np.uint8]:
    with watch.stage(READ):
        data = path.read_bytes()
    with watch.stage(DECODE):
        scan = read(data, side=recipe.decoded_side)
        return seen(recipe, scan.pixels, proportion=scan.proportion).pixels


def _plain_square(data: bytes) -> NDArray[np.uint8]:
    with Image.open(BytesIO(data)) as image:
        return np.asarray(image.convert("RGB").resize((ART.side, ART.side)))
