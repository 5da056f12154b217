"""Pages of the library."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.generic import CreateView, DetailView, ListView, TemplateView

from artsimilarity.search import more_like_these
from artsimilarity.search.balance import BalanceMixin
from demo_site.library.detail import ThrottledDetailMixin
from demo_site.library.forms import UploadForm
from demo_site.library.light_table import LightTable, press_table_button
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


class ArtworkView(ThrottledDetailMixin, DetailView):  # type: ignore[type-arg]
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


class LightTableView(BalanceMixin, TemplateView):
    """The visitor's own choice of pictures, and the pictures like them all."""

    template_name = "library/light_table.html"
    fragment_template_name = "library/alike_table.html"
    extra_context = {"here": "light-table"}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the table and what is found by it."""
        context = super().get_context_data(**kwargs)
        table = LightTable(self.request)
        neighbours = more_like_these(
            table.liked,
            table.unlike,
            limit=12,
            style=context["style"],
            request=self.request,
            why=True,
        )
        return {**context, "light_table": table, "neighbours": neighbours}

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Add, turn or remove a picture, or clear the table; then back to where it was asked."""
        table = LightTable(request)
        if "clear" in request.POST:
            table.clear()
            return redirect("library:light-table")
        artwork = press_table_button(request)
        return redirect(f"{self._origin()}#table-{artwork.pk}" if artwork else self._origin())

    def _origin(self) -> str:
        """The page whose button was pressed, at the balance that it has now."""
        origin = self.request.headers.get("Referer", "").partition("#")[0]
        secure = self.request.is_secure()
        if url_has_allowed_host_and_scheme(origin, {self.request.get_host()}, secure):
            return origin
        return reverse("library:light-table")


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
