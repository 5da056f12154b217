"""Builds the HNSW indexes of a library without stopping the site, and watches the build."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from django.db import connections, transaction
from pgvector.django import HnswIndex

from artsimilarity.conf import get_settings
from artsimilarity.encoder.recipe import block_sizes
from artsimilarity.library.library import FoundIndex, Library
from artsimilarity.schema.indexes import Graph, hnsw_index, index_name

_POLL_SECONDS = 0.5
# What the graph's own notes on a row, and each of its HNSW_M links (two in the lowest layer), take
# while it is built in memory, generously.
_NOTE_BYTES, _LINK_BYTES = 350, 38
_HALF_BYTES = 2
_LEAST_MEMORY = 64
# Suffix of an index that is being built to take another's place; names have 63 bytes at most.
_NEW = "_new"


def memory_for(rows: int, dimensions: int, value_bytes: int = _HALF_BYTES) -> str:
    """Return the ``maintenance_work_mem`` that keeps the graph of so many rows in memory."""
    links = get_settings().HNSW_M * _LINK_BYTES
    bytes_each = dimensions * value_bytes + links + _NOTE_BYTES
    return f"{max(_LEAST_MEMORY, rows * bytes_each // 2**20)}MB"


def wanted_graphs() -> list[Graph]:
    """Return by which graphs the settings want a library's vectors to be searched."""
    return [Graph.BOTH, Graph.COLOUR] if get_settings().COLOUR_INDEX else [Graph.BOTH]


@dataclass(frozen=True, kw_only=True)
class VectorIndex:
    """An index of one recipe's vectors in one of the two columns.

    Attributes:
        library: whose vectors they are.
        recipe: fingerprint; what drops the index does not look at it.
        column: ``embedding``, which is served, or ``embedding_next``.
        graph: of both blocks, or of colour alone.
    """

    library: Library
    recipe: str
    column: str = "embedding"
    graph: Graph = Graph.BOTH

    @classmethod
    def serving(cls, library: Library) -> VectorIndex:
        """Return the index that searches ask, at whatever balance where it is the only one."""
        return cls(library=library, recipe=library.recipes().serving.fingerprint)

    def with_others(self) -> list[VectorIndex]:
        """Return it and those that the settings want beside it, of the same vectors."""
        return [replace(self, graph=graph) for graph in wanted_graphs()]

    @property
    def declared(self) -> HnswIndex:
        """What it should be."""
        table = self.library.holder.similarity_table()
        return hnsw_index(table, self.recipe, self.column, self.graph)

    @property
    def name(self) -> str:
        """Its name in the database: that of the column's index, of whichever recipe."""
        return index_name(self.library.holder.similarity_table(), self.column, self.graph)

    def exists(self) -> bool:
        """Whether the column has an index that searches can ask, of whichever recipe."""
        found = self._find()
        return found is not None and found.can_be_asked

    def is_built(self) -> bool:
        """Whether it is there, valid, of that recipe, and has the declared parameters."""
        found, index = self._usable(), self.declared
        wanted = {"m": str(index.m), "ef_construction": str(index.ef_construction)}
        return found is not None and found.options == wanted

    def file(self) -> int | None:
        """Number of the file that holds it, another one after each way of building it anew.

        None where it is missing, invalid, or of another recipe. Its parameters are not looked at.
        """
        found = self._usable()
        return found.file if found else None

    def _usable(self) -> FoundIndex | None:
        """The column's index, if searches can ask it, it is valid, and of that recipe."""
        found = self._find()
        is_usable = found and found.can_be_asked and found.is_valid and found.recipe == self.recipe
        return found if is_usable else None

    def _find(self) -> FoundIndex | None:
        return self.library.find_index(self.column, self.graph)

    def is_being_built(self) -> bool:
        """Whether some process is building an index of the same table at this moment."""
        table, _key = self.library.table()
        with connections[self.library.using].cursor() as cursor:
            cursor.execute(
                "SELECT EXISTS (SELECT 1 FROM pg_stat_progress_create_index"
                " WHERE datname = current_database() AND relid = to_regclass(%s))",
                [table],
            )
            return bool(cursor.fetchone()[0])

    def count(self) -> int:
        """How many vectors it holds, or will hold."""
        vector = {f"{self.column}__isnull": False, f"{self.column}_recipe": self.recipe}
        return self.library.rows.filter(**vector).count()

    def memory(self) -> str:
        """The ``maintenance_work_mem`` that keeps its graph in memory while it is built."""
        style, colour = block_sizes(self.recipe)
        return memory_for(self.count(), colour if self.graph is Graph.COLOUR else style + colour)

    def build(
        self, *, memory: str = "", on_progress: Callable[[float], object] = lambda _share: None
    ) -> None:
        """Build it anew beside the column's present one, and let it take its place.

        Searches, saves and workers go on all the while; only the change of names at the end takes a
        lock, for a moment. What an interrupted build has left is removed first. Within a
        transaction, as in tests, it is built in the ordinary way, which keeps writers waiting.

        Args:
            memory: ``maintenance_work_mem`` of the build, such as ``"1GB"``; by default what it
                needs.
            on_progress: called with the share that is done, 0..1.

        Raises:
            django.db.Error: the server refused, for lack of disk or memory.
        """
        using = self.library.using
        connection = connections[using]
        new = self.declared.clone()
        new.name = f"{self.name[: 63 - len(_NEW)]}{_NEW}"
        old, quoted = map(connection.ops.quote_name, (self.name, new.name))
        model = self.library.holder.similarity_table()
        with connection.cursor() as cursor:
            cursor.execute(f"DROP INDEX {self._concurrently} IF EXISTS {quoted}")
            cursor.execute(
                "SELECT set_config('maintenance_work_mem', %s, %s)",
                [memory or self.memory(), connection.in_atomic_block],
            )
            try:
                with watched(using, [self.library.table()[0]], on_progress):
                    editor = connection.schema_editor(atomic=False)
                    concurrently = bool(self._concurrently)
                    cursor.execute(str(new.create_sql(model, editor, concurrently=concurrently)))
            finally:
                if not connection.in_atomic_block:
                    cursor.execute("RESET maintenance_work_mem")
        with transaction.atomic(using=using), connection.cursor() as cursor:
            cursor.execute(f"DROP INDEX IF EXISTS {old}")
            cursor.execute(f"ALTER INDEX {quoted} RENAME TO {old}")

    def drop(self) -> None:
        """Drop the column's index, if there is one, without keeping searches waiting."""
        connection = connections[self.library.using]
        with connection.cursor() as cursor:
            name = connection.ops.quote_name(self.name)
            cursor.execute(f"DROP INDEX {self._concurrently} IF EXISTS {name}")

    @property
    def _concurrently(self) -> str:
        return "" if connections[self.library.using].in_atomic_block else "CONCURRENTLY"


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
                        " WHERE datname = current_database() AND relid = ANY (%s::regclass[])",
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
