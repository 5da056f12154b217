"""Every host: a site with pictures installs the app while it runs, and is used from then on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.hosts.conftest import NewSite
from tests.hosts.sites import SiteError

pytestmark = pytest.mark.hosts


# As hosted Postgres has it: an administrator made the extension, outside the schema ``public``.
EXTENSION_ELSEWHERE = (
    "CREATE SCHEMA extensions",
    "CREATE EXTENSION vector SCHEMA extensions",
    'ALTER DATABASE {database} SET search_path = "$user", public, extensions',
)

HOSTS = {
    "blank, Django 5.2": {
        "layers": ["blank"],
        "requirements": ("django==5.2.*",),
        "python": "3.11",
    },
    "blank, Django 6.0": {
        "layers": ["blank"],
        "requirements": ("django==6.0.*",),
        "python": "3.12",
    },
    "blank, Django 6.1": {
        "layers": ["blank"],
        "requirements": ("django==6.1.*",),
        "python": "3.13",
    },
    "blank, Python 3.14": {
        "layers": ["blank"],
        "requirements": ("django==6.1.*",),
        "python": "3.14",
    },
    "Wagtail, custom image": {"layers": ["wagtail", "wagtail_custom"]},
    "Wagtail, stock image": {"layers": ["wagtail", "wagtail_stock"]},
    "photologue": {"layers": ["photologue"]},
    "filer": {"layers": ["filer"]},
    "crowded, mixin": {"layers": ["crowded", "crowded_by_mixin"]},
    "crowded, companion": {"layers": ["crowded", "crowded_by_companion"]},
    "two databases": {"layers": ["blank", "two_databases"], "databases": ("default", "pictures")},
    "extension in a schema": {"layers": ["blank"], "sql": EXTENSION_ELSEWHERE},
}


@dataclass
class Journey:
    """What was seen on the way, part by part; of a part that failed, the error."""

    parts: dict[str, Any]

    def seen(self, part: str) -> Any:
        """What a part brought; fails the test with its error."""
        found = self.parts[part]
        if isinstance(found, dict) and "error" in found:
            pytest.fail(f"{part}: {found['error']}", pytrace=False)
        return found


@pytest.fixture(scope="module", params=HOSTS)
def journey(request: pytest.FixtureRequest, new_site: NewSite) -> Iterator[Journey]:
    """The whole way of a host, travelled once."""
    options = dict(HOSTS[request.param])
    with new_site(*options.pop("layers"), **options) as site:
        site.migrate(after=False)
        before = site.ask("journey", "before", after=False)
        site.create_after()
        site.manage("makemigrations")
        site.migrate()
        parts = {
            "before": before,
            "old process": outcome(site.ask, "journey", "old_process", after=False),
            "migrations": outcome(site.manage, "makemigrations", "--check", "--dry-run"),
            "checks": outcome(site.check),
        }
        with site.worker():
            site.manage("embed_artworks")
            parts |= site.ask("journey", "after")
        yield Journey(parts)


def outcome(step: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """What a step returns, or the error that it ended with."""
    try:
        return step(*arguments, **options)
    except SiteError as error:
        return {"error": str(error)}


def test_the_checks_have_nothing_to_say(journey: Journey) -> None:
    assert "no issues" in journey.seen("checks")


def test_its_migrations_are_complete(journey: Journey) -> None:
    assert "No changes detected" in journey.seen("migrations")


def test_a_process_of_the_code_before_can_still_take_an_upload(journey: Journey) -> None:
    assert journey.seen("old process") == {"pictures": 7}


def test_pictures_that_were_there_are_embedded(journey: Journey) -> None:
    assert journey.seen("wait_for_all") == {"pictures": 7}


def test_the_usual_page_asks_as_often_as_before_and_for_no_vector(journey: Journey) -> None:
    before, after = journey.seen("before"), journey.seen("listing")
    assert after["queries"] == before["queries"]
    assert after["with vectors"] == []


def test_its_other_pages_work(journey: Journey) -> None:
    assert set(journey.seen("other_pages").values()) == {200}


def test_what_is_uploaded_in_its_admin_is_embedded_by_a_worker(journey: Journey) -> None:
    assert journey.seen("upload")["seconds"] < 30


def test_its_page_shows_the_neighbours(journey: Journey) -> None:
    assert journey.seen("page")["captions"][:2] == ["red", "reddish"]


def test_its_neighbours_are_links_with_small_pictures(journey: Journey) -> None:
    seen = journey.seen("neighbours")
    assert seen["links"] == [200] * seen["neighbours"]
    assert len(seen["pictures"]) == seen["neighbours"]
    assert max(seen["pictures"]) <= 480 < 900


def test_its_api_answers_with_the_neighbours(journey: Journey) -> None:
    assert journey.seen("api")[:2] == ["red", "reddish"]


def test_its_own_code_finds_them_within_its_own_querysets(journey: Journey) -> None:
    seen = journey.seen("code")
    assert seen["more_like_this"] == ["red", "reddish"]
    assert set(seen["similar_to"]) == {"red", "reddish"}  # equally near: the index's choice
    assert seen["similar_to among two"] == ["red", "blue"]


def test_its_admin_shows_the_embeddings(journey: Journey) -> None:
    for page, seen in journey.seen("admin").items():
        assert seen == {"status": 200, "speaks of embeddings": True}, page


def test_a_replaced_picture_is_found_by_its_new_file(journey: Journey) -> None:
    assert journey.seen("replace")[:2] == ["blue", "bluish"]


def test_a_hidden_picture_is_nowhere(journey: Journey) -> None:
    assert "green" in journey.seen("hide")
    assert "blue" not in journey.seen("hide")


def test_a_deleted_picture_is_nowhere(journey: Journey) -> None:
    assert "crimson" in journey.seen("delete")
    assert "reddish" not in journey.seen("delete")
