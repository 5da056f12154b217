"""Thumbnails that are there before a page asks for them, as the worker has made them."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import models
from django.db.models.fields.files import FieldFile
from pytest_django import Settings

from artsimilarity.embedding import queue
from artsimilarity.embedding.tasks import embed_pictures
from artsimilarity.library import Library, patience, stored_thumbnails
from artsimilarity.library.thumbnails import Thumbnail, prepare_thumbnails, thumbnail_of
from demo_site.celery import app as celery_app
from demo_site.library.models import Artwork
from tests.pictures import make_artwork

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("quick_encoder")]


@pytest.fixture(autouse=True)
def at_once() -> Iterator[None]:
    """What a worker sends is done in this process."""
    celery_app.conf.task_always_eager = True
    yield
    celery_app.conf.task_always_eager = False


def embed(*artworks: Artwork) -> None:
    """As a worker does."""
    pks = [str(artwork.pk) for artwork in artworks]
    embed_pictures.delay("library.Artwork", pks, "default")


def files(media: Path) -> list[str]:
    return sorted(path.name for path in media.rglob("*.webp"))


def test_no_page_makes_what_a_worker_has_made(media: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    artwork = make_artwork()
    embed(artwork)
    assert files(media)
    monkeypatch.setattr(stored_thumbnails, "fetch_file", None)
    with patience.page():
        assert thumbnail_of(Artwork.objects.get()) is not None


def test_a_hidden_picture_has_none(media: Path) -> None:
    embed(make_artwork(published=False))
    assert Artwork.objects.ready().count() == 1
    assert files(media) == []


def test_no_more_are_made_by_a_worker_that_is_to_stop(media: Path) -> None:
    pks = [make_artwork(title).pk for title in ("first", "second")]
    answers = iter([False, True])
    prepare_thumbnails(Library.of(Artwork), pks, should_stop=lambda: next(answers))
    assert len({name.split(".")[0] for name in files(media)}) == 1


def test_none_are_made_where_a_setting_says_so(settings: Settings, media: Path) -> None:
    settings.ARTSIMILARITY = {**settings.ARTSIMILARITY, "WORKER_THUMBNAILS": False}
    embed(make_artwork())
    assert files(media) == []


def test_none_are_made_where_the_host_has_its_own(
    monkeypatch: pytest.MonkeyPatch, media: Path
) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(Artwork, "similarity_thumbnail", asked.append, raising=False)
    embed(make_artwork())
    assert (asked, files(media)) == ([], [])


def failing(picture: models.Model, file: FieldFile) -> Thumbnail | None:
    raise RuntimeError("no room on the disk")


def test_a_picture_is_embedded_also_where_they_cannot_be_made(
    settings: Settings, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"{__name__}.failing"
    settings.ARTSIMILARITY = {**settings.ARTSIMILARITY, "THUMBNAILS": path}
    first, second = make_artwork("first"), make_artwork("second")
    with caplog.at_level(logging.WARNING, "artsimilarity"):
        embed(first, second)
    assert Artwork.objects.ready().count() == 2
    assert len([one for one in caplog.records if "No thumbnail of" in one.message]) == 2


def test_a_picture_is_embedded_also_where_the_host_cannot_say_who_sees_it(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def for_users(request: Any = None) -> Any:
        return request.user

    monkeypatch.setattr(Artwork, "similarity_queryset", for_users)
    embed(make_artwork())
    assert Artwork.objects.ready().count() == 1


def test_a_picture_is_embedded_also_where_the_broker_has_gone(
    dead_broker: None, caplog: pytest.LogCaptureFixture
) -> None:
    artwork = make_artwork()
    celery_app.conf.task_always_eager = False
    embed_pictures.apply(args=["library.Artwork", [str(artwork.pk)], "default"], throw=True)
    assert Artwork.objects.ready().count() == 1
    assert "did not take artsimilarity.make_thumbnails" in caplog.text


class TestWholeLibrary:
    def test_what_was_embedded_before_gets_its_thumbnails(
        self, settings: Settings, media: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        settings.ARTSIMILARITY = {**settings.ARTSIMILARITY, "WORKER_THUMBNAILS": False}
        shown, hidden = make_artwork("shown"), make_artwork("hidden", published=False)
        embed(shown, hidden)
        settings.ARTSIMILARITY = {**settings.ARTSIMILARITY, "WORKER_THUMBNAILS": True}
        assert files(media) == []
        call_command("make_thumbnails")
        assert len({name.split(".")[0] for name in files(media)}) == 1
        assert "2 pictures were sent" in capsys.readouterr().out

    def test_is_sent_in_tasks_of_a_few(self, monkeypatch: pytest.MonkeyPatch) -> None:
        embed(*(make_artwork(f"{number}") for number in range(5)))
        sent: list[int] = []
        monkeypatch.setattr(queue, "_THUMBNAILS_AT_ONCE", 2)
        monkeypatch.setattr(
            queue,
            "publish",
            lambda task, name, pks, using, **options: sent.append(len(pks)) or True,
        )
        assert queue.send_all_for_thumbnails(Library.of(Artwork)) == 5
        assert sent == [2, 2, 1]

    def test_ends_where_the_broker_takes_no_more(self, monkeypatch: pytest.MonkeyPatch) -> None:
        embed(make_artwork())
        monkeypatch.setattr(queue, "publish", lambda *args, **options: False)
        with pytest.raises(CommandError, match="took 0 of 1 pictures"):
            call_command("make_thumbnails")

    def test_says_where_workers_make_none(self, settings: Settings) -> None:
        settings.ARTSIMILARITY = {**settings.ARTSIMILARITY, "WORKER_THUMBNAILS": False}
        with pytest.raises(CommandError, match="WORKER_THUMBNAILS"):
            call_command("make_thumbnails")
