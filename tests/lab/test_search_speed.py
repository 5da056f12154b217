"""``manage.py benchmark_search``: measures truthfully and leaves nothing behind."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from django.db import Error, connection
from pytest_django import DjangoDbBlocker

from artsimilarity.conf import get_settings
from artsimilarity.encoder.recipe import ART
from artsimilarity.lab.search_speed.scratch import PLAIN_TABLE, TABLE
from artsimilarity.lab.search_speed.truth import Truth
from artsimilarity.lab.search_speed.vectors import draw_centres, draw_library, find_centres
from artsimilarity.library import Library, libraries
from demo_site.library.models import Artwork
from tests.pictures import unit_blocks

ROOT = Path(__file__).resolve().parents[2]
SMALL = ("--rows", "60", "--queries", "1")


def _run(*args: str) -> str:
    out = io.StringIO()
    call_command("benchmark_search", *args, stdout=out, stderr=io.StringIO())
    return out.getvalue()


def _scratch_tables() -> set[str]:
    return {TABLE, PLAIN_TABLE} & set(connection.introspection.table_names())


@dataclass(frozen=True)
class Outcome:
    """What one run printed, wrote and left."""

    text: str
    report: dict[str, Any]
    tables: set[str]

    def results(self, contender: str) -> list[dict[str, Any]]:
        return [one for one in self.report["results"] if one["contender"] == contender]


@pytest.fixture(scope="module")
def outcome(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, tmp_path_factory: Any
) -> Outcome:
    """One run over 300 rows, for all tests that only look at it."""
    file = tmp_path_factory.mktemp("benchmark") / "report.json"
    with django_db_blocker.unblock():
        text = _run("--rows", "300", "--queries", "8", "--sweep", "--json", str(file))
        return Outcome(text, json.loads(file.read_text()), _scratch_tables())


class TestRun:
    def test_drops_its_tables(self, outcome: Outcome) -> None:
        assert outcome.tables == set()

    def test_adds_no_model_to_the_project(self, outcome: Outcome) -> None:
        assert libraries() == [Library.of(Artwork)]

    def test_covers_every_balance_filter_and_number_of_clients(self, outcome: Outcome) -> None:
        wanted = {
            (style, keep, clients)
            for style in (0, 0.25, 0.5, 0.75, 1)
            for keep in (100, 10, 1, 0.1)
            for clients in (1, 8)
        }
        for name in ("app", "exact", "plain"):
            found = [(r["style"], r["keep_percent"], r["clients"]) for r in outcome.results(name)]
            assert len(found) == len(wanted)
            assert set(found) == wanted

    def test_the_exact_scan_finds_what_numpy_finds(self, outcome: Outcome) -> None:
        assert {result["recall"] for result in outcome.results("exact")} == {1.0}

    def test_the_app_fills_its_page_under_every_filter(self, outcome: Outcome) -> None:
        assert {result["short_pages"] for result in outcome.results("app")} == {0}

    def test_counts_the_statements_of_one_client(self, outcome: Outcome) -> None:
        alone = [r for r in outcome.results("plain") if r["clients"] == 1]
        assert {result["statements"] for result in alone} == {1.0}

    def test_percentiles_are_in_order(self, outcome: Outcome) -> None:
        for result in outcome.report["results"]:
            assert 0 < result["p50_ms"] <= result["p95_ms"] <= result["p99_ms"]
            assert result["per_second"] > 0

    def test_compares_each_result_with_the_apps(self, outcome: Outcome) -> None:
        assert {result["time_ratio"] for result in outcome.results("app")} == {1.0}
        assert {result["recall_ratio"] for result in outcome.results("app")} == {1.0}
        for result in outcome.results("exact"):
            (app,) = [
                one
                for one in outcome.results("app")
                if all(one[key] == result[key] for key in ("style", "keep_percent", "clients"))
            ]
            ratio = result["p50_ms"] / app["p50_ms"]
            assert result["time_ratio"] == pytest.approx(ratio, abs=1e-3)

    def test_the_json_describes_machine_and_index(self, outcome: Outcome) -> None:
        report = outcome.report
        assert report["rows"] == 300
        assert report["machine"]["cores"] == os.cpu_count()
        assert report["machine"]["server_settings"]["shared_buffers"]
        assert report["fill_seconds"] > 0
        for name in ("app", "plain"):
            assert report["built"][name]["seconds"] > 0
            assert report["built"][name]["index_bytes"] > 300 * 472 * 2
            assert report["built"][name]["table_bytes"] > 300 * 472 * 2

    def test_the_sweep_tries_numbers_of_candidates_at_every_balance(self, outcome: Outcome) -> None:
        tried = {
            (v["result"]["style"], v["ef_search"])
            for v in outcome.report["sweep"]
            if v["result"]["keep_percent"] == 100
        }
        candidates = (40, 100, 200, 300, 500)
        assert tried == {(s, ef) for s in (0, 0.25, 0.5, 0.75, 1) for ef in candidates}

    def test_the_sweep_filters_through_the_index_and_exactly(self, outcome: Outcome) -> None:
        variants = outcome.report["sweep"]
        forced = [v for v in variants if v["strategy"] in ("iterative", "relaxed")]
        assert {v["plan"] for v in forced} == {"hnsw"}
        exact = [v for v in variants if v["strategy"] == "exact"]
        assert "hnsw" not in {v["plan"] for v in exact}
        assert {v["result"]["recall"] for v in exact} == {1.0}

    def test_the_sweep_ends_without_an_index_on_the_filter(self, outcome: Outcome) -> None:
        without = [v for v in outcome.report["sweep"] if not v["filter_indexed"]]
        exact = [v for v in without if v["strategy"] == "exact"]
        assert {v["plan"] for v in exact} == {"seq"}

    def test_prints_tables_and_the_machine(self, outcome: Outcome) -> None:
        assert "300 rows around 400 drawn vectors" in outcome.text
        assert "load average" in outcome.text
        assert "| app " in outcome.text
        assert outcome.text.count("Worst of the balances") == 2


@pytest.mark.django_db(transaction=True)
class TestTables:
    def test_keep_leaves_them_and_only_replace_takes_them_away(self) -> None:
        _run(*SMALL, "--keep")
        assert _scratch_tables() == {TABLE, PLAIN_TABLE}
        with pytest.raises(CommandError, match="--replace"):
            _run(*SMALL)
        assert _scratch_tables() == {TABLE, PLAIN_TABLE}
        _run(*SMALL, "--replace")
        assert _scratch_tables() == set()

    def test_a_run_that_fails_drops_them(self) -> None:
        with pytest.raises(Error, match="maintenance_work_mem"):
            _run(*SMALL, "--maintenance-work-mem", "a lot")
        assert _scratch_tables() == set()

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
            _wait_until(lambda: bool(_scratch_tables()) or run.poll() is not None)
            assert _scratch_tables()
            run.send_signal(number)
            _out, errors = run.communicate(timeout=60)
        finally:
            run.kill()
            run.wait()
        assert "Stopped." in errors
        assert run.returncode == 130
        assert _scratch_tables() == set()


@pytest.mark.django_db(transaction=True)
class TestOptions:
    def test_writes_a_plot(self, tmp_path: Path) -> None:
        pytest.importorskip("matplotlib")
        _run(*SMALL, "--plot", str(tmp_path / "plot.png"))
        assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")

    def test_says_what_a_plot_needs(self, tmp_path: Path, monkeypatch: Any) -> None:
        monkeypatch.setitem(sys.modules, "matplotlib", None)
        with pytest.raises(CommandError, match="pip install matplotlib"):
            _run(*SMALL, "--plot", str(tmp_path / "plot.png"))

    def test_refuses_a_file_in_no_folder_before_it_begins(self, tmp_path: Path) -> None:
        with pytest.raises(CommandError, match="is not a folder"):
            _run(*SMALL, "--json", str(tmp_path / "missing" / "report.json"))

    @pytest.mark.parametrize("name", ["--rows", "--queries"])
    def test_refuses_numbers_below_1(self, name: str) -> None:
        with pytest.raises(CommandError, match=f"{name} must be 1 or more"):
            _run(name, "0")


class TestVectors:
    def test_have_two_blocks_of_length_1_and_colours_of_no_sign(self) -> None:
        library = _library(500).astype(np.float64)
        for block in (library[:, :256], library[:, 256:]):
            np.testing.assert_allclose((block**2).sum(axis=1), 1, atol=2e-3)
        assert (library[:, 256:] >= 0).all()

    def test_are_the_same_for_the_same_seed(self) -> None:
        np.testing.assert_array_equal(_library(50), _library(50))

    def test_lie_in_clusters(self) -> None:
        library = _library(2000).astype(np.float64)
        for block in (library[:, :256], library[:, 256:]):
            products = block @ block.T
            np.fill_diagonal(products, -1)
            assert np.median(products.max(axis=1)) > np.median(products) + 0.3

    @pytest.mark.django_db
    def test_are_drawn_around_the_librarys_own_pictures(self) -> None:
        random = np.random.default_rng(0)
        fingerprint = get_settings().recipe.fingerprint
        vectors = [unit_blocks(random.normal(size=256), random.random(216)) for _ in range(100)]
        Artwork.objects.bulk_create(
            Artwork(
                title=str(number),
                image=f"{number}.png",
                embedding=vector.tolist(),
                embedding_recipe=fingerprint,
                embedding_image=f"{number}.png",
                embedding_status="ready",
            )
            for number, vector in enumerate(vectors)
        )
        centres = find_centres("default", random)
        assert centres.origin == "100 pictures of library.Artwork"
        np.testing.assert_allclose(centres.vectors, vectors, atol=2e-3)


class TestTruth:
    def test_recall_is_the_share_of_the_nearest_that_were_found(self) -> None:
        library = _library(200)
        buckets = np.arange(200, dtype=np.int32)
        truth = Truth(ART, library, buckets, [5], 10)
        truth.prepare(0.75, [100])
        exact = library.astype(np.float64)
        style = exact[:, :256] @ exact[4, :256]
        colour = exact[:, 256:] @ exact[4, 256:]
        order = np.argsort(-(0.75 * style + 0.25 * colour))
        nearest = [int(row) + 1 for row in order if row < 100 and row != 4]
        far = nearest[20:]
        assert truth.recall(5, 0.75, 100, nearest[:10]) == 1
        assert truth.recall(5, 0.75, 100, nearest[:7] + far[:3]) == pytest.approx(0.7)
        assert truth.recall(5, 0.75, 100, nearest[:4]) == pytest.approx(0.4)
        assert truth.recall(5, 0.75, 100, [nearest[0]] * 10) == pytest.approx(0.1)

    def test_neither_the_picture_itself_nor_a_row_outside_the_filter_counts(self) -> None:
        library = np.repeat(_library(1), 20, axis=0)
        truth = Truth(ART, library, np.arange(20, dtype=np.int32), [1], 10)
        truth.prepare(0.5, [12])
        assert truth.recall(1, 0.5, 12, list(range(2, 12))) == 1
        assert truth.recall(1, 0.5, 12, [1, *range(2, 11)]) == pytest.approx(0.9)
        assert truth.recall(1, 0.5, 12, [*range(2, 11), 20]) == pytest.approx(0.9)

    def test_a_page_is_as_long_as_there_are_rows_to_show(self) -> None:
        truth = Truth(ART, _library(20), np.arange(20, dtype=np.int32), [1], 10)
        truth.prepare(0.5, [4])
        assert truth.available(1, 0.5, 4) == 3
        assert truth.recall(1, 0.5, 4, [2, 3, 4]) == 1


def _library(rows: int) -> Any:
    random = np.random.default_rng(0)
    return draw_library(draw_centres(ART, random), rows, random, lambda count: None)


def _wait_until(condition: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)
