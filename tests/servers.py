"""The tests' own Postgres and Valkey: started on first use and kept for later runs.

A process of its own, the keeper, runs both and lives on when the tests end. It stops them after an
hour without a run, or when the checkout is gone; where the environment says ``CI``, the tests stop
it when they end. Two runs at once, and the processes of ``pytest -n``, share the servers: each
takes a seat, a number that no other process holds, and a database of each server by that number.

    python -m tests.servers status
    python -m tests.servers stop          # those of this checkout and this Python environment
    python -m tests.servers stop --all    # those of this checkout

What was killed, or lost its files, is noticed by the next run, which clears up and starts anew.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import psycopg
import redis

from demo_site import servers

ROOT = Path(__file__).resolve().parent.parent
SEATS = 64
IDLE_SECONDS = 3600.0
IDLE_SECONDS_CI = 60.0  # for a run that was killed before it could stop them

_START_SECONDS = 90.0
_STOP_SECONDS = 30.0
_NAMES = ("postgres", "valkey-server")


class ServersError(Exception):
    """The servers cannot be started or stopped; the message says what to look at."""


@dataclass(frozen=True)
class Seat:
    """What one process of tests may use: a number, and a database by it on either server."""

    number: int
    postgres_url: str
    valkey_url: str

    @property
    def database(self) -> str:
        """The name of its database on Postgres, which need not exist."""
        return f"test_artsimilarity_{self.number}"


@dataclass(frozen=True)
class Servers:
    """The two servers whose state is in a folder, running or not.

    ``idle_seconds`` is how long those that this process starts are kept without a run.
    """

    home: Path
    idle_seconds: float = IDLE_SECONDS

    @property
    def run(self) -> Path:
        """Everything that goes when the servers stop; the locks stay in ``home``."""
        return self.home / "run"

    @property
    def state(self) -> Path:
        """The servers' addresses, written when both answer."""
        return self.run / "servers.json"

    @contextmanager
    def seat(self) -> Iterator[Seat]:
        """Take a seat, on running servers or on new ones, until the end of the block.

        Raises:
            ServersError: they do not start, or all seats are taken.
        """
        self.home.mkdir(parents=True, exist_ok=True)
        with _lock(self.home / "use.lock", fcntl.LOCK_SH):
            with _lock(self.home / "start.lock", fcntl.LOCK_EX):
                urls = self.urls() or self._start()
            with self._free_number(_used_databases(urls["valkey"])) as number:
                valkey = urlsplit(urls["valkey"])._replace(path=f"/{number}").geturl()
                try:
                    yield Seat(number, urls["postgres"], valkey)
                finally:
                    (self.home / "use.lock").touch()

    def urls(self) -> dict[str, str] | None:
        """Both servers' addresses if both are whole, else None."""
        try:
            urls: dict[str, str] = json.loads(self.state.read_text())
            _check_postgres(urls["postgres"])
            _check_valkey(urls["valkey"])
        except (OSError, ValueError, KeyError, psycopg.Error, redis.RedisError):
            return None
        return urls if self._processes(("python",)) else None

    def stop(self, *, unless_used: bool = False) -> bool:
        """Stop the servers and remove their data; False if they are in use and shall not be.

        Raises:
            ServersError: a process outlives even being killed.
        """
        if not self.home.is_dir():
            return True
        with _lock(self.home / "start.lock", fcntl.LOCK_EX):
            if not unless_used:
                self._clear()
                return True
            try:
                with _lock(self.home / "use.lock", fcntl.LOCK_EX | fcntl.LOCK_NB):
                    self._clear()
            except BlockingIOError:
                return False
            return True

    def keep(self) -> None:
        """Run both servers in this process until nobody has used them for long."""
        self.run.mkdir()
        os.chdir(self.run)  # by which a later run finds this process
        signal.signal(signal.SIGTERM, lambda number, frame: sys.exit())
        with (
            servers.postgres(self.run / "postgres") as postgres,
            servers.valkey(self.run / "valkey", _free_port(), databases=SEATS) as valkey,
        ):
            _prefer_speed(postgres)
            draft = self.run / "servers.draft"
            draft.write_text(json.dumps({"postgres": postgres, "valkey": valkey}))
            draft.replace(self.state)
            self._wait_until_idle()
        os.chdir(self.home)
        shutil.rmtree(self.run, ignore_errors=True)

    def _wait_until_idle(self) -> None:
        """Return when the checkout is gone or unused for long; nobody can then take a seat."""
        use = (self.home / "use.lock").open(
            "a"
        )  # stays open, and so locked, until the process ends
        last_seen = time.time()
        while ROOT.exists() and self.state.exists():
            time.sleep(min(5.0, self.idle_seconds / 4))
            try:
                fcntl.flock(use, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                last_seen = time.time()
                continue
            last_seen = max(last_seen, os.fstat(use.fileno()).st_mtime)
            if time.time() - last_seen >= self.idle_seconds:
                return
            fcntl.flock(use, fcntl.LOCK_UN)

    def _start(self) -> dict[str, str]:
        self._clear()
        log = self.home / "keeper.log"
        command = [sys.executable, "-m", "tests.servers", "keep"]
        with log.open("wb") as output:
            keeper = subprocess.Popen(
                [*command, "--home", self.home, "--idle-seconds", str(self.idle_seconds)],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        # It is to outlive us; should it end earlier, somebody must take notice of it.
        threading.Thread(target=keeper.wait, daemon=True).start()
        deadline = time.monotonic() + _START_SECONDS
        while not self.state.exists():
            if keeper.poll() is not None or time.monotonic() > deadline:
                self._clear()
                raise ServersError(f"The tests' servers did not start:\n{log.read_text()}")
            time.sleep(0.02)
        urls: dict[str, str] = json.loads(self.state.read_text())
        return urls

    @contextmanager
    def _free_number(self, used: set[int]) -> Iterator[int]:
        for number in sorted(set(range(SEATS)) - used):
            try:
                with _lock(self.home / f"seat-{number}.lock", fcntl.LOCK_EX | fcntl.LOCK_NB):
                    yield number
                    return
            except BlockingIOError:
                continue
        raise ServersError(f"All {SEATS} seats on the tests' servers are taken.")

    def _processes(self, names: tuple[str, ...]) -> list[psutil.Process]:
        """The keeper ("python") and the servers, told by where they run: it survives anything."""
        found = []
        for process in psutil.process_iter(["name", "cwd", "cmdline"]):
            within = (process.info["cwd"] or "").startswith(str(self.run))
            keeper = "tests.servers" in (process.info["cmdline"] or [])
            name = "python" if keeper else process.info["name"]
            if within and name in names:
                found.append(process)
        return found

    def _clear(self) -> None:
        """End what still runs, in good order if it heeds that, and remove its files."""
        for names, number in ((("python",), signal.SIGTERM), (("python", *_NAMES), signal.SIGKILL)):
            processes = self._processes(names)
            for process in processes:
                with suppress(psutil.NoSuchProcess):
                    process.send_signal(number)
            alive = wait_for_end(processes)
        if alive:
            raise ServersError(f"These processes cannot be ended: {alive}")
        shutil.rmtree(self.run, ignore_errors=True)


def of_this_environment() -> Servers:
    """The servers of this checkout and this Python environment.

    In the system's folder for temporary files: root's Postgres runs as another user, for whom
    every folder above its data is opened.

    Raises:
        ServersError: somebody else made the folder.
    """
    idle = IDLE_SECONDS_CI if os.environ.get("CI") else IDLE_SECONDS
    return Servers(_base() / f"{_digest(str(ROOT))}-{_digest(sys.prefix)}", idle)


def of_this_checkout() -> list[Servers]:
    """The same for every Python environment that tests have run in."""
    return [Servers(home) for home in sorted(_base().glob(f"{_digest(str(ROOT))}-*"))]


def wait_for_end(
    processes: Iterable[psutil.Process], seconds: float = _STOP_SECONDS
) -> list[psutil.Process]:
    """Return those that are still there after a while; nobody need take notice of the others."""
    alive = list(processes)
    deadline = time.monotonic() + seconds
    while alive := [one for one in alive if _is_alive(one)]:
        if time.monotonic() > deadline:
            break
        time.sleep(0.02)
    return alive


def _is_alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _base() -> Path:
    base = Path(tempfile.gettempdir()).resolve() / f"artsimilarity-tests-{os.geteuid()}"
    base.mkdir(mode=0o755, exist_ok=True)
    facts = base.lstat()
    if base.is_symlink() or facts.st_uid != os.geteuid() or facts.st_mode & 0o022:
        raise ServersError(f"{base} belongs to others, or others may write to it; remove it.")
    return base


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:10]


@contextmanager
def _lock(path: Path, kind: int) -> Iterator[None]:
    """Hold a lock that ends with its process, whatever ends that."""
    with path.open("a") as file:
        fcntl.flock(file, kind)
        yield


def _check_postgres(url: str) -> None:
    """Raise unless it answers and has the files of each of its databases."""
    with psycopg.connect(url, connect_timeout=5) as connection:
        connection.execute(
            "SELECT pg_stat_file('global/pg_control'), pg_stat_file('postmaster.pid')"
        )
        connection.execute(
            "SELECT pg_stat_file(format('base/%s/PG_VERSION', oid)) FROM pg_database"
        )


def _check_valkey(url: str) -> None:
    """Raise unless it answers."""
    with redis.Redis.from_url(url, socket_connect_timeout=5, socket_timeout=5) as client:
        client.ping()


def _used_databases(url: str) -> set[int]:
    """Numbers of those that somebody is connected to: a worker that outlived its killed run."""
    with redis.Redis.from_url(url) as client:
        mine = client.client_id()
        return {int(one["db"]) for one in client.client_list() if int(one["id"]) != mine}


def _free_port() -> int:
    """A port that no other checkout's server, started at the same moment, is likely to choose."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    return port


def _prefer_speed(url: str) -> None:
    """Give up what would keep the data over a power cut."""
    with psycopg.connect(url, autocommit=True) as connection:
        for name in ("fsync", "synchronous_commit", "full_page_writes"):
            connection.execute(f"ALTER SYSTEM SET {name} = off")
        connection.execute("SELECT pg_reload_conf()")


def _main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.servers", description=__doc__)
    parser.add_argument("do", choices=["status", "stop", "keep"])
    parser.add_argument("--all", action="store_true", help="of every Python environment")
    parser.add_argument("--home", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--idle-seconds", type=float, default=IDLE_SECONDS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.do == "keep":
        Servers(options.home, options.idle_seconds).keep()
        return
    for one in of_this_checkout() if options.all else [of_this_environment()]:
        if options.do == "stop":
            one.stop()
            print(f"{one.home}: stopped")
        else:
            print(f"{one.home}: {one.urls() or 'not running'}")


if __name__ == "__main__":
    _main()
