"""Sheets: whose pictures are on them, and to whom they are given."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from django.db import DatabaseError
from django.http import HttpRequest
from django.test import Client
from PIL import Image
from pytest_django import Settings

from artsimilarity.atlas import sheets
from artsimilarity.atlas.making import make_map
from artsimilarity.atlas.tasks import keep_up
from artsimilarity.library.files import file_digest
from artsimilarity.models import MapPlace, MapSheet
from demo_site.library.models import Artwork
from tests.atlas.drawn import LIBRARY, fill_map, make_mapped, make_random, small_picture
from tests.pictures import BLUE, GREEN, RED, make_artwork, make_embedded, picture_file, unit_blocks

pytestmark = pytest.mark.django_db


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures without a file have small versions, too."""
    monkeypatch.setattr("artsimilarity.atlas.sheets.small_version", small_picture)


def sheet_of(artwork: Artwork) -> str:
    """The name of the sheet that a picture is on; empty if on none."""
    return MapPlace.objects.get(key=str(artwork.pk)).sheet


def status(client: Client, name: str) -> int:
    return client.get("/map/", {"sheet": name}).status_code


def sweep() -> None:
    """What a sweep leads to."""
    keep_up(Artwork, LIBRARY.using)


def make_with_file(colour: tuple[int, int, int], **fields: Any) -> Artwork:
    """A picture with a file, a thumbnail and a vector."""
    artwork = make_artwork(colour=colour, **fields)
    Artwork.objects.filter(pk=artwork.pk).update(
        embedding=unit_blocks([1.0], [1.0]).tolist(),  # type: ignore[arg-type]
        embedding_recipe=LIBRARY.recipes().serving.fingerprint,
        embedding_image=artwork.image.name,
        embedding_digest=file_digest(LIBRARY, artwork.image.name),
        embedding_status="ready",
    )
    artwork.refresh_from_db()
    assert artwork.thumbnail
    return artwork


class TestASheet:
    def test_holds_the_stored_thumbnails_each_where_its_place_says(self, client: Client) -> None:
        colours = {make_with_file(colour).pk: colour for colour in (RED, GREEN, BLUE)}
        make_map(LIBRARY)
        (sheet,) = MapSheet.objects.all()
        response = client.get("/map/", {"sheet": sheet.sha256})
        assert response["Content-Type"] == "image/webp"
        with Image.open(io.BytesIO(response.content)) as image:
            for place in MapPlace.objects.all():
                assert place.sheet == sheet.sha256
                corner = place.slot % 16 * 64, place.slot // 16 * 64
                middle = corner[0] + place.width // 2, corner[1] + place.height // 2
                seen = image.convert("RGB").getpixel(middle)
                assert isinstance(seen, tuple)
                pairs = zip(seen, colours[int(place.key)], strict=True)
                assert all(abs(one - other) < 12 for one, other in pairs)

    def test_makes_no_thumbnail(self) -> None:
        make_mapped(3)  # which have none
        assert not MapSheet.objects.exists()

    def test_is_not_made_of_what_a_host_shows_by_other_means(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        make_with_file(RED)
        monkeypatch.setattr(
            Artwork, "similarity_thumbnail", lambda self: "/blurred.png", raising=False
        )
        make_map(LIBRARY)
        assert not MapSheet.objects.exists()

    def test_is_not_made_where_the_adapter_gives_no_files(self, settings: Settings) -> None:
        make_with_file(RED)
        adapter = "tests.atlas.test_sheets.elsewhere"
        settings.ARTSIMILARITY = {**settings.ARTSIMILARITY, "THUMBNAILS": adapter}
        make_map(LIBRARY)
        assert not MapSheet.objects.exists()

    def test_has_room_for_what_comes_later(self, drawn: None) -> None:
        artworks = make_mapped(3)
        Artwork.objects.filter(pk=artworks[0].pk).update(published=False)
        sweep()
        before = sheet_of(artworks[1])
        Artwork.objects.filter(pk=artworks[0].pk).update(published=True)
        sweep()
        names = {sheet_of(artwork) for artwork in artworks}
        assert len(names) == 1
        assert before not in names
        assert MapSheet.objects.count() == 1

    def test_is_gone_once_a_new_map_has_others(
        self, drawn: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sheets, "FULL", 2)
        make_mapped(4)
        before = set(MapSheet.objects.values_list("sha256", flat=True))
        monkeypatch.setattr(sheets, "small_version", lambda one, side: small_picture(one, side - 1))
        make_map(LIBRARY)
        after = set(MapSheet.objects.values_list("sha256", flat=True))
        assert len(before) == len(after) == 2
        assert not before & after

    def test_is_gone_once_the_host_says_itself_what_is_shown(
        self, drawn: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        artwork = make_mapped(3)[0]
        assert sheet_of(artwork)
        monkeypatch.setattr(
            Artwork, "similarity_thumbnail", lambda self: "/blurred.png", raising=False
        )
        sweep()
        assert not MapSheet.objects.exists()
        assert sheet_of(artwork) == ""

    def test_is_made_without_a_thumbnail_that_cannot_be_read(
        self, settings: Settings, caplog: pytest.LogCaptureFixture
    ) -> None:
        broken, sound = make_with_file(RED), make_with_file(GREEN)
        name = next(Path(settings.MEDIA_ROOT).glob(f"**/{Path(broken.image.name).name}.*.240.webp"))
        name.write_bytes(name.read_bytes()[:12].ljust(name.stat().st_size, b"\0"))
        make_map(LIBRARY)
        assert MapSheet.objects.get().keys == [str(sound.pk)]
        assert f"No small version of library.Artwork {broken.pk}" in caplog.text

    def test_is_not_made_where_the_database_fails(self, settings: Settings) -> None:
        make_with_file(RED)
        adapter = "tests.atlas.test_sheets.DatabaseDown"
        settings.ARTSIMILARITY = {**settings.ARTSIMILARITY, "THUMBNAILS": adapter}
        with pytest.raises(DatabaseError):
            make_map(LIBRARY)

    def test_ranks_nobody_for_hidden_pictures(
        self, drawn: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        artworks = make_mapped(3)
        make_embedded("hidden", published=False, embedding_digest="another")
        sweep()
        assert MapPlace.objects.filter(sheet="").count() == 1
        monkeypatch.setattr(sheets, "cell_of", None)
        sweep()
        assert sheet_of(artworks[0])

    def test_is_left_alone_where_nothing_has_changed(self, drawn: None) -> None:
        make_mapped(3)
        before = MapSheet.objects.values_list("pk", "sha256").get()
        sweep()
        assert MapSheet.objects.values_list("pk", "sha256").get() == before


def elsewhere(picture: Any, file: Any) -> None:
    """An adapter that knows no files."""


class DatabaseDown:
    """An adapter that keeps its files in a database."""

    def __call__(self, picture: Any, file: Any) -> None:
        """There is none."""

    def stored_bytes(self, picture: Any, file: Any) -> bytes:
        """Find nothing out."""
        raise DatabaseError("The database is down.")


def test_an_overview_takes_two_sheets_however_large_the_library(client: Client) -> None:
    fill_map(2_000)
    assert MapSheet.objects.count() == 8
    for layout in ("brushwork", "colours"):
        pictures = client.get("/map/", {"tile": "0/0/0", "layout": layout}).json()["pictures"]
        assert len(pictures) > 50
        assert len({one["sprite"][0] for one in pictures}) <= 2


class TestPrivacy:
    def test_hidden_pictures_are_on_no_sheet(self, drawn: None) -> None:
        make_random(3)
        hidden = make_embedded("hidden", published=False, embedding_digest="another")
        make_map(LIBRARY)
        assert sheet_of(hidden) == ""
        assert str(hidden.pk) not in MapSheet.objects.get().keys

    @pytest.mark.parametrize("what", ["hidden", "deleted", "replaced", "replaced unseen"])
    def test_a_sheet_is_given_to_nobody_from_the_moment_one_of_its_pictures_is_no_more(
        self, client: Client, drawn: None, what: str
    ) -> None:
        artworks = make_mapped(3)
        name = sheet_of(artworks[0])
        assert status(client, name) == 200
        one = Artwork.objects.filter(pk=artworks[0].pk)
        if what == "hidden":
            one.update(published=False)
        elif what == "deleted":
            artworks[0].delete()
        elif what == "replaced":
            artworks[0].image = picture_file()
            artworks[0].save()
        else:
            one.update(image="another.png")
        assert status(client, name) == 404
        sweep()
        assert status(client, name) == 404
        assert not MapSheet.objects.filter(sha256=name).exists()
        assert not MapSheet.objects.filter(keys__contains=[str(artworks[0].pk)]).exists()
        other = sheet_of(artworks[1])
        assert other != name
        assert status(client, other) == 200

    def test_who_may_see_less_than_others_gets_no_sheet_with_more(
        self, client: Client, drawn: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        artworks = make_mapped(3)
        name = sheet_of(artworks[0])

        def seen(request: HttpRequest | None = None) -> Any:
            some = Artwork.objects.filter(published=True)
            return some.exclude(pk=artworks[0].pk) if request and "child" in request.GET else some

        monkeypatch.setattr(Artwork, "similarity_queryset", staticmethod(seen))
        assert status(client, name) == 200
        assert client.get("/map/", {"sheet": name, "child": "1"}).status_code == 404

    def test_caches_that_visitors_share_keep_none(self, client: Client, drawn: None) -> None:
        artwork = make_mapped(1)[0]
        response = client.get("/map/", {"sheet": sheet_of(artwork)})
        assert response["Cache-Control"].startswith("private")
