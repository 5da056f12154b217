"""Wires checks and signals into the host's project."""

from django.apps import AppConfig
from django.db.models.signals import pre_migrate
from django.utils.translation import gettext_lazy as _


class ArtSimilarityConfig(AppConfig):
    """The app ``artsimilarity``."""

    name = "artsimilarity"
    verbose_name = _("Similar pictures")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from artsimilarity import checks, metrics, signals
        from artsimilarity.extension import create_extension
        from artsimilarity.models import similarity_models

        checks.register()
        metrics.connect()
        pre_migrate.connect(create_extension, sender=self, dispatch_uid="artsimilarity.extension")
        for model in similarity_models(proxies=True):
            signals.connect(model)
