"""A site behind PgBouncer in transaction mode: each transaction may get another connection."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest

from demo_site.library.models import Artwork
from demo_site.pooler import find_pgbouncer, pgbouncer
from tests.pictures import fill_library, make_artwork
from tests.worker import database_url, run_python, run_worker, wait_until

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(find_pgbouncer() is None, reason="PgBouncer is not installed"),
]

CONNECTIONS = 2
QUICK = {"ENCODER": "artsimilarity.testing.QuickEncoder"}


@pytest.fixture(scope="module")
def pooler(django_db_setup: None, django_db_blocker: Any) -> Iterator[str]:
    """Its address; two connections to Postgres serve all of its clients."""
    with tempfile.TemporaryDirectory(prefix="pooler-") as folder:
        Path(folder).chmod(0o755)
        with django_db_blocker.unblock():
            url = database_url()
        with pgbouncer(Path(folder) / "pooler", url, connections=CONNECTIONS) as pooled:
            yield pooled


# What a web process with eight threads does.
SEARCHES = """
import json, sys
from concurrent.futures import ThreadPoolExecutor
import django
django.setup()
from django.db import connection
from artsimilarity.search import more_like_this
from demo_site.library.models import Artwork

pictures = list(Artwork.objects.order_by("pk")[:40])
connection.close()

def search(wanted):
    picture, style = wanted
    try:
        return [one.pk for one in more_like_this(picture, style=style, limit=8)]
    finally:
        connection.close()

wanted = [(picture, style) for picture in pictures for style in (0.0, 0.6, 1.0)]
with ThreadPoolExecutor(8) as clients:
    print(json.dumps(list(clients.map(search, wanted))))
"""


def test_many_clients_find_what_is_found_without_it_and_leave_no_setting_behind(
    pooler: str,
) -> None:
    fill_library(600)
    found = json.loads(run_python(SEARCHES, DATABASE_URL=pooler))
    assert len(found) == 120
    assert {len(page) for page in found} == {8}
    assert found == json.loads(run_python(SEARCHES))
    with ThreadPoolExecutor(CONNECTIONS) as clients:
        left = list(clients.map(lambda _number: _settings(pooler), range(4 * CONNECTIONS)))
    assert {setting for setting, _pid in left} == {"40"}  # pgvector's own
    assert len({pid for _setting, pid in left}) <= CONNECTIONS


def _settings(pooler: str) -> tuple[str, int]:
    with psycopg.connect(pooler, autocommit=True) as client:
        found = client.execute(
            "SELECT current_setting('hnsw.ef_search'), pg_backend_pid(), pg_sleep(0.05)"
        ).fetchone()
    assert found is not None
    return found[0], found[1]


def test_a_worker_embeds_through_it(pooler: str, broker_url: str, tmp_path: Path) -> None:
    with run_worker(broker_url, tmp_path / "worker.log", database=pooler, **QUICK):
        picture = make_artwork()
        wait_until(lambda: _status(picture) == "ready")
    assert Artwork.objects.defer(None).get(pk=picture.pk).embedding is not None


def _status(picture: Artwork) -> str:
    return Artwork.objects.values_list("embedding_status", flat=True).get(pk=picture.pk)
