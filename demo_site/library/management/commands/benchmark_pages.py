"""Load on the picture pages of a large library, behind a production server."""

from __future__ import annotations

import importlib.util
import os
import random
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

import dj_database_url
import psycopg
import psycopg.sql
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connections
from django.utils.translation import gettext as _

from demo_site import servers
from demo_site.large_library import fill_library
from demo_site.pooler import pgbouncer
from demo_site.processes import ChildError, Children, StopRequested, StopSignal

_START_SECONDS = 60
_STYLES = (0, 0.25, 0.5, 0.75, 1)
_POOLER = "PgBouncer with %(pgbouncer)d connections, "


class Command(BaseCommand):
    """``manage.py benchmark_pages [--rows N] [--clients N ...] [--seconds N] [--workers N]``."""

    help = (
        "Fills a library of its own, in an embedded Postgres that is thrown away, serves the demo "
        "with gunicorn, and lets clients look at picture pages at random. Prints errors, pages a "
        "second and times. Run it where nothing else needs the machine."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        parser.add_argument("--rows", type=int, default=100_000, help="pictures in the library")
        parser.add_argument(
            "--clients",
            type=int,
            nargs="+",
            default=[8],
            help="readers at the same time; several numbers are measured one after the other",
        )
        parser.add_argument("--seconds", type=int, default=60, help="how long they read")
        parser.add_argument("--workers", type=int, default=2, help="processes of gunicorn")
        parser.add_argument(
            "--pgbouncer",
            type=int,
            metavar="N",
            help="measure once more through PgBouncer, with N connections in transaction mode",
        )
        parser.add_argument(
            "--shared-buffers",
            metavar="SIZE",
            help="of Postgres, such as 4GB; default: Postgres' own 128MB",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Fill, serve, read, and leave nothing behind."""
        for name in ("rows", "clients", "seconds", "workers", "pgbouncer"):
            if options[name] is not None and min(_listed(options[name])) < 1:
                raise CommandError(_("--%(name)s must be 1 or more.") % {"name": name})
        if importlib.util.find_spec("gunicorn") is None:
            raise CommandError(_("It needs gunicorn: pip install gunicorn"))
        with StopSignal().installed() as stop:
            try:
                self._run(options, stop)
            except (ChildError, servers.ServerError) as error:
                raise CommandError(str(error)) from error
            except StopRequested:
                raise CommandError(_("Stopped."), returncode=130) from None

    def _run(self, options: dict[str, Any], stop: StopSignal) -> None:
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pages-")))
            folder.chmod(0o755)
            if options["shared_buffers"]:
                _set_shared_buffers(folder / "postgres", options["shared_buffers"])
            url = stack.enter_context(servers.postgres(folder / "postgres"))
            settings.DATABASES["default"].update(dj_database_url.parse(url))
            stack.callback(connections.close_all)
            environment = {
                **os.environ,
                "DATABASE_URL": url,
                "DEMO_DATA": str(folder / "demo"),
                "DJANGO_SETTINGS_MODULE": "demo_site.settings",
            }
            settings.MEDIA_ROOT = str(folder / "demo" / "media")
            logs = folder / "logs"
            logs.mkdir()
            children = stack.enter_context(
                Children(environment=environment, directory=settings.BASE_DIR, logs=logs, stop=stop)
            )
            call_command("migrate", verbosity=0)
            pks = fill_library(options["rows"])
            children.run("Collecting static files", ["manage.py", "collectstatic", "--noinput"])
            self._measure(url, pks, options, children)
            if options["pgbouncer"]:
                pooler = pgbouncer(folder / "pooler", url, connections=options["pgbouncer"])
                pooled, through = stack.enter_context(pooler), _POOLER % options
                self._measure(pooled, pks, options, children, through=through)

    def _measure(
        self,
        url: str,
        pks: list[int],
        options: dict[str, Any],
        children: Children,
        *,
        through: str = "",
    ) -> None:
        """Serve the library at an address of the database, and let each number of clients read."""
        port = _free_port()
        command = ["-m", "gunicorn", "demo_site.wsgi", "--bind", f"127.0.0.1:{port}"]
        command += ["--workers", str(options["workers"]), "--env", f"DATABASE_URL={url}"]
        children.start(f"web server at {port}", command)
        self._wait_for(port, pks[0], children)
        for clients in options["clients"]:
            readers = _Readers(port, pks)
            readers.read(clients, min(5, options["seconds"]), children)
            readers.forget()
            readers.read(clients, options["seconds"], children)
            self._report(readers, options, clients, through)

    def _wait_for(self, port: int, pk: int, children: Children) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            children.wait()
            try:
                if _get(HTTPConnection("127.0.0.1", port, timeout=30), f"/artworks/{pk}/") == 200:
                    return
            except OSError:
                continue  # not up yet
        raise CommandError(_("The web server does not answer."))

    def _report(
        self, readers: _Readers, options: dict[str, Any], clients: int, through: str
    ) -> None:
        times = sorted(readers.milliseconds)
        if not times:
            raise CommandError(_("No page was read."))
        self.stdout.write(
            f"{options['rows']} pictures, gunicorn with {options['workers']} workers, "
            f"{clients} clients, {through}{options['seconds']} s; "
            f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}"
        )
        self.stdout.write(
            f"{len(times)} pages, {len(times) / options['seconds']:.1f} a second, "
            f"{len(readers.errors)} errors"
        )
        at = {share: times[min(int(share * len(times)), len(times) - 1)] for share in _SHARES}
        self.stdout.write(", ".join(f"p{share * 100:.0f} {ms:.0f} ms" for share, ms in at.items()))
        for error in readers.errors[:5]:
            self.stdout.write(f"  {error}")


_SHARES = (0.5, 0.95, 0.99)


class _Readers:
    """Clients that open one picture page after the other, each on a connection of its own."""

    def __init__(self, port: int, pks: list[int]) -> None:
        self._port = port
        self._pks = pks
        self._lock = threading.Lock()
        self.forget()

    def forget(self) -> None:
        """Start to count anew."""
        self.milliseconds: list[float] = []
        self.errors: list[str] = []

    def read(self, clients: int, seconds: int, children: Children) -> None:
        """Read for so long; raises if a child process ends meanwhile."""
        deadline = time.monotonic() + seconds
        with ThreadPoolExecutor(clients) as pool:
            jobs = [pool.submit(self._read, seed, deadline) for seed in range(clients)]
            while not all(job.done() for job in jobs):
                children.wait()
            for job in jobs:
                job.result()

    def _read(self, seed: int, deadline: float) -> None:
        client = HTTPConnection("127.0.0.1", self._port, timeout=30)
        for address in self._addresses(seed):
            if time.monotonic() > deadline:
                return
            started = time.perf_counter()
            try:
                status = _get(client, address)
                error = "" if status == 200 else f"{address}: status {status}"
            except (OSError, HTTPException) as failure:
                error = f"{address}: {failure!r}"
                client.close()
            with self._lock:
                self.milliseconds.append(1000 * (time.perf_counter() - started))
                if error:
                    self.errors.append(error)

    def _addresses(self, seed: int) -> Iterator[str]:
        chance = random.Random(seed)  # noqa: S311 -- which page is read is no secret
        while True:
            style = chance.choice(_STYLES)
            yield f"/artworks/{chance.choice(self._pks)}/?style={style}"


def _set_shared_buffers(folder: Path, size: str) -> None:
    """Have the server's next start take so much memory; raises CommandError for no size."""
    with servers.postgres(folder) as url, psycopg.connect(url, autocommit=True) as server:
        try:
            server.execute(
                psycopg.sql.SQL("ALTER SYSTEM SET shared_buffers = {}").format(
                    psycopg.sql.Literal(size)
                )
            )
        except psycopg.Error as error:
            raise CommandError(_("--shared-buffers: %(error)s") % {"error": error}) from error


def _listed(numbers: int | list[int]) -> list[int]:
    return numbers if isinstance(numbers, list) else [numbers]


def _get(client: HTTPConnection, address: str) -> int:
    client.request("GET", address)
    response = client.getresponse()
    response.read()
    return response.status


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
    return port
