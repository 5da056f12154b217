"""What the figures were measured on."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass

import django
from django.db import connections

from artsimilarity.lab.hardware import cores, processor

_SERVER_SETTINGS = (
    "shared_buffers",
    "effective_cache_size",
    "work_mem",
    "maintenance_work_mem",
    "max_parallel_maintenance_workers",
    "max_parallel_workers_per_gather",
    "jit",
)


@dataclass(frozen=True, kw_only=True)
class Machine:
    """This machine, and the database's server.

    Attributes:
        cpu: model of the processor.
        cores: that this process sees.
        memory_gb: in 10**9 bytes; None where the system does not say.
        system: its name and release.
        python: version.
        django: version.
        postgres: version.
        pgvector: version of the extension in this database.
        server_settings: Postgres' own, by name.
    """

    cpu: str
    cores: int
    memory_gb: float | None
    system: str
    python: str
    django: str
    postgres: str
    pgvector: str
    server_settings: dict[str, str]


def read_machine(using: str) -> Machine:
    """Ask the machine that runs this process, and the server behind ``using``, what they are."""
    with connections[using].cursor() as cursor:
        cursor.execute("SHOW server_version")
        (postgres,) = cursor.fetchone()
        cursor.execute("SELECT extversion FROM pg_extension WHERE extname = 'vector'")
        (pgvector,) = cursor.fetchone()
        settings = {}
        for name in _SERVER_SETTINGS:
            cursor.execute("SELECT current_setting(%s)", [name])
            (settings[name],) = cursor.fetchone()
    return Machine(
        cpu=processor(),
        cores=cores(),
        memory_gb=_memory_gb(),
        system=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        django=django.get_version(),
        postgres=postgres,
        pgvector=pgvector,
        server_settings=settings,
    )


def _memory_gb() -> float | None:
    if "SC_PHYS_PAGES" not in getattr(os, "sysconf_names", {}):
        return None
    return round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9, 1)
