"""The primary dies, its replica is promoted: a worker that has run all the time goes on."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import OperationalError, connection

from artsimilarity.library import Library
from artsimilarity.library.index_build import VectorIndex
from artsimilarity.search import more_like_this
from demo_site.library.models import Artwork
from tests.broker import Broker
from tests.clusters import Pair, at, new_pair
from tests.pictures import BLUE, RED, make_artwork
from tests.worker import run_worker, wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

QUICK = {"ENCODER": "artsimilarity.testing.QuickEncoder", "RETRY_BACKOFF": 0.2}


@pytest.fixture
def pair(
    transactional_db: None, django_db_blocker: Any, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Pair]:
    """Two servers; Django knows the addresses of both, and takes the one that may be written to."""
    with new_pair(django_db_blocker) as pair, at("default", pair.primary):
        hosts = (one.ask("SHOW unix_socket_directories") for one in (pair.primary, pair.replica))
        connection.settings_dict["HOST"] = ",".join(hosts)
        monkeypatch.setenv("PGTARGETSESSIONATTRS", "read-write")
        yield pair


def test_pictures_are_embedded_and_found_after_a_failover_without_a_restart(
    pair: Pair, broker: Broker, broker_url: str, tmp_path: Path
) -> None:
    with run_worker(broker_url, tmp_path / "worker.log", **QUICK):
        for number in range(3):
            make_artwork(f"before {number}", RED)
        wait_until(lambda: Artwork.objects.ready().count() == 3)
        pair.wait()

        pair.primary.stop("immediate")
        with pytest.raises(OperationalError):
            Artwork.objects.count()
        connection.close()  # as the end of a request does
        pair.replica.run("pg_ctl", "-D", pair.replica.data, "-w", "promote")

        after = make_artwork("after", BLUE)
        wait_until(lambda: Artwork.objects.ready().count() == 4)
    after.refresh_from_db()
    assert {one.title for one in more_like_this(after)} == {f"before {i}" for i in range(3)}
    assert VectorIndex.serving(Library.of(Artwork)).is_built()
    printed = io.StringIO()
    call_command("embed_artworks", status=True, json=True, stdout=printed)
    status = json.loads(printed.getvalue())
    assert (status["ready"], status["pending"], status["problems"]) == (4, 0, [])
    call_command("check", databases=["default"], fail_level="INFO")
