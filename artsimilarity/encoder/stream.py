"""Files to vectors as fast as the device goes: decoded ahead in threads, a batch always waiting."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from artsimilarity.encoder.encoder import Encoder, one_behind
from artsimilarity.encoder.pictures.reading import DEFAULT_LIMITS, Limits, PictureError
from artsimilarity.encoder.pictures.seen import seen
from artsimilarity.encoder.pictures.threads import DecodingThreads, SquaresBySide
from artsimilarity.encoder.recipe import Recipe

_Square = NDArray[np.uint8] | PictureError


def encode_files(
    files: Iterable[bytes], encoder: Encoder, *, threads: int, limits: Limits = DEFAULT_LIMITS
) -> Iterator[NDArray[np.float32] | PictureError]:
    """Encodes files in their order; one that cannot be read does not keep the others.

    Files are taken from the iterable in the caller's own thread, some batches ahead of the vectors
    that are handed out; how many does not depend on how many files there are.

    Args:
        files: Contents of each file.
        encoder: What encodes them, ``encoder.batch_size`` at once.
        threads: Threads that decode.
        limits: What to refuse.

    Yields:
        The vector of a file, shape (recipe.dimensions,), float32; or why it cannot be read.

    Raises:
        MemoryError: The machine has no room for a decoded picture.
        ValueError: threads is below 1.
    """
    with DecodingThreads(threads, limits=limits) as decoding:
        squares = _decoded(
            files, decoding, encoder.recipe, ahead=2 * (encoder.batch_size + threads)
        )
        started = (
            (batch, encoder.start([one for one in batch if not isinstance(one, PictureError)]))
            for batch in _batched(squares, encoder.batch_size)
        )
        for batch, finish in one_behind(started):
            vectors = iter(finish())
            for one in batch:
                yield one if isinstance(one, PictureError) else next(vectors)


def _decoded(
    files: Iterable[bytes], decoding: DecodingThreads, recipe: Recipe, *, ahead: int
) -> Iterator[_Square]:
    """Squares in the order of their files, ``ahead`` of which are decoded or being decoded."""

    def take(squares: SquaresBySide) -> NDArray[np.uint8]:
        scan = squares[recipe.decoded_side]
        return seen(recipe, scan, proportion=squares.proportion).pixels

    waiting: deque[Future[_Square]] = deque()
    for data in files:
        waiting.append(decoding.submit_to(take, data, [recipe.decoded_side]))
        if len(waiting) > ahead:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def _batched(squares: Iterator[_Square], size: int) -> Iterator[list[_Square]]:
    while batch := list(islice(squares, size)):
        yield batch
