"""Two hundred bad files: each fails with words, none stops the worker, memory stays bounded."""

from __future__ import annotations

import io
import random
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from django.core.files.base import ContentFile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from artsimilarity.embedding import queue
from artsimilarity.encoder.pictures.reading import PictureError, read_square
from demo_site.library.models import Artwork
from tests.broker import Broker
from tests.conftest import connect
from tests.pictures import make_artwork
from tests.worker import run_worker, wait_until

FORMATS = ("JPEG", "PNG", "TIFF", "WEBP", "GIF")
MEBIBYTE = 1024 * 1024


def _good(format: str, side: int = 96) -> bytes:
    picture = Image.effect_noise((side, side), 80).convert("RGB")
    buffer = io.BytesIO()
    picture.convert("P" if format == "GIF" else "RGB").save(buffer, format)
    return buffer.getvalue()


def _bomb(_chance: random.Random) -> bytes:
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    pixels = zlib.compress(b"\0" * 1000)
    magic = b"\x89PNG\r\n\x1a\n"
    return magic + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def _truncated(format: str) -> Callable[[random.Random], bytes]:
    good = _good(format)
    return lambda chance: good[: chance.randrange(20, len(good) * 3 // 4)]


def _overwritten(format: str) -> Callable[[random.Random], bytes]:
    good = _good(format)

    def overwrite(chance: random.Random) -> bytes:
        data = bytearray(good)
        for _ in range(20):
            start = chance.randrange(8, len(data) - 64)
            data[start : start + 64] = chance.randbytes(64)
        return bytes(data)

    return overwrite


KINDS: dict[str, Callable[[random.Random], bytes]] = {
    "empty": lambda chance: b"",
    "text": lambda chance: b"This is no picture. " * chance.randrange(1, 50),
    "web page": lambda chance: b"<!doctype html><title>404</title>" * chance.randrange(1, 50),
    "archive": lambda chance: b"PK\x03\x04" + chance.randbytes(500),
    "document": lambda chance: b"%PDF-1.7\n" + chance.randbytes(500),
    "zeros": lambda chance: bytes(chance.randrange(100, 5000)),
    "noise": lambda chance: chance.randbytes(2000),
    "one pixel": lambda chance: _good(chance.choice(FORMATS), side=1),
    "bomb": _bomb,
    **{f"truncated {name}": _truncated(name) for name in FORMATS},
    **{f"overwritten {name}": _overwritten(name) for name in ("PNG", "TIFF", "GIF", "WEBP")},
}


def _bad_files(count: int) -> list[tuple[str, bytes]]:
    """Files that the decoder refuses, of every kind in turn."""
    chance = random.Random(20)
    found: list[tuple[str, bytes]] = []
    while len(found) < count:
        for kind, make in KINDS.items():
            data = make(chance)
            try:
                read_square(data)
            except PictureError:
                found.append((kind, data))
    return found[:count]


@pytest.mark.parametrize("format", FORMATS)
def test_whatever_is_done_to_a_file_it_gives_a_square_or_an_error_for_an_administrator(
    format: str,
) -> None:
    good = _good(format)

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.integers(0, len(good) - 1), st.binary(max_size=80), st.integers(0, len(good)))
    def mutate(start: int, patch: bytes, length: int) -> None:
        data = (good[:start] + patch + good[start + len(patch) :])[:length]
        words = "none"
        try:
            shape = read_square(data).shape
        except PictureError as error:
            shape, words = (224, 224, 3), str(error)
        assert shape == (224, 224, 3)
        assert words == "none" or len(words) > 20

    mutate()


@pytest.mark.django_db(transaction=True)
def test_two_hundred_bad_files_fail_one_by_one_and_the_worker_goes_on(
    broker: Broker, broker_url: str, tmp_path: Path, dead_broker: None
) -> None:
    bad = _bad_files(200)
    assert len({kind for kind, _data in bad}) >= 12
    for number, (kind, data) in enumerate(bad):
        Artwork.objects.create(title=kind, image=ContentFile(data, name=f"{number}.jpg"))
    make_artwork("good")
    connect(broker_url)
    encoder = {"ENCODER": "artsimilarity.testing.QuickEncoder"}
    with run_worker(broker_url, tmp_path / "worker.log", **encoder) as worker:
        queue.enqueue(Artwork.objects.all())
        wait_until(lambda: not Artwork.objects.pending().exists())
        (child,) = psutil.Process(worker.process.pid).children()
        assert child.memory_info().rss < 500 * MEBIBYTE
        assert Artwork.objects.failed().count() == 200
        assert [artwork.title for artwork in Artwork.objects.ready()] == ["good"]
    errors = [(artwork.title, artwork.embedding_reason) for artwork in Artwork.objects.failed()]
    assert all(len(error) > 20 for _title, error in errors)
    by_kind = dict(errors)
    assert "empty" in by_kind["empty"]
    assert "not a picture" in by_kind["text"]
    assert "1 x 1" in by_kind["one pixel"]
    assert "MAX_PIXELS" in by_kind["bomb"]
    assert "damaged" in by_kind["truncated JPEG"]
