"""The page that adds a picture."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.views.generic import CreateView

from demo_site.library.forms import UploadForm
from demo_site.library.models import Artwork


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
