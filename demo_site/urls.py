"""Addresses of the demo site."""

from __future__ import annotations

from django.conf import settings
from django.contrib import admin
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.templatetags.static import static
from django.urls import include, path
from django.views.generic import RedirectView
from django.views.static import serve
from drf_spectacular.views import SpectacularAPIView


def media(request: HttpRequest, path: str) -> HttpResponseBase:
    """Hand out pictures. For this demo only: a real site leaves it to its web server or storage,
    because Django would hold a thread of the site for as long as each download takes."""
    try:
        return serve(request, path, document_root=settings.MEDIA_ROOT)
    except (OSError, ValueError) as error:  # a name that no file of this system can have
        raise Http404 from error


urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/", include("demo_site.library.api")),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("artsimilarity/", include("artsimilarity.monitoring.urls")),
    # The admin's pages name no icon, so browsers ask for this one.
    path("favicon.ico", RedirectView.as_view(url=static("library/mark.svg"))),
    path("media/<path:path>", media, name="media"),
    path("", include("demo_site.library.urls")),
]
