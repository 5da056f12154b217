"""``manage.py benchmark_search`` refuses what cannot work and leaves nothing behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core.management import CommandError
from django.db import Error, connection

from artsimilarity.lab.search_speed.scratch import PLAIN_TABLE, TABLE
from tests.lab.search_speed.running import run_benchmark, scratch_tables

ROOT = Path(__file__).resolve().parents[3]
SMALL = ("--rows", "60", "--queries", "1")


@pytest.mark.django_db(transaction=True)
class TestTables:
    def test_keep_leaves_them_and_only_replace_takes_them_away(self) -> None:
        run_benchmark(*SMALL, "--keep")
        assert scratch_tables() == {TABLE, PLAIN_TABLE}
        with pytest.raises(CommandError, match="--replace"):
            run_benchmark(*SMALL)
        assert scratch_tables() == {TABLE, PLAIN_TABLE}
        run_benchmark(*SMALL, "--replace")
        assert scratch_tables() == set()

    def test_rows_are_as_wide_as_a_sites_with_a_descriptor_of_copies(self) -> None:
        run_benchmark(*SMALL, "--keep")
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT count(embedding_copy_descriptor) FROM {TABLE}")
            ((filled,),) = cursor.fetchall()
        run_benchmark(*SMALL, "--replace")
        assert filled == 60

    def test_a_run_that_fails_drops_them(self) -> None:
        with pytest.raises(Error, match="maintenance_work_mem"):
            run_benchmark(*SMALL, "--maintenance-work-mem", "a lot")
        assert scratch_tables() == set()

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_a_run_that_is_stopped_drops_them(
        self, number: signal.Signals, postgres_url: str
    ) -> None:
        url = urlsplit(postgres_url)._replace(path=f"/{connection.settings_dict['NAME']}")
        command = [sys.executable, "manage.py", "benchmark_search", "--rows", "20000"]
        run = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, "DATABASE_URL": url.geturl()},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            # Tests that a shell runs in the background would hand down that Ctrl-C is ignored.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        try:
            _wait_until(lambda: bool(scratch_tables()) or run.poll() is not None)
            assert scratch_tables()
            run.send_signal(number)
            _out, errors = run.communicate(timeout=60)
        finally:
            run.kill()
            run.wait()
        assert "Stopped." in errors
        assert run.returncode == 130
        assert scratch_tables() == set()


@pytest.mark.django_db(transaction=True)
class TestOptions:
    def test_writes_a_plot(self, tmp_path: Path) -> None:
        pytest.importorskip("matplotlib")
        run_benchmark(*SMALL, "--plot", str(tmp_path / "plot.png"))
        assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")

    def test_says_what_a_plot_needs(self, tmp_path: Path, monkeypatch: Any) -> None:
        monkeypatch.setitem(sys.modules, "matplotlib", None)
        with pytest.raises(CommandError, match="pip install matplotlib"):
            run_benchmark(*SMALL, "--plot", str(tmp_path / "plot.png"))

    def test_refuses_a_file_in_no_folder_before_it_begins(self, tmp_path: Path) -> None:
        with pytest.raises(CommandError, match="is not a folder"):
            run_benchmark(*SMALL, "--json", str(tmp_path / "missing" / "report.json"))

    @pytest.mark.parametrize("name", ["--rows", "--series", "--queries"])
    def test_refuses_numbers_below_1(self, name: str) -> None:
        with pytest.raises(CommandError, match=f"{name} must be 1 or more"):
            run_benchmark(name, "0")

    def test_draws_series_of_near_identical_pictures(self) -> None:
        text = run_benchmark(*SMALL, "--series", "20")
        assert (
            "drawn vectors (the database holds no library), 20 near-identical ones of each" in text
        )

    def test_refuses_to_write_less_than_never(self) -> None:
        with pytest.raises(CommandError, match="--writes-per-second must be 0 or more"):
            run_benchmark("--writes-per-second", "-1")

    def test_writes_nothing_where_told_so(self, tmp_path: Path) -> None:
        report = tmp_path / "report.json"
        run_benchmark(*SMALL, "--writes-per-second", "0", "--json", str(report))
        assert json.loads(report.read_text())["writes"] is None


def _wait_until(condition: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)
