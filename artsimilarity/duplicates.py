"""Pairs of pictures that seem to be scans of one print: which count, and what they hide.

A pair counts as long as both pictures hold the files that were compared and nobody has said that
they are no duplicates. Nothing here looks at a picture that its caller may not see: what is hidden
from a visitor can neither hide nor join what is shown.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from django.db import models

from artsimilarity.conf import get_settings
from artsimilarity.labels import model_label
from artsimilarity.status import DuplicateState

if TYPE_CHECKING:
    from artsimilarity.models import DuplicatePair, SimilarityMixin
    from artsimilarity.paging import Cursor

# Pictures fetched beyond the page at first, so that a few duplicates cost no second search.
_SPARE = 4
_SLICE = 5_000


def keep_nearest(keys: Iterable[str], pairs: Iterable[tuple[str, str]]) -> list[str]:
    """Return the keys without those that are paired with one before them.

    What becomes of a key depends on those before it alone: a longer list begins as a shorter one,
    so that pages stay as they are however many are fetched.

    Args:
        keys: nearest first, each once.
        pairs: in any order, of these and other keys.
    """
    partners: defaultdict[str, set[str]] = defaultdict(set)
    for first, second in pairs:
        partners[first].add(second)
        partners[second].add(first)
    kept: list[str] = []
    before: set[str] = set()
    for key in keys:
        if partners[key].isdisjoint(before):
            kept.append(key)
        before.add(key)
    return kept


def fill_page(
    fetch: Callable[[int], list[Any]],
    limit: int,
    *,
    examples: Sequence[SimilarityMixin] = (),
    after: Cursor | None = None,
    using: str,
) -> list[Any]:
    """Return the ``limit`` nearest pictures, of duplicates only the nearest.

    Args:
        fetch: returns that many pictures, nearest first, or all there are; called again with
            larger numbers until the page is full.
        limit: how many to return.
        examples: those they are like, whose own duplicates are left out too. Without any that the
            visitor may not see: what it is must not show in what is missing.
        after: where the page before ended. Its pictures are fetched again, as what they hide does
            not show on later pages either.
        using: database alias of the pairs.
    """
    wanted = limit + _SPARE + (after.count if after else 0)
    while True:
        pictures = fetch(wanted)
        kept = _without_duplicates(pictures, examples, using)
        if after:
            kept = [one for one in kept if not after.has_passed(one)]
        if len(kept) >= limit or len(pictures) < wanted:
            return kept[:limit]
        wanted *= 2


def _without_duplicates(
    pictures: Sequence[Any], examples: Sequence[SimilarityMixin], using: str
) -> list[Any]:
    ahead = [str(picture.pk) for picture in examples]
    found = {str(one.pk): one for one in pictures}
    if not found:
        return []
    model = type(next(iter(found.values())))
    pairs = pairs_among(model, [*ahead, *found], using)
    keys = [(pair.first, pair.second) for pair in pairs]
    return [found[key] for key in keep_nearest([*ahead, *found], keys) if key in found]


def pairs_among(
    model: type[models.Model], keys: Collection[str], using: str
) -> list[DuplicatePair]:
    """Return the pairs that count among the pictures with these primary keys, as text."""
    pairs = list(recorded(model, using).filter(first__in=keys, second__in=keys))
    digests = digests_of(model, keys_of(pairs), using)
    return [pair for pair in pairs if pair.holds(digests)]


def recorded(
    model: type[models.Model], using: str, state: DuplicateState = DuplicateState.FOUND
) -> models.QuerySet[DuplicatePair]:
    """Return the model's pairs in that state, of old files too."""
    from artsimilarity.models import DuplicatePair

    return DuplicatePair.objects.using(using).filter(
        model_label=model_label(model), state=state, score__gte=get_settings().DUPLICATE_SCORE
    )


def keys_of(pairs: Iterable[DuplicatePair]) -> set[str]:
    """Return the primary keys, as text, of all pictures in some pairs."""
    return {key for pair in pairs for key in (pair.first, pair.second)}


def digests_of(model: type[models.Model], keys: Collection[str], using: str) -> dict[str, str]:
    """Return the digests of the files that the pictures' embeddings speak of, by key as text."""
    rows = model._base_manager.using(using)
    return visible_digests(rows.all(), keys)


def visible_digests(rows: models.QuerySet[Any], keys: Collection[str]) -> dict[str, str]:
    """The same for those of ``rows`` alone."""
    wanted = sorted(keys)
    digests: dict[str, str] = {}
    for start in range(0, len(wanted), _SLICE):
        some = rows.filter(pk__in=wanted[start : start + _SLICE]).order_by()
        digests |= {str(pk): digest for pk, digest in some.values_list("pk", "embedding_digest")}
    return digests


def groups_of(pairs: Iterable[DuplicatePair]) -> list[list[DuplicatePair]]:
    """Put pairs together that share pictures; the closest group first, and so within a group."""
    leaders: dict[str, str] = {}

    def leader(key: str) -> str:
        while (above := leaders.setdefault(key, key)) != key:
            leaders[key] = leaders[above]
            key = above
        return key

    ordered = sorted(pairs, key=lambda pair: (-pair.score, pair.first, pair.second))
    for pair in ordered:
        leaders[leader(pair.second)] = leader(pair.first)
    groups = defaultdict(list)
    for pair in ordered:
        groups[leader(pair.first)].append(pair)
    return list(groups.values())
