"""Pictures decoded ahead, in threads: here, or each in a process that may be killed."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any, Final, Self, TypeAlias, TypeVar, cast

from artsimilarity.encoder.pictures.limits import DEFAULT_LIMITS, Limits, PictureError
from artsimilarity.encoder.pictures.reading import Source, Square, read

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from artsimilarity.encoder.pictures.processes import DecodingProcesses


class SquaresBySide(dict[int, Any]):
    """Pixels of squares, shape (side, side, 3), uint8, by their sides.

    Attributes:
        damaged: Whether the end of the file is missing, and the squares show what there is.
        proportion: Width divided by height of the upright picture, before it was squashed.
    """

    damaged: bool = False
    proportion: float = 1.0

    if TYPE_CHECKING:

        def __getitem__(self, side: int) -> NDArray[np.uint8]: ...


# Squares, or why there are none.
Squares: TypeAlias = "SquaresBySide | PictureError"

logger: Final = logging.getLogger(__name__)

_Made = TypeVar("_Made")


class DecodingThreads:
    """Threads that turn files into squares; a context manager.

    Memory is bounded: no more than two files a thread wait or are worked on. Without processes, of
    pictures that take much memory to decode, one at a time is decoded.

    Args:
        threads: How many.
        limits: What to refuse.
        processes: Decode the files there, and not in this process; they bound how many at once.

    Raises:
        ValueError: threads is below 1.
    """

    def __init__(
        self,
        threads: int,
        *,
        limits: Limits = DEFAULT_LIMITS,
        processes: DecodingProcesses | None = None,
    ) -> None:
        self._limits: Final = limits
        self._processes: Final = processes
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

    def submit(self, data: Source | IO[bytes], sides: Collection[int]) -> Future[Squares]:
        """Has a file decoded; waits while there is no room for another.

        Args:
            data: Contents of the file, or its path; where processes decode, also an open file.
            sides: Widths, in pixels, of the squares that are wanted.

        Returns:
            The squares by their sides, as ``read_square`` makes them, or the ``PictureError`` that
            says why it does not; raises ``MemoryError`` where the machine had no room, and what
            ``DecodingProcesses.read`` raises besides.
        """
        return self.submit_to(lambda squares: squares, data, sides)

    def submit_to(
        self,
        make: Callable[[SquaresBySide], _Made],
        data: Source | IO[bytes],
        sides: Collection[int],
    ) -> Future[_Made | PictureError]:
        """Has something made of a file's squares too, in the thread that decodes it.

        Args:
            make: Is given the squares; what it raises, the future raises.
            data: As for ``submit``.
            sides: As for ``submit``.
        """

        def work() -> _Made | PictureError:
            squares = self._decode(data, sides)
            return squares if isinstance(squares, PictureError) else make(squares)

        self._room.acquire()
        decoding = self._pool.submit(work)
        decoding.add_done_callback(lambda _: self._room.release())
        return decoding

    def _decode(self, data: Source | IO[bytes], sides: Collection[int]) -> Squares:
        try:
            found = self._read(data, sides)
        except PictureError as error:
            logger.debug("A picture cannot be read.", exc_info=True)
            return type(error)(str(error))  # the traceback of the first would keep the file
        squares = SquaresBySide({side: square.pixels for side, square in found.items()})
        squares.proportion = next((square.proportion for square in found.values()), 1.0)
        squares.damaged = any(square.damaged for square in found.values())
        return squares

    def _read(self, data: Source | IO[bytes], sides: Collection[int]) -> dict[int, Square]:
        if self._processes:
            return self._processes.read(data, sides, limits=self._limits)
        source = cast("Source", data)
        return {
            side: read(source, side=side, limits=self._limits, large=self._large) for side in sides
        }
