"""``manage.py benchmark_search`` in this process, and what it leaves."""

from __future__ import annotations

import io

from django.core.management import call_command
from django.db import connection

from artsimilarity.lab.search_speed.scratch import PLAIN_TABLE, TABLE


def run_benchmark(*args: str) -> str:
    """Run the command, and return what it printed."""
    out = io.StringIO()
    call_command("benchmark_search", *args, stdout=out, stderr=io.StringIO())
    return out.getvalue()


def scratch_tables() -> set[str]:
    """Those of its tables that are there."""
    return {TABLE, PLAIN_TABLE} & set(connection.introspection.table_names())
