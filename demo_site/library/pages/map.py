"""The page of the map."""

from __future__ import annotations

from django.views.generic import TemplateView

from artsimilarity.atlas.pages import MapMixin
from demo_site.library.models import Artwork


class MapView(MapMixin, TemplateView):
    """All pictures in the plane by likeness."""

    template_name = "library/map.html"
    map_model = Artwork
    extra_context = {"here": "map"}
