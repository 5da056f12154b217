"""Creates the extension pgvector in the database before any migration needs it."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError
from django.db import ProgrammingError, connections, router


def create_extension(using: str, **kwargs: Any) -> None:
    """Create pgvector in a Postgres database that does not have it; receiver of ``pre_migrate``.

    Our own migration does it too, but Django cannot know that the migration with the host's
    embedding column depends on ours, and runs it first where the host's app sorts before us.

    Raises:
        CommandError: the database user may not create it; says what a superuser must type.
    """
    connection = connections[using]
    if connection.vendor != "postgresql" or not router.allow_migrate(using, "artsimilarity"):
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_extension WHERE extname = 'vector'")
        if cursor.fetchone():
            return
        try:
            cursor.execute("CREATE EXTENSION IF NOT EXISTS vector")
        except ProgrammingError as error:
            database = connection.settings_dict["NAME"]
            raise CommandError(
                f"The database user may not create the extension pgvector ({error}). Let a "
                f"superuser run once, in database {database!r}: CREATE EXTENSION vector;"
            ) from error
