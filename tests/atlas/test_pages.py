"""The map's page: the list, the tiles that its script asks for, and who may see what."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client
from pytest_django import Settings

from artsimilarity.atlas.places import LAYOUTS, SIDE
from artsimilarity.atlas.tiles import Map
from demo_site.library.models import Artwork
from tests.atlas.drawn import LIBRARY, make_mapped, make_random, map_from, put
from tests.pictures import make_artwork

pytestmark = pytest.mark.django_db


def tile(client: Client, named: str = "0/0/0", layout: str = "brushwork") -> list[dict[str, Any]]:
    """The pictures of a tile."""
    found: list[dict[str, Any]] = client.get("/map/", {"tile": named, "layout": layout}).json()[
        "pictures"
    ]
    return found


def titles(response: HttpResponse) -> list[str]:
    """Those of the list."""
    return re.findall(r'artsimilarity-title">([^<]*)<', response.content.decode())


class TestATile:
    @pytest.mark.parametrize("layout", LAYOUTS)
    def test_shows_the_pictures_with_what_a_script_needs(self, client: Client, layout: str) -> None:
        artworks = make_mapped(5, artist="Somebody")
        put(artworks, *((10_000 * number, 0) for number in range(5)))
        found = {one["key"]: one for one in tile(client, layout=layout)}
        assert found.keys() == {str(artwork.pk) for artwork in artworks}
        one = found[str(artworks[2].pk)]
        assert one["title"] == "2"
        assert one["address"] == artworks[2].get_absolute_url()
        assert one["count"] == 1
        assert one["sprite"] is None
        assert all(0 <= part < SIDE for name in LAYOUTS for part in one[name])

    def test_of_a_cell_one_picture_stands_for_all(self, client: Client) -> None:
        artworks = make_mapped(3)
        put(artworks, (0, 0), (10, 10), (4095, 4095))  # one cell of the first level
        (one,) = tile(client)
        assert one["count"] == 3

    def test_nearer_by_each_is_seen(self, client: Client) -> None:
        artworks = make_mapped(3)
        put(artworks, (0, 0), (10, 10), (4095, 4095))
        assert len(tile(client, "4/0/0")) == 2
        assert len(tile(client, "12/0/0")) == 2
        assert [one["count"] for one in tile(client, "9/0/0")] == [1, 1]

    def test_has_no_more_than_one_picture_a_cell(self, client: Client) -> None:
        artworks = make_mapped(24)
        put(artworks, *((160 * number, 0) for number in range(24)))
        assert sum(one["count"] for one in tile(client)) == 24
        assert len(tile(client)) == 1

    def test_shows_what_is_in_it_alone(self, client: Client) -> None:
        artworks = make_mapped(2)
        put(artworks, (10, 10), (SIDE - 10, 10))
        assert [one["title"] for one in tile(client, "1/0/0")] == ["0"]
        assert [one["title"] for one in tile(client, "1/1/0")] == ["1"]
        assert tile(client, "1/0/1") == []

    def test_asks_the_host_once_what_the_visitor_may_see(
        self, client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        make_mapped(2)
        allowed = Artwork.similarity_queryset
        asked: list[HttpRequest | None] = []

        def seen(request: HttpRequest | None = None) -> Any:
            asked.append(request)
            return allowed(request)

        monkeypatch.setattr(Artwork, "similarity_queryset", staticmethod(seen))
        assert tile(client)
        assert len(asked) == 1

    def test_takes_two_queries_however_many_pictures_it_shows(
        self, client: Client, django_assert_num_queries: Any
    ) -> None:
        put(make_mapped(5), *((10_000 * number, 0) for number in range(5)))
        with django_assert_num_queries(2):
            assert len(tile(client)) == 5

    def test_is_read_from_one_database_whatever_a_router_says(self, settings: Settings) -> None:
        settings.DATABASE_ROUTERS = ["tests.routers.TakesTurns"]
        shown = Map.of(LIBRARY, None)
        assert {shown.visible.db for _turn in range(4)} == {shown.library.using}

    def test_is_kept_by_nobody(self, client: Client) -> None:
        make_mapped(2)
        response = client.get("/map/", {"tile": "0/0/0", "layout": "colours"})
        assert response["Cache-Control"] == "private, no-store"

    @pytest.mark.parametrize(
        "asked",
        [
            {"tile": "0/0/0"},
            {"tile": "0/0/0", "layout": "key"},
            {"tile": "0/1/0", "layout": "colours"},
            {"tile": "13/0/0", "layout": "colours"},
            {"tile": "0/0", "layout": "colours"},
            {"tile": "0/-1/0", "layout": "colours"},
            {"tile": "٣/0/0", "layout": "colours"},
            {"tile": "\0/0/0", "layout": "colours"},
            {"sheet": "nothing"},
            {"sheet": "\0" * 64},
            {"thumbnail": "nothing"},
            {"thumbnail": "\0"},
            {"thumbnail": "9" * 30},
            {"thumbnail": "0"},
        ],
    )
    def test_what_is_not_there_is_not_found(self, client: Client, asked: dict[str, str]) -> None:
        make_mapped(2)
        assert client.get("/map/", asked).status_code == 404


class TestTheList:
    def test_has_every_picture_on_some_page(self, client: Client) -> None:
        make_mapped(26)
        first, second = client.get("/map/"), client.get("/map/?page=2")
        assert sorted(titles(first) + titles(second), key=int) == [str(one) for one in range(26)]
        assert "Neighbourhood 1 of 2" in first.content.decode()

    def test_follows_the_map(self, client: Client) -> None:
        artworks = make_mapped(4)
        put(artworks, (0, 0), (SIDE - 1, SIDE - 1), (1, 1), (SIDE - 2, SIDE - 2))
        assert titles(client.get("/map/")) == ["0", "2", "3", "1"]

    def test_begins_with_the_neighbourhood_of_the_picture_that_one_came_from(
        self, client: Client
    ) -> None:
        artworks = make_mapped(26)
        last = titles(client.get("/map/?page=2"))[0]
        came_from = next(artwork for artwork in artworks if artwork.title == last)
        page = client.get("/map/", {"from": came_from.pk})
        assert last in titles(page)
        assert "Neighbourhood 2 of 2" in page.content.decode()

    @pytest.mark.parametrize(
        "query",
        [
            "?page=99",
            "?page=x",
            "?layout=x",
            "?from=x",
            "?from=0",
            "?from=%00",
            "?from=" + "9" * 30,
        ],
    )
    def test_of_a_mangled_address_is_a_page_all_the_same(self, client: Client, query: str) -> None:
        make_mapped(3)
        assert len(titles(client.get(f"/map/{query}"))) == 3

    def test_says_that_there_is_no_map_yet(self, client: Client) -> None:
        make_random(3)
        page = client.get("/map/").content.decode()
        assert "There is no map yet." in page
        assert "data-artsimilarity-map" not in page


class TestThumbnails:
    def test_of_single_pictures_are_where_the_map_leads(self, client: Client) -> None:
        artwork = make_artwork()
        assert artwork.thumbnail
        response = client.get("/map/", {"thumbnail": artwork.pk})
        assert response.status_code == 302
        assert response["Location"] == artwork.thumbnail.url

    def test_of_hidden_pictures_are_not_found(self, client: Client) -> None:
        artwork = make_artwork(published=False)
        assert artwork.thumbnail
        assert client.get("/map/", {"thumbnail": artwork.pk}).status_code == 404


class TestHiddenPictures:
    def test_are_on_no_tile_and_in_no_count_from_the_moment_they_are_hidden(
        self, client: Client
    ) -> None:
        artworks = make_mapped(4)
        put(artworks, *((10, 10),) * 4)
        lowest = tile(client)[0]
        Artwork.objects.filter(pk=lowest["key"]).update(published=False)
        (one,) = tile(client)
        assert one["key"] != lowest["key"]
        assert one["count"] == 3
        page = client.get("/map/")
        assert lowest["title"] not in titles(page)
        assert "3 pictures" in page.content.decode()

    def test_are_no_place_to_start_from(self, client: Client) -> None:
        artworks = make_mapped(3)
        assert "artsimilarity-map-start" in map_from(client, artworks[0])
        Artwork.objects.filter(pk=artworks[0].pk).update(published=False)
        hidden = map_from(client, artworks[0])
        assert "artsimilarity-map-start" not in hidden
        Artwork.objects.filter(title="0").delete()
        assert map_from(client, artworks[0]) == hidden

    def test_a_library_that_shows_nothing_has_no_map(
        self, client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        make_mapped(3)
        monkeypatch.setattr(
            Artwork,
            "similarity_queryset",
            classmethod(lambda cls, request=None: cls.objects.none()),
        )
        assert b"There is no map yet." in client.get("/map/").content
        assert tile(client) == []


def test_deleted_pictures_vanish_at_once(client: Client) -> None:
    artworks = make_mapped(3)
    put(artworks, (0, 0), (10_000, 0), (20_000, 0))
    artworks[1].delete()
    assert sorted(one["title"] for one in tile(client)) == ["0", "2"]


def test_a_pictures_page_leads_to_its_place(client: Client) -> None:
    artwork = make_mapped(3)[1]
    assert (
        f'href="/map/?from={artwork.pk}"' in client.get(artwork.get_absolute_url()).content.decode()
    )
