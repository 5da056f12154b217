"""The demo's pages to search by colours and by a picture of one's own."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from artsimilarity.encoder.blocks.colour import colour_histogram
from artsimilarity.library import Library
from artsimilarity.search.score_calibration import calibrate
from demo_site.library.light_table import MOST
from demo_site.library.models import Artwork
from tests.pictures import RED, make_embedded, picture_bytes, unit_blocks

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


@pytest.fixture
def answered(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker answers at once: what is asked with has the brush of “Brush” and other colours."""
    vector = [*unit_blocks([1, 0.2], [0.3, 1])]
    monkeypatch.setattr("artsimilarity.own_picture.asking.ask_worker", lambda *_args: vector)
    cache.clear()


@pytest.mark.usefixtures("answered")
class TestAnsweredPicture:
    """The page holds what a worker made of the picture, and sends it along to be asked again."""

    @pytest.fixture
    def artworks(self) -> list[Artwork]:
        """One with the same brushwork, one with the same colours, and one that is hidden."""
        make_embedded("Hidden", [1, 0.2], [0.3, 1], published=False)
        return [make_embedded("Brush", [1, 0], [1, 0]), make_embedded("Colours", [0, 1], [0, 1])]

    @pytest.fixture
    def page(self, client: Client, artworks: list[Artwork]) -> Any:
        """The page after a search."""
        return client.post(
            "/by-picture/", {"picture": SimpleUploadedFile("a.png", picture_bytes())}
        )

    def _again(self, client: Client, page: Any, **data: Any) -> Any:
        asked = page.context["described"].signed()
        return client.post("/by-picture/", {"asked": asked, **data})

    def _titles(self, page: Any) -> list[str]:
        return [artwork.title for artwork in page.context["artworks"]]

    def test_shows_the_picture_that_was_asked_with_and_what_was_found(self, page: Any) -> None:
        html = page.content.decode()
        assert self._titles(page) == ["Brush", "Colours"]
        assert 'src="data:image/webp;base64,' in html
        preview = Image.open(io.BytesIO(page.context["described"].preview))
        red = preview.convert("RGB").getpixel((80, 80))
        assert preview.size == (160, 160)
        assert red == pytest.approx(RED, abs=12)
        assert page["Cache-Control"] == "no-store"

    def test_another_balance_asks_no_worker_and_needs_no_picture(
        self, client: Client, page: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("artsimilarity.own_picture.asking.ask_worker", None)
        again = self._again(client, page, style="0")
        assert self._titles(again) == ["Colours", "Brush"]
        assert 'value="0" aria-valuetext="0 % brushwork, 100 % colours"' in again.content.decode()
        assert again.context["described"] == page.context["described"]

    def test_it_is_no_search_that_counts_against_the_limit(self, client: Client, page: Any) -> None:
        for _ in range(15):
            assert self._again(client, page).status_code == 200

    @pytest.mark.parametrize("style", ["nan", "2", "", "much"])
    def test_a_balance_that_is_none_is_the_usual_one(
        self, client: Client, page: Any, style: str
    ) -> None:
        assert self._again(client, page, style=style).context["style"] == "0.75"

    def test_only_those_that_are_close_enough_are_shown(self, client: Client, page: Any) -> None:
        assert "Very close ones" not in page.content.decode()  # nothing was measured yet
        for number in range(40):
            make_embedded(f"{number}", [0, 0, 1 + number % 3, number], [0, 0, 1, number % 7])
        calibrate(Library.of(Artwork))
        everything = self._again(client, page)
        assert "Very close ones" in everything.content.decode()
        assert len(self._titles(everything)) == 24
        for close, least in (("close", 90), ("very", 99)):
            shown = self._again(client, page, close=close)
            whys = [artwork.similarity_why for artwork in shown.context["artworks"]]
            assert all(
                0.75 * w.style_percentile + 0.25 * w.colour_percentile >= least for w in whys
            )
            assert len(whys) < 24
        assert len(self._titles(self._again(client, page, close="nonsense"))) == 24

    def test_a_script_gets_the_list_alone_and_a_refusal_in_words(
        self, client: Client, page: Any
    ) -> None:
        headers = {"X-Artsimilarity-Fragment": "1"}
        asked = page.context["described"].signed()
        answer = client.post("/by-picture/", {"asked": asked}, headers=headers)
        assert answer.content.decode().strip().startswith('<div id="found-list">')
        refused = client.post("/by-picture/", {"asked": "x"}, headers=headers)
        assert refused.status_code == 400
        assert refused.content.decode() == "This page is too old. Choose your picture again."

    @pytest.mark.parametrize("asked", ["", "x", "a:b:c", "9" * 5000, "\0"])
    def test_what_no_page_of_ours_sent_is_refused(self, client: Client, asked: str) -> None:
        response = client.post("/by-picture/", {"asked": asked})
        assert response.status_code == 400
        assert "Choose your picture again" in response.content.decode()

    def test_a_page_from_before_another_recipe_asks_for_the_picture_again(
        self, client: Client, page: Any
    ) -> None:
        described = replace(page.context["described"], recipe="old-256+216-" + "0" * 16)
        response = client.post("/by-picture/", {"asked": described.signed()})
        assert response.status_code == 400

    def test_a_button_of_the_light_table_leads_back_to_what_was_found(
        self, client: Client, page: Any, artworks: list[Artwork]
    ) -> None:
        brush, colours = artworks
        assert f'formaction="/by-picture/#table-{brush.pk}" name="like"' in page.content.decode()
        again = self._again(client, page, style="0", like=colours.pk)
        assert self._titles(again) == ["Colours", "Brush"]
        assert f'#table-{colours.pk}" name="remove"' in again.content.decode()
        assert again.context["light_table"].pks == {colours.pk}

    def test_a_picture_hidden_meanwhile_is_not_shown(
        self, client: Client, page: Any, artworks: list[Artwork]
    ) -> None:
        brush, colours = artworks
        Artwork.objects.filter(pk=brush.pk).update(published=False)
        assert self._titles(self._again(client, page, like=colours.pk)) == ["Colours"]
        assert self._again(client, page, like=brush.pk).status_code == 404

    def test_a_full_table_is_said_where_the_button_was_pressed(
        self, client: Client, page: Any, artworks: list[Artwork]
    ) -> None:
        for number in range(MOST):
            client.post("/light-table/", {"like": make_embedded(f"{number}").pk})
        response = self._again(client, page, like=artworks[0].pk)
        assert f"The light table holds {MOST} pictures" in response.content.decode()
        assert response.context["is_answered"]
