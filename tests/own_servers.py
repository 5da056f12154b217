"""Servers that a test may break: in a folder of their own, beside those of the run."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import psycopg
import redis

from tests.servers import Seat, Servers


@contextmanager
def temporary_servers(idle_seconds: float = 60) -> Iterator[Servers]:
    """Servers that have not been started yet, and are stopped in the end."""
    with tempfile.TemporaryDirectory(prefix="artsimilarity-servers-") as folder:
        servers = Servers(Path(folder).resolve(), idle_seconds)
        try:
            yield servers
        finally:
            servers.stop()


def running(folder: Path) -> set[psutil.Process]:
    """The processes that work in a folder."""
    return {
        process
        for process in psutil.process_iter(["cwd"])
        if (process.info["cwd"] or "").startswith(str(folder))
    }


def keeper(servers: Servers) -> psutil.Process:
    """The process that runs both servers."""
    (keeper,) = (one for one in running(servers.run) if one.info["cwd"] == str(servers.run))
    return keeper


def works(seat: Seat) -> bool:
    """Whether databases can be made on the one server, and the other answers."""
    with psycopg.connect(seat.postgres_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {seat.database}")
        connection.execute(f"DROP DATABASE {seat.database}")
    with redis.Redis.from_url(seat.valkey_url) as client:
        return bool(client.ping())
