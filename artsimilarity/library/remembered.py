"""What this process remembers for a while: bounded, and safe to share between threads."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

_K = TypeVar("_K")
_V = TypeVar("_V")


class Remembered(Generic[_K, _V]):
    """A dictionary that forgets: each entry after some seconds, the oldest when it is full.

    Args:
        seconds: how long an entry is remembered.
        most: how many entries there are at most.
    """

    def __init__(self, *, seconds: float, most: int) -> None:
        self._seconds = seconds
        self._most = most
        self._entries: OrderedDict[_K, tuple[float, _V]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: _K) -> _V | None:
        """Return what was put there; None if there is nothing, or nothing any more."""
        with self._lock:
            until, value = self._entries.get(key, (0.0, None))
            return value if until > time.monotonic() else None

    def get_or_make(self, key: _K, make: Callable[[], _V]) -> _V:
        """Return what was put there; if there is nothing, what ``make`` returns, put there now.

        Threads that come at once may each make it.
        """
        value = self.get(key)
        if value is None:
            value = make()
            self.put(key, value)
        return value

    def put(self, key: _K, value: _V) -> None:
        """Remember it from now on."""
        with self._lock:
            self._entries[key] = (time.monotonic() + self._seconds, value)
            self._entries.move_to_end(key)
            if len(self._entries) > self._most:
                self._entries.popitem(last=False)
