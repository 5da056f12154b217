"""The demo's data folder: its servers, for ``manage.py demo`` and for every other command.

``demo`` starts them and notes where they are. Another command uses those, or starts them itself for
as long as it runs, so that none needs a database of one's own.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from demo_site import servers

_URLS = ("DATABASE_URL", "CELERY_BROKER_URL")

# They need no database, or bring their own.
_WITHOUT_SERVERS = frozenset(
    {
        *("demo", "benchmark_pages", "help", "version", "test", "diffsettings"),
        *("collectstatic", "findstatic", "makemessages", "compilemessages"),
        *("startapp", "startproject", "sendtestemail"),
    }
)


class InUseError(Exception):
    """Another process has the folder; the message says what to do."""


def place() -> Path:
    """Return the folder: ``DEMO_DATA``, or ``var`` beside ``manage.py``."""
    return Path(os.environ.get("DEMO_DATA") or Path(__file__).parents[1] / "var").resolve()


@contextmanager
def only_one(data: Path) -> Iterator[None]:
    """Keep other servers off the same data; the lock goes with its process, however that ends.

    Raises:
        InUseError: another process holds it.
    """
    data.mkdir(parents=True, exist_ok=True)
    with (data / "demo.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise InUseError(
                f"A demo runs already with the data in {data}. Stop it, or choose another folder "
                f"with --data."
            ) from error
        (data / "servers.json").unlink(missing_ok=True)  # of a process that was killed
        yield


@contextmanager
def noted(data: Path, environment: Mapping[str, str]) -> Iterator[None]:
    """Tell other commands where the servers are, while they run. The lock must be held."""
    file, unfinished = data / "servers.json", data / "servers.json.new"
    unfinished.unlink(missing_ok=True)
    unfinished.touch(mode=0o600)  # a URL that was given may hold a password
    text = json.dumps({name: environment[name] for name in _URLS})
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(file)  # others read all of it, or nothing
    try:
        yield
    finally:
        file.unlink(missing_ok=True)


@contextmanager
def servers_for(arguments: Sequence[str]) -> Iterator[None]:
    """Let a command of ``manage.py`` find the demo's servers in its environment.

    Nothing happens where ``DATABASE_URL`` names a database, where the settings are not the demo's,
    and for commands that need no server. A folder without a database gets one, migrated.

    Args:
        arguments: of ``manage.py``, without its own name.

    Raises:
        InUseError: another process holds the folder, but its servers are not there yet.
        servers.ServerError: a server did not start.
    """
    if not _needs_servers(arguments):
        yield
        return
    data, broker = place(), os.environ.get("CELERY_BROKER_URL")
    with ExitStack() as stack:
        try:
            stack.enter_context(only_one(data))
        except InUseError as error:
            os.environ |= _running(data, error)
            if broker:
                os.environ["CELERY_BROKER_URL"] = broker
        else:
            stack.enter_context(_leaving_on_signals())
            urls = {
                "DATABASE_URL": stack.enter_context(servers.postgres(data / "postgres")),
                "CELERY_BROKER_URL": broker or stack.enter_context(servers.valkey(data / "valkey")),
            }
            os.environ |= urls
            if arguments[0] != "migrate":
                _migrate_new(urls["DATABASE_URL"])
            stack.enter_context(noted(data, urls))  # not before there are tables
        yield


def _needs_servers(arguments: Sequence[str]) -> bool:
    if os.environ.get("DATABASE_URL") or not arguments or arguments[0] in _WITHOUT_SERVERS:
        return False
    if os.environ.get("DJANGO_SETTINGS_MODULE") != "demo_site.settings":
        return False
    asks_for_help = {"-h", "--help", "--version"} & set(arguments)
    return not asks_for_help and not any(one.startswith("--settings") for one in arguments)


@contextmanager
def _leaving_on_signals() -> Iterator[None]:
    """Have a closed terminal or ``kill`` end a command as Ctrl-C does: its servers stop too."""

    def leave(number: int, frame: object) -> None:
        raise SystemExit(128 + number)

    previous = {one: signal.signal(one, leave) for one in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _running(data: Path, error: InUseError) -> dict[str, str]:
    try:
        urls: dict[str, str] = json.loads((data / "servers.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InUseError(
            f"Servers with the data in {data} are being started or stopped by another process. "
            f"Try again in a moment, or set DATABASE_URL and CELERY_BROKER_URL to servers of yours."
        ) from error
    return urls


def _migrate_new(url: str) -> None:
    """Make the tables of a database that has none: nobody has started the demo here yet."""
    import django
    import psycopg
    from django.core.management import call_command

    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT to_regclass('django_migrations')").fetchone()
    if found and found[0] is None:
        print("Preparing a new database for the demo …", file=sys.stderr)
        django.setup()
        call_command("migrate", verbosity=0)
