"""Small pictures drawn on the spot, and rows that hold them or hold a given vector."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from django.core.files.base import ContentFile
from django.db import connection
from numpy.typing import NDArray
from pgvector import HalfVector
from pgvector.django import HalfVectorField, HnswIndex
from PIL import Image
from psycopg.sql import SQL, Identifier

from artsimilarity.conf import get_settings
from artsimilarity.library import Library
from artsimilarity.library.index_build import VectorIndex
from demo_site.library.models import Artwork

RED = (200, 30, 30)
GREEN = (30, 160, 60)
BLUE = (30, 60, 200)
BLACK = (0, 0, 0)


def picture_bytes(colour: tuple[int, int, int] = RED, format: str = "PNG", side: int = 32) -> bytes:
    """A picture of one colour."""
    buffer = io.BytesIO()
    Image.new("RGB", (side, side), colour).save(buffer, format)
    return buffer.getvalue()


def picture_file(
    colour: tuple[int, int, int] = RED, name: str = "picture.png", side: int = 32
) -> ContentFile[bytes]:
    """The same as a file to assign to an image field."""
    return ContentFile(picture_bytes(colour, side=side), name=name)


def make_artwork(
    title: str = "A print", colour: tuple[int, int, int] = RED, **fields: Any
) -> Artwork:
    """A saved artwork whose picture is of one colour."""
    return Artwork.objects.create(title=title, image=picture_file(colour), **fields)


def unit_blocks(style: NDArray[Any], colour: NDArray[Any]) -> NDArray[np.float32]:
    """A vector as the recipe ART makes it: two blocks of length 1."""
    style = np.pad(np.asarray(style, float), (0, 256 - len(style)))
    colour = np.pad(np.asarray(colour, float), (0, 216 - len(colour)))
    blocks = [style / np.linalg.norm(style), colour / np.linalg.norm(colour)]
    return np.concatenate(blocks).astype(np.float32)


def make_embedded(title: str, style: Any = (1.0,), colour: Any = (1.0,), **fields: Any) -> Artwork:
    """A saved artwork with a given vector, as a worker would have left it."""
    recipe = fields.pop("embedding_recipe", get_settings().recipe.fingerprint)
    return Artwork.objects.create(
        title=title,
        image=f"{title}.png",
        embedding=unit_blocks(style, colour).tolist(),
        embedding_recipe=recipe,
        embedding_image=f"{title}.png",
        embedding_status="ready",
        **fields,
    )


def fill_library(count: int, facts: Callable[[int], dict[str, Any]] = lambda _number: {}) -> None:
    """Rows with random vectors, written in bulk, and the planner told of them.

    ``facts`` gives further columns of each, by its number.
    """
    random = np.random.default_rng(1)
    fingerprint = get_settings().recipe.fingerprint
    # Built at once, an index takes a fraction of the time that row after row does.
    serving = VectorIndex.serving(Library.of(Artwork)).with_others()
    indexes = [
        *(one.declared for one in serving),
        *(one for one in Artwork._meta.indexes if isinstance(one, HnswIndex)),
    ]
    with connection.schema_editor() as editor:
        for index in indexes:
            editor.remove_index(Artwork, index)
    rows = (
        Artwork(
            title=str(number),
            image=f"{number}.png",
            embedding=unit_blocks(random.normal(size=256), random.random(216)),
            embedding_recipe=fingerprint,
            embedding_image=f"{number}.png",
            embedding_status="ready",
            **facts(number),
        )
        for number in range(count)
    )
    _copy_in(rows)
    with connection.schema_editor() as editor:
        for index in indexes:
            editor.add_index(Artwork, index)
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {Artwork._meta.db_table}")


def _copy_in(rows: Iterable[Artwork]) -> None:
    """Save new rows by Postgres' binary COPY: vectors as text take several times as long."""
    columns = [field for field in Artwork._meta.local_concrete_fields if not field.primary_key]
    names = SQL(", ").join(Identifier(field.column) for field in columns)
    table = Identifier(Artwork._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(SQL("SELECT {} FROM {} LIMIT 0").format(names, table))
        vectors = [isinstance(field, HalfVectorField) for field in columns]
        # A vector's own binary form goes through as plain bytes do.
        types = [
            "bytea" if vector else column.type_code
            for vector, column in zip(vectors, cursor.description, strict=True)
        ]
        with cursor.copy(
            SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(table, names)
        ) as copy:
            copy.set_types(types)
            for row in rows:
                values = [field.pre_save(row, add=True) for field in columns]
                copy.write_row(
                    [
                        HalfVector(value).to_binary()
                        if vector and value is not None
                        else field.get_db_prep_save(value, connection)
                        for field, vector, value in zip(columns, vectors, values, strict=True)
                    ]
                )
