"""Which saves send a picture to the workers, and what they leave in the row."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from django.core import serializers
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage
from django.db import transaction

from demo_site.library.models import Artwork
from tests.broker import Broker
from tests.pictures import BLUE, make_artwork, make_embedded, picture_bytes, picture_file

pytestmark = pytest.mark.django_db(transaction=True)


def _stored(artwork: Artwork) -> Artwork:
    return Artwork.objects.defer(None).get(pk=artwork.pk)


def test_a_new_picture_is_sent_to_its_own_queue(broker: Broker) -> None:
    artwork = make_artwork()
    assert broker.tasks() == [
        ("artsimilarity.embed_pictures", ["library.Artwork", [str(artwork.pk)], "default"])
    ]


def test_nothing_is_sent_before_the_commit(broker: Broker) -> None:
    with transaction.atomic():
        artwork = make_artwork()
        assert broker.pks() == []
    assert broker.pks() == [str(artwork.pk)]


def test_nothing_is_sent_after_a_rollback(broker: Broker) -> None:
    with transaction.atomic():
        make_artwork()
        transaction.set_rollback(True)
    assert broker.pks() == []


def test_a_row_without_a_picture_sends_nothing(broker: Broker) -> None:
    Artwork.objects.create(title="catalogued, not scanned")
    assert broker.pks() == []


def test_a_save_that_leaves_the_picture_alone_sends_nothing(broker: Broker) -> None:
    artwork = make_artwork()
    broker.clear()
    artwork.title = "Another title"
    artwork.save()
    fetched = Artwork.objects.get()
    fetched.title = "A third title"
    fetched.save()
    assert broker.pks() == []


def test_a_save_of_an_embedded_picture_keeps_its_vector(broker: Broker) -> None:
    artwork = make_embedded("one")
    artwork.save()
    assert _stored(artwork).embedding is not None
    assert broker.pks() == []


def test_a_replaced_picture_loses_its_vector_and_is_sent(broker: Broker) -> None:
    artwork = make_embedded("one")
    artwork.image = picture_file(BLUE)
    artwork.save()
    stored = _stored(artwork)
    assert (stored.embedding, stored.embedding_recipe) == (None, "")
    assert stored.embedding_status == artwork.embedding_status == "pending"
    assert broker.pks() == [str(artwork.pk)]


def test_a_picture_replaced_by_another_files_name_is_sent(broker: Broker) -> None:
    artwork = make_embedded("one")
    artwork.image = "another.png"
    artwork.save()
    assert _stored(artwork).embedding is None
    assert broker.pks() == [str(artwork.pk)]


def test_a_picture_uploaded_under_the_old_name_is_sent(
    broker: Broker, monkeypatch: pytest.MonkeyPatch, media: object
) -> None:
    class Overwriting(FileSystemStorage):
        def get_available_name(self, name: str, max_length: int | None = None) -> str:
            self.delete(name)
            return name

    monkeypatch.setattr(Artwork._meta.get_field("image"), "storage", Overwriting())
    monkeypatch.setattr(Artwork._meta.get_field("image"), "upload_to", "")
    artwork = make_artwork()
    name = artwork.image.name
    Artwork.objects.update(embedding_status="ready", embedding=[0.5] * 472)
    broker.clear()
    artwork.image = ContentFile(picture_bytes(BLUE), name=name)
    artwork.save()
    assert artwork.image.name == name
    assert _stored(artwork).embedding is None
    assert broker.pks() == [str(artwork.pk)]


def test_update_fields_without_the_picture_send_nothing_even_if_it_was_assigned(
    broker: Broker,
) -> None:
    artwork = make_embedded("one")
    artwork.image = "another.png"
    artwork.save(update_fields=["title"])
    assert _stored(artwork).embedding is not None
    assert broker.pks() == []


def test_update_fields_with_the_picture_send_it(broker: Broker) -> None:
    artwork = make_embedded("one")
    artwork.image = picture_file(BLUE)
    artwork.save(update_fields=["image"])
    assert broker.pks() == [str(artwork.pk)]


def test_a_cleared_picture_loses_its_vector_and_is_not_sent(broker: Broker) -> None:
    artwork = make_embedded("one")
    artwork.image.delete()
    stored = _stored(artwork)
    assert (stored.embedding, stored.embedding_recipe, stored.embedding_image) == (None, "", "")
    assert broker.pks() == []


def test_a_fixture_sends_nothing_and_what_it_brings_waits_for_the_sweep(broker: Broker) -> None:
    make_embedded("one")
    dump = serializers.serialize("json", Artwork.objects.all())
    Artwork.objects.all().delete()
    for deserialized in serializers.deserialize("json", dump):
        deserialized.save()
    assert Artwork.objects.pending().count() == 1
    assert broker.pks() == []


def test_a_version_with_another_file_that_is_reverted_to_loses_the_vector(broker: Broker) -> None:
    artwork = make_embedded("one")
    dump = serializers.serialize("json", Artwork.objects.all())
    Artwork.objects.update(image="newer.png", embedding_image="newer.png")
    for deserialized in serializers.deserialize("json", dump):
        deserialized.save()
    stored = _stored(artwork)
    assert (stored.image.name, stored.embedding) == ("one.png", None)
    assert stored.embedding_status == "pending"


def test_an_instance_whose_picture_is_deferred_saves_without_loading_it(
    broker: Broker, django_assert_num_queries: Callable[[int], AbstractContextManager[object]]
) -> None:
    make_embedded("one")
    artwork = Artwork.objects.only("title").get()
    with django_assert_num_queries(1):
        artwork.save()
    assert broker.pks() == []


def test_a_save_with_the_broker_down_succeeds_at_once_and_leaves_the_picture_pending(
    dead_broker: None, caplog: pytest.LogCaptureFixture
) -> None:
    started = time.monotonic()
    with caplog.at_level(logging.WARNING, "artsimilarity"):
        make_artwork()
    assert Artwork.objects.pending().count() == 1
    assert "embed_artworks --pending" in caplog.text
    # Not a benchmark: Celery's own retries take six seconds.
    assert time.monotonic() - started < 1
