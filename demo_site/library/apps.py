"""The app of the picture library."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class LibraryConfig(AppConfig):
    """The app ``library``."""

    name = "demo_site.library"
    label = "library"
    verbose_name = _("Picture library")
    default_auto_field = "django.db.models.BigAutoField"
