"""What the site does with every request: chooses a language, compresses, refuses nonsense."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib.admin.options import TO_FIELD_VAR
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, JsonResponse
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from django.middleware.locale import LocaleMiddleware
from django.urls import get_script_prefix
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _

# Primary keys of all models of this site are numbers that Postgres' bigint holds.
_LONGEST_KEY = 19
_TEXTS = ("text/", "application/json", "application/vnd.oai.openapi")


class CompressText(GZipMiddleware):
    """Compresses pages and the API's answers, but no pictures, which are compressed as they are.

    The secret of a form, which compression could betray, is masked by Django in each answer anew.
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> Any:
        """Leave everything but texts as it is."""
        if not response.get("Content-Type", "").startswith(_TEXTS):
            return response
        return super().process_response(request, response)


class ChooseLanguage(LocaleMiddleware):
    """Answers in the visitor's language, and tells caches so; pictures have none."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> Any:
        """Leave everything but texts as it is: browsers keep pictures, whoever asks for them."""
        if not response.get("Content-Type", "").startswith(_TEXTS):
            return response
        return super().process_response(request, response)


class FetchBeforehand:
    """Lets browsers fetch a picture's page as soon as somebody points at it.

    By a header, since a strict Content-Security-Policy refuses such rules within a page. Who asks
    for less data (``Save-Data``) gets none.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self._get_response(request)
        if not response.get("Content-Type", "").startswith("text/html"):
            return response
        if request.headers.get("Save-Data") != "on":
            # Not by reverse(): tests have other addresses, and a page is more important.
            response["Speculation-Rules"] = f'"{get_script_prefix()}speculation-rules.json"'
        patch_vary_headers(response, ["Save-Data"])
        return response


def speculation_rules(request: HttpRequest) -> HttpResponse:
    """What may be fetched beforehand: pages that tiles lead to, once they are pointed at."""
    rules = {"prefetch": [{"where": {"selector_matches": ".mount"}, "eagerness": "moderate"}]}
    response = JsonResponse(rules, content_type="application/speculationrules+json")
    response["Cache-Control"] = "public, max-age=86400"
    return response


class RefuseMalformed:
    """Answers 400 to a NUL in the admin's addresses, and to rows and fields there that are none.

    Postgres has no text with a NUL in it, and filters of Django's admin hand it on; neither does
    the admin look at what was ticked before it asks for rows with such keys, nor at an empty name
    of the field that a row is looked up by.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self._get_response(request)

    def process_view(
        self, request: HttpRequest, view: Any, args: Any, kwargs: Any
    ) -> HttpResponse | None:
        """Look at the query, and at what was ticked; other addresses look for themselves."""
        match = request.resolver_match
        if match is None or match.app_name != "admin":
            return None
        if any("\0" in text for name, many in request.GET.lists() for text in (name, *many)):
            return HttpResponseBadRequest(_("The address contains a character that means nothing."))
        if "" in (*request.GET.getlist(TO_FIELD_VAR), *request.POST.getlist(TO_FIELD_VAR)):
            return HttpResponseBadRequest(_("The address names no field."))
        ticked = request.POST.getlist("_selected_action") if request.method == "POST" else []
        if not all(_is_key(one) for one in ticked):
            return HttpResponseBadRequest(_("What was ticked is no row of this list."))
        return None


def _is_key(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= _LONGEST_KEY
