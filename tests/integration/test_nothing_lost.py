"""Workers killed, brokers and databases stopped: in the end every picture is embedded."""

from __future__ import annotations

import hashlib
import socket
import time
from pathlib import Path

import pytest
from django.db import connection
from pytest_django import Settings

from artsimilarity.embedding import sweep
from artsimilarity.library import Library
from demo_site import servers
from demo_site.library.models import Artwork
from tests.broker import Broker
from tests.clusters import Cluster
from tests.conftest import connect
from tests.pictures import make_artwork, picture_file
from tests.worker import database_url, run_worker, wait_until

pytestmark = pytest.mark.django_db(transaction=True)

# Now and then a process of Celery's waits 30 seconds for its parent, which has stopped listening,
# to take notice of its last result (billiard's _ensure_messages_consumed).
_STOP_SECONDS = 60

QUICK = {
    "ENCODER": "artsimilarity.testing.QuickEncoder",
    "RETRY_BACKOFF": 0.5,
    "WORKER_THUMBNAILS": False,
}


def _digests_are_those_of_the_present_files() -> bool:
    for artwork in Artwork.objects.all():
        with artwork.image.open("rb") as file:
            if hashlib.sha256(file.read()).hexdigest() != artwork.embedding_digest:
                return False
    return True


@pytest.mark.parametrize(
    "pool",
    [
        "prefork",
        pytest.param("threads", marks=pytest.mark.slow),
        pytest.param("solo", marks=pytest.mark.slow),
    ],
)
def test_three_hundred_uploads_survive_three_kills_and_replacements(
    broker: Broker, broker_url: str, tmp_path: Path, pool: str
) -> None:
    slow = {**QUICK, "ENCODER": "tests.fakes.LeisurelyEncoder"}
    for number in range(300):
        make_artwork(f"{number}", colour=(number % 256, number // 2, 90))
    for kill in range(3):
        before = Artwork.objects.ready().count()
        with run_worker(broker_url, tmp_path / f"{kill}.log", "-P", pool, **slow) as worker:
            wait_until(lambda: Artwork.objects.ready().count() >= before + 20)  # noqa: B023
            for artwork in Artwork.objects.order_by("?")[:5]:
                artwork.image = picture_file((10 + kill, 200, artwork.pk % 256))
                artwork.save()
            worker.kill()
    assert Artwork.objects.pending().exists()
    with run_worker(broker_url, tmp_path / "last.log", "-P", pool, SWEEP_SECONDS=2, **QUICK):
        # The first sweep finds the queue long and leaves it at that; the worker goes on sweeping.
        wait_until(lambda: Artwork.objects.ready().count() == 300)
    assert _digests_are_those_of_the_present_files()


def test_fifty_uploads_without_a_broker_are_saved_at_once_and_embedded_after_one_sweep(
    broker: Broker, tmp_path: Path
) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with servers.valkey(tmp_path / "valkey", port) as url:
        connect(url)
        make_artwork("before")
    longest = 0.0
    for number in range(50):
        started = time.monotonic()
        make_artwork(f"{number}")
        longest = max(longest, time.monotonic() - started)
    assert longest < 1  # the promise itself: Celery's own retries would take six seconds each
    assert Artwork.objects.pending().count() == 51
    with (
        servers.valkey(tmp_path / "valkey", port) as url,
        run_worker(url, tmp_path / "worker.log", **QUICK),
    ):
        connect(url)
        assert sweep.sweep(Library.of(Artwork)) == 51
        wait_until(lambda: Artwork.objects.ready().count() == 51)


def _restart_postgres() -> None:
    """Restart the server that the tests run on, as an administrator would."""
    connection.close()
    server = Cluster.at(database_url())
    log = server.data / "log"
    server.run("pg_ctl", "-D", server.data, "-m", "fast", "-w", "-l", log, "restart")


def test_uploads_are_embedded_by_a_worker_under_which_postgres_was_restarted(
    postgres_of_its_own: None, broker: Broker, broker_url: str, tmp_path: Path
) -> None:
    slow = {**QUICK, "ENCODER": "tests.fakes.LeisurelyEncoder"}
    with run_worker(broker_url, tmp_path / "worker.log", **slow):
        for number in range(50):
            make_artwork(f"{number}")
        wait_until(lambda: Artwork.objects.ready().count() >= 5)
        _restart_postgres()
        make_artwork("after")
        wait_until(lambda: Artwork.objects.ready().count() == 51)


def test_a_worker_told_to_stop_finishes_the_picture_in_hand_and_gives_the_rest_back(
    broker: Broker, broker_url: str, tmp_path: Path, dead_broker: None, settings: Settings
) -> None:
    for number in range(32):
        make_artwork(f"{number}")
    connect(broker_url)
    settings.ARTSIMILARITY = {**settings.ARTSIMILARITY, "CHUNK_SIZE": 32}
    slow = {"ENCODER": "tests.fakes.LeisurelyEncoder"}
    with run_worker(broker_url, tmp_path / "first.log", **slow) as worker:
        assert sweep.sweep(Library.of(Artwork)) == 32
        wait_until(lambda: Artwork.objects.ready().exists())
        worker.process.terminate()
        worker.process.wait(_STOP_SECONDS)
    left = Artwork.objects.pending().count()
    assert 0 < left < 32
    assert f"{left} unfinished" in worker.log
    assert not Artwork.objects.filter(embedding_claimed_at__isnull=False).exists()
    with run_worker(broker_url, tmp_path / "second.log", **QUICK):
        wait_until(lambda: Artwork.objects.ready().count() == 32)
