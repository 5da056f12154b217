"""A walk through the graph that ends far from the picture searched for is made once more."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from artsimilarity.encoder.recipe import ART
from artsimilarity.library import Library
from artsimilarity.library.index_build import VectorIndex
from artsimilarity.search import more_like_this
from artsimilarity.search.ordering import SPARE, order_by_similarity
from artsimilarity.search.query_vector import stored_vector
from artsimilarity.testing import override_artsimilarity
from demo_site.library.models import Artwork
from tests.pictures import unit_blocks

pytestmark = pytest.mark.django_db(transaction=True)

STYLE = 0.5
LIMIT = 2
FIRST = LIMIT + SPARE + 1  # candidates of the first page, of which one is the picture itself
SECOND = FIRST + LIMIT


@pytest.fixture
def sparse() -> Iterator[None]:
    """Tight groups, and a graph with so few links that a walk does not come to each of them."""
    settings = {"HNSW_M": 4, "HNSW_EF_CONSTRUCTION": 8, "EF_SEARCH": 1, "EXACT_ROWS": 0}
    random, index = np.random.default_rng(2), VectorIndex.serving(Library.of(Artwork))
    groups = [(random.normal(size=256), random.random(216)) for _ in range(50)]
    with override_artsimilarity(**settings, RECALL_AIM=0):
        index.drop()
        Artwork.objects.bulk_create(_in_group(*groups[n % 50], n, random) for n in range(1000))
        index.build()
        yield


def _in_group(style: Any, colour: Any, number: int, random: np.random.Generator) -> Artwork:
    near = (style + 0.2 * random.normal(size=256), colour + 0.05 * random.random(216))
    return Artwork(
        title=str(number),
        image=f"{number}.png",
        artist="A" if number % 2 else "B",
        embedding=unit_blocks(*near).tolist(),
        embedding_recipe=ART.fingerprint,
        embedding_image=f"{number}.png",
        embedding_status="ready",
    )


def _missed(candidates: int) -> list[Artwork]:
    """The pictures that their own search does not come by, with so many candidates."""
    library, missed = Library.of(Artwork), []
    for picture in Artwork.objects.order_by("pk")[:200]:
        query = stored_vector(library, picture)
        plain = type(query)(vector=query.vector, recipe=query.recipe, source=query.source)
        found = order_by_similarity(
            Artwork.objects.all(), plain, style=STYLE, candidates=candidates
        )[:FIRST]
        if picture.pk not in [one.pk for one in found]:
            missed.append(picture)
    return missed


def _exact(picture: Artwork, place: int = 0) -> list[int]:
    query = stored_vector(Library.of(Artwork), picture)
    nearest = order_by_similarity(Artwork.objects.all(), query, style=STYLE, exact=True)
    return [one.pk for one in nearest[place : place + LIMIT]]


def _found(picture: Artwork, **keys: Any) -> list[int]:
    return [one.pk for one in more_like_this(picture, style=STYLE, limit=LIMIT, **keys)]


@pytest.mark.usefixtures("sparse")
def test_pages_of_pictures_that_it_does_not_come_by_are_right_all_the_same() -> None:
    missed = _missed(FIRST)
    assert len(missed) > 5
    right = [_found(picture) == _exact(picture) for picture in missed]
    assert sum(right) >= 0.9 * len(right)


@pytest.mark.usefixtures("sparse")
def test_so_are_the_pages_after() -> None:
    missed = _missed(SECOND)
    firsts = [more_like_this(picture, style=STYLE, limit=LIMIT) for picture in missed]
    seconds = [
        _found(picture, after=first.next_page)
        for picture, first in zip(missed, firsts, strict=True)
    ]
    pairs = zip(missed, seconds, strict=True)
    right = [found == _exact(picture, place=LIMIT) for picture, found in pairs]
    assert sum(right) >= 0.9 * len(right)


@pytest.mark.usefixtures("sparse")
def test_one_that_it_comes_by_takes_one_statement() -> None:
    missed = {one.pk for one in _missed(FIRST)}
    reached = next(one for one in Artwork.objects.order_by("pk")[:200] if one.pk not in missed)
    _found(reached)
    with CaptureQueriesContext(connection) as asked:
        _found(reached)
    assert len(asked) == 1


@pytest.mark.usefixtures("sparse")
def test_one_that_its_own_filters_leave_out_is_not_looked_for_once_more() -> None:
    picture = Artwork.objects.filter(artist="A").order_by("pk")[0]
    others = Artwork.objects.filter(artist="B")
    _found(picture, queryset=others)
    with CaptureQueriesContext(connection) as asked:
        found = _found(picture, queryset=others)
    searches = [one for one in asked.captured_queries if "ORDER BY" in one["sql"]]
    assert len(searches) == 1
    assert len(found) == LIMIT
