"""Search by a visitor's own picture: what is refused, and what happens where no worker answers."""

from __future__ import annotations

import base64
import io
import json
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.cache import cache
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image
from pytest_django import Settings

from artsimilarity.embedding import pipeline
from artsimilarity.encoder.pictures.limits import DecoderCrashed, MissingLibrary
from artsimilarity.encoder.pictures.reading import read, read_square
from artsimilarity.encoder.recipe import ART, LIKENESS, Recipe
from artsimilarity.library import Library
from artsimilarity.models import SearchAnswer
from artsimilarity.own_picture import asking
from artsimilarity.own_picture.asking import PictureRefused, shrink
from artsimilarity.own_picture.message import DESCRIBE_TASK, limits
from artsimilarity.testing import QuickEncoder
from demo_site.celery import app as celery_app
from demo_site.library.models import Artwork
from tests.broker import Broker, RefusingBroker
from tests.encoder.hostile import animated_webp, with_scans
from tests.encoder.scans import in_frame, painting
from tests.pictures import RED, picture_bytes
from tests.recipes import AREA

URL = "/api/artworks/by-picture/"


@pytest.fixture(autouse=True)
def fresh() -> None:
    """Nobody has searched yet."""
    cache.clear()


def post(client: Client, data: bytes, **fields: Any) -> Any:
    return client.post(URL, {"picture": SimpleUploadedFile("mine.png", data), **fields})


def bomb(side: int = 20_000) -> bytes:
    """A PNG that says it is huge, and is a few bytes."""
    header = struct.pack(">2I5B", side, side, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 1000)), (b"IEND", b"")]
    body = b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + body


def noise(mode: str = "RGB", format: str = "PNG", **options: Any) -> bytes:
    """A picture with much in it, in one of Pillow's modes."""
    random = np.random.default_rng(0).integers(0, 256, (300, 500, 3), np.uint8)
    picture = Image.fromarray(random).resize((900, 600)).convert(mode)
    buffer = io.BytesIO()
    picture.save(buffer, format, **options)
    return buffer.getvalue()


_TURNED = Image.Exif()
_TURNED[0x0112] = 6


class TestShrinking:
    @pytest.mark.parametrize(
        "data",
        [
            noise(),
            noise(format="JPEG", quality=80, exif=_TURNED),
            noise("CMYK", "JPEG"),
            noise("RGBA"),
            noise("P"),
            noise("LA"),
            noise("L", "TIFF"),
            noise("I;16"),
        ],
        ids=["rgb", "turned-jpeg", "cmyk", "alpha", "palette", "grey-alpha", "tiff", "deep"],
    )
    def test_gives_the_worker_the_very_pixels_that_it_would_have_read(self, data: bytes) -> None:
        sent = read_square(shrink(io.BytesIO(data), ART).square)
        assert np.array_equal(sent, read_square(data))

    def test_reads_no_further_than_one_byte_past_the_limit(self, settings: Settings) -> None:
        settings.ARTSIMILARITY = {**settings.ARTSIMILARITY, "SEARCH_MAX_BYTES": 1000}
        file = io.BytesIO(bytes(5000))
        with pytest.raises(PictureRefused):
            shrink(file, ART)
        assert file.tell() == 1001

    def test_refuses_an_empty_file_in_words(self) -> None:
        with pytest.raises(PictureRefused, match="The file is empty") as refused:
            shrink(io.BytesIO(), ART)
        assert refused.value.status == 400

    def test_refuses_a_kind_that_needs_a_library_which_is_not_there(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def lack(*args: Any, **kwargs: Any) -> Any:
            raise MissingLibrary("pillow-heif")

        monkeypatch.setattr(asking.search_decoders(), "read", lack)
        with pytest.raises(PictureRefused, match="Save it anew as a JPEG or PNG") as refused:
            shrink(io.BytesIO(noise()), ART)
        assert refused.value.status == 415

    @pytest.mark.parametrize(("recipe", "most"), [(ART, 210_000), (LIKENESS, 820_000)])
    def test_sends_no_more_than_a_bounded_message(self, recipe: Recipe, most: int) -> None:
        random = np.random.default_rng(0).integers(0, 256, (900, 1350, 3), np.uint8)
        buffer = io.BytesIO()
        Image.fromarray(random).save(buffer, "PNG")
        buffer.seek(0)
        message = shrink(buffer, recipe)
        assert most / 2 < len(message.text) < most
        side = recipe.decoded_side
        assert read_square(message.square, side=side, limits=limits(side)).shape[0] == side

    def test_says_the_proportion_where_an_area_is_looked_for_and_nothing_new_elsewhere(
        self,
    ) -> None:
        assert shrink(io.BytesIO(noise()), LIKENESS).named == {"version": 2, "proportion": 1.5}
        assert shrink(io.BytesIO(noise()), ART).named == {}


@pytest.mark.django_db
@pytest.mark.usefixtures("quick_encoder")
class TestAnswering:
    """What a worker makes of messages of its own release, and of others'."""

    KEY = "00000000-0000-0000-0000-000000000001"

    def _vector(self, picture: str, recipe: Recipe, **named: Any) -> Any:
        task = celery_app.tasks[DESCRIBE_TASK]
        task(self.KEY, "library.Artwork", picture, recipe.fingerprint, "default", **named)
        vector = SearchAnswer.objects.get(pk=self.KEY).vector
        SearchAnswer.objects.all().delete()
        return vector

    @pytest.fixture
    def finds_area(self, settings: Settings) -> None:
        settings.ARTSIMILARITY = {**settings.ARTSIMILARITY, "RECIPE": "tests.recipes.AREA"}

    @pytest.fixture
    def framed(self) -> bytes:
        buffer = io.BytesIO()
        in_frame(painting(1, (300, 150)))[0].save(buffer, "PNG")
        return buffer.getvalue()

    def test_a_framed_photo_gets_the_vector_that_it_would_have_in_the_library(
        self, finds_area: None, framed: bytes
    ) -> None:
        message = shrink(io.BytesIO(framed), AREA)
        found = self._vector(message.text, AREA, **message.named)
        artwork = Artwork.objects.create(title="Framed", image=ContentFile(framed, "framed.png"))
        pipeline.embed(Library.of(Artwork), [artwork.pk])
        row = Artwork.objects.defer(None).get()
        assert row.embedding_area is not None
        np.testing.assert_allclose(found, row.embedding, atol=1e-3)

    def test_the_switches_hold_for_visitors_pictures_too(
        self, finds_area: None, framed: bytes, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        message = shrink(io.BytesIO(framed), AREA)
        area = self._vector(message.text, AREA, **message.named)
        monkeypatch.setattr(Artwork, "similarity_finds_area", False)
        whole = self._vector(message.text, AREA, **message.named)
        assert np.abs(np.subtract(area, whole)).max() > 0.02

    def test_a_message_of_the_release_before_is_answered(self, framed: bytes) -> None:
        buffer = io.BytesIO()
        read(framed).image.save(buffer, "PNG")
        sent = base64.b64encode(buffer.getvalue()).decode()
        (expected,) = QuickEncoder(ART).encode([read_square(framed)])
        np.testing.assert_allclose(self._vector(sent, ART), expected, atol=1e-6)

    def test_one_that_says_no_proportion_is_answered_where_an_area_is_looked_for(
        self, finds_area: None, framed: bytes
    ) -> None:
        buffer = io.BytesIO()
        read(framed).image.save(buffer, "PNG")
        assert self._vector(base64.b64encode(buffer.getvalue()).decode(), AREA) is not None

    def test_one_of_a_later_release_is_given_up_at_once(
        self, framed: bytes, caplog: pytest.LogCaptureFixture
    ) -> None:
        message = shrink(io.BytesIO(framed), ART)
        assert self._vector(message.text, ART, version=4, depth=2) is None
        assert "Restart workers" in caplog.text

    @pytest.mark.parametrize("proportion", [0.0, -1.0, float("nan"), float("inf"), "wide"])
    def test_a_proportion_that_is_none_is_given_up(
        self, finds_area: None, framed: bytes, proportion: Any
    ) -> None:
        message = shrink(io.BytesIO(framed), AREA)
        assert self._vector(message.text, AREA, version=2, proportion=proportion) is None

    def test_a_square_that_is_larger_than_any_of_ours_is_given_up(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        large = base64.b64encode(picture_bytes(side=500)).decode()
        assert self._vector(large, ART) is None
        assert "MAX_PIXELS" in caplog.text


class TestRefusals:
    @pytest.mark.parametrize(
        ("data", "status", "words"),
        [
            (b"no picture at all", 415, "JPEG, PNG, TIFF, WebP or GIF"),
            (noise()[:5000], 400, "damaged or incomplete"),
            (bomb(), 413, "more than 50 million pixels"),
            (picture_bytes(side=8), 400, "each side needs 16 pixels"),
            (noise(format="PPM"), 415, "JPEG, PNG, TIFF, WebP or GIF"),
        ],
    )
    def test_says_what_to_do(
        self, client: Client, db: None, data: bytes, status: int, words: str
    ) -> None:
        response = post(client, data)
        assert response.status_code == status
        assert words in response.json()["detail"]

    def test_a_file_above_the_limit_is_not_kept(
        self, client: Client, db: None, settings: Settings
    ) -> None:
        settings.ARTSIMILARITY = {**settings.ARTSIMILARITY, "SEARCH_MAX_BYTES": 100_000}
        response = post(client, noise())
        assert response.status_code == 413
        assert "larger than 0.1 MB" in response.json()["detail"]

    def test_large_uploads_stay_in_memory(
        self, client: Client, db: None, settings: Settings, tmp_path: Path
    ) -> None:
        # Django would write a file of this size to this folder, which is not there.
        settings.FILE_UPLOAD_TEMP_DIR = str(tmp_path / "nowhere")
        data = bytes(settings.FILE_UPLOAD_MAX_MEMORY_SIZE + 1)
        assert post(client, data).status_code == 415

    @pytest.mark.parametrize("form", [{}, {"picture": "https://example.org/a.jpg"}, {"url": "a"}])
    def test_takes_no_address_in_place_of_a_picture(
        self, client: Client, db: None, form: dict[str, str]
    ) -> None:
        response = client.post(URL, form)
        assert response.status_code == 400
        assert "form field “picture”" in response.json()["picture"][0]

    def test_takes_nothing_but_a_form(self, client: Client, db: None) -> None:
        body = json.dumps({"picture": "https://example.org/a.jpg"})
        assert client.post(URL, body, content_type="application/json").status_code == 415

    def test_is_no_page_to_look_at(self, client: Client, db: None) -> None:
        assert client.get(URL).status_code == 405

    def test_a_bad_limit_is_refused_with_words(self, client: Client, db: None) -> None:
        response = post(client, picture_bytes(), limit="49")
        assert response.status_code == 400
        assert "less than or equal to 48" in response.json()["limit"][0]


@pytest.mark.django_db
class TestHostileFiles:
    @pytest.mark.parametrize(
        ("data", "words"),
        [
            (lambda: with_scans(2000, 3000), "takes too long"),
            (lambda: animated_webp(7000, 7000), "takes too much memory"),
        ],
        ids=["scans", "canvas"],
    )
    def test_are_refused_in_words_and_at_no_cost(
        self, client: Client, data: Callable[[], bytes], words: str
    ) -> None:
        response = post(client, data())
        assert response.status_code == 413
        assert words in response.json()["detail"]

    def test_what_ends_the_decoder_is_refused_as_damaged(
        self, client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def crash(*args: Any, **kwargs: Any) -> Any:
            raise DecoderCrashed("SIGSEGV")

        monkeypatch.setattr(asking.search_decoders(), "read", crash)
        response = post(client, picture_bytes())
        assert response.status_code == 400
        assert "damaged" in response.json()["detail"]

    def test_where_all_decoders_are_busy_the_visitor_may_try_again(
        self, client: Client, settings: Settings
    ) -> None:
        settings.ARTSIMILARITY = {
            **settings.ARTSIMILARITY,
            "SEARCH_DECODERS": 1,
            "SEARCH_SECONDS": 0.05,
        }
        with asking.search_decoders()._borrow():
            assert post(client, picture_bytes()).status_code == 503


@pytest.mark.django_db
class TestWithoutAWorker:
    def test_says_when_to_try_again(
        self, client: Client, broker: Broker, settings: Settings
    ) -> None:
        settings.ARTSIMILARITY = {**settings.ARTSIMILARITY, "SEARCH_SECONDS": 0.2}
        response = post(client, picture_bytes())
        assert response.status_code == 503
        assert int(response["Retry-After"]) >= 1
        assert "Try again in a moment" in response.json()["detail"]

    def test_a_broker_that_is_down_is_the_same(self, client: Client, dead_broker: None) -> None:
        assert post(client, picture_bytes()).status_code == 503

    def test_a_broker_that_hangs_up_is_asked_once(
        self, client: Client, refusing_broker: RefusingBroker
    ) -> None:
        assert post(client, picture_bytes()).status_code == 503
        assert refusing_broker.connections == 1

    def test_no_more_searches_wait_than_could_be_answered(
        self, client: Client, broker: Broker, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(asking, "_MOST_WAITING", 2)
        settings.ARTSIMILARITY = {**settings.ARTSIMILARITY, "SEARCH_SECONDS": 0.05}
        for _ in range(4):
            assert post(client, picture_bytes()).status_code == 503
        assert broker.waiting("artsimilarity-search") == 2

    def test_nothing_is_stored(
        self, client: Client, broker: Broker, settings: Settings, media: Path
    ) -> None:
        settings.ARTSIMILARITY = {**settings.ARTSIMILARITY, "SEARCH_SECONDS": 0.05}
        post(client, picture_bytes(RED))
        assert not list(media.rglob("*"))
        assert not SearchAnswer.objects.exists()


@pytest.mark.django_db
class TestThrottle:
    def test_lets_twelve_searches_a_minute_pass(self, client: Client, dead_broker: None) -> None:
        statuses = [post(client, b"no picture").status_code for _ in range(13)]
        assert statuses == [415] * 12 + [429]

    def test_says_when_to_try_again(self, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        from artsimilarity.api.throttling import SearchByPictureThrottle

        rates = {"artsimilarity-search": "1/hour"}
        monkeypatch.setattr(SearchByPictureThrottle, "THROTTLE_RATES", rates)
        post(client, b"no picture")
        response = post(client, b"no picture")
        assert response.status_code == 429
        assert int(response["Retry-After"]) > 60

    def test_leaves_other_searches_alone(self, client: Client) -> None:
        for _ in range(13):
            post(client, b"no picture")
        assert client.get("/api/artworks/by-colour/?colour=aa3311").status_code == 200
