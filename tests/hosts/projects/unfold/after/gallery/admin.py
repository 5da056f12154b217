from django.contrib import admin
from gallery.models import Artwork
from unfold.admin import ModelAdmin

from artsimilarity.admin import SimilarityAdminMixin


@admin.register(Artwork)
class ArtworkAdmin(SimilarityAdminMixin, ModelAdmin):
    list_display = ["title", "published"]
