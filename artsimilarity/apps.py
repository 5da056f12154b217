"""Wires checks, receivers and tasks into the host's project."""

from django.apps import AppConfig
from django.core import checks
from django.db.models.signals import post_migrate, pre_migrate
from django.utils.translation import gettext_lazy as _


class ArtSimilarityConfig(AppConfig):
    """The app ``artsimilarity``."""

    name = "artsimilarity"
    verbose_name = _("Similar pictures")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Connect what the rooms offer; imported here because models are not loaded before."""
        import artsimilarity.atlas.tasks
        import artsimilarity.embedding.tasks
        import artsimilarity.own_picture.tasks  # noqa: F401 -- known to Celery from now on
        from artsimilarity.atlas.tasks import keep_up
        from artsimilarity.checks import (
            check_celery_app,
            check_databases,
            check_links,
            check_proxies,
            check_readers,
            check_recall,
            check_waiting,
        )
        from artsimilarity.embedding import receivers
        from artsimilarity.embedding.signals import library_swept
        from artsimilarity.library import libraries, patience
        from artsimilarity.library.after_migrate import prepare_tables
        from artsimilarity.monitoring import prometheus
        from artsimilarity.own_picture.answering import forget_unclaimed
        from artsimilarity.schema.extension import create_extension

        checks.register(check_databases, checks.Tags.database)
        checks.register(check_readers, checks.Tags.models)
        checks.register(check_celery_app)
        checks.register(check_waiting, deploy=True)
        checks.register(check_recall, deploy=True)
        checks.register(check_links, deploy=True)
        checks.register(check_proxies, deploy=True)
        prometheus.connect()
        patience.connect()
        pre_migrate.connect(create_extension, sender=self, dispatch_uid="artsimilarity.extension")
        post_migrate.connect(prepare_tables, sender=self, dispatch_uid="artsimilarity.tables")
        library_swept.connect(forget_unclaimed, dispatch_uid="artsimilarity.forget_unclaimed")
        library_swept.connect(keep_up, dispatch_uid="artsimilarity.keep_map_up")
        for library in libraries(proxies=True):
            receivers.connect(library.model)
