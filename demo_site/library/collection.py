"""The list that a visitor walks through: which pictures, in which order, and what narrows it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Any, Self, TypeAlias
from urllib.parse import urlencode

from django.db.models import Count, F, QuerySet, TextField
from django.db.models.functions import MD5, Cast
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from demo_site.library.models import Artwork
from demo_site.library.words import LONGEST, Century, holds, respell

NEWEST = "newest"
MIXED = ""
ORDERS: dict[str, str | Promise] = {MIXED: gettext_lazy("Mixed"), NEWEST: gettext_lazy("Newest")}

# Values of one facet that are offered, those with the most pictures first.
_MOST_VALUES = 40
_MOST_NAMES = 5000

_Pictures: TypeAlias = "QuerySet[Artwork]"


@dataclass(frozen=True)
class Choice:
    """A value of a facet, and where choosing it leads."""

    label: str
    count: int
    address: str


@dataclass(frozen=True)
class Facet:
    """A property by which the list can be narrowed: its values, or the one that was chosen."""

    label: str
    choices: tuple[Choice, ...]
    chosen: str = ""
    without: str = ""


@dataclass(frozen=True, kw_only=True)
class Listing:
    """What is in the address of a list; it stays there on the pages of its pictures.

    Attributes:
        q: words of title, artist and year.
        artist: the name as it is written.
        century: in digits.
        technique: as it is written.
        order: a key of ``ORDERS``.
    """

    q: str = ""
    artist: str = ""
    century: str = ""
    technique: str = ""
    order: str = MIXED

    @classmethod
    def of(cls, request: HttpRequest) -> Self:
        """Read it from the address; what means nothing there is left out."""
        # Postgres refuses a text with a NUL in it, and so would the page with a server error.
        given = {name: str(text).replace("\0", "").strip() for name, text in request.GET.items()}
        century, order = given.get("century", ""), given.get("order", MIXED)
        return cls(
            q=given.get("q", "")[:LONGEST],
            artist=given.get("artist", ""),
            century=century if century.isascii() and century.isdigit() and len(century) < 3 else "",
            technique=given.get("technique", ""),
            order=order if order in ORDERS else MIXED,
        )

    @property
    def is_narrowed(self) -> bool:
        """Whether it leaves pictures out."""
        return self != replace(self, q="", artist="", century="", technique="")

    @property
    def title(self) -> str:
        """What it is called."""
        named = [f"“{self.q}”" if self.q else "", self.artist, self._century_label]
        named.append(capfirst(self.technique))
        return ", ".join(filter(None, named)) or _("Collection")

    @property
    def parameters(self) -> dict[str, str]:
        """What stands of it in an address."""
        return {name: text for name, text in vars(self).items() if text}

    def address(self, **changes: str) -> str:
        """The query that leads to this list, or to another; "" if there is none."""
        found = replace(self, **changes).parameters
        return f"?{urlencode(found)}" if found else ""

    @property
    def orders(self) -> list[tuple[str, str, bool]]:
        """Name and address of each order, and whether it is this list's."""
        return [
            (str(label), self.address(order=order) or "?", order == self.order)
            for order, label in ORDERS.items()
        ]

    def pictures(self, request: HttpRequest) -> _Pictures:
        """Those that the visitor may see, in order."""
        found = self._narrowed(request)
        if self.order == NEWEST:
            return found.order_by("-pk")
        return found.alias(place=_place()).order_by("place")

    def beside(self, artwork: Artwork, request: HttpRequest) -> tuple[Artwork | None, ...]:
        """The pictures before and after one, whether it is in the list itself or not."""
        found = self._narrowed(request).only("title")
        if self.order == NEWEST:
            before = found.filter(pk__gt=artwork.pk).order_by("pk")
            after = found.filter(pk__lt=artwork.pk).order_by("-pk")
            return before.first(), after.first()
        here = hashlib.md5(str(artwork.pk).encode(), usedforsecurity=False).hexdigest()
        found = found.alias(place=_place())
        before = found.filter(place__lt=here).order_by("-place")
        return before.first(), found.filter(place__gt=here).order_by("place").first()

    def facets(self, request: HttpRequest) -> list[Facet]:
        """What narrows the list further, with numbers of the pictures that the visitor may see."""
        return [
            self._facet(request, "artist", _("Artist"), F("artist")),
            self._facet(request, "century", _("Century"), Century()),
            self._facet(request, "technique", _("Technique"), F("technique")),
        ]

    def respelt(self, request: HttpRequest) -> str:
        """Words near those that were asked for, by which there is something; "" if none."""
        if not self.q:
            return ""
        names = Artwork.similarity_queryset(request).order_by().values_list("artist", flat=True)
        words = respell(self.q, names.distinct()[:_MOST_NAMES])
        return words if words and replace(self, q=words)._narrowed(request).exists() else ""

    @property
    def _century_label(self) -> str:
        return _century_label(self.century) if self.century else ""

    def _narrowed(self, request: HttpRequest) -> _Pictures:
        found = Artwork.similarity_queryset(request)
        if self.q:
            found = found.filter(holds(self.q))
        if self.artist:
            found = found.filter(artist=self.artist)
        if self.century:
            found = found.alias(facet_century=Century()).filter(facet_century=int(self.century))
        if self.technique:
            found = found.filter(technique=self.technique)
        return found

    def _facet(self, request: HttpRequest, name: str, label: str, value: Any) -> Facet:
        chosen: str = getattr(self, name)
        shown = _century_label if name == "century" else capfirst
        if chosen:
            without = self.address(**{name: ""}) or "?"
            return Facet(label, (), shown(chosen), without)
        counted = (
            self._narrowed(request)
            .order_by()
            .annotate(value=value)
            .values("value")
            .annotate(count=Count("*"))
            .exclude(value=None if name == "century" else "")
            .order_by("value" if name == "century" else "-count", "value")[:_MOST_VALUES]
        )
        return Facet(
            label,
            tuple(
                Choice(
                    shown(str(row["value"])),
                    row["count"],
                    self.address(**{name: str(row["value"])}),
                )
                for row in counted
            ),
        )


def _place() -> Any:
    """Where a picture stands in the mixed order: nowhere near those that came with it."""
    return MD5(Cast("pk", TextField()))


def _century_label(century: str) -> str:
    number = int(century)
    endings = {
        1: _("%(number)sst century"),
        2: _("%(number)snd century"),
        3: _("%(number)srd century"),
    }
    usual = _("%(number)sth century")
    words = usual if number in (11, 12, 13) else endings.get(number % 10, usual)
    # Translators: which numerals centuries have in your language: write "arabic" or "roman".
    is_roman = pgettext("numerals of centuries", "arabic") == "roman"
    return words % {"number": _roman(number) if is_roman else number}


def _roman(number: int) -> str:
    text = ""
    for value, letters in ((10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I")):
        text += letters * (number // value)
        number %= value
    return text
