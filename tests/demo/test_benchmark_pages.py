"""The load on picture pages, on a small scale."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from django.core.management import CommandError, call_command

from demo_site.pooler import find_pgbouncer
from tests.worker import ROOT


@pytest.mark.parametrize("option", ["--rows", "--clients", "--seconds", "--workers", "--pgbouncer"])
def test_nothing_is_started_for_less_than_one_of_anything(option: str) -> None:
    with pytest.raises(CommandError, match=f"{option} must be 1 or more"):
        call_command("benchmark_pages", option, "0")


def test_says_what_to_install_where_gunicorn_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(CommandError, match="pip install gunicorn"):
        call_command("benchmark_pages")


@pytest.mark.parametrize(
    ("size", "reason"),
    [("lots", "--shared-buffers: invalid value"), ("7TB", "Postgres did not start")],
)
def test_memory_that_postgres_cannot_have_is_told_in_a_line(size: str, reason: str) -> None:
    pytest.importorskip("gunicorn", reason="needs gunicorn")
    with pytest.raises(CommandError, match=reason):
        call_command("benchmark_pages", "--rows", "1", "--shared-buffers", size)


@pytest.mark.figures  # loads the machine for a minute
def test_reads_pages_and_tells_errors_and_times() -> None:
    pytest.importorskip("gunicorn", reason="needs gunicorn")
    report = _report("--rows", "200", "--seconds", "2")
    assert "200 pictures, gunicorn with 2 workers, 8 clients" in report
    assert " 0 errors" in report
    assert "p95" in report


@pytest.mark.figures
@pytest.mark.skipif(find_pgbouncer() is None, reason="PgBouncer is not installed")
def test_measures_each_number_of_clients_with_and_without_a_pooler() -> None:
    pytest.importorskip("gunicorn", reason="needs gunicorn")
    report = _report("--rows", "200", "--seconds", "1", "--clients", "2", "3", "--pgbouncer", "2")
    for clients in (2, 3):
        assert f"{clients} clients, 1 s" in report
        assert f"{clients} clients, PgBouncer with 2 connections, 1 s" in report
    assert report.count(" 0 errors") == 4


def _report(*options: str) -> str:
    done = subprocess.run(
        [sys.executable, "manage.py", "benchmark_pages", *options],
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "demo_site.settings"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
