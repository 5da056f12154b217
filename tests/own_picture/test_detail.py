"""Search by a detail: what is refused, what a worker makes of a box, and what it costs."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from django.core.cache import cache
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image
from pytest_django import Settings
from rest_framework.permissions import IsAuthenticated

from artsimilarity.encoder.pictures.crop import Area
from artsimilarity.encoder.pictures.reading import read_square
from artsimilarity.encoder.recipe import ART, LIKENESS, Recipe
from artsimilarity.library import Library
from artsimilarity.library.seeing import see_detail
from artsimilarity.models import SearchAnswer
from artsimilarity.own_picture import BoxError, search_by_detail, slots
from artsimilarity.own_picture.detail import parse_box
from artsimilarity.own_picture.message import DESCRIBE_TASK, Detail
from artsimilarity.testing import QuickEncoder
from demo_site.celery import app as celery_app
from demo_site.library.api import ArtworkViewSet
from demo_site.library.models import Artwork
from tests.broker import Broker
from tests.encoder.scans import in_frame, painting
from tests.pictures import make_artwork, make_embedded, picture_bytes
from tests.recipes import AREA

BOX = (0.1, 0.2, 0.5, 0.6)
QUEUE = "artsimilarity-search"


@pytest.fixture(autouse=True)
def fresh() -> None:
    """Nobody has searched yet."""
    cache.clear()


@pytest.fixture
def impatient(settings: Settings) -> None:
    """Nobody waits for a worker, as there is none."""
    settings.ARTSIMILARITY = {**settings.ARTSIMILARITY, "SEARCH_SECONDS": 0.05}


def url(artwork: Artwork, box: str = "0.1,0.2,0.5,0.6") -> str:
    return f"/api/artworks/{artwork.pk}/by-detail/?box={box}"


def halves(
    left: tuple[int, int, int] = (255, 0, 0),
    right: tuple[int, int, int] = (0, 0, 255),
    size: tuple[int, int] = (400, 200),
    **options: Any,
) -> bytes:
    """A picture of two colours side by side."""
    picture = Image.new("RGB", size, left)
    picture.paste(right, (size[0] // 2, 0, *size))
    buffer = io.BytesIO()
    picture.save(buffer, options.pop("format", "PNG"), **options)
    return buffer.getvalue()


class TestBoxes:
    def test_are_shares_of_the_picture(self) -> None:
        assert parse_box(BOX) == Area(*BOX)
        assert parse_box([0, 0, 1, 1]) == Area(0, 0, 1, 1)

    @pytest.mark.parametrize("edges", [(0.1, 0.1, 0.15, 0.15), (0.95, 0.95, 1, 1)])
    def test_may_be_as_small_as_a_twentieth(self, edges: tuple[float, ...]) -> None:
        assert parse_box(edges) == Area(*edges)

    @pytest.mark.parametrize(
        ("box", "words"),
        [
            ((), "four edges"),
            ((0, 0, 1), "four edges"),
            ((0, 0, 1, 1, 0), "four edges"),
            ((0, 0, float("nan"), 1), "four edges"),
            ((0, 0, float("inf"), 1), "four edges"),
            ((-0.1, 0, 1, 1), "within the picture"),
            ((0, 0, 1, 1.01), "within the picture"),
            ((0.6, 0, 0.5, 1), "left edge before the right"),
            ((0, 0.5, 1, 0.5), "its top above"),
            ((0, 0, 0.049, 1), "at least 5 % of the width"),
            ((0, 0.5, 1, 0.549), "at least 5 %"),
        ],
    )
    def test_that_are_none_are_refused_in_words(self, box: tuple[float, ...], words: str) -> None:
        with pytest.raises(BoxError, match=words):
            parse_box(box)


@pytest.mark.django_db
class TestWhatAWorkerSees:
    """The square that is encoded."""

    def _seen(self, data: bytes, box: Area, recipe: Recipe = ART) -> Any:
        artwork = Artwork.objects.create(image=ContentFile(data, "picture"))
        return see_detail(Library.of(Artwork), recipe, artwork.image.name, box)

    @pytest.mark.parametrize("recipe", [ART, LIKENESS])
    def test_is_what_lies_in_the_box_and_nothing_else(self, recipe: Recipe) -> None:
        seen = self._seen(halves(), Area(0, 0, 0.45, 1), recipe)
        assert seen.shape == (recipe.side, recipe.side, 3)
        assert (seen == (255, 0, 0)).all()
        assert (self._seen(halves(), Area(0.55, 0.3, 1, 0.5), recipe) == (0, 0, 255)).all()

    def test_is_a_part_of_the_picture_as_it_is_shown_upright(self) -> None:
        turned = Image.Exif()
        turned[0x0112] = 6  # its left half is above
        data = halves(format="JPEG", quality=95, exif=turned)
        above = self._seen(data, Area(0.2, 0, 0.8, 0.4)).mean(axis=(0, 1))
        assert above == pytest.approx([255, 0, 0], abs=5)

    def test_is_as_sharp_as_the_detail_alone(self) -> None:
        random = np.random.default_rng(0).integers(0, 256, (250, 250, 3), np.uint8)
        picture = Image.fromarray(random).resize((2000, 2000), Image.Resampling.BICUBIC)
        buffers = io.BytesIO(), io.BytesIO()
        picture.save(buffers[0], "PNG")
        picture.crop((400, 800, 900, 1300)).save(buffers[1], "PNG")
        seen = self._seen(buffers[0].getvalue(), Area(0.2, 0.4, 0.45, 0.65))
        alone = read_square(buffers[1].getvalue())
        assert np.abs(seen.astype(int) - alone).mean() < 0.5

    def test_no_area_is_looked_for_within_the_box(self) -> None:
        buffer = io.BytesIO()
        in_frame(painting(1, (300, 150)))[0].save(buffer, "PNG")
        data = buffer.getvalue()
        whole = self._seen(data, Area(0, 0, 1, 1), LIKENESS)
        assert np.abs(whole.astype(int) - read_square(data)).mean() < 3


@pytest.mark.django_db
@pytest.mark.usefixtures("quick_encoder")
class TestAnswering:
    KEY = "00000000-0000-0000-0000-000000000001"

    def _vector(self, recipe: Recipe, **named: Any) -> Any:
        task = celery_app.tasks[DESCRIBE_TASK]
        task(self.KEY, "library.Artwork", "", recipe.fingerprint, "default", **named)
        return SearchAnswer.objects.get(pk=self.KEY).vector

    @pytest.mark.parametrize("recipe", ["artsimilarity.encoder.recipe.ART", "tests.recipes.AREA"])
    def test_describes_the_box_under_the_recipe_in_force(
        self, settings: Settings, recipe: str
    ) -> None:
        settings.ARTSIMILARITY = {**settings.ARTSIMILARITY, "RECIPE": recipe}
        artwork = Artwork.objects.create(image=ContentFile(halves(), "halves.png"))
        (asked,) = (one for one in (ART, AREA) if recipe.endswith(one.name.upper()))
        detail = Detail(artwork.image.name, Area(0, 0, 0.4, 1))
        red = np.full((224, 224, 3), (255, 0, 0), np.uint8)
        (expected,) = QuickEncoder(asked).encode([red])
        np.testing.assert_allclose(self._vector(asked, **detail.named), expected, atol=1e-6)

    def test_gives_up_at_once_where_the_recipe_is_no_longer_in_force(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        artwork = Artwork.objects.create(image=ContentFile(halves(), "halves.png"))
        assert self._vector(AREA, **Detail(artwork.image.name, Area(*BOX)).named) is None

    @pytest.mark.parametrize(
        "changed", [{"file": "gone.png"}, {"box": [0.5, 0, 0.4, 1]}, {"box": [0, 1]}]
    )
    def test_gives_up_at_once_where_there_is_nothing_to_describe(
        self, changed: dict[str, Any], caplog: pytest.LogCaptureFixture
    ) -> None:
        artwork = Artwork.objects.create(image=ContentFile(halves(), "halves.png"))
        named = {**Detail(artwork.image.name, Area(*BOX)).named, **changed}
        assert self._vector(ART, **named) is None
        assert "could not be described" in caplog.text


@pytest.mark.django_db
class TestRefusals:
    def test_a_hidden_picture_is_as_none_and_costs_no_worker_anything(
        self, client: Client, broker: Broker
    ) -> None:
        hidden = make_embedded("hidden", published=False)
        answer = client.get(url(hidden))
        hidden.pk += 1
        never = client.get(url(hidden))
        assert answer.status_code == never.status_code == 404
        assert answer.content == never.content
        assert broker.waiting(QUEUE) == 0

    def test_so_is_one_that_the_viewset_has_and_the_visitor_may_not_meet(
        self, client: Client, broker: Broker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(ArtworkViewSet, "queryset", Artwork.objects.all())
        monkeypatch.setattr(ArtworkViewSet, "get_queryset", lambda self: Artwork.objects.all())
        assert client.get(url(make_embedded("hidden", published=False))).status_code == 404
        assert broker.waiting(QUEUE) == 0

    def test_of_a_hidden_picture_a_bad_box_tells_no_more_than_of_any(self, client: Client) -> None:
        hidden, shown = make_embedded("hidden", published=False), make_embedded("shown")
        answers = [client.get(url(one, "0,0,0.01,1")) for one in (hidden, shown)]
        assert [answer.status_code for answer in answers] == [400, 400]
        assert answers[0].content == answers[1].content

    def test_in_python_it_is_the_model_s_own_error(self) -> None:
        for picture in (make_embedded("hidden", published=False), Artwork(title="unsaved")):
            with pytest.raises(Artwork.DoesNotExist):
                search_by_detail(picture, BOX)

    @pytest.mark.parametrize(
        ("query", "words"),
        [
            ({}, "required"),
            ({"box": ""}, "blank"),
            ({"box": "0,0,1"}, "four numbers"),
            ({"box": "0,0,1,1,1"}, "four numbers"),
            ({"box": "0,0,nan,1"}, "four numbers"),
            ({"box": "0,0,2,1"}, "four numbers"),
            ({"box": "0,0,1,1\n"}, "four numbers"),
            ({"box": "0.5,0,0.4,1"}, "left edge before the right"),
            ({"box": "0,0,0.04,1"}, "at least 5 %"),
            ({"box": "0,0,1,1", "limit": "49"}, "less than or equal to 48"),
            ({"box": "0,0,1,1", "style": "2"}, "less than or equal to 1"),
        ],
    )
    def test_a_bad_parameter_is_refused_with_words(
        self, client: Client, broker: Broker, query: dict[str, str], words: str
    ) -> None:
        response = client.get(url(make_embedded("shown")).partition("?")[0], query)
        assert response.status_code == 400
        assert words in str(response.json())
        assert broker.waiting(QUEUE) == 0

    def test_the_hosts_permissions_hold(
        self, client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(ArtworkViewSet, "permission_classes", [IsAuthenticated])
        assert client.get(url(make_embedded("shown"))).status_code in {401, 403}

    def test_nothing_is_written_by_it(self, client: Client) -> None:
        assert client.post(url(make_embedded("shown"))).status_code in {403, 405}

    @pytest.mark.parametrize(
        ("fields", "status"),
        [({"image": ""}, "no-picture"), ({"embedding_status": "failed"}, "failed")],
    )
    def test_a_picture_that_cannot_be_read_says_so_and_costs_no_worker_anything(
        self, client: Client, broker: Broker, fields: dict[str, str], status: str
    ) -> None:
        picture = make_embedded("shown")
        Artwork.objects.filter(pk=picture.pk).update(**fields)
        answer = client.get(url(picture)).json()
        assert (answer["status"], answer["results"]) == (status, [])
        assert broker.waiting(QUEUE) == 0


@pytest.mark.django_db
@pytest.mark.usefixtures("impatient")
class TestWithoutAWorker:
    def test_says_when_to_try_again(self, client: Client, broker: Broker) -> None:
        response = client.get(url(make_artwork()))
        assert response.status_code == 503
        assert int(response["Retry-After"]) >= 1
        assert "Try again in a moment" in response.json()["detail"]

    def test_one_task_is_sent_that_holds_no_picture(
        self, client: Client, broker: Broker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def decode(*args: Any, **kwargs: Any) -> Any:
            raise AssertionError("The web process decodes.")

        monkeypatch.setattr("artsimilarity.library.files.DecodingProcesses.read", decode)
        client.get(url(make_artwork()))
        assert broker.waiting(QUEUE) == 1

    def test_all_places_may_be_taken(
        self, client: Client, broker: Broker, settings: Settings
    ) -> None:
        settings.ARTSIMILARITY = {**settings.ARTSIMILARITY, "SEARCHES_AT_ONCE": 1}
        with slots.slot("default"):
            assert client.get(url(make_artwork())).status_code == 503
        assert broker.waiting(QUEUE) == 0

    def test_a_broker_that_is_down_is_told_at_once(self, client: Client, dead_broker: None) -> None:
        assert client.get(url(make_artwork())).status_code == 503


@pytest.mark.django_db
@pytest.mark.usefixtures("impatient", "dead_broker")
class TestThrottle:
    def test_counts_with_searches_by_a_picture_of_ones_own(self, client: Client) -> None:
        artwork = make_artwork()
        for _ in range(6):
            assert client.get(url(artwork)).status_code == 503
            file = SimpleUploadedFile("mine.png", b"no picture")
            answer = client.post("/api/artworks/by-picture/", {"picture": file})
            assert answer.status_code == 415
        assert client.get(url(artwork)).status_code == 429


@pytest.mark.django_db
class TestFinding:
    """With a vector in the place of a worker's answer."""

    @pytest.fixture(autouse=True)
    def red(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from tests.pictures import unit_blocks

        vector = unit_blocks(np.array([1.0]), np.array([1.0])).tolist()
        monkeypatch.setattr("artsimilarity.own_picture.asking.ask_worker", lambda *_args: vector)

    def test_the_picture_itself_is_left_out(self, client: Client) -> None:
        picture = make_embedded("picture", [1, 0], [1, 0])
        make_embedded("far", [0, 1], [0, 1])
        make_embedded("near", [1, 0.1], [1, 0.1])
        response = client.get(url(picture), {"box": "0,0,1,1"})
        titles = [one["picture"]["title"] for one in response.json()["results"]]
        assert titles == ["near", "far"]
        assert response.json()["next"] is None
        assert response["Cache-Control"] == "no-store"

    def test_what_is_hidden_is_no_answer(self) -> None:
        picture = make_embedded("picture")
        make_embedded("hidden", published=False)
        assert not search_by_detail(picture, BOX)

    def test_limit_and_style_hold(self) -> None:
        picture = make_embedded("picture")
        make_embedded("same style", [1, 0], [0, 1])
        make_embedded("same colours", [0, 1], [1, 0])
        (found,) = search_by_detail(picture, BOX, limit=1, style=0)
        assert found.title == "same colours"

    def test_a_picture_that_waits_to_be_embedded_is_searched_by_all_the_same(self) -> None:
        make_embedded("near")
        (found,) = search_by_detail(make_artwork("pending"), BOX)
        assert found.title == "near"


def test_tasks_of_a_square_are_what_they_were() -> None:
    from artsimilarity.own_picture.asking import shrink

    assert shrink(io.BytesIO(picture_bytes()), ART).named == {}
