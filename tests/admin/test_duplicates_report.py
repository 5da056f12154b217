"""The admin's report of near-duplicates, and what is remembered of its buttons."""

from __future__ import annotations

import itertools

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from artsimilarity.admin import duplicates as admin_duplicates
from artsimilarity.embedding import pipeline
from artsimilarity.library import Library
from artsimilarity.models import DuplicatePair
from demo_site.library.models import Artwork
from tests.duplicates.test_duplicates import drawing, ladder, pair_of, upload

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("quick_encoder")]

LIBRARY = reverse("admin:library_artwork_library")
REPORT = reverse("admin:library_artwork_duplicates")
JUDGE = reverse("admin:library_artwork_duplicates_judge")


def page(client: Client, **query: object) -> str:
    return client.get(REPORT, query).content.decode()


def test_is_reached_from_the_library_page(admin_client: Client) -> None:
    assert f'href="{REPORT}"' in admin_client.get(LIBRARY).content.decode()


class TestReport:
    def test_says_what_to_do_where_there_are_none(self, admin_client: Client) -> None:
        assert "find_duplicates" in page(admin_client)

    def test_shows_a_group_with_pictures_sizes_scores_and_links(self, admin_client: Client) -> None:
        scans = [upload(drawing(1), "large"), upload(drawing(1).resize((200, 160)), "small")]
        pipeline.embed(Library.of(Artwork), [scan.pk for scan in scans])
        shown = page(admin_client)
        for scan in scans:
            scan.refresh_from_db()
            assert scan.title in shown
            assert reverse("admin:library_artwork_change", args=[scan.pk]) in shown
            assert scan.thumbnail.url in shown
        assert "400 × 320, " in shown
        assert "200 × 160, " in shown
        assert "score 1.00" in shown

    def test_puts_pictures_together_that_share_a_partner(self, admin_client: Client) -> None:
        one, two, three, four, five = ladder(5)
        pair_of(one, two)
        pair_of(two, three)
        pair_of(four, five, score=0.99)
        groups = admin_client.get(REPORT).context["groups"]
        titles = [sorted(picture.row.title for picture in group.pictures) for group in groups]
        assert titles == [["3", "4"], ["0", "1", "2"]]

    def test_has_pages(self, admin_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(admin_duplicates, "_GROUPS_ON_A_PAGE", 2)
        artworks = ladder(6)
        for one, other in zip(artworks[::2], artworks[1::2], strict=True):
            pair_of(one, other)
        assert len(admin_client.get(REPORT).context["groups"]) == 2
        assert "page=2" in page(admin_client)
        assert len(admin_client.get(REPORT, {"page": 2}).context["groups"]) == 1

    def test_names_no_end_of_pairs_of_a_large_group(
        self, admin_client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(admin_duplicates, "_PAIRS_SHOWN", 4)
        for one, other in itertools.combinations(ladder(4), 2):
            pair_of(one, other)
        assert "and 2 more pairs" in page(admin_client)

    def test_a_missing_file_is_no_error(self, admin_client: Client) -> None:
        pair_of(*ladder(2))  # whose files were never written
        assert admin_client.get(REPORT).status_code == 200

    def test_leaves_out_pairs_of_files_that_were_replaced(self, admin_client: Client) -> None:
        pair_of(*ladder(2), first_digest="f" * 64)
        assert admin_client.get(REPORT).context["groups"] == []


class TestJudging:
    def test_one_pair_is_no_duplicate_from_now_on(self, admin_client: Client) -> None:
        one, two, three = ladder(3)
        wrong, right = pair_of(one, two), pair_of(two, three)
        answer = admin_client.post(JUDGE, {"pairs": wrong.pk, "state": "found"}, follow=True)
        assert "1 pair is remembered" in answer.content.decode()
        wrong.refresh_from_db()
        right.refresh_from_db()
        assert (wrong.state, right.state) == ("dismissed", "found")

    def test_a_group_is_dismissed_as_a_whole(self, admin_client: Client) -> None:
        for one, other in itertools.combinations(ladder(3), 2):
            pair_of(one, other)
        (group,) = admin_client.get(REPORT).context["groups"]
        admin_client.post(JUDGE, {"pairs": group.ids, "state": "found"})
        assert set(DuplicatePair.objects.values_list("state", flat=True)) == {"dismissed"}
        assert "There are none" in page(admin_client)

    def test_it_can_be_taken_back(self, admin_client: Client) -> None:
        pair = pair_of(*ladder(2), state="dismissed")
        assert "Duplicates after all" in page(admin_client, state="dismissed")
        admin_client.post(JUDGE, {"pairs": pair.pk, "state": "dismissed"})
        pair.refresh_from_db()
        assert pair.state == "found"

    def test_needs_a_post(self, admin_client: Client) -> None:
        pair_of(*ladder(2))
        assert admin_client.get(JUDGE).status_code == 403
        assert DuplicatePair.objects.get().state == "found"

    def test_needs_the_token(self) -> None:
        client = Client(enforce_csrf_checks=True)
        client.force_login(User.objects.create_superuser("root"))
        pair = pair_of(*ladder(2))
        assert client.post(JUDGE, {"pairs": pair.pk, "state": "found"}).status_code == 403

    def test_nonsense_does_nothing(self, admin_client: Client) -> None:
        pair_of(*ladder(2))
        answer = admin_client.post(JUDGE, {"pairs": "x,-1,9999", "page": "<b>"}, follow=True)
        assert answer.status_code == 200
        assert DuplicatePair.objects.get().state == "found"


class TestPermission:
    def test_the_permission_to_change_is_needed(self, viewer: Client) -> None:
        pair = pair_of(*ladder(2))
        assert viewer.get(REPORT).status_code == 403
        assert viewer.post(JUDGE, {"pairs": pair.pk, "state": "found"}).status_code == 403
        assert DuplicatePair.objects.get().state == "found"

    def test_a_stranger_is_sent_to_the_login(self, client: Client) -> None:
        assert client.get(REPORT).status_code == 302
        assert client.post(JUDGE).status_code == 302

    def test_pairs_with_a_picture_that_this_administrator_does_not_see_are_left_out(
        self, client: Client, settings: Settings
    ) -> None:
        settings.ROOT_URLCONF = "tests.backoffice"
        user = User.objects.create_superuser("vincent")
        client.force_login(user)
        own, another, foreign = ladder(3)
        Artwork.objects.filter(pk__in=[own.pk, another.pk]).update(artist="vincent")
        mine, theirs = pair_of(own, another), pair_of(another, foreign)
        shown = client.get(reverse("gallery:library_artwork_duplicates"))
        (group,) = shown.context["groups"]
        assert [pair for pair, _, _ in group.pairs] == [mine]
        judge = reverse("gallery:library_artwork_duplicates_judge")
        client.post(judge, {"pairs": f"{mine.pk},{theirs.pk}", "state": "found"})
        mine.refresh_from_db()
        theirs.refresh_from_db()
        assert (mine.state, theirs.state) == ("dismissed", "found")
