"""Workers on machines of their own, which share the database and the broker and nothing else."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from artsimilarity.embedding import queue
from artsimilarity.own_picture import search_by_picture
from artsimilarity.testing import override_artsimilarity
from demo_site.library.models import Artwork
from tests.broker import Broker
from tests.pictures import RED, make_artwork, picture_bytes
from tests.worker import Worker, run_worker, wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

COUNT = 40
QUICK = {
    "ENCODER": "artsimilarity.testing.QuickEncoder",
    "RETRY_BACKOFF": 0.1,
    "WORKER_THUMBNAILS": False,
    "CHUNK_SIZE": 2,
}
# Less than the two clocks are apart; no task may take longer than that.
IMPATIENT = {"CLAIM_SECONDS": 400, "TIME_LIMIT": 300, "SWEEP_SECONDS": 1}
FAST, SLOW = "10", "-10"


@contextmanager
def _machine(
    monkeypatch: pytest.MonkeyPatch, broker_url: str, log: Path, minutes: str, **settings: Any
) -> Iterator[Worker]:
    """A worker on a machine of that name, whose clock is so many minutes fast."""
    with monkeypatch.context() as environment:
        environment.setenv("TEST_CLOCK_MINUTES", minutes)
        worker = run_worker(broker_url, log, "-n", f"{log.stem}@%h", **settings)
        started = worker.__enter__()
    try:
        yield started
    finally:
        worker.__exit__(None, None, None)


def _embedded(worker: Worker) -> int:
    """How many pictures have their vector from a worker."""
    return sum(map(int, re.findall(r"(\d+) embedded,", worker.log)))


def _upload(count: int) -> None:
    for number in range(count):
        make_artwork(f"{number}", colour=(number, 200, 90))


def test_workers_whose_clocks_are_minutes_apart_embed_everything_between_them(
    broker: Broker, broker_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    leisurely = {**QUICK, **IMPATIENT, "ENCODER": "tests.fakes.LeisurelyEncoder", "CHUNK_SIZE": 8}
    with (
        override_artsimilarity(CHUNK_SIZE=8),
        _machine(monkeypatch, broker_url, tmp_path / "fast.log", FAST, **leisurely) as fast,
        _machine(monkeypatch, broker_url, tmp_path / "slow.log", SLOW, **leisurely) as slow,
    ):
        _upload(COUNT)
        wait_until(lambda: not Artwork.objects.pending().exists())
    assert Artwork.objects.ready().count() == COUNT
    assert _embedded(fast) + _embedded(slow) == COUNT
    assert min(_embedded(fast), _embedded(slow)) > 0


@pytest.mark.parametrize("minutes", [FAST, SLOW])
def test_a_visitors_picture_is_described_by_a_worker_whose_clock_is_wrong(
    broker: Broker,
    broker_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    minutes: str,
) -> None:
    with (
        override_artsimilarity(SEARCH_SECONDS=20.0),
        _machine(monkeypatch, broker_url, tmp_path / "worker.log", minutes, **QUICK),
    ):
        make_artwork("red", RED)
        wait_until(lambda: Artwork.objects.ready().exists())
        (found,) = search_by_picture(Artwork, io.BytesIO(picture_bytes(RED)))
    assert found.title == "red"


def test_a_machine_without_the_files_delays_pictures_and_what_it_failed_is_made_up_for(
    broker: Broker,
    broker_url: str,
    tmp_path: Path,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "elsewhere").mkdir()
    here = settings.MEDIA_ROOT
    with _machine(monkeypatch, broker_url, tmp_path / "whole.log", SLOW, **QUICK):
        settings.MEDIA_ROOT = str(tmp_path / "elsewhere" / "media")
        with _machine(monkeypatch, broker_url, tmp_path / "bare.log", FAST, **QUICK) as bare:
            settings.MEDIA_ROOT = here
            _upload(COUNT)
            wait_until(lambda: not Artwork.objects.pending().exists())
            assert "retry" in bare.log
        failed = Artwork.objects.failed()
        assert all("missing from the storage" in one.embedding_reason for one in failed)
        queue.enqueue(failed, force=True)
        wait_until(lambda: Artwork.objects.ready().count() == COUNT)
    for artwork in Artwork.objects.all():
        with artwork.image.open("rb") as file:
            assert hashlib.sha256(file.read()).hexdigest() == artwork.embedding_digest
