"""Addresses of the demo site."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.templatetags.static import static
from django.urls import include, path
from django.views.generic import RedirectView
from django.views.i18n import set_language
from drf_spectacular.views import SpectacularAPIView

from demo_site.media import media
from demo_site.middleware import speculation_rules


class Icon(RedirectView):
    """The admin's pages name no icon, so browsers ask for this one."""

    def get_redirect_url(self, *args: Any, **kwargs: Any) -> str:
        """Known only when static files have been collected, which the addresses are before."""
        return static("library/mark.svg")


urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/", include("demo_site.library.api")),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("artsimilarity/", include("artsimilarity.monitoring.urls")),
    path("favicon.ico", Icon.as_view()),
    path("speculation-rules.json", speculation_rules, name="speculation-rules"),
    path("language/", set_language, name="set_language"),
    path("media/<path:path>", media, name="media"),
    path("", include("demo_site.library.urls")),
]
