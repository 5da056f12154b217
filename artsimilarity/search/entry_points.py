"""The searches that a page or an API asks for; they differ in the query vector alone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Unpack

from asgiref.sync import sync_to_async
from django.db import models
from django.http import HttpRequest

from artsimilarity.library import Library
from artsimilarity.search.colours import colour_vector, parse_colours
from artsimilarity.search.examples import Example, WeightedPicture, parse_examples
from artsimilarity.search.neighbours import Neighbours, NeighbourStatus, status_of
from artsimilarity.search.pipeline import find_page
from artsimilarity.search.query_vector import given_vector, stored_vector
from artsimilarity.search.querysets import vector_of_pictures
from artsimilarity.search.request import PageOptions, PageRequest, Search
from artsimilarity.search.visible import may_see, visible_pictures


def more_like_this(
    picture: models.Model,
    *,
    queryset: models.QuerySet[Any] | None = None,
    request: HttpRequest | None = None,
    **options: Unpack[PageOptions],
) -> Neighbours:
    """Return the pictures nearest to ``picture`` among those that the visitor may see.

    One query. If there are filters, the planner is asked once in a while how many rows they keep;
    and if the index returned fewer pictures than asked for, a second search follows, which compares
    every row.

    Args:
        picture: an instance of a model with an embedding.
        queryset: the rows to choose from, besides what ``similarity_queryset`` allows.
        request: the visitor's, handed to ``similarity_queryset``.
        options: of the page: :class:`~artsimilarity.search.request.PageOptions`.

    Returns:
        The neighbours. A picture without an embedding has none, and the status says why.

    Raises:
        ValueError: as :meth:`~artsimilarity.search.request.PageRequest.of` does.
    """
    page = PageRequest.of(**options)
    if picture.pk is None:
        return Neighbours([], status_of(Library.loaded(picture), picture, None), page.style)
    visible = visible_pictures(type(picture), queryset, request)
    library = Library.searched(visible)
    row = library.row_of(picture)
    seen = page.hide_duplicates and may_see(picture, request, using=library.using)
    search = Search(
        pictures=visible,
        query=stored_vector(library, picture, row),
        page=page,
        examples=(picture,) if seen else (),
        remembered_for=row,
    )
    pictures = find_page(search)
    status = NeighbourStatus.READY if pictures else status_of(library, picture, row)
    return Neighbours(pictures, status, page.style, page.following(pictures))


async def amore_like_this(
    picture: models.Model,
    *,
    queryset: models.QuerySet[Any] | None = None,
    request: HttpRequest | None = None,
    **options: Unpack[PageOptions],
) -> Neighbours:
    """Search as :func:`more_like_this` does, from asynchronous code, in a thread of its own.

    The result can be rendered without a query: ``{% more_like_this artwork
    neighbours=neighbours %}``.
    """
    search = sync_to_async(more_like_this)
    return await search(picture, queryset=queryset, request=request, **options)


def more_like_these(
    liked: Iterable[Example],
    unlike: Iterable[Example] = (),
    *,
    queryset: models.QuerySet[Any] | None = None,
    request: HttpRequest | None = None,
    **options: Unpack[PageOptions],
) -> Neighbours:
    """Return the pictures nearest to the mean of several examples, and away from others.

    ``more_like_these([(a, 2), b], unlike=[c])`` lets ``a`` count twice as much as the others.

    The examples themselves are not among the results, and those that the visitor may not see do not
    count, as if they had not been named. Nothing is remembered in the cache. With ``why``, there
    are percentiles for a single example only, since scores against a mean are not those of pairs.

    Args:
        liked: pictures of one model. None at all, or none that counts, have no neighbours.
        unlike: pictures to move away from.
        queryset: the rows to choose from; the examples need not be among them.
        request: as for :func:`more_like_this`, and so are the options.

    Raises:
        TypeError: the pictures are of several models, or one is none.
        ValueError: as :func:`more_like_this` does, or a weight is not above 0.
    """
    page = PageRequest.of(**options)
    towards, away = parse_examples(liked), parse_examples(unlike)
    if not towards:
        return Neighbours([], NeighbourStatus.NO_PICTURE, page.style)
    visible = visible_pictures(type(towards[0].picture), queryset, request)
    library = Library.searched(visible)
    towards, away = _counting(towards, away, library.visible(request).using(library.using))
    if not towards:
        return Neighbours([], NeighbourStatus.NO_PICTURE, page.style)
    examples = tuple(example.picture for example in towards)
    pictures: list[Any] = []
    if query := vector_of_pictures(library, towards, away):
        pictures = find_page(Search(pictures=visible, query=query, page=page, examples=examples))
    rows = library.rows_by_key(examples)
    statuses = [status_of(library, one, rows.get(one.pk)) for one in examples]
    ready = pictures or NeighbourStatus.READY in statuses
    status = NeighbourStatus.READY if ready else statuses[0]
    return Neighbours(pictures, status, page.style, page.following(pictures))


def search_by_colours(
    model: type[models.Model],
    colours: Iterable[tuple[str, float]],
    *,
    queryset: models.QuerySet[Any] | None = None,
    request: HttpRequest | None = None,
    **options: Unpack[PageOptions],
) -> Neighbours:
    """Return the pictures whose colours come nearest to those named, whatever their style.

    ``search_by_colours(Artwork, [("#aa3311", 2), ("#224466", 1)])`` looks for two parts of that
    red and one part of that blue. With ``why``, each picture says which of these colours it has.

    Args:
        model: whose pictures are searched.
        colours: one to five, each with a weight above 0.
        queryset: as for :func:`more_like_this`, and so are ``request`` and the options.
            The balance is colour alone, and nothing is diversified.

    Raises:
        ValueError: a colour, a weight, their number, ``limit`` or ``after`` is out of range.
        ColoursNotUnderstood: the recipe in force describes colours in another way.
    """
    options |= {"style": 0.0, "diversify": 0.0}
    page, wanted = PageRequest.of(**options), parse_colours(colours)
    visible = visible_pictures(model, queryset, request)
    recipe = Library.searched(visible).recipes().serving
    query = given_vector(colour_vector(wanted, recipe), recipe.fingerprint)
    pictures = find_page(Search(pictures=visible, query=query, page=page, colours=tuple(wanted)))
    return Neighbours(pictures, NeighbourStatus.READY, page.style, page.following(pictures))


def _counting(
    liked: list[WeightedPicture], unlike: list[WeightedPicture], allowed: models.QuerySet[Any]
) -> tuple[list[WeightedPicture], list[WeightedPicture]]:
    """The examples, each once, without those that are not allowed."""
    pks = [one.picture.pk for one in (*liked, *unlike) if one.picture.pk is not None]
    seen = set(allowed.filter(pk__in=pks).order_by().values_list("pk", flat=True))
    return _once(liked, seen), _once(unlike, seen)


def _once(examples: list[WeightedPicture], seen: set[Any]) -> list[WeightedPicture]:
    return list({one.picture.pk: one for one in examples if one.picture.pk in seen}.values())
