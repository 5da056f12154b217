"""A picture that a visitor adds: hidden until it was read; its uploader is told how it goes."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from artsimilarity.embedding import pipeline
from artsimilarity.encoder.pictures.reasons import Reason
from artsimilarity.library import Library
from artsimilarity.schema import reasons
from artsimilarity.search import more_like_this
from demo_site.library.models import Artwork
from demo_site.library.uploads import address_for_uploader
from tests.pictures import BLUE, RED, make_artwork, make_embedded, picture_bytes

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("quick_encoder", "dead_broker")]


def add(client: Client, data: bytes | None = None) -> tuple[Artwork, str]:
    """The picture that was added, and the address that its uploader was led to."""
    image = SimpleUploadedFile("mine.jpg", data or picture_bytes(BLUE, "JPEG", side=64))
    response = client.post("/upload/", {"image": image, "title": "Mine"})
    return Artwork.objects.get(title="Mine"), response["Location"]


def embed() -> None:
    pipeline.embed(Library.of(Artwork), list(Artwork.objects.values_list("pk", flat=True)))


def truncated() -> bytes:
    """A file whose header is that of a picture, and which ends there."""
    data = picture_bytes(BLUE, "JPEG", side=64)
    return data[: data.index(b"\xff\xda") + 20]


def is_shown(artwork: Artwork) -> bool:
    """Whether anybody sees it: in the collection, on its page, in the API."""
    client = Client()
    answers = {
        artwork.title in client.get("/").content.decode(),
        client.get(artwork.get_absolute_url()).status_code == 200,
        client.get(f"/api/artworks/{artwork.pk}/").status_code == 200,
        client.post("/light-table/", {"like": artwork.pk}).status_code == 302,
        Artwork.similarity_queryset().filter(pk=artwork.pk).exists(),
    }
    (answer,) = answers
    return answer


def test_is_shown_to_nobody_until_it_was_read(client: Client) -> None:
    artwork, address = add(client)
    assert not is_shown(artwork)
    assert "“Mine” is waiting to be read" in client.get(address).content.decode()

    embed()

    assert is_shown(artwork)
    page = client.get(address).content.decode()
    assert "“Mine” is in the collection" in page
    assert f'href="{artwork.get_absolute_url()}"' in page


def test_that_cannot_be_read_is_shown_to_nobody_and_its_uploader_learns_why(
    client: Client,
) -> None:
    artwork, address = add(client, truncated())
    embed()

    assert not is_shown(artwork)
    page = client.get(address).content.decode()
    assert "“Mine” cannot be shown" in page
    assert "damaged or incomplete" in page
    assert "Add another copy" in page
    artwork.refresh_from_db()
    assert artwork.embedding_reason not in page
    assert "ARTSIMILARITY" not in page


@pytest.mark.parametrize(
    ("width", "height", "words"),
    [
        (None, None, "no picture that can be read here"),
        (400, 8, "each side needs 16 pixels"),
        (10**5, 10**5, "more than 500 million pixels"),
        (400, 400, "damaged or incomplete"),
    ],
)
def test_the_reason_follows_from_the_picture(
    client: Client, width: int | None, height: int | None, words: str
) -> None:
    artwork = make_artwork("Mine", from_visitor=True)
    columns = {"embedding_status": "failed", "width": width, "height": height}
    Artwork.objects.filter(pk=artwork.pk).update(**columns)
    assert words in client.get(address_for_uploader(artwork)).content.decode()


def test_what_went_wrong_with_the_site_is_not_put_on_the_picture(client: Client) -> None:
    artwork = make_artwork("Mine", from_visitor=True, width=400, height=400)
    why = reasons.stored(Reason(reasons.STORAGE_FAILED, name="secret.jpg", error="503"))
    Artwork.objects.filter(pk=artwork.pk).update(embedding_status="failed", embedding_error=why)
    page = client.get(address_for_uploader(artwork)).content.decode()
    assert "and not with your picture" in page
    assert "secret.jpg" not in page
    assert "503" not in page


def test_is_no_neighbour_before_it_was_read_again_after_its_file_was_replaced(
    client: Client,
) -> None:
    other = make_artwork("Other", RED)
    artwork, address = add(client)
    embed()
    assert [one.title for one in more_like_this(other)] == ["Mine"]

    artwork.refresh_from_db()
    artwork.image = SimpleUploadedFile("other.jpg", truncated())
    artwork.save()

    assert not is_shown(artwork)
    assert "is waiting to be read" in client.get(address).content.decode()


def test_that_waits_for_long_is_said_not_to_be_lost(client: Client) -> None:
    artwork, address = add(client)
    Artwork.objects.filter(pk=artwork.pk).update(created=timezone.now() - timedelta(minutes=10))
    assert "takes longer than usual" in client.get(address).content.decode()


def test_that_was_taken_down_or_deleted_is_said_to_be(client: Client) -> None:
    artwork, address = add(client)
    embed()
    Artwork.objects.filter(pk=artwork.pk).update(published=False)
    page = client.get(address).content.decode()
    assert "“Mine” was taken down" in page
    assert artwork.get_absolute_url() not in page
    Artwork.objects.all().delete()
    assert "no longer here" in client.get(address).content.decode()


def test_only_its_uploader_has_the_address(client: Client) -> None:
    artwork, address = add(client)
    other = make_artwork("Other", from_visitor=True)
    token = address.rstrip("/").rpartition("/")[2]
    forged = token.replace(str(artwork.pk), str(other.pk), 1)
    for guess in (forged, str(other.pk), f"{other.pk}:", "9" * 5000, "%00", token[:-1]):
        assert client.get(f"/upload/{guess}/").status_code == 404
    response = Client().get(address)
    assert (response.status_code, response["Cache-Control"]) == (200, "no-store")
    assert response["X-Robots-Tag"] == "noindex"


def test_a_script_gets_the_state_alone(client: Client) -> None:
    _artwork, address = add(client)
    answer = client.get(address, headers={"X-Artsimilarity-Fragment": "1"})
    html = answer.content.decode().strip()
    assert html.startswith('<div id="upload-state" data-state="waiting">')


def test_pictures_that_nobody_has_added_here_are_shown_before_they_were_read() -> None:
    assert is_shown(make_artwork("Loaded"))


def test_hidden_uploads_take_no_part_in_counts(client: Client) -> None:
    make_embedded("Shown", artist="Somebody")
    add(client)
    page = client.get("/").content.decode()
    assert "1 picture<" in page
