"""Puts pictures on a map that has been made: each beside what is like it, without a new layout."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet, TextField
from django.db.models.functions import Cast

from artsimilarity.atlas.places import SIDE, Point, apart, place_of, point_of, rank_of
from artsimilarity.library import Library
from artsimilarity.library.rows import EmbeddingQuerySet
from artsimilarity.schema.columns import EmbeddingColumns
from artsimilarity.schema.states import EmbeddingStatus
from artsimilarity.schema.tables import MapPlace, PictureMap
from artsimilarity.search.nearest import nearest
from artsimilarity.search.query_vector import QueryVector, stored_vector

_NEIGHBOURS = 8
_BATCH = 200
# Brushwork is compared by the style block alone, colours by the other.
_BALANCES = (("brushwork", 1.0), ("colours", 0.0))
# Square of the distance at which a neighbour counts half of one that is the very same.
_NEAR = 0.01


def place_new(library: Library, *, most: int | None = None) -> int:
    """Place the pictures that have a vector and no place, or the place of another file.

    Each stands at the mean of its nearest neighbours among those that an anonymous visitor may see,
    the nearer ones with the greater weight. So nothing that is hidden moves anything. Where none of
    these has a place, as in a series that is new as a whole, it is the nearest of those that have.

    Args:
        library: that has a map; :func:`~artsimilarity.atlas.making.is_made` tells.
        most: look at as many; None for all.

    Returns:
        How many were placed.
    """
    if not _stored(library).exists():
        return 0
    made = PictureMap.objects.using(library.using).get(model_label=library.label)
    fingerprint = library.recipes().serving.fingerprint
    pks = list(_unplaced(library, fingerprint).values_list("pk", flat=True)[:most])
    placed = 0
    for start in range(0, len(pks), _BATCH):
        some = library.pictures.filter(pk__in=pks[start : start + _BATCH]).order_by("pk")
        pictures = {picture.pk: picture for picture in some}
        for pk, row in library.rows_by_key(list(pictures.values())).items():
            placed += _place(library, made, pictures[pk], row)
    return placed


def forget_lost(library: Library) -> int:
    """Delete the places of pictures that are gone, or whose present file cannot be shown."""
    rows = library.rows.exclude(embedding_status=EmbeddingStatus.FAILED)
    rows = rows.annotate(key=Cast("pk", TextField())).filter(key=OuterRef("key"))
    return _stored(library).filter(~Exists(rows)).delete()[0]


def _stored(library: Library) -> QuerySet[MapPlace]:
    return MapPlace.objects.using(library.using).filter(model_label=library.label)


def _place_of_outer(library: Library) -> QuerySet[MapPlace]:
    """The place of the picture that a query is about."""
    return _stored(library).filter(key=Cast(OuterRef("pk"), TextField()))


def _unplaced(library: Library, fingerprint: str) -> EmbeddingQuerySet[Any]:
    same = _place_of_outer(library).filter(digest=OuterRef("embedding_digest"))
    rows = library.rows.current().served(fingerprint)
    return rows.filter(~Exists(same)).order_by("pk")


def _place(library: Library, made: PictureMap, picture: Any, row: EmbeddingColumns) -> bool:
    """Place one picture; returns whether there was anything to place it by."""
    key = str(picture.pk)
    query = stored_vector(library, picture, row)
    places = {}
    for layout, style in _BALANCES:
        neighbours = _neighbours(library, query, layout, style)
        if not neighbours:
            return False
        places[layout] = place_of(apart(*_mean(neighbours), key, pictures=made.pictures))
    values = {**places, "digest": row.embedding_digest, "rank": rank_of(key), "sheet": ""}
    with transaction.atomic(using=library.using):
        latest = PictureMap.objects.using(library.using).select_for_update().get(pk=made.pk)
        if latest.made_at != made.made_at:  # a new map was put in its place meanwhile
            return False
        _stored(library).update_or_create(values, model_label=library.label, key=key)
    return True


def _neighbours(
    library: Library, query: QueryVector, layout: str, style: float
) -> list[tuple[Point, float]]:
    """Points and similarities of the nearest pictures that have a place."""
    public = library.visible(None).using(library.using)
    # Nearly always some of the nearest have one, and a search without a filter is the quicker one.
    for among in (public, public.filter(Exists(_place_of_outer(library)))):
        found = nearest(among, query, limit=_NEIGHBOURS, style=style)
        scores = {str(one.pk): one.similarity for one in found}
        known = dict(_stored(library).filter(key__in=scores).values_list("key", layout))
        if known:
            return [(point_of(known[key]), scores[key]) for key in scores if key in known]
    return []


def _mean(neighbours: Sequence[tuple[Point, float]]) -> tuple[float, float]:
    """Weighted mean, 0 to 1. Of vectors of length 1 the squared distance is 2 - 2 · cosine."""
    weights = [1 / (max(2 - 2 * score, 0.0) + _NEAR) for _point, score in neighbours]
    total = sum(weights) * SIDE
    x = sum(weight * point.x for weight, (point, _score) in zip(weights, neighbours, strict=True))
    y = sum(weight * point.y for weight, (point, _score) in zip(weights, neighbours, strict=True))
    return x / total, y / total
