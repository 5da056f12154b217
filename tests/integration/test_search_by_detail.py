"""A detail of a picture, with a real worker: what is like that part is found, and nothing kept."""

from __future__ import annotations

import io
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.cache import cache
from django.core.files.base import ContentFile
from django.test import Client
from PIL import Image
from pytest_django import Settings

from artsimilarity.embedding import pipeline
from artsimilarity.library import Library
from artsimilarity.models import SearchAnswer
from demo_site.library.models import Artwork
from tests.broker import Broker
from tests.conftest import connect
from tests.pictures import make_artwork
from tests.worker import run_worker, wait_until

pytestmark = pytest.mark.django_db(transaction=True)

SIZE = (600, 400)
QUICK = {"ENCODER": "artsimilarity.testing.QuickEncoder"}


def _striped(colour: tuple[int, int, int], seed: int) -> Image.Image:
    """Fine upright stripes of one colour and black."""
    picture = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
    width = 3 + seed
    picture[:, (np.arange(SIZE[0]) // width) % 2 == 0] = colour
    return Image.fromarray(picture)


def _clouded(colour: tuple[int, int, int], seed: int) -> Image.Image:
    """Soft clouds of one colour."""
    grey = np.random.default_rng(seed).integers(80, 256, (5, 7), np.uint8)
    clouds = np.asarray(Image.fromarray(grey).resize(SIZE, Image.Resampling.BICUBIC)) / 255
    return Image.fromarray((clouds[..., None] * colour).astype(np.uint8))


def _halves() -> Image.Image:
    """Red stripes on the left, blue clouds on the right."""
    picture = _striped((220, 40, 30), 0)
    right = _clouded((40, 70, 220), 0).crop((SIZE[0] // 2, 0, *SIZE))
    picture.paste(right, (SIZE[0] // 2, 0))
    return picture


def _artwork(title: str, picture: Image.Image, **fields: Any) -> Artwork:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    image = ContentFile(buffer.getvalue(), "picture.png")
    return Artwork.objects.create(title=title, image=image, **fields)


def _files(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(autouse=True)
def patience(settings: Settings) -> None:
    cache.clear()
    settings.ARTSIMILARITY = {**settings.ARTSIMILARITY, "SEARCH_SECONDS": 30.0}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ART", "LIKENESS"])
def test_each_half_of_a_picture_finds_what_is_like_that_half(
    dead_broker: None,
    broker: Broker,
    broker_url: str,
    client: Client,
    tmp_path: Path,
    media: Path,
    settings: Settings,
    name: str,
) -> None:
    recipe = {"RECIPE": f"artsimilarity.encoder.recipe.{name}"}
    settings.ARTSIMILARITY = {**settings.ARTSIMILARITY, **recipe}
    halves = _artwork("halves", _halves())
    for seed in (1, 2):
        _artwork("red stripes", _striped((210, 50, 40), seed))
        _artwork("blue clouds", _clouded((50, 60, 210), seed))
    _artwork("hidden", _striped((220, 40, 30), 0), published=False)
    pks = [artwork.pk for artwork in Artwork.objects.all()]
    assert len(pipeline.embed(Library.of(Artwork), pks).embedded) == 6
    before = _files(media)
    with run_worker(broker_url, tmp_path / "worker.log", **recipe) as worker:
        for box, title in (("0,0.1,0.45,1", "red stripes"), ("0.55,0,1,0.9", "blue clouds")):
            for style in (1, 0.5, 0):
                address = f"/api/artworks/{halves.pk}/by-detail/"
                response = client.get(address, {"box": box, "style": style})
                assert response.status_code == 200, response.content
                found = [one["picture"]["title"] for one in response.json()["results"]]
                assert found[:2] == [title] * 2
                assert "hidden" not in found
                assert "halves" not in found
        assert "describe_picture" in worker.log
        assert halves.image.name not in worker.log
    assert _files(media) == before
    assert not SearchAnswer.objects.exists()
    assert broker.waiting("artsimilarity-search") == 0


def test_a_file_that_is_gone_is_told_at_once(
    dead_broker: None, broker: Broker, broker_url: str, client: Client, tmp_path: Path
) -> None:
    artwork = make_artwork()
    artwork.image.storage.delete(artwork.image.name)
    with run_worker(broker_url, tmp_path / "worker.log", **QUICK) as worker:
        started = time.monotonic()
        assert client.get(f"/api/artworks/{artwork.pk}/by-detail/?box=0,0,1,1").status_code == 503
        assert time.monotonic() - started < 20
        assert "could not be described" in worker.log
    assert not SearchAnswer.objects.exists()


def test_a_search_that_nobody_waits_for_any_more_is_not_made(
    dead_broker: None,
    broker: Broker,
    broker_url: str,
    client: Client,
    tmp_path: Path,
    settings: Settings,
) -> None:
    settings.ARTSIMILARITY = {**settings.ARTSIMILARITY, "SEARCH_SECONDS": 0.1}
    artwork = make_artwork()
    connect(broker_url)
    assert client.get(f"/api/artworks/{artwork.pk}/by-detail/?box=0,0,1,1").status_code == 503
    with run_worker(broker_url, tmp_path / "worker.log", **QUICK) as worker:
        wait_until(lambda: "Nobody waits any more" in worker.log)
    assert not SearchAnswer.objects.exists()
