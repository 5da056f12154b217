"""Faults that once left pictures waiting in silence: each ends ready, or failed with a reason.

Nobody types a command and no beat runs: the workers look for what was left behind by themselves.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from artsimilarity.monitoring.health import find_problems
from demo_site.library.models import Artwork
from tests.broker import Broker
from tests.conftest import connect
from tests.pictures import BLACK, RED, make_artwork
from tests.worker import run_worker, wait_until

pytestmark = pytest.mark.django_db(transaction=True)

QUICK: dict[str, Any] = {
    "ENCODER": "artsimilarity.testing.QuickEncoder",
    "SWEEP_SECONDS": 2,
    "RETRY_BACKOFF": 0.5,
}
POOLS = [
    "prefork",
    pytest.param("threads", marks=pytest.mark.slow),
    pytest.param("solo", marks=pytest.mark.slow),
]


def _nothing_waits() -> bool:
    return not Artwork.objects.pending().exists()


def _make_unsent(count: int, *, poison: int | None = None) -> None:
    """Pictures of which the broker knows nothing."""
    for number in range(count):
        make_artwork(f"{number}", colour=BLACK if number == poison else RED)


@pytest.mark.parametrize("pool", POOLS)
class TestInEveryPool:
    def test_a_worker_that_starts_finds_what_was_left_behind(
        self, broker: Broker, broker_url: str, tmp_path: Path, dead_broker: None, pool: str
    ) -> None:
        _make_unsent(3)
        calm = {**QUICK, "SWEEP_SECONDS": 600}
        with run_worker(broker_url, tmp_path / "worker.log", "-P", pool, **calm):
            wait_until(_nothing_waits, seconds=20)
        assert Artwork.objects.ready().count() == 3

    def test_a_broker_that_forgets_everything_costs_no_picture(
        self, broker: Broker, broker_url: str, tmp_path: Path, pool: str
    ) -> None:
        slow = {**QUICK, "ENCODER": "tests.fakes.LeisurelyEncoder"}
        with run_worker(broker_url, tmp_path / "worker.log", "-P", pool, **slow):
            for number in range(40):
                make_artwork(f"{number}")
            broker.clear()
            assert Artwork.objects.pending().exists()
            wait_until(_nothing_waits, seconds=30)
        assert Artwork.objects.ready().count() == 40

    def test_no_memory_for_one_picture_is_recorded_and_the_worker_goes_on(
        self, broker: Broker, broker_url: str, tmp_path: Path, dead_broker: None, pool: str
    ) -> None:
        _make_unsent(5, poison=2)
        greedy = {**QUICK, "ENCODER": "tests.fakes.GreedyEncoder"}
        with run_worker(broker_url, tmp_path / "worker.log", "-P", pool, **greedy) as worker:
            wait_until(_nothing_waits)
            assert worker.process.poll() is None
        failed = Artwork.objects.failed().get()
        assert failed.title == "2"
        assert "memory" in failed.embedding_reason
        assert Artwork.objects.ready().count() == 4

    def test_an_encoder_that_cannot_load_empties_no_queue_and_is_tried_again(
        self,
        broker: Broker,
        broker_url: str,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        pool: str,
    ) -> None:
        monkeypatch.setenv("ENCODER_FILE", str(tmp_path / "encoder"))
        absent = {**QUICK, "ENCODER": "tests.fakes.AbsentEncoder"}
        make_artwork()
        with run_worker(broker_url, tmp_path / "worker.log", "-P", pool, **absent) as worker:
            wait_until(lambda: "takes no pictures from the queue" in worker.log, seconds=20)
            assert "Install django-artsimilarity[worker]" in worker.log
            assert Artwork.objects.get().embedding_attempts == 0
            assert _queued(broker) >= 1
            (tmp_path / "encoder").touch()
            wait_until(_nothing_waits, seconds=20)
        assert Artwork.objects.ready().count() == 1

    def test_a_fault_of_the_database_is_tried_again(
        self, broker: Broker, broker_url: str, tmp_path: Path, pool: str
    ) -> None:
        make_artwork()
        table, column = Artwork._meta.db_table, "embedding_digest"
        _run(f"ALTER TABLE {table} RENAME {column} TO gone")
        try:
            with run_worker(broker_url, tmp_path / "worker.log", "-P", pool, **QUICK) as worker:
                wait_until(lambda: "is tried again: ProgrammingError" in worker.log)
                _run(f"ALTER TABLE {table} RENAME gone TO {column}")
                wait_until(_nothing_waits, seconds=20)
        finally:
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT 1 FROM information_schema.columns"
                    " WHERE table_name = %s AND column_name = 'gone'",
                    [table],
                )
                left = cursor.fetchone()
            if left:
                _run(f"ALTER TABLE {table} RENAME gone TO {column}")
        assert Artwork.objects.ready().count() == 1

    def test_what_a_killed_worker_left_in_the_broker_is_embedded_by_the_next(
        self, broker: Broker, broker_url: str, tmp_path: Path, dead_broker: None, pool: str
    ) -> None:
        _make_unsent(30)
        connect(broker_url)
        slow = {**QUICK, "ENCODER": "tests.fakes.LeisurelyEncoder"}
        with run_worker(broker_url, tmp_path / "first.log", "-P", pool, **slow) as worker:
            wait_until(lambda: Artwork.objects.ready().count() >= 5)
            worker.kill()
        assert Artwork.objects.pending().exists()
        with run_worker(broker_url, tmp_path / "second.log", "-P", pool, **QUICK):
            wait_until(_nothing_waits, seconds=30)
        assert Artwork.objects.ready().count() == 30


def test_a_picture_over_the_time_limit_fails_and_takes_no_other_with_it(
    broker: Broker, broker_url: str, tmp_path: Path, dead_broker: None
) -> None:
    """In a prefork pool; the others have no means to end a task."""
    _make_unsent(8, poison=3)
    connect(broker_url)
    stuck = {**QUICK, "ENCODER": "tests.fakes.StuckEncoder", "TIME_LIMIT": 2, "CLAIM_SECONDS": 3}
    with run_worker(broker_url, tmp_path / "worker.log", **stuck):
        wait_until(_nothing_waits)
    failed = Artwork.objects.failed().get()
    assert failed.title == "3"
    assert "stopped 3 times" in failed.embedding_reason
    assert Artwork.objects.ready().count() == 7


def test_of_several_workers_one_sweeps_at_a_time(
    broker: Broker, broker_url: str, tmp_path: Path, dead_broker: None
) -> None:
    calm = {**QUICK, "SWEEP_SECONDS": 600}
    logs = [tmp_path / "first.log", tmp_path / "second.log"]
    with (
        run_worker(broker_url, logs[0], "-n", "first@here", **calm),
        run_worker(broker_url, logs[1], "-n", "second@here", **calm),
    ):
        make_artwork()
        words = "Task artsimilarity.sweep"
        wait_until(lambda: sum(log.read_text().count(words) for log in logs) >= 4)
        swept = sum(log.read_text().count("The sweep found") for log in logs)
    assert swept == 1


def _queued(broker: Broker) -> int:
    return broker.waiting("artsimilarity") + broker.unacknowledged()


def _run(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


def test_health_misses_a_worker_that_takes_no_pictures(
    broker: Broker, broker_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENCODER_FILE", str(tmp_path / "encoder"))
    absent = {**QUICK, "ENCODER": "tests.fakes.AbsentEncoder", "SWEEP_SECONDS": 600}
    make_artwork()
    with run_worker(broker_url, tmp_path / "worker.log", **absent) as worker:
        wait_until(lambda: "Canceling queue artsimilarity" in worker.log, seconds=20)
        wait_until(lambda: "worker" in find_problems(), seconds=20)
