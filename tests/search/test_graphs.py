"""The index of colours alone: asked at style 0 where it is there, and as right as the other."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from artsimilarity.encoder.recipe import ART
from artsimilarity.library import Library
from artsimilarity.library.index_build import VectorIndex
from artsimilarity.schema.indexes import Graph
from artsimilarity.search import graphs, more_like_this
from artsimilarity.search.candidates import candidates_for
from artsimilarity.search.graphs import graph_for
from artsimilarity.search.ordering import order_by_similarity
from artsimilarity.search.query_vector import given_vector, stored_vector
from demo_site.library.models import Artwork
from tests.pictures import fill_library

pytestmark = pytest.mark.django_db

BOTH = VectorIndex(library=Library.of(Artwork), recipe=ART.fingerprint)
COLOURS = VectorIndex(library=Library.of(Artwork), recipe=ART.fingerprint, graph=Graph.COLOUR)


@pytest.fixture
def library() -> Library:
    return Library.of(Artwork)


@pytest.fixture
def of_2000() -> None:
    fill_library(2000, lambda number: {"technique": "etching" if number % 2 else "oil"})


def asked_index(style: float, **keys: Any) -> set[str]:
    """Which of the two indexes Postgres reads on a search."""
    pictures = Artwork.objects.similar_to(Artwork.objects.all()[0], style=style, **keys)
    plan = pictures[:8].explain()
    return {index.graph.value for index in (BOTH, COLOURS) if f"{index.name} " in plan}


def nearest_by_colour(picture: Artwork, **filters: Any) -> list[int]:
    query = stored_vector(Library.of(Artwork), picture)
    rows = Artwork.objects.filter(**filters)
    return list(order_by_similarity(rows, query, style=0, exact=True).values_list("pk", flat=True))


@pytest.mark.usefixtures("of_2000")
class TestWhichIsAsked:
    def test_colours_alone_are_looked_for_in_the_index_of_colours(self) -> None:
        assert asked_index(0) == {"colour"}

    @pytest.mark.parametrize("style", [0.01, 0.5, 1])
    def test_any_other_balance_asks_the_index_of_both_blocks(self, style: float) -> None:
        assert asked_index(style) == {"both"}

    def test_where_the_setting_is_off_it_is_not_asked(self, settings: Settings) -> None:
        settings.ARTSIMILARITY = {**settings.ARTSIMILARITY, "COLOUR_INDEX": False}
        assert asked_index(0) == {"both"}

    def test_where_it_is_not_built_yet_the_other_one_is_asked(self) -> None:
        COLOURS.drop()
        assert asked_index(0) == {"both"}

    def test_whether_it_is_there_is_asked_once_a_minute(self, library: Library) -> None:
        more_like_this(Artwork.objects.all()[0], style=0)
        with CaptureQueriesContext(connection) as asked:
            more_like_this(Artwork.objects.all()[1], style=0)
        assert not [one for one in asked.captured_queries if "pg_index" in one["sql"]]
        COLOURS.drop()
        assert graph_for(library, ART.fingerprint, 0) is Graph.COLOUR
        graphs._known.cache_clear()  # as after a minute
        assert graph_for(library, ART.fingerprint, 0) is Graph.BOTH

    def test_of_vectors_of_another_recipe_it_is_none(self, library: Library) -> None:
        assert graph_for(library, "other-256+216-0123456789abcdef", 0) is Graph.BOTH

    def test_fewer_candidates_are_enough_of_it(self) -> None:
        assert candidates_for(0, Graph.COLOUR) == 100
        assert candidates_for(0, Graph.BOTH) == 170


@pytest.mark.usefixtures("of_2000")
class TestWhatIsFound:
    def test_is_what_a_comparison_with_all_finds(self) -> None:
        for picture in Artwork.objects.all()[:5]:
            found = [one.pk for one in more_like_this(picture, limit=8, style=0)]
            assert found == nearest_by_colour(picture)[:8]

    def test_has_the_scores_of_both_blocks(self) -> None:
        picture = Artwork.objects.defer(None)[0]
        (one,) = more_like_this(picture, limit=1, style=0)
        other = Artwork.objects.defer(None).get(pk=one.pk)
        assert one.similarity == pytest.approx(one.similarity_colour, abs=1e-4)
        style = sum(
            a * b for a, b in zip(picture.embedding[:256], other.embedding[:256], strict=True)
        )
        assert one.similarity_style == pytest.approx(style, abs=1e-3)

    def test_keeps_to_a_filter(self) -> None:
        picture = Artwork.objects.all()[0]
        etchings = Artwork.objects.filter(technique="etching")
        found = [one.pk for one in more_like_this(picture, queryset=etchings, limit=8, style=0)]
        assert found == nearest_by_colour(picture, technique="etching")[:8]

    def test_by_given_colours_is_the_same_as_by_comparison(self, library: Library) -> None:
        vector = list(Artwork.objects.defer(None)[0].embedding)
        query = given_vector([0.0] * 256 + vector[256:], ART.fingerprint)
        by_index = order_by_similarity(Artwork.objects.all(), query, style=0)
        exact = order_by_similarity(Artwork.objects.all(), query, style=0, exact=True)
        assert list(by_index[:8]) == list(exact[:8])

    def test_pages_follow_each_other_without_a_gap(self) -> None:
        picture = Artwork.objects.all()[0]
        first = more_like_this(picture, limit=5, style=0)
        second = more_like_this(picture, limit=5, style=0, after=first.next_page)
        assert [one.pk for one in (*first, *second)] == nearest_by_colour(picture)[:10]
