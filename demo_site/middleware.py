"""Refuses what no address of the site can mean, before Django's own pages stumble over it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.utils.translation import gettext as _

# Primary keys of all models of this site are numbers that Postgres' bigint holds.
_LONGEST_KEY = 19


class RefuseMalformed:
    """Answers 400 to a NUL in the admin's query, and to rows ticked there that are no keys.

    Postgres has no text with a NUL in it, and filters of Django's admin hand it on; neither does
    the admin look at what was ticked before it asks for rows with such keys. The site's own pages
    and its API say themselves what is wrong.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self._get_response(request)

    def process_view(
        self, request: HttpRequest, view: Any, args: Any, kwargs: Any
    ) -> HttpResponse | None:
        """Look at the admin's requests; reading the form of another address is its view's."""
        match = request.resolver_match
        if match is None or match.app_name != "admin":
            return None
        if any("\0" in text for pair in request.GET.lists() for text in (pair[0], *pair[1])):
            return HttpResponseBadRequest(_("The address contains a character that means nothing."))
        if request.method == "POST":
            ticked = request.POST.getlist("_selected_action")
            if not all(one.isascii() and one.isdecimal() for one in ticked) or any(
                len(one) > _LONGEST_KEY for one in ticked
            ):
                return HttpResponseBadRequest(_("What was ticked is no row of this list."))
        return None
