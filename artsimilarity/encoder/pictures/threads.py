"""Pictures decoded ahead, in threads: Pillow decodes and squashes without Python's lock."""

from __future__ import annotations

import logging
import threading
from collections.abc import Collection
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self, TypeAlias

from artsimilarity.encoder.pictures.reading import DEFAULT_LIMITS, Limits, PictureError, read_square

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Squares by their sides, or why there are none.
Squares: TypeAlias = "dict[int, NDArray[np.uint8]] | PictureError"

logger: Final = logging.getLogger(__name__)


class DecodingThreads:
    """Threads that turn files into squares; a context manager.

    Memory is bounded: no more than two files a thread wait or are worked on, and of pictures that
    take much memory to decode, one at a time is decoded.

    Args:
        threads: How many.
        limits: What to refuse.

    Raises:
        ValueError: threads is below 1.
    """

    def __init__(self, threads: int, *, limits: Limits = DEFAULT_LIMITS) -> None:
        self._limits: Final = limits
        self._large: Final = threading.Lock()
        self._room: Final = threading.BoundedSemaphore(max(1, 2 * threads))
        self._pool: Final = ThreadPoolExecutor(threads, thread_name_prefix="decode")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # Files that nobody will ask for any more are not begun.
        self._pool.shutdown(cancel_futures=True)

    def submit(self, data: bytes, sides: Collection[int]) -> Future[Squares]:
        """Has a file decoded; waits while there is no room for another.

        Args:
            data: Contents of the file.
            sides: Widths, in pixels, of the squares that are wanted.

        Returns:
            The squares by their sides, as ``read_square`` makes them, or the ``PictureError`` that
            says why it does not; raises ``MemoryError`` where the machine had no room.
        """
        self._room.acquire()
        decoding = self._pool.submit(self._decode, data, sides)
        decoding.add_done_callback(lambda _: self._room.release())
        return decoding

    def _decode(self, data: bytes, sides: Collection[int]) -> Squares:
        try:
            return {
                side: read_square(data, side=side, limits=self._limits, large=self._large)
                for side in sides
            }
        except PictureError as error:
            logger.debug("A picture cannot be read.", exc_info=True)
            return type(error)(str(error))  # the traceback of the first would keep the file
