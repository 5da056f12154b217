"""Recall of the index: measured right, within bounds, by one at a time, and naming nobody."""

from __future__ import annotations

import io
import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, close_old_connections, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from numpy.typing import NDArray
from pytest_django import Settings

from artsimilarity.conf import get_settings
from artsimilarity.embedding import sweep
from artsimilarity.encoder.recipe import ART
from artsimilarity.library import Library, recall_history
from artsimilarity.library.index_build import VectorIndex
from artsimilarity.models import RecallMeasurement, SweepRecord
from artsimilarity.schema.indexes import Graph
from artsimilarity.search import recall
from artsimilarity.search.ordering import order_by_similarity
from artsimilarity.search.query_vector import QueryVector, stored_vector
from artsimilarity.search.recall import RecallNotMeasuredError, measure, refresh
from demo_site.library.models import Artwork
from tests.broker import Broker
from tests.photos import photo_tables
from tests.pictures import fill_library, make_embedded

TABLE = Artwork._meta.db_table
PICTURES = recall._PICTURES
# And no more where they find too little.
FEW = {"EF_SEARCH": 1, "EF_SEARCH_COLOUR": 1, "RECALL_AIM": 0}


@pytest.fixture
def library() -> Library:
    return Library.of(Artwork)


@pytest.fixture(autouse=True)
def _fewer_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that measuring takes less time."""
    monkeypatch.setattr(recall, "_PICTURES", 40)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few pictures are enough, for tests that are not about the figures."""
    monkeypatch.setattr(recall, "LEAST_PICTURES", 30)


def _use(settings: Settings, **keys: Any) -> None:
    settings.ARTSIMILARITY = {**settings.ARTSIMILARITY, **keys}


def _vectors() -> tuple[list[int], NDArray[np.float32]]:
    rows = Artwork.objects.order_by("pk").values_list("pk", "embedding")
    return [pk for pk, _vector in rows], np.array([list(vector) for _pk, vector in rows], "f4")


def _recall_by_numpy(style: float, candidates: int, chosen: list[int]) -> float:
    """What the same pages are worth by another reckoning."""
    pks, vectors = _vectors()
    weights = np.repeat([style, 1 - style], [256, 216]).astype("f4")
    shares = []
    for pk in chosen:
        artwork = Artwork.objects.get(pk=pk)
        query = stored_vector(Library.of(Artwork), artwork)
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_sort = off")
        near = _by_index(query, style, candidates)
        if pk not in [one for _similarity, one in near]:
            near = _by_index(query, style, 1000)  # as a page does
        found = [one for _similarity, one in near if one != pk][:10]
        scores = vectors @ (vectors[pks.index(pk)] * weights)
        scores[pks.index(pk)] = -np.inf
        tenth = np.sort(scores)[-10]
        shares.append(sum(scores[pks.index(one)] >= tenth - 1e-4 for one in found) / 10)
    return float(np.mean(shares))


def _by_index(query: QueryVector, style: float, candidates: int) -> list[tuple[float, int]]:
    with_itself = replace(query, excluded=())
    ordered = order_by_similarity(
        Artwork._base_manager.all(), with_itself, style=style, candidates=candidates
    )
    return sorted(ordered.values_list("similarity", "pk")[:15], reverse=True)


def _plan_of(asked: str) -> str:
    """How Postgres answers what a measurement asked, as the measurement asked it."""
    with recall._bounded("default", time.monotonic() + 60), connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {asked}")
        return str(cursor.fetchall())


@pytest.mark.django_db
class TestMeasuring:
    def test_a_good_index_finds_nearly_all(
        self, library: Library, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        fill_library(1500)
        _use(settings, RECALL_AIM=0.5)  # random vectors are hard, and each index is another
        monkeypatch.setattr(recall, "_PICTURES", PICTURES)
        measured = measure(library)
        assert measured.styles == [0, 0.05, 0.25, get_settings().STYLE, 1]
        assert measured.candidates == [100, 170, 100, 100, 100]
        assert measured.fingerprint == ART.fingerprint
        assert measured.pictures == 100
        assert len(measured.recalls) == 5
        assert measured.lowest > 0.9
        assert recall_history.read(library).latest == measured

    def test_few_candidates_find_less_and_the_figure_is_numpys(
        self, library: Library, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        fill_library(1500)
        _use(settings, **FEW)
        asked: list[int] = []
        ask = recall._ask_index
        monkeypatch.setattr(
            recall,
            "_ask_index",
            lambda library, query, *args: (
                asked.append(*query.excluded) or ask(library, query, *args)
            ),
        )
        measured = measure(library)
        assert measured.candidates == [15] * 5
        assert measured.lowest < 0.9
        chosen = list(dict.fromkeys(asked))
        assert len(chosen) == 40
        for style, found in zip(measured.styles, measured.recalls, strict=True):
            # Query vectors are rounded in another way: now and then a neighbour is another.
            assert found == pytest.approx(_recall_by_numpy(style, 15, chosen), abs=0.02)

    def test_neighbours_as_near_as_the_tenth_are_right(self, library: Library, small: None) -> None:
        for number in range(60):  # each as near as any other
            make_embedded(f"{number}")
        assert measure(library).recalls == [1] * 5

    def test_a_page_that_is_short_misses_what_it_does_not_show(
        self, library: Library, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        fill_library(600)
        ask = recall._ask_index

        def ask_for_four(library: Library, query: Any, style: float, *args: Any) -> Any:
            page = ask(library, query, style, *args)
            page.distances = page.distances[:4]
            return page

        monkeypatch.setattr(recall, "_ask_index", ask_for_four)
        assert measure(library).recalls == [0.4] * 5

    def test_the_index_is_asked_however_small_the_table(
        self, library: Library, small: None
    ) -> None:
        fill_library(50)
        with CaptureQueriesContext(connection) as queries:
            measure(library)
        asked = [one["sql"] for one in queries if "hnsw.ef_search" in one["sql"]]
        assert len(asked) == 5 * 40
        assert "_colour" in _plan_of(asked[0])
        assert "_hnsw" in _plan_of(asked[1])

    def test_leaves_no_setting_behind(self, library: Library, small: None) -> None:
        names = (*recall._PLANNING, "statement_timeout")
        asked = f"SELECT {', '.join('current_setting(%s)' for _name in names)}"
        fill_library(50)
        with connection.cursor() as cursor:
            cursor.execute(asked, names)
            before = cursor.fetchone()
            measure(library)
            cursor.execute(asked, names)
            assert cursor.fetchone() == before
            assert before[0] == "on"
            assert before[-1] == "0"

    def test_takes_the_same_pictures_within_a_week_and_others_after_it(
        self, library: Library, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        fill_library(2000)
        plan = recall._plan(library)
        monday = timezone.now() - timedelta(days=timezone.now().toordinal() % 7)

        def chosen(days: int) -> list[Any]:
            monkeypatch.setattr(recall.timezone, "now", lambda: monday + timedelta(days=days))
            far = time.monotonic() + 60
            return [query.excluded for query in recall._choose(library, plan, far)]

        first = chosen(0)
        assert len(set(first)) == 40
        assert chosen(6) == first
        assert set(chosen(7)) != set(first)

    def test_reads_a_few_pages_of_a_large_table_to_choose(self, library: Library) -> None:
        fill_library(2000)
        with CaptureQueriesContext(connection) as queries:
            measure(library)
        assert any("TABLESAMPLE SYSTEM (40.0)" in one["sql"] for one in queries)

    def test_rows_of_another_recipe_and_size_are_left_alone(
        self, library: Library, small: None
    ) -> None:
        fill_library(50)
        Artwork.objects.filter(title__in=["1", "2", "3"]).update(
            embedding=[1.0] * 64, embedding_recipe="x-32+32-" + "0" * 16
        )
        measured = measure(library)
        assert (measured.pictures, measured.lowest) == (40, 1)

    def test_the_index_of_a_companion_is_measured_too(self, small: None) -> None:
        random = np.random.default_rng(1)
        with photo_tables() as photos:
            for number in range(40):
                photos.make_embedded(f"{number}", random.normal(size=256), random.random(216))
            with CaptureQueriesContext(connection) as queries:
                measured = measure(photos.library)
            assert (measured.pictures, measured.recalls) == (40, [1, 1, 1])
            asked = [one["sql"] for one in queries if "hnsw.ef_search" in one["sql"]]
            assert "_hnsw" in _plan_of(asked[0])

    def test_an_overtaking_promotion_leaves_no_result(
        self, library: Library, small: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        fill_library(50)
        compare = recall._compare_with_all

        def promote(*args: Any) -> None:
            compare(*args)
            Artwork.objects.update(embedding_recipe="x-256+216-" + "0" * 16)
            monkeypatch.setattr(VectorIndex, "file", lambda self: 1)

        monkeypatch.setattr(recall, "_compare_with_all", promote)
        with pytest.raises(RecallNotMeasuredError, match="built anew"):
            measure(library)
        assert recall_history.read(library).latest is None


@pytest.mark.django_db
class TestWithAnIndexOfColours:
    pytestmark = pytest.mark.usefixtures("small")

    def test_the_other_one_is_measured_beside_colours_alone(
        self, library: Library, settings: Settings
    ) -> None:
        fill_library(100)
        _use(settings, RECALL_AIM=0.5)
        measured = measure(library)
        assert measured.styles == [0, 0.05, 0.25, get_settings().STYLE, 1]
        assert measured.candidates == [100, 170, 100, 100, 100]
        assert len(measured.recalls) == 5
        assert measured.lowest > 0.95

    def test_colours_alone_are_measured_by_it(
        self, library: Library, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        fill_library(100)
        asked: set[tuple[float, Graph | None]] = set()
        order = recall.order_by_similarity

        def note(*args: Any, **keys: Any) -> Any:
            if "graph" in keys:
                asked.add((keys["style"], keys["graph"]))
            return order(*args, **keys)

        monkeypatch.setattr(recall, "order_by_similarity", note)
        measure(library)
        assert (0, Graph.COLOUR) in asked
        assert {graph for style, graph in asked if style} == {Graph.BOTH}

    def test_what_was_measured_of_the_other_one_does_not_count_for_it(
        self, library: Library, settings: Settings
    ) -> None:
        _use(settings, COLOUR_INDEX=False)
        fill_library(100)
        before = measure(library)
        before.candidates = [656, 100, 100]
        before.save()
        _use(settings, COLOUR_INDEX=True, RECALL_AIM=0.5)
        VectorIndex(library=library, recipe=ART.fingerprint, graph=Graph.COLOUR).build()
        assert measure(library).candidates[0] == 100

    def test_a_measurement_while_it_is_not_there_is_of_the_other_one(
        self, library: Library, settings: Settings
    ) -> None:
        fill_library(100)
        _use(settings, RECALL_AIM=0.5)
        VectorIndex(library=library, recipe=ART.fingerprint, graph=Graph.COLOUR).drop()
        measured = measure(library)
        assert measured.styles == [0, get_settings().STYLE, 1]
        assert measured.candidates[0] == 170


@pytest.mark.django_db
class TestNoMeasurement:
    def test_of_too_few_pictures(self, library: Library) -> None:
        fill_library(499)
        with pytest.raises(RecallNotMeasuredError, match="Fewer than 500"):
            measure(library)
        assert refresh(library) is None
        assert not RecallMeasurement.objects.exists()

    def test_without_an_index(self, library: Library, small: None) -> None:
        fill_library(50)
        with connection.cursor() as cursor:
            cursor.execute(f"DROP INDEX {VectorIndex.serving(library).name}")
        with pytest.raises(RecallNotMeasuredError, match="build_similarity_index"):
            measure(library)
        assert refresh(library) is None

    def test_where_the_setting_is_nought(
        self, library: Library, small: None, settings: Settings
    ) -> None:
        fill_library(50)
        _use(settings, RECALL_AT_LEAST=0, **FEW)
        assert refresh(library) is None
        measure(library)  # by hand it can be had
        RecallMeasurement.objects.update(recalls=[0.1, 0.1, 0.1])
        assert recall_history.problems_of(library) == []


@pytest.mark.django_db
class TestRefreshing:
    @pytest.fixture(autouse=True)
    def filled(self, small: None) -> None:
        fill_library(50)

    def _age(self, age: timedelta) -> None:
        for one in RecallMeasurement.objects.all():
            one.began_at -= age
            one.save()

    def test_measures_once_a_day(self, library: Library) -> None:
        first = refresh(library)
        assert first is not None
        assert refresh(library) == first
        self._age(timedelta(hours=23))
        assert refresh(library) == first
        self._age(timedelta(hours=2))
        assert refresh(library) != first

    def test_measures_soon_after_the_index_was_built_anew(self, library: Library) -> None:
        first = refresh(library)
        VectorIndex.serving(library).build()
        assert refresh(library) == first  # a moment later
        self._age(timedelta(minutes=11))
        assert refresh(library) != first

    def test_measures_soon_after_an_index_of_colours_was_built(
        self, library: Library, settings: Settings
    ) -> None:
        _use(settings, COLOUR_INDEX=False)
        first = refresh(library)
        self._age(timedelta(minutes=11))
        assert refresh(library) == first
        _use(settings, COLOUR_INDEX=True)
        VectorIndex(library=library, recipe=ART.fingerprint, graph=Graph.COLOUR).build()
        second = refresh(library)
        assert second is not None
        assert second != first
        self._age(timedelta(minutes=11))
        assert refresh(library) == second

    def test_measures_soon_after_a_setting_was_changed(
        self, library: Library, settings: Settings
    ) -> None:
        first = refresh(library)
        self._age(timedelta(minutes=11))
        assert refresh(library) == first
        _use(settings, EF_SEARCH=200)
        assert refresh(library) != first

    def test_the_sweep_does_it(self, library: Library, broker: Broker) -> None:
        sweep.sweep(library)
        assert recall_history.read(library).latest is not None

    def test_an_error_is_logged_and_stops_nobody(
        self, library: Library, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        def fail(*args: Any) -> None:
            raise ValueError("unforeseen")

        monkeypatch.setattr(recall, "_choose", fail)
        assert refresh(library) is None
        assert "measure_recall" in caplog.text
        assert recall_history.read(library).has_failed  # and is not under way for ever
        assert refresh(library) is None  # tomorrow again, and not at each sweep
        assert RecallMeasurement.objects.count() == 1

    def test_keeps_the_last_thirty_of_a_library(
        self, library: Library, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        other: dict[str, Any] = {"fingerprint": "x", "index_file": 1, "candidates": [100]}
        other |= {"styles": [1.0], "recalls": [1.0]}
        for days in range(40):
            RecallMeasurement.objects.create(
                model_label=library.label,
                pictures=5,
                began_at=timezone.now() - timedelta(days=days + 1),
                ended_at=timezone.now(),
                **other,
            )
        theirs = RecallMeasurement.objects.create(
            model_label="another.Model", began_at=timezone.now() - timedelta(days=99), **other
        )
        measure(library)
        kept = RecallMeasurement.objects.filter(model_label=library.label)
        assert kept.count() == recall_history.KEPT
        assert len(recall_history.read(library).trend) == 1  # the others are of another recipe
        assert RecallMeasurement.objects.filter(pk=theirs.pk).exists()


@pytest.mark.django_db
class TestBounds:
    def test_fewer_pictures_where_comparing_takes_long(
        self,
        library: Library,
        small: None,
        settings: Settings,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        fill_library(50)
        _use(settings, RECALL_SECONDS=1.5)
        compare = recall._compare_with_all

        def slowly(library: Library, pages: list[Any], deadline: float) -> None:
            time.sleep(0.3 * len(pages) / 3)
            compare(library, pages, deadline)

        monkeypatch.setattr(recall, "_compare_with_all", slowly)
        started = time.monotonic()
        measured = measure(library)
        assert time.monotonic() - started < 3
        assert 1 <= measured.pictures <= 5

    def test_takes_longer_in_proportion_where_there_are_more_pictures(
        self, library: Library, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        _use(settings, RECALL_SECONDS=20)
        seconds = {}
        for rows in (-1.0, 100_000.0, 1_000_000.0):
            monkeypatch.setattr(Library, "estimated_rows", lambda _self, rows=rows: rows)
            seconds[rows] = recall_history.seconds_for(library)
        assert seconds == {-1.0: 20, 100_000.0: 20, 1_000_000.0: 100}

    def test_comparing_leaves_time_for_choosing_candidates(
        self,
        library: Library,
        small: None,
        settings: Settings,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        fill_library(50)
        _use(settings, RECALL_SECONDS=2)
        monkeypatch.setattr(recall, "_AT_ONCE", 1)
        compare, left = recall._compare_with_all, []

        def slowly(library: Library, pages: list[Any], deadline: float) -> None:
            time.sleep(0.1)
            compare(library, pages, deadline)

        def note(library: Library, balance: Any, deadline: float) -> None:
            left.append(deadline - time.monotonic())

        monkeypatch.setattr(recall, "_compare_with_all", slowly)
        monkeypatch.setattr(recall, "_choose_candidates", note)
        assert measure(library).pictures < 20  # there was no time for more
        assert left[0] > 0.3

    @pytest.mark.parametrize(("pictures", "is_chosen"), [(4, False), (5, True)])
    def test_candidates_are_not_chosen_by_fewer_than_five_pictures(
        self,
        library: Library,
        small: None,
        monkeypatch: pytest.MonkeyPatch,
        pictures: int,
        is_chosen: bool,
    ) -> None:
        fill_library(50)
        monkeypatch.setattr(recall, "_PICTURES", pictures)
        tried: list[float] = []

        def note(library: Library, balance: Any, deadline: float) -> None:
            tried.append(balance.style)

        monkeypatch.setattr(recall, "_choose_candidates", note)
        measured = measure(library)
        assert measured.pictures == pictures
        assert (tried == measured.styles) is is_chosen
        assert bool(tried) is is_chosen

    @pytest.mark.parametrize(
        ("taken", "left", "pictures"),
        [
            ({1: 0.01}, 19.9, 10),  # a small library: as many as go at once
            ({1: 3.4}, 16.6, 3),  # a large one: more may cost as much each
            ({1: 3.4, 4: 5.3}, 11.3, 9),  # and then the reading is told from the pictures
            ({1: 3.4, 4: 5.3, 9: 8.4}, 2.9, 0),
            ({1: 0.5, 10: 0.4}, 10.0, 10),  # the first found nothing in memory
            ({1: 19.0}, 1.0, 0),
            ({1: 1.0}, -1.0, 0),
        ],
    )
    def test_there_is_time_for(self, taken: dict[int, float], left: float, pictures: int) -> None:
        assert recall._how_many(taken, left) == pictures

    def test_what_was_measured_when_time_ran_out_counts(
        self, library: Library, small: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        fill_library(50)
        compare, calls = recall._compare_with_all, []

        def once(*args: Any) -> None:
            calls.append(1)
            if len(calls) > 1:
                far_too_long = "SELECT pg_sleep(60)"
                with recall._bounded("default", time.monotonic() + 0.05):
                    connection.cursor().execute(far_too_long)
            compare(*args)

        monkeypatch.setattr(recall, "_compare_with_all", once)
        assert measure(library).pictures == 1

    def test_reading_ends_at_the_deadline_however_fast_the_server_was(
        self, library: Library, small: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        fill_library(50)
        far = time.monotonic() + 60
        query = recall._choose(library, recall._plan(library), far)[0]
        page = recall._ask_index(library, query, 1.0, Graph.BOTH, 100, far)
        page.distances = [1.0] * recall.PAGE  # farther than any row
        met: list[Any] = []

        def meet(page: Any, pk: Any, distance: float) -> None:
            met.append(pk)
            if len(met) == 1:
                time.sleep(1.1)

        monkeypatch.setattr(recall._Page, "meet", meet)
        monkeypatch.setattr(recall, "_CHUNK", 2)
        with pytest.raises(recall._OutOfTimeError):
            recall._compare_with_all(library, [page], time.monotonic() + 1)
        assert len(met) == 2

    def test_a_database_that_is_gone_is_not_taken_for_a_lack_of_time(
        self, library: Library
    ) -> None:
        with (
            pytest.raises(OperationalError, match="gone"),
            recall._bounded("default", time.monotonic() + 60),
        ):
            raise OperationalError("gone")

    def test_nothing_in_time_is_said_and_not_tried_at_each_sweep(
        self,
        library: Library,
        small: None,
        settings: Settings,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        fill_library(50)
        _use(settings, RECALL_SECONDS=0.0005)
        with caplog.at_level(logging.DEBUG):
            assert refresh(library) is None
        assert "RECALL_SECONDS" in caplog.text
        assert recall_history.read(library).has_failed
        assert refresh(library) is None
        assert RecallMeasurement.objects.count() == 1
        assert recall_history.problems_of(library) == []


@pytest.fixture
def library_of_its_own(transactional_db: None, library: Library) -> Iterator[Library]:
    """A committed library, whose index is whole again afterwards."""
    yield library
    Artwork.objects.all().delete()
    VectorIndex.serving(library).build()


def _execute_outside(*statements: str) -> None:
    """As another program does: no transaction of ours may be around a vacuum."""
    options = connection.get_connection_params()
    options.pop("cursor_factory", None)
    options.pop("context", None)
    with psycopg.connect(**options, autocommit=True) as other:
        for statement in statements:
            other.execute(statement)


class TestOneAtATime:
    def test_a_second_one_is_refused(
        self,
        library_of_its_own: Library,
        small: None,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        fill_library(50)
        inside, go_on = threading.Event(), threading.Event()
        choose = recall._choose

        def wait(*args: Any) -> Any:
            inside.set()
            go_on.wait(30)
            return choose(*args)

        monkeypatch.setattr(recall, "_choose", wait)
        results: list[Any] = []

        def run() -> None:
            try:
                results.append(measure(library_of_its_own))
            finally:
                close_old_connections()
                connection.close()

        thread = threading.Thread(target=run)
        thread.start()
        try:
            assert inside.wait(30)
            with pytest.raises(RecallNotMeasuredError, match="being measured already"):
                measure(library_of_its_own)
            assert refresh(library_of_its_own) is None
        finally:
            go_on.set()
            thread.join()
        assert [one.pictures for one in results] == [40]
        assert RecallMeasurement.objects.count() == 1

    def test_of_workers_that_come_at_once_one_measures(
        self, library_of_its_own: Library, small: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        fill_library(50)
        SweepRecord.objects.create(model_label=library_of_its_own.label)
        read = recall_history.read

        def read_and_dawdle(library: Library) -> Any:
            known = read(library)
            time.sleep(0.3)  # others come before what follows from it is written
            return known

        monkeypatch.setattr(recall_history, "read", read_and_dawdle)
        start = threading.Barrier(4)
        errors: list[BaseException] = []

        def run() -> None:
            try:
                start.wait(30)
                refresh(library_of_its_own)
            except BaseException as error:  # noqa: BLE001 -- told to the test
                errors.append(error)
            finally:
                connection.close()

        threads = [threading.Thread(target=run) for _number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == []
        assert RecallMeasurement.objects.count() == 1

    def test_one_that_was_killed_is_in_nobodys_way(
        self, library_of_its_own: Library, small: None
    ) -> None:
        fill_library(50)
        planned = recall._plan(library_of_its_own)
        assert recall_history.begin(library_of_its_own, planned, only_if_due=False)
        with pytest.raises(RecallNotMeasuredError):
            measure(library_of_its_own)
        RecallMeasurement.objects.update(began_at=timezone.now() - timedelta(minutes=2))
        assert measure(library_of_its_own).pictures == 40


class TestDeletions:
    def _measure_after(
        self, library: Library, settings: Settings, keep: Callable[[int], bool]
    ) -> tuple[RecallMeasurement, RecallMeasurement]:
        fill_library(3000)
        before = measure(library)
        doomed = [
            artwork.pk for artwork in Artwork.objects.only("title") if not keep(int(artwork.title))
        ]
        Artwork.objects.filter(pk__in=doomed)._raw_delete("default")
        return before, measure(library)

    def test_recall_holds_while_deleted_rows_are_in_the_index_and_after_a_vacuum(
        self, library_of_its_own: Library, settings: Settings
    ) -> None:
        """HNSW looks through dead rows, and vacuum mends its links."""
        before, deleted = self._measure_after(
            library_of_its_own, settings, lambda number: number % 3 == 0
        )
        _execute_outside(f"VACUUM (INDEX_CLEANUP ON, ANALYZE) {TABLE}")
        vacuumed = measure(library_of_its_own)
        assert Artwork.objects.count() == 1000
        for measured in (before, deleted, vacuumed):
            assert measured.pictures == 40
            assert measured.lowest > 0.9
        assert recall_history.problems_of(library_of_its_own) == []
        assert [one.lowest for one in recall_history.read(library_of_its_own).trend] == [
            one.lowest for one in (before, deleted, vacuumed)
        ]

    def test_it_falls_where_candidates_are_few_and_a_new_index_ends_the_alarm(
        self, library_of_its_own: Library, settings: Settings
    ) -> None:
        _use(settings, **FEW)
        _before, deleted = self._measure_after(
            library_of_its_own, settings, lambda number: number % 3 == 0
        )
        assert deleted.lowest < 0.9
        (problem,) = recall_history.problems_of(library_of_its_own)
        for words in ("build_similarity_index --rebuild", "EF_SEARCH", "measure_recall"):
            assert words in problem
        assert f"{100 * deleted.lowest:.1f} %" in problem
        VectorIndex.serving(library_of_its_own).build()
        assert recall_history.problems_of(library_of_its_own) == []  # until it is measured


@pytest.mark.django_db
class TestPrivacy:
    def test_no_picture_is_named_anywhere(
        self, library: Library, small: None, caplog: pytest.LogCaptureFixture, settings: Settings
    ) -> None:
        fill_library(60, lambda number: {"published": number % 2 == 0, "artist": f"A{number}"})
        with caplog.at_level(logging.DEBUG, logger="artsimilarity"):
            measured = measure(library)
        fields = {field.name for field in RecallMeasurement._meta.get_fields()}
        assert fields == {
            *("id", "model_label", "fingerprint", "index_file", "colour_index_file"),
            *("styles", "candidates"),
            *("began_at", "ended_at", "recalls", "pictures"),
        }
        assert str(library.pictures.values_list("pk", flat=True)[0]) not in repr(measured.recalls)
        (told,) = (record for record in caplog.records if "nearest" in record.message)
        assert not any(f"A{number}" in told.message for number in range(60))

    def test_hidden_pictures_are_measured_with_the_others(
        self, library: Library, small: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        fill_library(60, lambda number: {"published": False})
        none = classmethod(lambda cls, request=None: cls.objects.none())
        monkeypatch.setattr(Artwork, "similarity_queryset", none)
        assert measure(library).pictures == 40


@pytest.mark.django_db
class TestCommand:
    def _run(self) -> str:
        out = io.StringIO()
        call_command("measure_recall", stdout=out)
        return out.getvalue()

    def test_prints_what_would_find_more(
        self, small: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        fill_library(50)
        monkeypatch.setattr(recall_history, "hints_of", lambda _library: ["More links find more."])
        assert "More links find more." in self._run()

    def test_prints_recall_at_each_balance(self, small: None) -> None:
        fill_library(50)
        words = self._run()
        assert "style 0.75: 1.000" in words
        assert "40 pictures" in words

    def test_says_what_is_wrong(self, library: Library, settings: Settings) -> None:
        fill_library(1500)
        _use(settings, **FEW)
        assert "build_similarity_index --rebuild" in self._run()

    def test_says_why_it_cannot(self) -> None:
        with pytest.raises(CommandError, match="Fewer than 500"):
            self._run()
