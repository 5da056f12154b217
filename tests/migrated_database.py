"""A migrated database to copy for each run: the migrations run once for each state of the code.

The copy's original is named after a digest of whatever may decide about the schema: our Python
files (migrations call our fields and indexes), the settings, other apps' migrations, and the
versions of what is installed. Django's ``TEST["TEMPLATE"]`` copies it, and still applies what it
lacks.
"""

from __future__ import annotations

import hashlib
import sysconfig
from collections.abc import Iterable, Iterator
from pathlib import Path

import psycopg
from django.apps import apps
from psycopg.sql import SQL, Identifier

from tests.servers import ROOT

_LOCK = 20260726  # an advisory lock of Postgres, held while a database is copied or kept


class MigratedDatabase:
    """The original on one server; the lock keeps two processes from making it at once.

    Originals of other schemas are known by the same prefix.
    """

    def __init__(self, url: str, fingerprint: str, prefix: str = "migrated_") -> None:
        self._connection = psycopg.connect(url, autocommit=True)
        self._prefix = prefix
        self.name = prefix + fingerprint

    def lock(self) -> None:
        """Wait until nobody else copies or makes an original."""
        self._connection.execute("SELECT pg_advisory_lock(%s)", [_LOCK])

    def unlock(self) -> None:
        """Let the others go on; this object's work is done."""
        self._connection.close()

    def exists(self) -> bool:
        """Whether there is one to copy."""
        return self.name in self._originals()

    def keep(self, database: str) -> None:
        """Copy a migrated database that nobody is connected to; remove those of other schemas."""
        command = SQL("CREATE DATABASE {} TEMPLATE {}")
        self._connection.execute(command.format(Identifier(self.name), Identifier(database)))
        for name in self._originals():
            if name != self.name:
                self.drop(name)

    def drop(self, database: str) -> None:
        """Remove a database, whoever is connected to it."""
        command = SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
        self._connection.execute(command.format(Identifier(database)))

    def _originals(self) -> list[str]:
        rows = self._connection.execute("SELECT datname FROM pg_database").fetchall()
        return [name for (name,) in rows if name.startswith(self._prefix)]


def schema_fingerprint(settings: str = "") -> str:
    """A digest of all that may decide about the schema, settings not in a file included."""
    others = (Path(app.path) / "migrations" for app in apps.get_app_configs())
    files = {
        *_python_files(ROOT / name for name in ("artsimilarity", "demo_site", "tests")),
        *_python_files(others),
    }
    digest = hashlib.sha256(settings.encode())
    for path in sorted(files):
        content = path.read_bytes()
        digest.update(f"{path} {len(content)} ".encode() + content)
    installed = Path(sysconfig.get_path("purelib")).glob("*.dist-info")
    digest.update("".join(sorted(path.name for path in installed)).encode())
    return digest.hexdigest()[:20]


def _python_files(folders: Iterable[Path]) -> Iterator[Path]:
    for folder in folders:
        yield from folder.rglob("*.py")
