"""What a visitor may see of a map: tiles with as many pictures as there is room for, and pages.

Every question is asked of the pictures that ``similarity_queryset(request)`` allows: who stands for
a crowd is chosen among these, and only these are counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from django.core.exceptions import EmptyResultSet
from django.db import connections, models
from django.http import HttpRequest

from artsimilarity.atlas.places import LAYOUTS, Tile, point_of
from artsimilarity.library import Library
from artsimilarity.library.presentation import address_of, caption_of
from artsimilarity.schema.tables import MapPlace
from artsimilarity.search.visible import visible_pictures

Shown: TypeAlias = dict[str, Any]
"""A picture as ``map.js`` knows it: ``key``, ``title``, ``artist``, ``address``, its coordinates in
each layout, ``count`` (it stands for so many pictures, itself among them), and ``sprite``, its
sheet, slot, width and height there; None if it is on none."""

_COLUMNS = ("key", *LAYOUTS, "sheet", "slot", "width", "height")


@dataclass(frozen=True)
class Map:
    """The map of a library as one visitor may see it.

    Attributes:
        library: whose map it is, in the database that the visitor's pictures are read from.
        visible: the pictures that the visitor may see.
    """

    library: Library
    visible: models.QuerySet[Any]

    @classmethod
    def of(cls, library: Library, request: HttpRequest | None) -> Map:
        """Return the map as the visitor of ``request`` may see it, an anonymous one if None."""
        visible = visible_pictures(library.model, None, request)
        return cls(Library.searched(visible), visible)

    def tile(self, layout: str, tile: Tile) -> list[Shown]:
        """Return what a tile shows: of each of its 16 × 16 cells the picture of the lowest rank."""
        low, high = tile.places
        rows = self._ask(
            "SELECT {columns}, crowd FROM (SELECT p.*, count(*) OVER cell AS crowd,"
            " row_number() OVER (cell ORDER BY p.rank, p.key) AS turn FROM {shown}"
            " AND p.{place} >= %s AND p.{place} < %s"
            " WINDOW cell AS (PARTITION BY p.{place} >> %s)) AS p"
            " WHERE turn = 1 ORDER BY p.{place}, p.key",
            [low, high, tile.cell_shift],
            layout,
        )
        return self._as_shown(rows)

    def picture(self, key: str) -> Shown | None:
        """Return one picture; None if it is not there for the visitor, or has no place."""
        rows = self._ask("SELECT {columns}, 1 FROM {shown} AND p.key = %s", [key])
        return next(iter(self._as_shown(rows)), None)

    def count(self) -> int:
        """Return how many pictures are on the map."""
        rows = self._ask("SELECT count(*) FROM {shown}", [])
        return int(rows[0][0]) if rows else 0

    def in_order(self, layout: str, start: int, count: int) -> list[Any]:
        """Return some pictures in the order of their places: those that follow stand near by."""
        rows = self._ask(
            "SELECT p.key FROM {shown} ORDER BY p.{place}, p.key LIMIT %s OFFSET %s",
            [count, start],
            layout,
        )
        pictures = self._pictures(key for (key,) in rows)
        return [pictures[key] for (key,) in rows if key in pictures]

    def turn_of(self, layout: str, key: str) -> int | None:
        """Return how many pictures come before one in that order; None if it is not there."""
        own = self._ask("SELECT p.{place} FROM {shown} AND p.key = %s", [key], layout)
        if not own:
            return None
        before = "SELECT count(*) FROM {shown} AND (p.{place}, p.key) < (%s, %s)"
        return int(self._ask(before, [own[0][0], key], layout)[0][0])

    def shows_all(self, keys: Sequence[str], digests: Sequence[str]) -> bool:
        """Whether the visitor may see each of these pictures, and each still holds that file."""
        pictures = self._pictures(keys)
        if len(pictures) < len(keys):
            return False
        rows = self.library.rows_by_key(list(pictures.values()))
        now = {str(pk): (row.embedding_digest, row.embedding_image) for pk, row in rows.items()}
        image = self.library.image_field
        files = {key: str(getattr(one, image)) for key, one in pictures.items()}
        pairs = zip(keys, digests, strict=True)
        return all(now.get(key) == (digest, files[key]) for key, digest in pairs)

    def visible_picture(self, key: str) -> Any | None:
        """Return a picture that the visitor may see, by its key as text; None if there is none."""
        return self._pictures([key]).get(key)

    def _as_shown(self, rows: list[tuple[Any, ...]]) -> list[Shown]:
        pictures = self._pictures(row[0] for row in rows)
        return [_shown(pictures[row[0]], row) for row in rows if row[0] in pictures]

    def _pictures(self, keys: Iterable[str]) -> dict[str, Any]:
        """Pictures that the visitor may see, by their keys as text."""
        to_python = self.library.model._meta.pk.to_python
        wanted = [to_python(key) for key in keys]
        return {str(picture.pk): picture for picture in self.visible.filter(pk__in=wanted)}

    def _ask(self, sql: str, params: Sequence[Any], layout: str = "") -> list[tuple[Any, ...]]:
        """Ask about the places that the visitor may see.

        In ``sql`` ``{shown}`` stands for these, ``{place}`` for the column of a layout and
        ``{columns}`` for what a picture is shown by. ``params`` are those of what follows
        ``{shown}``.
        """
        if layout and layout not in LAYOUTS:
            raise ValueError(f"A map has the layouts {', '.join(LAYOUTS)}, not {layout!r}.")
        visible = self.visible.order_by().values("pk")
        try:
            visible_sql, visible_params = visible.query.get_compiler(visible.db).as_sql()
        except EmptyResultSet:  # the host shows nothing to this visitor
            return []
        connection = connections[self.library.using]
        table = connection.ops.quote_name(MapPlace._meta.db_table)
        kind = self.library.model._meta.pk.rel_db_type(connection)
        # A CASE, as Postgres may otherwise read another library's keys as this one's first.
        named = {
            "{shown}": f"{table} p WHERE p.model_label = %s AND (CASE WHEN p.model_label = %s"
            f" THEN p.key::{kind} END) IN ({visible_sql})",
            "{place}": layout,
            "{columns}": ", ".join(f"p.{name}" for name in _COLUMNS),
        }
        # The host's own part goes in last: it may hold anything.
        for name in ("{place}", "{columns}", "{shown}"):
            sql = sql.replace(name, named[name])
        label = self.library.label
        with connection.cursor() as cursor:
            cursor.execute(sql, [label, label, *visible_params, *params])
            found: list[tuple[Any, ...]] = cursor.fetchall()
        return found


def _shown(picture: Any, row: tuple[Any, ...]) -> Shown:
    key, brushwork, colours, sheet, slot, width, height, count = row
    caption = caption_of(picture)
    return {
        "key": key,
        "title": str(caption.title),
        "artist": str(caption.artist),
        "address": address_of(picture),
        "brushwork": point_of(brushwork),
        "colours": point_of(colours),
        "count": count,
        "sprite": [sheet, slot, width, height] if sheet else None,
    }
