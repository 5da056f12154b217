"""Every command of the demo project: on the servers of the data folder, running or not."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from demo_site import data_folder, servers
from demo_site.data_folder import InUseError, only_one, servers_for
from tests.demo.test_demo_command import (
    PATIENCE,
    ROOT,
    environment,
    folder_for_servers,
    manage,
    processes_of,
)

URLS = {"DATABASE_URL": "postgresql://name:secret@host/db", "CELERY_BROKER_URL": "redis://x/0"}


@pytest.fixture
def data() -> Iterator[Path]:
    with folder_for_servers() as folder:
        yield folder


@pytest.fixture
def no_urls(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An environment in which nobody has named a server."""
    for name in ("DATABASE_URL", "CELERY_BROKER_URL"):
        monkeypatch.setenv(name, "")  # so that what a command sets is taken back too
        monkeypatch.delenv(name)
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "demo_site.settings")
    monkeypatch.setenv("DEMO_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


def test_a_command_in_an_empty_folder_gets_a_database_and_leaves_no_server(data: Path) -> None:
    found = manage(data, "embed_artworks", "--status")
    assert found.returncode == 0, found.stderr
    assert "library.Artwork" in found.stdout
    assert "Preparing a new database" in found.stderr
    assert not (data / "servers.json").exists()
    assert not (data / "postgres" / "postmaster.pid").exists()


@pytest.mark.parametrize(
    "arguments", [["help"], ["migrate", "--help"], [], ["check", "--settings=other"], ["demo"]]
)
def test_commands_that_need_no_server_start_none(no_urls: Path, arguments: list[str]) -> None:
    with servers_for(arguments):
        assert "DATABASE_URL" not in os.environ
    assert not no_urls.exists()


def test_a_database_that_was_named_is_used(no_urls: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://elsewhere/db")
    with servers_for(["check"]):
        assert os.environ["DATABASE_URL"] == "postgresql://elsewhere/db"
    assert not no_urls.exists()


def test_servers_that_are_only_starting_are_told_in_one_line(no_urls: Path) -> None:
    told = pytest.raises(InUseError, match="Try again in a moment")
    with only_one(no_urls), told, servers_for(["check"]):
        pass


def test_what_is_only_half_written_of_them_is_read_by_none(
    no_urls: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, told = Path.write_text, []

    def write_in_two(path: Path, text: str, **options: Any) -> int:
        write(path, text[:10], **options)
        with pytest.raises(InUseError, match="Try again in a moment"), servers_for(["check"]):
            pass
        told.append(path)
        return write(path, text, **options)

    monkeypatch.setattr(Path, "write_text", write_in_two)
    with only_one(no_urls), data_folder.noted(no_urls, URLS):
        assert told
        with servers_for(["check"]):
            assert os.environ["DATABASE_URL"] == URLS["DATABASE_URL"]


def test_a_database_is_told_to_others_when_it_has_tables(
    no_urls: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("postgres", "valkey"):
        monkeypatch.setattr(servers, name, lambda folder: nullcontext(f"url://{folder.name}"))
    notes = no_urls / "servers.json"
    before: list[bool] = []
    monkeypatch.setattr(data_folder, "_migrate_new", lambda url: before.append(notes.exists()))

    with servers_for(["check"]):
        assert json.loads(notes.read_text())["DATABASE_URL"] == "url://postgres"
    assert before == [False]


def test_a_broker_that_was_named_is_used_with_the_database_of_a_running_demo(
    no_urls: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with only_one(no_urls), data_folder.noted(no_urls, URLS):
        monkeypatch.setenv("CELERY_BROKER_URL", "redis://mine/0")
        with servers_for(["check"]):
            assert os.environ["DATABASE_URL"] == URLS["DATABASE_URL"]
            assert os.environ["CELERY_BROKER_URL"] == "redis://mine/0"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_command_that_a_signal_ends_leaves_no_server(data: Path, number: signal.Signals) -> None:
    wait = "import time; print('It waits.', flush=True); time.sleep(600)"
    with subprocess.Popen(
        [sys.executable, "manage.py", "shell", "-c", wait],
        cwd=ROOT,
        env=environment(data),
        stdout=subprocess.PIPE,
        text=True,
    ) as command:
        try:
            assert command.stdout
            assert "It waits.\n" in command.stdout
            assert processes_of(data)

            command.send_signal(number)

            assert command.wait(PATIENCE) == 128 + number
        finally:
            command.kill()  # before the block waits for it
    assert processes_of(data) == {}
    assert not (data / "servers.json").exists()


def test_where_servers_are_is_readable_by_nobody_else(no_urls: Path) -> None:
    with only_one(no_urls), data_folder.noted(no_urls, URLS):
        assert (no_urls / "servers.json").stat().st_mode & 0o077 == 0
