"""The demo site's pages, as a visitor meets them."""

from __future__ import annotations

import io
import threading
import time
from pathlib import Path

import pytest
from django.contrib.auth.models import Group
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image, ImageFile, PngImagePlugin
from pytest_django import Settings

from artsimilarity import conf
from artsimilarity.library import Library, stored_thumbnails
from artsimilarity.schema.states import EmbeddingStatus
from demo_site.library.models import Artwork
from demo_site.library.uploads import address_for_uploader

pytestmark = pytest.mark.django_db


def draw(
    size: tuple[int, int] = (60, 40), picture_format: str = "JPEG", **options: object
) -> bytes:
    """Return a small picture's file, with enough in it that half of the file is no picture."""
    buffer = io.BytesIO()
    Image.radial_gradient("L").resize(size).convert("RGB").save(buffer, picture_format, **options)
    return buffer.getvalue()


def add(title: str = "Wave", *, data: bytes | None = None, **columns: object) -> Artwork:
    image = ContentFile(draw() if data is None else data, name="picture.jpg")
    return Artwork.objects.create(title=title, image=image, **columns)


def upload(client: Client, data: bytes, name: str = "new.jpg", **texts: str) -> object:
    image = SimpleUploadedFile(name, data)
    return client.post("/upload/", {"image": image, "title": "New", **texts}, follow=True)


def test_the_home_page_shows_published_pictures_and_hides_the_others(client: Client) -> None:
    add("Seen")
    add("Hidden", published=False)

    page = client.get("/").content.decode()

    assert "Seen" in page
    assert "Hidden" not in page


def test_the_home_page_says_what_to_do_with_an_empty_library(client: Client) -> None:
    assert "Add the first picture" in client.get("/").content.decode()


def test_the_home_page_reserves_the_room_of_each_picture(client: Client) -> None:
    add(data=draw((60, 40)))

    assert 'width="60" height="40"' in client.get("/").content.decode()


def test_a_page_holds_24_pictures_and_links_to_the_next_with_the_search_kept(
    client: Client,
) -> None:
    for number in range(25):
        add(f"Wave {number}")

    response = client.get("/", {"q": "wave"})

    assert len(response.context["artworks"]) == 24
    assert 'href="?q=wave&amp;page=2"' in response.content.decode()


def test_page_links_stay_few_in_a_large_library(client: Client) -> None:
    Artwork.objects.bulk_create(Artwork(title=f"{number}") for number in range(24 * 100))

    response = client.get("/", {"page": 50})

    assert response.context["page_numbers"] == [1, "…", 48, 49, 50, 51, 52, "…", 100]


def test_a_page_that_is_not_there_is_not_found(client: Client) -> None:
    assert client.get("/", {"page": 2}).status_code == 404


def test_the_home_page_takes_the_same_number_of_queries_for_any_number_of_pictures(
    client: Client, django_assert_num_queries: object
) -> None:
    for number in range(3):
        add(f"Wave {number}")
    client.get("/")  # makes the thumbnails

    with django_assert_num_queries(5):  # type: ignore[operator]
        client.get("/")


def test_the_artist_link_leads_to_that_artist_alone(client: Client) -> None:
    add("Wave", artist="Hokusai & Co")
    add("Bridge", artist="Hiroshige")
    assert "?artist=Hokusai+%26+Co" in client.get("/").content.decode()

    artworks = client.get("/?artist=Hokusai%20%26%20Co").context["artworks"]

    assert [artwork.title for artwork in artworks] == ["Wave"]


@pytest.mark.parametrize("words", ["great wave", "WAVE hokusai", "kanagawa"])
def test_search_finds_every_word_in_title_or_artist(client: Client, words: str) -> None:
    add("The Great Wave off Kanagawa", artist="Katsushika Hokusai")
    add("A Bridge", artist="Katsushika Hokusai")

    artworks = client.get("/", {"q": words}).context["artworks"]

    assert [artwork.title for artwork in artworks] == ["The Great Wave off Kanagawa"]


@pytest.mark.parametrize("query", ["q=%00", "artist=%00", "page=last", "q=%25", "artist="])
def test_odd_queries_are_no_server_error(client: Client, query: str) -> None:
    add()

    assert client.get(f"/?{query}").status_code == 200


def test_titles_are_escaped(client: Client) -> None:
    artwork = add("<script>alert(1)</script>")

    for address in ("/", artwork.get_absolute_url()):
        page = client.get(address).content.decode()
        assert "&lt;script&gt;alert" in page
        assert "<script>alert" not in page


def test_a_picture_s_page_lists_what_is_known_about_it(client: Client) -> None:
    artwork = add("Wave", artist="Hokusai", year="c. 1831", technique="woodblock", palette="sea")

    page = client.get(artwork.get_absolute_url()).content.decode()

    for fact in ("<h1>Wave</h1>", "Hokusai", "c. 1831", "Woodblock", "Sea", "60 × 40"):
        assert fact in page
    assert 'alt="Wave, Hokusai"' in page


def test_a_picture_s_page_says_that_it_waits_for_its_neighbours(client: Client) -> None:
    artwork = add()

    page = client.get(artwork.get_absolute_url()).content.decode()

    assert "Similar pictures will appear here in a little while." in page


def test_a_hidden_picture_has_no_page(client: Client) -> None:
    artwork = add(published=False)

    response = client.get(artwork.get_absolute_url())

    assert response.status_code == 404
    assert "There is nothing at this address" in response.content.decode()


def test_pages_do_not_wait_for_previews_that_take_long(
    client: Client, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    usual = conf.Settings().THUMBNAIL_SECONDS
    settings.ARTSIMILARITY = {**settings.ARTSIMILARITY, "THUMBNAIL_SECONDS": usual}
    pictures = [add(f"Wave {number}", artist="Hokusai") for number in range(8)]
    come, fetch = threading.Event(), stored_thumbnails.fetch_file

    def fetched(library: Library, name: str) -> object:
        come.wait(1)
        return fetch(library, name)

    monkeypatch.setattr(stored_thumbnails, "fetch_file", fetched)
    for address in ("/", pictures[0].get_absolute_url()):
        begin = time.monotonic()
        page = client.get(address).content.decode()
        assert time.monotonic() - begin < 1.5
        assert "No preview yet" in page
        assert 'viewBox="0 0 60 40"' in page
    assert 'aria-label="Wave 0, Hokusai"' in page
    come.set()


def test_the_web_process_decodes_nothing_of_an_upload(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    kinds = ("JPEG", "PNG", "TIFF", "WEBP", "GIF")
    made = {kind: draw(picture_format=kind) for kind in kinds}
    decoded: list[object] = []
    for plugin in (ImageFile.ImageFile, PngImagePlugin.PngImageFile):
        monkeypatch.setattr(plugin, "load", lambda self: decoded.append(self))
    for picture_format in kinds:
        image = SimpleUploadedFile(f"new.{picture_format}", made[picture_format])
        response = client.post("/upload/", {"image": image, "title": picture_format})
        assert response.status_code == 302
    assert decoded == []
    sizes = Artwork.objects.values_list("width", "height")
    assert list(sizes) == [(60, 40)] * 5


@pytest.mark.parametrize("data", [b"", b"no picture at all", draw()[:20]])
def test_a_damaged_file_leaves_its_pages_standing(client: Client, data: bytes) -> None:
    artwork = add("Broken", data=data)

    assert "No preview" in client.get("/").content.decode()
    assert "cannot be shown" in client.get(artwork.get_absolute_url()).content.decode()


def test_a_file_that_is_gone_leaves_its_pages_standing(client: Client) -> None:
    artwork = add("Gone")
    Path(artwork.image.path).unlink()

    assert "No preview" in client.get("/").content.decode()
    assert client.get(artwork.get_absolute_url()).status_code == 200


@pytest.mark.parametrize("query", ["style=nan", "style=2", "style=", "style=a&style=b", "by=x"])
def test_an_unknown_balance_falls_back_to_the_usual_one(client: Client, query: str) -> None:
    response = client.get(f"{add().get_absolute_url()}?{query}")

    assert (response.status_code, response.context["style"]) == (200, 0.75)


@pytest.mark.parametrize(("by", "style"), [("colour", 0), ("style", 1), ("both", 0.75)])
def test_addresses_from_before_the_slider_lead_to_what_they_meant(
    client: Client, by: str, style: float
) -> None:
    response = client.get(f"{add().get_absolute_url()}?by={by}", follow=True)

    assert response.context["style"] == style
    assert "by=" not in response.redirect_chain[0][0]


def test_a_script_gets_the_neighbours_alone_and_caches_know(client: Client) -> None:
    address = add().get_absolute_url()

    fragment = client.get(address, headers={"X-Artsimilarity-Fragment": "1"})
    page = client.get(address)

    assert fragment.content.strip().startswith(b'<div class="neighbours" id="alike">')
    assert fragment.content.strip() in page.content
    for response in (fragment, page):
        assert "X-Artsimilarity-Fragment" in response["Vary"]


def test_a_picture_without_neighbours_has_no_slider(client: Client) -> None:
    assert 'type="range"' not in client.get(add().get_absolute_url()).content.decode()


def test_an_upload_leads_to_a_page_that_says_what_becomes_of_it(client: Client) -> None:
    response = upload(client, draw(), artist="Hokusai", year="1831")

    artwork = Artwork.objects.get()
    assert response.redirect_chain == [(address_for_uploader(artwork), 302)]  # type: ignore[attr-defined]
    assert "“New” is waiting to be read" in response.content.decode()  # type: ignore[attr-defined]
    assert (artwork.artist, artwork.year, artwork.published) == ("Hokusai", "1831", True)
    assert artwork.embedding_status == EmbeddingStatus.PENDING


def test_the_size_of_an_upload_is_that_of_the_upright_picture(client: Client) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    upload(client, draw((60, 40), exif=exif))

    artwork = Artwork.objects.get()
    assert (artwork.width, artwork.height) == (40, 60)


def test_a_truncated_picture_passes_the_form_for_the_worker_to_judge(client: Client) -> None:
    data = draw((400, 400), quality=95)
    upload(client, data[: len(data) // 2])

    assert Artwork.objects.count() == 1


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("new.jpg", b"no picture at all"),
        ("new.jpg", b""),
        ("new.eps", draw(picture_format="EPS")),
        ("new.jpg", draw(picture_format="BMP")),
    ],
)
def test_the_form_refuses_what_is_no_picture_the_worker_reads(
    client: Client, name: str, data: bytes
) -> None:
    response = upload(client, data, name)

    assert response.context["form"].errors["image"]  # type: ignore[attr-defined]
    assert not Artwork.objects.exists()


def test_the_form_refuses_a_file_above_the_limit(client: Client, settings: object) -> None:
    settings.LIBRARY_MAX_UPLOAD = 100  # type: ignore[attr-defined]

    response = upload(client, draw())

    assert "at most 100" in str(response.context["form"].errors["image"])  # type: ignore[attr-defined]


def test_media_are_served_and_nothing_outside_them(client: Client) -> None:
    artwork = add()

    response = client.get(artwork.image.url)
    assert b"".join(response.streaming_content) == draw()  # type: ignore[attr-defined]
    assert client.get("/media/../settings.py").status_code == 400
    assert client.get("/media/none.jpg").status_code == 404
    assert client.get(f"/media/{'x' * 300}.jpg").status_code == 404
    assert client.get("/media/artworks/").status_code == 404


def test_the_api_lists_published_pictures_page_by_page(client: Client) -> None:
    add("Hidden", published=False)
    artwork = add("Seen", artist="Hokusai", year="1831")

    answer = client.get("/api/artworks/").json()

    assert answer["count"] == 1
    assert answer["results"] == [
        {
            "id": artwork.pk,
            "title": "Seen",
            "artist": "Hokusai",
            "year": "1831",
            "image": f"http://testserver{artwork.image.url}",
            "url": f"http://testserver/artworks/{artwork.pk}/",
        }
    ]


def test_the_api_says_of_a_new_picture_that_it_waits(client: Client) -> None:
    answer = client.get(f"/api/artworks/{add().pk}/similar/").json()

    assert (answer["status"], answer["results"]) == ("pending", [])


@pytest.mark.parametrize("query", ["q=%00", "published__exact=%00", "%00=1"])
def test_the_admin_refuses_a_nul_in_an_address(admin_client: Client, query: str) -> None:
    response = admin_client.get(f"/admin/library/artwork/?{query}")

    assert (response.status_code, b"means nothing" in response.content) == (400, True)


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("view", ["change", "delete"])
def test_the_admin_refuses_a_reference_to_no_field(
    admin_client: Client, view: str, method: str
) -> None:
    admin_client.raise_request_exception = False
    group = Group.objects.create(name="curators")
    address = f"/admin/auth/group/{group.pk}/{view}/"
    answer = getattr(admin_client, method)(address, {"_to_field": ""})
    assert answer.status_code == 400
    assert Group.objects.get() == group


@pytest.mark.parametrize("ticked", ["x", "²", "-1", "9" * 20, ""])
def test_the_admin_refuses_ticks_that_are_no_rows(admin_client: Client, ticked: str) -> None:
    form = {"action": "reembed", "_selected_action": [str(add().pk), ticked]}
    response = admin_client.post("/admin/library/artwork/", form)

    assert (response.status_code, b"no row" in response.content) == (400, True)


def test_the_admin_shows_thumbnails_and_states(admin_client: Client) -> None:
    add("Wave")
    add("Broken", data=b"no picture")

    page = admin_client.get("/admin/library/artwork/").content.decode()

    assert page.count('<img src="/media/thumbnails/') == 1
    assert "waiting" in page
