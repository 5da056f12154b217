"""What is remembered, and what ends it."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.db.models import QuerySet
from django.http import HttpRequest
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from artsimilarity.library import Library
from artsimilarity.search import more_like_this
from artsimilarity.search.cache import forget
from demo_site.library.models import Artwork
from tests.pictures import make_artwork, make_embedded

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def remembering(settings: Settings) -> None:
    """Searches are remembered, and nothing is yet."""
    settings.ARTSIMILARITY = {**settings.ARTSIMILARITY, "CACHE_SECONDS": 60}
    cache.clear()


@pytest.fixture
def target() -> Artwork:
    """A picture with two neighbours."""
    make_embedded("near", [1, 0.1], embedding_digest="n" * 64)
    make_embedded("far", [0, 1], embedding_digest="f" * 64)
    return make_embedded("target", [1, 0], embedding_digest="t" * 64)


def _searched(target: Artwork, **options: Any) -> bool:
    """Whether this call makes a search, and does not only read rows again."""
    with CaptureQueriesContext(connection) as queries:
        more_like_this(target, **options)
    return any("<#>" in query["sql"] for query in queries)


def test_the_second_search_reads_the_rows_alone_and_answers_the_same(target: Artwork) -> None:
    first = more_like_this(target)
    with CaptureQueriesContext(connection) as queries:
        second = more_like_this(target)
    assert len(queries) == 1
    assert "<#>" not in queries[0]["sql"]
    assert list(second) == list(first)
    assert [p.similarity for p in second] == [p.similarity for p in first]
    assert second.next_page == first.next_page


def test_it_is_off_by_default(target: Artwork, settings: Settings) -> None:
    settings.ARTSIMILARITY = {}
    more_like_this(target)
    assert _searched(target)


@pytest.mark.parametrize(
    "options", [{"style": 0.2}, {"limit": 1}, {"diversify": 0.3}], ids=lambda one: next(iter(one))
)
def test_another_wish_is_another_search(target: Artwork, options: dict[str, Any]) -> None:
    more_like_this(target)
    assert _searched(target, **options)
    assert not _searched(target, **options)


def test_a_visitor_who_may_see_more_does_not_get_the_page_of_one_who_may_see_less(
    target: Artwork, monkeypatch: pytest.MonkeyPatch, rf: RequestFactory
) -> None:
    def for_members(request: HttpRequest | None) -> QuerySet[Artwork]:
        member = request is not None and request.GET.get("member")
        return Artwork.objects.all() if member else Artwork.objects.exclude(title="near")

    monkeypatch.setattr(Artwork, "similarity_queryset", for_members)
    stranger, member = rf.get("/"), rf.get("/?member=1")
    for visitor, titles in ((stranger, ["far"]), (member, ["near", "far"]), (stranger, ["far"])):
        assert [one.title for one in more_like_this(target, request=visitor)] == titles


def test_it_ends_when_the_picture_is_replaced_or_gets_another_recipe(target: Artwork) -> None:
    more_like_this(target)
    target.embedding_digest = "r" * 64
    assert _searched(target)
    target.embedding_recipe = "new-256+216-" + "0" * 16
    assert _searched(target)


@pytest.mark.parametrize(
    "change",
    [{"published": False}, {"embedding_digest": "r" * 64}, {"embedding_recipe": "x-1+1-0"}],
    ids=lambda one: next(iter(one)),
)
def test_it_ends_when_a_neighbour_is_hidden_replaced_or_gets_another_recipe(
    target: Artwork, change: dict[str, Any]
) -> None:
    more_like_this(target)
    Artwork.objects.filter(title="near").update(**change)
    assert _searched(target)
    if "published" in change:
        assert [picture.title for picture in more_like_this(target)] == ["far"]


def test_it_ends_when_a_picture_is_saved_that_was_hidden(
    target: Artwork, django_capture_on_commit_callbacks: Any
) -> None:
    Artwork.objects.filter(title="near").update(published=False)
    assert [picture.title for picture in more_like_this(target)] == ["far"]
    with django_capture_on_commit_callbacks(execute=True):
        hidden = Artwork.objects.get(title="near")
        hidden.published = True
        hidden.save(update_fields=["published"])
    assert [picture.title for picture in more_like_this(target)] == ["near", "far"]


def test_a_host_ends_it_after_an_update(target: Artwork) -> None:
    Artwork.objects.filter(title="near").update(published=False)
    more_like_this(target)
    Artwork.objects.filter(title="near").update(published=True)
    assert [picture.title for picture in more_like_this(target)] == ["far"]
    forget(Library.of(Artwork))
    assert [picture.title for picture in more_like_this(target)] == ["near", "far"]


def test_an_upload_that_has_no_vector_yet_ends_nothing(
    target: Artwork, dead_broker: None, django_capture_on_commit_callbacks: Any
) -> None:
    more_like_this(target)
    with django_capture_on_commit_callbacks(execute=True):
        make_artwork("new")
    assert not _searched(target)


def test_a_cache_that_fails_does_not_fail_a_save(
    target: Artwork, settings: Settings, django_capture_on_commit_callbacks: Any
) -> None:
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": "redis://127.0.0.1:1",
        }
    }
    with django_capture_on_commit_callbacks(execute=True):
        target.save()


def test_it_ends_when_a_neighbour_is_deleted(target: Artwork) -> None:
    more_like_this(target)
    Artwork.objects.filter(title="near").delete()
    assert [picture.title for picture in more_like_this(target)] == ["far"]


def test_what_one_visitor_may_see_is_not_remembered_for_another(
    target: Artwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    def visible(cls: type[Artwork], request: Any = None) -> Any:
        return cls.objects.filter(title__in=request)

    monkeypatch.setattr(Artwork, "similarity_queryset", classmethod(visible))
    everything: Any = ["near", "far"]
    assert len(more_like_this(target, request=everything)) == 2
    little: Any = ["far"]
    assert [p.title for p in more_like_this(target, request=little)] == ["far"]
    nothing: Any = []
    assert list(more_like_this(target, request=nothing)) == []


def test_a_row_is_shown_as_it_is_now(target: Artwork) -> None:
    more_like_this(target)
    Artwork.objects.filter(title="near").update(title="near, renamed")
    assert more_like_this(target)[0].title == "near, renamed"
