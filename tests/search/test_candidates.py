"""Candidates of a search: as the settings say, and more where more were measured to be needed."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from artsimilarity.encoder.recipe import ART
from artsimilarity.library import Library
from artsimilarity.models import RecallMeasurement
from artsimilarity.search import more_like_this, recall
from artsimilarity.search.recall import measure
from demo_site.library.models import Artwork
from tests.pictures import fill_library, make_embedded

pytestmark = pytest.mark.django_db


@pytest.fixture
def library() -> Library:
    return Library.of(Artwork)


def use(settings: Settings, **keys: Any) -> None:
    settings.ARTSIMILARITY = {**settings.ARTSIMILARITY, **keys}


def noted(candidates: list[int], **fields: Any) -> RecallMeasurement:
    """A measurement as a worker leaves it, at the balances 0, 0.75 and 1."""
    values = {
        "model_label": Library.of(Artwork).label,
        "fingerprint": ART.fingerprint,
        "index_file": 1,
        "styles": [0, 0.75, 1],
        "recalls": [0.99] * 3,
        "pictures": 40,
        "began_at": timezone.now(),
        "ended_at": timezone.now(),
    }
    return RecallMeasurement.objects.create(candidates=candidates, **{**values, **fields})


def of_last_search() -> int:
    """What the search told pgvector, which holds until its transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW hnsw.ef_search")
        return int(cursor.fetchone()[0])


def candidates_at(style: float) -> int:
    target = Artwork.objects.first() or make_embedded("target")
    list(Artwork.objects.similar_to(target, style=style)[:3])
    return of_last_search()


@pytest.mark.parametrize(("style", "settled"), [(0.0, 100), (0.05, 170), (0.1, 100), (1.0, 100)])
def test_are_those_of_the_settings_where_nothing_was_measured(style: float, settled: int) -> None:
    assert candidates_at(style) == settled


@pytest.mark.parametrize(
    ("style", "wanted"), [(0.0, 500), (0.3, 500), (0.75, 200), (0.9, 300), (1.0, 300)]
)
def test_are_those_measured_and_between_two_balances_the_greater(style: float, wanted: int) -> None:
    noted([500, 200, 300])
    assert candidates_at(style) == wanted


def test_are_never_fewer_than_the_settings_say() -> None:
    noted([20, 20, 20])
    assert candidates_at(0.75) == 100


def test_are_those_of_the_latest_measurement_that_came_to_a_result() -> None:
    noted([400, 400, 400], began_at=timezone.now() - timedelta(days=1))
    noted([300, 300, 300], began_at=timezone.now() - timedelta(hours=1))
    noted([900, 900, 900], pictures=0)
    assert candidates_at(0.75) == 300


@pytest.mark.parametrize("fields", [{"fingerprint": "other"}, {"model_label": "other.Model"}])
def test_what_was_measured_of_another_recipe_or_library_does_not_count(
    fields: dict[str, str],
) -> None:
    noted([400, 400, 400], **fields)
    assert candidates_at(0.75) == 100


@pytest.mark.parametrize("keys", [{"RECALL_AIM": 0}, {"RECALL_AT_LEAST": 0}])
def test_settings_may_leave_what_was_measured_aside(
    keys: dict[str, int], settings: Settings
) -> None:
    noted([400, 400, 400])
    use(settings, **keys)
    assert candidates_at(0.75) == 100


def test_cost_a_search_no_statement(
    django_assert_num_queries: Callable[[int], Any],
) -> None:
    target = make_embedded("target")
    noted([400, 400, 400])
    with django_assert_num_queries(1):
        list(Artwork.objects.similar_to(target))


def test_are_widened_by_filters_as_those_of_the_settings_are(settings: Settings) -> None:
    use(settings, EXACT_ROWS=0)
    fill_library(600, lambda number: {"technique": "etching" if number % 4 else "drawing"})
    target = Artwork.objects.first()
    assert target is not None
    noted([200, 200, 200])
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE library_artwork")
    more_like_this(target, queryset=Artwork.objects.filter(technique="drawing"))
    assert of_last_search() == pytest.approx(200 * math.sqrt(4), rel=0.15)
    noted([900, 900, 900])
    more_like_this(target, queryset=Artwork.objects.filter(technique="drawing"))
    assert of_last_search() == 1000


# And time enough on the busiest machine.
FEW = {"EF_SEARCH": 1, "EF_SEARCH_COLOUR": 1, "RECALL_SECONDS": 300}


class TestMeasuring:
    @pytest.fixture(autouse=True)
    def _few_pictures(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(recall, "_PICTURES", 40)

    def test_raises_them_until_what_is_aimed_at_is_found(
        self, library: Library, settings: Settings
    ) -> None:
        fill_library(800)
        use(settings, **FEW)
        measured = measure(library)
        assert measured.lowest >= 0.98
        assert max(measured.candidates) > 20
        for style, candidates in zip(measured.styles, measured.candidates, strict=True):
            assert candidates_at(style) == candidates

    def test_leaves_them_where_nothing_is_aimed_at(
        self, library: Library, settings: Settings
    ) -> None:
        fill_library(800)
        use(settings, **FEW, RECALL_AIM=0)
        assert measure(library).candidates == [15] * 5

    def test_lowers_them_a_step_where_fewer_do(self, library: Library, settings: Settings) -> None:
        fill_library(800)
        noted([900, 900, 110], colour_index_file=1)
        use(settings, RECALL_AIM=0.9)  # random vectors are hard, and each index is another
        measured = measure(library)
        assert measured.candidates == [643, 643, 643, 643, 100]
        assert measured.lowest >= 0.9

    def test_does_not_trust_a_figure_that_may_be_better_than_the_truth_by_chance(self) -> None:
        def found(*recalls: float) -> recall._Balance:
            return recall._Balance(style=0.5, candidates=100, recalls=recalls, pages=[])

        assert not found(*[1.0] * 36, *[0.8] * 4).is_sure(0.98)  # .98, give or take .0096
        assert not found(*[1.0] * 92, *[0.9, 0.8] * 4).is_sure(0.98)  # .988, give or take .0045
        assert found(*[1.0] * 39, 0.8).is_sure(0.98)  # .995, give or take .005
        assert found(*[1.0] * 40).is_sure(0.98)
        assert not found(*[1.0] * 4, 0.9).is_sure(0.98)  # .98 of so few says little

    def test_asks_once_more_only_where_something_was_missed(
        self, library: Library, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        fill_library(800)
        use(settings, **FEW)
        ask, choose = recall._ask_index, recall._choose_candidates
        missed: dict[Any, float] = {}
        asked: list[Any] = []
        again: list[Any] = []

        def note(library: Library, query: Any, *args: Any) -> Any:
            asked.append(query.excluded)
            return ask(library, query, *args)

        def choose_noting(library: Library, balance: Any, deadline: float) -> None:
            for page, found in zip(balance.pages, balance.recalls, strict=True):
                missed[page.query.excluded] = found
            asked.clear()
            choose(library, balance, deadline)
            assert all(missed[pk] < 1 for pk in asked)
            again.extend(asked)

        monkeypatch.setattr(recall, "_ask_index", note)
        monkeypatch.setattr(recall, "_choose_candidates", choose_noting)
        assert measure(library).lowest >= 0.98
        assert again

    def test_adds_none_where_twice_as_many_find_no_more(
        self, library: Library, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        fill_library(800)
        use(settings, EF_SEARCH_COLOUR=100)
        tried: list[int] = []

        def unreachable(_library: Library, one: Any, candidates: int, _deadline: float) -> Any:
            tried.append(candidates)
            found = 0.95 if candidates < 150 else 0.97
            return replace(one, candidates=candidates, recalls=[found] * 40)

        monkeypatch.setattr(recall, "_tried", unreachable)
        monkeypatch.setattr(recall._Page, "recall", lambda self: 0.95)
        measured = measure(library)
        assert measured.candidates == [196] * 5
        assert measured.recalls == pytest.approx([0.97] * 5)
        assert tried[:4] == [140, 196, 275, 385]
        assert len(tried) == 5 * 5

    def test_keeps_those_that_reach_the_aim_where_fewer_do_not(
        self, library: Library, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        fill_library(800)
        use(settings, EF_SEARCH_COLOUR=100)
        short = {False: 9, True: 7}  # pages of 40 that lack one of ten: .9775, and .9825

        def unsure(_library: Library, one: Any, candidates: int, _deadline: float) -> Any:
            lacking = short[candidates >= 200]
            recalls = [0.9] * lacking + [1.0] * (40 - lacking)
            return replace(one, candidates=candidates, recalls=recalls)

        monkeypatch.setattr(recall, "_tried", unsure)
        monkeypatch.setattr(recall, "_GAIN", 0.01)
        monkeypatch.setattr(recall._Page, "recall", lambda self: 0.9775)
        assert measure(library).candidates == [275] * 5

    def test_keeps_what_it_had_found_when_its_time_is_over(
        self, library: Library, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        fill_library(800)
        use(settings, **FEW)
        steps = 0
        ask = recall._tried

        def ask_once(*args: Any) -> Any:
            nonlocal steps
            steps += 1
            if steps > 1:
                raise recall._OutOfTimeError
            return ask(*args)

        monkeypatch.setattr(recall, "_tried", ask_once)
        measured = measure(library)
        assert sorted(measured.candidates) == [15, 15, 15, 15, 21]
        assert measured.pictures == 40
        assert len(measured.recalls) == 5
