"""Since when pictures wait, where it is told, and what is said to do."""

from __future__ import annotations

import io
import logging
from datetime import timedelta

import pytest
from django.core import checks
from django.core.cache import cache
from django.core.management import call_command
from django.db import OperationalError
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from artsimilarity.checks import check_proxies, check_waiting
from artsimilarity.embedding import sweep
from artsimilarity.library import Library, waiting
from artsimilarity.models import SweepRecord
from artsimilarity.testing import override_artsimilarity
from demo_site.library.models import Artwork
from tests.pictures import make_artwork, make_embedded

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("dead_broker", "quick_encoder", "no_worker_is_waited_for"),
]

LONG_AGO = timedelta(hours=2)


@pytest.fixture
def library() -> Library:
    return Library.of(Artwork)


def _let_time_pass() -> None:
    """Move what was noted two hours into the past."""
    for record in SweepRecord.objects.all():
        record.waiting_since = record.waiting_since and record.waiting_since - LONG_AGO
        record.save()


def test_begins_when_it_is_first_seen(library: Library) -> None:
    make_artwork()
    before = timezone.now()
    since = waiting.follow(library).since
    assert since is not None
    assert before <= since <= timezone.now()
    assert waiting.follow(library).since == since


def test_ends_when_the_picture_is_embedded(library: Library) -> None:
    artwork = make_artwork()
    waiting.follow(library)
    Artwork.objects.filter(pk=artwork.pk).update(embedding_status="ready")
    assert waiting.read(library).since is None
    assert waiting.follow(library).since is None


def test_of_others_begins_anew_once_the_first_are_done(library: Library) -> None:
    first = make_artwork()
    waiting.follow(library)
    _let_time_pass()
    Artwork.objects.filter(pk=first.pk).update(embedding_status="ready")
    make_artwork("second")
    assert not waiting.follow(library).is_long


def test_goes_on_as_long_as_one_of_the_first_waits(library: Library) -> None:
    first, _second = make_artwork("first"), make_artwork("second")
    waiting.follow(library)
    _let_time_pass()
    Artwork.objects.filter(pk=first.pk).update(embedding_status="ready")
    assert waiting.follow(library).is_long


def test_a_sweep_begins_only_once_within_its_time(library: Library) -> None:
    assert waiting.begin_sweep(library, unless_within=60)
    assert not waiting.begin_sweep(library, unless_within=60)
    assert waiting.begin_sweep(library, unless_within=0)


def test_nothing_is_said_where_all_is_well(library: Library) -> None:
    make_embedded("ready")
    sweep.sweep(library)
    assert waiting.problems_of(library) == []
    assert check_waiting(None) == []


class TestPicturesThatWaitForLong:
    @pytest.fixture(autouse=True)
    def waiting_picture(self, library: Library) -> None:
        make_artwork()
        sweep.sweep(library)
        _let_time_pass()

    def test_show_in_check_deploy(self) -> None:
        (message,) = check_waiting(None)
        assert isinstance(message, checks.Warning)
        assert "PENDING_SECONDS" in message.msg
        assert "celery -A <project> worker -Q artsimilarity" in message.msg
        out = io.StringIO()
        call_command("check", deploy=True, stderr=out)
        assert "artsimilarity.W014" in out.getvalue()

    def test_show_in_status(self) -> None:
        out = io.StringIO()
        call_command("embed_artworks", status=True, stdout=out)
        assert "have waited for a worker since" in out.getvalue()

    def test_show_in_health_as_degraded(self, admin_client: Client) -> None:
        cache.clear()
        answer = admin_client.get("/artsimilarity/health/")
        assert "have waited" in answer.json()["problems"]["waiting"]

    def test_alone_make_the_site_degraded_and_not_failing(
        self, client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from artsimilarity.monitoring import health

        cache.clear()
        monkeypatch.setattr(health, "_CHECKS", {"waiting": health._check_waiting})
        answer = client.get("/artsimilarity/health/")
        assert (answer.status_code, answer.json()) == (503, {"status": "degraded"})

    def test_show_on_the_library_page(self, admin_client: Client) -> None:
        page = admin_client.get(reverse("admin:library_artwork_library")).content.decode()
        assert "have waited for a worker since" in page

    def test_show_in_the_log_of_every_sweep(
        self, library: Library, caplog: pytest.LogCaptureFixture
    ) -> None:
        with caplog.at_level(logging.WARNING, logger="artsimilarity"):
            sweep.sweep(library)
        assert "have waited for a worker since" in caplog.text

    def test_are_no_more_once_the_setting_allows_it(self, library: Library) -> None:
        with override_artsimilarity(PENDING_SECONDS=3 * 3600):
            assert check_waiting(None) == []


def test_a_database_that_does_not_answer_is_told_in_check_deploy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(library: Library) -> list[str]:
        raise OperationalError("gone")

    monkeypatch.setattr(waiting, "problems_of", fail)
    (message,) = check_waiting(None)
    assert message.id == "artsimilarity.W014"
    assert "It is not known" in message.msg


class TestSweeps:
    def test_that_never_were_are_missed_once_there_are_pictures(self, library: Library) -> None:
        assert check_waiting(None) == []
        make_embedded("one")
        (message,) = check_waiting(None)
        assert "No worker has looked" in message.msg

    def test_that_stopped_long_ago_are_missed(self, library: Library) -> None:
        make_embedded("one")
        sweep.sweep(library)
        SweepRecord.objects.update(swept_at=timezone.now() - timedelta(seconds=1000))
        assert "No worker has looked" in check_waiting(None)[0].msg


class TestProxies:
    def test_that_are_not_counted_are_asked_for(self, settings: object) -> None:
        settings.REST_FRAMEWORK = {}  # type: ignore[attr-defined]
        (message,) = check_proxies(None)
        assert "NUM_PROXIES" in message.hint

    def test_that_are_counted_are_none_of_its_business(self, settings: object) -> None:
        settings.REST_FRAMEWORK = {"NUM_PROXIES": 1}  # type: ignore[attr-defined]
        assert check_proxies(None) == []
