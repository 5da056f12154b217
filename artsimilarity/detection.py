"""Looks for scans of one print among the pictures, and records the pairs; for workers.

Candidates are the nearest by signature, from an index of their own: neither style nor colours
bring a greyscale copy of a crop near its original. Each candidate is then compared crop by crop.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from django.db import models, transaction
from django.db.models import Q, Value

from artsimilarity.conf import get_settings
from artsimilarity.duplicates import digests_of, keys_of
from artsimilarity.expressions import Gate, InnerProductDistance
from artsimilarity.fields import SignatureField
from artsimilarity.labels import model_label

if TYPE_CHECKING:
    from artsimilarity.models import DuplicatePair, SimilarityMixin

logger = logging.getLogger(__name__)

# Nearest by signature that are compared crop by crop, and candidates that the index holds for it.
_CANDIDATES = 50
_EF_SEARCH = 100
# Correlation of the whole pictures below which crops are not compared: hardly any pair has less.
_LEAST_WHOLE = 0.5
# Rows read at once by the walks through a whole library.
_SLICE = 200


def look_after_embedding(
    model: type[SimilarityMixin], pks: Sequence[Any], *, using: str = "default"
) -> None:
    """Look for duplicates of what was just embedded; the embedding never fails for it.

    Not where the model has ``similarity_finds_duplicates = False``.
    """
    if not pks or not model.similarity_finds_duplicates:
        return
    try:
        look_for_duplicates(model, pks, using=using)
    except Exception:  # whatever it is, the pictures are embedded; find_duplicates makes up for it
        logger.exception(
            "Near-duplicates of %d pictures of %s were not looked for; run "
            "'manage.py find_duplicates' to make up for it.",
            len(pks),
            model._meta.label,
        )


def look_for_duplicates(
    model: type[SimilarityMixin], pks: Sequence[Any], *, using: str = "default"
) -> int:
    """Record the near-duplicates of some pictures, and forget the pairs of files they had before.

    May run any number of times, also at once: a pair is recorded once, and one that somebody
    dismissed stays dismissed as long as both files stay the same.

    Returns:
        The number of pairs found, recorded before or not.
    """
    from artsimilarity.models import DuplicatePair

    rows = model._base_manager.using(using).filter(pk__in=pks)
    with transaction.atomic(using=using):
        found: dict[tuple[str, str], DuplicatePair] = {}
        for pk, digest, signature in rows.values_list(
            "pk", "embedding_digest", "embedding_signature"
        ):
            _forget_other_files(model, pk, digest, using)
            if signature is not None and digest:
                for pair in _pairs_of(model, pk, digest, signature, using):
                    found[pair.first, pair.second] = pair
        # In order, so that two workers that record the same pairs do not wait for each other.
        pairs = [found[key] for key in sorted(found)]
        DuplicatePair.objects.using(using).bulk_create(pairs, ignore_conflicts=True)
    return len(pairs)


def walk(
    model: type[SimilarityMixin], *, using: str = "default", after: Any = None
) -> Iterator[list[Any]]:
    """Yield primary keys of the pictures with a signature, in order, some hundred at a time."""
    yield from _slices(signed(model, using=using), after)


def sign_library(
    model: type[SimilarityMixin],
    *,
    using: str = "default",
    on_progress: Callable[[int], object] | None = None,
) -> int:
    """Read the files of embedded pictures without a signature; returns how many have one now.

    For pictures that were embedded before there were signatures. A file that is gone, cannot be
    read, or is no longer the one that was embedded is left to ``embed_artworks --verify``.
    """
    done = 0
    for pks in _slices(unsigned(model, using=using)):
        rows = model._base_manager.using(using).filter(pk__in=pks)
        names = ("pk", model.similarity_image_field, "embedding_digest")
        for pk, image, digest in rows.values_list(*names):
            signature = _sign_file(model, image, digest)
            if signature is not None:
                same = rows.filter(pk=pk, embedding_digest=digest)
                done += same.update(embedding_signature=signature)
            if on_progress:
                on_progress(1)
    return done


def signed(
    model: type[SimilarityMixin], *, using: str = "default", after: Any = None
) -> models.QuerySet[SimilarityMixin]:
    """Return the pictures with a signature, those behind the primary key ``after`` if given."""
    rows = model._base_manager.using(using).filter(embedding_signature__isnull=False)
    return rows if after is None else rows.filter(pk__gt=after)


def unsigned(
    model: type[SimilarityMixin], *, using: str = "default"
) -> models.QuerySet[SimilarityMixin]:
    """Return the embedded pictures without a signature: flat, or embedded before there were any."""
    rows = model._base_manager.using(using).filter(embedding_signature__isnull=True)
    return rows.exclude(embedding_digest="")


def forget_stale(model: type[SimilarityMixin], *, using: str = "default") -> int:
    """Delete the pairs of pictures that are gone or hold other files; returns how many."""
    from artsimilarity.models import DuplicatePair

    pairs = DuplicatePair.objects.using(using).filter(model_label=model_label(model))
    forgotten = 0
    for ids in _slices(pairs):
        some = list(pairs.filter(pk__in=ids))
        digests = digests_of(model, keys_of(some), using)
        stale = [pair.pk for pair in some if not pair.holds(digests)]
        forgotten += pairs.filter(pk__in=stale).delete()[0]
    return forgotten


def _pairs_of(
    model: type[SimilarityMixin], pk: Any, digest: str, signature: Any, using: str
) -> Iterator[DuplicatePair]:
    """Compare one picture with the nearest by signature."""
    import numpy as np

    from artsimilarity.encoder.copy_descriptor import similarity
    from artsimilarity.models import DuplicatePair

    target = Value(signature, output_field=SignatureField())
    near = (
        model._base_manager.using(using)
        .filter(
            Gate({"hnsw.ef_search": str(_EF_SEARCH), "hnsw.iterative_scan": "strict_order"}),
            ~Q(pk=pk),
            embedding_signature__isnull=False,
        )
        .annotate(_distance=InnerProductDistance("embedding_signature", target))
        .order_by("_distance")
        .values_list("pk", "embedding_digest", "embedding_signature", "_distance")[:_CANDIDATES]
    )
    others = [other for other in near if other[1] and -other[3] >= _LEAST_WHOLE]
    if not others:
        return
    scores = similarity(
        np.array(signature, dtype=np.float32),
        np.array([other[2] for other in others], dtype=np.float32),
    )
    for (other_pk, other_digest, *_), score in zip(others, scores.tolist(), strict=True):
        if score >= get_settings().DUPLICATE_SCORE:
            (first, first_digest), (second, second_digest) = sorted(
                [(str(pk), digest), (str(other_pk), other_digest)]
            )
            yield DuplicatePair(
                model_label=model_label(model),
                first=first,
                second=second,
                first_digest=first_digest,
                second_digest=second_digest,
                score=min(score, 1.0),
            )


def _forget_other_files(model: type[SimilarityMixin], pk: Any, digest: str, using: str) -> None:
    from artsimilarity.models import DuplicatePair

    pairs = DuplicatePair.objects.using(using).filter(model_label=model_label(model))
    pairs.filter(first=str(pk)).exclude(first_digest=digest).delete()
    pairs.filter(second=str(pk)).exclude(second_digest=digest).delete()


def _sign_file(model: type[SimilarityMixin], name: str, digest: str) -> list[float] | None:
    from artsimilarity.encoder.pictures.reading import PictureError
    from artsimilarity.indexing import read_file, read_square, sign

    try:
        data = read_file(model, name)
    except Exception:  # every storage backend has errors of its own
        logger.warning("The storage did not give up %s.", name, exc_info=True)
        return None
    if hashlib.sha256(data).hexdigest() != digest:
        return None
    try:
        return sign(read_square(data, get_settings().recipe.side))
    except PictureError as error:
        logger.warning("%s: %s", name, error)
        return None


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
