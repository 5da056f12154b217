"""The library in the admin."""

from __future__ import annotations

from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from artsimilarity.admin import SimilarityAdminMixin
from demo_site.library.models import Artwork

admin.site.site_header = _("The Print Room")
admin.site.site_title = _("The Print Room")
admin.site.index_title = _("Administration")


@admin.register(Artwork)
class ArtworkAdmin(SimilarityAdminMixin, admin.ModelAdmin):  # type: ignore[type-arg]
    """Pictures, with what became of their embeddings."""

    list_display = ["thumbnail", "title", "artist"]
    list_display_links = ["thumbnail", "title"]
    list_filter = ["published", "from_visitor"]
    list_per_page = 50
    search_fields = ["title", "artist"]

    @admin.display(description=_("picture"))
    def thumbnail(self, artwork: Artwork) -> SafeString | str:
        """The picture, small."""
        small = artwork.thumbnail
        if small is None:
            return "–"
        return format_html(
            '<img src="{}" alt="" loading="lazy" '
            'style="width:64px;height:64px;object-fit:contain">',
            small.url,
        )
