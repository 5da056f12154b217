"""Machines whose clocks are wrong: what Python, Django and Celery say, and not the database."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta, tzinfo
from typing import Any, Self
from unittest.mock import patch

from django.utils import timezone


@contextmanager
def clock_ahead_by(minutes: float) -> Iterator[None]:
    """This process is a machine whose clock is fast, or slow if ``minutes`` are below 0."""
    with ExitStack() as stack:
        for one in _patches(minutes):
            stack.enter_context(one)
        yield


def put_clock_forward(minutes: float) -> None:
    """The same until this process ends."""
    for one in _patches(minutes):
        one.start()


def _patches(minutes: float) -> list[Any]:
    now, seconds = timezone.now, time.time

    def wrong_now() -> datetime:
        return now() + timedelta(minutes=minutes)

    def wrong_seconds() -> float:
        return seconds() + 60 * minutes

    class WrongDatetime(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            return super().now(tz) + timedelta(minutes=minutes)

    return [
        patch("django.utils.timezone.now", wrong_now),
        patch("time.time", wrong_seconds),
        patch("celery.worker.request.datetime", WrongDatetime),  # which drops what has expired
    ]
