"""The scale of a library: what it is measured on, when, and what percentiles it gives."""

from __future__ import annotations

import io
from datetime import timedelta
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from artsimilarity.conf import get_settings
from artsimilarity.embedding import rollout, sweep
from artsimilarity.library import Library
from artsimilarity.models import ScoreCalibration
from artsimilarity.search import score_calibration
from artsimilarity.search.score_calibration import PROBABILITIES, calibrate, percentile, refresh
from demo_site.library.models import Artwork
from tests.broker import Broker
from tests.pictures import unit_blocks
from tests.recipes import NEXT

pytestmark = pytest.mark.django_db


def add_pictures(count: int, *, seed: int = 1, alike: float = 0.0, **columns: Any) -> None:
    """Pictures with random vectors; ``alike`` draws them all towards one."""
    random = np.random.default_rng(seed)
    columns.setdefault("embedding_recipe", get_settings().recipe.fingerprint)
    towards = np.r_[1, np.zeros(255)]
    Artwork.objects.bulk_create(
        Artwork(
            title=f"{number}",
            image=f"{number}.png",
            embedding=unit_blocks(
                random.normal(size=256) + 100 * alike * towards, random.random(216) ** 4
            ).tolist(),
            embedding_image=f"{number}.png",
            embedding_status="ready",
            **columns,
        )
        for number in range(count)
    )


def _pair_scores(block: slice) -> np.ndarray[Any, Any]:
    """Scores of all pairs of published pictures, from the stored vectors."""
    rows = Artwork.objects.defer(None).filter(published=True)
    vectors = [np.array(row.embedding)[block] for row in rows]
    return np.array([a @ b for a, b in combinations(vectors, 2)])


class TestPercentile:
    def test_is_numpys_interpolation_between_the_quantiles(self) -> None:
        scores = np.random.default_rng(5).beta(2, 5, 10_000)
        quantiles = np.quantile(scores, PROBABILITIES)
        for score in np.linspace(quantiles[0], quantiles[-1], 500)[1:-1]:
            expected = 100 * np.interp(score, quantiles, PROBABILITIES)
            found = percentile(float(score), quantiles.tolist(), 10_000)
            assert found == pytest.approx(min(expected, 99.99), abs=0.0101)

    def test_is_the_share_of_pairs_that_score_lower(self) -> None:
        scores = np.random.default_rng(6).normal(size=10_000)
        quantiles = np.quantile(scores, PROBABILITIES).tolist()
        for score in (-2.0, -0.3, 0.0, 1.0, 2.2):
            lower = 100 * (scores < score).mean()
            assert percentile(score, quantiles, 10_000) == pytest.approx(lower, abs=0.2)

    def test_is_never_rounded_up(self) -> None:
        quantiles = [100 * probability for probability in PROBABILITIES]
        assert percentile(98.9999, quantiles, 10_000) == 98.99

    def test_counts_pairs_of_the_same_score_by_half(self) -> None:
        half_are_zero = [max(0.0, probability - 0.5) for probability in PROBABILITIES]
        assert percentile(0.0, half_are_zero, 10_000) == 25
        all_are_one = [1.0] * len(PROBABILITIES)
        assert percentile(1.0, all_are_one, 10_000) == 50

    def test_of_a_score_above_all_claims_no_more_than_the_number_of_pairs_allows(self) -> None:
        quantiles = list(PROBABILITIES)
        assert percentile(2.0, quantiles, 190) == 99.47
        assert percentile(1.0, quantiles, 190) == 99.47
        assert percentile(2.0, quantiles, 10_000) == 99.99

    def test_of_a_score_below_all_is_nought(self) -> None:
        assert percentile(-1.0, list(PROBABILITIES), 10_000) == 0


class TestMeasuring:
    def test_a_small_library_takes_all_its_pairs(self) -> None:
        add_pictures(40)
        measured = calibrate(Library.of(Artwork))
        assert measured is not None
        assert (measured.pictures, measured.pairs) == (40, 40 * 39 // 2)
        expected = np.quantile(_pair_scores(slice(0, 256)), PROBABILITIES)
        assert measured.style_quantiles == pytest.approx(expected.tolist(), abs=1e-3)
        expected = np.quantile(_pair_scores(slice(256, None)), PROBABILITIES)
        assert measured.colour_quantiles == pytest.approx(expected.tolist(), abs=1e-3)

    def test_a_larger_one_takes_a_sample_that_stands_for_it(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(score_calibration, "_PICTURES", 150)
        monkeypatch.setattr(score_calibration, "_PAIRS", 3000)
        add_pictures(400)
        measured = calibrate(Library.of(Artwork))
        assert measured is not None
        assert measured.pictures == 150
        assert 2500 <= measured.pairs <= 3000
        everything = _pair_scores(slice(0, 256))
        middle = measured.style_quantiles[PROBABILITIES.index(0.5)]
        assert abs(middle - np.median(everything)) < 0.1 * everything.std()

    def test_reads_only_some_pages_of_a_large_table(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(score_calibration, "_PICTURES", 50)
        add_pictures(1000)
        with connection.cursor() as cursor:
            cursor.execute(f"ANALYZE {Artwork._meta.db_table}")
        with CaptureQueriesContext(connection) as queries:
            measured = calibrate(Library.of(Artwork))
        assert measured is not None
        assert measured.pictures == 50
        (sampled,) = (query["sql"] for query in queries if "TABLESAMPLE" in query["sql"])
        assert "TABLESAMPLE SYSTEM (10.0)" in sampled

    def test_reads_more_pages_where_few_pictures_are_visible(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(score_calibration, "_PICTURES", 50)
        add_pictures(1000, published=False)
        add_pictures(30, seed=2)
        with connection.cursor() as cursor:
            cursor.execute(f"ANALYZE {Artwork._meta.db_table}")
        measured = calibrate(Library.of(Artwork))
        assert measured is not None
        assert measured.pictures == 30

    def test_gives_the_same_answer_twice(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(score_calibration, "_PICTURES", 50)
        add_pictures(100)
        first, second = calibrate(Library.of(Artwork)), calibrate(Library.of(Artwork))
        assert first is not None
        assert second is not None
        assert first.style_quantiles == second.style_quantiles
        assert ScoreCalibration.objects.count() == 1

    @pytest.mark.parametrize("pictures", [None, 50])
    def test_hidden_pictures_leave_no_trace(
        self, pictures: int | None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        if pictures:
            monkeypatch.setattr(score_calibration, "_PICTURES", pictures)
        add_pictures(80)
        without = calibrate(Library.of(Artwork))
        add_pictures(80, seed=2, alike=1.0, published=False)
        beside = calibrate(Library.of(Artwork))
        assert without is not None
        assert beside is not None
        for field in ("pictures", "pairs", "style_quantiles", "colour_quantiles"):
            assert getattr(beside, field) == getattr(without, field)

    def test_pictures_of_another_recipe_do_not_count(self) -> None:
        add_pictures(25)
        add_pictures(25, seed=2, embedding_recipe="x-256+216-" + "0" * 16)
        measured = calibrate(Library.of(Artwork))
        assert measured is not None
        assert measured.pictures == 25

    def test_too_few_pictures_have_no_scale_and_lose_the_one_they_had(self) -> None:
        add_pictures(20)
        assert calibrate(Library.of(Artwork)) is not None
        Artwork.objects.filter(title="0").update(published=False)
        assert calibrate(Library.of(Artwork)) is None
        assert not ScoreCalibration.objects.exists()

    def test_a_host_that_shows_nothing_has_no_scale(self, monkeypatch: pytest.MonkeyPatch) -> None:
        add_pictures(20)
        none = classmethod(lambda cls, request=None: cls.objects.none())
        monkeypatch.setattr(Artwork, "similarity_queryset", none)
        assert calibrate(Library.of(Artwork)) is None

    def test_a_joined_and_repeated_queryset_counts_every_picture_once(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        add_pictures(30)
        twice = classmethod(
            lambda cls, request=None: cls.objects.filter(published=True).union(
                cls.objects.filter(published=True), all=True
            )
        )
        monkeypatch.setattr(Artwork, "similarity_queryset", twice)
        measured = calibrate(Library.of(Artwork))
        assert measured is not None
        assert measured.pictures == 30


class TestRefreshing:
    def _age(self, age: timedelta) -> None:
        ScoreCalibration.objects.update(measured_at=timezone.now() - age)

    def test_measures_where_there_is_no_scale(self) -> None:
        add_pictures(20)
        assert refresh(Library.of(Artwork))
        assert ScoreCalibration.objects.exists()

    def test_leaves_a_young_one_alone(self) -> None:
        add_pictures(20)
        refresh(Library.of(Artwork))
        self._age(score_calibration.MAX_AGE - timedelta(minutes=1))
        assert not refresh(Library.of(Artwork))

    def test_measures_anew_after_a_day(self) -> None:
        add_pictures(20)
        refresh(Library.of(Artwork))
        self._age(score_calibration.MAX_AGE + timedelta(minutes=1))
        assert refresh(Library.of(Artwork))
        assert not refresh(Library.of(Artwork))

    def test_measures_anew_when_a_small_library_has_doubled(self) -> None:
        add_pictures(20)
        refresh(Library.of(Artwork))
        add_pictures(19, seed=2)
        assert not refresh(Library.of(Artwork))
        add_pictures(1, seed=3)
        assert refresh(Library.of(Artwork))
        assert ScoreCalibration.objects.get().pictures == 40

    def test_measures_for_a_new_recipe_and_keeps_the_old_one(self, settings: Settings) -> None:
        add_pictures(20)
        refresh(Library.of(Artwork))
        settings.ARTSIMILARITY = {**settings.ARTSIMILARITY, "RECIPE": "tests.recipes.NEXT"}
        add_pictures(20, seed=2)
        assert refresh(Library.of(Artwork), NEXT.fingerprint)
        assert ScoreCalibration.objects.filter(fingerprint=NEXT.fingerprint).exists()
        assert ScoreCalibration.objects.count() == 2

    def test_a_host_that_needs_a_request_is_logged_and_stops_nobody(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        add_pictures(20)
        needy = classmethod(lambda cls, request=None: cls.objects.filter(artist=request.user))
        monkeypatch.setattr(Artwork, "similarity_queryset", needy)
        assert not refresh(Library.of(Artwork))
        assert "calibrate_scores" in caplog.text
        assert "library.Artwork" in caplog.text

    def test_the_sweep_does_it(self, broker: Broker) -> None:
        add_pictures(20)
        sweep.sweep(Library.of(Artwork))
        assert ScoreCalibration.objects.get().pictures == 20

    def test_promotion_does_it(self, settings: Settings) -> None:
        settings.ARTSIMILARITY = {**settings.ARTSIMILARITY, "NEXT_RECIPE": "tests.recipes.NEXT"}
        add_pictures(20)
        rollout.start(Library.of(Artwork))
        Artwork.objects.update(
            embedding_next=unit_blocks(np.ones(256), np.ones(216)).tolist(),
            embedding_next_recipe=NEXT.fingerprint,
        )
        rollout.promote(Library.of(Artwork))
        assert ScoreCalibration.objects.get().fingerprint == NEXT.fingerprint


class TestCommand:
    def _run(self) -> str:
        out = io.StringIO()
        call_command("calibrate_scores", stdout=out)
        return out.getvalue()

    def test_says_on_how_much_it_measured(self) -> None:
        add_pictures(20)
        assert "190 pairs of 20 pictures" in self._run()

    def test_says_when_there_are_too_few(self) -> None:
        add_pictures(19)
        assert "Fewer than 20" in self._run()
