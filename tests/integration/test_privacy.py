"""What a visitor may not see leaves no trace: with hidden rows or without them, answers are equal.

That is stronger than "no hidden row is listed": pages, counts, scores, percentiles, colours,
cursors, tags and errors must be the same to the last byte.
"""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
from django.core.cache import cache
from django.db import transaction
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from artsimilarity.atlas.making import make_map
from artsimilarity.library import Library
from artsimilarity.models import DuplicatePair, ScoreCalibration
from artsimilarity.search import score_calibration
from demo_site.library.models import Artwork
from tests.atlas.drawn import map_from
from tests.pictures import make_embedded

pytestmark = pytest.mark.django_db

PICTURES = 24


class _Rollback(Exception):
    """Ends an example and takes back what it has written."""


@st.composite
def libraries(draw: st.DrawFn) -> dict[str, Any]:
    """What is hidden, which pictures are scans of one print, and what is asked."""
    return {
        "seed": draw(st.integers(0, 2**16)),
        "hidden": draw(st.sets(st.integers(1, PICTURES - 1), max_size=PICTURES // 2)),
        "pairs": draw(
            st.sets(
                st.tuples(st.integers(1, PICTURES), st.integers(1, PICTURES)).filter(
                    lambda pair: pair[0] < pair[1]
                ),
                max_size=8,
            )
        ),
        "query": {
            "style": draw(st.sampled_from(["0", "0.25", "0.75", "1"])),
            "limit": draw(st.sampled_from(["1", "3", "7"])),
            **draw(st.sampled_from([{}, {"diversify": "0.4"}])),
            **draw(st.sampled_from([{}, {"hide_duplicates": "true"}])),
        },
        "remembers": draw(st.booleans()),
    }


def _make(case: dict[str, Any]) -> list[Artwork]:
    """The library: some pictures hidden, some paired; equal vectors among them."""
    numbers = np.random.default_rng(case["seed"])
    vectors = [(numbers.normal(size=8), numbers.random(6)) for _ in range(PICTURES // 2)]
    artworks = [
        make_embedded(
            f"{number}",
            *vectors[number // 2],
            published=number not in case["hidden"],
            embedding_digest=f"{number:064}",
        )
        for number in range(PICTURES)
    ]
    for first, second in case["pairs"]:
        one, other = artworks[first - 1], artworks[second - 1]
        keys = sorted([str(one.pk), str(other.pk)])
        digests = {str(a.pk): a.embedding_digest for a in (one, other)}
        DuplicatePair.objects.create(
            model_label="library.Artwork",
            first=keys[0],
            second=keys[1],
            first_digest=digests[keys[0]],
            second_digest=digests[keys[1]],
            score=0.99,
        )
    return artworks


def _pages(client: Client, address: str, query: dict[str, Any]) -> list[bytes]:
    """Every page of an answer, with what its headers tell."""
    answers = []
    response = client.get(address, query)
    for _ in range(2 * PICTURES):
        answers.append(response.content + response.headers.get("ETag", "").encode())
        following = response.json().get("next")
        if not following:
            break
        response = client.get(following)
    return answers


def _everything(client: Client, artworks: list[Artwork], query: dict[str, Any]) -> list[Any]:
    """What a visitor can learn from the API and from a picture's page."""
    shown = [artwork for artwork in artworks if artwork.published]
    gone = [artwork for artwork in artworks if not artwork.published]
    seen: list[Any] = []
    for artwork in shown[:3]:
        seen += _pages(client, f"/api/artworks/{artwork.pk}/similar/", query)
    examples = {"like": [a.pk for a in shown[:2]], "unlike": [shown[-1].pk]}
    seen += _pages(client, "/api/artworks/similar-to/", {**query, **examples})
    colours = {"colour": ["aa3311:2", "224466"], "limit": query["limit"]}
    seen += _pages(client, "/api/artworks/by-colour/", colours)
    seen.append(client.get("/api/artworks/").content)
    for artwork in gone[:2]:  # asked for by its own address, it is as if it had never been
        seen.append(client.get(f"/api/artworks/{artwork.pk}/similar/").content)
        box = {"box": "0,0,0.5,1"}
        seen.append(client.get(f"/api/artworks/{artwork.pk}/by-detail/", box).content)
        answer = client.get("/api/artworks/similar-to/", {"like": [shown[0].pk, artwork.pk]})
        seen.append((answer.status_code, answer.content))
        seen.append(client.get("/map/", {"thumbnail": artwork.pk}).status_code)
        seen.append(map_from(client, artwork))
    for tile, layout in (("0/0/0", "colours"), ("3/4/4", "brushwork")):
        seen.append(client.get("/map/", {"tile": tile, "layout": layout}).content)
    seen.append(map_from(client, shown[0]))
    return seen


@given(case=libraries())
@settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_hidden_pictures_leave_no_trace_in_any_answer(
    client: Client, settings: Any, case: dict[str, Any]
) -> None:
    settings.ARTSIMILARITY = {
        **settings.ARTSIMILARITY,
        "CACHE_SECONDS": 60 if case["remembers"] else 0,
    }
    try:
        with transaction.atomic():
            artworks = _make(case)
            cache.clear()
            score_calibration.calibrate(Library.of(Artwork))
            make_map(Library.of(Artwork))
            with_hidden = _everything(client, artworks, case["query"])

            Artwork.objects.filter(published=False).delete()
            ScoreCalibration.objects.all().delete()
            cache.clear()
            score_calibration.calibrate(Library.of(Artwork))
            make_map(Library.of(Artwork))
            assert _everything(client, artworks, case["query"]) == with_hidden
            raise _Rollback
    except _Rollback:
        pass


def test_what_was_remembered_before_a_picture_was_hidden_does_not_show_it(
    client: Client, settings: Any
) -> None:
    settings.ARTSIMILARITY = {**settings.ARTSIMILARITY, "CACHE_SECONDS": 60}
    case = {"seed": 1, "hidden": set(), "pairs": set()}
    artworks = _make(case)
    make_map(Library.of(Artwork))
    cache.clear()
    query = {"style": "0.75", "limit": "7"}
    before = _everything(client, artworks, query)
    chosen = random.Random(0).sample(artworks[3:-1], 6)
    Artwork.objects.filter(pk__in=[artwork.pk for artwork in chosen]).update(published=False)
    for artwork in chosen:
        artwork.published = False
    after = _everything(client, artworks, query)
    assert after != before
    Artwork.objects.filter(published=False).delete()
    cache.clear()
    assert _everything(client, artworks, query) == after
