"""Searches are tested on an index that does not hold what earlier tests have rolled back."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from django.db import connections

from demo_site.library.models import Artwork


@pytest.fixture(autouse=True, scope="module")
def vacuumed(django_db_setup: None, django_db_blocker: Any) -> None:
    """Take dead rows, and what the planner was told of them, out of the table.

    A rolled back transaction leaves its rows in the index until a vacuum, as no table of a site
    has them by the thousand.
    """
    with django_db_blocker.unblock():
        options = connections["default"].get_connection_params()
        options.pop("cursor_factory", None)
        options.pop("context", None)
        with psycopg.connect(**options, autocommit=True) as connection:
            connection.execute(f"VACUUM (ANALYZE) {Artwork._meta.db_table}")
