"""The time by a database's clock, the one that all machines share: their own may be minutes apart.

Where a statement compares times it says ``Now()`` itself; this is for what is no row's column.
"""

from __future__ import annotations

from django.db import connections


def database_seconds(using: str) -> float:
    """Return the time in seconds since 1970, by the clock of a database.

    Args:
        using: its alias.
    """
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT extract(epoch FROM clock_timestamp())::float8")
        seconds: float = cursor.fetchone()[0]
    return seconds
