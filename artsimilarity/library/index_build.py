"""Builds the HNSW index of a library without stopping the site, and watches the build."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.db import connections, transaction
from pgvector.django import HnswIndex

from artsimilarity.library.library import Library
from artsimilarity.schema.indexes import hnsw_index

_POLL_SECONDS = 0.5
# What a row's vector and its links take while the graph is built in memory, generously.
_GRAPH_BYTES = {"halfvec_ip_ops": 2_000, "vector_ip_ops": 3_000}
_LEAST_MEMORY = 64
# Suffix of an index that is being built to take another's place; names have 63 bytes at most.
_NEW = "_new"


def memory_for(index: HnswIndex, rows: int) -> str:
    """Return the ``maintenance_work_mem`` that keeps the graph of so many rows in memory."""
    return f"{max(_LEAST_MEMORY, rows * _GRAPH_BYTES[index.opclasses[0]] // 2**20)}MB"


def is_built_as_declared(library: Library) -> bool:
    """Whether the library's index is there, valid, and has the declared parameters."""
    index = hnsw_index(library.holder.similarity_table())
    table, _key = library.table()
    with connections[library.using].cursor() as cursor:
        cursor.execute(
            "SELECT indisvalid, coalesce(reloptions, '{}') FROM pg_index"
            " JOIN pg_class ON pg_class.oid = indexrelid"
            " WHERE indrelid = to_regclass(%s) AND relname = %s",
            [table, index.name],
        )
        found = cursor.fetchone()
    if not found or not found[0]:
        return False
    options = dict(option.split("=") for option in found[1])
    wanted = {"m": index.m, "ef_construction": index.ef_construction}
    return options == {name: str(value) for name, value in wanted.items() if value is not None}


def build_concurrently(
    library: Library,
    *,
    memory: str,
    on_progress: Callable[[float], object],
) -> None:
    """Build the library's index anew beside the present one, and let it take its place.

    Searches, saves and workers go on all the while; only the change of names at the end takes a
    lock, for a moment. What an interrupted build has left is removed first. Not inside a
    transaction.

    Args:
        library: whose vectors are indexed.
        memory: ``maintenance_work_mem`` of the build, such as ``"1GB"``.
        on_progress: called with the share that is done, 0..1.

    Raises:
        django.db.Error: the server refused, for lack of disk or memory.
    """
    connection = connections[library.using]
    model = library.holder.similarity_table()
    table, _key = library.table()
    declared = hnsw_index(model)
    new = declared.clone()
    new.name = f"{declared.name[: 63 - len(_NEW)]}{_NEW}"
    old, quoted = (connection.ops.quote_name(one.name) for one in (declared, new))
    with connection.cursor() as cursor:
        cursor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {quoted}")
        cursor.execute("SELECT set_config('maintenance_work_mem', %s, false)", [memory])
        try:
            with watched(library.using, [table], on_progress):
                editor = connection.schema_editor(atomic=False)
                cursor.execute(str(new.create_sql(model, editor, concurrently=True)))
        finally:
            cursor.execute("RESET maintenance_work_mem")
    with transaction.atomic(using=library.using), connection.cursor() as cursor:
        cursor.execute(f"DROP INDEX IF EXISTS {old}")
        cursor.execute(f"ALTER INDEX {quoted} RENAME TO {old}")


@contextmanager
def watched(
    using: str, tables: list[str], on_progress: Callable[[float], object]
) -> Iterator[None]:
    """Report how far the server has come with an index, from a connection of its own."""
    done = threading.Event()

    def watch() -> None:
        try:
            with connections[using].cursor() as cursor:
                while not done.wait(_POLL_SECONDS):
                    cursor.execute(
                        "SELECT blocks_done::float / nullif(blocks_total, 0)"
                        " FROM pg_stat_progress_create_index"
                        " WHERE relid = ANY (%s::regclass[])",
                        [tables],
                    )
                    found = cursor.fetchone()
                    if found and found[0] is not None:
                        on_progress(min(found[0], 1.0))
        finally:
            connections[using].close()

    watcher = threading.Thread(target=watch, name="index-progress", daemon=True)
    watcher.start()
    try:
        yield
        done.set()
        watcher.join()
        on_progress(1.0)
    finally:
        done.set()
        watcher.join()
