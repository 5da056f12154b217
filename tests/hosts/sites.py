"""A host on the tests' servers: its folder, its database, its processes."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import dj_database_url
import psycopg
import redis

from tests.worker import QUEUES, wait_until

PROJECTS = Path(__file__).parent / "projects"
_SHARED = PROJECTS / "shared"


class SiteError(AssertionError):
    """A process of a site failed; the message is what it printed."""


@dataclass
class Site:
    """One host: ``before`` it installs the app and ``after``, on the same databases.

    It is made of the projects that ``layers`` names, each laid over the last. Both folders lie in
    ``folder``, as do its pictures, in ``media``. Its processes run by ``python``, which has an
    environment of the host's own.
    """

    layers: tuple[str, ...]
    folder: Path
    python: Path
    databases: dict[str, dict[str, Any]]
    broker_url: str
    settings: dict[str, Any] = field(default_factory=dict)
    """What a test says to the site's settings module, by the environment variable SITE."""

    def create_before(self) -> None:
        """Lay out the site as it was, with the migrations of its own apps."""
        self._lay("before", self.before)
        self.manage("makemigrations", after=False)

    def create_after(self) -> None:
        """Lay the files over it that its owner adds or changes."""
        shutil.copytree(self.before, self.after)
        self._lay("after", self.after)

    @property
    def before(self) -> Path:
        """The project's folder before it installs the app."""
        return self.folder / "before"

    @property
    def after(self) -> Path:
        """The project's folder with the app."""
        return self.folder / "after"

    def manage(self, *arguments: str, after: bool = True) -> str:
        """Run a command of Django's and return all that it printed.

        Raises:
            SiteError: it failed.
        """
        return self.run("-m", "django", *arguments, after=after)

    def ask(self, module: str, part: str, *, after: bool = True) -> dict[str, Any]:
        """Run a part of a module of the site's, which prints a line of JSON; returns that."""
        printed = self.run("-m", module, part, after=after)
        seen: dict[str, Any] = json.loads(printed.splitlines()[-1])
        return seen

    def migrate(self, *, after: bool = True) -> None:
        """Migrate all databases."""
        for alias in self.databases:
            self.manage("migrate", "--database", alias, after=after)

    def check(self) -> str:
        """What Django's checks say, which ask the databases, too.

        Raises:
            SiteError: they warn, or find an error.
        """
        databases = [word for alias in self.databases for word in ("--database", alias)]
        return self.manage("check", *databases, "--fail-level", "WARNING")

    def run(self, *arguments: str, after: bool = True) -> str:
        """Run the site's Python in its folder and return all that it printed.

        Raises:
            SiteError: it failed, or gave no answer for minutes.
        """
        command = [str(self.python), *arguments]
        try:
            done = subprocess.run(
                command,
                cwd=self.after if after else self.before,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=300,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise SiteError(f"{command} took more than 300 s:\n{error.stdout}") from error
        if done.returncode:
            raise SiteError(f"{command} failed:\n{done.stdout}")
        return done.stdout

    @contextmanager
    def worker(self) -> Iterator[None]:
        """A Celery worker on the app's own queues, as README starts it."""
        app = "mysite" if (self.after / "mysite" / "celery.py").exists() else "hosting"
        command = ("-m", "celery", "-A", app, "worker", "-Q", QUEUES, "-c", "1", "-l", "INFO")
        with self.process("worker", *command, ready=" ready."):
            yield

    @contextmanager
    def process(self, name: str, *arguments: str, ready: str) -> Iterator[None]:
        """A process of the site's Python, stopped in the end; waits for a word that it prints."""
        log = self.folder / f"{name}.log"
        with log.open("ab") as output:
            process = subprocess.Popen(
                [str(self.python), *arguments],
                cwd=self.after,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            wait_until(lambda: ready in log.read_text() or process.poll() is not None)
            assert process.poll() is None, log.read_text()
            yield
        except BaseException as error:
            error.add_note(f"The {name} printed last:\n{log.read_text()[-4000:]}")
            raise
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def _lay(self, moment: str, folder: Path) -> None:
        for layer in self.layers:
            if (PROJECTS / layer / moment).is_dir():
                shutil.copytree(PROJECTS / layer / moment, folder, dirs_exist_ok=True)

    def _environment(self) -> dict[str, str]:
        """What the site's processes inherit: nothing of the tests' own project."""
        ours = ("DJANGO_", "PYTHON", "VIRTUAL_ENV", "DATABASE_URL", "CELERY_", "PYTEST_", "DEMO_")
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
        site = {
            "databases": self.databases,
            "media": str(self.folder / "media"),
            **self.settings,
        }
        return {
            **inherited,
            "DJANGO_SETTINGS_MODULE": "mysite.settings",
            "PYTHONPATH": str(_SHARED),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONUNBUFFERED": "1",
            "CELERY_BROKER_URL": self.broker_url,
            "SITE": json.dumps(site),
        }


@contextmanager
def new_databases(
    postgres_url: str, *names: str, sql: tuple[str, ...] = ()
) -> Iterator[list[dict[str, Any]]]:
    """Empty databases, dropped in the end: Django's settings of each.

    ``sql`` is what their administrator does in each before the site is there.
    """
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        for name in names:
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
            connection.execute(f"CREATE DATABASE {name}")
            its_url = urlsplit(postgres_url)._replace(path=f"/{name}").geturl()
            with psycopg.connect(its_url, autocommit=True) as its_own:
                for statement in sql:
                    its_own.execute(statement.format(database=name))
        try:
            yield [{**dj_database_url.parse(postgres_url), "NAME": name} for name in names]
        finally:
            for name in names:
                connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def empty_queue(broker_url: str) -> None:
    """Forget what the site before left in the queue."""
    with redis.Redis.from_url(broker_url) as client:
        client.flushdb()
