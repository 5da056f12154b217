"""A search is compiled once for a shape, and answers as one that is compiled each time."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection, connections, models
from django.db.models import F, Q, Value
from django.db.models.functions import Upper
from django.db.models.sql.compiler import SQLCompiler
from psycopg.types.json import Jsonb
from pytest_django import Settings

from artsimilarity.library import Library
from artsimilarity.schema.sql import Sql
from artsimilarity.search import compiled
from artsimilarity.search.nearest import page_by_comparison, page_by_index
from artsimilarity.search.ordering import order_by_similarity
from artsimilarity.search.query_vector import QueryVector, given_vector, stored_vector
from demo_site.library.models import Artwork
from tests.pictures import fill_library

pytestmark = pytest.mark.django_db

SCORED = ("pk", "similarity", "similarity_style", "similarity_colour", "similarity_recipe")


@pytest.fixture(autouse=True)
def nothing_compiled() -> None:
    compiled._searches.cache_clear()


@pytest.fixture
def library() -> list[Artwork]:
    """Forty pictures of two techniques."""
    fill_library(40, lambda n: {"technique": "etching" if n % 2 else "", "year": str(n % 4)})
    return list(Artwork.objects.order_by("pk"))


@pytest.fixture
def compilations(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """One for each search that is compiled."""
    made: list[int] = []
    compile_search = compiled._compile

    def count(search: models.QuerySet[Any]) -> Any:
        made.append(1)
        return compile_search(search)

    monkeypatch.setattr(compiled, "_compile", count)
    return made


def _stored(picture: Artwork) -> QueryVector:
    return stored_vector(Library.of(Artwork), picture)


def _given(picture: Artwork) -> QueryVector:
    row = Artwork.objects.defer(None).get(pk=picture.pk)
    return given_vector(row.embedding, row.embedding_recipe, excluded=[picture.pk])


def _by_index(pictures: Any, query: QueryVector, style: float, candidates: int = 100) -> list[Any]:
    ef_search = Sql("%s", [str(candidates)])
    return page_by_index(pictures, query, style=style, candidates=ef_search, limit=6)


def _by_comparison(pictures: Any, query: QueryVector, style: float) -> list[Any]:
    return page_by_comparison(pictures, query, style=style, limit=6)


def _rows(pictures: Any) -> list[tuple[Any, ...]]:
    return [tuple(getattr(one, name) for name in SCORED) for one in pictures]


@pytest.mark.parametrize("vector", [_stored, _given])
@pytest.mark.parametrize("search", [_by_index, _by_comparison])
def test_other_pictures_and_balances_are_not_compiled_anew(
    library: list[Artwork],
    compilations: list[int],
    search: Callable[..., list[Any]],
    vector: Callable[[Artwork], QueryVector],
) -> None:
    pictures = Artwork.objects.filter(technique="etching")
    for picture, style in [(library[0], 0.0), (library[1], 0.75), (library[7], 1.0)]:
        query = vector(picture)
        right = order_by_similarity(pictures, query, style=style, exact=True)[:6]
        assert _rows(search(pictures, query, style)) == _rows(right)
    assert len(compilations) == 1


def test_another_value_of_a_filter_is_another_search(
    library: list[Artwork], compilations: list[int]
) -> None:
    for technique in ("etching", "", "etching"):
        found = _by_index(Artwork.objects.filter(technique=technique), _stored(library[0]), 0.5)
        assert {one.technique for one in found} == {technique}
    assert len(compilations) == 2


def test_equal_values_of_different_types_are_told_apart(
    library: list[Artwork], compilations: list[int]
) -> None:
    for value in (True, 1):
        pictures = Artwork.objects.annotate(flag=Value(value))
        found = _by_index(pictures, _stored(library[0]), 0.5)
        assert {type(one.flag) for one in found} == {type(value)}
    assert len(compilations) == 2


@pytest.mark.parametrize(
    "pictures",
    [
        Artwork.objects.filter(Q(year__in=["1", "2"])),
        Artwork.objects.annotate(document=Sql("%s", [Jsonb({"a": 1})], models.JSONField())),
    ],
    ids=["texts", "json"],
)
def test_parameters_of_any_type_are_searched_with(library: list[Artwork], pictures: Any) -> None:
    query = _stored(library[0])
    right = order_by_similarity(pictures, query, style=0.5, exact=True)[:6]
    assert _rows(_by_index(pictures, query, 0.5)) == _rows(right)


def test_a_parameter_whose_sql_cannot_be_told_by_its_value_is_compiled_each_time(
    library: list[Artwork],
) -> None:
    pictures = Artwork.objects.annotate(document=Sql("%s", [Jsonb({"a": 1})], models.JSONField()))
    assert compiled._shape(pictures) is None


def test_the_settings_of_the_index_are_those_of_the_moment(
    library: list[Artwork], settings: Settings, compilations: list[int]
) -> None:
    statements: list[Any] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        statements.append(params)
        return execute(sql, params, many, context)

    for scan in ("strict_order", "off"):
        settings.ARTSIMILARITY = {**settings.ARTSIMILARITY, "ITERATIVE_SCAN": scan}
        for candidates in (100, 321):
            with connection.execute_wrapper(note):
                _by_index(Artwork.objects.all(), _stored(library[0]), 0.5, candidates)
            assert {scan, str(candidates)} <= set(map(str, statements[-1]))
    assert len(compilations) == 2


def test_annotations_deferred_columns_and_the_querysets_class_are_kept(
    library: list[Artwork],
) -> None:
    class Hosts(models.QuerySet[Any]):
        """A host's own."""

    pictures: Any = Hosts(Artwork).only("title").annotate(loud=Upper(F("title")))
    for picture in library[:2]:
        found = _by_index(pictures, _stored(picture), 0.5)
        assert [one.loud for one in found] == [one.title.upper() for one in found]
        assert "artist" in found[0].get_deferred_fields()
        assert found[0]._state.db == "default"


def test_nothing_is_read_where_django_knows_that_nothing_is_found(
    library: list[Artwork], django_assert_num_queries: Any
) -> None:
    query = _stored(library[0])
    with django_assert_num_queries(0):
        assert _by_index(Artwork.objects.none(), query, 0.5) == []
        assert _by_comparison(Artwork.objects.filter(pk__in=[]), query, 0.5) == []


@pytest.mark.django_db(transaction=True)
def test_each_thread_asks_on_a_connection_of_its_own(
    library: list[Artwork], monkeypatch: pytest.MonkeyPatch
) -> None:
    queries = [_stored(picture) for picture in library[:8]]
    right = [_rows(_by_index(Artwork.objects.all(), query, 0.5)) for query in queries]
    used = set()
    execute = SQLCompiler.execute_sql

    def note(compiler: Any, *args: Any, **options: Any) -> Any:
        used.add(id(compiler.connection))
        return execute(compiler, *args, **options)

    monkeypatch.setattr(SQLCompiler, "execute_sql", note)

    def search(query: QueryVector) -> list[Any]:
        try:
            return _rows(_by_index(Artwork.objects.all(), query, 0.5))
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(search, queries)) == right
    assert used
    assert id(connections["default"]) not in used
