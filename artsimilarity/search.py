"""“More like this”: the one place that asks for neighbours and hands them to a page or an API."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import IO, Any, Self, overload

from django.core.exceptions import EmptyResultSet, ValidationError
from django.db import models, router
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from artsimilarity.caching import SCORES, remembered
from artsimilarity.colours import colour_vector, parse_colours
from artsimilarity.conf import get_settings
from artsimilarity.diversity import CANDIDATES
from artsimilarity.diversity import diversify as diversified
from artsimilarity.duplicates import fill_page
from artsimilarity.models import SimilarityMixin
from artsimilarity.own_pictures import describe, shrink
from artsimilarity.paging import Cursor, CursorError
from artsimilarity.planning import MOST_CANDIDATES, plan_search
from artsimilarity.querysets import (
    SimilarityQuerySet,
    check_style,
    make_target,
    order_by_similarity,
)
from artsimilarity.recipes import current_plan
from artsimilarity.status import EmbeddingStatus
from artsimilarity.targets import Target, for_scan, stored_target, vector_target
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
    hide_duplicates: bool | None = None,
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
        hide_duplicates: of several scans of one print, show the nearest, and none of ``picture``
            itself; None takes ``["HIDE_DUPLICATES"]``. See :mod:`artsimilarity.duplicates`.
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
    page = _Page.of(limit, style, diversify, hide_duplicates, after)
    if picture.pk is None:
        return Neighbours([], _status_of(picture), page.style)
    visible = visible_pictures(type(picture), queryset, request)
    target = stored_target(picture, visible.db)
    search = partial(nearest, visible, target, style=page.style)

    if page.hide_duplicates:
        # What is remembered is the search alone: who may see what, and what was said to be no
        # duplicate, count as they are now.
        def recall(*, limit: int, after: Cursor | None) -> list[Any]:
            options = (limit, page.style, str(after))
            return remembered(picture, visible, options, lambda: search(limit=limit, after=after))

        seen = [picture] if _may_see(picture, request) else []
        pictures = page.find(recall, target, examples=seen, using=visible.db)
    else:
        options = (page.limit, page.style, page.diversify, str(page.after))
        pictures = remembered(
            picture, visible, options, lambda: page.find(search, target, using=visible.db)
        )
    if why:
        explain(pictures, target, using=visible.db)
    status = NeighbourStatus.READY if pictures else _status_of(picture)
    return Neighbours(pictures, status, page.style, page.following(pictures))


def search_by_colours(
    model: type[SimilarityMixin],
    colours: Iterable[tuple[str, float]],
    *,
    limit: int | None = None,
    queryset: models.QuerySet[Any] | None = None,
    request: HttpRequest | None = None,
    after: Cursor | str | None = None,
    why: bool = False,
) -> Neighbours:
    """Return the pictures whose colours come nearest to those named, whatever their style.

    ``search_by_colours(Artwork, [("#aa3311", 2), ("#224466", 1)])`` looks for two parts of that
    red and one part of that blue.

    Args:
        model: whose pictures are searched.
        colours: one to five, each with a weight above 0.
        limit: as for :func:`more_like_this`, and so are ``queryset``, ``request`` and ``after``.
        why: whether each picture found carries ``similarity_why``: which of these colours it has.
            One short query more.

    Raises:
        ValueError: a colour, a weight, their number, ``limit`` or ``after`` is out of range.
        ColoursNotUnderstood: the recipe in force describes colours in another way.
    """
    page, wanted = _Page.of(limit, style=0.0, diversify=0.0, after=after), parse_colours(colours)
    visible = visible_pictures(model, queryset, request)
    recipe = current_plan(model, visible.db).serving
    target = vector_target(colour_vector(wanted, recipe), recipe.fingerprint)
    search = partial(nearest, visible, target, style=page.style)
    pictures = page.find(search, target, using=visible.db)
    if why:
        explain(pictures, target, using=visible.db, wanted=wanted)
    return Neighbours(pictures, NeighbourStatus.READY, page.style, page.following(pictures))


def search_by_picture(
    model: type[SimilarityMixin],
    file: IO[bytes],
    *,
    limit: int | None = None,
    style: float | None = None,
    queryset: models.QuerySet[Any] | None = None,
    request: HttpRequest | None = None,
    why: bool = False,
) -> Neighbours:
    """Return the pictures nearest to one that is not in the library; it is stored nowhere.

    A worker describes it: see :mod:`artsimilarity.own_pictures`. Anything that can be compared with
    it may be found, the same picture too.

    Args:
        model: whose pictures are searched.
        file: the picture, open for reading at its beginning.
        limit: as for :func:`more_like_this`, and so are ``style``, ``queryset``, ``request`` and
            ``why``.

    Raises:
        PictureRefused: the file is too large, damaged, or no picture.
        NotAnswered: no worker has described it in time.
        ValueError: ``limit`` or ``style`` is out of range.
    """
    page = _Page.of(limit, style, diversify=0.0)
    visible = visible_pictures(model, queryset, request)
    using = router.db_for_write(model)
    recipe = current_plan(model, using).serving
    vector = describe(model, shrink(file, recipe.side), recipe, using=using)
    target = vector_target(vector, recipe.fingerprint, is_picture=True)
    search = partial(nearest, visible, target, style=page.style)
    pictures = page.find(search, target, using=visible.db)
    if why:
        explain(pictures, target, using=visible.db)
    return Neighbours(pictures, NeighbourStatus.READY, page.style)


@dataclass(frozen=True)
class _Page:
    """What is asked of a page, with the settings in place of what was left open."""

    limit: int
    style: float
    diversify: float
    hide_duplicates: bool
    after: Cursor | None

    @classmethod
    def of(
        cls,
        limit: int | None,
        style: float | None,
        diversify: float | None = None,
        hide_duplicates: bool | None = None,
        after: Cursor | str | None = None,
    ) -> Self:
        """Check what was asked for; raises as :func:`more_like_this` does."""
        settings = get_settings()
        return cls(
            limit=check_limit(limit),
            style=check_style(style),
            diversify=settings.DIVERSIFY if diversify is None else diversify,
            hide_duplicates=(
                settings.HIDE_DUPLICATES if hide_duplicates is None else hide_duplicates
            ),
            after=Cursor.parse(after) if isinstance(after, str) else after,
        )

    def find(
        self,
        search: Callable[..., list[Any]],
        target: Target,
        *,
        examples: Sequence[SimilarityMixin] = (),
        using: str,
    ) -> list[Any]:
        """Return the page's pictures.

        Args:
            search: :func:`nearest`, but for its keywords ``limit`` and ``after``.
            target: what it looks for.
            examples: whose duplicates are hidden too; none that the visitor may not see.
            using: database alias.
        """

        def source(count: int) -> list[Any]:
            if not self.hide_duplicates:
                return search(limit=count, after=self.after)
            # What is hidden is known from the first page on.
            return fill_page(
                lambda most: search(limit=most, after=None),
                count,
                examples=examples,
                after=self.after,
                using=using,
            )

        if not self._is_varied:
            return source(self.limit)
        return diversified(
            source(max(self.limit, CANDIDATES)),
            target,
            style=self.style,
            amount=self.diversify,
            limit=self.limit,
            using=using,
        )

    def following(self, pictures: Sequence[Any]) -> str:
        """Where the next page begins, as text; empty if there is none."""
        if self._is_varied or len(pictures) < self.limit:
            return ""
        return str(Cursor.after(pictures, self.after))

    @property
    def _is_varied(self) -> bool:
        return bool(self.diversify) and self.after is None


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


def more_like_these(
    liked: Iterable[SimilarityMixin],
    unlike: Iterable[SimilarityMixin] = (),
    *,
    limit: int | None = None,
    style: float | None = None,
    queryset: models.QuerySet[Any] | None = None,
    request: HttpRequest | None = None,
    diversify: float | None = None,
    hide_duplicates: bool | None = None,
    after: Cursor | str | None = None,
    why: bool = False,
) -> Neighbours:
    """Return the pictures nearest to the middle of some, away from others.

    The examples are no answer themselves, and those that the visitor may not see do not count, as
    if they had not been named. Nothing is remembered in the cache.

    Args:
        liked: pictures of one model. None at all, or none that counts, have no neighbours.
        unlike: pictures to move away from.
        limit: as for :func:`more_like_this`, and so are all the others.
        queryset: the rows to choose from; the examples need not be among them.
        why: whether each picture found carries ``similarity_why``; without percentiles unless there
            is one example alone, since scores against a middle are not those of pairs.

    Raises:
        TypeError: the pictures are of several models.
        ValueError: as :func:`more_like_this` does.
    """
    page = _Page.of(limit, style, diversify, hide_duplicates, after)
    liked, unlike = _counting(list(liked), list(unlike), request)
    if not liked:
        return Neighbours([], NeighbourStatus.NO_PICTURE, page.style)
    visible = visible_pictures(type(liked[0]), queryset, request)
    pictures: list[Any] = []
    if target := make_target(visible, liked, unlike):
        search = partial(nearest, visible, target, style=page.style)
        pictures = page.find(search, target, examples=liked, using=visible.db)
        if why:
            explain(pictures, target, using=visible.db)
    statuses = [_status_of(picture) for picture in liked]
    ready = pictures or NeighbourStatus.READY in statuses
    status = NeighbourStatus.READY if ready else statuses[0]
    return Neighbours(pictures, status, page.style, page.following(pictures))


def _counting(
    liked: list[SimilarityMixin], unlike: list[SimilarityMixin], request: HttpRequest | None
) -> tuple[list[SimilarityMixin], list[SimilarityMixin]]:
    """The examples, each once, without those that the visitor may not see."""
    if not liked:
        return [], []
    pks = [picture.pk for picture in (*liked, *unlike) if picture.pk is not None]
    allowed = type(liked[0]).similarity_queryset(request)
    seen = set(allowed.filter(pk__in=pks).order_by().values_list("pk", flat=True))
    return _once(liked, seen), _once(unlike, seen)


def _once(pictures: list[SimilarityMixin], seen: set[Any]) -> list[SimilarityMixin]:
    return list({one.pk: one for one in pictures if one.pk in seen}.values())


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
            return sorted(pictures, key=lambda one: (-one.similarity, one.pk))
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
    try:
        hides = str(allowed.order_by().values("pk").query) != everything
    except EmptyResultSet:
        return queryset.none()
    if not hides:
        return queryset  # spare the database a semi-join
    return queryset.filter(pk__in=allowed.order_by().values("pk"))


def _may_see(picture: SimilarityMixin, request: HttpRequest | None) -> bool:
    """Whether the visitor might meet this picture among others' neighbours."""
    return type(picture).similarity_queryset(request).filter(pk=picture.pk).exists()


def _status_of(picture: SimilarityMixin) -> NeighbourStatus:
    if not getattr(picture, picture.similarity_image_field):
        return NeighbourStatus.NO_PICTURE
    if picture.embedding_status == EmbeddingStatus.FAILED:
        return NeighbourStatus.FAILED
    if picture.embedding_status == EmbeddingStatus.PENDING:
        return NeighbourStatus.PENDING
    return NeighbourStatus.READY
