"""Pages of the demo and the admin in every language: none of our English is left on them."""

from __future__ import annotations

import io
import re
from collections.abc import Collection
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import translation

from artsimilarity.admin.actions import ACTIONS
from artsimilarity.encoder.pictures.reasons import Reason
from artsimilarity.monitoring import health
from artsimilarity.schema import reasons
from demo_site.library.models import Artwork
from demo_site.library.uploads import address_for_uploader
from tests.duplicates.test_duplicates import pair_of
from tests.languages.catalogues import LANGUAGES
from tests.languages.english import English
from tests.pictures import RED, make_artwork, make_embedded, picture_bytes

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.usefixtures("quick_encoder", "dead_broker", "no_worker_is_waited_for"),
]
languages = pytest.mark.parametrize("language", LANGUAGES)

TOO_SMALL = reasons.stored(Reason("too-small", width=5, height=1200, least=16))


class Pictures:
    """One picture of every kind."""

    def __init__(self) -> None:
        facts: dict[str, Any] = {
            "artist": "Hiroshige",
            "year": "c. 1857",
            "width": 40,
            "height": 30,
        }
        self.ready = make_embedded("Ukiyo", embedding_digest="a" * 64, **facts)
        self.twin = make_embedded("Ukiyo II", embedding_digest="b" * 64, technique="holzschnitt")
        self.others = [make_embedded(f"Ukiyo {n}", (1.0, n), (n, 1.0)) for n in range(3, 30)]
        self.waiting = make_artwork("Fuji", from_visitor=True)
        self.failed = make_artwork("Edo", from_visitor=True, embedding_attempts=3)
        Artwork.objects.filter(pk=self.failed.pk).update(
            embedding_status="failed", embedding_error=TOO_SMALL
        )
        self.hidden = make_embedded("Kyoto", published=False)
        self.pair = pair_of(self.ready, self.twin)


def client_of(language: str, client: Client | None = None) -> Client:
    client = client or Client()
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = f"{language}-{language.upper()},{language};q=0.9"
    return client


def check(language: str, *answers: Any, status: int = 200, but: Collection[str] = ()) -> None:
    """Every answer is a page in that language, but for those texts."""
    english = English(language)
    for answer in answers:
        assert answer.status_code == status
        page = answer.content.decode()
        if not answer.request.get("HTTP_X_ARTSIMILARITY_FRAGMENT"):
            assert re.search(r'<html[^>]* lang="(\w+)', page)[1] == language  # type: ignore[index]
        assert answer["Content-Language"] == language
        found = [text for text in english.found_in(page) if text not in but]
        assert found == [], answer.request["PATH_INFO"]


@languages
def test_what_visitors_read(language: str) -> None:
    library, client = Pictures(), client_of(language)
    pages = [
        "/",
        "/?page=2",
        "/?q=Ukio",
        "/?q=nothing-of-the-kind",
        "/?artist=Hiroshige",
        "/?century=19&order=newest",
        library.ready.get_absolute_url(),
        f"{library.ready.get_absolute_url()}?among=nothing-of-the-kind",
        f"{library.ready.get_absolute_url()}?artist=Hiroshige&style=0.5",
        f"{library.others[0].get_absolute_url()}",
        "/by-colour/",
        "/by-colour/?colour=aa3311&weight=2",
        "/by-picture/",
        "/light-table/",
        f"/light-table/?like={library.ready.pk}&like=99999&unlike={library.twin.pk}:much",
        "/light-table/?like=99999",
        "/map/",
        f"/map/?from={library.ready.pk}",
        "/upload/",
        *(
            address_for_uploader(one)
            for one in (library.waiting, library.failed, library.hidden, library.ready)
        ),
    ]
    check(language, *map(client.get, pages))
    check(language, client.get(library.hidden.get_absolute_url()), status=404)


@languages
def test_what_they_read_after_pressing_a_button(language: str) -> None:
    library, client = Pictures(), client_of(language)
    text = SimpleUploadedFile("mine.jpg", b"no picture")
    check(language, client.post("/upload/", {"title": ""}))
    check(language, client.post("/upload/", {"title": "Nara", "image": text}))
    check(language, client.post("/by-picture/", {}), status=400)
    picture = SimpleUploadedFile("mine.png", picture_bytes(RED))
    check(language, client.post("/by-picture/", {"picture": picture}), status=503)
    for button, artwork in (("like", library.ready), ("unlike", library.twin)):
        check(language, client.post("/light-table/", {button: artwork.pk}, follow=True))
    check(language, client.get("/light-table/"), client.get("/"))
    gone = address_for_uploader(library.waiting)
    library.waiting.delete()
    check(language, client.get(gone))


@languages
def test_what_administrators_read(language: str, admin_client: Client) -> None:
    library, client = Pictures(), client_of(language, admin_client)
    artworks = "admin:library_artwork"
    # What Django's own pages say in English, in languages that its translators have not finished.
    djangos = [client.get(f"/admin/auth/{page}").content.decode() for page in ("", "user/")]
    check(
        language,
        client.get(reverse("admin:index")),
        client.get(reverse(f"{artworks}_changelist")),
        client.get(reverse(f"{artworks}_add")),
        client.get(reverse(f"{artworks}_library")),
        client.get(reverse(f"{artworks}_duplicates")),
        client.get(reverse(f"{artworks}_duplicates"), {"state": "dismissed"}),
        *(
            client.get(reverse(f"{artworks}_change", args=[one.pk]))
            for one in (library.ready, library.waiting, library.failed)
        ),
        *(client.get(reverse(f"{artworks}_library_action", args=[action])) for action in ACTIONS),
        client.post(
            reverse(f"{artworks}_changelist"),
            {"action": "reembed", "_selected_action": [library.ready.pk]},
            follow=True,
        ),
        but={text for page in djangos for text in English(language).found_in(page)},
    )


@languages
def test_why_a_picture_failed(language: str, admin_client: Client) -> None:
    library, client = Pictures(), client_of(language, admin_client)
    page = client.get(reverse("admin:library_artwork_change", args=[library.failed.pk]))
    with translation.override(language):
        words = reasons.in_words(TOO_SMALL)
    assert words != Reason("too-small", width=5, height=1200, least=16).code
    assert words in page.content.decode()


@languages
def test_what_the_status_says(language: str) -> None:
    Pictures()
    output = io.StringIO()
    with translation.override(language):
        call_command("embed_artworks", "--status", stdout=output)
    lines = output.getvalue().splitlines()
    english = English(language)
    said = [part.strip() for line in lines for part in (line, line.partition(":")[0])]
    assert [text for text in said if english.found_in(text)] == []


@languages
def test_what_health_says_of_waiting_and_workers(language: str) -> None:
    Artwork.objects.all().delete()
    make_artwork("Fuji")
    with translation.override(language):
        problems = health.find_problems()
    problems.pop("database", "")  # system checks are in English, as Django's own are
    assert {"worker"} <= problems.keys()
    assert [text for text in problems.values() if English(language).found_in(text)] == []


@languages
def test_what_the_api_says(language: str) -> None:
    pictures, client = Pictures(), client_of(language)
    address = f"/api/artworks/{pictures.ready.pk}/similar/"
    found = client.get(address).json()
    colours = [colour for one in found["results"] for colour in one["shared_colours"]]
    assert colours
    Artwork.objects.filter(pk=pictures.others[0].pk).update(
        embedding=None, embedding_status="failed"
    )
    nothing = client.get(f"/api/artworks/{pictures.others[0].pk}/similar/").json()
    refused = [client.get(address, {"cursor": "bad"}), client.get(address, {"style": "x"})]
    refused.append(client.get("/api/artworks/by-colour/", {"colour": "sky"}))
    texts = [colour["name"] for colour in colours] + [nothing["message"]]
    texts += [text for one in refused for many in one.json().values() for text in many]
    assert all(texts)
    english = English(language)
    assert [text for text in texts if english.found_in(text)] == []


class TestWhoChooses:
    """A visitor's choice goes before what the browser asks for, and is kept."""

    def test_by_a_form_on_every_page(self) -> None:
        client = client_of("fr")
        page = client.get("/by-colour/?colour=aa3311").content.decode()
        assert 'action="/language/"' in page
        assert 'name="next" value="/by-colour/?colour=aa3311"' in page
        assert re.search(r'value="fr" lang="fr" aria-current="true">Français', page)
        assert 'lang="en">English</button>' in page
        chosen = {"language": "de", "next": "/by-colour/?colour=aa3311"}
        answer = client.post("/language/", chosen)
        assert answer["Location"] == "/by-colour/?colour=aa3311"
        assert client.cookies["django_language"]["max-age"]
        assert '<html lang="de">' in client.get("/").content.decode()

    def test_and_is_led_to_no_other_site(self) -> None:
        chosen = {"language": "de", "next": "https://example.com/"}
        assert Client().post("/language/", chosen)["Location"] == "/"

    def test_english_where_the_browser_asks_for_what_there_is_not(self) -> None:
        assert '<html lang="en">' in client_of("ja").get("/").content.decode()


class TestCaches:
    """None gives a page in one language to who reads another."""

    @pytest.mark.parametrize("address", ["/", "/by-colour/", "/map/", "/api/artworks/"])
    def test_are_told_what_the_answer_depends_on(self, address: str) -> None:
        answer = client_of("de").get(address)
        assert {"Accept-Language", "Cookie"} <= set(answer["Vary"].split(", "))
        assert "public" not in answer.get("Cache-Control", "")

    def test_an_answer_of_the_api_is_not_taken_for_the_one_in_another_language(self) -> None:
        library = Pictures()
        address = f"/api/artworks/{library.ready.pk}/similar/"
        german, french = client_of("de"), client_of("fr")
        etag = german.get(address)["ETag"]
        assert german.get(address, headers={"If-None-Match": etag}).status_code == 304
        answer = french.get(address, headers={"If-None-Match": etag})
        assert answer.status_code == 200
        assert answer["ETag"] != etag
        assert "Accept-Language" in answer["Vary"]

    def test_what_health_remembers_is_in_the_sites_language(self, admin_client: Client) -> None:
        client = client_of("de", admin_client)
        problems = client.get("/artsimilarity/health/").json()["problems"]
        assert problems["worker"].startswith("The broker does not answer.")
