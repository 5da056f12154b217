"""PgBouncer in transaction mode before an embedded Postgres, for the benchmark and the tests.

It is not in the package index: Debian's package ``pgbouncer`` has it.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, quote, unquote, urlsplit

from demo_site.servers import ServerError

# Part of the socket's name; each pooler has a folder of its own.
_PORT = 6432
_START_SECONDS = 20.0
_STOP_SECONDS = 10.0


def find_pgbouncer() -> str | None:
    """Where the program is; None where it is not installed."""
    return shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")


@contextmanager
def pgbouncer(directory: Path, url: str, *, connections: int) -> Iterator[str]:
    """Run PgBouncer in transaction mode, and yield the address of the database behind it.

    Args:
        directory: for its socket and its log; made if it does not exist, and readable by all.
        url: of the database.
        connections: to Postgres, which all clients share.

    Raises:
        ServerError: it is not installed, or did not start.
    """
    program = find_pgbouncer()
    if program is None:
        raise ServerError("PgBouncer is not installed: apt-get install pgbouncer")
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "pgbouncer.ini").write_text(_configuration(directory, url, connections))
    owner = ["-u", _give_to_another_user(directory, _host(url))] if os.geteuid() == 0 else []
    process = subprocess.Popen(  # noqa: S603 -- the program that was found, and its own file
        [program, *owner, str(directory / "pgbouncer.ini")],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(directory / f".s.PGSQL.{_PORT}", process, directory)
        database = urlsplit(url)
        user, name = database.username or "postgres", database.path
        yield f"postgresql://{user}@{quote(str(directory), safe='')}:{_PORT}{name}"
    finally:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _host(url: str) -> str:
    """Name of the server, or the folder of its socket."""
    database = urlsplit(url)
    return parse_qs(database.query).get("host", [unquote(database.hostname or "")])[0]


def _configuration(directory: Path, url: str, connections: int) -> str:
    database = urlsplit(url)
    port = f" port={database.port}" if database.port else ""
    user, password = database.username or "postgres", database.password
    login = f"user={user}" + (f" password={unquote(password)}" if password else "")
    return f"""\
[databases]
* = host={_host(url)}{port} {login}

[pgbouncer]
pool_mode = transaction
unix_socket_dir = {directory}
listen_port = {_PORT}
logfile = {directory / "log"}
auth_type = any
default_pool_size = {connections}
max_client_conn = 500
ignore_startup_parameters = extra_float_digits, options
"""


def _give_to_another_user(directory: Path, host: str) -> str:
    """Return whom it runs as: it refuses to run as root, as Postgres does, and needs its socket."""
    socket = Path(host)
    owner = socket.stat().st_uid if socket.is_absolute() else 0
    user = pwd.getpwuid(owner) if owner else pwd.getpwnam("nobody")
    os.chown(directory, user.pw_uid, user.pw_gid)
    directory.chmod(0o755)
    return user.pw_name


def _wait_for(socket: Path, process: subprocess.Popen[bytes], directory: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not socket.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            raise ServerError(f"PgBouncer did not start; its log is {directory / 'log'}.")
        time.sleep(0.05)
