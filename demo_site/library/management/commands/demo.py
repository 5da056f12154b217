"""Start the whole demo: servers, worker and site."""

from __future__ import annotations

import os
import secrets
import socket
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from demo_site import data_folder, servers
from demo_site.library.management.commands.create_admin import PASSWORD_VARIABLE
from demo_site.library.sources import SourceError, find_sources
from demo_site.processes import ChildError, Children, StopRequested, StopSignal

_ANY_ADDRESS = ("0.0.0.0", "::", "")  # noqa: S104 -- compared with, not listened on


class Command(BaseCommand):
    """``manage.py demo``; all that needs a database happens in child processes."""

    help = (
        "Starts a picture library with “more like this”: Postgres and Valkey (unless DATABASE_URL "
        "and CELERY_BROKER_URL name yours), a worker and the web server. Ctrl-C stops all of it."
    )
    # There is no database yet that could be checked.
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        parser.add_argument(
            "--pictures",
            nargs="+",
            type=Path,
            metavar="DIR_OR_CSV",
            help="folders of pictures, or CSV files with the columns path, title, artist and "
            "year, to load instead of the samples that the demo draws",
        )
        parser.add_argument("--port", type=int, default=8000, help="0 takes any that is free")
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
        parser.add_argument(
            "--data",
            type=Path,
            default=settings.DEMO_DATA,
            help="folder for the pictures, the servers' data and the logs (default: %(default)s)",
        )
        parser.add_argument(
            "--exit-when-ready",
            action="store_true",
            help="stop everything once the pictures are embedded, and print a summary",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Start one thing after the other; whatever happens, stop them in reverse order."""
        data = options["data"].resolve()
        pictures = [place.resolve() for place in options["pictures"] or []]
        try:
            for place in pictures:
                find_sources(place)
        except SourceError as error:
            raise CommandError(str(error)) from error
        port = _free_port(options["host"], options["port"])
        stop = StopSignal()
        try:
            with ExitStack() as stack:
                stack.enter_context(data_folder.only_one(data))
                stack.enter_context(stop.installed())
                stack.callback(self._say, "Everything has stopped.")
                environment = self._start_servers(stack, stop, data, options["host"])
                stack.enter_context(data_folder.noted(data, environment))
                children = stack.enter_context(
                    Children(
                        environment=environment,
                        directory=settings.BASE_DIR,
                        logs=data,
                        stop=stop,
                    )
                )
                stack.callback(self._say, "Stopping …")
                password = self._set_up(children, pictures)
                self._start_site(children, options["host"], port)
                self._show(data, options["host"], port, password)
                self._watch(children, neighbours=options["exit_when_ready"])
                if options["exit_when_ready"]:
                    return
                self._say("Press Ctrl-C to stop.")
                while True:
                    children.wait()
        except StopRequested:
            return
        except (ChildError, data_folder.InUseError, servers.ServerError) as error:
            raise CommandError(str(error)) from error

    def _say(self, text: str) -> None:
        """Print at once, also into a pipe: the children write to the same place."""
        self.stdout.write(text)
        self.stdout.flush()

    def _start_servers(
        self, stack: ExitStack, stop: StopSignal, data: Path, host: str
    ) -> dict[str, str]:
        """Start what is not given, and return the environment in which the rest finds it."""
        hosts = [os.environ.get("DJANGO_ALLOWED_HOSTS", "")]
        hosts += [socket.gethostname()] if host in _ANY_ADDRESS else [host]
        environment = {
            **os.environ,
            "DEMO_DATA": str(data),
            "DJANGO_ALLOWED_HOSTS": ",".join(filter(None, hosts)),
            "DJANGO_SETTINGS_MODULE": os.environ.get(
                "DJANGO_SETTINGS_MODULE", "demo_site.settings"
            ),
            "PYTHONUNBUFFERED": "1",
        }
        (data / "setup.log").write_bytes(b"")
        if not environment.get("DATABASE_URL"):
            self._say("Starting Postgres …")
            environment["DATABASE_URL"] = stack.enter_context(servers.postgres(data / "postgres"))
        stop.check()
        if not environment.get("CELERY_BROKER_URL"):
            self._say("Starting Valkey …")
            environment["CELERY_BROKER_URL"] = stack.enter_context(servers.valkey(data / "valkey"))
        stop.check()
        return environment

    def _set_up(self, children: Children, pictures: list[Path]) -> str:
        """Prepare database and files, load the pictures; returns the administrator's password."""
        self._say("Preparing the database …")
        children.run("Migrating", ["manage.py", "migrate", "--no-input"])
        children.run("Collecting static files", ["manage.py", "collectstatic", "--no-input"])
        password = secrets.token_urlsafe(12)
        children.run(
            "Creating the administrator",
            ["manage.py", "create_admin"],
            environment={PASSWORD_VARIABLE: password},
        )
        # Both for a folder that an earlier checkout has left: another recipe is rolled out while
        # the present one is served; what nobody's recipe has made is made anew.
        children.run(
            "Sending what another recipe embedded to the worker",
            ["manage.py", "embed_artworks", "--stale", "--no-wait"],
        )
        children.run("Rolling out the recipe", ["manage.py", "roll_out_recipe"])
        # What an earlier run left waiting; the queue of our own Valkey is empty by now.
        children.run(
            "Sending what waits to the worker",
            ["manage.py", "embed_artworks", "--pending", "--no-wait"],
        )
        children.run(
            "Sending what lacks thumbnails to the worker", ["manage.py", "make_thumbnails"]
        )
        children.run("Sending what lacks tiles to the worker", ["manage.py", "make_tiles"])
        if pictures:
            places = [str(place) for place in pictures]
            children.run("Loading the pictures", ["manage.py", "load_pictures", *places], show=True)
        else:
            children.run("Loading the samples", ["manage.py", "load_samples"], show=True)
        return password

    def _start_site(self, children: Children, host: str, port: int) -> None:
        """Start worker and web server, and wait until the latter answers."""
        worker = (
            "-m celery -A demo_site worker -Q artsimilarity,artsimilarity-search,celery -l INFO"
        )
        # One process: torch itself uses all cores.
        worker += " --concurrency 1 --without-gossip --without-mingle"
        children.start("worker", worker.split(), patience=20.0)
        address = f"[{host}]" if ":" in host else host or "0.0.0.0"  # noqa: S104
        # More than the searches by picture at once, each of which holds one while a worker answers.
        web = f"-m waitress --listen={address}:{port} --threads=16 demo_site.wsgi:application"
        children.start("web server", web.split())
        while not _answers(host, port):
            children.wait()

    def _show(self, data: Path, host: str, port: int, password: str) -> None:
        """Print where everything is."""
        name = "localhost" if host in _ANY_ADDRESS else f"[{host}]" if ":" in host else host
        site = f"http://{name}:{port}/"
        lines = [
            "",
            f"  The picture library   {self.style.SUCCESS(site)}",
            f"  Its API               {site}api/artworks/",
            f"  Its admin             {site}admin/",
            f"                        user admin, password {password}",
            f"  Data and logs         {data}",
            "",
        ]
        self._say("\n".join(lines))

    def _watch(self, children: Children, *, neighbours: bool) -> None:
        """Show the progress of the worker until it is done."""
        command = ["manage.py", "watch_embedding"]
        if neighbours:
            command.append("--neighbours")
        children.run("Watching the worker", command, show=True)
        children.run("Measuring the library", ["manage.py", "calibrate_scores"])
        if find_spec("openTSNE"):  # as the extra "demo" brings it
            children.run("Making the map", ["manage.py", "make_map"])


def _free_port(host: str, port: int) -> int:
    """Return ``port``, or a free one for 0; CommandError if it cannot be listened on."""
    try:
        family = socket.getaddrinfo(host or None, port, flags=socket.AI_PASSIVE)[0][0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            # As the web server does: a port that was just left is free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
            free: int = probe.getsockname()[1]
            return free
    except (OSError, OverflowError) as error:
        raise CommandError(
            f"Cannot listen on {host}, port {port}: {error}. Choose another with --port."
        ) from error


def _answers(host: str, port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1" if host in _ANY_ADDRESS else host, port), 1):
            return True
    except OSError:
        return False
