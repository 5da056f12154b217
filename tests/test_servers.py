"""The servers that outlive a run: shared, noticed when they are broken, and stopped."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from tests.migrated_database import MigratedDatabase, schema_fingerprint
from tests.own_servers import keeper, running, temporary_servers, works
from tests.servers import ROOT, Seat, Servers, of_this_environment
from tests.worker import wait_until

_TAKE_A_SEAT = """
import dataclasses, json, pathlib, sys
from tests.servers import Servers
with Servers(pathlib.Path(sys.argv[1]), 60).seat() as seat:
    print(json.dumps(dataclasses.asdict(seat)), flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def servers() -> Iterator[Servers]:
    """Servers that nobody has started yet."""
    with temporary_servers() as servers:
        yield servers


def test_a_later_run_finds_the_same_servers_until_they_are_stopped(servers: Servers) -> None:
    with servers.seat() as seat:
        assert works(seat)
    first = keeper(servers)
    with servers.seat() as seat:
        assert works(seat)
    assert keeper(servers) == first
    servers.stop()
    assert running(servers.home) == set()
    assert not servers.run.exists()


def test_two_runs_that_begin_at_once_share_the_servers_and_no_database(servers: Servers) -> None:
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", _TAKE_A_SEAT, servers.home],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    try:
        one, other = (Seat(**json.loads(run.stdout.readline())) for run in runs if run.stdout)
        assert one.postgres_url == other.postgres_url
        assert one.valkey_url.rpartition("/")[0] == other.valkey_url.rpartition("/")[0]
        assert {one.number, other.number} == {0, 1}
        assert one.database != other.database
        assert one.valkey_url != other.valkey_url
        assert not servers.stop(unless_used=True)
        assert works(one)
    finally:
        for run in runs:
            run.communicate()
    assert servers.stop(unless_used=True)
    assert running(servers.home) == set()


def test_a_number_that_a_worker_of_a_killed_run_still_uses_is_not_given_again() -> None:
    servers = of_this_environment()
    with servers.seat() as seat:
        left = redis.Redis.from_url(seat.valkey_url)
        left.ping()
    with left, servers.seat() as another:
        assert another.number != seat.number


@pytest.mark.slow
def test_they_stop_by_themselves_when_idle_and_never_under_a_run() -> None:
    with temporary_servers(idle_seconds=0.4) as servers:
        with servers.seat() as seat:
            time.sleep(1)
            assert works(seat)
        wait_until(lambda: not running(servers.home), seconds=20)
        assert not servers.run.exists()


class TestMigratedDatabase:
    def test_is_there_for_the_schema_it_was_kept_for_and_no_other(self, seat: Seat) -> None:
        url, prefix = seat.postgres_url, f"{seat.database}_kept_"
        first = MigratedDatabase(url, "first", prefix)
        second = MigratedDatabase(url, "second", prefix)
        assert not first.exists()
        first.keep("template1")
        assert first.exists()
        assert not second.exists()
        second.keep("template1")
        assert not first.exists()
        second.drop(second.name)
        first.unlock()
        second.unlock()

    def test_has_another_name_when_any_of_our_files_or_a_setting_changes(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setattr("tests.migrated_database.ROOT", tmp_path)
        migration = tmp_path / "artsimilarity" / "migrations" / "0001.py"
        migration.parent.mkdir(parents=True)
        seen = {schema_fingerprint(), schema_fingerprint("other settings")}
        for content in ("", "a = 1", "a = 2"):
            migration.write_text(content)
            assert schema_fingerprint() == schema_fingerprint()
            seen.add(schema_fingerprint())
        assert len(seen) == 5
