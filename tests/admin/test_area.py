"""The picture's own area on its admin page: outlined, and corrected."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.admin.sites import all_sites
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.test import Client, RequestFactory
from django.urls import path, reverse
from django.utils.translation import override
from PIL import Image
from pytest_django import Settings

from artsimilarity.admin import add_similarity
from artsimilarity.admin.area import AreaForm, corners, in_words
from artsimilarity.embedding import pipeline
from artsimilarity.encoder.pictures.crop import WHOLE, Area, squash
from artsimilarity.library import Library
from artsimilarity.library.patience import patience
from artsimilarity.library.thumbnails import Thumbnail
from demo_site.library.models import Artwork
from tests.admin.forms import form_of
from tests.broker import Broker
from tests.encoder.scans import in_frame, painting
from tests.photos import Photos, photo_tables

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("quick_encoder", "no_worker_is_waited_for"),
]

BY_HAND = Area(0.25, 0.2, 0.75, 0.9, 1.5)
TYPED = {"left": "25", "top": "20", "right": "75", "bottom": "90", "angle": "1.5"}

urlpatterns: list[Any] = []


@pytest.fixture(autouse=True)
def finds_area(settings: Settings) -> None:
    settings.ARTSIMILARITY = {**settings.ARTSIMILARITY, "RECIPE": "tests.recipes.AREA"}


@pytest.fixture
def scan(dead_broker: None) -> Artwork:
    """A framed scan, embedded."""
    return embedded(Artwork.objects.create(title="A scan", image=file()))


def file(seed: int = 1) -> ContentFile[bytes]:
    buffer = io.BytesIO()
    in_frame(painting(seed))[0].save(buffer, "PNG")
    return ContentFile(buffer.getvalue(), "scan.png")


def embedded(artwork: Artwork) -> Artwork:
    pipeline.embed(Library.of(Artwork), [artwork.pk])
    return stored(artwork)


def stored(artwork: Artwork) -> Artwork:
    return Artwork.objects.get(pk=artwork.pk)


def page_of(client: Client, artwork: Artwork) -> str:
    return client.get(reverse("admin:library_artwork_change", args=[artwork.pk])).content.decode()


def address(artwork: Artwork) -> str:
    return reverse("admin:library_artwork_area", args=[artwork.pk])


def post(client: Client, artwork: Artwork, area: str = "given", **fields: str) -> Any:
    """What a page sends that shows the artwork as it is in memory."""
    file = {"image": artwork.image.name, "digest": artwork.embedding_digest}
    return client.post(
        address(artwork), {**file, "area": area, **fields}, headers={"Accept": "application/json"}
    )


class TestOutline:
    def test_shows_the_area_that_was_found_over_the_whole_picture(
        self, admin_client: Client, scan: Artwork
    ) -> None:
        page = page_of(admin_client, scan)
        box = in_frame(painting(1))[1]
        drawn = page.split('<polygon class="artsimilarity-outline" points="')[1].split('"')[0]
        width, height = (float(one) for one in page.split('viewBox="0 0 ')[1].split('"')[0].split())
        places = [tuple(map(float, one.split(","))) for one in drawn.split()]
        assert places[0] == pytest.approx((box[0] * width, box[1] * height), abs=0.02 * width)
        assert places[2] == pytest.approx((box[2] * width, box[3] * height), abs=0.02 * width)
        assert "(found)" in page
        assert 'style="' not in page.split('class="artsimilarity-scan"')[1].split("<h3")[0]

    def test_corners_lie_where_the_pixels_are_taken_from(self) -> None:
        area = Area(0.3, 0.2, 0.8, 0.7, 20)
        sheet = Image.new("RGB", (300, 200))
        for number, (x, y) in enumerate(corners(area, 300, 200), start=1):
            box = (round(x) - 6, round(y) - 6, round(x) + 6, round(y) + 6)
            sheet.paste((60 * number,) * 3, box)
        square = squash(sheet.resize((400, 400)), area, side=64, proportion=1.5)
        found = [square.getpixel(place)[0] for place in ((0, 0), (63, 0), (63, 63), (0, 63))]
        assert found == pytest.approx([60, 120, 180, 240], abs=3)

    @pytest.mark.parametrize(
        ("area", "words"),
        [
            (WHOLE, "the whole picture"),
            (Area(0, 0.0977, 0.5, 1), "0.0 to 50.0 % from the left, 9.8 to 100.0 % from the top"),
            (BY_HAND, "25.0 to 75.0 % from the left, 20.0 to 90.0 % from the top, turned by 1.5°"),
        ],
    )
    def test_is_told_in_words_too(self, area: Area, words: str) -> None:
        assert in_words(area) == words

    def test_says_how_the_area_is_known(
        self, admin_client: Client, scan: Artwork, settings: Settings
    ) -> None:
        rows = Artwork.objects.filter(pk=scan.pk)
        rows.update(embedding_area_by_hand=WHOLE)
        assert "the whole picture (given by hand)" in page_of(admin_client, scan)
        rows.update(embedding_area_by_hand=None, embedding_area=None)
        assert "the whole picture (no margin was found)" in page_of(admin_client, scan)
        settings.ARTSIMILARITY = {**settings.ARTSIMILARITY, "FIND_AREA": False}
        assert "it is not looked for in this library" in page_of(admin_client, scan)
        rows.update(embedding_status="pending")
        assert "not looked for yet" in page_of(admin_client, scan)

    def test_is_absent_where_the_recipe_looks_at_whole_scans(
        self, admin_client: Client, scan: Artwork, settings: Settings
    ) -> None:
        settings.ARTSIMILARITY = {
            **settings.ARTSIMILARITY,
            "RECIPE": "artsimilarity.encoder.recipe.ART",
        }
        page = page_of(admin_client, scan)
        assert "artsimilarity-scan" not in page
        assert "artsimilarity-area" not in page

    def test_numbers_have_points_whatever_the_language(
        self, admin_client: Client, scan: Artwork
    ) -> None:
        Artwork.objects.filter(pk=scan.pk).update(embedding_area_by_hand=BY_HAND)
        with override("de"):
            assert "25,0" in in_words(BY_HAND)
            assert 'value="1.5"' in str(AreaForm.showing(BY_HAND)["angle"])

    def test_a_picture_without_a_thumbnail_is_corrected_by_numbers(
        self, admin_client: Client, scan: Artwork, media: Path
    ) -> None:
        (media / scan.image.name).unlink()
        page = page_of(admin_client, scan)
        assert "artsimilarity-outline" not in page
        assert 'name="left"' in page
        assert "with the mouse" not in page

    def test_waits_for_the_thumbnail_no_longer_than_a_page_may(
        self, rf: RequestFactory, admin_user: User, scan: Artwork, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        found: list[Any] = []
        monkeypatch.setattr(
            "artsimilarity.admin.area.thumbnail_of", lambda _picture: found.append(patience())
        )
        request = rf.get("/")
        request.user = admin_user
        # Asked as under ASGI, where no signal has told that a request has begun.
        admin.site.get_model_admin(Artwork).change_view(request, str(scan.pk))
        (of_page,) = found
        assert of_page is not None

    def test_a_thumbnail_of_unknown_size_will_do(
        self, admin_client: Client, scan: Artwork, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(
            "artsimilarity.admin.area.thumbnail_of", lambda _picture: Thumbnail("/small.png")
        )
        page = page_of(admin_client, scan)
        assert 'viewBox="0 0 100 100"' in page
        assert '<img src="/small.png" alt=""' in page


class TestCorrection:
    def test_takes_what_was_typed_and_embeds_the_picture_again(
        self, admin_client: Client, scan: Artwork, broker: Broker
    ) -> None:
        answer = post(admin_client, scan, **TYPED)
        texts = [one["text"] for one in answer.json()["messages"]]
        assert texts[:2] == [
            "The area is kept, until the picture is replaced.",
            "1 picture was sent to the queue.",
        ]
        assert broker.pks() == [str(scan.pk)]
        row = embedded(scan)
        assert (row.embedding_area_by_hand, row.embedding_area) == (BY_HAND, BY_HAND)
        assert "(given by hand)" in page_of(admin_client, scan)

    def test_takes_the_whole_picture_and_finds_the_area_again(
        self, admin_client: Client, scan: Artwork
    ) -> None:
        found = scan.embedding_area
        post(admin_client, scan, "whole")
        assert embedded(scan).embedding_area is None
        post(admin_client, stored(scan), "found")
        row = embedded(scan)
        assert (row.embedding_area_by_hand, row.embedding_area) == (None, found)

    @pytest.mark.parametrize(
        ("fields", "words"),
        [
            ({"left": "80"}, "The left edge lies before the right one"),
            ({"bottom": "20"}, "the upper above the lower"),
            ({"right": "101"}, "Right, %: Ensure this value is less than or equal to 100"),
            ({"angle": "46"}, "Turned, °: Ensure this value is less than or equal to 45"),
            ({"top": "nan"}, "Top, %: Enter a number"),
            ({"top": ""}, "Top, %: This field is required"),
            ({"area": "everything"}, "Choose one of the buttons"),
        ],
    )
    def test_refuses_what_is_no_area(
        self, admin_client: Client, scan: Artwork, fields: dict[str, str], words: str
    ) -> None:
        answer = post(admin_client, scan, **{**TYPED, **fields})
        assert answer.status_code == 400
        assert words in answer.json()["messages"][0]["text"]
        row = stored(scan)
        assert (row.embedding_area_by_hand, row.embedding_status) == (None, "ready")

    @pytest.mark.parametrize("name", ["other.png", "", "a\0b"])
    def test_is_refused_for_another_file_than_was_looked_at(
        self, admin_client: Client, scan: Artwork, name: str
    ) -> None:
        scan.image.name = name
        answer = post(admin_client, scan, **TYPED)
        assert answer.status_code == 409
        assert "replaced meanwhile" in answer.json()["messages"][0]["text"]
        assert stored(scan).embedding_area_by_hand is None

    def test_is_refused_for_another_content_under_the_same_name(
        self, admin_client: Client, scan: Artwork
    ) -> None:
        Artwork.objects.filter(pk=scan.pk).update(embedding_digest="0" * 64)
        assert post(admin_client, scan, **TYPED).status_code == 409

    def test_may_be_made_before_the_picture_is_embedded(
        self, admin_client: Client, dead_broker: None
    ) -> None:
        new = Artwork.objects.create(title="New", image=file())
        assert post(admin_client, new, **TYPED).status_code == 200
        assert embedded(new).embedding_area == BY_HAND

    def test_outlasts_that_a_picture_that_came_in_bulk_was_not_noticed_yet(
        self, admin_client: Client, dead_broker: None
    ) -> None:
        name = Artwork._meta.get_field("image").storage.save("bulk.png", file())
        (new,) = Artwork.objects.bulk_create([Artwork(title="Bulk", image=name)])
        post(admin_client, new, **TYPED)
        assert embedded(new).embedding_area == BY_HAND

    def test_stands_in_the_pictures_history(self, admin_client: Client, scan: Artwork) -> None:
        post(admin_client, scan, **TYPED)
        entry = LogEntry.objects.get()
        assert entry.object_id == str(scan.pk)
        assert "area" in entry.get_change_message()

    def test_without_scripts_it_leads_back_to_the_page_and_says_the_same(
        self, admin_client: Client, scan: Artwork
    ) -> None:
        form = {"image": scan.image.name, "digest": scan.embedding_digest, "area": "whole"}
        page = admin_client.post(address(scan), form, follow=True)
        assert page.redirect_chain[0][0].endswith(f"/{scan.pk}/change/")
        assert "The whole picture is used" in page.content.decode()

    def test_stands_in_a_form_of_its_own_and_not_in_the_one_that_is_edited(
        self, admin_client: Client, scan: Artwork
    ) -> None:
        page = page_of(admin_client, scan)
        edited, own = form_of(page, "artwork_form"), form_of(page, "artsimilarity-area")
        for name in TYPED:
            (shown,) = (one for one in edited.split("<input") if f'name="{name}"' in one)
            assert 'form="artsimilarity-area"' in shown
        assert 'target="_blank"' in own
        assert "csrfmiddlewaretoken" in own

    def test_its_buttons_work_before_the_rest_of_a_page_has_come(
        self, admin_client: Client, scan: Artwork
    ) -> None:
        page = page_of(admin_client, scan)
        own, button = '<form id="artsimilarity-area"', 'form="artsimilarity-area"'
        assert page.index(own) < page.index(button)


class TestPermission:
    def test_who_may_only_look_sees_the_outline_and_no_form(
        self, viewer: Client, scan: Artwork
    ) -> None:
        page = page_of(viewer, scan)
        assert "artsimilarity-outline" in page
        assert 'name="left"' not in page
        assert "area.js" not in page

    def test_who_may_only_look_is_refused_and_told_nothing(
        self, viewer: Client, scan: Artwork
    ) -> None:
        missing = viewer.post(reverse("admin:library_artwork_area", args=[10**9]))
        answer = viewer.post(address(scan), {"area": "whole"})
        assert (answer.status_code, missing.status_code) == (403, 403)
        assert answer.content == missing.content
        assert stored(scan).embedding_area_by_hand is None

    def test_it_needs_a_post_and_its_token(self, admin_user: User, scan: Artwork) -> None:
        client = Client(enforce_csrf_checks=True)
        client.force_login(admin_user)
        assert client.get(address(scan)).status_code == 403
        assert post(client, scan, "whole").status_code == 403
        assert stored(scan).embedding_area_by_hand is None

    @pytest.mark.urls("tests.backoffice")
    def test_a_picture_that_is_hidden_from_an_administrator_is_not_there(
        self, admin_client: Client, scan: Artwork
    ) -> None:
        url = reverse("gallery:library_artwork_area", args=[scan.pk])
        assert admin_client.post(url, {"area": "whole"}).status_code == 404


class TestCompanion:
    @pytest.fixture
    def photos(self, settings: Settings, dead_broker: None) -> Iterator[Photos]:
        with photo_tables() as photos:
            site = admin.AdminSite(name="admin")
            site.register(photos.photo, admin.ModelAdmin)
            add_similarity(site, photos.photo)
            urlpatterns[:] = [path("admin/", site.urls)]
            settings.ROOT_URLCONF = __name__
            yield photos
            all_sites.discard(site)  # the first page of the tests' own site would ask it, too

    @pytest.mark.django_db(transaction=False)
    def test_keeps_the_area_in_its_row(self, photos: Photos, admin_client: Client) -> None:
        photo = photos.photo.objects.create(title="A scan", image=file())
        photos.library.rows.all().delete()  # as of a photo that came in bulk
        url = f"/admin/library/photo/{photo.pk}"
        assert "not looked for yet" in admin_client.get(f"{url}/change/").content.decode()
        form = {"image": photo.image.name, "digest": "", "area": "given", **TYPED}
        admin_client.post(f"{url}/area/", form)
        pipeline.embed(photos.library, [photo.pk])
        assert photos.library.rows.get(pk=photo.pk).embedding_area == BY_HAND
        assert "(given by hand)" in admin_client.get(f"{url}/change/").content.decode()


def test_an_angle_is_told_to_a_tenth() -> None:
    assert AreaForm.showing(Area(0, 0, 1, 1, -0.01)).initial["angle"] == "0.0"
    assert math.isclose(float(AreaForm.showing(Area(0, 0, 1, 1, -2.26)).initial["angle"]), -2.3)
