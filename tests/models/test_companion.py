"""Embeddings beside a picture model that the host does not change: everything is asked with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import pytest
from django.core.cache import cache
from django.db import connection, models
from django.template import Context, Template
from django.test.utils import CaptureQueriesContext, isolate_apps
from pytest_django import Settings

from artsimilarity.checks import check_companion
from artsimilarity.conf import get_settings
from artsimilarity.embedding import rollout, sweep
from artsimilarity.embedding.pipeline import embed
from artsimilarity.embedding.queue import enqueue
from artsimilarity.library import Library
from artsimilarity.models import SimilarityCompanion
from artsimilarity.monitoring.status import library_status
from artsimilarity.schema.tables import DuplicatePair
from artsimilarity.search import more_like_these, more_like_this, search_by_colours, similar_to
from tests.broker import Broker
from tests.photos import Photos, photo_tables
from tests.pictures import BLUE, GREEN, RED, picture_file, unit_blocks

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("quick_encoder")]


@pytest.fixture
def photos() -> Iterator[Photos]:
    """The photos of another package, with a companion."""
    with photo_tables() as photos:
        yield photos


def _titles(found: Any) -> list[str]:
    return [one.title for one in found]


class TestWriting:
    def test_a_saved_picture_gets_a_row_that_waits_and_is_sent(
        self, photos: Photos, broker: Broker, django_capture_on_commit_callbacks: Any
    ) -> None:
        with django_capture_on_commit_callbacks(execute=True):
            photo = photos.make("one")
        assert photo.embedding.embedding_status == "pending"
        assert photo.embedding.embedding_image == photo.image.name
        assert broker.pks() == [str(photo.pk)]

    def test_a_worker_embeds_it(self, photos: Photos, dead_broker: None) -> None:
        photo = photos.make("one")
        result = embed(photos.library, [photo.pk])
        assert result.embedded == [str(photo.pk)]
        row = photos.library.rows.get(pk=photo.pk)
        assert (row.embedding_status, len(row.embedding)) == ("ready", 472)

    def test_a_replaced_picture_loses_its_vector_at_once(
        self, photos: Photos, dead_broker: None
    ) -> None:
        photo = photos.make("one")
        embed(photos.library, [photo.pk])
        photo.image = picture_file(BLUE)
        photo.save()
        row = photos.library.rows.get(pk=photo.pk)
        assert (row.embedding, row.embedding_status) == (None, "pending")

    def test_a_file_changed_behind_the_signals_back_between_claim_and_write_gets_no_old_vector(
        self, photos: Photos, dead_broker: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from artsimilarity.testing import QuickEncoder

        photo = photos.make("one")
        encode = QuickEncoder.encode

        def meanwhile(self: Any, pictures: Any) -> Any:
            photos.photo.objects.filter(pk=photo.pk).update(image="another.png")
            return encode(self, pictures)

        monkeypatch.setattr(QuickEncoder, "encode", meanwhile)
        assert embed(photos.library, [photo.pk]).skipped == 1
        assert photos.library.rows.get(pk=photo.pk).embedding is None

    def test_pictures_without_a_row_are_found_by_the_sweep(
        self, photos: Photos, broker: Broker
    ) -> None:
        photos.photo.objects.bulk_create(
            [photos.photo(title=str(n), image=f"{n}.png") for n in range(3)]
        )
        assert library_status(photos.library, workers=False).pending == 3
        assert sweep.sweep(photos.library) == 3
        assert len(broker.pks()) == 3

    def test_and_by_enqueue(self, photos: Photos, broker: Broker) -> None:
        photos.photo.objects.bulk_create([photos.photo(title="one", image="one.png")])
        assert enqueue(photos.photo.objects.all()) == 1

    def test_a_deleted_picture_takes_its_row_along(self, photos: Photos, dead_broker: None) -> None:
        photos.make("one").delete()
        assert not photos.library.rows.exists()

    def test_a_save_succeeds_while_the_companions_table_is_not_there_yet(
        self, photos: Photos, dead_broker: None
    ) -> None:
        with connection.schema_editor() as editor:
            editor.delete_model(photos.companion)
        assert photos.make("one").pk
        with connection.schema_editor() as editor:
            editor.create_model(photos.companion)

    def test_a_recipe_is_rolled_out_and_promoted(
        self, photos: Photos, settings: Settings, dead_broker: None
    ) -> None:
        made = [photos.make(name, colour) for name, colour in (("one", RED), ("two", BLUE))]
        embed(photos.library, [one.pk for one in made])
        settings.ARTSIMILARITY = {**settings.ARTSIMILARITY, "NEXT_RECIPE": "tests.recipes.NEXT"}
        rollout.start(photos.library)
        embed(photos.library, [one.pk for one in made])
        assert rollout.promote(photos.library) == 2
        candidate = get_settings().next_recipe
        assert candidate is not None
        assert photos.library.rows.served(candidate.fingerprint).count() == 2
        assert _titles(more_like_this(made[0])) == ["two"]


class TestReading:
    def test_the_nearest_pictures_come_first_and_are_the_hosts_own(self, photos: Photos) -> None:
        target = photos.make_embedded("target", [1, 0])
        photos.make_embedded("far", [0, 1])
        photos.make_embedded("near", [1, 0.1])
        found = more_like_this(target)
        assert _titles(found) == ["near", "far"]
        assert all(isinstance(one, photos.photo) for one in found)

    def test_takes_one_search_beside_a_look_at_its_own_row(
        self,
        photos: Photos,
        django_assert_num_queries: Callable[[int], AbstractContextManager[object]],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        target = photos.make_embedded("target", [1, 0])
        photos.make_embedded("near", [1, 0.1])
        monkeypatch.setattr(
            photos.companion,
            "similarity_queryset",
            classmethod(lambda *_: photos.photo.objects.all()),
        )
        with django_assert_num_queries(2):
            assert _titles(more_like_this(target, limit=1)) == ["near"]

    def test_what_a_visitor_may_not_see_is_not_found(self, photos: Photos) -> None:
        target = photos.make_embedded("target", [1, 0])
        photos.make_embedded("hidden", [1, 0], public=False)
        photos.make_embedded("near", [1, 0.1])
        assert _titles(more_like_this(target)) == ["near"]

    def test_filters_on_the_pictures_columns_hold(self, photos: Photos) -> None:
        target = photos.make_embedded("target", [1, 0])
        photos.make_embedded("near", [1, 0.1])
        photos.make_embedded("far", [0, 1])
        rows = photos.photo.objects.filter(title="far")
        assert _titles(more_like_this(target, queryset=rows)) == ["far"]
        assert _titles(similar_to(rows, target)[:8]) == ["far"]

    def test_a_vector_of_another_file_is_not_served(self, photos: Photos) -> None:
        target = photos.make_embedded("target", [1, 0])
        photos.make_embedded("near", [1, 0.1])
        photos.photo.objects.filter(title="near").update(image="replaced.png")
        assert _titles(more_like_this(target)) == []
        photos.photo.objects.filter(title="target").update(image="replaced.png")
        target.refresh_from_db()
        assert more_like_this(target).status == "pending"

    def test_a_picture_without_a_row_is_new(self, photos: Photos) -> None:
        photo = photos.photo(title="new", image="new.png")
        photo.save_base(raw=True)
        photos.library.rows.all().delete()
        assert more_like_this(photo).status == "pending"

    def test_several_examples_and_colours_are_searched_for_too(self, photos: Photos) -> None:
        one, two = photos.make_embedded("one", [1, 0]), photos.make_embedded("two", [0.9, 0.1])
        photos.make_embedded("three", [0.8, 0.2])
        assert _titles(more_like_these([one, two])) == ["three"]
        assert len(search_by_colours(photos.photo, [("#000000", 1)])) == 3

    def test_duplicates_are_hidden(self, photos: Photos) -> None:
        target = photos.make_embedded("target", [1, 0])
        near, copy = photos.make_embedded("near", [1, 0.1]), photos.make_embedded("copy", [1, 0.2])
        digests = photos.library.rows.digests([str(near.pk), str(copy.pk)])
        first, second = sorted([str(near.pk), str(copy.pk)])
        DuplicatePair.objects.create(
            model_label=photos.library.label,
            first=first,
            second=second,
            first_digest=digests[first],
            second_digest=digests[second],
            score=0.99,
        )
        assert _titles(more_like_this(target, hide_duplicates=True)) == ["near"]

    def test_a_remembered_search_ends_when_a_picture_is_replaced(
        self, photos: Photos, settings: Settings
    ) -> None:
        settings.ARTSIMILARITY = {"CACHE_SECONDS": 60}
        cache.clear()
        target = photos.make_embedded("target", [1, 0])
        photos.make_embedded("near", [1, 0.1])
        for _ in range(2):
            assert _titles(more_like_this(target)) == ["near"]
        photos.library.rows.exclude(pk=target.pk).update(embedding_digest="other")
        photos.photo.objects.filter(title="near").update(image="replaced.png")
        assert _titles(more_like_this(target)) == []

    def test_the_tag_renders_them_with_reasons(self, photos: Photos) -> None:
        target = photos.make_embedded("target", [1, 0])
        photos.make_embedded("near", [1, 0.1])
        template = Template(
            "{% load artsimilarity %}{% get_more_like_this photo why=True as n %}{{ n.0 }}"
        )
        assert template.render(Context({"photo": target})) == "near"

    def test_the_tag_asks_for_the_rows_of_all_neighbours_at_once(self, photos: Photos) -> None:
        target = photos.make_embedded("target", [1, 0])
        template = Template("{% load artsimilarity %}{% more_like_this photo why=False %}")
        counts = []
        for number in range(4):
            photos.make_embedded(f"near {number}", [1, 0.1 * number])
            with CaptureQueriesContext(connection) as queries:
                page = template.render(Context({"photo": target}))
            assert page.count("near ") >= number + 1
            counts.append(len(queries))
        assert counts[1] == counts[-1]

    @pytest.mark.parametrize("view", ["first", "second"])
    def test_a_page_whose_search_is_remembered_asks_for_the_rows_once(
        self, photos: Photos, settings: Settings, view: str
    ) -> None:
        settings.ARTSIMILARITY = {**settings.ARTSIMILARITY, "CACHE_SECONDS": 60}
        cache.clear()
        target = photos.make_embedded("target", [1, 0])
        photos.make_embedded("near", [1, 0.1])
        template = Template("{% load artsimilarity %}{% more_like_this photo %}")
        key = f'"{photos.companion._meta.db_table}"."picture_id" IN'
        for _view in range(1 if view == "first" else 2):
            with CaptureQueriesContext(connection) as queries:
                page = template.render(Context({"photo": target}))
        assert "near" in page
        rows = [one for one in queries if key in one["sql"] and "embedding_digest" in one["sql"]]
        assert len(rows) == 1

    @pytest.mark.parametrize("hidden", [0, 5], ids=["all", "four of five"])
    def test_the_index_serves_the_join_also_under_a_filter(
        self, photos: Photos, hidden: int
    ) -> None:
        count = 2000
        random = np.random.default_rng(1)
        photos.photo.objects.bulk_create(
            [
                photos.photo(title=str(n), image=f"{n}.png", public=not hidden or n % hidden > 0)
                for n in range(count)
            ]
        )
        photos.companion._base_manager.bulk_create(
            [
                photos.companion(
                    picture=photo,
                    embedding=unit_blocks(random.normal(size=256), random.random(216)).tolist(),
                    embedding_recipe=get_settings().recipe.fingerprint,
                    embedding_image=photo.image.name,
                    embedding_status="ready",
                )
                for photo in photos.photo.objects.all()
            ]
        )
        with connection.cursor() as cursor:
            cursor.execute(
                f"ANALYZE {photos.photo._meta.db_table}, {photos.companion._meta.db_table}"
            )
        photo = photos.photo.objects.order_by("pk")[0]
        rows = photos.photo.objects.filter(public=True)
        assert "_hnsw" in similar_to(rows, photo)[:8].explain()


class TestDeleting:
    def test_an_older_process_that_knows_no_companion_can_delete_a_picture(
        self, photos: Photos, dead_broker: None
    ) -> None:
        kept, gone = photos.make("kept"), photos.make("gone")
        with connection.cursor() as cursor:
            cursor.execute(f"DELETE FROM {photos.photo._meta.db_table} WHERE id = %s", [gone.pk])
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        sweep.sweep(photos.library)
        assert list(photos.library.rows.values_list("pk", flat=True)) == [kept.pk]


class TestDeclaring:
    def test_a_picture_field_that_is_not_the_primary_key_is_refused_with_what_to_write(
        self, photos: Photos
    ) -> None:
        with isolate_apps("demo_site.library"):

            class Wrong(SimilarityCompanion):
                picture = models.OneToOneField(photos.photo, models.CASCADE, related_name="wrong")

                class Meta:
                    app_label = "library"

            (message,) = [one for one in Wrong.check() if one.id.startswith("artsimilarity.")]
        assert message.id == "artsimilarity.E006"
        assert "primary_key=True" in message.hint

    def test_a_router_that_parts_it_from_its_pictures_is_an_error(
        self, photos: Photos, settings: Settings
    ) -> None:
        class Parting:
            def db_for_write(self, model: type[models.Model], **hints: Any) -> str | None:
                return "elsewhere" if model is photos.companion else None

        settings.DATABASE_ROUTERS = [Parting()]
        (message,) = [one for one in check_companion(photos.companion) if "E009" in one.id]
        assert "to 'default' too" in str(message.hint)

    def test_a_library_of_the_companion_is_the_pictures(self, photos: Photos) -> None:
        assert Library.of(photos.companion) == photos.library

    def test_a_model_without_any_is_refused_in_words(self) -> None:
        from django.contrib.auth.models import User

        with pytest.raises(TypeError, match="SimilarityCompanion"):
            more_like_this(User(pk=1))


def test_green_is_nearer_to_green(photos: Photos, dead_broker: None) -> None:
    made = {name: photos.make(name, colour) for name, colour in (("a", GREEN), ("b", RED))}
    made["c"] = photos.make("c", (34, 165, 66))
    embed(photos.library, [one.pk for one in made.values()])
    assert _titles(more_like_this(made["a"], style=0))[0] == "c"
