"""The admin mixin in the demo's ModelAdmin."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission, User
from django.core.files.base import ContentFile
from django.test import Client
from django.urls import reverse

from artsimilarity.embedding import pipeline
from artsimilarity.library import Library
from demo_site.library.models import Artwork
from tests.broker import Broker
from tests.pictures import make_artwork, make_embedded

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("no_worker_is_waited_for"),
]

LIST = "admin:library_artwork_changelist"


def test_the_list_shows_why_a_picture_failed(admin_client: Client, quick_encoder: None) -> None:
    bad = Artwork.objects.create(title="bad", image=ContentFile(b"?", name="bad.jpg"))
    pipeline.embed(Library.of(Artwork), [bad.pk])
    bad.refresh_from_db()
    page = admin_client.get(reverse(LIST)).content.decode()
    assert "not a picture" in page
    assert "not a picture" in bad.embedding_reason


def test_the_list_is_filtered_by_status(admin_client: Client) -> None:
    make_embedded("the ready one")
    make_artwork("the waiting one")
    page = admin_client.get(reverse(LIST), {"embedding_status__exact": "ready"}).content.decode()
    assert "the ready one" in page
    assert "the waiting one" not in page


def test_the_change_page_shows_status_and_error_but_lets_nobody_edit_them(
    admin_client: Client,
) -> None:
    artwork = make_artwork()
    Artwork.objects.update(embedding_status="failed", embedding_error="It is damaged.")
    url = reverse("admin:library_artwork_change", args=[artwork.pk])
    page = admin_client.get(url).content.decode()
    assert "It is damaged." in page
    assert 'name="embedding_error"' not in page
    assert 'name="embedding"' not in page


def test_the_action_sends_the_selected_pictures_to_the_workers(
    admin_client: Client, broker: Broker
) -> None:
    chosen = make_embedded("chosen")
    make_embedded("not chosen")
    form = {"action": "reembed", "_selected_action": [chosen.pk]}
    page = admin_client.post(reverse(LIST), form, follow=True).content.decode()
    assert broker.pks() == [str(chosen.pk)]
    assert "1 picture was sent" in page


def test_the_action_says_when_the_broker_is_down(admin_client: Client, dead_broker: None) -> None:
    chosen = make_embedded("chosen")
    form = {"action": "reembed", "_selected_action": [chosen.pk]}
    page = admin_client.post(reverse(LIST), form, follow=True).content.decode()
    assert "broker does not answer" in page
    assert Artwork.objects.get().embedding_status == "pending"


def test_without_the_change_permission_the_action_is_neither_offered_nor_done(
    viewer: Client, broker: Broker
) -> None:
    chosen = make_embedded("chosen")
    page = viewer.get(reverse(LIST)).content.decode()
    assert ">chosen</a>" in page
    assert "reembed" not in page
    viewer.post(reverse(LIST), {"action": "reembed", "_selected_action": [chosen.pk]})
    assert broker.pks() == []
    assert Artwork.objects.get().embedding_status == "ready"


@pytest.mark.parametrize("permission", [None, "view_artwork"])
def test_who_may_not_reembed_is_not_told_whether_a_picture_is_there(
    client: Client, permission: str | None
) -> None:
    user = User.objects.create_user("viewer", is_staff=True)
    if permission:
        user.user_permissions.add(Permission.objects.get(codename=permission))
    client.force_login(user)
    there = client.post(reverse("admin:library_artwork_reembed", args=[make_artwork().pk]))
    missing = client.post(reverse("admin:library_artwork_reembed", args=[10**9]))
    assert (there.status_code, missing.status_code) == (403, 403)
    assert there.content == missing.content
