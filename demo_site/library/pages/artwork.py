"""The page of a picture."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.generic import DetailView

from artsimilarity.search import Neighbours, more_like_this
from artsimilarity.search.balance import wants_fragment
from artsimilarity.search.cursor import CursorError
from demo_site.library.about import About
from demo_site.library.collection import Listing
from demo_site.library.detail import ThrottledDetailMixin
from demo_site.library.models import Artwork
from demo_site.library.tiles import Tiles, is_large
from demo_site.library.words import LONGEST, holds

# Weight of the style under "?by=", which addresses had before there was a slider.
OLD_BALANCES = {"both": "0.75", "style": "1", "colour": "0"}

_NEIGHBOURS = 12


class ArtworkView(ThrottledDetailMixin, DetailView):  # type: ignore[type-arg]
    """One picture, what is known about it, and the pictures like it.

    In its address stand the list that it was found in, the balance, and words that neighbours have
    to have (``among``); the latter two go along to the neighbours' pages.
    """

    template_name = "library/artwork.html"
    fragment_template_name = "library/alike.html"
    context_object_name = "artwork"
    object: Artwork

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Lead old addresses to the balance that they meant."""
        style = OLD_BALANCES.get(request.GET.get("by", ""))
        if style is not None and "style" not in request.GET:
            return redirect(f"{request.path}?style={style}", permanent=True)
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[Artwork]:
        """Hidden pictures have no page."""
        artworks: QuerySet[Artwork] = Artwork.similarity_queryset(self.request)
        return artworks

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the neighbours and, but for their list alone, what stands around them."""
        context = super().get_context_data(**kwargs)
        listing = Listing.of(self.request)
        words = self.request.GET.get("among", "").replace("\0", "").strip()[:LONGEST]
        chosen = {"style": f"{context['style']:g}"} if "style" in self.request.GET else {}
        if words:
            chosen["among"] = words
        neighbours, is_continued = context["neighbours"], False  # those of a detail, if any
        is_detail = neighbours is not None
        if not is_detail:
            neighbours, is_continued = self._neighbours(context["style"], words)
        here = {**listing.parameters, **chosen}
        following = {**here, "after": neighbours.next_page}
        context |= {
            "neighbours": neighbours,
            "is_continued": is_continued,
            "is_detail": is_detail,
            "among": words,
            "along": _query(chosen),
            "first": _query(here) or "?",
            "more": _query(following) if neighbours.next_page and not is_detail else "",
        }
        if wants_fragment(self.request):
            return context
        previous, following_artwork = listing.beside(self.object, self.request)
        large, tiles = self.object.thumbnail, Tiles.of(self.object)
        return {
            **context,
            "listing": listing,
            "list": listing.address(),
            "kept": [(name, value) for name, value in here.items() if name != "among"],
            "previous": previous,
            "next": following_artwork,
            "about": About.of(self.object, large, self.request),
            "large": large,
            "tiles": tiles,
            # What is large waits for its tiles: the file itself would be too much for a telephone.
            "has_viewer": bool(
                large and self.object.width and (tiles or not is_large(self.object))
            ),
            "download": _download(self.object),
        }

    def _neighbours(self, style: float, words: str) -> tuple[Neighbours, bool]:
        """The neighbours, and whether they are others than the nearest."""
        options: dict[str, Any] = {
            "queryset": Artwork.objects.filter(holds(words)) if words else None,
            "request": self.request,
            "limit": _NEIGHBOURS,
            "style": style,
            "why": True,
        }
        if after := self.request.GET.get("after"):
            try:
                return more_like_this(self.object, **options, after=after), True
            except CursorError:  # mangled on the way: the nearest do as well
                pass
        return more_like_this(self.object, **options), False


def _query(parameters: dict[str, str]) -> str:
    return f"?{urlencode(parameters)}" if parameters else ""


def _download(artwork: Artwork) -> dict[str, Any] | None:
    """Kind and size of the file; None if it is gone."""
    try:
        size = artwork.image.size
    except (OSError, ValueError):
        return None
    kind = PurePosixPath(str(artwork.image.name)).suffix.removeprefix(".").upper()
    return {"size": size, "kind": "JPEG" if kind == "JPG" else kind}
