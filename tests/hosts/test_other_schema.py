"""The extension in a schema that is not on the search path, as hosted Postgres may have it."""

from __future__ import annotations

import pytest

from tests.hosts.conftest import NewSite
from tests.hosts.sites import SiteError

pytestmark = pytest.mark.hosts

OFF_THE_PATH = ("CREATE SCHEMA extensions", "CREATE EXTENSION vector SCHEMA extensions")


def test_the_checks_name_the_search_path(new_site: NewSite) -> None:
    with new_site("blank", sql=OFF_THE_PATH) as site:
        site.migrate(after=False)
        site.create_after()
        with pytest.raises(SiteError, match=r"(?s)artsimilarity\.[EW]\d+.*search_path"):
            site.check()


def test_migrate_ends_with_words_that_name_the_search_path(new_site: NewSite) -> None:
    with new_site("blank", sql=OFF_THE_PATH) as site:
        site.migrate(after=False)
        site.create_after()
        site.manage("makemigrations")
        with pytest.raises(SiteError, match="search_path"):
            site.migrate()
