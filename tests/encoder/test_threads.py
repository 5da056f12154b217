"""Threads that decode: the same squares, in bounded memory."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image

from artsimilarity.encoder.pictures import threads as decoding
from artsimilarity.encoder.pictures.reading import (
    Limits,
    NotAPicture,
    Square,
    TooManyBytes,
    read_square,
)
from artsimilarity.encoder.pictures.threads import DecodingThreads

SECONDS = 20  # far more than anything here takes


def picture_file(seed: int = 0) -> bytes:
    file = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


class Gate:
    """Stands in for decoding: it begins, and then waits until it is let through."""

    def __init__(self) -> None:
        self.begun = threading.Semaphore(0)
        self.open = threading.Event()

    def __call__(self, data: bytes, **options: object) -> Square:
        self.begun.release()
        assert self.open.wait(SECONDS)
        return Square(Image.new("RGB", (1, 1)))


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    gate = Gate()
    monkeypatch.setattr(decoding, "read", gate)
    yield gate
    gate.open.set()


def test_squares_are_those_of_read_square_at_each_side() -> None:
    data = picture_file()
    with DecodingThreads(2) as threads:
        found = threads.submit(data, {16, 32}).result(SECONDS)
    assert isinstance(found, dict)
    assert set(found) == {16, 32}
    for side, square in found.items():
        np.testing.assert_array_equal(square, read_square(data, side=side))


def test_a_file_that_cannot_be_read_is_told_and_lets_go_of_its_bytes() -> None:
    with DecodingThreads(1) as threads:
        found = threads.submit(b"no picture", [16]).result(SECONDS)
    assert type(found) is NotAPicture
    assert "not a picture" in str(found)
    assert found.__traceback__ is found.__cause__ is found.__context__ is None


def test_the_limits_hold() -> None:
    with DecodingThreads(1, limits=Limits(max_bytes=10)) as threads:
        assert isinstance(threads.submit(picture_file(), [16]).result(SECONDS), TooManyBytes)


def test_as_many_are_decoded_at_once_as_there_are_threads(gate: Gate) -> None:
    with DecodingThreads(3) as threads:
        for _ in range(3):
            threads.submit(b"", [1])
        assert all(gate.begun.acquire(timeout=SECONDS) for _ in range(3))
        gate.open.set()


def test_no_more_than_two_files_a_thread_are_taken_in(gate: Gate) -> None:
    with DecodingThreads(1) as threads:
        for _ in range(2):
            threads.submit(b"", [1])
        third = threading.Thread(target=threads.submit, args=(b"", [1]))
        third.start()
        third.join(0.1)
        assert third.is_alive()
        gate.open.set()
        third.join(SECONDS)
        assert not third.is_alive()


def test_what_was_not_begun_is_dropped_in_the_end(gate: Gate) -> None:
    with DecodingThreads(1) as threads:
        begun, waiting = (threads.submit(b"", [1]) for _ in range(2))
        assert gate.begun.acquire(timeout=SECONDS)
        threading.Timer(0.1, gate.open.set).start()
    assert begun.done()
    assert waiting.cancelled()


def test_at_least_one_thread_is_needed() -> None:
    with pytest.raises(ValueError, match="greater than 0"):
        DecodingThreads(0)
