"""The light table: pictures laid side by side, in a visitor's session or in an address."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final, Self
from urllib.parse import urlencode

from django.http import HttpRequest, QueryDict
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from demo_site.library.models import Artwork

MOST: Final = 12
"""Pictures that fit on it."""

WEIGHTS: Final = {"little": 0.5, "usual": 1.0, "much": 2.0}
"""How much a picture may count; the names stand in forms and addresses."""

_KEY = "light_table"
# The greatest primary key that the database holds, and its digits: Python refuses thousands.
_GREATEST_KEY, _LONGEST_KEY = 2**63 - 1, 19
_SIDES = {"like": True, "unlike": False}
_SIDE_WORDS = {True: _("Like"), False: _("Unlike")}
_WEIGHT_WORDS = {"little": _("counts little"), "usual": "", "much": _("counts much")}


def read_key(text: str) -> int | None:
    """Return a primary key; None if it is none that the database can hold."""
    if not (text.isascii() and text.isdecimal() and len(text) <= _LONGEST_KEY):
        return None
    key = int(text)
    return key if key <= _GREATEST_KEY else None


@dataclass(frozen=True)
class Mark:
    """What a picture is an example of, and how much it counts.

    Attributes:
        liked: whether others like it are wanted, or others unlike it.
        counts: one of the names in :data:`WEIGHTS`.
    """

    liked: bool = True
    counts: str = "usual"

    @classmethod
    def noted(cls, note: Any) -> Self:
        """Return that of a session's note, which was only the side before there were weights."""
        if isinstance(note, bool):
            return cls(note)
        liked, counts = note
        return cls(liked, counts)

    @property
    def note(self) -> list[Any]:
        """How the session keeps it."""
        return [self.liked, self.counts]

    @property
    def words(self) -> str:
        """It in words, such as “Unlike, counts much”."""
        words = [_SIDE_WORDS[self.liked], _WEIGHT_WORDS[self.counts]]
        return ", ".join(str(one) for one in words if one)


@dataclass(frozen=True)
class Example:
    """A picture on the table, with its mark."""

    artwork: Artwork
    mark: Mark

    @property
    def weighed(self) -> tuple[Artwork, float]:
        """The picture and its weight, as a search takes them."""
        return self.artwork, WEIGHTS[self.mark.counts]


class Table:
    """Pictures with marks, of which those are there that the visitor may see.

    A picture that has been taken down since is not there, neither on the page nor in a count, and
    gives its room to the next.
    """

    most = MOST

    def __init__(self, request: HttpRequest) -> None:
        self._request = request

    @property
    def _marks(self) -> Mapping[int, Mark]:
        raise NotImplementedError

    @cached_property
    def examples(self) -> list[Example]:
        """The pictures that the visitor may see, in the order in which they were added."""
        marks = self._marks
        if not marks:
            return []
        rows = Artwork.similarity_queryset(self._request).in_bulk(list(marks))
        return [Example(rows[pk], mark) for pk, mark in marks.items() if pk in rows]

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.examples)

    @property
    def pks(self) -> set[int]:
        """Their primary keys."""
        return {example.artwork.pk for example in self.examples}

    @property
    def liked(self) -> list[tuple[Artwork, float]]:
        """The pictures to move towards, with their weights."""
        return [example.weighed for example in self.examples if example.mark.liked]

    @property
    def unlike(self) -> list[tuple[Artwork, float]]:
        """The pictures to move away from, with their weights."""
        return [example.weighed for example in self.examples if not example.mark.liked]

    def is_same(self, other: Table) -> bool:
        """Whether the same pictures lie there, with the same marks, and there are some."""
        own, others = ({one.artwork.pk: one.mark for one in t.examples} for t in (self, other))
        return bool(own) and own == others

    def address(self, style: str = "") -> str:
        """Return the address of a page that shows this table to anybody, at that balance."""
        named = [
            (side, str(one.artwork.pk) + ("" if counts == "usual" else f":{counts}"))
            for side, liked in _SIDES.items()
            for one in self.examples
            if one.mark.liked == liked and (counts := one.mark.counts)
        ]
        if style:
            named.append(("style", style))
        return f"{reverse('library:light-table')}?{urlencode(named, safe=':')}"


class LightTable(Table):
    """What lies on one visitor's table: kept in the session."""

    @property
    def _marks(self) -> dict[int, Mark]:
        notes: dict[str, Any] = self._request.session.get(_KEY, {})
        return {int(pk): Mark.noted(note) for pk, note in notes.items()}

    def put(
        self, artwork: Artwork, *, liked: bool | None = None, counts: str | None = None
    ) -> Mark | None:
        """Lay a picture on the table, or change its mark; what is not said stays as it is.

        Returns:
            Its mark; None if as many as there is room for lie there already.
        """
        marks = {example.artwork.pk: example.mark for example in self.examples}
        if artwork.pk not in marks and len(marks) >= MOST:
            return None
        mark = marks.get(artwork.pk, Mark())
        mark = mark if liked is None else replace(mark, liked=liked)
        mark = mark if counts is None else replace(mark, counts=counts)
        self._keep({**marks, artwork.pk: mark})
        return mark

    def remove(self, artwork: Artwork) -> None:
        """Take a picture off the table, if it lies there."""
        self._keep({pk: mark for pk, mark in self._marks.items() if pk != artwork.pk})

    def clear(self) -> None:
        """Take all of them off."""
        self._keep({})

    def take_over(self, other: Table) -> None:
        """Lay out what lies on another table, and nothing else."""
        self._keep({example.artwork.pk: example.mark for example in other.examples})

    def _keep(self, marks: Mapping[int, Mark]) -> None:
        if marks:
            self._request.session[_KEY] = {str(pk): mark.note for pk, mark in marks.items()}
        else:
            self._request.session.pop(_KEY, None)
        self.__dict__.pop("examples", None)


class SharedTable(Table):
    """A table that somebody has sent as an address: ``?like=12&like=7:much&unlike=3:little``.

    What is malformed in it is left out, and so is what there is no more room for.
    """

    @staticmethod
    def is_named(query: QueryDict) -> bool:
        """Whether an address names one."""
        return any(side in query for side in _SIDES)

    @cached_property
    def _marks(self) -> dict[int, Mark]:
        marks: dict[int, Mark] = {}
        for side, liked in _SIDES.items():
            for text in self._request.GET.getlist(side):
                key, colon, counts = text.partition(":")
                pk, counts = read_key(key), counts if colon else "usual"
                if pk is not None and counts in WEIGHTS and len(marks) < MOST:
                    marks[pk] = Mark(liked, counts)
        return marks

    @property
    def is_incomplete(self) -> bool:
        """Whether the address names more than is shown, hidden or made up: both count alike."""
        named = {text for side in _SIDES for text in self._request.GET.getlist(side)}
        return len(named) > self.count


def light_table(request: HttpRequest) -> dict[str, Any]:
    """Context processor: every page counts what lies on the table. Reads nothing until asked."""
    return {"light_table": LightTable(request)}
