"""System checks; each says what to type.

``manage.py check`` runs those on models, ``manage.py check --database default`` and ``migrate``
also those that ask the server. Imports ``library``; ``models`` and ``monitoring`` import it.
"""

from artsimilarity.checks.databases import check_databases
from artsimilarity.checks.models import check_companion, check_model
from artsimilarity.checks.readers import check_readers

__all__ = ["check_companion", "check_databases", "check_model", "check_readers"]
