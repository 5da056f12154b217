"""``<pk>/similar/`` inside the host's own viewset."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from rest_framework.permissions import IsAuthenticated

from demo_site.library.api import ArtworkViewSet
from demo_site.library.models import Artwork
from tests.pictures import make_artwork, make_embedded

pytestmark = pytest.mark.django_db


def _url(artwork: Artwork) -> str:
    return f"/api/artworks/{artwork.pk}/similar/"


def test_answers_with_scores_and_the_hosts_own_representation(client: Client) -> None:
    target = make_embedded("target", [1, 0], [1, 0])
    near = make_embedded("near", [1, 0], [0, 1], artist="Anna")
    body = client.get(_url(target), {"style": "0.25"}).json()
    assert body["status"] == "ready"
    assert body["style"] == 0.25
    (result,) = body["results"]
    assert result["picture"]["id"] == near.pk
    assert result["picture"]["artist"] == "Anna"
    assert result["style_score"] == pytest.approx(1, abs=1e-3)
    assert result["colour_score"] == pytest.approx(0, abs=1e-3)
    assert result["score"] == pytest.approx(0.25, abs=1e-3)


def test_limit_bounds_the_answer(client: Client) -> None:
    target = make_embedded("target")
    for number in range(3):
        make_embedded(f"{number}")
    assert len(client.get(_url(target), {"limit": 2}).json()["results"]) == 2


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"limit": "0"}, "greater than or equal to 1"),
        ({"limit": "49"}, "less than or equal to 48"),
        ({"limit": "many"}, "valid integer"),
        ({"style": "1.5"}, "less than or equal to 1"),
        ({"style": "nan"}, "valid number"),
    ],
)
def test_a_bad_parameter_is_refused_with_words(
    client: Client, query: dict[str, str], words: str
) -> None:
    response = client.get(_url(make_embedded("target")), query)
    assert response.status_code == 400
    assert words in str(response.json()[next(iter(query))])


def test_a_picture_not_embedded_yet_gives_an_empty_list_and_the_reason(client: Client) -> None:
    body = client.get(_url(make_artwork())).json()
    assert (body["status"], body["results"]) == ("pending", [])
    assert body["message"]


def test_a_hidden_picture_is_not_found_and_never_a_neighbour(client: Client) -> None:
    target, hidden = make_embedded("target"), make_embedded("hidden", published=False)
    assert client.get(_url(hidden)).status_code == 404
    assert client.get(_url(target)).json()["results"] == []


def test_the_hosts_permissions_hold(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ArtworkViewSet, "permission_classes", [IsAuthenticated])
    assert client.get(_url(make_embedded("target"))).status_code in {401, 403}


def test_neighbours_cost_no_query_of_their_own(
    client: Client, django_assert_max_num_queries: Any
) -> None:
    target = make_embedded("target")
    for number in range(10):
        make_embedded(f"{number}")
    # The picture, the planner's estimate, the roll-out's state, and one search.
    with django_assert_max_num_queries(4):
        assert len(client.get(_url(target)).json()["results"]) == 8
