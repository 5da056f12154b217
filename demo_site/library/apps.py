"""The app of the picture library."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class LibraryConfig(AppConfig):
    """The app ``library``."""

    name = "demo_site.library"
    label = "library"
    verbose_name = _("Picture library")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Let web processes and commands know the worker's tasks by name."""
        from demo_site.library import tasks  # noqa: F401  (needs the models)
