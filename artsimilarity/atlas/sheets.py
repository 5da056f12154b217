"""Sheets of small pictures: one file instead of some hundred, of pictures that anybody may see.

A sheet is made of what an anonymous visitor may see. It is kept in the database and asked for
through the map's page, which gives it only to whoever may see every picture on it, with the file
that it shows, at that moment. So from the moment at which a picture is hidden, deleted or replaced
its sheet is given to nobody; the script shows single thumbnails, until a worker's next sweep has
made another sheet without it, under another name.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from io import BytesIO
from itertools import chain, islice
from typing import Final

from django.db import transaction
from PIL import Image

from artsimilarity.atlas.places import LAYOUTS, cell_of
from artsimilarity.atlas.tiles import Map
from artsimilarity.library import Library
from artsimilarity.library.thumbnails import gives_small_versions, small_version
from artsimilarity.schema.tables import MapPlace, MapSheet

SIDE: Final = 64
"""Pixels of the longer side of a picture on a sheet."""

ACROSS: Final = 16
"""Pictures beside one another."""

FULL: Final = ACROSS * ACROSS
"""Pictures on a sheet: as many as a tile shows, so that an overview takes one or two."""

_QUALITY = 70
_SHA256 = re.compile("[0-9a-f]{64}")
# Levels that tell which pictures come first; on deeper ones all stand alone.
_LEVELS = 6


def stored_sheet(shown: Map, sha256: str) -> bytes | None:
    """Return a sheet's file; None if there is none that the visitor may see all of."""
    library = shown.library
    known = MapSheet.objects.using(library.using).filter(model_label=library.label)
    sheet = known.filter(sha256=sha256).first() if _SHA256.fullmatch(sha256) else None
    if sheet is None or not shown.shows_all(sheet.keys, sheet.digests):
        return None
    return bytes(sheet.data)


def refresh_sheets(
    library: Library,
    *,
    most: int | None = None,
    progress: Callable[[float], object] = lambda _share: None,
) -> int:
    """Make the sheets that are lacking, and others for those that nobody may have any more.

    Those that no place names any more, as after a new map, are deleted.

    Pictures that an overview shows come first, so that it takes few sheets. Of a picture whose
    thumbnail is not stored yet the map shows none from a sheet, nor where thumbnails are made by
    other means than ours: what a host shows of a picture is its own to say.

    Args:
        library: that has a map.
        most: look for the thumbnails of as many pictures; None for all.
        progress: is told how much is done, 0 to 1.

    Returns:
        How many sheets were made.
    """
    known = MapSheet.objects.using(library.using).filter(model_label=library.label)
    stored = MapPlace.objects.using(library.using).filter(model_label=library.label)
    known.exclude(sha256__in=stored.exclude(sheet="").values("sheet")).delete()
    digests = _public_digests(library) if gives_small_versions(library) else {}
    for sheet in known.defer("data"):
        if [digests.get(key) for key in sheet.keys] != sheet.digests:
            _dissolve(library, sheet)
    waiting = _in_order_of_need(library, digests)[:most]
    readable = _readable(library, waiting)
    first = next(readable, None)
    if first is None:
        return 0
    # One more for a sheet that has room: it is made anew with what there is now.
    again: list[str] = []
    for sheet in known.defer("data"):
        if len(sheet.keys) < FULL:
            again += sheet.keys
            _dissolve(library, sheet)
    made, done = 0, 0
    pictures = chain(_readable(library, again), [first], readable)
    while some := list(islice(pictures, FULL)):
        _make(library, some, digests)
        made, done = made + 1, done + len(some)
        progress(min(done / max(len(waiting), 1), 1.0))
    return made


def _public_digests(library: Library) -> dict[str, str]:
    """Digests of the embedded files that an anonymous visitor may see, by key as text."""
    visible = library.visible(None).using(library.using).order_by().values("pk")
    rows = library.rows.current().filter(pk__in=visible, embedding__isnull=False)
    return {str(pk): digest for pk, digest in rows.values_list("pk", "embedding_digest")}


def _in_order_of_need(library: Library, public: Mapping[str, str]) -> list[str]:
    """Keys of the pictures on no sheet: by the level on which each first stands for others."""
    stored = MapPlace.objects.using(library.using).filter(model_label=library.label)
    if public.keys().isdisjoint(stored.filter(sheet="").values_list("key", flat=True)):
        return []
    ranked = stored.order_by("rank", "key").values_list("key", "sheet", *LAYOUTS)
    rows = [row for row in ranked if row[0] in public]
    levels: dict[str, int] = {}
    for column in range(len(LAYOUTS)):
        taken: list[set[int]] = [set() for _level in range(_LEVELS)]
        for key, _sheet, *places in rows:
            cells = [cell_of(places[column], level) for level in range(_LEVELS)]
            new = [level for level in range(_LEVELS) if cells[level] not in taken[level]]
            for level in new:
                taken[level].add(cells[level])
            levels[key] = min([*new, levels.get(key, _LEVELS)])
    waiting = [(levels[key], places[0], key) for key, sheet, *places in rows if not sheet]
    return [key for _level, _place, key in sorted(waiting)]


def _readable(library: Library, keys: Iterable[str]) -> Iterator[tuple[str, Image.Image]]:
    """Those of some pictures that have a thumbnail, small."""
    rest = iter(keys)
    while some := list(islice(rest, FULL)):
        pictures = {str(one.pk): one for one in library.pictures.filter(pk__in=some)}
        library.load_rows(list(pictures.values()))
        for key in some:
            small = small_version(pictures[key], SIDE) if key in pictures else None
            if small is not None:
                yield key, small


def _make(
    library: Library, pictures: list[tuple[str, Image.Image]], digests: Mapping[str, str]
) -> None:
    """Draw a sheet, keep it, and tell the places where their pictures are on it."""
    down = -(-len(pictures) // ACROSS)
    whole = Image.new("RGB", (ACROSS * SIDE, down * SIDE))
    for slot, (_key, small) in enumerate(pictures):
        whole.paste(small, (slot % ACROSS * SIDE, slot // ACROSS * SIDE))
    buffer = BytesIO()
    whole.save(buffer, "WEBP", quality=_QUALITY)
    data = buffer.getvalue()
    keys = [key for key, _small in pictures]
    sha256 = hashlib.sha256(data).hexdigest()
    stored = MapPlace.objects.using(library.using).filter(model_label=library.label)
    places = {place.key: place for place in stored.filter(key__in=keys)}
    for slot, (key, small) in enumerate(pictures):
        if place := places.get(key):
            place.sheet, place.slot, place.width, place.height = sha256, slot, *small.size
    with transaction.atomic(using=library.using):
        MapSheet.objects.using(library.using).update_or_create(
            {"data": data, "keys": keys, "digests": [digests[key] for key in keys]},
            model_label=library.label,
            sha256=sha256,
        )
        stored.bulk_update(list(places.values()), ["sheet", "slot", "width", "height"])


def _dissolve(library: Library, sheet: MapSheet) -> None:
    """Delete a sheet; its pictures are on none until another is made."""
    stored = MapPlace.objects.using(library.using).filter(model_label=library.label)
    with transaction.atomic(using=library.using):
        stored.filter(sheet=sheet.sha256).update(sheet="")
        sheet.delete()
