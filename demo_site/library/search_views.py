"""Pages to search by colours, and by a picture of one's own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods
from django.views.generic import TemplateView, View

from artsimilarity.api.throttling import SearchByPictureThrottle
from artsimilarity.conf import get_settings
from artsimilarity.own_picture import NotAnswered, PictureRefused, search_by_picture
from artsimilarity.own_picture.uploads import keep_in_memory
from artsimilarity.search import search_by_colours
from artsimilarity.search.colours import MAX_COLOURS, parse_colour
from artsimilarity.search.swatches import SharedColour
from artsimilarity.search.why import Why
from demo_site.library.models import Artwork
from demo_site.library.table_buttons import press_table_button

_SHOWN = 24
_MOST_WEIGHT = 5
_WEIGHTS = {str(weight) for weight in range(_MOST_WEIGHT + 1)}
_NEW_WEIGHT = 3
_UNUSED = ("#808080", 0)
_NOTE_SALT = "library.search_picture"

PALETTE = (
    ("#b3261e", gettext_lazy("Vermilion")),
    ("#d9732b", gettext_lazy("Orange")),
    ("#e0b13c", gettext_lazy("Ochre")),
    ("#f1e2a8", gettext_lazy("Straw")),
    ("#7c8b3a", gettext_lazy("Olive")),
    ("#2f6b3f", gettext_lazy("Forest green")),
    ("#3d8f8c", gettext_lazy("Teal")),
    ("#9cc3d9", gettext_lazy("Sky blue")),
    ("#1f4e8c", gettext_lazy("Prussian blue")),
    ("#5a3a78", gettext_lazy("Violet")),
    ("#d58ca3", gettext_lazy("Rose")),
    ("#6b4126", gettext_lazy("Umber")),
    ("#c9a98b", gettext_lazy("Skin")),
    ("#f4efe4", gettext_lazy("Paper")),
    ("#8c8a85", gettext_lazy("Grey")),
    ("#1c1a18", gettext_lazy("Ink")),
)


class ColoursView(TemplateView):
    """Pictures in one to five weighted colours; all that was chosen stands in the address."""

    template_name = "library/search_colours.html"
    extra_context = {"here": "colours"}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the rows of the form, the swatches with their addresses, and what was found."""
        rows = self._rows()
        chosen = [(colour, weight) for colour, weight in rows if weight]
        artworks = (
            search_by_colours(
                Artwork,
                chosen,
                limit=_SHOWN,
                queryset=_published(),
                request=self.request,
                why=True,
            )
            if chosen
            else []
        )
        swatches = [
            (colour, name, _address([*chosen, (colour, _NEW_WEIGHT)])) for colour, name in PALETTE
        ]
        return {
            **super().get_context_data(**kwargs),
            "rows": rows,
            "chosen": [
                (colour, weight, _address([one for one in chosen if one[0] != colour]))
                for colour, weight in chosen
            ],
            "swatches": swatches,
            "is_full": len(chosen) == MAX_COLOURS,
            "most_weight": _MOST_WEIGHT,
            "artworks": artworks,
        }

    def _rows(self) -> list[tuple[str, int]]:
        """Five colours with weights; what is malformed in the address is left out."""
        rows: dict[str, int] = {}
        texts, weights = (self.request.GET.getlist(name) for name in ("colour", "weight"))
        for text, weight in zip(texts, weights, strict=False):
            try:
                red, green, blue = parse_colour(text)
            except ValueError:
                continue
            number = int(weight) if weight in _WEIGHTS else _NEW_WEIGHT
            if number:
                rows[f"#{red:02x}{green:02x}{blue:02x}"] = number
        found = list(rows.items())[:MAX_COLOURS]
        return found + [_UNUSED] * (MAX_COLOURS - len(found))


def _address(colours: list[tuple[str, int]]) -> str:
    pairs = [
        pair
        for colour, weight in dict(colours).items()
        for pair in (("colour", colour), ("weight", weight))
    ]
    return f"?{urlencode(pairs)}"


@csrf_exempt  # the check would read the form before we can say how: see the function below
def search_picture(request: HttpRequest) -> HttpResponse:
    """Pictures like one that the visitor sends along, which touches no disk."""
    keep_in_memory(request)
    return _search_picture(request)


@csrf_protect
@require_http_methods(["GET", "HEAD", "POST"])
def _search_picture(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return _picture_page(request)
    if "found" in request.POST:  # a button of the light table, beside what was found
        pressed = press_table_button(request)
        if not pressed.is_done:
            messages.error(request, pressed.words)
        return _picture_page(request, artworks=_recall(request.POST["found"]))
    throttle = SearchByPictureThrottle()
    if not throttle.allow_request(request, View()):  # type: ignore[arg-type] # needs no more
        seconds = int(throttle.wait() or 0) + 1
        words = _("You have searched often. Try again in %(count)d seconds.")
        return _picture_page(request, words % {"count": seconds}, status=429, wait=seconds)
    file: Any = request.FILES.get("picture")
    if file is None:
        return _picture_page(request, _("Choose a picture first."), status=400)
    try:
        artworks = search_by_picture(
            Artwork, file, limit=_SHOWN, queryset=_published(), request=request, why=True
        )
    except PictureRefused as error:
        return _picture_page(request, str(error), status=error.status)
    except NotAnswered as error:
        return _picture_page(request, str(error), status=error.status, wait=error.retry_after)
    return _picture_page(request, artworks=artworks)


def _picture_page(
    request: HttpRequest,
    error: str = "",
    *,
    artworks: Any = None,
    status: int = 200,
    wait: int = 0,
) -> HttpResponse:
    context = {
        "here": "picture",
        "limit": filesizeformat(get_settings().SEARCH_MAX_BYTES),
        "error": error,
        "artworks": artworks,
        "is_answered": artworks is not None,
        "found": _note(artworks or ()),
    }
    response = render(request, "library/search_picture.html", context, status=status)
    response["Cache-Control"] = "no-store"
    if wait:
        response["Retry-After"] = str(wait)
    return response


def _note(artworks: Iterable[Any]) -> str:
    """Which pictures were found and why, for the page to hold: the server keeps nothing of it."""
    notes = [(artwork.pk, asdict(artwork.similarity_why)) for artwork in artworks]
    return signing.dumps(notes, salt=_NOTE_SALT, compress=True)


def _recall(note: str) -> list[Artwork] | None:
    """The pictures of a note that can still be seen; None if the page did not come from here."""
    try:
        notes = signing.loads(note, salt=_NOTE_SALT)
    except signing.BadSignature:
        return None
    rows = _published().in_bulk([pk for pk, _why in notes])
    artworks = []
    for pk, why in notes:
        if pk in rows:
            shared = [
                SharedColour(tuple(one["rgb"]), one["share"]) for one in why["shared_colours"]
            ]
            rows[pk].similarity_why = Why(**{**why, "shared_colours": tuple(shared)})
            artworks.append(rows[pk])
    return artworks


def _published() -> Any:
    return Artwork.objects.filter(published=True)
