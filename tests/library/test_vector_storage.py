"""Vectors are kept within their rows, where an exact comparison reads them quickly."""

from __future__ import annotations

import time
from random import Random
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from artsimilarity.conf import get_settings
from artsimilarity.library import Library, vector_storage
from artsimilarity.library.vector_storage import keep_in_rows
from artsimilarity.schema.fields import COPY_DESCRIPTOR_DIMENSIONS
from demo_site.library.models import Artwork

pytestmark = pytest.mark.django_db

LIBRARY = Library.of(Artwork)
TABLE = Artwork._meta.db_table
VECTORS = ("embedding", "embedding_next")


def _execute(sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall() if cursor.description else []


def _storage() -> dict[str, str]:
    found = _execute(
        "SELECT attname, attstorage FROM pg_attribute WHERE attrelid = to_regclass(%s)"
        " AND attname = ANY(%s)",
        TABLE,
        list(VECTORS),
    )
    return {name: bytes(kind).decode() if isinstance(kind, bytes) else kind for name, kind in found}


def _forget() -> None:
    for name in VECTORS:
        _execute(f"ALTER TABLE {TABLE} ALTER {name} SET STORAGE EXTERNAL")


def test_migrations_leave_both_columns_so() -> None:
    assert _storage() == dict.fromkeys(VECTORS, "m")


def test_a_table_of_an_earlier_release_is_changed_by_migrate() -> None:
    _forget()
    call_command("migrate", verbosity=0)
    assert _storage() == dict.fromkeys(VECTORS, "m")


def test_nothing_is_locked_where_nothing_is_to_be_changed(
    django_assert_num_queries: Any,
) -> None:
    with django_assert_num_queries(3) as captured:  # two of them are the savepoint's
        keep_in_rows(LIBRARY)
    assert not any("ALTER" in query["sql"] for query in captured)


@pytest.mark.django_db(transaction=True)
def test_a_table_that_others_keep_locked_is_left_for_the_next_time(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vector_storage, "_SECONDS_BETWEEN", 0)
    _forget()
    reader = connection.copy()
    try:
        with reader.cursor() as cursor:
            cursor.execute(f"BEGIN; SELECT 1 FROM {TABLE}")
            begun = time.monotonic()
            keep_in_rows(LIBRARY)
        assert time.monotonic() - begun < 5
    finally:
        reader.close()
    assert "others kept the table locked" in caplog.text
    assert _storage() == dict.fromkeys(VECTORS, "e")
    keep_in_rows(LIBRARY)
    assert _storage() == dict.fromkeys(VECTORS, "m")


def test_a_table_of_another_role_is_left_as_it_is() -> None:
    _forget()
    _execute("CREATE ROLE somebody")
    try:
        _execute("SET ROLE somebody")
        keep_in_rows(LIBRARY)
    finally:
        _execute("RESET ROLE")
        _execute("DROP ROLE somebody")
    assert _storage() == dict.fromkeys(VECTORS, "e")


@pytest.mark.parametrize("kept", [True, False])
def test_a_wide_row_moves_its_text_out_and_not_its_vector(*, kept: bool) -> None:
    if connection.pg_version < 170_000:  # type: ignore[attr-defined]
        pytest.skip("pg_column_toast_chunk_id() is of Postgres 17")
    if not kept:
        _forget()
    words = Random(0).randbytes(400).hex()  # shorter than the vector, but it hardly compresses
    _execute(f"ALTER TABLE {TABLE} ADD about text")
    Artwork.objects.create(title="Map", image="map.png")
    _execute(
        f"UPDATE {TABLE} SET about = %s, embedding = array_fill(0.1, ARRAY[%s])::halfvec,"
        " embedding_copy_descriptor = array_fill(0.1, ARRAY[%s])::halfvec",
        words,
        get_settings().recipe.dimensions,
        COPY_DESCRIPTOR_DIMENSIONS,
    )
    (moved,) = _execute(
        "SELECT pg_column_toast_chunk_id(embedding) IS NOT NULL,"
        f" pg_column_toast_chunk_id(about) IS NOT NULL FROM {TABLE}"
    )
    assert moved[0] is not kept
