"""What is asked of a search: a page, and everything that it is looked for with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self, TypedDict, Unpack

from django.db import models

from artsimilarity.conf import get_settings
from artsimilarity.library import Library
from artsimilarity.schema.columns import EmbeddingColumns
from artsimilarity.search.colours import WeightedColour
from artsimilarity.search.cursor import Cursor
from artsimilarity.search.ordering import check_style
from artsimilarity.search.query_vector import QueryVector


class PageOptions(TypedDict, total=False):
    """How a page may be asked for; None, and what is left out, is as the settings say.

    Keys:
        limit: how many pictures, 1 to ``ARTSIMILARITY["MAX_LIMIT"]``; None takes ``["LIMIT"]``.
        style: weight of style against colour, 0..1; None takes ``["STYLE"]``.
        diversify: how much the pictures should differ from each other, 0..1; None takes
            ``["DIVERSIFY"]``. See :mod:`artsimilarity.search.diversity`.
        hide_duplicates: of several scans of one print, show the nearest, and none of what was
            searched for; None takes ``["HIDE_DUPLICATES"]``. See :mod:`artsimilarity.duplicates`.
        after: ``next_page`` of the page before. Pages are in plain order of similarity, so nothing
            is diversified.
        why: whether each picture found carries ``similarity_why``, a
            :class:`artsimilarity.search.why.Why`; up to two short queries more.
    """

    limit: int | None
    style: float | None
    diversify: float | None
    hide_duplicates: bool | None
    after: Cursor | str | None
    why: bool


@dataclass(frozen=True, kw_only=True)
class PageRequest:
    """A page that is asked for, with the settings in place of what was left open.

    The attributes are those of :class:`PageOptions`.
    """

    limit: int
    style: float
    diversify: float = 0.0
    hide_duplicates: bool = False
    after: Cursor | None = None
    why: bool = False

    @classmethod
    def of(cls, **options: Unpack[PageOptions]) -> Self:
        """Check what was asked for.

        Raises:
            ValueError: ``limit``, ``style`` or ``diversify`` is out of range, or ``after`` is no
                cursor (:class:`~artsimilarity.search.cursor.CursorError`).
        """
        settings = get_settings()
        diversify, hide = options.get("diversify"), options.get("hide_duplicates")
        after = options.get("after")
        return cls(
            limit=check_limit(options.get("limit")),
            style=check_style(options.get("style")),
            diversify=_check_diversify(settings.DIVERSIFY if diversify is None else diversify),
            hide_duplicates=settings.HIDE_DUPLICATES if hide is None else hide,
            after=Cursor.parse(after) if isinstance(after, str) else after,
            why=options.get("why", False),
        )

    @property
    def is_varied(self) -> bool:
        """Whether the pictures are chosen to differ from each other."""
        return bool(self.diversify) and self.after is None

    def following(self, pictures: Sequence[Any]) -> str:
        """Return where the next page begins, as text; empty if there is none."""
        if self.is_varied or len(pictures) < self.limit:
            return ""
        return str(Cursor.after(pictures, self.after))


@dataclass(frozen=True, kw_only=True)
class Search:
    """One search, whatever it looks for.

    Attributes:
        pictures: the rows to choose from: the host's, and none that the visitor may not see.
        query: what they are compared with.
        page: which of them are wanted.
        examples: pictures whose duplicates are hidden too; none that the visitor may not see.
        remembered_for: the row of the picture whose neighbours may be remembered, if any.
        colours: those that a visitor named, if it was those.
    """

    pictures: models.QuerySet[Any]
    query: QueryVector
    page: PageRequest
    examples: tuple[models.Model, ...] = ()
    remembered_for: EmbeddingColumns | None = None
    colours: tuple[WeightedColour, ...] = ()

    @cached_property
    def library(self) -> Library:
        """Where the pictures are read from."""
        return Library.searched(self.pictures)


def check_limit(limit: int | None) -> int:
    """Return how many pictures to look for.

    Raises:
        ValueError: it lies outside 1..``ARTSIMILARITY["MAX_LIMIT"]``.
    """
    settings = get_settings()
    limit = settings.LIMIT if limit is None else limit
    if not 1 <= limit <= settings.MAX_LIMIT:
        raise ValueError(
            f"limit must lie between 1 and ARTSIMILARITY['MAX_LIMIT'] = {settings.MAX_LIMIT}, "
            f"not {limit}."
        )
    return limit


def _check_diversify(amount: float) -> float:
    if not 0 <= amount <= 1:
        raise ValueError(f"diversify must lie between 0 and 1, not {amount}.")
    return amount
