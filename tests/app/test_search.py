"""more_like_this(): limits, visibility, the exact second query, and why a list is empty."""

from __future__ import annotations

from typing import Any

import pytest

from artsimilarity.search import more_like_this
from demo_site.library.models import Artwork
from tests.pictures import make_artwork, make_embedded

pytestmark = pytest.mark.django_db


def _titles(neighbours: Any) -> list[str]:
    return [artwork.title for artwork in neighbours]


def test_returns_the_nearest_up_to_the_limit_with_one_query(django_assert_num_queries: Any) -> None:
    target = make_embedded("target", [1, 0])
    make_embedded("near", [1, 0.1])
    make_embedded("far", [0, 1])
    with django_assert_num_queries(1):
        neighbours = more_like_this(target, limit=1)
    assert _titles(neighbours) == ["near"]
    assert neighbours.status == "ready"


def test_asks_at_most_twice(django_assert_max_num_queries: Any) -> None:
    target = make_embedded("target")
    make_embedded("only one")
    with django_assert_max_num_queries(2):
        assert len(more_like_this(target, limit=8)) == 1
    alone = make_embedded("alone", embedding_recipe="other-256+216-" + "1" * 16)
    with django_assert_max_num_queries(2):
        assert len(more_like_this(alone)) == 0


def test_a_page_that_the_index_left_short_is_filled_by_an_exact_scan(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from artsimilarity import search

    target = make_embedded("target")
    make_embedded("one")
    make_embedded("two")
    order = search.order_by_similarity

    def short(*args: Any, exact: bool = False, **kwargs: Any) -> Any:
        rows = order(*args, exact=exact, **kwargs)
        return rows if exact else rows.none()

    monkeypatch.setattr(search, "order_by_similarity", short)
    assert len(more_like_this(target, limit=2)) == 2


def test_similarity_queryset_hides_rows() -> None:
    target = make_embedded("target")
    make_embedded("hidden", published=False)
    make_embedded("shown")
    assert _titles(more_like_this(target)) == ["shown"]


def test_a_queryset_narrows_but_never_widens_what_is_visible() -> None:
    target = make_embedded("target")
    make_embedded("hidden", published=False, artist="A")
    make_embedded("shown", artist="A")
    make_embedded("another artist", artist="B")
    by_artist = Artwork.objects.filter(artist="A")
    assert _titles(more_like_this(target, queryset=by_artist)) == ["shown"]


def test_similarity_queryset_is_handed_the_request(
    monkeypatch: pytest.MonkeyPatch, rf: Any
) -> None:
    seen: list[Any] = []

    def visible(cls: type[Artwork], request: Any = None) -> Any:
        seen.append(request)
        return cls.objects.all()

    monkeypatch.setattr(Artwork, "similarity_queryset", classmethod(visible))
    request = rf.get("/")
    more_like_this(make_embedded("target"), request=request)
    assert seen == [request]


@pytest.mark.parametrize("limit", [0, -1, 49])
def test_refuses_a_limit_out_of_range(limit: int) -> None:
    with pytest.raises(ValueError, match="MAX_LIMIT"):
        more_like_this(make_embedded("target"), limit=limit)


class TestWhyThereIsNothing:
    def test_the_picture_is_not_embedded_yet(self) -> None:
        make_embedded("other")
        neighbours = more_like_this(make_artwork())
        assert (len(neighbours), neighbours.status) == (0, "pending")
        assert "in a little while" in neighbours.message

    def test_the_picture_failed_and_the_visitor_is_not_told_the_details(self) -> None:
        artwork = make_artwork()
        Artwork.objects.update(embedding_status="failed", embedding_error="/srv/secret: broken")
        artwork.refresh_from_db()
        neighbours = more_like_this(artwork)
        assert (len(neighbours), neighbours.status) == (0, "failed")
        assert "secret" not in neighbours.message

    def test_there_is_no_picture(self) -> None:
        artwork = Artwork.objects.create(title="catalogued, not scanned")
        assert more_like_this(artwork).status == "no-picture"

    def test_the_instance_is_not_saved(self) -> None:
        assert more_like_this(Artwork(title="new")).status == "no-picture"

    def test_nothing_else_is_in_the_library(self) -> None:
        assert more_like_this(make_embedded("alone")).status == "ready"
