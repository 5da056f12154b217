"""The collection: its order, the search by words, and what narrows it."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client

from demo_site.library.models import Artwork

pytestmark = pytest.mark.django_db


def add(title: str = "Wave", **columns: Any) -> Artwork:
    return Artwork.objects.create(title=title, **columns)


def titles(client: Client, address: str) -> list[str]:
    return [artwork.title for artwork in client.get(address).context["artworks"]]


class TestWords:
    @pytest.mark.parametrize(
        ("words", "artist"),
        [
            ("durer", "Albrecht Dürer"),
            ("DÜRER", "Albrecht Durer"),
            ("lodz", "Łódź"),
            ("strasse", "Straße"),
            ("straße", "Strasse"),
            ("репин", "Илья РЕПИН"),
            ("toulouse lautrec", "Henri de Toulouse-Lautrec"),
            ("letang l’etang", "L’Étang, Letang"),
            ("hok", "Hokusai"),
            ("hammershøi", "Hammershoi"),
        ],
    )
    def test_accents_capitals_and_signs_make_no_difference(
        self, client: Client, words: str, artist: str
    ) -> None:
        add("Found", artist=artist)
        add("Another", artist="Somebody Else")

        assert titles(client, f"/?q={words}") == ["Found"]

    def test_the_year_is_one_of_the_words(self, client: Client) -> None:
        add("Found", artist="Vincent van Gogh", year="c. 1889–90")
        add("Another", artist="Vincent van Gogh", year="1888")

        for words in ("gogh 1889", "1889, Gogh", "90 vincent"):
            assert titles(client, f"/?q={words}") == ["Found"]

    @pytest.mark.parametrize("words", ["%25", "%26 | !", "':*", "\\", "%00", "x" * 5000])
    def test_signs_alone_find_nothing_and_break_nothing(self, client: Client, words: str) -> None:
        add()
        response = client.get(f"/?q={words}")

        assert response.status_code == 200
        is_left_out = words == "%00"  # which leaves no search, and all pictures
        assert len(response.context["artworks"]) == is_left_out

    def test_a_misspelt_name_is_respelt_by_one_that_has_pictures(self, client: Client) -> None:
        add(artist="Rembrandt van Rijn", year="1642")
        add(artist="Rembrant", published=False)

        response = client.get("/?q=rembrant 1642")

        assert response.context["respelt"] == "Rembrandt 1642"
        assert 'href="?q=Rembrandt+1642"' in response.content.decode()
        assert client.get("/?q=rembrant 1700").context["respelt"] == ""

    def test_an_index_has_the_words(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute(
                "EXPLAIN SELECT id FROM library_artwork "
                "WHERE library_words(title, artist, year) @@ library_query('gogh 1889')"
            )
            plan = "\n".join(row[0] for row in cursor.fetchall())
        assert "artwork_words" in plan


class TestOrder:
    def test_mixes_artists_and_is_the_same_for_every_visitor_and_page(self, client: Client) -> None:
        for number in range(30):
            add(str(number), artist="AB"[number >= 15])
        first, second = titles(client, "/"), titles(client, "/?page=2")

        artists = {one.title: one.artist for one in Artwork.objects.all()}
        assert {artists[title] for title in first[:8]} == {"A", "B"}
        assert sorted(first + second, key=int) == [str(number) for number in range(30)]
        assert titles(Client(), "/") == first

    def test_the_newest_come_first_for_whoever_asks(self, client: Client) -> None:
        for number in range(30):
            add(str(number))

        assert titles(client, "/?order=newest")[:3] == ["29", "28", "27"]

    def test_an_index_has_the_mixed_order(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_sort = off")
            cursor.execute(
                "EXPLAIN SELECT id FROM library_artwork ORDER BY md5((id)::text) LIMIT 24"
            )
            plan = "\n".join(row[0] for row in cursor.fetchall())
        assert "artwork_mixed" in plan


class TestFacets:
    @pytest.fixture(autouse=True)
    def library(self) -> None:
        add("Old", artist="Dürer", year="1498", technique="woodcut")
        add("Round", artist="Dürer", year="1500", technique="engraving")
        add("New", artist="Hokusai", year="c. 1831", technique="woodcut")
        add("Told", artist="Anon", year="19th century")
        add("Undated", artist="Anon", year="undated")
        add("Hidden", artist="Secret", year="1831", technique="silence", published=False)

    def facet(self, client: Client, address: str, number: int) -> dict[str, int]:
        facet = client.get(address).context["facets"][number]
        return {choice.label: choice.count for choice in facet.choices}

    def test_count_what_a_visitor_may_see(self, client: Client) -> None:
        assert self.facet(client, "/", 0) == {"Anon": 2, "Dürer": 2, "Hokusai": 1}
        assert self.facet(client, "/", 1) == {"15th century": 2, "19th century": 2}
        assert self.facet(client, "/", 2) == {"Woodcut": 2, "Engraving": 1}
        page = client.get("/").content.decode()
        assert "Secret" not in page
        assert "ilence" not in page

    def test_narrow_and_are_taken_away_again(self, client: Client) -> None:
        page = client.get("/?technique=woodcut&q=hokusai")
        assert [one.title for one in page.context["artworks"]] == ["New"]
        assert self.facet(client, "/?technique=woodcut", 0) == {"Dürer": 1, "Hokusai": 1}
        technique = page.context["facets"][2]
        assert (technique.chosen, technique.without) == ("Woodcut", "?q=hokusai")
        assert titles(client, "/?century=15&technique=woodcut") == ["Old"]

    def test_their_addresses_lead_where_they_say(self, client: Client) -> None:
        for facet in client.get("/").context["facets"]:
            for choice in facet.choices:
                assert client.get(f"/{choice.address}").context["paginator"].count == choice.count

    @pytest.mark.parametrize(
        "query", ["century=x", "century=-1", "century=999999999999", "century=²", "order=x"]
    )
    def test_odd_values_are_left_out(self, client: Client, query: str) -> None:
        assert len(titles(client, f"/?{query}")) == 5
