"""What a library's table gets once it is migrated: vectors within their rows, and indexes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db import connections, router
from django.utils.translation import gettext

from artsimilarity.library import Library, libraries
from artsimilarity.library.index_build import VectorIndex
from artsimilarity.library.vector_storage import keep_in_rows
from artsimilarity.schema.tables import Rollout


def prepare_tables(using: str, verbosity: int = 1, **kwargs: Any) -> None:
    """Have each library's vectors kept within their rows, and build the indexes that it has not.

    It is a receiver of ``post_migrate``.
    """
    for library in _migrated(using):
        keep_in_rows(library)
        build_missing(library, verbosity)


def build_missing(library: Library, verbosity: int = 1) -> None:
    """Build the indexes that a library has not.

    One that is there is left alone, whatever its recipe and parameters, which the command
    ``build_similarity_index`` mends; unless there is nothing in the table yet, or searches cannot
    ask it, as it is of an earlier release.
    """
    for index in VectorIndex.serving(library).with_others():
        if not index.exists() or not (index.is_built() or library.rows.exists()):
            if verbosity and (count := index.count()):
                words = gettext("Building the index of %(count)d vectors of %(model)s.")
                print(" ", words % {"count": count, "model": library.name})
            index.build()


def _migrated(using: str) -> Iterator[Library]:
    """The libraries whose tables are in a database."""
    if connections[using].vendor != "postgresql":
        return
    for written in libraries():
        library = Library(written.model, using)
        is_here = router.allow_migrate_model(using, library.holder.similarity_table())
        if is_here and _is_migrated(library):
            yield library


def _is_migrated(library: Library) -> bool:
    """Whether the vectors' table and our own are there: one may migrate an app at a time."""
    connection = connections[library.using]
    ours = connection.ops.quote_name(Rollout._meta.db_table)
    table, _key = library.table()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT to_regclass(%s) IS NOT NULL AND EXISTS (SELECT 1 FROM pg_attribute"
            " WHERE attrelid = to_regclass(%s) AND attname = 'embedding_next_recipe')",
            [ours, table],
        )
        return bool(cursor.fetchone()[0])
