"""Pairs of pictures that seem to be scans of one print: which count, and what they hide.

A pair counts as long as both pictures hold the files that were compared and nobody has said that
they are no duplicates. Nothing here looks at a picture that its caller may not see: what is hidden
from a visitor can neither hide nor join what is shown.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable

from django.db import models

from artsimilarity.conf import get_settings
from artsimilarity.library import Library
from artsimilarity.schema.states import DuplicateState
from artsimilarity.schema.tables import DuplicatePair


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


def pairs_among(library: Library, keys: Collection[str]) -> list[DuplicatePair]:
    """Return the pairs that count among the pictures with these primary keys, as text."""
    pairs = list(recorded(library).filter(first__in=keys, second__in=keys))
    digests = library.rows.digests(keys_of(pairs))
    return [pair for pair in pairs if pair.holds(digests)]


def recorded(
    library: Library, state: DuplicateState = DuplicateState.FOUND
) -> models.QuerySet[DuplicatePair]:
    """Return the library's pairs in that state, of old files too."""
    pairs = DuplicatePair.objects.using(library.using).filter(model_label=library.label)
    return pairs.filter(state=state, score__gte=get_settings().DUPLICATE_SCORE)


def keys_of(pairs: Iterable[DuplicatePair]) -> set[str]:
    """Return the primary keys, as text, of all pictures in some pairs."""
    return {key for pair in pairs for key in (pair.first, pair.second)}


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
