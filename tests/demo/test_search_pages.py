"""The demo's pages to search by colours and by a picture of one's own."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from artsimilarity.encoder.blocks.colour import colour_histogram
from artsimilarity.search.swatches import SharedColour
from artsimilarity.search.why import Why
from demo_site.library import search_views
from demo_site.library.light_table import MOST
from demo_site.library.models import Artwork
from tests.pictures import make_embedded, picture_bytes

pytestmark = pytest.mark.django_db


def _block(colour: tuple[int, int, int]) -> Any:
    import numpy as np

    return colour_histogram(np.full((4, 4, 3), colour, np.uint8), 6)


class TestColours:
    def test_the_address_holds_what_was_chosen(self, client: Client) -> None:
        make_embedded("Blue", colour=_block((30, 60, 200)))
        make_embedded("Red", colour=_block((200, 30, 30)))
        make_embedded("Hidden", colour=_block((200, 30, 30)), published=False)
        address = "/by-colour/?colour=%23c81e1e&weight=4&colour=%231e3cc8&weight=1"
        response = client.get(address)
        assert [artwork.title for artwork in response.context["artworks"]] == ["Red", "Blue"]
        page = response.content.decode()
        assert 'value="#c81e1e"' in page
        assert "Hidden" not in page

    def test_a_swatch_adds_its_colour_to_those_that_are_chosen(self, client: Client) -> None:
        response = client.get("/by-colour/?colour=%23c81e1e&weight=4")
        _colour, _name, swatch = response.context["swatches"][0]
        again = client.get(f"/by-colour/{swatch}")
        chosen = [(colour, weight) for colour, weight, _address in again.context["chosen"]]
        assert chosen == [("#c81e1e", 4), ("#b3261e", 3)]
        remove = again.context["chosen"][0][2]
        left = client.get(f"/by-colour/{remove}").context["chosen"]
        assert [(colour, weight) for colour, weight, _address in left] == [("#b3261e", 3)]

    def test_each_picture_says_which_of_the_colours_it_has_and_can_be_laid_on_the_table(
        self, client: Client
    ) -> None:
        blue = make_embedded("Blue", colour=_block((30, 60, 200)))
        address = "/by-colour/?colour=%23c81e1e&weight=4&colour=%231e3cc8&weight=1"
        page = client.get(address).content.decode()
        assert 'role="img" aria-label="Shared colours: blue"' in page
        assert 'fill="#1e3cc8"' in page
        assert f'form="light-table" name="like" value="{blue.pk}"' in page

        origin = f"http://testserver{address}"
        response = client.post("/light-table/", {"like": blue.pk}, headers={"Referer": origin})
        assert response["Location"] == f"{origin}#table-{blue.pk}"

    def test_a_weight_of_0_leaves_a_colour_out(self, client: Client) -> None:
        response = client.get("/by-colour/?colour=%23c81e1e&weight=0")
        assert response.context["chosen"] == []

    @pytest.mark.parametrize("query", ["colour=red&weight=1", "colour=%00", "weight=1", "colour="])
    def test_odd_addresses_are_no_server_error(self, client: Client, query: str) -> None:
        assert client.get(f"/by-colour/?{query}").status_code == 200

    def test_no_more_than_five_are_taken(self, client: Client) -> None:
        query = "&".join(f"colour=%230000{number}0&weight=1" for number in range(7))
        response = client.get(f"/by-colour/?{query}")
        assert len(response.context["chosen"]) == 5
        assert "take one away" in response.content.decode()


class TestPicture:
    @pytest.fixture(autouse=True)
    def fresh(self) -> None:
        cache.clear()

    def _post(self, client: Client, data: bytes) -> Any:
        return client.post("/by-picture/", {"picture": SimpleUploadedFile("mine.png", data)})

    def test_asks_for_a_picture(self, client: Client) -> None:
        assert "Choose a picture first" in client.post("/by-picture/").content.decode()
        assert client.get("/by-picture/").status_code == 200

    def test_says_what_to_do_with_a_file_that_is_none(self, client: Client) -> None:
        response = self._post(client, b"no picture")
        assert response.status_code == 415
        assert "Choose a JPEG, PNG, TIFF, WebP or GIF file" in response.content.decode()

    def test_says_when_to_try_again_where_no_worker_answers(
        self, client: Client, dead_broker: None
    ) -> None:
        response = self._post(client, picture_bytes())
        assert (response.status_code, response["Retry-After"]) == (503, "5")
        assert "Try again in a moment" in response.content.decode()

    def test_shares_its_limit_with_the_api(self, client: Client) -> None:
        for _ in range(12):
            client.post("/api/artworks/by-picture/", {"picture": SimpleUploadedFile("a", b"a")})
        response = self._post(client, b"no picture")
        assert response.status_code == 429
        assert "Try again in" in response.content.decode()

    def test_a_form_of_another_site_is_refused(self) -> None:
        assert self._post(Client(enforce_csrf_checks=True), picture_bytes()).status_code == 403

    def test_the_form_brings_its_token_along(self) -> None:
        client = Client(enforce_csrf_checks=True)
        client.get("/by-picture/")
        token = client.cookies["csrftoken"].value
        form = {"picture": SimpleUploadedFile("a.png", b"a"), "csrfmiddlewaretoken": token}
        assert client.post("/by-picture/", form).status_code == 415


class TestTableAfterASearchByPicture:
    """No address repeats that search, so the page sends what it shows along with a button."""

    @pytest.fixture
    def page(self, client: Client) -> dict[str, Any]:
        """A page with two pictures that were found, as it sends itself."""
        artworks = [make_embedded("First"), make_embedded("Second")]
        for artwork, percentile in zip(artworks, (99.5, 20.0), strict=True):
            colours = (SharedColour((200, 30, 30), 0.5),)
            artwork.similarity_why = Why(style_percentile=percentile, shared_colours=colours)
        return {"found": search_views._note(artworks), "artworks": artworks}

    def _press(self, client: Client, page: dict[str, Any], **data: Any) -> Any:
        return client.post("/by-picture/", {"found": page["found"], **data})

    def test_a_button_leads_back_to_what_was_found_and_why(
        self, client: Client, page: dict[str, Any]
    ) -> None:
        first, second = page["artworks"]
        response = self._press(client, page, like=second.pk)
        assert [one.title for one in response.context["artworks"]] == ["First", "Second"]
        assert [one.similarity_why for one in response.context["artworks"]] == [
            first.similarity_why,
            second.similarity_why,
        ]
        html = response.content.decode()
        assert "Very similar brushwork" in html
        assert f'#table-{second.pk}" name="remove" value="{second.pk}"' in html
        assert f'formaction="/by-picture/#table-{first.pk}" name="like"' in html
        assert response.context["light_table"].pks == {second.pk}

        again = client.post(
            "/by-picture/", {"found": response.context["found"], "remove": second.pk}
        )
        assert len(again.context["artworks"]) == 2
        assert again.context["light_table"].pks == set()

    def test_a_picture_hidden_meanwhile_is_not_shown(
        self, client: Client, page: dict[str, Any]
    ) -> None:
        first, second = page["artworks"]
        Artwork.objects.filter(pk=first.pk).update(published=False)
        response = self._press(client, page, like=second.pk)
        assert [one.title for one in response.context["artworks"]] == ["Second"]
        assert self._press(client, page, like=first.pk).status_code == 404

    def test_a_full_table_is_said_where_the_button_was_pressed(
        self, client: Client, page: dict[str, Any]
    ) -> None:
        for number in range(MOST):
            client.post("/light-table/", {"like": make_embedded(f"{number}").pk})
        response = self._press(client, page, like=page["artworks"][0].pk)
        assert f"The light table holds {MOST} pictures" in response.content.decode()
        assert len(response.context["artworks"]) == 2

    def test_what_no_page_of_ours_sent_is_not_shown(
        self, client: Client, page: dict[str, Any]
    ) -> None:
        forged = {"found": page["found"][:-1] + "~"}
        response = self._press(client, forged, like=page["artworks"][0].pk)
        assert response.status_code == 200
        assert not response.context["is_answered"]
