"""A library of any size: drawn vectors, and a few drawn pictures that its rows share."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.db import connection
from django.utils.translation import gettext as _
from pgvector.django import HnswIndex
from tqdm import tqdm

from artsimilarity.conf import get_settings
from artsimilarity.library import Library
from artsimilarity.library.index_build import VectorIndex
from artsimilarity.management.progress import percent_bar
from artsimilarity.schema.fields import COPY_DESCRIPTOR_DIMENSIONS
from artsimilarity.search.recall import LEAST_PICTURES
from demo_site.library.models import Artwork

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_FILES = 24
_BATCH = 10_000
_DRAWN = "drawn_vectors"
_TABLE = Artwork._meta.db_table


def fill_library(rows: int) -> list[int]:
    """Add pictures that are embedded and indexed, and measure recall as a worker would.

    The rows are as wide as a real library's. Copies are not looked for: their index goes.

    Returns:
        The primary keys.
    """
    copies = [index for index in Artwork._meta.indexes if isinstance(index, HnswIndex)]
    with connection.schema_editor() as editor:
        for index in copies:
            editor.remove_index(Artwork, index)
    indexes = VectorIndex.serving(Library.of(Artwork)).with_others()
    for one in indexes:
        one.drop()
    with tqdm(total=rows, desc=_("Filling"), unit=_("row"), disable=None) as bar:
        _keep_for_now(_draw(rows))
        _add(rows, _save_files()[:rows], bar)
    for one in indexes:
        with percent_bar(_("Index")) as on_progress:
            one.build(on_progress=on_progress)
    with connection.cursor() as cursor:
        cursor.execute(f"VACUUM (ANALYZE) {_TABLE}")
    if rows >= LEAST_PICTURES:
        call_command("measure_recall")
    return list(Artwork.objects.values_list("pk", flat=True))


def _draw(rows: int) -> NDArray[np.float16]:
    import numpy as np

    from artsimilarity.lab.search_speed.vectors import draw_library, find_centres

    random = np.random.default_rng(0)
    return draw_library(find_centres("default", random), rows, random, lambda _count: None)


def _save_files() -> list[str]:
    from demo_site.samples import save_all

    with tempfile.TemporaryDirectory() as folder:
        drawn = sorted(save_all(Path(folder)))[:_FILES]
        return [
            default_storage.save(f"artworks/{path.name}", ContentFile(path.read_bytes()))
            for path in drawn
        ]


def _keep_for_now(vectors: NDArray[np.float16]) -> None:
    """Copy the vectors into a temporary table, numbered from 0."""
    import numpy as np

    from artsimilarity.lab.search_speed.binary_copy import Column, copy_rows

    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE TEMPORARY TABLE {_DRAWN} (number bigint PRIMARY KEY, embedding halfvec)"
        )
    numbers = Column(name="number", kind=">i8", value=np.arange(len(vectors)))
    halves = Column(name="embedding", kind=">f2", value=vectors)
    copy_rows(_DRAWN, [numbers, halves], "default", lambda _count: None)


def _add(rows: int, names: list[str], bar: tqdm[Any]) -> None:
    """Add a row for each vector: a copy of one that Django wrote, with a title of its own."""
    flat = [COPY_DESCRIPTOR_DIMENSIONS**-0.5] * COPY_DESCRIPTOR_DIMENSIONS
    patterns = Artwork.objects.bulk_create(
        Artwork(
            image=name,
            width=960,
            height=720,
            embedding_copy_descriptor=flat,
            embedding_recipe=get_settings().recipe.fingerprint,
            embedding_image=name,
            embedding_status="ready",
        )
        for name in names
    )
    columns = {
        str(one.column): f"pattern.{one.column}"
        for one in Artwork._meta.concrete_fields
        if not one.primary_key
    } | {
        "title": "'Picture ' || drawn.number",
        "artist": "'Artist ' || mod(drawn.number, 500)",
        "embedding": "drawn.embedding",
    }
    insert = (
        f"INSERT INTO {_TABLE} ({', '.join(columns)}) SELECT {', '.join(columns.values())} "  # noqa: S608
        f"FROM {_DRAWN} drawn JOIN {_TABLE} pattern "
        "ON pattern.id = (%s::bigint[])[1 + mod(drawn.number, %s)] "
        "WHERE drawn.number >= %s AND drawn.number < %s ORDER BY drawn.number"
    )
    pks = [one.pk for one in patterns]
    with connection.cursor() as cursor:
        for start in range(0, rows, _BATCH):
            cursor.execute(insert, [pks, len(pks), start, start + _BATCH])
            bar.update(min(_BATCH, rows - start))
        cursor.execute(f"DROP TABLE {_DRAWN}")
    Artwork.objects.filter(pk__in=pks).delete()
