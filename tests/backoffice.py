"""A second admin site, as some hosts have: of another name, with a ModelAdmin of their own ways."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import path

from artsimilarity.admin import SimilarityAdminMixin
from demo_site.library.models import Artwork
from demo_site.urls import urlpatterns as demo_urlpatterns


class PublishingAdmin(SimilarityAdminMixin, admin.ModelAdmin):  # type: ignore[type-arg]
    """Has an action of its own."""

    actions = ["publish"]

    @admin.action(description="Publish")
    def publish(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        queryset.update(published=True)


class OwnPicturesAdmin(SimilarityAdminMixin, admin.ModelAdmin):  # type: ignore[type-arg]
    """Shows each administrator a part of the pictures, and offers no actions."""

    actions = None

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).filter(artist=request.user.get_username())


backoffice = admin.AdminSite(name="backoffice")
backoffice.register(Artwork, PublishingAdmin)
gallery = admin.AdminSite(name="gallery")
gallery.register(Artwork, OwnPicturesAdmin)

urlpatterns = [
    path("backoffice/", backoffice.urls),
    path("gallery/", gallery.urls),
    *demo_urlpatterns,
]
