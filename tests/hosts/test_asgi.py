"""A site of asynchronous views, served by uvicorn."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from tests.hosts.conftest import NewSite
from tests.hosts.sites import Site

pytestmark = pytest.mark.hosts


@pytest.fixture(scope="module")
def site(new_site: NewSite) -> Iterator[tuple[Site, str]]:
    """The site with six embedded pictures, and its address."""
    with new_site("blank", "asgi") as site:
        site.migrate(after=False)
        site.ask("journey", "before", after=False)
        site.create_after()
        site.manage("makemigrations")
        site.migrate()
        with site.worker():
            site.manage("embed_artworks")
            site.ask("journey", "wait_for_all")
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        server = ("-m", "uvicorn", "mysite.asgi:application", "--port", str(port))
        with site.process("uvicorn", *server, ready="running on"):
            yield site, f"http://127.0.0.1:{port}"


def fetch(url: str) -> str:
    with urlopen(url, timeout=20) as answer:
        return str(answer.read().decode())


def test_an_asynchronous_view_awaits_the_neighbours(site: tuple[Site, str]) -> None:
    answer = json.loads(fetch(f"{site[1]}/artworks/1/alike/"))
    assert len(answer["titles"]) == 2
    assert answer["titles"][0] == "reddish"


def test_its_template_shows_what_it_awaited(site: tuple[Site, str]) -> None:
    page = fetch(f"{site[1]}/artworks/1/")
    assert page.count("artsimilarity-title") == 5
    assert "reddish" in page


def test_many_visitors_at_once_are_all_answered(site: tuple[Site, str]) -> None:
    with ThreadPoolExecutor(8) as visitors:
        pages = list(visitors.map(fetch, [f"{site[1]}/artworks/{1 + n % 6}/" for n in range(48)]))
    assert all(page.count("artsimilarity-title") == 5 for page in pages)


def test_a_template_that_would_query_on_the_event_loop_is_told_what_to_await(
    site: tuple[Site, str],
) -> None:
    with pytest.raises(HTTPError, match="500"):
        fetch(f"{site[1]}/artworks/1/by-the-tag/")
    assert "await amore_like_this(" in (site[0].folder / "uvicorn.log").read_text()
