"""A table of 451 pictures that five packages serialize, export, copy and put back.

They are Django REST framework with ``fields = "__all__"``, django-import-export,
django-simple-history, django-reversion and django-guardian.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.hosts.conftest import NewSite
from tests.hosts.sites import Site

pytestmark = pytest.mark.hosts


@pytest.fixture(scope="module", params=["crowded_by_mixin", "crowded_by_companion"])
def site(request: pytest.FixtureRequest, new_site: NewSite) -> Iterator[Site]:
    """The site with the app; every picture is embedded."""
    with new_site("crowded", request.param) as site:
        site.migrate(after=False)
        site.ask("crowd", "fill", after=False)
        (site.folder / "before.json").write_text(site.run("-m", "crowd", "read", after=False))
        site.create_after()
        site.manage("makemigrations")
        site.migrate()
        with site.worker():
            site.manage("embed_artworks")
            site.ask("crowd", "ready")
        yield site


@pytest.fixture(scope="module")
def read(site: Site) -> dict[str, Any]:
    """What is read of the whole table, before the app was installed and after."""
    before = json.loads((site.folder / "before.json").read_text().splitlines()[-1])
    return {"before": before, "after": site.ask("crowd", "read")}


@pytest.mark.parametrize("reader", ["API", "fixture", "export", "history"])
def test_what_reads_whole_rows_reads_what_it_read_before(read: dict[str, Any], reader: str) -> None:
    assert read["after"][reader] == read["before"][reader]


def test_a_full_export_can_be_imported_again(site: Site) -> None:
    assert site.ask("crowd", "import_back") == {"pictures": 451, "renamed": 1, "ready": 6}


def test_only_permitted_pictures_are_found(site: Site) -> None:
    assert site.ask("crowd", "permitted") == {"similar": ["reddish", "bluish"]}


@pytest.mark.parametrize("way", ["revert_a_version", "revert_in_history", "update"])
def test_a_picture_that_is_put_back_is_not_served_by_the_vector_of_another_file(
    site: Site, way: str
) -> None:
    with site.worker():
        assert "green" in site.ask("crowd", "become_blue")["near blue"]
    seen = site.ask("crowd", way)
    assert seen["file is the old one"]
    assert "green" not in seen["near blue"]
    assert seen["shown"] == []
    assert seen["answered"] == []
    with site.worker():
        site.manage("embed_artworks", "--pending")
        site.ask("crowd", "ready")
    assert "green" not in site.ask("crowd", "served")["near blue"]
