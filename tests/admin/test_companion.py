"""The admin of a picture model whose embeddings are in a companion, registered by somebody else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.sites import all_sites
from django.contrib.auth.models import User
from django.db import connection
from django.http import HttpRequest
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import path
from pytest_django import Settings

from artsimilarity.admin import SimilarityAdminMixin, add_similarity
from tests.broker import Broker
from tests.photos import Photos, photo_tables

pytestmark = pytest.mark.django_db

urlpatterns: list[Any] = []


@pytest.fixture
def photos(settings: Settings) -> Iterator[Photos]:
    """An admin site with the photos, whose admin knows nothing of similarity by itself."""
    with photo_tables() as photos:
        site = admin.AdminSite(name="admin")

        @admin.register(photos.photo, site=site)
        class PhotoAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
            list_display = ["title", "public"]

        add_similarity(site, photos.photo)
        urlpatterns[:] = [path("admin/", site.urls)]
        settings.ROOT_URLCONF = __name__
        yield photos
        all_sites.discard(site)  # the first page of the tests' own site would ask it, too


def test_the_admin_that_was_there_goes_on_and_is_combined_once(photos: Photos) -> None:
    site = admin.AdminSite(name="another")

    class Theirs(admin.ModelAdmin):  # type: ignore[type-arg]
        search_fields = ["title"]

    site.register(photos.photo, Theirs)
    add_similarity(site, photos.photo)
    add_similarity(site, photos.photo)
    made = site.get_model_admin(photos.photo)
    assert isinstance(made, SimilarityAdminMixin)
    assert isinstance(made, Theirs)
    assert list(made.search_fields) == ["title"]


def test_the_list_shows_what_became_of_each_in_as_many_queries_whatever_their_number(
    photos: Photos, admin_client: Client, dead_broker: None
) -> None:
    counts = []
    for number in range(3):
        photos.make_embedded(f"ready {number}")
        with CaptureQueriesContext(connection) as queries:
            page = admin_client.get("/admin/library/photo/")
        counts.append(len(queries))
        assert page.content.decode().count("<strong>ready</strong>") == number + 1
    assert counts[0] == counts[-1]
    assert not any('"embedding",' in query["sql"] for query in queries)


def test_style_sheets_know_the_column_by_the_name_that_it_has_with_the_mixin(
    photos: Photos, admin_client: Client, dead_broker: None
) -> None:
    photos.make_embedded("embedded")
    page = admin_client.get("/admin/library/photo/").content.decode()
    assert "column-embedding_summary" in page


def test_the_list_is_ordered_and_filtered_by_the_companions_columns(
    photos: Photos, admin_client: Client, dead_broker: None
) -> None:
    photos.make_embedded("embedded")
    photos.make("waiting")
    page = admin_client.get("/admin/library/photo/?embedding__embedding_status__exact=pending&o=3")
    assert "waiting" in page.content.decode()
    assert "embedded</a>" not in page.content.decode()
    page = admin_client.get("/admin/library/photo/?embedding_recipe=other")
    assert page.status_code == 200


def test_a_pictures_page_shows_its_neighbours_and_embeds_it_again(
    photos: Photos, admin_client: Client, broker: Broker
) -> None:
    target = photos.make_embedded("target", [1, 0])
    near = photos.make_embedded("near", [1, 0.1])
    page = admin_client.get(f"/admin/library/photo/{target.pk}/change/").content.decode()
    assert f"/admin/library/photo/{near.pk}/change/" in page
    admin_client.post(f"/admin/library/photo/{target.pk}/reembed/")
    assert broker.pks() == [str(target.pk)]


def test_the_library_page_counts_pictures_without_a_row_as_waiting(
    photos: Photos, admin_client: Client, dead_broker: None
) -> None:
    photos.make_embedded("embedded")
    photos.photo.objects.bulk_create([photos.photo(title="new", image="new.png")])
    status = admin_client.get("/admin/library/photo/library/status/").json()["status"]
    assert (status["total"], status["ready"], status["pending"]) == (2, 1, 1)


def test_a_picture_without_a_row_is_shown_as_waiting(
    photos: Photos, rf: RequestFactory, admin_user: User
) -> None:
    photos.photo.objects.bulk_create([photos.photo(title="new", image="new.png")])
    site = admin.AdminSite(name="another")
    site.register(photos.photo, SimilarityAdminMixin)
    request: HttpRequest = rf.get("/")
    request.user = admin_user
    made: Any = site.get_model_admin(photos.photo)
    (photo,) = made.get_queryset(request)
    assert "waiting" in made.embedding_summary(photo)
