"""The state of a library in numbers."""

from __future__ import annotations

import io
import json

import pytest
from django.core.management import call_command
from pytest_django import DjangoAssertNumQueries

from artsimilarity import indexing
from artsimilarity.encoder.recipe import ART
from artsimilarity.statistics import as_dict, library_status
from demo_site.library.models import Artwork
from tests.broker import Broker, RefusingBroker
from tests.pictures import make_artwork, make_embedded

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("quick_encoder"),
]


def test_counts_by_status_and_by_recipe(dead_broker: None) -> None:
    make_embedded("ready")
    make_embedded("of another recipe", embedding_recipe="x-256+216-" + "0" * 16)
    failed = make_embedded("failed")
    Artwork.objects.filter(pk=failed.pk).update(
        embedding_status="failed", embedding_error="It is damaged.", embedding=None
    )
    make_artwork("pending")
    Artwork.objects.create(title="not scanned")
    status = library_status(Artwork, workers=False)
    assert (status.total, status.ready, status.pending, status.failed) == (5, 2, 1, 1)
    assert status.without_picture == 1
    assert status.by_recipe == {ART.fingerprint: 1, "x-256+216-" + "0" * 16: 1}
    assert [(e.title, e.error) for e in status.errors] == [("failed", "It is damaged.")]
    assert (status.queue_length, status.worker_seen) == (None, None)


def test_the_rate_is_that_of_the_last_minute_and_gives_the_time_left(dead_broker: None) -> None:
    artworks = [make_artwork(f"{i}") for i in range(9)]
    indexing.embed(Artwork, [artwork.pk for artwork in artworks[:6]])
    status = library_status(Artwork, workers=False)
    assert status.rate == pytest.approx(0.1)
    assert status.seconds_left == pytest.approx(30)


def test_without_anything_waiting_no_time_is_left_to_tell(dead_broker: None) -> None:
    assert library_status(Artwork, workers=False).seconds_left is None


def test_the_queue_is_counted_and_no_worker_is_seen_where_none_is(broker: Broker) -> None:
    make_artwork()
    status = library_status(Artwork)
    assert status.queue_length == 1
    assert status.worker_seen is False


def test_a_broker_that_is_down_is_told_from_an_empty_queue(dead_broker: None) -> None:
    status = library_status(Artwork)
    assert status.queue_length is None
    assert status.worker_seen is False


def test_a_broker_that_is_down_is_asked_once_and_its_workers_not_at_all(
    refusing_broker: RefusingBroker,
) -> None:
    library_status(Artwork)
    assert refusing_broker.connections == 1


def test_the_table_is_read_once_however_much_is_counted(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    make_embedded("ready")
    with django_assert_num_queries(3):  # the counts, the roll-out, the last errors
        library_status(Artwork, workers=False)


def test_the_status_is_plain_values() -> None:
    assert json.loads(json.dumps(as_dict(library_status(Artwork, workers=False))))


def test_the_command_prints_it_as_a_table_and_as_json(broker: Broker) -> None:
    make_embedded("ready")
    table, document = io.StringIO(), io.StringIO()
    call_command("embed_artworks", "--status", stdout=table)
    call_command("embed_artworks", "--status", "--json", stdout=document)
    assert "ready: 1" in table.getvalue()
    assert json.loads(document.getvalue())["ready"] == 1
