"""System checks; each says what to type.

``manage.py check`` runs those on models, ``manage.py check --database default`` and ``migrate``
also those that ask the server. Imports ``library``; ``models`` and ``monitoring`` import it.
"""

from artsimilarity.checks.databases import check_databases
from artsimilarity.checks.models import check_model

__all__ = ["check_databases", "check_model"]
