"""Where Postgres keeps a library's vectors: within their rows."""

from __future__ import annotations

import logging
import time

from django.db import OperationalError, connections, transaction
from psycopg.errors import LockNotAvailable

from artsimilarity.library.library import Library

logger = logging.getLogger(__name__)

_COLUMNS = ("embedding", "embedding_next")
_MAIN = "m"
# Searches wait behind who waits for the lock, so nobody waits for long at a time.
_LOCK_TIMEOUT = "300ms"
_TRIES, _SECONDS_BETWEEN = 5, 0.5


def keep_in_rows(library: Library) -> None:
    """Have Postgres keep vectors that are written from now on within their rows.

    A row of more than 2 kB is cut down by moving values to the table's TOAST storage, the longest
    first, which a vector is; an exact comparison then takes 2.4 to 6 times as long
    (docs/design.md). With the storage ``MAIN`` other values of the row are moved before. Vectors
    that are there already stay where they are until they are written anew, or a ``VACUUM FULL``.

    Only where something is to be changed it takes a lock that lets nobody read, for a moment. If
    others keep the table locked, the log says so and the next ``migrate`` tries again. A table of
    another role's is left as it is.
    """
    for attempt in range(_TRIES):
        if attempt:
            time.sleep(_SECONDS_BETWEEN)
        try:
            with transaction.atomic(using=library.using):
                _change_storage(library)
        except OperationalError as error:
            if not isinstance(error.__cause__, LockNotAvailable):
                raise
        else:
            return
    logger.warning(
        "Vectors of %s are not kept within their rows yet, as others kept the table locked. "
        "The next “manage.py migrate” tries again.",
        library.label,
    )


def _change_storage(library: Library) -> None:
    connection = connections[library.using]
    table, _key = library.table()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT attname FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid"
            " WHERE attrelid = to_regclass(%s) AND attname = ANY(%s) AND attstorage <> %s"
            " AND pg_has_role(relowner, 'USAGE') ORDER BY attnum",
            [table, list(_COLUMNS), _MAIN],
        )
        changes = [
            f"ALTER {connection.ops.quote_name(name)} SET STORAGE MAIN" for (name,) in cursor
        ]
        if changes:
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", [_LOCK_TIMEOUT])
            cursor.execute(f"ALTER TABLE {table} {', '.join(changes)}")
            cursor.execute("SELECT set_config('lock_timeout', '0', true)")
