"""``<pk>/similar/`` inside the host's own viewset."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from rest_framework.permissions import IsAuthenticated

from artsimilarity.search.cursor import Cursor
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
    # The picture, the planner's estimate, the roll-out's state, one search, scale and colours.
    with django_assert_max_num_queries(6):
        assert len(client.get(_url(target)).json()["results"]) == 8


class TestPages:
    def test_follow_each_other_by_next(self, client: Client) -> None:
        target = make_embedded("target")
        titles = {f"{number}" for number in range(5)}
        for title in titles:
            make_embedded(title)
        address, seen = f"{_url(target)}?limit=2&style=0.5", []
        while address:
            answer = client.get(address).json()
            assert answer["style"] == 0.5
            seen += [result["picture"]["title"] for result in answer["results"]]
            address = answer["next"]
        assert sorted(seen) == sorted(titles)

    def test_are_refused_with_words_for_what_is_no_cursor(self, client: Client) -> None:
        target = make_embedded("target")
        response = client.get(_url(target), {"cursor": "nonsense"})
        assert response.status_code == 400
        assert "next" in response.json()["cursor"][0]

    def test_are_refused_with_words_for_a_cursor_of_another_model(self, client: Client) -> None:
        cursor = str(Cursor(distance=-0.5, key="not-a-number", count=1))
        response = client.get(_url(make_embedded("target")), {"cursor": cursor})
        assert response.status_code == 400
        assert "not-a-number" in response.json()["cursor"][0]


class TestConditionalRequests:
    def test_the_same_answer_is_not_sent_twice(self, client: Client) -> None:
        target = make_embedded("target")
        make_embedded("other")
        etag = client.get(_url(target))["ETag"]
        again = client.get(_url(target), headers={"If-None-Match": etag})
        assert again.status_code == 304
        assert again.content == b""

    def test_another_answer_is(self, client: Client) -> None:
        target = make_embedded("target")
        make_embedded("other")
        etag = client.get(_url(target))["ETag"]
        make_embedded("another")
        assert client.get(_url(target), headers={"If-None-Match": etag}).status_code == 200

    def test_no_shared_cache_may_keep_it(self, client: Client, settings: Any) -> None:
        target = make_embedded("target")
        response = client.get(_url(target))
        assert set(response["Cache-Control"].split(", ")) == {"private", "max-age=0"}
        assert {"Cookie", "Authorization"} <= set(response["Vary"].split(", "))
        settings.ARTSIMILARITY = {**settings.ARTSIMILARITY, "CACHE_SECONDS": 30}
        assert "max-age=30" in client.get(_url(target))["Cache-Control"]


class TestSeveralExamples:
    ADDRESS = "/api/artworks/similar-to/"

    def test_are_named_by_their_keys(self, client: Client) -> None:
        first, second = make_embedded("first", [1, 0]), make_embedded("second", [0, 1])
        make_embedded("left", [1, 0.1])
        make_embedded("between", [1, 1])
        make_embedded("right", [0.1, 1])
        query = {"like": [first.pk, second.pk], "style": 1, "limit": 1}
        body = client.get(self.ADDRESS, query).json()
        assert [result["picture"]["title"] for result in body["results"]] == ["between"]
        assert (body["status"], body["style"]) == ("ready", 1)
        query = {"like": first.pk, "unlike": second.pk, "style": 1, "limit": 1}
        (result,) = client.get(self.ADDRESS, query).json()["results"]
        assert result["picture"]["title"] == "left"

    def test_have_weights_in_the_order_of_the_pictures(self, client: Client) -> None:
        first, second = make_embedded("first", [1, 0]), make_embedded("second", [0, 1])
        make_embedded("left", [1, 0.1])
        make_embedded("between", [1, 1])
        make_embedded("right", [0.1, 1])
        query = {"like": [first.pk, second.pk], "style": 1, "limit": 1}
        tags = set()
        for weights, title in (([9, 1], "left"), ([1, 9], "right"), ([2, 2], "between")):
            answer = client.get(self.ADDRESS, {**query, "like_weight": weights})
            (result,) = answer.json()["results"]
            assert result["picture"]["title"] == title
            tags.add(answer["ETag"])
            assert f"like_weight={weights[0]}&like_weight={weights[1]}" in answer.json()["next"]
        assert len(tags) == 3

    def test_to_move_away_from_have_weights_too(self, client: Client) -> None:
        first, second = make_embedded("first", [1, 0]), make_embedded("second", [0, 1])
        make_embedded("between", [1, 1])
        query = {"like": first.pk, "unlike": second.pk, "style": 1}
        scores = [
            client.get(self.ADDRESS, {**query, "unlike_weight": weight}).json()["results"][0]
            for weight in ("0.1", "1", "4")
        ]
        assert [one["score"] for one in scores] == sorted(
            (one["score"] for one in scores), reverse=True
        )
        assert scores[0]["score"] > scores[1]["score"] + 0.1 > scores[2]["score"] + 0.2

    @pytest.mark.parametrize("role", ["like", "unlike"])
    @pytest.mark.parametrize("key", ["hidden", "2147483648", "9" * 30, "-1", "nonsense", "1.0"])
    def test_hidden_and_unknown_are_one_answer(self, client: Client, role: str, key: str) -> None:
        known = make_embedded("known").pk
        hidden, gone = make_embedded("hidden", published=False).pk, make_embedded("gone")
        missing = gone.pk
        gone.delete()
        query: dict[str, list[Any]] = {"like": [known], "unlike": []}
        asked = [hidden if key == "hidden" else key, missing]
        answers = [client.get(self.ADDRESS, {**query, role: [*query[role], one]}) for one in asked]
        assert [answer.status_code for answer in answers] == [404, 404]
        assert answers[0].content == answers[1].content

    @pytest.mark.parametrize("where", ["viewset", "model"])
    def test_are_hidden_by_the_viewset_or_by_the_model(
        self, client: Client, monkeypatch: pytest.MonkeyPatch, where: str
    ) -> None:
        picture = make_embedded("picture")
        if where == "viewset":
            none = lambda view: Artwork.objects.none()  # noqa: E731
            monkeypatch.setattr(ArtworkViewSet, "get_queryset", none)
        else:
            nothing = classmethod(lambda cls, request=None: cls.objects.none())
            monkeypatch.setattr(Artwork, "similarity_queryset", nothing)
        assert client.get(self.ADDRESS, {"like": picture.pk}).status_code == 404

    @pytest.mark.parametrize(
        ("query", "field", "words"),
        [
            ({}, "like", "required"),
            ({"like": ""}, "like", "blank"),
            ({"like": [str(n) for n in range(21)]}, "like", "no more than 20"),
            ({"like": "1", "unlike": [str(n) for n in range(21)]}, "unlike", "no more than 20"),
            ({"like": "1\0"}, "like", "required pattern"),
            ({"like": "1/2"}, "like", "required pattern"),
            ({"like": "1" * 201}, "like", "required pattern"),
            ({"like": "1", "style": "nan"}, "style", "valid number"),
            ({"like": "1", "limit": "49"}, "limit", "less than or equal to 48"),
            *(
                ({"like": "1", "like_weight": weight}, "like_weight", words)
                for weight, words in (
                    ("0", "number above 0"),
                    ("-1", "number above 0"),
                    ("nan", "number above 0"),
                    ("much", "number above 0"),
                    ("", "number above 0"),
                    ("1001", "less than or equal to 1000"),
                    ("inf", "number above 0"),
                    ("9" * 5000, "too large"),
                )
            ),
            ({"like": ["1", "2"], "like_weight": "1"}, "like_weight", "one weight for each “like”"),
            ({"like": "1", "unlike_weight": "1"}, "unlike_weight", "one weight for each “unlike”"),
        ],
    )
    def test_a_bad_parameter_is_refused_with_words(
        self, client: Client, query: dict[str, Any], field: str, words: str
    ) -> None:
        response = client.get(self.ADDRESS, query)
        assert response.status_code == 400
        assert words in str(response.json()[field])

    def test_twenty_of_each_are_allowed(self, client: Client) -> None:
        pks = [make_embedded(f"{number}").pk for number in range(40)]
        make_embedded("found")
        query = {"like": pks[:20], "unlike": pks[20:]}
        (result,) = client.get(self.ADDRESS, query).json()["results"]
        assert result["picture"]["title"] == "found"

    def test_the_hosts_permissions_hold(
        self, client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(ArtworkViewSet, "permission_classes", [IsAuthenticated])
        picture = make_embedded("picture")
        assert client.get(self.ADDRESS, {"like": picture.pk}).status_code in {401, 403}

    def test_their_number_costs_no_more_queries(
        self, client: Client, django_assert_max_num_queries: Any
    ) -> None:
        pks = [make_embedded(f"{number}").pk for number in range(12)]
        for number in range(10):
            make_embedded(f"other {number}")
        # The examples, whether they may be seen, their vectors, the planner's estimate, the
        # roll-out's state twice, one search, and the colours of what it found.
        with django_assert_max_num_queries(8):
            assert len(client.get(self.ADDRESS, {"like": pks}).json()["results"]) == 8

    def test_pages_follow_each_other_by_next(self, client: Client) -> None:
        pks = [make_embedded(f"example {number}").pk for number in range(2)]
        titles = {f"{number}" for number in range(5)}
        for title in titles:
            make_embedded(title)
        address, seen = f"{self.ADDRESS}?like={pks[0]}&like={pks[1]}&limit=2", []
        while address:
            answer = client.get(address).json()
            seen += [result["picture"]["title"] for result in answer["results"]]
            address = answer["next"]
        assert sorted(seen) == sorted(titles)
