"""Template tags and filters: thin wrappers over :mod:`artsimilarity.search` and what pages show."""

from __future__ import annotations

import logging
from contextlib import AbstractContextManager, nullcontext
from typing import Any
from urllib.parse import urlencode

from django import template
from django.core.exceptions import SynchronousOnlyOperation
from django.db import InterfaceError, OperationalError, connections, models
from django.http import QueryDict
from django.template.loader import select_template
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from artsimilarity.library import Library, patience, presentation
from artsimilarity.library.thumbnails import Thumbnail, thumbnail_of
from artsimilarity.own_picture.detail import EDGES, LEAST_SHARE
from artsimilarity.search import Neighbours, NeighbourStatus
from artsimilarity.search import more_like_this as search
from artsimilarity.search.balance import SLIDER_STEPS
from artsimilarity.search.ordering import check_style

logger = logging.getLogger(__name__)
register = template.Library()

# The box that is shown before one is drawn, in per cent.
_MIDDLE = ("25", "25", "75", "75")


@register.simple_tag(takes_context=True)
def more_like_this(
    context: template.Context,
    picture: models.Model | None,
    limit: int | None = None,
    style: float | None = None,
    template_name: str | None = None,
    why: bool = True,
    hide_duplicates: bool | None = None,
    neighbours: Neighbours | None = None,
) -> SafeString:
    """Render the pictures most like ``picture``.

    ``{% more_like_this artwork limit=8 style=0.75 hide_duplicates=True %}``

    The template is ``template_name`` if given, else the first there is of
    ``<app>/<model>_more_like_this.html`` and ``artsimilarity/more_like_this.html``. Its context is
    the page's with ``picture`` and ``neighbours``, each of which says why it was found unless
    ``why=False`` spares two short queries. ``neighbours`` that an asynchronous view has awaited are
    rendered as they are, without a query. A page without a picture (None) shows nothing.

    Raises:
        TypeError: ``picture`` is not a model's object, such as a variable that does not exist.
    """
    if picture is None:
        return SafeString("")
    _refuse_others(picture)
    options = picture._meta
    names = [
        f"{options.app_label}/{options.model_name}_more_like_this.html",
        "artsimilarity/more_like_this.html",
    ]
    chosen = select_template([template_name] if template_name else names)
    if neighbours is None:
        neighbours = get_more_like_this(context, picture, limit, style, why, hide_duplicates)
        Library.of(type(picture)).load_rows(neighbours.pictures)  # thumbnails ask for them
    shown = {**context.flatten(), "picture": picture, "neighbours": neighbours}
    with _page_of(shown.get("request")):
        html: SafeString = chosen.render(shown)
    return html


@register.simple_tag(takes_context=True)
def get_more_like_this(
    context: template.Context,
    picture: models.Model | None,
    limit: int | None = None,
    style: float | None = None,
    why: bool = False,
    hide_duplicates: bool | None = None,
) -> Neighbours:
    """Fetch the pictures most like ``picture`` without rendering them.

    ``{% get_more_like_this artwork limit=8 as neighbours %}`` gives a list with a ``status`` and a
    ``message``; see :class:`artsimilarity.search.Neighbours`. With ``why=True`` each picture
    carries ``similarity_why``, a :class:`artsimilarity.search.why.Why`. Without a picture (None)
    the list is empty and its status ``NO_PICTURE``.

    A database that does not answer, or breaks the search off, costs the page its neighbours and
    no more: the status is ``UNAVAILABLE`` then, and the error is logged.

    Raises:
        django.db.OperationalError: the database did not answer within a transaction of the page's
            (``ATOMIC_REQUESTS``), in which nothing can be asked any more.
        django.core.exceptions.SynchronousOnlyOperation: the template is rendered on the event loop;
            says what an asynchronous view does instead.
        TypeError: ``picture`` is not a model's object, such as a variable that does not exist.
    """
    if picture is None:
        return Neighbours([], NeighbourStatus.NO_PICTURE, check_style(style))
    _refuse_others(picture)
    request: Any = context.get("request")
    try:
        return search(
            picture,
            limit=limit,
            style=style,
            request=request,
            why=why,
            hide_duplicates=hide_duplicates,
        )
    except SynchronousOnlyOperation as error:
        raise SynchronousOnlyOperation(
            "An asynchronous view cannot let a template query the database. Let it say "
            "'neighbours = await amore_like_this(picture, request=request, why=True)' (from "
            "artsimilarity.search), and the template '{% more_like_this picture "
            "neighbours=neighbours %}'; or render in a thread: 'await sync_to_async(render)(...)'."
        ) from error
    except (OperationalError, InterfaceError):
        # Not the router's word: it may choose another database each time that it is asked.
        failed = [one for one in connections.all(initialized_only=True) if one.errors_occurred]
        if any(connection.in_atomic_block for connection in failed):
            raise
        logger.exception("No neighbours of %s %s.", picture._meta.label, picture.pk)
        for connection in failed:  # so that the rest of the page has a new one
            connection.close_if_unusable_or_obsolete()
        return Neighbours([], NeighbourStatus.UNAVAILABLE, check_style(style))


@register.filter
def similarity_thumbnail(picture: models.Model | None) -> Thumbnail | None:
    """Return a picture's thumbnail: ``{% with thumbnail=artwork|similarity_thumbnail %}``.

    None where there is none, or none yet, or no picture; see
    :func:`artsimilarity.library.thumbnails.thumbnail_of`.
    """
    return None if picture is None else thumbnail_of(picture)


@register.filter
def similarity_caption(picture: models.Model | None) -> presentation.Caption:
    """Return what stands under a picture; its ``title``, and its ``artist`` or ""."""
    return presentation.Caption("") if picture is None else presentation.caption_of(picture)


@register.filter
def similarity_url(picture: models.Model | None) -> str:
    """Return the address of a picture's page, or ""."""
    return "" if picture is None else presentation.address_of(picture)


@register.inclusion_tag("artsimilarity/slider.html", takes_context=True)
def similarity_slider(
    context: template.Context, style: float, controls: str, parameter: str = "style"
) -> dict[str, Any]:
    """Render the slider that chooses the balance of a list of neighbours.

    ``{% similarity_slider style controls="alike" %}``, with ``slider.js`` on the page. The list
    stands in the element with the id ``controls``. The chosen balance is in the page's address:
    see :class:`artsimilarity.search.balance.BalanceMixin`. A cursor there (``after``) is left out:
    another balance begins at its nearest.

    Args:
        context: the page's, whose request's other parameters are kept.
        style: the balance now, 0..1.
        controls: id of the element that holds the list.
        parameter: name in the address.
    """
    request: Any = context.get("request")
    percent = round(style * 100)
    words = _("%(style)s %% brushwork, %(colour)s %% colours")
    return {
        "style": f"{style:g}",  # no decimal comma in an attribute
        "step": f"{1 / SLIDER_STEPS:g}",
        "parameter": parameter,
        "controls": controls,
        "kept": _kept(request, parameter),
        "words": words % {"style": "{style}", "colour": "{colour}"},
        "valuetext": words % {"style": percent, "colour": 100 - percent},
    }


@register.inclusion_tag("artsimilarity/detail.html", takes_context=True)
def similarity_detail(
    context: template.Context,
    picture: models.Model,
    controls: str,
    thumbnail: Thumbnail | None = None,
) -> dict[str, Any]:
    """Render the form by which a visitor draws a box on a picture, and searches by what is in it.

    ``{% similarity_detail artwork controls="alike" %}``, with ``detail.js`` on the page. What is
    found stands in the element with the id ``controls``. The box is in the page's address: see
    :class:`artsimilarity.own_picture.pages.DetailMixin`.

    Args:
        context: the page's, whose request's other parameters are kept; ``detail`` says what became
            of the box.
        picture: to draw on.
        controls: id of the element that holds the list.
        thumbnail: the picture as it is shown, if not by its own thumbnail.
    """
    request: Any = context.get("request")
    with _page_of(request):
        thumbnail = thumbnail or thumbnail_of(picture)
    given = request.GET if request else QueryDict()
    kept = _kept(request, *EDGES)
    labels = (_("Left, %"), _("Top, %"), _("Right, %"), _("Bottom, %"))
    detail: Any = context.get("detail")
    return {
        "picture": picture,
        "thumbnail": thumbnail,
        "controls": controls,
        "kept": kept,
        "whole": f"?{urlencode(kept)}#{controls}",
        "is_chosen": any(name in given for name in EDGES),
        "least": round(100 * LEAST_SHARE),
        "message": detail.message if detail else "",
        "edges": [
            (name, label, given.get(name, usual))
            for name, label, usual in zip(EDGES, labels, _MIDDLE, strict=True)
        ],
    }


@register.inclusion_tag("artsimilarity/map.html", takes_context=True)
def similarity_map(context: template.Context) -> dict[str, Any]:
    """Render the map of a library: drawn where there is JavaScript, and as a list for everybody.

    ``{% similarity_map %}``, with ``map.css`` and ``map.js`` on the page, whose view inherits from
    :class:`artsimilarity.atlas.pages.MapMixin`.

    Args:
        context: the page's; its ``similarity_map`` is what is shown.
    """
    return {"map": context["similarity_map"], "request": context.get("request")}


def _refuse_others(picture: object) -> None:
    """Say in words what a template handed over that is no picture.

    Raises:
        TypeError: it is not a model's object.
    """
    if not isinstance(picture, models.Model):
        raise TypeError(
            f"The tag was given no picture, but {picture!r}. Is the variable's name misspelt?"
        )


def _kept(request: Any, *own: str) -> list[tuple[str, str]]:
    """What else the address holds than a form's own fields; a list that went on begins anew."""
    given = request.GET if request else QueryDict()
    left_out = {*own, "after"}
    return [(name, one) for name, values in given.lists() if name not in left_out for one in values]


def _page_of(request: Any) -> AbstractContextManager[None]:
    """What shows thumbnails waits for them no longer than a page may, if it is one."""
    return patience.page() if request else nullcontext()
