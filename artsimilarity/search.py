"""“More like this”: the one place that asks for neighbours and hands them to a page or an API."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, overload

from django.core.exceptions import ValidationError
from django.db import models
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from artsimilarity.caching import SCORES, remembered
from artsimilarity.conf import get_settings
from artsimilarity.diversity import CANDIDATES
from artsimilarity.diversity import diversify as diversified
from artsimilarity.models import SimilarityMixin
from artsimilarity.paging import Cursor, CursorError
from artsimilarity.planning import MOST_CANDIDATES, plan_search
from artsimilarity.querysets import SimilarityQuerySet, check_style, order_by_similarity
from artsimilarity.status import EmbeddingStatus
from artsimilarity.targets import Target, for_scan, stored_target
from artsimilarity.why import explain


class NeighbourStatus(models.TextChoices):
    """Whether a picture can have neighbours, and why not, in words for a visitor."""

    READY = "ready", _("Similar pictures.")
    PENDING = (
        "pending",
        _("This picture is new. Similar pictures will appear here in a little while."),
    )
    FAILED = "failed", _("No similar pictures can be found for this picture.")
    NO_PICTURE = "no-picture", _("There is no picture to compare with others.")


@dataclass(frozen=True)
class Neighbours(Sequence[Any]):
    """The nearest pictures, nearest first, and why there are none if so.

    Each picture carries ``similarity``, ``similarity_style`` and ``similarity_colour`` (see
    :func:`artsimilarity.querysets.order_by_similarity`).
    """

    pictures: Sequence[Any]
    status: NeighbourStatus
    style: float
    next_page: str = ""
    """Where the next page begins, for ``after``; empty on the last page."""

    @overload
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Any]: ...
    def __getitem__(self, index: int | slice) -> Any:
        return self.pictures[index]

    def __len__(self) -> int:
        return len(self.pictures)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.pictures)

    @property
    def message(self) -> str:
        """Why there are no neighbours, in words for a visitor."""
        return str(self.status.label)


def more_like_this(
    picture: SimilarityMixin,
    *,
    limit: int | None = None,
    style: float | None = None,
    queryset: models.QuerySet[Any] | None = None,
    request: HttpRequest | None = None,
    diversify: float | None = None,
    after: Cursor | str | None = None,
    why: bool = False,
) -> Neighbours:
    """Return the pictures nearest to ``picture`` among those that the visitor may see.

    One query where nothing is filtered. Filters cost a question to the planner first; and a second
    search, which compares with every row, follows where the index returned fewer pictures than
    asked for, because the table is small.

    Args:
        picture: an instance of a model with an embedding.
        limit: how many, 1 to ``ARTSIMILARITY["MAX_LIMIT"]``; None takes ``["LIMIT"]``.
        style: weight of style against colour, 0..1; None takes ``["STYLE"]``.
        queryset: the rows to choose from, besides what ``similarity_queryset`` allows.
        request: the visitor's, handed to ``similarity_queryset``.
        diversify: how much the pictures should differ from each other, 0..1; None takes
            ``["DIVERSIFY"]``. See :mod:`artsimilarity.diversity`.
        after: ``next_page`` of the page before. Pages are in plain order of similarity, so nothing
            is diversified.
        why: whether each picture found carries ``similarity_why``, a
            :class:`artsimilarity.why.Why`; two short queries more.

    Returns:
        The neighbours. A picture without an embedding has none, and the status says why.

    Raises:
        ValueError: ``limit``, ``style`` or ``diversify`` is out of range, or ``after`` is no
            cursor (:class:`~artsimilarity.paging.CursorError`).
    """
    settings = get_settings()
    limit, style = check_limit(limit), check_style(style)
    diversify = settings.DIVERSIFY if diversify is None else diversify
    cursor = Cursor.parse(after) if isinstance(after, str) else after
    if picture.pk is None:
        return Neighbours([], _status_of(picture), style)
    visible = visible_pictures(type(picture), queryset, request)

    def find() -> list[Any]:
        target = stored_target(picture, visible.db)
        if cursor is not None or not diversify:
            return nearest(visible, target, limit=limit, style=style, after=cursor)
        near = nearest(visible, target, limit=max(limit, CANDIDATES), style=style)
        return diversified(
            near, target, style=style, amount=diversify, limit=limit, using=visible.db
        )

    pictures = remembered(picture, visible, (limit, style, diversify, str(cursor)), find)
    if why:
        explain(picture, pictures, using=visible.db)
    status = NeighbourStatus.READY if pictures else _status_of(picture)
    full = len(pictures) == limit and (cursor is not None or not diversify)
    following = str(Cursor.after(pictures, cursor)) if full else ""
    return Neighbours(pictures, status, style, following)


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


def nearest(
    queryset: models.QuerySet[Any],
    target: Target,
    *,
    limit: int,
    style: float,
    after: Cursor | None = None,
) -> list[Any]:
    """Return the ``limit`` pictures of ``queryset`` nearest to ``target``.

    For callers that have settled already who may see what, as an admin has. How the search is made
    is chosen from what the filters keep (:mod:`artsimilarity.planning`); a page that the index
    leaves short is filled by comparing with every row.

    Raises:
        CursorError: ``after`` names primary keys that are none of this model.
    """
    if _may_repeat_rows(queryset):
        return _nearest_once_each(queryset, target, limit=limit, style=style, after=after)
    plan = plan_search(queryset, style)
    if not plan.exact:
        wanted = limit + (after.count if after else 0)
        candidates = min(max(plan.candidates, wanted), MOST_CANDIDATES)
        ordered = order_by_similarity(queryset, target, style=style, candidates=candidates)
        pictures = list(_behind(ordered, after)[:limit])
        if len(pictures) >= limit:
            return pictures
    target = for_scan(target, queryset.model, queryset.db)
    scanned = order_by_similarity(queryset, target, style=style, exact=True)
    # Scores are worked out for the page alone: Postgres would do so for every row it sorts.
    page = queryset.filter(pk__in=_behind(scanned, after).values("pk")[:limit])
    return list(order_by_similarity(page, target, style=style, exact=True))


def _behind(ordered: models.QuerySet[Any], after: Cursor | None) -> models.QuerySet[Any]:
    """What follows the page that ``after`` ended."""
    if after is None:
        return ordered
    try:
        return ordered.filter(_distance__gte=after.distance).exclude(pk__in=after.shown)
    except (ValueError, ValidationError) as error:
        raise CursorError(str(error)) from error


def _may_repeat_rows(queryset: models.QuerySet[Any]) -> bool:
    """Whether a picture may come more than once, or rows are put together by the query."""
    query = queryset.query
    joins = (getattr(join, "join_field", None) for join in query.alias_map.values())
    return bool(
        query.distinct
        or query.group_by is not None
        or any(getattr(one, "multiple", False) for one in joins)
    )


def _nearest_once_each(
    queryset: models.QuerySet[Any],
    target: Target,
    *,
    limit: int,
    style: float,
    after: Cursor | None,
) -> list[Any]:
    """Search the plain rows, so that the index serves and none repeats; then load the host's."""
    plain = SimilarityQuerySet[Any](queryset.model, using=queryset.db).only("pk")
    plain = plain.filter(pk__in=queryset.order_by().values("pk"))
    found = nearest(plain, target, limit=limit, style=style, after=after)
    rows = {row.pk: row for row in queryset.filter(pk__in=[one.pk for one in found]).order_by()}
    pictures = [rows[one.pk] for one in found if one.pk in rows]
    scores = {one.pk: one for one in found}
    for picture in pictures:
        for name in SCORES:
            setattr(picture, name, getattr(scores[picture.pk], name))
    return pictures


def visible_pictures(
    model: type[SimilarityMixin],
    queryset: models.QuerySet[Any] | None,
    request: HttpRequest | None,
) -> models.QuerySet[Any]:
    """Return the rows of ``queryset`` that ``similarity_queryset(request)`` allows."""
    allowed: models.QuerySet[Any] = model.similarity_queryset(request)
    if queryset is None:
        return allowed
    everything = str(model._base_manager.values("pk").query)
    if str(allowed.order_by().values("pk").query) == everything:
        return queryset  # nothing is hidden: spare the database a semi-join
    return queryset.filter(pk__in=allowed.order_by().values("pk"))


def _status_of(picture: SimilarityMixin) -> NeighbourStatus:
    if not getattr(picture, picture.similarity_image_field):
        return NeighbourStatus.NO_PICTURE
    if picture.embedding_status == EmbeddingStatus.FAILED:
        return NeighbourStatus.FAILED
    if picture.embedding_status == EmbeddingStatus.PENDING:
        return NeighbourStatus.PENDING
    return NeighbourStatus.READY
