from django.contrib import admin
from gallery.models import Artwork
from guardian.admin import GuardedModelAdmin
from import_export.admin import ImportExportMixin
from reversion.admin import VersionAdmin
from simple_history.admin import SimpleHistoryAdmin

from artsimilarity.admin import SimilarityAdminMixin


@admin.register(Artwork)
class ArtworkAdmin(
    SimilarityAdminMixin, ImportExportMixin, VersionAdmin, SimpleHistoryAdmin, GuardedModelAdmin
):
    list_display = ["title", "published"]
