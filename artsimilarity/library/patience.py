"""How long a page waits for what it can be shown without: so long in all, not so long each time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.core.signals import request_finished, request_started

from artsimilarity.conf import get_settings


class Patience:
    """What one page has of ``ARTSIMILARITY["THUMBNAIL_SECONDS"]``."""

    def __init__(self) -> None:
        self._spent = 0.0

    @property
    def left(self) -> float:
        """Seconds; 0 if there are none."""
        return max(0.0, get_settings().THUMBNAIL_SECONDS - self._spent)

    @contextmanager
    def spending(self) -> Iterator[float]:
        """Count the time of a ``with`` block, which is told what is left at its beginning."""
        start = time.monotonic()
        try:
            yield self.left
        finally:
            self._spent += time.monotonic() - start


_of_page: ContextVar[Patience | None] = ContextVar("artsimilarity_patience", default=None)


def patience() -> Patience | None:
    """Return that of the page that is being made; None where no page waits, as in a worker."""
    return _of_page.get()


@contextmanager
def page() -> Iterator[None]:
    """What is shown in the ``with`` block belongs to one page: the request's, where it is known."""
    if _of_page.get() is not None:
        yield
        return
    token = _of_page.set(Patience())
    try:
        yield
    finally:
        _of_page.reset(token)


def connect() -> None:
    """Let every request have its patience.

    Under ASGI these receivers run in contexts of their own and change nothing: there
    :func:`page` says where one begins.
    """
    request_started.connect(_begin, dispatch_uid="artsimilarity.patience_begins")
    request_finished.connect(_end, dispatch_uid="artsimilarity.patience_ends")


def _begin(**kwargs: Any) -> None:
    _of_page.set(Patience())


def _end(**kwargs: Any) -> None:
    _of_page.set(None)
