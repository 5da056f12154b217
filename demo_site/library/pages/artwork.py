"""The page of a picture."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.generic import DetailView

from artsimilarity.search.balance import BalanceMixin
from demo_site.library.models import Artwork

# Weight of the style under "?by=", which addresses had before there was a slider.
OLD_BALANCES = {"both": "0.75", "style": "1", "colour": "0"}


class ArtworkView(BalanceMixin, DetailView):  # type: ignore[type-arg]
    """One picture, what is known about it, and the pictures like it."""

    template_name = "library/artwork.html"
    fragment_template_name = "library/alike.html"
    context_object_name = "artwork"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Lead old addresses to the balance that they meant."""
        style = OLD_BALANCES.get(request.GET.get("by", ""))
        if style is not None and "style" not in request.GET:
            return redirect(f"{request.path}?style={style}", permanent=True)
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[Artwork]:
        """Hidden pictures have no page."""
        artworks: QuerySet[Artwork] = Artwork.objects.filter(published=True)
        return artworks
