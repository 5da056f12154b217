"""A visitor's own picture, with a real worker: found, private, and stored nowhere."""

from __future__ import annotations

import io
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from PIL import Image
from pytest_django import Settings

from artsimilarity.embedding import pipeline
from artsimilarity.encoder.recipe import ART
from artsimilarity.library import Library
from artsimilarity.models import ScoreCalibration, SearchAnswer
from artsimilarity.own_picture import answering, search_by_picture
from artsimilarity.search.score_calibration import PROBABILITIES
from demo_site.library.models import Artwork
from tests.broker import Broker
from tests.conftest import connect
from tests.encoder.scans import in_frame, painting
from tests.pictures import BLUE, GREEN, RED, make_artwork, picture_bytes
from tests.worker import run_worker, wait_until

pytestmark = pytest.mark.django_db(transaction=True)

URL = "/api/artworks/by-picture/"
QUICK = {"ENCODER": "artsimilarity.testing.QuickEncoder"}


@pytest.fixture
def library(dead_broker: None, quick_encoder: None) -> dict[str, Artwork]:
    """Three pictures in three colours, one of them hidden; embedded here."""
    cache.clear()
    colours = {"red": RED, "blue": BLUE, "hidden": GREEN}
    for title, colour in colours.items():
        make_artwork(title, colour, published=title != "hidden")
    rows = {artwork.title: artwork for artwork in Artwork.objects.all()}
    pipeline.embed(Library.of(Artwork), [row.pk for row in rows.values()])
    return rows


def _png(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


def _files(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_same_picture_is_found_first_and_nothing_is_kept(
    library: Any,
    broker: Broker,
    broker_url: str,
    client: Client,
    tmp_path: Path,
    media: Path,
    settings: Settings,
) -> None:
    settings.ARTSIMILARITY = {**settings.ARTSIMILARITY, "SEARCH_SECONDS": 20.0}
    before = _files(media)
    stale = SearchAnswer.objects.create(pk="00000000-0000-0000-0000-000000000001", vector=[])
    past = timezone.now() - timedelta(minutes=2)
    SearchAnswer.objects.filter(pk=stale.pk).update(created_at=past)
    quantiles = {f"{what}_quantiles": list(PROBABILITIES) for what in ("style", "colour")}
    ScoreCalibration.objects.create(
        model_label="library.Artwork",
        fingerprint=ART.fingerprint,
        **quantiles,
        pictures=100,
        pairs=4950,
        measured_at=timezone.now(),
    )
    log = tmp_path / "worker.log"
    with run_worker(broker_url, log, **QUICK) as worker:
        for title, colour in {"red": RED, "blue": BLUE}.items():
            file = SimpleUploadedFile("mine.png", picture_bytes(colour))
            response = client.post(URL, {"picture": file, "style": "0", "limit": "3"})
            assert response.status_code == 200, response.content
            assert response["Cache-Control"] == "no-store"
            body = response.json()
            assert body["results"][0]["picture"]["title"] == title
            assert body["results"][0]["colour_score"] == pytest.approx(1, abs=1e-3)
            (shared,) = body["results"][0]["shared_colours"]
            assert (shared["name"], shared["share"]) == (title, pytest.approx(1, abs=1e-3))
            assert body["results"][0]["colour_percentile"] > body["results"][1]["colour_percentile"]
            assert len(body["results"]) == 2  # the hidden one is absent
        found = search_by_picture(Artwork, io.BytesIO(picture_bytes(GREEN)), style=0)
        assert "hidden" not in [picture.title for picture in found]
        assert "describe_picture" in worker.log
    assert _files(media) == before
    assert not SearchAnswer.objects.exists()
    assert broker.waiting("artsimilarity-search") == 0


def test_a_photo_of_the_framed_picture_finds_the_picture(
    dead_broker: None,
    quick_encoder: None,
    broker: Broker,
    broker_url: str,
    tmp_path: Path,
    settings: Settings,
) -> None:
    finds_area = {"RECIPE": "tests.recipes.AREA", "SEARCH_SECONDS": 20.0}
    settings.ARTSIMILARITY = {**settings.ARTSIMILARITY, **finds_area}
    files = {f"original {seed}": _png(painting(seed)) for seed in range(4)}
    files |= {f"framed {seed}": _png(in_frame(painting(seed))[0]) for seed in range(4, 8)}
    rows = [
        Artwork.objects.create(title=title, image=ContentFile(data, "scan.png"))
        for title, data in files.items()
    ]
    pipeline.embed(Library.of(Artwork), [row.pk for row in rows])
    with run_worker(broker_url, tmp_path / "worker.log", **QUICK, **finds_area):
        photo = io.BytesIO(_png(in_frame(painting(1))[0]))
        found = list(search_by_picture(Artwork, photo, limit=1))
    assert [picture.title for picture in found] == ["original 1"]


def test_a_failing_encoder_is_told_at_once(
    library: Any, broker: Broker, broker_url: str, client: Client, tmp_path: Path, settings: Any
) -> None:
    settings.ARTSIMILARITY = {**settings.ARTSIMILARITY, "SEARCH_SECONDS": 60.0}
    broken = {"ENCODER": "tests.fakes.BrokenEncoder"}
    with run_worker(broker_url, tmp_path / "worker.log", **broken) as worker:
        file = SimpleUploadedFile("black.png", picture_bytes((0, 0, 0)))
        assert client.post(URL, {"picture": file}).status_code == 503
        assert "could not be described" in worker.log
    assert not SearchAnswer.objects.exists()


def test_a_search_that_nobody_waits_for_any_more_is_not_made(
    library: Any, broker: Broker, broker_url: str, client: Client, tmp_path: Path, settings: Any
) -> None:
    settings.ARTSIMILARITY = {**settings.ARTSIMILARITY, "SEARCH_SECONDS": 0.1}
    connect(broker_url)
    file = SimpleUploadedFile("mine.png", picture_bytes())
    assert client.post(URL, {"picture": file}).status_code == 503
    assert broker.waiting("artsimilarity-search") == 1
    with run_worker(broker_url, tmp_path / "worker.log", **QUICK) as worker:
        from tests.worker import wait_until

        wait_until(lambda: "Nobody waits any more" in worker.log)
    assert not SearchAnswer.objects.exists()


def test_answers_that_nobody_came_for_are_swept() -> None:
    for number, minutes in enumerate((0, 2), start=1):
        key = f"00000000-0000-0000-0000-00000000000{number}"
        SearchAnswer.objects.create(pk=key, vector=[])
        created = timezone.now() - timedelta(minutes=minutes)
        SearchAnswer.objects.filter(pk=key).update(created_at=created)
    answering.forget_unclaimed("default")
    assert [str(one.pk)[-1] for one in SearchAnswer.objects.all()] == ["1"]


def test_a_worker_loads_its_model_before_the_first_visitor_comes(
    library: Any, broker: Broker, broker_url: str, tmp_path: Path
) -> None:
    with run_worker(broker_url, tmp_path / "worker.log", **QUICK) as worker:
        wait_until(lambda: "artsimilarity.warm_up" in worker.log and "succeeded" in worker.log)
