"""What is sent to the workers, in which chunks."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.management import call_command
from pytest_django import Settings

from artsimilarity.embedding import queue, tasks
from demo_site.library.models import Artwork
from tests.broker import Broker
from tests.pictures import make_embedded

pytestmark = pytest.mark.django_db(transaction=True)


def _bulk(count: int) -> None:
    Artwork.objects.bulk_create(Artwork(title=f"{i}", image=f"{i}.png") for i in range(count))


def test_pictures_go_in_chunks_of_bounded_size(broker: Broker, settings: Settings) -> None:
    settings.ARTSIMILARITY = {**settings.ARTSIMILARITY, "CHUNK_SIZE": 4}
    _bulk(10)
    assert queue.enqueue(Artwork.objects.all()) == 10
    assert [len(pks) for _task, (_model, pks, _using) in broker.tasks()] == [4, 4, 2]
    assert broker.pks() == [
        str(pk) for pk in Artwork.objects.order_by("pk").values_list("pk", flat=True)
    ]


def test_only_pictures_that_wait_are_sent(broker: Broker) -> None:
    make_embedded("ready")
    _bulk(1)
    assert queue.enqueue(Artwork.objects.all()) == 1


def test_by_force_all_are_sent_and_go_on_being_served(broker: Broker) -> None:
    ready = make_embedded("ready")
    assert queue.enqueue(Artwork.objects.all(), force=True) == 1
    stored = Artwork.objects.defer(None).get(pk=ready.pk)
    assert stored.embedding_status == "pending"
    assert stored.embedding is not None


def test_by_force_a_queryset_of_failed_pictures_is_sent_although_they_are_pending_then(
    broker: Broker,
) -> None:
    make_embedded("one")
    Artwork.objects.update(
        embedding_status="failed", embedding_error="broken", embedding_attempts=3
    )
    assert queue.enqueue(Artwork.objects.failed(), force=True) == 1
    stored = Artwork.objects.get()
    assert (stored.embedding_error, stored.embedding_attempts) == ("", 0)


def test_the_old_vector_of_a_file_replaced_by_update_is_no_longer_served(broker: Broker) -> None:
    make_embedded("one")
    Artwork.objects.update(image="another.png")
    assert queue.enqueue(Artwork.objects.all()) == 1
    assert Artwork.objects.defer(None).get().embedding is None


def test_a_plain_queryset_will_do(broker: Broker) -> None:
    _bulk(1)
    assert queue.enqueue(Artwork._base_manager.all()) == 1


def test_a_broker_that_is_down_takes_none(dead_broker: None) -> None:
    _bulk(3)
    assert queue.enqueue(Artwork.objects.all()) == 0
    assert Artwork.objects.pending().count() == 3


class ReadsFromReplica:
    """Routes reads to a replica; it is down, so that whoever asks it finds out."""

    def db_for_read(self, model: Any, **hints: Any) -> str:
        return "replica"

    def db_for_write(self, model: Any, **hints: Any) -> str:
        return "default"


@pytest.fixture
def replica(settings: Settings) -> None:
    _bulk(2)
    settings.DATABASE_ROUTERS = ["tests.embedding.test_queue.ReadsFromReplica"]


@pytest.mark.usefixtures("replica")
class TestWithAReplicaForReading:
    def test_the_rows_to_send_are_read_from_and_noted_in_the_primary(self, broker: Broker) -> None:
        assert queue.enqueue(Artwork.objects.all()) == 2
        assert queue.enqueue(Artwork.objects.all(), force=True) == 2
        assert {using for _task, (_model, _pks, using) in broker.tasks()} == {"default"}

    def test_the_sweep_looks_at_the_primary(self, broker: Broker) -> None:
        tasks.sweep()
        assert len(broker.pks()) == 2

    def test_the_command_works_on_the_primary(self, broker: Broker) -> None:
        call_command("embed_artworks", "--no-wait")
        assert len(broker.pks()) == 2
