"""How the demo's files and pages travel: names, caches, compression."""

from __future__ import annotations

import gzip
import re
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from pytest_django import Settings
from whitenoise.middleware import WhiteNoiseMiddleware

from demo_site.static_files import HashedStaticFiles
from tests.pictures import make_artwork

IMMUTABLE = "max-age=31536000, immutable"


class TestStaticFiles:
    # WhiteNoise leaves a file that it compares for Python to close.
    @pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")
    def test_are_collected_under_hashed_names_that_browsers_keep_for_good(
        self, settings: Settings, tmp_path: Path
    ) -> None:
        settings.STATIC_ROOT = str(tmp_path)
        call_command("collectstatic", "--no-input", verbosity=0)

        address = HashedStaticFiles().url("library/library.css")
        assert re.fullmatch(r"/static/library/library\.\w{12}\.css", address)

        whitenoise: Any = WhiteNoiseMiddleware(lambda request: None)
        assert (
            "immutable"
            in dict(whitenoise.files[address].get_response("GET", {}).headers)["Cache-Control"]
        )

    def test_have_their_plain_names_before(self, settings: Settings, tmp_path: Path) -> None:
        settings.STATIC_ROOT = str(tmp_path)

        assert HashedStaticFiles().url("library/library.css") == "/static/library/library.css"


@pytest.mark.django_db
class TestMedia:
    def test_a_thumbnail_is_kept_for_good_by_the_visitor_s_browser_alone(
        self, client: Client
    ) -> None:
        thumbnail = make_artwork().thumbnail
        assert thumbnail

        answer = client.get(thumbnail.url)
        answer.close()

        assert answer["Cache-Control"] == f"private, {IMMUTABLE}"
        assert answer["Content-Type"] == "image/webp"

    def test_a_picture_is_asked_for_again_and_not_sent_again(self, client: Client) -> None:
        artwork = make_artwork()
        first = client.get(artwork.image.url)
        first.close()
        assert first["Cache-Control"] == "private, max-age=3600"

        for header, value in (
            ("If-None-Match", first["ETag"]),
            ("If-Modified-Since", first["Last-Modified"]),
        ):
            assert client.get(artwork.image.url, headers={header: value}).status_code == 304

    def test_another_file_under_the_same_name_is_sent(self, client: Client) -> None:
        artwork = make_artwork()
        first = client.get(artwork.image.url)
        first.close()
        Path(artwork.image.path).write_bytes(b"another")

        again = client.get(artwork.image.url, headers={"If-None-Match": first["ETag"]})

        assert again.getvalue() == b"another"


@pytest.mark.django_db
class TestCompression:
    def test_pages_are_compressed_and_pictures_are_not(self, client: Client) -> None:
        artwork = make_artwork()
        headers = {"Accept-Encoding": "gzip"}

        page = client.get("/", headers=headers)
        picture = client.get(artwork.image.url, headers=headers)

        assert page["Content-Encoding"] == "gzip"
        assert b"<html" in gzip.decompress(page.content)
        assert "Content-Encoding" not in picture
        assert int(picture["Content-Length"]) == len(picture.getvalue())


@pytest.mark.django_db
class TestFetchedBeforehand:
    """What browsers may fetch before it is opened is named by a header of pages."""

    def test_a_page_names_its_rules(self, client: Client) -> None:
        page = client.get("/")
        assert page["Speculation-Rules"] == '"/speculation-rules.json"'
        rules = client.get("/speculation-rules.json")
        assert rules["Content-Type"] == "application/speculationrules+json"
        assert rules.json()["prefetch"][0]["eagerness"] == "moderate"

    def test_who_saves_data_gets_none_and_caches_know(self, client: Client) -> None:
        page = client.get("/", headers={"Save-Data": "on"})
        assert "Speculation-Rules" not in page
        for one in (page, client.get("/")):
            assert "Save-Data" in one["Vary"]

    def test_what_is_no_page_is_left_as_it_is(self, client: Client) -> None:
        picture = client.get(make_artwork().image.url)
        picture.close()
        for answer in (picture, client.get("/speculation-rules.json")):
            assert "Speculation-Rules" not in answer
            assert "Vary" not in answer
