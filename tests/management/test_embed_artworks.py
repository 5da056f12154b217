"""``manage.py embed_artworks``."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.management import CommandError, call_command
from pytest_django import Settings

from demo_site.library.models import Artwork
from tests import fakes
from tests.broker import Broker
from tests.pictures import make_artwork, make_embedded

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("quick_encoder")]


def _run(*args: str, **options: Any) -> str:
    out = io.StringIO()
    call_command("embed_artworks", *args, stdout=out, stderr=io.StringIO(), **options)
    return out.getvalue()


def test_sync_embeds_all_pictures_without_a_worker(dead_broker: None) -> None:
    for number in range(5):
        make_artwork(f"{number}")
    assert "5 pictures embedded" in _run("--sync")
    assert Artwork.objects.ready().count() == 5


def test_all_includes_what_is_ready(dead_broker: None) -> None:
    artwork = make_artwork()
    _run("--sync")
    before = Artwork.objects.get().embedded_at
    _run("--sync")
    after = Artwork.objects.get(pk=artwork.pk).embedded_at
    assert before is not None
    assert after is not None
    assert after > before


def test_pending_leaves_what_is_ready_alone(dead_broker: None) -> None:
    make_artwork()
    _run("--sync")
    before = Artwork.objects.get().embedded_at
    make_artwork("new")
    assert "1 pictures embedded" in _run("--pending", "--sync")
    assert Artwork.objects.get(title="A print").embedded_at == before


def test_failed_tries_only_those_again(dead_broker: None) -> None:
    Artwork.objects.create(title="bad", image=ContentFile(b"?", name="bad.jpg"))
    assert "1 failed" in _run("--sync")
    make_artwork("waiting")
    assert "1 failed" in _run("--failed", "--sync")
    assert Artwork.objects.get(title="waiting").embedding_status == "pending"


def test_primary_keys_choose_single_pictures(dead_broker: None) -> None:
    chosen, other = make_artwork(), make_artwork()
    _run(str(chosen.pk), "--sync")
    assert list(Artwork.objects.ready()) == [chosen]
    assert list(Artwork.objects.pending()) == [other]


def test_what_may_pass_is_tried_again_until_the_attempts_are_used_up(
    dead_broker: None, settings: Settings
) -> None:
    settings.ARTSIMILARITY = {**settings.ARTSIMILARITY, "RETRY_BACKOFF": 0}
    Artwork.objects.create(title="lost", image="lost.png")
    assert "1 failed" in _run("--sync")
    assert Artwork.objects.get().embedding_attempts == 3


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("999999", "--sync"), "No Artwork has the primary key 999999"),
        (("first", "--sync"), "Not a primary key"),
        (("--model", "library.Nothing"), "library.Artwork"),
        (("--pending", "--failed"), "not allowed with"),
    ],
)
def test_a_mistake_is_answered_with_words(args: tuple[str, ...], words: str) -> None:
    with pytest.raises(CommandError, match=words):
        _run(*args)


def test_an_empty_library_is_no_error() -> None:
    assert "Nothing to embed" in _run()


def test_without_sync_the_pictures_go_to_the_workers(broker: Broker) -> None:
    artwork = make_embedded("one")
    assert "1 pictures sent" in _run("--no-wait")
    assert broker.pks() == [str(artwork.pk)]


def test_a_broker_that_is_down_is_named(dead_broker: None) -> None:
    make_artwork()
    with pytest.raises(CommandError, match="CELERY_BROKER_URL"):
        _run()


def test_ctrl_c_says_how_to_go_on_and_going_on_works(
    dead_broker: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(10):
        make_artwork(f"{number}")
    encode = fakes.QuickEncoder.encode

    def interrupted(self: fakes.QuickEncoder, pictures: Any) -> Any:
        monkeypatch.setattr(fakes.QuickEncoder, "encode", press_ctrl_c)
        return encode(self, pictures)

    def press_ctrl_c(self: fakes.QuickEncoder, pictures: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(fakes.QuickEncoder, "encode", interrupted)
    with pytest.raises(CommandError, match="--pending") as stopped:
        _run("--sync")
    assert stopped.value.returncode == 130
    assert Artwork.objects.ready().count() == 8
    monkeypatch.setattr(fakes.QuickEncoder, "encode", encode)
    _run("--pending", "--sync")
    assert Artwork.objects.ready().count() == 10
