"""The admin mixin in hosts that do things their own way."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from demo_site.library.models import Artwork
from tests.broker import Broker
from tests.pictures import make_embedded

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.urls("tests.backoffice"),
    pytest.mark.usefixtures("quick_encoder", "no_worker_is_waited_for"),
]


class TestActionsOfTheHostsOwn:
    def test_stand_beside_ours(self, admin_client: Client) -> None:
        make_embedded("one")
        page = admin_client.get(reverse("backoffice:library_artwork_changelist")).content.decode()
        for action in ("publish", "reembed", "retry_failed"):
            assert f'<option value="{action}">' in page

    def test_may_be_none_at_all(self, admin_client: Client) -> None:
        make_embedded("one", artist="admin")
        page = admin_client.get(reverse("gallery:library_artwork_changelist")).content.decode()
        assert ">one</a>" in page
        assert "<option" not in page


def test_the_pages_of_another_admin_site_lead_back_to_that_site(
    admin_client: Client, broker: Broker
) -> None:
    make_embedded("one")
    for name, args in (("library", []), ("library_action", ["all"])):
        url = reverse(f"backoffice:library_artwork_{name}", args=args)
        page = admin_client.get(url).content.decode()
        assert 'href="/backoffice/"' in page
        assert 'href="/admin/' not in page


class TestAnAdministratorWhoSeesAPartOfThePictures:
    def test_has_no_page_that_counts_and_names_the_others(self, admin_client: Client) -> None:
        listed = admin_client.get(reverse("gallery:library_artwork_changelist")).content.decode()
        assert reverse("gallery:library_artwork_library") not in listed
        for name in ("library", "library_status"):
            assert admin_client.get(reverse(f"gallery:library_artwork_{name}")).status_code == 403

    def test_cannot_send_the_others(self, admin_client: Client, broker: Broker) -> None:
        make_embedded("another's", artist="somebody")
        url = reverse("gallery:library_artwork_library_action", args=["all"])
        assert admin_client.post(url).status_code == 403
        assert broker.tasks() == []

    def test_finds_neighbours_among_that_part_alone(self, admin_client: Client) -> None:
        own = make_embedded("own", artist="admin")
        make_embedded("the second own one", artist="admin")
        make_embedded("the secret one", artist="somebody")
        url = reverse("gallery:library_artwork_change", args=[own.pk])
        page = admin_client.get(url).content.decode()
        assert "the second own one" in page
        assert "the secret one" not in page

    def test_cannot_embed_a_picture_of_the_rest(self, admin_client: Client, broker: Broker) -> None:
        other = make_embedded("another's", artist="somebody")
        url = reverse("gallery:library_artwork_reembed", args=[other.pk])
        assert admin_client.post(url).status_code == 404
        assert broker.tasks() == []


def test_a_large_selection_is_sent_by_a_worker_not_while_the_administrator_waits(
    admin_client: Client, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("artsimilarity.admin.base._SENT_AT_ONCE", 1)
    chosen = [make_embedded("one").pk, make_embedded("two").pk]
    form = {"action": "reembed", "_selected_action": chosen}
    url = reverse("backoffice:library_artwork_changelist")
    page = admin_client.post(url, form, follow=True).content.decode()
    assert "2 pictures were sent" in page
    assert broker.tasks() == [("artsimilarity.enqueue", ["library.Artwork", "pending", "default"])]
    assert Artwork.objects.pending().count() == 2
