"""The main job with a real worker process: upload, look, replace, fail, die."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from demo_site.library.models import Artwork
from demo_site.library.uploads import address_for_uploader
from tests.broker import Broker
from tests.pictures import BLACK, BLUE, RED, make_artwork, picture_bytes, picture_file
from tests.worker import run_worker, wait_until

pytestmark = pytest.mark.django_db(transaction=True)

QUICK = {"ENCODER": "artsimilarity.testing.QuickEncoder"}


def _upload(client: Client, title: str, content: bytes) -> Artwork:
    """Fill in the site's own form."""
    form = {"title": title, "image": SimpleUploadedFile(f"{title}.jpg", content, "image/jpeg")}
    response = client.post(reverse("library:upload"), form)
    assert response.status_code == 302, response.content.decode()
    return Artwork.objects.get(title=title)


def _jpeg(colour: tuple[int, int, int]) -> bytes:
    return picture_bytes(colour, "JPEG", side=256)


def test_from_upload_to_neighbours_replacement_and_failure(
    broker: Broker, broker_url: str, tmp_path: Path, client: Client, admin_client: Client
) -> None:
    with run_worker(broker_url, tmp_path / "worker.log"):
        first = _upload(client, "first", _jpeg(RED))
        second = _upload(client, "second", _jpeg(BLUE))
        wait_until(lambda: Artwork.objects.ready().count() == 2)

        page = client.get(first.get_absolute_url()).content.decode()
        assert f'href="{second.get_absolute_url()}"' in page

        before = Artwork.objects.defer(None).get(pk=first.pk)
        first.image = picture_file(BLUE, "replaced.png")
        first.save()
        wait_until(lambda: Artwork.objects.ready().count() == 2)
        after = Artwork.objects.defer(None).get(pk=first.pk)
        assert after.embedding_digest != before.embedding_digest
        assert after.embedding != before.embedding

        # Of its rows nothing is there: the form lets it pass, the worker does not.
        data = _jpeg(RED)
        broken = _upload(client, "broken", data[: data.index(b"\xff\xda") + 20])
        wait_until(lambda: Artwork.objects.failed().count() == 1)
        broken.refresh_from_db()
        listed = admin_client.get(reverse("admin:library_artwork_changelist")).content.decode()
        assert "damaged" in broken.embedding_reason
        assert "damaged" in listed
        assert client.get(broken.get_absolute_url()).status_code == 404
        assert "broken" not in client.get("/").content.decode()
        page = client.get(address_for_uploader(broken)).content.decode()
        assert "“broken” cannot be shown" in page
        assert "“first” is in the collection" in client.get(
            address_for_uploader(first)
        ).content.decode().replace("\n", "")


def test_a_picture_that_kills_its_worker_fails_and_the_rest_of_its_chunk_does_not(
    broker: Broker, broker_url: str, tmp_path: Path, dead_broker: None
) -> None:
    from artsimilarity.embedding import queue
    from tests.conftest import connect

    for number in range(5):
        make_artwork(f"{number}", colour=BLACK if number == 2 else RED)
    connect(broker_url)
    assert queue.enqueue(Artwork.objects.all()) == 5
    settings = {"ENCODER": "tests.fakes.DeadlyEncoder"}
    with run_worker(broker_url, tmp_path / "worker.log", **settings):
        wait_until(lambda: not Artwork.objects.pending().exists())
    assert [a.title for a in Artwork.objects.failed()] == ["2"]
    assert "stopped 3 times" in Artwork.objects.failed().get().embedding_reason
    assert Artwork.objects.ready().count() == 4


def test_what_a_killed_worker_had_in_hand_is_embedded_by_the_next(
    broker: Broker, broker_url: str, tmp_path: Path
) -> None:
    artwork = make_artwork(colour=BLACK)
    settings = {"ENCODER": "tests.fakes.SleepyEncoder"}
    with run_worker(broker_url, tmp_path / "first.log", **settings) as worker:
        wait_until(lambda: Artwork.objects.filter(embedding_attempts=1).exists())
        worker.kill()
    assert list(Artwork.objects.pending()) == [artwork]
    from artsimilarity.embedding import queue

    queue.enqueue(Artwork.objects.all())
    with run_worker(broker_url, tmp_path / "second.log", **QUICK):
        wait_until(lambda: Artwork.objects.ready().exists())


def test_a_missing_file_is_tried_again_by_the_worker_and_recorded_in_the_end(
    broker: Broker, broker_url: str, tmp_path: Path
) -> None:
    Artwork.objects.create(title="lost", image="lost.png")
    with run_worker(broker_url, tmp_path / "worker.log", RETRY_BACKOFF=0.1, **QUICK):
        wait_until(lambda: Artwork.objects.failed().exists())
    lost = Artwork.objects.get()
    assert lost.embedding_attempts == 3
    assert "missing from the storage" in lost.embedding_reason


@pytest.mark.parametrize("pool", ["threads", "solo"])
def test_other_pools_do_the_work_too(
    broker: Broker, broker_url: str, tmp_path: Path, pool: str
) -> None:
    make_artwork()
    with run_worker(broker_url, tmp_path / "worker.log", "-P", pool, **QUICK):
        wait_until(lambda: Artwork.objects.ready().exists())
