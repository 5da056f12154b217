"""A picture's page on which visitors search by a detail: the box stands in the page's address."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _

from artsimilarity.encoder.pictures.crop import Area
from artsimilarity.library import Library
from artsimilarity.own_picture.asking import NotAnswered
from artsimilarity.own_picture.detail import EDGES, BoxError, parse_box, search_by_detail
from artsimilarity.search.balance import FRAGMENT_HEADER, BalanceMixin, wants_fragment
from artsimilarity.search.neighbours import Neighbours


@dataclass(frozen=True)
class AskedDetail:
    """What became of the box in a page's address.

    Attributes:
        neighbours: what was found; None where there is no box, or no answer.
        message: why there is no answer, in words for a visitor.
        status: the HTTP status that says the same.
        retry_after: seconds after which there may be one; 0 if nobody knows.
    """

    neighbours: Neighbours | None = None
    message: str = ""
    status: int = 200
    retry_after: int = 0


def chosen_box(request: HttpRequest) -> Area | None:
    """Return the box in the page's address, in per cent there; None if there is none.

    Raises:
        BoxError: it is no box on a picture, or too small.
    """
    if not any(name in request.GET for name in EDGES):
        return None
    try:
        box = [float(request.GET[name]) / 100 for name in EDGES]
    except (KeyError, ValueError):
        box = []
    return parse_box(box)


class DetailMixin(BalanceMixin):
    """For a picture's ``DetailView`` with ``{% similarity_detail %}`` on it.

    Puts ``detail`` in the context, an :class:`AskedDetail`, and ``neighbours``: those of the detail
    if one was asked for, else None, with which ``{% more_like_this %}`` looks for them itself.

    Attributes:
        detail_limit: how many pictures; None takes ``ARTSIMILARITY["LIMIT"]``.
    """

    detail_limit: int | None = None

    def detail_wait(self) -> float:
        """Return in how many seconds this visitor may search again; a throttle of the host's own.

        Asked before each search. Each takes a worker a good part of a second.
        """
        return 0

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the detail, and what is like it."""
        context = super().get_context_data(**kwargs)
        detail = self._ask(context["object"], context["style"])
        return {**context, "detail": detail, "neighbours": detail.neighbours}

    def render_to_response(self, context: dict[str, Any], **kwargs: Any) -> HttpResponse:
        """Say with the status why a detail has no answer; to ``detail.js`` in words alone."""
        detail: AskedDetail = context["detail"]
        if detail.message and wants_fragment(self.request):
            response = HttpResponse(detail.message, content_type="text/plain; charset=utf-8")
            patch_vary_headers(response, [FRAGMENT_HEADER])
        else:
            response = super().render_to_response(context, **kwargs)
        response.status_code = detail.status
        if detail.retry_after:
            response["Retry-After"] = str(detail.retry_after)
        if detail != AskedDetail():
            response["Cache-Control"] = "no-store"
        return response

    def _ask(self, picture: Any, style: float) -> AskedDetail:
        try:
            box = chosen_box(self.request)
        except BoxError as error:
            return AskedDetail(message=str(error), status=400)
        if box is None:
            return AskedDetail()
        if wait := self.detail_wait():
            seconds = int(wait) + 1
            words = _("You have searched often. Try again in %(count)d seconds.")
            return AskedDetail(None, words % {"count": seconds}, 429, seconds)
        options: dict[str, Any] = {"limit": self.detail_limit, "style": style, "why": True}
        try:
            found = search_by_detail(picture, box.edges, request=self.request, **options)
        except type(picture).DoesNotExist:  # a page that others may not see beside other pictures
            return AskedDetail(message=_("This picture cannot be searched by."), status=404)
        except NotAnswered as error:
            return AskedDetail(None, str(error), error.status, error.retry_after)
        Library.of(type(picture)).load_rows(found.pictures)  # thumbnails ask for them
        return AskedDetail(found)
