"""Pages of the library."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.generic import CreateView, DetailView, ListView

from artsimilarity.balance import BalanceMixin
from demo_site.library.forms import UploadForm
from demo_site.library.models import Artwork

# Weight of the style under "?by=", which addresses had before there was a slider.
OLD_BALANCES = {"both": "0.75", "style": "1", "colour": "0"}


class HomeView(ListView):  # type: ignore[type-arg]
    """All published pictures, the newest first; by artist, or by words in title or artist."""

    template_name = "library/home.html"
    context_object_name = "artworks"
    paginate_by = 24
    extra_context = {"here": "home"}

    def get_queryset(self) -> QuerySet[Artwork]:
        """The pictures that the visitor asked for."""
        artworks: QuerySet[Artwork] = Artwork.objects.filter(published=True)
        if self._artist:
            artworks = artworks.filter(artist=self._artist)
        for word in self._words.split():
            artworks = artworks.filter(Q(title__icontains=word) | Q(artist__icontains=word))
        return artworks

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add what was asked for, and the numbers of the pages near this one."""
        context = super().get_context_data(**kwargs)
        page = context["page_obj"]
        numbers = page.paginator.get_elided_page_range(page.number, on_each_side=2, on_ends=1)
        return {
            **context,
            "artist": self._artist,
            "words": self._words,
            "page_numbers": list(numbers),
            "ellipsis": page.paginator.ELLIPSIS,
        }

    # Postgres refuses a text with a NUL in it, and so would this page with a server error.
    @property
    def _artist(self) -> str:
        return self.request.GET.get("artist", "").replace("\0", "").strip()

    @property
    def _words(self) -> str:
        return self.request.GET.get("q", "").replace("\0", "").strip()[:200]


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


class UploadView(CreateView):  # type: ignore[type-arg]
    """Adds a picture. In this demo anyone may; a real site would ask who it is."""

    template_name = "library/upload.html"
    form_class = UploadForm
    extra_context = {"here": "upload"}

    def form_valid(self, form: forms.ModelForm[Artwork]) -> HttpResponse:
        """Save, and lead to the picture's page."""
        response = super().form_valid(form)
        messages.success(self.request, _("“%(title)s” was added.") % {"title": form.instance.title})
        return response
