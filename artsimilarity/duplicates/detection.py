"""Looks for scans of one print among the pictures, and records the pairs; for workers.

Candidates are the nearest by copy descriptor, from an index of their own: neither style nor colours
bring a greyscale copy of a crop near its original. Each candidate is then compared crop by crop.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from django.db import models, transaction
from django.db.models import Q, Value

from artsimilarity.conf import get_settings
from artsimilarity.duplicates.pairs import keys_of, recorded
from artsimilarity.encoder.pictures.crop import Area
from artsimilarity.encoder.pictures.limits import PictureError
from artsimilarity.encoder.recipe import Recipe
from artsimilarity.library import Library
from artsimilarity.library.seeing import see_file
from artsimilarity.schema.fields import CopyDescriptorField
from artsimilarity.schema.sql import Gate, InnerProductDistance
from artsimilarity.schema.tables import DuplicatePair

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

logger = logging.getLogger(__name__)

# Nearest by descriptor that are compared crop by crop, and candidates that the index holds for it.
_CANDIDATES = 50
_EF_SEARCH = 100
# Correlation of the whole pictures below which crops are not compared: hardly any pair has less.
_LEAST_WHOLE = 0.5
# Rows read at once by the walks through a whole library.
_SLICE = 200


def describe_for_copies(square: NDArray[np.uint8]) -> list[float] | None:
    """Return a picture's copy descriptor as its column takes it; None for a flat picture."""
    from artsimilarity.encoder.copy_descriptor import copy_descriptor  # numpy is a worker's

    found = copy_descriptor(square)
    return None if found is None else found.tolist()


def look_after_embedding(library: Library, pks: Sequence[Any]) -> None:
    """Look for duplicates of what was just embedded; the embedding never fails for it.

    Not where the model has ``similarity_finds_duplicates = False``.
    """
    if not pks or not library.finds_duplicates:
        return
    try:
        look_for_duplicates(library, pks)
    except Exception:  # whatever it is, the pictures are embedded; find_duplicates makes up for it
        logger.exception(
            "Near-duplicates of %d pictures of %s were not looked for; run "
            "'manage.py find_duplicates' to make up for it.",
            len(pks),
            library.name,
        )


def look_for_duplicates(library: Library, pks: Sequence[Any]) -> int:
    """Record the near-duplicates of some pictures, and forget pairs that are none any more.

    Those are pairs of files that they had before; and, of the same files, those that are not alike
    since another area of a scan is looked at. May run any number of times, also at once: a pair is
    recorded once, and one that somebody dismissed stays dismissed as long as both files stay the
    same.

    Returns:
        The number of pairs found, recorded before or not.
    """
    columns = ("pk", "embedding_digest", "embedding_copy_descriptor")
    with transaction.atomic(using=library.using):
        found: dict[tuple[str, str], DuplicatePair] = {}
        for pk, digest, descriptor in library.rows.filter(pk__in=pks).values_list(*columns):
            _forget_other_files(library, pk, digest)
            _forget_unlike(library, pk, descriptor)
            if descriptor is not None and digest:
                for pair in _pairs_of(library, pk, digest, descriptor):
                    found[pair.first, pair.second] = pair
        # In order, so that two workers that record the same pairs do not wait for each other.
        pairs = [found[key] for key in sorted(found)]
        DuplicatePair.objects.using(library.using).bulk_create(pairs, ignore_conflicts=True)
    return len(pairs)


def walk(library: Library, *, after: Any = None) -> Iterator[list[Any]]:
    """Yield primary keys of the pictures with a descriptor, in order, some hundred at a time."""
    yield from _slices(described(library), after)


def describe_library(
    library: Library, *, on_progress: Callable[[int], object] | None = None
) -> int:
    """Read the files of embedded pictures without a descriptor; returns how many have one now.

    For pictures that were embedded while ``similarity_finds_duplicates`` was False. A file that is
    gone, cannot be read, or is no longer the one that was embedded is left to ``embed_artworks
    --verify``.
    """
    done = 0
    image = library.holder.similarity_image_lookup()
    columns = ("pk", image, "embedding_digest", "embedding_area_by_hand")
    recipe = library.recipes().newest
    for pks in _slices(undescribed(library)):
        rows = library.rows.filter(pk__in=pks)
        for pk, name, digest, by_hand in rows.values_list(*columns):
            descriptor = _describe_file(library, recipe, name, digest, by_hand)
            if descriptor is not None:
                same = rows.filter(pk=pk, embedding_digest=digest)
                done += same.update(embedding_copy_descriptor=descriptor)
            if on_progress:
                on_progress(1)
    return done


def described(library: Library, *, after: Any = None) -> models.QuerySet[Any]:
    """Return the rows with a descriptor, those behind the primary key ``after`` if given."""
    rows = library.rows.filter(embedding_copy_descriptor__isnull=False)
    return rows if after is None else rows.filter(pk__gt=after)


def undescribed(library: Library) -> models.QuerySet[Any]:
    """Return the embedded rows without a descriptor: flat, or embedded while none was made."""
    rows = library.rows.filter(embedding_copy_descriptor__isnull=True)
    return rows.exclude(embedding_digest="")


def forget_stale(library: Library) -> int:
    """Delete the pairs of pictures that are gone or hold other files; returns how many."""
    pairs = DuplicatePair.objects.using(library.using).filter(model_label=library.label)
    forgotten = 0
    for ids in _slices(pairs):
        some = list(pairs.filter(pk__in=ids))
        digests = library.rows.digests(keys_of(some))
        stale = [pair.pk for pair in some if not pair.holds(digests)]
        forgotten += pairs.filter(pk__in=stale).delete()[0]
    return forgotten


def _pairs_of(library: Library, pk: Any, digest: str, descriptor: Any) -> Iterator[DuplicatePair]:
    """Compare one picture with the nearest by descriptor."""
    query = Value(descriptor, output_field=CopyDescriptorField())
    near = (
        library.rows.filter(
            Gate({"hnsw.ef_search": str(_EF_SEARCH), "hnsw.iterative_scan": "strict_order"}),
            ~Q(pk=pk),
            embedding_copy_descriptor__isnull=False,
        )
        .annotate(_distance=InnerProductDistance("embedding_copy_descriptor", query))
        .order_by("_distance")
        .values_list("pk", "embedding_digest", "embedding_copy_descriptor", "_distance")
    )[:_CANDIDATES]
    others = [other for other in near if other[1] and -other[3] >= _LEAST_WHOLE]
    if not others:
        return
    scores = _scores(descriptor, [other[2] for other in others])
    for (other_pk, other_digest, *_), score in zip(others, scores, strict=True):
        if score >= get_settings().DUPLICATE_SCORE:
            (first, first_digest), (second, second_digest) = sorted(
                [(str(pk), digest), (str(other_pk), other_digest)]
            )
            yield DuplicatePair(
                model_label=library.label,
                first=first,
                second=second,
                first_digest=first_digest,
                second_digest=second_digest,
                score=min(score, 1.0),
            )


def _forget_other_files(library: Library, pk: Any, digest: str) -> None:
    pairs = DuplicatePair.objects.using(library.using).filter(model_label=library.label)
    pairs.filter(first=str(pk)).exclude(first_digest=digest).delete()
    pairs.filter(second=str(pk)).exclude(second_digest=digest).delete()


def _forget_unlike(library: Library, pk: Any, descriptor: Any) -> None:
    """Delete the pairs that count and whose descriptors are not alike any more."""
    key = str(pk)
    of_this = {pair.pk: pair for pair in recorded(library).filter(Q(first=key) | Q(second=key))}
    if not of_this:
        return
    others = {i: one.second if one.first == key else one.first for i, one in of_this.items()}
    rows = library.rows.filter(pk__in=others.values(), embedding_copy_descriptor__isnull=False)
    found = {str(pk): one for pk, one in rows.values_list("pk", "embedding_copy_descriptor")}
    known = [i for i, other in others.items() if descriptor is not None and other in found]
    scores = _scores(descriptor, [found[others[i]] for i in known]) if known else []
    least = get_settings().DUPLICATE_SCORE
    alike = {i for i, score in zip(known, scores, strict=True) if score >= least}
    recorded(library).filter(pk__in=of_this.keys() - alike).delete()


def _scores(descriptor: Any, others: Sequence[Any]) -> list[float]:
    """Return the correlation of one picture with each of some others, -1 to 1."""
    import numpy as np  # a worker's

    from artsimilarity.encoder.copy_descriptor import similarity

    scores: list[float] = similarity(
        np.array(descriptor, dtype=np.float32), np.array(others, dtype=np.float32)
    ).tolist()
    return scores


def _describe_file(
    library: Library, recipe: Recipe, name: str, digest: str, by_hand: Area | None
) -> list[float] | None:
    try:
        seen, found = see_file(library, recipe, name, by_hand=by_hand)
    except PictureError as error:
        logger.warning("%s: %s", name, error)
        return None
    except Exception:  # every storage backend has errors of its own
        logger.warning("The storage did not give up %s.", name, exc_info=True)
        return None
    return describe_for_copies(seen.pixels) if found == digest else None


def _slices(rows: models.QuerySet[Any], after: Any = None) -> Iterator[list[Any]]:
    """Walk by primary key rather than by offset: rows may come and go meanwhile."""
    rows = rows.order_by("pk")
    while True:
        left = rows if after is None else rows.filter(pk__gt=after)
        pks = list(left.values_list("pk", flat=True)[:_SLICE])
        if not pks:
            return
        yield pks
        after = pks[-1]
