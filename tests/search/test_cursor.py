"""Pages: nothing twice, nothing lost, and the index still serves."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
import pytest
from django.core import signing
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from artsimilarity.search import Neighbours, more_like_this
from artsimilarity.search.cursor import Cursor, CursorError
from demo_site.library.models import Artwork
from tests.pictures import fill_library, make_embedded

pytestmark = pytest.mark.django_db

COLUMNS = (
    "embedding",
    "embedding_recipe",
    "embedding_status",
    "embedding_digest",
    "embedding_image",
)


def _pages(target: Artwork, limit: int, most: int = 1000) -> list[Neighbours]:
    pages = [more_like_this(target, limit=limit)]
    while pages[-1].next_page and len(pages) < most:
        pages.append(more_like_this(target, limit=limit, after=pages[-1].next_page))
    return pages


@pytest.mark.parametrize("limit", [1, 7, 40])
def test_together_the_pages_are_the_whole_library_in_order(limit: int) -> None:
    fill_library(60)
    target = make_embedded("target", [1, 0], [1, 0])
    found = [picture for page in _pages(target, limit) for picture in page]
    assert len(found) == 60
    assert len({picture.pk for picture in found}) == 60
    scores = [picture.similarity for picture in found]
    assert scores == sorted(scores, reverse=True)


def test_equal_pictures_are_all_shown_and_none_twice() -> None:
    target = make_embedded("target")
    equal = [make_embedded(f"{number}") for number in range(11)]
    found = [picture.pk for page in _pages(target, 3) for picture in page]
    assert sorted(found) == [picture.pk for picture in equal]


def test_the_last_page_says_so() -> None:
    target = make_embedded("target")
    for number in range(3):
        make_embedded(f"{number}")
    assert [len(page) for page in _pages(target, 2)] == [2, 1]
    assert _pages(target, 2)[-1].next_page == ""


def test_a_picture_added_between_two_pages_moves_nothing() -> None:
    target = make_embedded("target", [1, 0])
    for number in range(6):
        make_embedded(f"{number}", [1, 0.1 * (number + 1)])
    first = more_like_this(target, limit=3, style=1)
    make_embedded("nearest of all", [1, 0.01])
    second = more_like_this(target, limit=3, style=1, after=first.next_page)
    assert [p.title for p in [*first, *second]] == ["0", "1", "2", "3", "4", "5"]


def test_a_picture_hidden_between_two_pages_is_gone() -> None:
    target = make_embedded("target", [1, 0])
    for number in range(4):
        make_embedded(f"{number}", [1, 0.1 * (number + 1)])
    first = more_like_this(target, limit=2, style=1)
    Artwork.objects.filter(title="2").update(published=False)
    second = more_like_this(target, limit=2, style=1, after=first.next_page)
    assert [picture.title for picture in second] == ["3"]


def test_later_pages_come_from_the_index_too(settings: Settings) -> None:
    settings.ARTSIMILARITY = {**settings.ARTSIMILARITY, "EXACT_ROWS": 0}
    fill_library(3000)
    target = Artwork.objects.first()
    assert target is not None
    page = more_like_this(target, limit=24)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        page = more_like_this(target, limit=24, after=page.next_page)
    assert len(page) == 24
    searches = [query["sql"] for query in queries if "hnsw.ef_search" in query["sql"]]
    assert len(searches) == 2  # whether it comes by the picture itself, and the page
    with connection.cursor() as cursor:
        # On so small a table the planner rightly prefers to sort; it must be able to do without.
        cursor.execute("SET LOCAL enable_sort = off")
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN {searches[-1]}")
        assert "_hnsw" in str(cursor.fetchall())


# With a transaction of its own, or the index would keep a thousand dead rows for the next tests.
@pytest.mark.django_db(transaction=True)
def test_a_thousand_equal_pictures_are_all_shown_and_none_twice(settings: Settings) -> None:
    settings.ARTSIMILARITY = {**settings.ARTSIMILARITY, "EXACT_ROWS": 0}
    fill_library(30)
    target = make_embedded("target")
    row = {name: getattr(target, name) for name in COLUMNS}
    equal = Artwork.objects.bulk_create(
        Artwork(title=f"{number}", image=target.image.name, **row) for number in range(1000)
    )
    pages = _pages(target, 48)
    found = [picture.pk for page in pages for picture in page]
    assert len(found) == len(set(found)) == 1030
    assert {picture.pk for picture in equal} <= set(found)
    assert max(len(page.next_page) for page in pages) < 300


def test_equal_pictures_without_duplicates_are_all_shown_and_none_twice() -> None:
    target = make_embedded("target")
    equal = [make_embedded(f"{number}") for number in range(30)]
    page = more_like_this(target, limit=7, hide_duplicates=True)
    found = [picture.pk for picture in page]
    while page.next_page:
        page = more_like_this(target, limit=7, hide_duplicates=True, after=page.next_page)
        found += [picture.pk for picture in page]
    assert sorted(found) == [picture.pk for picture in equal]


def test_pages_without_duplicates_end_where_they_would_read_too_much(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("artsimilarity.search.request.DEEPEST_WITHOUT_DUPLICATES", 6)
    target = make_embedded("target")
    for number in range(20):
        make_embedded(f"{number}")
    first = more_like_this(target, limit=3, hide_duplicates=True)
    second = more_like_this(target, limit=3, hide_duplicates=True, after=first.next_page)
    assert (len(second), second.next_page) == (3, "")


NESTED = base64.urlsafe_b64encode(b"[" * 3000).decode()
HUGE = base64.urlsafe_b64encode(b"[-0.5, 9223372036854775808, 1]").decode()


@pytest.mark.parametrize("text", [NESTED, HUGE, f"{HUGE}:{'a' * 43}", "é:é", ":"])
def test_what_was_forged_is_refused_with_words(text: str) -> None:
    with pytest.raises(CursorError, match="next"):
        Cursor.parse(text)


def test_what_was_changed_is_refused() -> None:
    text = str(Cursor(distance=-0.5, key="1", count=8))
    with pytest.raises(CursorError):
        Cursor.parse(("a" if text[0] != "a" else "b") + text[1:])


@pytest.mark.parametrize("text", ["", "x", "é", "W10=", "WzEsMl0=", "a" * 5000, "e30="])
def test_what_is_no_cursor_is_refused_with_words(text: str) -> None:
    with pytest.raises(CursorError, match="next"):
        Cursor.parse(text)


@pytest.mark.parametrize(
    "parts",
    [
        [0, 8, "1"],
        [float("nan"), 8, "1"],
        [-0.5, "8", "1"],
        [-0.5, 8, 1],
        [-0.5, 8, "1" * 5000],
    ],
    ids=["distance", "no-number", "count", "key", "length"],
)
def test_what_another_version_of_ours_signed_is_refused_with_words(parts: list[Any]) -> None:
    with pytest.raises(CursorError, match="next"):
        Cursor.parse(signing.Signer(salt="artsimilarity.cursor").sign_object(parts))


def test_a_cursor_of_another_model_is_refused() -> None:
    target = make_embedded("target")
    cursor = Cursor(distance=-0.5, key="not-a-number", count=1)
    with pytest.raises(CursorError):
        more_like_this(target, after=cursor)


@given(
    distance=st.floats(allow_nan=False, allow_infinity=False),
    key=st.text(max_size=40),  # a UUID has 36
    count=st.integers(min_value=0),
)
def test_a_cursor_is_read_as_it_was_written(distance: float, key: str, count: int) -> None:
    cursor = Cursor(distance=distance, key=key, count=count)
    assert Cursor.parse(str(cursor)) == cursor


def test_scores_survive_the_way_through_a_cursor_to_the_last_bit() -> None:
    for number in np.random.default_rng(0).normal(size=100):
        cursor = Cursor(distance=float(number), key="1", count=1)
        assert Cursor.parse(str(cursor)).distance == float(number)
