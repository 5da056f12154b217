"""The library page, its buttons, and the panel on a picture's page."""

from __future__ import annotations

import json

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from artsimilarity.admin.actions import ACTIONS
from artsimilarity.admin.library_admin import duration_in_words
from artsimilarity.embedding import pipeline, rollout
from artsimilarity.encoder.recipe import ART
from artsimilarity.library import Library
from artsimilarity.models import Rollout
from demo_site.library.models import Artwork
from tests.broker import Broker
from tests.monitoring.test_status import embedded_at
from tests.pictures import BLUE, RED, make_artwork, make_embedded

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("quick_encoder", "no_worker_is_waited_for"),
]

LIST = reverse("admin:library_artwork_changelist")
LIBRARY = reverse("admin:library_artwork_library")
STATUS = reverse("admin:library_artwork_library_status")


def _url(action: str) -> str:
    return reverse("admin:library_artwork_library_action", args=[action])


@pytest.fixture
def next_recipe(settings: Settings, quick_encoder: None) -> None:
    """The settings name a recipe to roll out."""
    settings.ARTSIMILARITY = {**settings.ARTSIMILARITY, "NEXT_RECIPE": "tests.recipes.NEXT"}


class TestLibraryPage:
    def test_is_reached_from_the_list(self, admin_client: Client) -> None:
        assert f'href="{LIBRARY}"' in admin_client.get(LIST).content.decode()

    def test_shows_counts_recipes_and_the_last_errors_with_links(
        self, admin_client: Client, broker: Broker
    ) -> None:
        make_embedded("ready")
        failed = make_embedded("the failed one")
        Artwork.objects.filter(pk=failed.pk).update(
            embedding_status="failed", embedding_error="It is damaged.", embedding=None
        )
        page = admin_client.get(LIBRARY).content.decode()
        assert "art-256+216-" in page
        assert "It is damaged." in page
        assert reverse("admin:library_artwork_change", args=[failed.pk]) in page
        assert '<progress id="artsimilarity-progress" value="2" max="2">' in page

    def test_tells_a_dead_broker_from_an_empty_queue(
        self, admin_client: Client, dead_broker: None
    ) -> None:
        assert "the broker does not answer" in admin_client.get(LIBRARY).content.decode()

    def test_refreshes_itself_without_javascript(
        self, admin_client: Client, broker: Broker
    ) -> None:
        page = admin_client.get(LIBRARY).content.decode()
        assert '<noscript><meta http-equiv="refresh"' in page

    def test_its_script_gets_the_figures_as_json(
        self, admin_client: Client, broker: Broker
    ) -> None:
        make_artwork()
        answer = json.loads(admin_client.get(STATUS).content)
        assert answer["status"]["pending"] == 1
        assert answer["status"]["queue_length"] == 1
        assert "<progress" in answer["panel"]
        assert _url("pending") in answer["panel"]

    def test_tells_rate_and_time_left_once_enough_was_measured(
        self, admin_client: Client, broker: Broker
    ) -> None:
        for number in range(3):
            make_artwork(f"waiting {number}")
        embedded_at(3)
        page = admin_client.get(LIBRARY).content.decode()
        assert "not enough measured yet" in page
        assert "pictures a second" not in page
        assert " left<" not in page

        embedded_at(*range(5, 43, 2))
        page = admin_client.get(LIBRARY).content.decode()
        assert "not enough measured yet" not in page
        assert "0.5 pictures a second · less than a minute left" in page

    def test_where_nothing_waits_does_not_ask_for_more_to_measure(
        self, admin_client: Client, broker: Broker
    ) -> None:
        make_embedded("ready")
        page = admin_client.get(LIBRARY).content.decode()
        assert '<progress id="artsimilarity-progress" value="1" max="1">' in page
        assert "not enough measured" not in page

    def test_of_an_empty_library_shows_no_bar(self, admin_client: Client, broker: Broker) -> None:
        page = admin_client.get(LIBRARY).content.decode()
        assert "There are no pictures yet." in page
        assert "<progress" not in page

    def test_offers_only_what_makes_sense(
        self, admin_client: Client, broker: Broker, next_recipe: None
    ) -> None:
        make_embedded("ready")
        page = admin_client.get(LIBRARY).content.decode()
        for action in ("all", "rollout"):
            assert _url(action) in page
        for action in ("pending", "failed", "promote", "cancel"):
            assert _url(action) not in page


class TestButtons:
    def test_each_asks_first_and_says_how_many_pictures(
        self, admin_client: Client, broker: Broker
    ) -> None:
        make_embedded("one")
        make_embedded("two")
        page = admin_client.get(_url("all")).content.decode()
        assert "2 pictures will be embedded." in page
        assert "not known" in page
        assert broker.tasks() == []

    def test_the_confirmation_tells_the_time_from_the_rate_of_the_last_minute(
        self, admin_client: Client, broker: Broker
    ) -> None:
        embedded_at(*range(2, 50, 4))  # one in four seconds
        for number in range(6):
            make_artwork(f"waiting {number}")
        assert "about 1 minute." in admin_client.get(_url("all")).content.decode()

    @pytest.mark.parametrize("which", ["pending", "failed", "all"])
    def test_sends_the_work_to_a_worker_and_returns_at_once(
        self, admin_client: Client, broker: Broker, which: str
    ) -> None:
        make_embedded("ready")
        for status in ("pending", "failed"):
            picture = make_embedded(status)
            Artwork.objects.filter(pk=picture.pk).update(embedding_status=status)
        broker.clear()
        response = admin_client.post(_url(which))
        assert response["Location"] == LIBRARY
        assert broker.tasks() == [("artsimilarity.enqueue", ["library.Artwork", which, "default"])]

    def test_a_rollout_begins(
        self, admin_client: Client, broker: Broker, next_recipe: None
    ) -> None:
        make_embedded("one")
        admin_client.post(_url("rollout"))
        assert Rollout.objects.get().state == "filling"
        assert broker.tasks()[0][0] == "artsimilarity.enqueue"

    def test_a_filled_rollout_may_be_promoted_or_cancelled(
        self, admin_client: Client, broker: Broker, next_recipe: None
    ) -> None:
        artwork = make_artwork()
        pipeline.embed(Library.of(Artwork), [artwork.pk])
        rollout.start(Library.of(Artwork))
        pipeline.embed(Library.of(Artwork), [artwork.pk])
        broker.clear()
        page = admin_client.get(LIBRARY).content.decode()
        assert _url("promote") in page
        assert _url("cancel") in page
        admin_client.post(_url("promote"))
        admin_client.post(_url("cancel"))
        assert [task for task, _args in broker.tasks()] == [
            "artsimilarity.promote",
            "artsimilarity.cancel",
        ]

    def test_a_rollout_that_lost_most_pictures_may_be_begun_again_and_not_promoted(
        self, admin_client: Client, broker: Broker, next_recipe: None
    ) -> None:
        artwork = make_artwork()
        pipeline.embed(Library.of(Artwork), [artwork.pk])
        rollout.start(Library.of(Artwork))
        Artwork.objects.update(embedding_attempts=3, embedding_error="gone")
        page = admin_client.get(LIBRARY).content.decode()
        assert "1 picture could not be embedded under it." in page
        assert _url("rollout") in page
        assert _url("promote") not in page

    def test_what_cannot_be_done_is_said_in_words(
        self, admin_client: Client, broker: Broker
    ) -> None:
        page = admin_client.post(_url("rollout"), follow=True).content.decode()
        assert "NEXT_RECIPE" in page

    @pytest.mark.parametrize("which", ["pending", "failed", "all", "promote", "cancel"])
    def test_does_nothing_where_there_is_nothing_to_do(
        self, admin_client: Client, broker: Broker, which: str
    ) -> None:
        page = admin_client.post(_url(which), follow=True).content.decode()
        assert "There is nothing for it to do now." in page
        assert broker.tasks() == []

    def test_a_dead_broker_is_named(self, admin_client: Client, dead_broker: None) -> None:
        make_embedded("one")
        page = admin_client.post(_url("all"), follow=True).content.decode()
        assert "CELERY_BROKER_URL" in page

    def test_an_unknown_action_is_not_found(self, admin_client: Client) -> None:
        assert admin_client.post(_url("destroy")).status_code == 404


class TestPicturePage:
    def test_shows_the_nearest_with_their_scores_and_links_hidden_ones_included(
        self, admin_client: Client
    ) -> None:
        target = make_embedded("target", [1, 0], [1, 0])
        hidden = make_embedded("the hidden one", [1, 0], [0, 1], published=False)
        url = reverse("admin:library_artwork_change", args=[target.pk])
        page = admin_client.get(url).content.decode()
        assert "the hidden one" in page
        assert reverse("admin:library_artwork_change", args=[hidden.pk]) in page
        assert "<dt>Brushwork</dt><dd>score 1.00</dd>" in page

    def test_the_button_embeds_this_picture_again(
        self, admin_client: Client, broker: Broker
    ) -> None:
        target = make_embedded("target")
        make_embedded("other")
        url = reverse("admin:library_artwork_reembed", args=[target.pk])
        assert url in admin_client.get(target_url(target)).content.decode()
        admin_client.post(url)
        assert broker.pks() == [str(target.pk)]

    def test_the_button_needs_a_post(self, admin_client: Client, broker: Broker) -> None:
        target = make_embedded("target")
        url = reverse("admin:library_artwork_reembed", args=[target.pk])
        assert admin_client.get(url).status_code == 403
        assert broker.pks() == []

    def test_adding_a_picture_shows_no_panel(self, admin_client: Client) -> None:
        page = admin_client.get(reverse("admin:library_artwork_add")).content.decode()
        assert 'name="title"' in page
        assert "artsimilarity-panel" not in page


def target_url(artwork: Artwork) -> str:
    return reverse("admin:library_artwork_change", args=[artwork.pk])


class TestWithoutThePermission:
    def test_no_page_is_seen(self, viewer: Client, broker: Broker) -> None:
        for url in (LIBRARY, STATUS, *(_url(action) for action in ACTIONS)):
            assert viewer.get(url).status_code == 403

    def test_nothing_is_triggered(self, viewer: Client, broker: Broker) -> None:
        target = make_embedded("target")
        for action in ACTIONS:
            assert viewer.post(_url(action)).status_code == 403
        url = reverse("admin:library_artwork_reembed", args=[target.pk])
        assert viewer.post(url).status_code == 403
        form = {"action": "retry_failed", "_selected_action": [target.pk]}
        viewer.post(LIST, form)
        assert broker.tasks() == []
        assert Artwork.objects.get().embedding_status == "ready"

    def test_no_button_is_shown(self, viewer: Client) -> None:
        target = make_embedded("target")
        listed = viewer.get(LIST).content.decode()
        assert target_url(target) in listed
        assert LIBRARY not in listed
        page = viewer.get(target_url(target)).content.decode()
        assert "artsimilarity-panel" in page
        assert "reembed" not in page

    def test_a_stranger_is_sent_to_the_login(self, client: Client) -> None:
        assert client.get(STATUS).status_code == 302
        assert client.post(_url("all")).status_code == 302


def test_retry_failed_leaves_the_others_of_the_selection_alone(
    admin_client: Client, broker: Broker
) -> None:
    ready, failed = make_embedded("ready"), make_embedded("failed")
    Artwork.objects.filter(pk=failed.pk).update(embedding_status="failed")
    form = {"action": "retry_failed", "_selected_action": [ready.pk, failed.pk]}
    admin_client.post(LIST, form)
    assert broker.pks() == [str(failed.pk)]


def test_the_list_is_filtered_by_recipe(admin_client: Client) -> None:
    make_embedded("present")
    make_embedded("outdated", embedding_recipe="x-256+216-" + "0" * 16)
    query = {"embedding_recipe": "other"}
    page = admin_client.get(LIST, query).content.decode().split("result_list")[1]
    assert "outdated" in page
    assert "present" not in page
    query = {"embedding_recipe": ART.fingerprint}
    page = admin_client.get(LIST, query).content.decode().split("result_list")[1]
    assert "outdated" not in page
    assert "present" in page


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, ""),
        (10, "less than a minute"),
        (61, "1 minute"),
        (3000, "50 minutes"),
        (7200, "2 hours"),
    ],
)
def test_durations_are_told_in_words(seconds: float | None, words: str) -> None:
    assert duration_in_words(seconds) == words


def test_two_pictures_tell_their_colours_apart(admin_client: Client) -> None:
    first, second = make_artwork("first", RED), make_artwork("second", BLUE)
    pipeline.embed(Library.of(Artwork), [first.pk, second.pk])
    assert (
        "<dt>Colours</dt><dd>score 0.00</dd>"
        in admin_client.get(target_url(first)).content.decode()
    )
