"""Columns that only workers write survive every kind of save."""

from __future__ import annotations

import json

import pytest
from django.core import serializers
from django.db import connection

from artsimilarity.schema.columns import COLUMNS
from artsimilarity.schema.fields import EmbeddingField
from demo_site.library.models import Artwork
from tests.pictures import make_artwork, make_embedded

pytestmark = pytest.mark.django_db


def _finish(artwork: Artwork) -> None:
    """What a worker does while somebody else holds the instance in memory."""
    Artwork.objects.filter(pk=artwork.pk).update(
        embedding=[0.5] * 472, embedding_status="ready", embedding_recipe="art-256+216-" + "0" * 16
    )


def test_a_second_save_of_a_new_instance_keeps_what_a_worker_wrote_in_between() -> None:
    artwork = make_artwork()
    _finish(artwork)
    artwork.title = "Another title"
    artwork.save()
    stored = Artwork.objects.defer(None).get()
    assert stored.title == "Another title"
    assert stored.embedding == [0.5] * 472
    assert stored.embedding_status == "ready"
    assert stored.embedding_recipe.startswith("art-")


def test_a_save_of_an_instance_with_loaded_vectors_does_not_put_the_old_ones_back() -> None:
    make_artwork()
    loaded = Artwork.objects.defer(None).get()
    assert loaded.embedding is None
    _finish(loaded)
    loaded.save()
    assert Artwork.objects.defer(None).get().embedding == [0.5] * 472


def test_a_fixture_holds_none_of_our_columns() -> None:
    make_embedded("one")
    (row,) = json.loads(serializers.serialize("json", Artwork.objects.defer(None).all()))
    assert "title" in row["fields"]
    assert set(COLUMNS).isdisjoint(row["fields"])


def test_a_fixture_loaded_over_a_row_leaves_its_embedding_alone() -> None:
    artwork = make_embedded("one")
    dump = serializers.serialize("json", Artwork.objects.all())
    for deserialized in serializers.deserialize("json", dump):
        deserialized.save()
        assert deserialized.object.embedding_status == "ready"
    restored = Artwork.objects.defer(None).get(pk=artwork.pk)
    assert restored.embedding is not None
    assert restored.embedding_status == "ready"


def test_the_database_knows_every_default() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO library_artwork (title, artist, year, image, technique, palette,"
            " published, source_digest, created)"
            " VALUES ('old process', '', '', 'a.png', '', '', true, '', now())"
        )
    assert Artwork.objects.pending().get().embedding_status == "pending"


def test_vectors_of_any_size_may_be_stored() -> None:
    field = EmbeddingField()
    _name, path, _args, kwargs = field.deconstruct()
    assert path == "artsimilarity.schema.fields.EmbeddingField"
    assert kwargs == {"null": True}
