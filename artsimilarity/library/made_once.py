"""Things that are made once however many ask, and that a page need not wait for to the end."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future, wait
from typing import Generic, TypeVar

from django.db import connections

from artsimilarity.library.patience import Patience
from artsimilarity.library.remembered import Remembered

_K = TypeVar("_K", bound=Hashable)
_V = TypeVar("_V")

# A failure that came after its page had gone is told to the next page, if that comes so soon.
_SECONDS_UNTOLD = 60
_MOST_UNTOLD = 1000


class MadeOnce(Generic[_K, _V]):
    """Makes what several threads ask for at the same time once.

    Whoever has no time lets it be made by a thread behind, which goes on when the time is over.

    Args:
        behind: how many are made by threads behind pages at once; a page waits for room, too.
    """

    def __init__(self, behind: int) -> None:
        self._room = threading.BoundedSemaphore(behind)
        self._lock = threading.Lock()
        self._making: dict[_K, Future[_V]] = {}
        self._untold: Remembered[_K, Exception] = Remembered(
            seconds=_SECONDS_UNTOLD, most=_MOST_UNTOLD
        )

    def make(self, key: _K, maker: Callable[[], _V]) -> _V:
        """Make it in this thread, or wait for the one that makes it; raises what that raises."""
        made, is_ours = self._begin(key)
        if is_ours:
            self._run(key, maker, made)
        return made.result()

    def make_within(self, key: _K, maker: Callable[[], _V], patience: Patience) -> _V | None:
        """Return it, or None if it was not there in time; it is made all the same then.

        Nothing new is begun for a page whose time is over.

        Raises:
            Exception: what the maker raised, for this page or for one before.
        """
        if error := self._untold.get(key):
            raise error
        with patience.spending() as seconds:
            made = self._making.get(key)
            if made is None and seconds and self._room.acquire(timeout=seconds):
                made, is_ours = self._begin(key)
                if is_ours:
                    behind = threading.Thread(
                        target=self._run_behind, args=(key, maker, made), daemon=True
                    )
                    behind.start()
                else:
                    self._room.release()
        with patience.spending() as seconds:
            if made is None or not wait([made], seconds).done:
                return None
        return made.result()

    def _begin(self, key: _K) -> tuple[Future[_V], bool]:
        """What is being made, and whether that is for the caller to do."""
        with self._lock:
            if made := self._making.get(key):
                return made, False
            made = self._making[key] = Future()
            return made, True

    def _run(self, key: _K, maker: Callable[[], _V], made: Future[_V]) -> None:
        try:
            value = maker()
        except BaseException as error:
            self._end(key)
            made.set_exception(error)
            if not isinstance(error, Exception):  # as Ctrl-C, which is not ours to keep
                raise
        else:
            self._end(key)
            made.set_result(value)

    def _run_behind(self, key: _K, maker: Callable[[], _V], made: Future[_V]) -> None:
        try:
            self._run(key, maker, made)
            error = made.exception()
            if isinstance(error, Exception):
                self._untold.put(key, error.with_traceback(None))  # which would keep the file
        finally:
            self._room.release()
            connections.close_all()  # this thread's: a storage may have used the database

    def _end(self, key: _K) -> None:
        with self._lock:
            del self._making[key]
