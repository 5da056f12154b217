"""Scratch tables in the configured database, and real models on them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.apps.registry import Apps
from django.core.management.base import CommandError
from django.db import connections, models
from django.utils.translation import gettext as _
from numpy.typing import NDArray
from pgvector.django import HnswIndex, VectorField

from artsimilarity.conf import get_settings
from artsimilarity.lab.search_speed.binary_copy import Column, copy_rows
from artsimilarity.library import Library
from artsimilarity.library.index_build import memory_for, wanted_graphs, watched
from artsimilarity.library.vector_storage import keep_in_rows
from artsimilarity.models import RecallMeasurement, SimilarityMixin, SweepRecord
from artsimilarity.schema.fields import COPY_DESCRIPTOR_DIMENSIONS
from artsimilarity.schema.indexes import Graph, hnsw_index
from artsimilarity.schema.states import EmbeddingStatus

TABLE = "artsimilarity_benchmark"
PLAIN_TABLE = "artsimilarity_benchmark_plain"

BUCKETS = 1000
"""Values of the column ``bucket``: ``bucket < n`` keeps n in a thousand rows."""


@dataclass(frozen=True, kw_only=True)
class Scratch:
    """The models of one run.

    Attributes:
        pictures: a picture model as a host would write it, with the app's own columns and index.
        plain: the same vectors as pgvector's README would keep them.
    """

    pictures: type[Any]
    plain: type[Any]

    @property
    def models(self) -> tuple[type[Any], type[Any]]:
        """Both."""
        return self.pictures, self.plain


@dataclass(frozen=True, kw_only=True)
class Built:
    """What an index took to build.

    Attributes:
        seconds: wall time.
        index_bytes: of the HNSW index.
        table_bytes: of the table without its indexes.
        memory: ``maintenance_work_mem`` that it was built with.
    """

    seconds: float
    index_bytes: int
    table_bytes: int
    memory: str


def make_models() -> Scratch:
    """Make the model classes, in a registry of their own: the project never sees them.

    Not ``managed = False``: the schema editor would leave out their ordinary indexes.
    """
    registry = Apps()

    class Picture(SimilarityMixin, models.Model):  # noqa: DJ008
        id = models.BigAutoField(primary_key=True)
        image = models.TextField()
        bucket = models.IntegerField(db_index=True)

        class Meta:
            app_label = "artsimilarity"
            apps = registry
            db_table = TABLE

    class PlainPicture(models.Model):  # noqa: DJ008
        id = models.BigAutoField(primary_key=True)
        bucket = models.IntegerField(db_index=True)
        embedding = VectorField(dimensions=get_settings().recipe.dimensions)

        class Meta:
            app_label = "artsimilarity"
            apps = registry
            db_table = PLAIN_TABLE
            indexes = [
                HnswIndex(
                    fields=["embedding"],
                    opclasses=["vector_ip_ops"],
                    name="artsimilarity_plain_hnsw",
                )
            ]

    return Scratch(pictures=Picture, plain=PlainPicture)


@contextmanager
def scratch_tables(using: str, *, keep: bool, replace: bool) -> Iterator[Scratch]:
    """Create the tables, without their HNSW indexes, and drop them whatever happens.

    Args:
        using: alias of the database.
        keep: leave the tables in the end.
        replace: drop what an earlier run has left.

    Raises:
        CommandError: the tables are there already.
    """
    connection = connections[using]
    if replace:
        _drop(using)
    elif TABLE in connection.introspection.table_names():
        raise CommandError(
            _(
                "The table %(table)s is there already: another benchmark is running, or an earlier "
                "one was kept or killed. Add --replace to drop it first."
            )
            % {"table": TABLE}
        )
    scratch = make_models()
    try:
        with connection.schema_editor() as editor:
            for model in scratch.models:
                every = model._meta.indexes
                model._meta.indexes = [i for i in every if not isinstance(i, HnswIndex)]
                editor.create_model(model)
                model._meta.indexes = every
        keep_in_rows(Library(scratch.pictures, using))
        yield scratch
    finally:
        if not keep:
            connection.close()  # an interrupted statement may have left it unusable
            _drop(using)


def _drop(using: str) -> None:
    with connections[using].cursor() as cursor:
        for table in (TABLE, PLAIN_TABLE):
            cursor.execute(f"DROP TABLE IF EXISTS {table}")
    label = Library(make_models().pictures, using).label
    for noted in (RecallMeasurement, SweepRecord):
        noted.objects.using(using).filter(model_label=label).delete()


def fill(
    scratch: Scratch,
    library: NDArray[np.float16],
    buckets: NDArray[np.int32],
    using: str,
    advance: Callable[[int], object],
) -> float:
    """Copy ``library`` into both tables; primary keys count from 1. Return the seconds taken."""
    started = time.monotonic()
    texts = {
        "image": "picture.jpg",
        "embedding_recipe": get_settings().recipe.fingerprint,
        "embedding_next_recipe": "",
        "embedding_digest": "0" * 64,
        "embedding_image": "picture.jpg",
        "embedding_status": EmbeddingStatus.READY.value,
        "embedding_error": "",
    }
    both = [
        Column(name="id", kind=">i8", value=np.arange(1, len(library) + 1)),
        Column(name="bucket", kind=">i4", value=buckets),
    ]
    halves = Column(name="embedding", kind=">f2", value=library)
    # Rows as wide as a site's: Postgres keeps the vectors of such rows out of line.
    flat = np.full(COPY_DESCRIPTOR_DIMENSIONS, COPY_DESCRIPTOR_DIMENSIONS**-0.5, np.float16)
    descriptors = Column(
        name="embedding_copy_descriptor",
        kind=">f2",
        value=np.broadcast_to(flat, (len(library), len(flat))),
    )
    attempts = Column(name="embedding_attempts", kind=">i2", value=1)
    fixed = [
        Column(name=name, kind=f"S{len(text)}", value=text.encode()) for name, text in texts.items()
    ]
    copy_rows(
        scratch.pictures._meta.db_table,
        [*both, halves, descriptors, *fixed, attempts],
        using,
        advance,
    )
    floats = Column(name="embedding", kind=">f4", value=library)
    copy_rows(scratch.plain._meta.db_table, [*both, floats], using, advance)
    return time.monotonic() - started


def indexes_of(scratch: Scratch) -> Iterator[tuple[str, type[Any], HnswIndex]]:
    """Yield the HNSW indexes to build: a name for the report, the model, and the index.

    The app's are those that a library's settings want.
    """
    fingerprint = get_settings().recipe.fingerprint
    names = {Graph.BOTH: "app", Graph.COLOUR: "app, colours"}
    for graph in wanted_graphs():
        yield names[graph], scratch.pictures, hnsw_index(scratch.pictures, fingerprint, graph=graph)
    (plain,) = scratch.plain._meta.indexes
    yield "plain", scratch.plain, plain


def build_index(
    model: type[Any],
    index: HnswIndex,
    rows: int,
    using: str,
    memory: str | None,
    advance: Callable[[int], object],
) -> Built:
    """Build an HNSW index, then vacuum and analyse the table.

    Args:
        model: one of the scratch models.
        index: of its table.
        rows: rows in the table.
        using: alias of the database.
        memory: ``maintenance_work_mem`` for the build; None takes what the graph needs.
        advance: called with the rows indexed since its last call.
    """
    connection = connections[using]
    value_bytes = 2 if issubclass(model, SimilarityMixin) else 4
    memory = memory or memory_for(rows, get_settings().recipe.dimensions, value_bytes)
    seen = 0

    def note(share: float) -> None:
        nonlocal seen
        advance(int(rows * share) - seen)
        seen = int(rows * share)

    started = time.monotonic()
    with watched(using, [model._meta.db_table], note), connection.schema_editor() as editor:
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('maintenance_work_mem', %s, true)", [memory])
        editor.add_index(model, index)
    seconds = time.monotonic() - started
    table = model._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(f"VACUUM (ANALYZE) {table}")
        cursor.execute("SELECT pg_relation_size(%s), pg_table_size(%s)", [index.name, table])
        index_bytes, table_bytes = cursor.fetchone()
    return Built(seconds=seconds, index_bytes=index_bytes, table_bytes=table_bytes, memory=memory)
