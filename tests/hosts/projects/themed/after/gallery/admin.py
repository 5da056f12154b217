from django.contrib import admin
from gallery.models import Artwork

from artsimilarity.admin import SimilarityAdminMixin


@admin.register(Artwork)
class ArtworkAdmin(SimilarityAdminMixin, admin.ModelAdmin):
    list_display = ["title", "published"]
