"""The sweep and the verification: what they find, and what they leave alone."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.db.models import F
from django.utils import timezone

from artsimilarity.embedding import pipeline, sweep
from artsimilarity.embedding.tasks import sweep as sweep_task
from artsimilarity.library import Library
from demo_site.library.models import Artwork
from tests.broker import Broker
from tests.pictures import BLUE, make_artwork, make_embedded, picture_bytes

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("quick_encoder"),
]


def _bulk(count: int) -> None:
    Artwork.objects.bulk_create(Artwork(title=f"{i}", image=f"{i}.png") for i in range(count))


def test_finds_rows_from_bulk_create(broker: Broker) -> None:
    _bulk(3)
    assert sweep.sweep(Library.of(Artwork)) == 3
    assert len(broker.pks()) == 3


def test_finds_files_replaced_by_update_and_stops_serving_their_vectors(broker: Broker) -> None:
    artwork = make_embedded("one")
    Artwork.objects.update(image="another.png")
    assert sweep.sweep(Library.of(Artwork)) == 1
    assert Artwork.objects.defer(None).get(pk=artwork.pk).embedding is None


def test_leaves_ready_and_failed_pictures_alone(broker: Broker) -> None:
    make_embedded("ready")
    failed = make_embedded("failed")
    Artwork.objects.filter(pk=failed.pk).update(embedding_status="failed")
    assert sweep.sweep(Library.of(Artwork)) == 0


def test_leaves_a_picture_to_the_worker_that_has_it_until_its_time_is_up(broker: Broker) -> None:
    _bulk(1)
    taken = {"embedding_image": F("image"), "embedding_claimed_at": timezone.now()}
    Artwork.objects.update(**taken)
    assert sweep.sweep(Library.of(Artwork)) == 0
    Artwork.objects.update(embedding_claimed_at=timezone.now() - timedelta(hours=1))
    assert sweep.sweep(Library.of(Artwork)) == 1


def test_sends_nothing_while_the_queue_is_long(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep, "_ENOUGH_TASKS", 1)
    _bulk(20)
    assert sweep.sweep(Library.of(Artwork)) == 20
    assert sweep.sweep(Library.of(Artwork)) == 0


def test_a_broker_that_is_down_is_no_error(dead_broker: None) -> None:
    _bulk(1)
    assert sweep.sweep(Library.of(Artwork)) == 0


def test_the_task_sweeps_every_model(broker: Broker) -> None:
    _bulk(1)
    sweep_task()
    assert len(broker.pks()) == 1


class TestVerify:
    def test_finds_a_file_replaced_behind_djangos_back(self, broker: Broker) -> None:
        same, changed, gone = (make_artwork(name) for name in ("same", "changed", "gone"))
        pipeline.embed(Library.of(Artwork), [same.pk, changed.pk, gone.pk])
        storage = changed.image.storage
        storage.delete(changed.image.name)
        storage.save(changed.image.name, ContentFile(picture_bytes(BLUE)))
        storage.delete(gone.image.name)
        assert sweep.verify(Library.of(Artwork)) == [changed.pk, gone.pk]
        assert list(Artwork.objects.ready()) == [same]
        assert Artwork.objects.pending().count() == 2

    def test_changes_nothing_where_most_files_are_missing_as_without_their_disk(
        self, broker: Broker
    ) -> None:
        artworks = [make_artwork(name) for name in ("there", "gone", "gone too")]
        pipeline.embed(Library.of(Artwork), [artwork.pk for artwork in artworks])
        for artwork in artworks[1:]:
            artwork.image.storage.delete(artwork.image.name)
        with pytest.raises(sweep.StorageAwayError, match="2 of 3 files"):
            sweep.verify(Library.of(Artwork))
        assert Artwork.objects.ready().count() == 3
