"""Puts pictures on a map that has been made: each beside what is like it, without a new layout."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, TextField
from django.db.models.functions import Cast

from artsimilarity.atlas.places import SIDE, Point, apart, place_of, point_of, rank_of
from artsimilarity.library import Library
from artsimilarity.library.rows import EmbeddingQuerySet
from artsimilarity.schema.states import EmbeddingStatus
from artsimilarity.schema.tables import MapPlace, PictureMap
from artsimilarity.search.nearest import nearest
from artsimilarity.search.query_vector import stored_vector

_NEIGHBOURS = 8
_BATCH = 200
# Brushwork is compared by the style block alone, colours by the other.
_BALANCES = (("brushwork", 1.0), ("colours", 0.0))
# Square of the distance at which a neighbour counts half of one that is the very same.
_NEAR = 0.01


def place_new(library: Library, *, most: int | None = None) -> int:
    """Place the pictures that have a vector and no place, or the place of another file.

    Each stands at the mean of its nearest neighbours among those that an anonymous visitor may see,
    the nearer ones with the greater weight. So nothing that is hidden moves anything.

    Args:
        library: that has a map; :func:`~artsimilarity.atlas.making.is_made` tells.
        most: as many at once; None for all.

    Returns:
        How many were placed. A picture none of whose neighbours has a place is left for later.
    """
    fingerprint = library.recipes().serving.fingerprint
    rows = _unplaced(library, fingerprint)
    made = PictureMap.objects.using(library.using).get(model_label=library.label)
    placed, looked_at = 0, None
    while most is None or placed < most:
        rest = rows if looked_at is None else rows.filter(pk__gt=looked_at)
        pks = list(rest.values_list("pk", flat=True)[:_BATCH])
        if not pks:
            break
        looked_at = pks[-1]
        digests = dict(library.rows.filter(pk__in=pks).values_list("pk", "embedding_digest"))
        for picture in library.pictures.filter(pk__in=pks).order_by("pk"):
            placed += _place(library, made, picture, digests.get(picture.pk, ""))
    return placed


def forget_lost(library: Library) -> int:
    """Delete the places of pictures that are gone, or whose present file cannot be shown."""
    rows = library.rows.annotate(key=Cast("pk", TextField())).filter(key=OuterRef("key"))
    lost = ~Exists(rows) | Exists(rows.filter(embedding_status=EmbeddingStatus.FAILED))
    stored = MapPlace.objects.using(library.using).filter(model_label=library.label)
    return stored.filter(lost).delete()[0]


def _unplaced(library: Library, fingerprint: str) -> EmbeddingQuerySet[Any]:
    stored = MapPlace.objects.using(library.using).filter(
        model_label=library.label,
        key=Cast(OuterRef("pk"), TextField()),
        digest=OuterRef("embedding_digest"),
    )
    rows = library.rows.current().served(fingerprint)
    return rows.filter(~Exists(stored)).order_by("pk")


def _place(library: Library, made: PictureMap, picture: Any, digest: str) -> bool:
    """Place one picture; returns whether any of its neighbours has a place."""
    key = str(picture.pk)
    stored = MapPlace.objects.using(library.using).filter(model_label=library.label)
    places = {}
    for layout, style in _BALANCES:
        public = library.visible(None).using(library.using)
        query = stored_vector(library, picture)
        found = nearest(public, query, limit=_NEIGHBOURS, style=style)
        scores = {str(one.pk): one.similarity for one in found}
        known = dict(stored.filter(key__in=scores).values_list("key", layout))
        if not known:
            return False
        ordered = [(point_of(known[one]), score) for one, score in scores.items() if one in known]
        places[layout] = place_of(apart(*_mean(ordered), key, pictures=made.pictures))
    values = {**places, "digest": digest, "rank": rank_of(key), "sheet": ""}
    with transaction.atomic(using=library.using):
        latest = PictureMap.objects.using(library.using).select_for_update().get(pk=made.pk)
        if latest.made_at != made.made_at:  # a new map was put in its place meanwhile
            return False
        stored.update_or_create(values, model_label=library.label, key=key)
    return True


def _mean(neighbours: Sequence[tuple[Point, float]]) -> tuple[float, float]:
    """Weighted mean, 0 to 1. Of vectors of length 1 the squared distance is 2 - 2 · cosine."""
    weights = [1 / (max(2 - 2 * score, 0.0) + _NEAR) for _point, score in neighbours]
    total = sum(weights) * SIDE
    x = sum(weight * point.x for weight, (point, _score) in zip(weights, neighbours, strict=True))
    y = sum(weight * point.y for weight, (point, _score) in zip(weights, neighbours, strict=True))
    return x / total, y / total
