"""Postgres servers beside the tests' own: a copy that follows another, and programs to run on them.

The programs are those of the very server that is running, run as the user whose files these are.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dj_database_url
import psutil
import psycopg
from django.core.management import call_command
from django.db import connections

from demo_site import servers as embedded
from tests.worker import wait_until

_REPLAY_SECONDS = 30.0


@dataclass(frozen=True)
class Cluster:
    """A running server.

    Attributes:
        url: of the demo's database there.
        data: the folder with its data.
        programs: the folder with ``pg_dump`` and the like, of its own version.
        user: whose processes and files its are.
    """

    url: str
    data: Path
    programs: Path
    user: int

    @classmethod
    def at(cls, url: str) -> Cluster:
        """Return the server at an address."""
        with psycopg.connect(url) as connection:
            (data,) = connection.execute("SHOW data_directory").fetchone() or ("",)
        lines = (Path(data) / "postmaster.pid").read_text().split()
        postmaster = psutil.Process(int(lines[0]))
        return cls(url, Path(data), Path(postmaster.exe()).parent, postmaster.uids().real)

    def run(self, program: str, *arguments: str | Path, cwd: Path | str = "/") -> str:
        """Run a program and return what it printed; fails with that if it fails."""
        return run_program(self.programs / program, *arguments, user=self.user, cwd=cwd)

    def ask(self, sql: str) -> str:
        """Return the first value of a query, as text."""
        with self._connect() as connection:
            row = connection.execute(sql.encode()).fetchone()
        return str(row[0]) if row else ""

    def do(self, sql: str) -> None:
        """Execute a statement that returns nothing."""
        with self._connect() as connection:
            connection.execute(sql.encode())

    def _connect(self) -> psycopg.Connection[tuple[object, ...]]:
        """Whichever of a pair it is: the environment may ask for one that can be written to."""
        return psycopg.connect(self.url, autocommit=True, target_session_attrs="any")

    def stop(self, mode: str = "fast") -> None:
        """Stop it, as an administrator would; ``immediate`` is as if it lost its power."""
        self.run("pg_ctl", "-D", self.data, "-m", mode, "-w", "stop")


def run_program(program: Path, *arguments: str | Path, user: int, cwd: Path | str = "/") -> str:
    """Run one of Postgres' programs as a user and return what it printed."""
    with tempfile.TemporaryFile() as output:  # a server that it starts would keep a pipe open
        done = subprocess.run(
            [program, *arguments],
            user=user if os.geteuid() == 0 else None,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        )
        output.seek(0)
        printed = output.read().decode()
    assert done.returncode == 0, f"{program} failed:\n{printed}"
    return printed


def make_folder(folder: Path, user: int) -> Path:
    """Make a folder that belongs to a server's user, and that this user gets at."""
    folder.mkdir(mode=0o700)
    if os.geteuid() == 0:
        os.chown(folder, user, user)
        folder.parent.chmod(0o755)
    return folder


@contextmanager
def primary(folder: Path, *, version: int | None = None) -> Iterator[Cluster]:
    """A server of its own that loses what it has in a power cut, and is quicker for it."""
    with embedded.postgres(folder, version=version) as url:
        cluster = Cluster.at(url)
        for name in ("fsync", "full_page_writes"):
            cluster.do(f"ALTER SYSTEM SET {name} = off")
        cluster.do("SELECT pg_reload_conf()")
        yield cluster


@contextmanager
def standby_of(leader: Cluster, folder: Path) -> Iterator[Cluster]:
    """A copy of a server, made by ``pg_basebackup``, that follows it by streaming replication."""
    make_folder(folder, leader.user)
    host = leader.ask("SHOW unix_socket_directories")
    leader.run(
        *("pg_basebackup", "-h", host, "-U", "postgres", "-D", folder),
        *("--write-recovery-conf", "--checkpoint=fast", "--no-sync"),
    )
    for name in (".s.PGSQL.5432.lock", ".handle_pids.json", "log"):  # the leader's, not the data's
        (folder / name).unlink(missing_ok=True)
    with embedded.postgres(folder) as url:
        yield Cluster.at(url)


def wait_for_replay(leader: Cluster, follower: Cluster) -> None:
    """Return when the follower has all that its leader has at this moment."""
    position = leader.ask("SELECT pg_current_wal_lsn()")
    _wait_for(follower, f"SELECT pg_last_wal_replay_lsn() >= '{position}'")


def _wait_for(cluster: Cluster, truth: str) -> None:
    wait_until(lambda: cluster.ask(truth) == "True", seconds=_REPLAY_SECONDS, every=0.02)


@contextmanager
def at(alias: str, cluster: Cluster) -> Iterator[None]:
    """Point one of Django's databases at another server for a while."""
    database = connections[alias]
    database.close()
    before = dict(database.settings_dict)
    try:
        database.settings_dict.update(dj_database_url.parse(cluster.url))
        yield
    finally:
        database.close()
        database.settings_dict.update(before)


@dataclass(frozen=True)
class Pair:
    """A server and one that follows it."""

    primary: Cluster
    replica: Cluster

    def wait(self) -> None:
        """Return when the replica has all that the primary has."""
        wait_for_replay(self.primary, self.replica)

    @contextmanager
    def lagging(self) -> Iterator[None]:
        """What is written meanwhile arrives after the block."""
        self.wait()
        self.replica.do("SELECT pg_wal_replay_pause()")
        try:
            _wait_for(self.replica, "SELECT pg_get_wal_replay_pause_state() = 'paused'")
            yield
        finally:
            self.replica.do("SELECT pg_wal_replay_resume()")
            self.wait()


@contextmanager
def new_pair(blocker: Any) -> Iterator[Pair]:
    """Both servers, the primary migrated; not below pytest's own folder (see tests.conftest).

    ``blocker`` is pytest-django's, as this may be called where no test is under way.
    """
    with (
        tempfile.TemporaryDirectory(prefix="artsimilarity-pair-") as folder,
        primary(Path(folder) / "primary") as leader,
    ):
        with blocker.unblock(), at("default", leader):
            call_command("migrate", verbosity=0)
        with standby_of(leader, Path(folder) / "replica") as follower:
            yield Pair(leader, follower)
