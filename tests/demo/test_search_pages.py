"""The demo's pages to search by colours and by a picture of one's own."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from artsimilarity.encoder.colour import colour_histogram
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
