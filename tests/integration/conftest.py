"""A project of its own for tests of hosts: ``tests/host_project``, set up as README says."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.db import connection

from tests.worker import ROOT, database_url


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Callable[..., str]]:
    """The project in a folder and a database of its own; runs its ``manage.py``.

    It takes the arguments, and ``apps``, further ones of ``INSTALLED_APPS``.
    """
    name = f"{connection.settings_dict['NAME']}_second_host"  # others use the server, too
    with connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {name}")
        cursor.execute(f"CREATE DATABASE {name}")
    project = tmp_path / "host"
    shutil.copytree(Path(__file__).parent.parent / "host_project", project)
    environment = {
        **{k: v for k, v in os.environ.items() if k != "DJANGO_SETTINGS_MODULE"},
        "DATABASE_URL": database_url(name),
        "PYTHONPATH": str(ROOT),
    }

    def manage(*args: str, apps: str = "") -> str:
        result = subprocess.run(
            [sys.executable, "manage.py", *args],
            cwd=project,
            env=environment | {"EXTRA_APPS": apps},
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    yield manage
    with connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")
