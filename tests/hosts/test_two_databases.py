"""A router that sends the pictures, but not the app's own tables, to a second database."""

from __future__ import annotations

import pytest

from tests.hosts.conftest import NewSite
from tests.hosts.sites import SiteError

pytestmark = pytest.mark.hosts


def test_the_checks_say_what_the_router_forgets(new_site: NewSite) -> None:
    databases = ("default", "pictures")
    forgetful = "mysite.routers.ForgetfulRouter"
    with new_site("blank", "two_databases", databases=databases, router=forgetful) as site:
        site.migrate(after=False)
        site.create_after()
        with pytest.raises(SiteError, match=r"artsimilarity\.[EW]\d+.*\n.*(router|ROUTERS)"):
            site.check()
