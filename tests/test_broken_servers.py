"""Servers that a run finds dead or damaged: it notices, clears up and starts anew."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator

import psutil
import pytest

from tests.own_servers import keeper, running, temporary_servers, works
from tests.servers import Servers, wait_for_end


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    """Servers that every test here breaks and mends."""
    with temporary_servers() as servers:
        yield servers


def _postmaster(servers: Servers) -> psutil.Process:
    return psutil.Process(int((servers.run / "postgres/postmaster.pid").read_text().split()[0]))


def _valkey(servers: Servers) -> psutil.Process:
    (valkey,) = running(servers.run / "valkey")
    return valkey


@pytest.mark.slow
@pytest.mark.parametrize("victim", [_postmaster, _valkey, keeper])
def test_what_was_killed_is_started_anew(
    servers: Servers, victim: Callable[[Servers], psutil.Process]
) -> None:
    with servers.seat():
        before = running(servers.home)
    process = victim(servers)
    process.kill()
    assert not wait_for_end([process])
    with servers.seat() as seat:
        assert works(seat)
    assert not before & running(servers.home)


def test_servers_without_a_folder_are_replaced(servers: Servers) -> None:
    with servers.seat():
        before = running(servers.home)
    shutil.rmtree(servers.run)
    with servers.seat() as seat:
        assert works(seat)
    assert not before & running(servers.home)


@pytest.mark.parametrize("lost", ["postgres/base", "postgres/postmaster.pid", "servers.json"])
def test_servers_that_lost_files_do_not_count_as_whole(servers: Servers, lost: str) -> None:
    with servers.seat():
        assert servers.urls()
    path = servers.run / lost
    aside = path.with_name("aside")
    path.rename(aside)
    try:
        assert servers.urls() is None
    finally:
        aside.rename(path)
    assert servers.urls()
