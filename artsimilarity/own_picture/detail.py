"""The web's half of a search by a detail: a box that a visitor draws on a picture of the library.

The web process sends the name of the picture's file and the box, and decodes nothing. A worker
fetches the file and describes what lies in the box; nothing of it is stored.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Unpack

from django.db import models
from django.http import HttpRequest
from django.utils.translation import gettext as _

from artsimilarity.encoder.pictures.crop import Area
from artsimilarity.library import Library
from artsimilarity.own_picture.asking import describe
from artsimilarity.own_picture.message import Detail
from artsimilarity.search.neighbours import Neighbours, NeighbourStatus, status_of
from artsimilarity.search.pipeline import find_page
from artsimilarity.search.query_vector import given_vector
from artsimilarity.search.request import PageOptions, PageRequest, Search
from artsimilarity.search.visible import may_see, visible_pictures

EDGES = ("left", "top", "right", "bottom")

LEAST_SHARE = 0.05
"""Width and height of the smallest box, as shares of the picture's."""

# A box of just that width, such as from 0.1 to 0.15, is a little narrower in floating point.
_ROUNDING = 1e-9


class BoxError(ValueError):
    """What was given is no box on a picture; the message says why, in words for a visitor."""


def search_by_detail(
    picture: models.Model,
    box: Sequence[float],
    *,
    queryset: models.QuerySet[Any] | None = None,
    request: HttpRequest | None = None,
    **options: Unpack[PageOptions],
) -> Neighbours:
    """Return the pictures nearest to a part of one in the library, itself left out.

    A worker describes that part, as if it were a picture of its own; the picture need not have an
    embedding yet. There is one page, and nothing is diversified.

    Args:
        picture: of the library.
        box: left, top, right and bottom edge, as shares (0 to 1) of the width and height of the
            whole upright picture. At least 0.05 wide and high.
        queryset: as for :func:`~artsimilarity.search.more_like_this`, and so are ``request`` and
            the options.

    Returns:
        The neighbours; none, and the status says why, where there is no file or it cannot be read.

    Raises:
        BoxError: the box is none, or too small.
        ValueError: ``limit`` or ``style`` is out of range.
        DoesNotExist: (the model's) there is no such picture, or the visitor may not see it.
        NotAnswered: no worker has described it in time, or
            ``ARTSIMILARITY["SEARCHES_AT_ONCE"]`` others are under way.
    """
    options |= {"diversify": 0.0, "after": None}
    page, area = PageRequest.of(**options), parse_box(box)
    model: Any = type(picture)
    library = Library.of(model)
    if picture.pk is None or not may_see(picture, request):
        raise model.DoesNotExist("There is no such picture.")
    status = status_of(library, picture, Library.loaded(picture).row_of(picture))
    if status in (NeighbourStatus.NO_PICTURE, NeighbourStatus.FAILED):
        return Neighbours([], status, page.style)
    detail = Detail(str(getattr(picture, library.image_field)), area)
    visible = visible_pictures(model, queryset, request)
    # A replica may be under the recipe of before, while the primary has changed over.
    recipe = Library.searched(visible).recipes().serving
    vector = describe(library, recipe, lambda: detail)
    query = given_vector(vector, recipe.fingerprint, excluded=[picture.pk], is_picture=True)
    pictures = find_page(Search(pictures=visible, query=query, page=page, examples=(picture,)))
    return Neighbours(pictures, NeighbourStatus.READY, page.style)


def parse_box(box: Sequence[float]) -> Area:
    """Return a box as an area.

    Raises:
        BoxError: it is no box on a picture, or too small.
    """
    if len(box) != len(EDGES) or not all(map(math.isfinite, box)):
        raise BoxError(_("A detail has four edges: left, top, right and bottom."))
    left, top, right, bottom = box
    if not (0 <= left < right <= 1 and 0 <= top < bottom <= 1):
        raise BoxError(
            _("A detail lies within the picture, its left edge before the right, its top above.")
        )
    if min(right - left, bottom - top) < LEAST_SHARE - _ROUNDING:
        words = _("The detail is too small: at least %(percent)d %% of the width and the height.")
        raise BoxError(words % {"percent": round(100 * LEAST_SHARE)})
    return Area(left, top, right, bottom)
