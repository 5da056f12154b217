"""System checks; each says what to type.

``manage.py check`` runs those on models, ``manage.py check --database default`` and ``migrate``
also those that ask the server; ``check --deploy`` says besides what waits unseen, and
where the index was measured to find too few, or a library has outgrown its links. Imports
``library``; ``models`` and ``monitoring`` import it.
"""

from artsimilarity.checks.celery_app import check_celery_app
from artsimilarity.checks.databases import (
    check_databases,
    check_links,
    check_proxies,
    check_recall,
    check_waiting,
)
from artsimilarity.checks.models import check_companion, check_model
from artsimilarity.checks.readers import check_readers

__all__ = [
    "check_celery_app",
    "check_companion",
    "check_databases",
    "check_links",
    "check_model",
    "check_proxies",
    "check_readers",
    "check_recall",
    "check_waiting",
]
