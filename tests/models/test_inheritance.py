"""The mixin on a child of another package's concrete model, and keys that it cannot take."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection, models
from django.test.utils import isolate_apps

from artsimilarity.checks import check_model
from artsimilarity.embedding.pipeline import embed
from artsimilarity.encoder.recipe import ART
from artsimilarity.library import Library
from artsimilarity.models import SimilarityMixin
from artsimilarity.schema.indexes import Graph, hnsw_index
from artsimilarity.search import more_like_this
from tests.pictures import BLUE, GREEN, RED, picture_file

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("quick_encoder")]


@pytest.fixture
def etching() -> Iterator[Any]:
    """A child of a concrete model in whose table the file's name is."""
    with isolate_apps("demo_site.library"):

        class Scan(models.Model):
            title = models.CharField(max_length=100)
            image = models.ImageField(upload_to="scans")

            class Meta:
                app_label = "library"

            def __str__(self) -> str:
                return self.title

        class Etching(SimilarityMixin, Scan):
            class Meta:
                app_label = "library"

        with connection.schema_editor() as editor:
            editor.create_model(Scan)
            editor.create_model(Etching)
        yield Etching


class TestAChildOfAConcreteModel:
    def test_is_embedded_and_finds_its_neighbours(self, etching: Any) -> None:
        made = {
            name: etching.objects.create(title=name, image=picture_file(colour))
            for name, colour in {"green": GREEN, "red": RED, "greenish": (34, 165, 66)}.items()
        }
        result = embed(Library.of(etching), [one.pk for one in made.values()])
        assert len(result.embedded) == 3
        stored = etching.objects.get(pk=made["green"].pk)
        assert more_like_this(stored, style=0)[0].title == "greenish"

    def test_a_file_changed_in_the_parents_table_is_noticed(self, etching: Any) -> None:
        one = etching.objects.create(title="one", image=picture_file(RED))
        embed(Library.of(etching), [one.pk])
        name = one.image.storage.save("other.png", picture_file(BLUE))
        etching.objects.filter(pk=one.pk).update(image=name)
        rows = Library.of(etching).rows
        assert rows.pending().count() == 1
        assert rows.pending().reset_replaced() == 1
        assert embed(Library.of(etching), [one.pk]).embedded == [str(one.pk)]


def test_a_key_of_several_columns_is_refused_with_what_to_do() -> None:
    with isolate_apps("demo_site.library"):

        class Plate(SimilarityMixin, models.Model):
            pk = models.CompositePrimaryKey("book", "number")
            book = models.IntegerField()
            number = models.IntegerField()
            image = models.ImageField(upload_to="plates")

            class Meta:
                app_label = "library"

            def __str__(self) -> str:
                return "plate"

        (message,) = [one for one in check_model(Plate) if one.id == "artsimilarity.E007"]
    assert "UniqueConstraint" in str(message.hint)


def test_index_names_are_good_names_whatever_the_tables_name_is() -> None:
    with isolate_apps("demo_site.library"):

        class Print(SimilarityMixin, models.Model):
            image = models.ImageField(upload_to="prints")

            class Meta:
                app_label = "library"
                db_table = 'museum"."artworks'

            def __str__(self) -> str:
                return "print"

        names = [index.name for index in Print._meta.indexes]
        for column, graph in itertools.product(("embedding", "embedding_next"), Graph):
            names.append(hnsw_index(Print, ART.fingerprint, column, graph).name)
    assert all(name.replace("_", "").isalnum() and name[0].isalpha() for name in names)
    assert len(set(names)) == len(names)
    assert max(map(len, names)) <= 30  # Django's limit


def test_a_path_to_another_models_picture_is_refused_with_the_companion_named() -> None:
    with isolate_apps("demo_site.library"):

        class Entry(SimilarityMixin, models.Model):
            similarity_image_field = "photo__image"

            class Meta:
                app_label = "library"

            def __str__(self) -> str:
                return "entry"

        messages = [one for one in check_model(Entry) if one.id == "artsimilarity.E001"]
    assert "SimilarityCompanion" in str(messages[0].hint)
