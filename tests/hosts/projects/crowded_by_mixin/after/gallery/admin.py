from django.contrib import admin
from gallery.models import Artwork
from guardian.admin import GuardedModelAdmin
from import_export.admin import ImportExportMixin
from import_export.resources import ModelResource
from reversion.admin import VersionAdmin
from simple_history.admin import SimpleHistoryAdmin

from artsimilarity.admin import SimilarityAdminMixin
from artsimilarity.models import COLUMNS


class ArtworkResource(ModelResource):
    class Meta:
        model = Artwork
        exclude = COLUMNS  # as the check W010 says


@admin.register(Artwork)
class ArtworkAdmin(
    SimilarityAdminMixin, ImportExportMixin, VersionAdmin, SimpleHistoryAdmin, GuardedModelAdmin
):
    list_display = ["title", "published"]
    resource_classes = [ArtworkResource]
