"""What one whole run measures and tells."""

from __future__ import annotations

import contextlib
import io
import json
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
from pytest_django import DjangoDbBlocker

from artsimilarity.lab.hardware import cores
from artsimilarity.lab.search_speed import run
from artsimilarity.lab.search_speed.baselines import App, Exact, Query
from artsimilarity.lab.search_speed.report import p95_target
from artsimilarity.lab.search_speed.scratch import BUCKETS
from artsimilarity.library import Library, libraries
from artsimilarity.models import RecallMeasurement
from demo_site.library.models import Artwork
from tests.lab.search_speed.running import run_benchmark, scratch_tables

# The tests only read what the fixture got; pytest-django makes the database for tests so marked.
pytestmark = pytest.mark.django_db


@dataclass(frozen=True)
class Outcome:
    """What one run printed, wrote and left."""

    text: str
    told: list[str]
    report: dict[str, Any]
    tables: set[str]

    def results(self, baseline: str) -> list[dict[str, Any]]:
        return [one for one in self.report["results"] if one["baseline"] == baseline]


@pytest.fixture(scope="module")
def outcome(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, tmp_path_factory: Any
) -> Outcome:
    """One run over 600 rows, for all tests that only look at it."""
    file = tmp_path_factory.mktemp("benchmark") / "report.json"
    with django_db_blocker.unblock():
        with contextlib.redirect_stderr(io.StringIO()) as told:
            text = run_benchmark(
                "--rows", "600", "--queries", "8", "--variants", "--json", str(file)
            )
        lines = told.getvalue().splitlines()
        return Outcome(text, lines, json.loads(file.read_text()), scratch_tables())


def test_drops_its_tables(outcome: Outcome) -> None:
    assert outcome.tables == set()


def test_adds_no_model_to_the_project(outcome: Outcome) -> None:
    assert libraries() == [Library.of(Artwork)]


def test_covers_every_balance_filter_and_number_of_clients(outcome: Outcome) -> None:
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


def test_the_exact_scan_finds_what_numpy_finds(outcome: Outcome) -> None:
    assert {result["recall"] for result in outcome.results("exact")} == {1.0}


@pytest.mark.parametrize(
    ("queries", "clients", "searches"),
    [(100, 1, 20), (300, 1, 30), (300, 8, 30), (10, 8, 8), (4, 1, 1), (3, 8, 3)],
)
def test_of_exact_scans_there_are_a_fifth_and_no_more_than_thirty(
    queries: int, clients: int, searches: int
) -> None:
    some: Any = SimpleNamespace(count=clients)
    exact = object.__new__(Exact)
    assert run._share(exact, queries, some) == searches


def test_a_recall_is_told_with_its_standard_error(outcome: Outcome) -> None:
    for result in outcome.report["results"]:
        assert f"{result['recall']:.3f} ±{result['recall_error']:.3f}" in outcome.text
    assert {result["recall_error"] for result in outcome.results("exact")} == {0.0}


@pytest.mark.django_db(transaction=True)
def test_each_way_but_the_exact_one_first_searches_for_as_many_other_pictures(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: dict[str, list[Any]] = {"app": [], "exact": []}

    def note(of: type[Any]) -> None:
        ask = of.ask

        def noting(self: Any, query: Query) -> list[int]:
            asked[of.name].append((query.style, query.limit, query.picture.pk))
            found: list[int] = ask(self, query)
            return found

        monkeypatch.setattr(of, "ask", noting)

    note(App)
    note(Exact)
    monkeypatch.setattr(run, "CLIENTS", (1,))
    run_benchmark("--rows", "300", "--queries", "10", "--writes-per-second", "0")
    cell = [pk for style, limit, pk in asked["app"] if (style, limit) == (0.5, BUCKETS)]
    before, repeated, timed = cell[:10], cell[10:13], cell[13:]
    assert repeated == timed[:3]
    assert len(timed) == len(set(timed)) == 10
    assert len(set(before) - set(timed)) >= 5  # drawn at random, as others are
    # It reads all rows each time.
    exact = [pk for style, limit, pk in asked["exact"] if (style, limit) == (0.5, BUCKETS)]
    assert exact == [*timed[:2], *timed[:2]]


def test_the_app_fills_its_page_under_every_filter(outcome: Outcome) -> None:
    assert {result["short_pages"] for result in outcome.results("app")} == {0}


def test_counts_the_statements_of_one_client(outcome: Outcome) -> None:
    alone = [r for r in outcome.results("plain") if r["clients"] == 1]
    assert {result["statements"] for result in alone} == {1.0}


def test_percentiles_are_in_order(outcome: Outcome) -> None:
    for result in outcome.report["results"]:
        assert 0 < result["p50_ms"] <= result["p95_ms"] <= result["p99_ms"]
        assert result["per_second"] > 0


def test_compares_each_result_with_the_apps(outcome: Outcome) -> None:
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


def test_the_json_describes_machine_and_index(outcome: Outcome) -> None:
    report = outcome.report
    assert report["rows"] == 600
    assert report["machine"]["cores"] == cores()
    assert report["machine"]["server_settings"]["shared_buffers"]
    assert report["fill_seconds"] > 0
    for name in ("app", "plain"):
        assert report["built"][name]["seconds"] > 0
        assert report["built"][name]["index_bytes"] > 600 * 472 * 2
        assert report["built"][name]["table_bytes"] > 600 * 472 * 2
    assert 600 * 216 * 2 < report["built"]["app, colours"]["index_bytes"] < 600 * 472 * 2


@pytest.mark.parametrize(
    ("rows", "keep_percent", "milliseconds"),
    [(100_000, 100, 8), (100_000, 10, 12), (1_000_000, 100, 20), (1_000_000, 0.1, 30)],
)
def test_more_is_aimed_at_in_a_small_library_and_without_a_filter(
    rows: int, keep_percent: float, milliseconds: float
) -> None:
    assert p95_target(rows, keep_percent) == milliseconds


def test_variants_try_numbers_of_candidates_at_every_balance(outcome: Outcome) -> None:
    tried = {
        (v["result"]["style"], v["ef_search"])
        for v in outcome.report["variants"]
        if v["result"]["keep_percent"] == 100
    }
    candidates = (40, 100, 200, 300, 500)
    assert tried == {(s, ef) for s in (0, 0.25, 0.5, 0.75, 1) for ef in candidates}


def test_variants_filter_through_the_index_and_exactly(outcome: Outcome) -> None:
    variants = outcome.report["variants"]
    forced = [v for v in variants if v["strategy"] in ("iterative", "relaxed")]
    assert {v["plan"] for v in forced} == {"hnsw"}
    exact = [v for v in variants if v["strategy"] == "exact"]
    assert "hnsw" not in {v["plan"] for v in exact}
    assert {v["result"]["recall"] for v in exact} == {1.0}


def test_variants_end_without_an_index_on_the_filter(outcome: Outcome) -> None:
    without = [v for v in outcome.report["variants"] if not v["filter_indexed"]]
    exact = [v for v in without if v["strategy"] == "exact"]
    assert {v["plan"] for v in exact} == {"seq"}


def test_tells_every_step_on_standard_error(outcome: Outcome) -> None:
    steps = ["Drawing: 600 of 600 rows", "Copying: 1200 of 1200 rows"]
    steps += ["Index of app: 600 of 600 rows", "Index of plain: 600 of 600 rows"]
    steps += ["Right answers: 5 of 5 balances", "Variants: "]
    for step in steps:
        assert any(line.startswith(step) for line in outcome.told), step


def test_prints_tables_and_the_machine(outcome: Outcome) -> None:
    assert "600 rows around 400 drawn vectors" in outcome.text
    assert "load average" in outcome.text
    assert "| app " in outcome.text
    assert outcome.text.count("Worst of the balances") == 3  # and while pictures come and go


def test_pictures_that_come_and_go_are_found_and_gone_at_once(outcome: Outcome) -> None:
    writes = outcome.report["writes"]
    assert writes["inserted"] == writes["deleted"] > 0
    assert writes["found_at_once"] == writes["inserted"]
    assert writes["gone_at_once"] == writes["deleted"]
    assert 0 < writes["insert_p50_ms"] <= writes["insert_p95_ms"]


def test_searches_in_every_cell_while_pictures_come_and_go(outcome: Outcome) -> None:
    results = outcome.report["writes"]["results"]
    assert len({(one["style"], one["keep_percent"]) for one in results}) == 20
    assert min(result["recall"] for result in results) > 0.5  # copies take places of others


def test_takes_the_candidates_that_a_worker_would_choose_and_leaves_no_trace_of_it(
    outcome: Outcome,
) -> None:
    assert set(outcome.report["candidates"]) == {"0.0", "0.05", "0.25", "0.75", "1.0"}
    assert "candidates by a worker's measurement of recall: " in outcome.text
    assert not RecallMeasurement.objects.exists()
