"""Search by words: whole words or their beginnings, without accents and capital letters.

The embedded Postgres comes without ``unaccent`` and ``pg_trgm``, so a migration makes functions of
what every Postgres has: Unicode's own decomposition, and text search with a prefix for each word.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable

from django.contrib.postgres.search import SearchQueryField, SearchVectorField
from django.db.models import BooleanField, Func, IntegerField, Value

LONGEST = 200
"""Letters of a search that are looked at."""

_MARKS = re.compile("[\u0300-\u036f]")
# Of a shorter word most others are near.
_SHORTEST_MISSPELT = 4
_NEAR = 0.75


class Words(Func):
    """The words of a picture's title, artist and year; made once by an index."""

    function = "library_words"
    output_field = SearchVectorField()

    def __init__(self) -> None:
        super().__init__("title", "artist", "year")


class Century(Func):
    """The century of a year that was written in words: 19 for "c. 1857" and "19th century"."""

    function = "library_century"
    output_field = IntegerField()

    def __init__(self) -> None:
        super().__init__("year")


class Asked(Func):
    """What a visitor typed, as Postgres asks it: every word, or one that begins with it."""

    function = "library_query"
    output_field = SearchQueryField()


def holds(words: str) -> Func:
    """The condition that a picture's words hold all of those."""
    return Func(
        Words(),
        Asked(Value(words[:LONGEST])),
        template="%(expressions)s",
        arg_joiner=" @@ ",
        output_field=BooleanField(),
    )


def respell(words: str, known: Iterable[str]) -> str:
    """Return the words with those that nobody knows replaced by the nearest that somebody does.

    Numbers are left as they are: a year is not misspelt.

    Args:
        words: what was asked for.
        known: names to learn words from.

    Returns:
        "" if nothing is near.
    """
    vocabulary = {plain(word): word for name in known for word in re.findall(r"\w+", name)}
    found, changed = [], False
    for word in words.split():
        key = plain(word)
        if len(key) >= _SHORTEST_MISSPELT and key.isalpha() and key not in vocabulary:
            for near in difflib.get_close_matches(key, vocabulary, n=1, cutoff=_NEAR):
                word, changed = vocabulary[near], True
        found.append(word)
    return " ".join(found) if changed else ""


def plain(word: str) -> str:
    """Return a word without accents and capital letters."""
    return _MARKS.sub("", unicodedata.normalize("NFKD", word.lower()))
