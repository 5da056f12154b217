"""The load on picture pages, on a small scale."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from django.core.management import CommandError, call_command

from tests.worker import ROOT


@pytest.mark.parametrize("option", ["--rows", "--clients", "--seconds", "--workers"])
def test_nothing_is_started_for_less_than_one_of_anything(option: str) -> None:
    with pytest.raises(CommandError, match=f"{option} must be 1 or more"):
        call_command("benchmark_pages", option, "0")


def test_says_what_to_install_where_gunicorn_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(CommandError, match="pip install gunicorn"):
        call_command("benchmark_pages")


@pytest.mark.figures  # loads the machine for a minute
def test_reads_pages_and_tells_errors_and_times() -> None:
    pytest.importorskip("gunicorn", reason="needs gunicorn")
    done = subprocess.run(
        [sys.executable, "manage.py", "benchmark_pages", "--rows", "200", "--seconds", "2"],
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "demo_site.settings"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "200 pictures, gunicorn with 2 workers" in done.stdout
    assert " 0 errors" in done.stdout
    assert "p95" in done.stdout
