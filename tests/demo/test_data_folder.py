"""Every command of the demo project: on the servers of the data folder, running or not."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo_site import data_folder
from demo_site.data_folder import InUseError, only_one, servers_for
from tests.demo.test_demo_command import folder_for_servers, manage


@pytest.fixture
def data() -> Iterator[Path]:
    with folder_for_servers() as folder:
        yield folder


@pytest.fixture
def no_urls(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An environment in which nobody has named a server."""
    for name in ("DATABASE_URL", "CELERY_BROKER_URL"):
        monkeypatch.delenv(name, raising=False)
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


def test_where_servers_are_is_readable_by_nobody_else(no_urls: Path) -> None:
    urls = {"DATABASE_URL": "postgresql://name:secret@host/db", "CELERY_BROKER_URL": "redis://x/0"}
    with only_one(no_urls), data_folder.noted(no_urls, urls):
        assert (no_urls / "servers.json").stat().st_mode & 0o077 == 0
