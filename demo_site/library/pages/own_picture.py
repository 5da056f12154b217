"""The page that searches by a visitor's own picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.defaultfilters import filesizeformat
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods
from django.views.generic import View

from artsimilarity.api.throttling import SearchByPictureThrottle
from artsimilarity.conf import get_settings
from artsimilarity.own_picture import (
    DescribedPicture,
    DescriptionOutdated,
    NotAnswered,
    PictureRefused,
    describe_picture,
    search_by_description,
)
from artsimilarity.own_picture.uploads import keep_in_memory
from artsimilarity.search.balance import (
    FRAGMENT_HEADER,
    SLIDER_STEPS,
    read_style,
    wants_fragment,
)
from demo_site.library.models import Artwork
from demo_site.library.table_buttons import TABLE_BUTTONS, press_table_button

_SHOWN = 24

CLOSE: Final = {
    "": (0.0, gettext_lazy("All")),
    "close": (90.0, gettext_lazy("Close ones")),
    "very": (99.0, gettext_lazy("Very close ones")),
}
"""Which of the pictures found are shown: the least percentile, and what that is called."""


@dataclass(frozen=True)
class _Refusal:
    """Why there is no answer, in words for a visitor, as a status, and until when in seconds."""

    words: str
    status: int
    wait: int = 0


@csrf_exempt  # the check would read the form before we can say how: see the function below
def search_picture(request: HttpRequest) -> HttpResponse:
    """Pictures like one that the visitor sends along, which touches no disk.

    The page holds what a worker made of it, signed, and sends that along when it is asked again:
    at another balance, for close ones only, or with a button of the light table.
    """
    keep_in_memory(request)
    return _search_picture(request)


@csrf_protect
@require_http_methods(["GET", "HEAD", "POST"])
def _search_picture(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return _page(request, {})
    if any(name in request.POST for name in TABLE_BUTTONS):
        pressed = press_table_button(request)
        if not pressed.is_done:
            messages.error(request, pressed.words)
    described = _asked_again(request) if "asked" in request.POST else _asked(request)
    if isinstance(described, _Refusal):
        return _refuse(request, described)
    try:
        return _page(request, _found(request, described))
    except DescriptionOutdated:
        return _refuse(request, _outdated())


def _asked(request: HttpRequest) -> DescribedPicture | _Refusal:
    throttle = SearchByPictureThrottle()
    if not throttle.allow_request(request, View()):  # type: ignore[arg-type] # needs no more
        seconds = int(throttle.wait() or 0) + 1
        words = _("You have searched often. Try again in %(count)d seconds.")
        return _Refusal(words % {"count": seconds}, 429, seconds)
    file: Any = request.FILES.get("picture")
    if file is None:
        return _Refusal(_("Choose a picture first."), 400)
    try:
        return describe_picture(Artwork, file)
    except PictureRefused as error:
        return _Refusal(str(error), error.status)
    except NotAnswered as error:
        return _Refusal(str(error), error.status, error.retry_after)


def _asked_again(request: HttpRequest) -> DescribedPicture | _Refusal:
    try:
        return DescribedPicture.read(request.POST["asked"])
    except DescriptionOutdated:
        return _outdated()


def _outdated() -> _Refusal:
    return _Refusal(_("This page is too old. Choose your picture again."), 400)


def _found(request: HttpRequest, described: DescribedPicture) -> dict[str, Any]:
    """What was found at the balance that is asked for, as far as it is close enough."""
    style = read_style(request.POST.get("style", ""))
    found = search_by_description(
        Artwork, described, limit=_SHOWN, style=style, request=request, why=True
    )
    close = request.POST.get("close", "")
    close = close if close in CLOSE else ""
    percentiles = [_closeness(artwork.similarity_why, style) for artwork in found]
    least = CLOSE[close][0]
    return {
        "is_answered": True,
        "described": described,
        "style": f"{style:g}",
        "step": f"{1 / SLIDER_STEPS:g}",
        "percent": round(100 * style),
        "rest": round(100 * (1 - style)),
        "close": close,
        "choices": [(name, words) for name, (_least, words) in CLOSE.items()],
        # Before scores were calibrated nobody can say what is close.
        "is_measured": None not in percentiles,
        "artworks": [
            artwork
            for artwork, percentile in zip(found, percentiles, strict=True)
            if percentile is None or percentile >= least
        ],
        "is_anything": bool(found),
    }


def _closeness(why: Any, style: float) -> float | None:
    """The percentiles of brushwork and colours, weighed as the search weighs the two."""
    if why.style_percentile is None or why.colour_percentile is None:
        return None
    return style * float(why.style_percentile) + (1 - style) * float(why.colour_percentile)


def _refuse(request: HttpRequest, refusal: _Refusal) -> HttpResponse:
    if wants_fragment(request):
        response = HttpResponse(refusal.words, content_type="text/plain; charset=utf-8")
        response.status_code = refusal.status
        response["Cache-Control"] = "no-store"
    else:
        response = _page(request, {"error": refusal.words}, refusal.status)
    if refusal.wait:
        response["Retry-After"] = str(refusal.wait)
    return response


def _page(request: HttpRequest, context: dict[str, Any], status: int = 200) -> HttpResponse:
    context |= {"here": "picture", "limit": filesizeformat(get_settings().SEARCH_MAX_BYTES)}
    is_list = wants_fragment(request) and "described" in context
    template = "own_picture_found" if is_list else "search_picture"
    response = render(request, f"library/{template}.html", context, status=status)
    response["Cache-Control"] = "no-store"
    patch_vary_headers(response, [FRAGMENT_HEADER])
    return response
