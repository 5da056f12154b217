"""A picture's page: its neighbours, its place in the list, and what it says of itself."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.test import Client

from demo_site.library.models import Artwork
from tests.pictures import make_artwork, make_embedded

pytestmark = pytest.mark.django_db


@pytest.fixture
def artwork() -> Artwork:
    """A picture with fourteen neighbours, each a little farther away."""
    for number in range(14):
        make_embedded(f"near {number:02}", [1, 0.1 * number], artist="AB"[number % 2])
    make_embedded("hidden", [1, 0], artist="A", published=False)
    return make_embedded("Wave", [1, 0])


def found(client: Client, address: str) -> list[str]:
    return [one.title for one in client.get(address).context["neighbours"]]


class TestNeighbours:
    def test_more_of_them_follow_on_a_plain_link(self, client: Client, artwork: Artwork) -> None:
        page = client.get(artwork.get_absolute_url())
        more = f"{artwork.get_absolute_url()}{page.context['more']}"
        assert [one.title for one in page.context["neighbours"]] == [
            f"near {number:02}" for number in range(12)
        ]

        following = client.get(more)

        assert [one.title for one in following.context["neighbours"]] == ["near 12", "near 13"]
        assert following.context["more"] == ""
        html = following.content.decode()
        assert "More like this, continued" in html
        assert "Back to the nearest" in html
        assert 'name="after"' not in html  # another balance, or other words, begin anew

    def test_a_mangled_cursor_leads_to_the_nearest(self, client: Client, artwork: Artwork) -> None:
        assert len(found(client, f"{artwork.get_absolute_url()}?after=x")) == 12

    def test_the_chosen_balance_goes_along_to_their_pages(
        self, client: Client, artwork: Artwork
    ) -> None:
        for headers in ({}, {"X-Artsimilarity-Fragment": "1"}):
            address = f"{artwork.get_absolute_url()}?style=0.2"
            html = client.get(address, headers=headers).content.decode()
            links = re.findall(r'mount" href="([^"]+)"', html)
            assert len(links) == 12
            assert all(link.endswith("/?style=0.2") for link in links)

    def test_the_usual_balance_needs_no_word_in_an_address(
        self, client: Client, artwork: Artwork
    ) -> None:
        html = client.get(artwork.get_absolute_url()).content.decode()
        assert re.search(r'mount" href="/artworks/\d+/"', html)

    def test_words_narrow_them_and_go_along(self, client: Client, artwork: Artwork) -> None:
        address = f"{artwork.get_absolute_url()}?among=b"
        assert found(client, address) == [f"near {number:02}" for number in range(1, 14, 2)]
        assert 'mount" href="/artworks/' in client.get(address).content.decode()
        assert "/?among=b" in client.get(address).content.decode()
        nothing = client.get(f"{artwork.get_absolute_url()}?among=nobody").content.decode()
        assert "No picture with “nobody” can be compared." in nothing
        assert found(client, f"{artwork.get_absolute_url()}?among=hidden") == []

    def test_a_sign_that_no_text_has_is_left_out_of_the_words(
        self, client: Client, artwork: Artwork
    ) -> None:
        assert len(found(client, f"{artwork.get_absolute_url()}?among=ne%00ar")) == 12

    def test_each_says_maker_and_year(self, client: Client, artwork: Artwork) -> None:
        make_embedded("Bridge", [1, 0], artist="Hiroshige", year="1857")
        html = client.get(artwork.get_absolute_url()).content.decode()
        assert '<span>Hiroshige</span><span class="year">, 1857</span>' in html


class TestSteps:
    def walk(self, client: Client, query: str, start: Artwork) -> list[str]:
        titles, artwork = [], start
        while artwork:
            titles.append(artwork.title)
            page = client.get(f"{artwork.get_absolute_url()}{query}")
            artwork = page.context["next"]
        return titles

    @pytest.mark.parametrize("query", ["", "?order=newest", "?artist=A", "?artist=A&order=newest"])
    def test_lead_through_the_list_as_it_is_shown(
        self, client: Client, artwork: Artwork, query: str
    ) -> None:
        listed = list(client.get(f"/{query}").context["artworks"])
        assert self.walk(client, query, listed[0]) == [one.title for one in listed]
        assert "hidden" not in [one.title for one in listed]
        last = client.get(f"{listed[-1].get_absolute_url()}{query}")
        assert last.context["previous"] == listed[-2]
        assert client.get(f"{listed[0].get_absolute_url()}{query}").context["previous"] is None

    def test_pictures_of_a_list_are_opened_in_it(self, client: Client, artwork: Artwork) -> None:
        html = client.get("/?artist=A&order=newest").content.decode()
        assert re.search(r'href="/artworks/\d+/\?artist=A&amp;order=newest"', html)

    def test_a_picture_outside_of_the_list_has_its_steps_too(
        self, client: Client, artwork: Artwork
    ) -> None:
        page = client.get(f"{artwork.get_absolute_url()}?artist=A")
        assert page.context["previous"] or page.context["next"]


class TestWhatItSaysOfItself:
    def facts(self, client: Client, artwork: Artwork) -> Any:
        html = client.get(artwork.get_absolute_url()).content.decode()
        return json.loads(html.split('<script type="application/ld+json">')[1].split("</")[0])

    def test_a_visual_artwork_for_search_engines(self, client: Client) -> None:
        artwork = make_artwork(
            "Wave",
            artist="Hokusai",
            year="c. 1831",
            technique="woodblock",
            credit="Museum, public domain",
            licence="https://creativecommons.org/publicdomain/mark/1.0/",
        )
        facts = self.facts(client, artwork)
        assert facts["@type"] == "VisualArtwork"
        assert facts["url"] == f"http://testserver/artworks/{artwork.pk}/"
        assert facts["creator"] == {"@type": "Person", "name": "Hokusai"}
        assert (facts["dateCreated"], facts["artMedium"]) == ("c. 1831", "woodblock")
        image = facts["image"]
        assert image["contentUrl"] == f"http://testserver{artwork.image.url}"
        assert (image["width"], image["creditText"]) == (32, "Museum, public domain")
        assert image["license"] == "https://creativecommons.org/publicdomain/mark/1.0/"

    def test_no_text_ends_the_script_that_it_stands_in(self, client: Client) -> None:
        title = '</script><script>alert(1)</script><!-- & \u2028 "quoted"'
        artwork = make_artwork(title)
        html = client.get(artwork.get_absolute_url()).content.decode()
        assert "<script>alert" not in html
        assert self.facts(client, artwork)["name"] == title

    def test_what_is_not_known_is_left_out(self, client: Client) -> None:
        facts = self.facts(client, make_artwork("Wave"))
        assert not {"creator", "dateCreated", "artMedium"} & set(facts)
        assert not {"license", "creditText"} & set(facts["image"])

    def test_its_address_and_its_picture_for_whoever_shares_it(self, client: Client) -> None:
        artwork = make_artwork("Wave", artist="Hokusai")
        html = client.get(f"{artwork.get_absolute_url()}?style=0.3&artist=A").content.decode()
        address = f"http://testserver{artwork.get_absolute_url()}"
        assert f'<link rel="canonical" href="{address}">' in html
        assert '<meta property="og:title" content="Wave, Hokusai">' in html
        assert '<meta property="og:image" content="http://testserver/media/thumbnails/' in html
        assert f'readonly value="{address}"' in html

    def test_rights_stand_beside_the_download(self, client: Client) -> None:
        artwork = make_artwork("Wave", credit="Museum", licence="https://example.org/licence")
        html = client.get(artwork.get_absolute_url()).content.decode()
        assert f'<a href="{artwork.image.url}" download>' in html
        assert '<a rel="license" href="https://example.org/licence">' in html
        assert "ask before you use it" not in html
        assert (
            "ask before you use it"
            in client.get(make_artwork("Other").get_absolute_url()).content.decode()
        )

    def test_a_file_that_is_gone_is_not_offered(self, client: Client) -> None:
        artwork = make_embedded("Gone", [1, 0])
        assert " download>" not in client.get(artwork.get_absolute_url()).content.decode()


class TestTile:
    @pytest.mark.parametrize(
        ("size", "ratio"),
        [((600, 400), "1.5000"), ((100, 900), "0.7000"), ((900, 100), "2.6000"), (None, "1.0000")],
    )
    def test_has_the_picture_s_proportions_within_limits(
        self, size: tuple[int, int] | None, ratio: str
    ) -> None:
        width, height = size or (None, None)
        assert Artwork(width=width, height=height).tile.ratio == ratio

    def test_is_written_with_a_point_in_any_language(self, client: Client, settings: Any) -> None:
        settings.LANGUAGE_CODE, settings.USE_THOUSAND_SEPARATOR = "de", True
        make_embedded("Wave", width=1600, height=1200)
        html = client.get("/").content.decode()
        assert "--ratio:1.3333" in html
