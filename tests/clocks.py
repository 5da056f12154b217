"""Machines whose clocks are wrong: what Python, Django and Celery say, and not the database."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta, tzinfo
from typing import Any, Self
from unittest.mock import Mock, patch

from django.utils import timezone

# Modules of ours that ask Python for the time and compare it with another machine's.
_ASKING = ("artsimilarity.monitoring.health", "artsimilarity.embedding.worker")


@contextmanager
def clock_ahead_by(minutes: float) -> Iterator[None]:
    """This process is a machine whose clock is fast, or slow if ``minutes`` are below 0.

    Not for all of Python: what is imported within the block would keep the wrong time.
    """
    wrong = Mock(wraps=time, time=lambda: time.time() + 60 * minutes)
    with ExitStack() as stack:
        for one in (*_patches(minutes), *(patch(f"{name}.time", wrong) for name in _ASKING)):
            stack.enter_context(one)
        yield


def put_clock_forward(minutes: float) -> None:
    """The same, of all of Python, until this process ends."""
    seconds = time.time
    for one in (*_patches(minutes), patch("time.time", lambda: seconds() + 60 * minutes)):
        one.start()


def _patches(minutes: float) -> list[Any]:
    now = timezone.now

    def wrong_now() -> datetime:
        return now() + timedelta(minutes=minutes)

    class WrongDatetime(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            return super().now(tz) + timedelta(minutes=minutes)

    return [
        patch("django.utils.timezone.now", wrong_now),
        patch("celery.worker.request.datetime", WrongDatetime),  # which drops what has expired
    ]
