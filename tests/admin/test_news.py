"""What the admin tells: what is, not what was wished."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from artsimilarity.library import Library
from artsimilarity.search import NeighbourStatus, more_like_this
from artsimilarity.search.neighbours import status_of
from demo_site.library.models import Artwork
from tests.admin.forms import form_of
from tests.broker import Broker
from tests.pictures import make_artwork, make_embedded
from tests.worker import run_worker

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("quick_encoder"),
]

LIST = reverse("admin:library_artwork_changelist")
LIBRARY = reverse("admin:library_artwork_library")
INDEX = reverse("admin:index")


def _url(action: str) -> str:
    return reverse("admin:library_artwork_library_action", args=[action])


def _fail(artwork: Artwork) -> None:
    Artwork.objects.filter(pk=artwork.pk).update(
        embedding_status="failed", embedding_error="It is damaged.", embedding=None
    )


@pytest.fixture(autouse=True)
def fresh(no_worker_is_waited_for: None) -> None:
    cache.clear()


class TestButtons:
    def test_without_a_worker_nobody_is_told_that_all_is_well(
        self, admin_client: Client, broker: Broker
    ) -> None:
        make_artwork()
        for press in range(1, 4):
            page = admin_client.post(_url("pending"), follow=True).content.decode()
            assert "No worker answers" in page
            assert "celery -A &lt;project&gt; worker -Q artsimilarity" in page
            assert f"{press + 1} tasks are in the queue" in page
            assert "1 picture waits" in page
            assert 'class="success"' not in page

    def test_with_a_worker_it_is_said_that_one_answers(
        self,
        admin_client: Client,
        broker: Broker,
        broker_url: str,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr("artsimilarity.monitoring.workers._PING_SECONDS", 10)
        make_embedded("one")
        with run_worker(broker_url, tmp_path / "worker.log"):
            page = admin_client.post(_url("all"), follow=True).content.decode()
        assert "A worker answers." in page

    def test_without_a_broker_it_is_said_what_to_start(
        self, admin_client: Client, dead_broker: None
    ) -> None:
        make_artwork()
        page = admin_client.post(_url("pending"), follow=True).content.decode()
        assert "CELERY_BROKER_URL" in page


class TestReembedNow:
    def test_stands_in_a_form_of_its_own_and_not_in_the_one_that_is_edited(
        self, admin_client: Client, dead_broker: None
    ) -> None:
        artwork = make_embedded("one")
        page = admin_client.get(
            reverse("admin:library_artwork_change", args=[artwork.pk])
        ).content.decode()
        edited = form_of(page, "artwork_form")
        assert 'form="artsimilarity-reembed"' in edited
        assert 'formaction="' not in edited
        own = form_of(page, "artsimilarity-reembed")
        assert reverse("admin:library_artwork_reembed", args=[artwork.pk]) in own
        assert 'target="_blank"' in own

    def test_its_button_works_before_the_rest_of_a_page_has_come(
        self, admin_client: Client, dead_broker: None
    ) -> None:
        artwork = make_embedded("one")
        address = reverse("admin:library_artwork_change", args=[artwork.pk])
        page = admin_client.get(address).content.decode()
        own, button = '<form id="artsimilarity-reembed"', 'form="artsimilarity-reembed"'
        assert page.index(own) < page.index(button)

    def test_answers_a_script_in_words_without_leaving_the_page(
        self, admin_client: Client, broker: Broker
    ) -> None:
        artwork = make_embedded("one")
        address = reverse("admin:library_artwork_reembed", args=[artwork.pk])
        answer = admin_client.post(address, HTTP_ACCEPT="application/json")
        texts = [one["text"] for one in answer.json()["messages"]]
        assert texts[0] == "1 picture was sent to the queue."
        assert "No worker answers" in texts[1]
        assert broker.pks() == [str(artwork.pk)]


class TestWhileALibraryIsEmbeddedAnew:
    @pytest.fixture
    def anew(self, dead_broker: None) -> Artwork:
        first, _second = (make_embedded(name) for name in ("one", "two"))
        Library.of(Artwork).rows.mark_pending()
        first.refresh_from_db()
        return first

    def test_what_is_served_says_so(self, anew: Artwork) -> None:
        assert anew.embedding_status == "pending"
        assert status_of(Library.of(Artwork), anew, anew) == NeighbourStatus.READY
        assert len(more_like_this(anew)) == 1

    def test_visitors_keep_the_slider(self, client: Client, anew: Artwork) -> None:
        assert "artsimilarity-slider" in client.get(anew.get_absolute_url()).content.decode()

    def test_the_bar_shows_what_is_served(self, admin_client: Client, anew: Artwork) -> None:
        page = admin_client.get(LIBRARY).content.decode()
        assert 'value="2" max="2">100 %' in page
        assert "2 pictures wait to be embedded anew" in page


class TestFailures:
    def test_lead_to_the_list_of_those_that_failed(
        self, admin_client: Client, dead_broker: None
    ) -> None:
        make_embedded("fine")
        _fail(make_embedded("not so fine"))
        address = f"{LIST}?embedding_status__exact=failed"
        assert f'<a href="{address}">1</a>' in admin_client.get(LIBRARY).content.decode()
        listed = admin_client.get(address).content.decode()
        assert "It is damaged." in listed
        assert "1 artwork" in listed

    def test_are_seen_on_the_first_page(self, admin_client: Client, dead_broker: None) -> None:
        _fail(make_embedded("not so fine"))
        page = admin_client.get(INDEX).content.decode()
        assert "could not be embedded" in page
        assert f"{LIST}?embedding_status__exact=failed" in page

    def test_are_kept_from_those_who_may_not_change_pictures(
        self, viewer: Client, dead_broker: None
    ) -> None:
        _fail(make_embedded("not so fine"))
        page = viewer.get(INDEX).content.decode()
        assert LIST in page
        assert "could not be embedded" not in page

    def test_are_not_spoken_of_where_there_are_none(
        self, admin_client: Client, dead_broker: None
    ) -> None:
        page = admin_client.get(INDEX).content.decode()
        assert LIST in page
        assert "could not be embedded" not in page
