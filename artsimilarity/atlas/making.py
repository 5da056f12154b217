"""Makes the map of a library, from the vectors to the stored places."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Final

from django.db import connections, transaction
from django.utils import timezone

from artsimilarity.atlas.errors import LayoutError
from artsimilarity.atlas.places import apart, place_of, rank_of
from artsimilarity.atlas.placing import place_new
from artsimilarity.atlas.sheets import refresh_sheets
from artsimilarity.conf import get_settings
from artsimilarity.library import Library
from artsimilarity.schema.tables import MapPlace, PictureMap

_LAID_OUT: Final = 0.8
_BATCH = 2_000


def make_map(
    library: Library,
    *,
    threads: int | None = None,
    progress: Callable[[float], object] = lambda _share: None,
) -> PictureMap:
    """Make the map of a library and put it into the place of the last one.

    What an anonymous visitor may see is laid out, so that what is hidden leaves no trace in any
    place; other pictures are put beside what is like them. Until it is done the last map is shown.

    Args:
        library: whose pictures are laid out.
        threads: that t-SNE may use, where ``ARTSIMILARITY["THREADS"]`` is None; None takes all.
        progress: is told how much is done, 0 to 1; the map's row tells it too.

    Raises:
        LayoutError: numpy or openTSNE is not installed.
    """
    try:
        import numpy  # noqa: F401 -- pages need not have it
    except ImportError as error:
        raise LayoutError("numpy") from error
    from artsimilarity.atlas import layout

    known = PictureMap.objects.using(library.using)
    known.get_or_create(model_label=library.label)

    def tell(share: float) -> None:
        known.filter(model_label=library.label).update(progress=share)
        progress(share)

    fingerprint = library.recipes().serving.fingerprint
    threads = get_settings().THREADS or threads or os.cpu_count() or 1
    found = layout.compute(
        library, fingerprint, threads=threads, progress=lambda share: tell(share * _LAID_OUT)
    )
    count = len(found.keys)
    rows = zip(found.keys, found.digests, *(one.tolist() for one in found.points), strict=True)
    places = [
        MapPlace(
            model_label=library.label,
            key=key,
            digest=digest,
            rank=rank_of(key),
            brushwork=place_of(apart(brushwork[0], brushwork[1], key, pictures=count)),
            colours=place_of(apart(colours[0], colours[1], key, pictures=count)),
        )
        for key, digest, brushwork, colours in rows
    ]
    with transaction.atomic(using=library.using):
        made = known.select_for_update().get(model_label=library.label)
        stored = MapPlace.objects.using(library.using)
        stored.filter(model_label=library.label).delete()
        stored.bulk_create(places, batch_size=_BATCH)
        made.fingerprint, made.pictures, made.made_at = fingerprint, count, timezone.now()
        made.save()
    analyze_places(library)
    tell(0.85)
    place_new(library)
    tell(0.9)
    refresh_sheets(library, progress=lambda share: tell(0.9 + 0.1 * share))
    tell(1.0)
    return known.get(model_label=library.label)


def analyze_places(library: Library) -> None:
    """Let Postgres' planner know how many places there are, before it looks by itself.

    It takes a table that was just filled for an almost empty one, and compares all with all.
    """
    connection = connections[library.using]
    table = connection.ops.quote_name(MapPlace._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {table}")


def is_made(library: Library) -> bool:
    """Whether the library has a map."""
    known = PictureMap.objects.using(library.using)
    return known.filter(model_label=library.label, made_at__isnull=False).exists()
