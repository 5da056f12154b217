"""Routers of hosts that read from a streaming replica, under the alias ``replica``."""

from __future__ import annotations

from itertools import cycle
from typing import Any

_READERS = cycle(("replica", "default"))


class ReadsFromReplica:
    """Reads there, and writes to the primary."""

    def db_for_read(self, model: Any, **hints: Any) -> str:
        return "replica"

    def db_for_write(self, model: Any, **hints: Any) -> str:
        return "default"

    def allow_relation(self, one: Any, other: Any, **hints: Any) -> bool:
        return True

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        return db == "default"


class TakesTurns(ReadsFromReplica):
    """Reads from another database each time, as the router in Django's documentation may."""

    def db_for_read(self, model: Any, **hints: Any) -> str:
        return next(_READERS)
