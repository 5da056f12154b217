"""The light table: pictures that a visitor has laid side by side, kept in the session."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _

from demo_site.library.models import Artwork

MOST = 12
"""Pictures that fit on it."""

_KEY = "light_table"
# Digits of the greatest primary key that the database holds; Python refuses to read thousands.
_LONGEST_KEY = 19
# Names of the buttons that change the table; their value is a picture's primary key.
_BUTTONS = ("like", "unlike", "remove")


class TableFullError(Exception):
    """There is no room for another picture."""


@dataclass(frozen=True)
class Example:
    """A picture on the table, and whether others like it are wanted or others unlike it."""

    artwork: Artwork
    liked: bool


class LightTable:
    """What lies on one visitor's table.

    A picture that has been taken down since is not there, neither on the page nor in a count, and
    gives its room to the next.
    """

    most = MOST

    def __init__(self, request: HttpRequest) -> None:
        self._request = request

    @cached_property
    def examples(self) -> list[Example]:
        """The pictures that the visitor may see, in the order in which they were added."""
        marks = self._marks
        if not marks:
            return []
        rows = Artwork.similarity_queryset(self._request).in_bulk([int(pk) for pk in marks])
        found = ((rows.get(int(pk)), liked) for pk, liked in marks.items())
        return [Example(artwork, liked) for artwork, liked in found if artwork]

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.examples)

    @property
    def pks(self) -> set[int]:
        """Their primary keys."""
        return {example.artwork.pk for example in self.examples}

    @property
    def liked(self) -> list[Artwork]:
        """The pictures to move towards."""
        return [example.artwork for example in self.examples if example.liked]

    @property
    def unlike(self) -> list[Artwork]:
        """The pictures to move away from."""
        return [example.artwork for example in self.examples if not example.liked]

    def put(self, artwork: Artwork, *, liked: bool = True) -> None:
        """Lay a picture on the table, or turn one that lies there.

        Raises:
            TableFullError: as many as there is room for lie there already.
        """
        marks = {str(example.artwork.pk): example.liked for example in self.examples}
        if str(artwork.pk) not in marks and len(marks) >= MOST:
            raise TableFullError
        self._keep({**marks, str(artwork.pk): liked})

    def remove(self, artwork: Artwork) -> None:
        """Take a picture off the table, if it lies there."""
        self._keep({pk: liked for pk, liked in self._marks.items() if pk != str(artwork.pk)})

    def clear(self) -> None:
        """Take all of them off."""
        self._keep({})

    @property
    def _marks(self) -> dict[str, bool]:
        marks: dict[str, bool] = self._request.session.get(_KEY, {})
        return marks

    def _keep(self, marks: dict[str, bool]) -> None:
        if marks:
            self._request.session[_KEY] = marks
        else:
            self._request.session.pop(_KEY, None)
        self.__dict__.pop("examples", None)


def press_table_button(request: HttpRequest) -> Artwork | None:
    """Do what the button of a picture asks for, and return that picture.

    Returns:
        None if the table is full, which the next page says.

    Raises:
        Http404: no such picture is there for the visitor.
    """
    pk = next((request.POST[name] for name in _BUTTONS if name in request.POST), "")
    if not pk.isdecimal() or len(pk) > _LONGEST_KEY:
        raise Http404
    artwork = get_object_or_404(Artwork.similarity_queryset(request), pk=pk)
    table = LightTable(request)
    try:
        if "remove" in request.POST:
            table.remove(artwork)
        else:
            table.put(artwork, liked="unlike" not in request.POST)
    except TableFullError:
        text = _("The light table holds %(most)d pictures. Take one off to add another.")
        messages.error(request, text % {"most": MOST})
        return None
    return artwork


def light_table(request: HttpRequest) -> dict[str, Any]:
    """Context processor: every page counts what lies on the table. Reads nothing until asked."""
    return {"light_table": LightTable(request)}
