"""The page that adds a picture, and the one that says what becomes of it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.cache import patch_vary_headers
from django.views.generic import CreateView, TemplateView

from artsimilarity.search.balance import FRAGMENT_HEADER, wants_fragment
from demo_site.library.forms import UploadForm
from demo_site.library.models import Artwork
from demo_site.library.uploads import (
    State,
    address_for_uploader,
    key_of,
    state_of,
    takes_long,
    why_failed,
)


class UploadView(CreateView):  # type: ignore[type-arg]
    """Adds a picture. In this demo anyone may; a real site would ask who it is."""

    template_name = "library/upload.html"
    form_class = UploadForm
    extra_context = {"here": "upload"}

    def form_valid(self, form: forms.ModelForm[Artwork]) -> HttpResponse:
        """Save, for others to see once a worker has read it, and lead to what becomes of it."""
        form.instance.from_visitor = True
        return redirect(address_for_uploader(form.save()))


class UploadedView(TemplateView):
    """Says to whoever has added a picture whether it waits, is shown, or why it is not."""

    template_name = "library/uploaded.html"
    extra_context = {"here": "upload"}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the picture and its state.

        Raises:
            Http404: nobody was given this address.
        """
        pk = key_of(self.kwargs["token"])
        if pk is None:
            raise Http404
        artwork = Artwork.objects.filter(pk=pk).first()
        state = state_of(artwork)
        context: dict[str, Any] = {"artwork": artwork, "state": state.value}
        if artwork is not None and state == State.WAITING:
            context["takes_long"] = takes_long(artwork)
        if artwork is not None and state == State.FAILED:
            context["why"] = why_failed(artwork)
        return {**super().get_context_data(**kwargs), **context}

    def get_template_names(self) -> list[str]:
        """To a script the state alone."""
        if wants_fragment(self.request):
            return ["library/upload_state.html"]
        return super().get_template_names()

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Never from a cache: it says what is so now."""
        response = super().get(request, *args, **kwargs)
        response["Cache-Control"] = "no-store"
        response["X-Robots-Tag"] = "noindex"
        patch_vary_headers(response, [FRAGMENT_HEADER])
        return response
