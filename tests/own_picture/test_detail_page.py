"""Search by a detail on a picture's page: the form, and what becomes of the box in the address."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import cache
from django.template import Context, Template
from django.test import Client, RequestFactory
from django.utils import translation
from pytest_django import Settings

from artsimilarity.encoder.pictures.crop import Area
from artsimilarity.library.patience import patience
from artsimilarity.library.thumbnails import Thumbnail
from artsimilarity.own_picture import BoxError
from artsimilarity.own_picture.pages import chosen_box
from artsimilarity.search.balance import FRAGMENT_HEADER
from demo_site.library.models import Artwork
from tests.pictures import make_artwork, make_embedded, unit_blocks

pytestmark = pytest.mark.django_db

BOX = {"left": "0", "top": "0", "right": "50", "bottom": "100"}


@pytest.fixture(autouse=True)
def fresh(settings: Settings) -> None:
    """Nobody has searched yet, and nobody waits long."""
    cache.clear()
    settings.ARTSIMILARITY = {**settings.ARTSIMILARITY, "SEARCH_SECONDS": 0.05}


@pytest.fixture
def answered(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that finds every detail to be the same."""
    vector = unit_blocks([0, 1], [0, 1]).tolist()
    monkeypatch.setattr("artsimilarity.own_picture.asking.ask_worker", lambda *_args: vector)


def form(request: Any = None, **context: Any) -> str:
    source = (
        '{% load artsimilarity %}{% similarity_detail picture controls="alike" thumbnail=small %}'
    )
    context.setdefault("picture", make_embedded("picture"))
    return Template(source).render(Context({"request": request, **context}))


class TestTheForm:
    def test_has_four_fields_in_per_cent_and_a_button(self, rf: RequestFactory) -> None:
        html = form(rf.get("/"))
        for name, value in (("left", 25), ("top", 25), ("right", 75), ("bottom", 75)):
            assert f'name="{name}" type="number" min="0" max="100"' in html
            assert f'value="{value}"' in html
        assert "Left, % <input" in html
        assert 'type="submit"' in html

    def test_shows_the_box_of_the_address_and_keeps_the_rest_of_it(
        self, rf: RequestFactory
    ) -> None:
        html = form(rf.get("/", {**BOX, "right": '"><b>', "style": "0.3", "page": ["1", "2"]}))
        assert 'value="&quot;&gt;&lt;b&gt;"' in html
        assert '<input type="hidden" name="style" value="0.3">' in html
        assert html.count('type="hidden" name="page"') == 2
        assert html.count('name="left"') == 1
        assert 'href="?style=0.3&amp;page=1&amp;page=2#alike"' in html

    def test_needs_no_request_and_no_thumbnail(self) -> None:
        html = form()
        assert "<img" not in html
        assert 'name="left"' in html

    def test_waits_for_the_thumbnail_no_longer_than_a_page_may(
        self, rf: RequestFactory, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        found: list[Any] = []
        monkeypatch.setattr(
            "artsimilarity.templatetags.artsimilarity.thumbnail_of",
            lambda _picture: found.append(patience()),
        )
        form(rf.get("/"))
        form()
        of_page, of_script = found
        assert of_page is not None
        assert of_script is None

    def test_has_the_picture_to_draw_on_for_scripts_alone(self, rf: RequestFactory) -> None:
        html = form(rf.get("/"), small=Thumbnail("/small.webp", 1200, 800))
        assert '<div class="artsimilarity-detail-picture" hidden>' in html
        assert 'src="/small.webp" width="1200" height="800"' in html
        assert 'role="application"' in html

    def test_has_no_inline_script_style_or_handler(self, rf: RequestFactory) -> None:
        html = form(rf.get("/"), small=Thumbnail("/small.webp", 12, 8))
        assert not any(unsafe in html for unsafe in ("<script", " style=", " onclick", "<style"))

    def test_has_the_browsers_numbers_in_every_language(
        self, rf: RequestFactory, settings: Settings
    ) -> None:
        settings.LANGUAGES = [("de", "Deutsch")]
        settings.USE_THOUSAND_SEPARATOR = True
        with translation.override("de"):
            html = form(rf.get("/", {**BOX, "left": "1.5"}), small=Thumbnail("/a", 1200, 800))
        assert 'value="1.5"' in html
        assert 'width="1200"' in html
        assert 'data-least="5"' in html


class TestTheAddress:
    def test_has_a_box_in_per_cent(self, rf: RequestFactory) -> None:
        assert chosen_box(rf.get("/", BOX)) == Area(0, 0, 0.5, 1)
        assert chosen_box(rf.get("/", {"style": "1"})) is None

    @pytest.mark.parametrize("value", ["", "nan", "inf", "1e400", "a", "\0", "9" * 5000, "-1"])
    def test_with_another_box_is_refused_in_words(self, rf: RequestFactory, value: str) -> None:
        with pytest.raises(BoxError, match="detail"):
            chosen_box(rf.get("/", {**BOX, "right": value}))

    def test_without_one_of_the_edges_has_no_box(self, rf: RequestFactory) -> None:
        with pytest.raises(BoxError, match="four edges"):
            chosen_box(rf.get("/", {"left": "0"}))


class TestThePage:
    def test_lists_what_is_like_the_detail(self, client: Client, answered: None) -> None:
        artwork = make_embedded("whole", [1, 0], [1, 0])
        make_embedded("like the whole", [1, 0], [1, 0])
        make_embedded("like the detail", [0, 1], [0, 1])
        response = client.get(artwork.get_absolute_url(), BOX)
        html = response.content.decode()
        assert response.status_code == 200
        assert response["Cache-Control"] == "no-store"
        alike = html.partition('id="alike"')[2]
        assert alike.index("like the detail") < alike.index("like the whole")
        assert "More like this detail" in alike

    def test_without_a_box_lists_what_is_like_the_whole(
        self, client: Client, answered: None
    ) -> None:
        artwork = make_embedded("whole", [1, 0], [1, 0])
        make_embedded("like the detail", [0, 1], [0, 1])
        make_embedded("like the whole", [1, 0], [1, 0])
        html = client.get(artwork.get_absolute_url()).content.decode()
        alike = html.partition('id="alike"')[2]
        assert alike.index("like the whole") < alike.index("like the detail")
        assert "More like this detail" not in html

    def test_the_balance_holds(self, client: Client, answered: None) -> None:
        artwork = make_embedded("whole")
        make_embedded("same brush", [0, 1], [1, 0])
        make_embedded("same colours", [1, 0], [0, 1])
        for style, first in (("1", "same brush"), ("0", "same colours")):
            html = client.get(artwork.get_absolute_url(), {**BOX, "style": style}).content.decode()
            alike = html.partition('id="alike"')[2]
            both = ("same brush", "same colours")
            assert alike.index(first) == min(alike.index(one) for one in both)

    @pytest.mark.usefixtures("dead_broker")
    def test_without_an_answer_says_so_beside_what_is_like_the_whole(self, client: Client) -> None:
        artwork = make_embedded("whole")
        make_embedded("neighbour")
        response = client.get(artwork.get_absolute_url(), BOX)
        html = response.content.decode()
        assert response.status_code == 503
        assert response["Retry-After"]
        assert "Try again in a moment" in html
        assert "neighbour" in html

    @pytest.mark.usefixtures("dead_broker")
    def test_tells_the_script_in_words_alone(self, client: Client) -> None:
        artwork = make_embedded("whole")
        headers = {FRAGMENT_HEADER: "1"}
        response = client.get(artwork.get_absolute_url(), BOX, headers=headers)
        assert response.status_code == 503
        assert response["Content-Type"].startswith("text/plain")
        assert response.content.decode().endswith("Try again in a moment.")
        assert FRAGMENT_HEADER in response["Vary"]

    def test_a_bad_box_is_refused_in_words(self, client: Client) -> None:
        artwork = make_embedded("whole")
        response = client.get(artwork.get_absolute_url(), {**BOX, "right": "1"})
        assert response.status_code == 400
        assert "at least 5 %" in response.content.decode()

    def test_a_hidden_picture_has_no_page_whatever_the_box(self, client: Client) -> None:
        hidden: Artwork = make_embedded("hidden", published=False)
        for box in (BOX, {**BOX, "right": "1"}):
            assert client.get(hidden.get_absolute_url(), box).status_code == 404


@pytest.mark.usefixtures("dead_broker")
class TestThrottle:
    def test_counts_with_pages_too_and_leaves_pages_without_a_box_alone(
        self, client: Client
    ) -> None:
        artwork = make_artwork()
        page = f"{artwork.get_absolute_url()}?left=0&top=0&right=50&bottom=100"
        for _ in range(12):
            assert client.get(page).status_code == 503
        response = client.get(page)
        assert response.status_code == 429
        assert int(response["Retry-After"]) >= 1
        assert "You have searched often" in response.content.decode()
        assert client.get(f"/api/artworks/{artwork.pk}/by-detail/?box=0,0,1,1").status_code == 429
        assert client.get(artwork.get_absolute_url()).status_code == 200
