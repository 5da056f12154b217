from django.contrib import admin
from guardian.admin import GuardedModelAdmin
from import_export.admin import ImportExportMixin
from reversion.admin import VersionAdmin
from simple_history.admin import SimpleHistoryAdmin

from gallery.models import Artwork


@admin.register(Artwork)
class ArtworkAdmin(ImportExportMixin, VersionAdmin, SimpleHistoryAdmin, GuardedModelAdmin):
    list_display = ["title", "published"]
