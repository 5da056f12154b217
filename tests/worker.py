"""A real Celery worker in a process of its own, on the test database and the test broker."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.db import connection

QUEUES = "artsimilarity,artsimilarity-search"
ROOT = Path(__file__).resolve().parent.parent


def database_url(name: str | None = None) -> str:
    """The address of the test database, or of another one on the same server."""
    database = connection.settings_dict
    parts = {**database.get("OPTIONS", {}), "host": database["HOST"], "port": database["PORT"]}
    host = parts["host"] or database["OPTIONS"].get("host", "")
    login = quote(database["USER"]) + (
        f":{quote(database['PASSWORD'])}" if database["PASSWORD"] else ""
    )
    port = f":{parts['port']}" if parts["port"] else ""
    return f"postgresql://{login}@{quote(str(host), safe='')}{port}/{name or database['NAME']}"


def run_python(script: str, **environment: str) -> str:
    """Run a script in a process of its own, on the test database, and return what it prints."""
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "DATABASE_URL": database_url(),
            **environment,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def wait_until(condition: Callable[[], Any], *, seconds: float = 60, every: float = 0.1) -> None:
    """Wait for a condition, asked every so many seconds; fail with what it last returned."""
    deadline = time.monotonic() + seconds
    while not (last := condition()):
        assert time.monotonic() < deadline, f"not within {seconds} s: {last!r}"
        time.sleep(every)


class Worker:
    """The process, and what it printed."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self.process = process
        self._log = log

    @property
    def log(self) -> str:
        """All that the worker has printed so far."""
        return self._log.read_text()

    def kill(self) -> None:
        """SIGKILL the worker and its children at once."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@contextmanager
def run_worker(
    broker_url: str, log: Path, *options: str, database: str = "", **artsimilarity: Any
) -> Iterator[Worker]:
    """Run a worker and stop it in the end.

    Args:
        broker_url: of the test broker.
        log: where it prints.
        options: of Celery.
        database: another address of the test database, such as a pooler's.
        artsimilarity: settings of the app.
    """
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "DATABASE_URL": database or database_url(),
        "CELERY_BROKER_URL": broker_url,
        "DEMO_DATA": str(Path(settings.MEDIA_ROOT).parent),
        "TEST_ARTSIMILARITY": json.dumps(artsimilarity),
    }
    command = [sys.executable, "-m", "celery", "-A", "demo_site", "worker", "-Q", QUEUES]
    with log.open("ab") as output:
        process = subprocess.Popen(
            [*command, "-c", "1", "-l", "INFO", *options],
            cwd=ROOT,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    worker = Worker(process, log)
    try:
        wait_until(lambda: " ready." in worker.log or process.poll() is not None)
        assert process.poll() is None, worker.log
        yield worker
    except BaseException as error:
        error.add_note(f"The worker printed last:\n{worker.log[-3000:]}")
        raise
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                worker.kill()
