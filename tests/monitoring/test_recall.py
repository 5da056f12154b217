"""Where recall is told: status, health, checks, admin and metrics."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any
from xml.etree import ElementTree

import pytest
from django.core.cache import cache
from django.core.management import call_command
from django.db import OperationalError
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation
from prometheus_client import REGISTRY
from pytest_django import DjangoAssertNumQueries, Settings

from artsimilarity.admin.recall import draw_trend
from artsimilarity.checks import check_links, check_recall
from artsimilarity.embedding import sweep
from artsimilarity.encoder.recipe import ART
from artsimilarity.library import Library, recall_history
from artsimilarity.library.index_build import VectorIndex
from artsimilarity.models import RecallMeasurement
from artsimilarity.monitoring.status import as_dict, library_status
from artsimilarity.schema.indexes import Graph
from artsimilarity.search import recall
from artsimilarity.testing import override_artsimilarity
from demo_site.library.models import Artwork
from tests.broker import Broker
from tests.pictures import fill_library, make_embedded

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("quick_encoder", "no_worker_is_waited_for"),
]

LIBRARY = reverse("admin:library_artwork_library")
HEALTH = "/artsimilarity/health/"


def measured(*recalls: float, days_ago: float = 0, **columns: Any) -> RecallMeasurement:
    """A measurement of the present index as a worker would have left it."""
    library = Library.of(Artwork)
    serving = VectorIndex.serving(library)
    began_at = timezone.now() - timedelta(days=days_ago)
    values = {
        "model_label": library.label,
        "fingerprint": ART.fingerprint,
        "index_file": serving.file(),
        "colour_index_file": replace(serving, graph=Graph.COLOUR).file(),
        "styles": [0.0, 0.75, 1.0],
        "candidates": [170, 100, 100],
        "began_at": began_at,
        "ended_at": began_at + timedelta(seconds=2),
        "recalls": list(recalls),
        "pictures": 40,
    }
    return RecallMeasurement.objects.create(**{**values, **columns})


@pytest.fixture(autouse=True)
def fresh() -> None:
    """No answer of another test is remembered."""
    cache.clear()


class TestProblems:
    def test_a_good_index_has_none(self) -> None:
        measured(0.9, 0.98, 1.0)
        assert recall_history.problems_of(Library.of(Artwork)) == []

    def test_the_worst_balance_is_named_with_what_to_run(self) -> None:
        measured(0.85, 0.98, 1.0)
        (problem,) = recall_history.problems_of(Library.of(Artwork))
        assert "85.0 % of the ten nearest pictures at style 0 with 170 candidates" in problem
        assert "['RECALL_AT_LEAST'] asks for 90.0 %" in problem
        assert "build_similarity_index --rebuild', if need be with a higher HNSW_M" in problem
        assert "set a higher EF_SEARCH." in problem

    def test_without_an_index_of_colours_they_have_a_setting_of_their_own(self) -> None:
        with override_artsimilarity(COLOUR_INDEX=False):
            measured(0.85, 0.98, 1.0, colour_index_file=None)
            (problem,) = recall_history.problems_of(Library.of(Artwork))
        assert "set a higher EF_SEARCH_COLOUR." in problem

    def test_the_setting_decides(self) -> None:
        measured(0.85, 0.98, 1.0)
        for least, problems in ((0.85, 0), (0.86, 1), (0, 0)):
            with override_artsimilarity(RECALL_AT_LEAST=least):
                assert len(recall_history.problems_of(Library.of(Artwork))) == problems

    @pytest.mark.parametrize("columns", [{"pictures": 4}, {"index_file": 1}])
    def test_a_handful_of_pictures_and_another_index_alarm_nobody(
        self, columns: dict[str, Any]
    ) -> None:
        measured(0.2, 0.2, 0.2, **columns)
        assert recall_history.problems_of(Library.of(Artwork)) == []

    def test_the_latest_counts(self) -> None:
        measured(0.2, 0.2, 0.2, days_ago=1)
        measured(1, 1, 1)
        assert recall_history.problems_of(Library.of(Artwork)) == []


class TestHints:
    @pytest.fixture
    def large(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(Library, "estimated_rows", lambda _self: 300_000.0)

    @staticmethod
    def _hints() -> list[str]:
        return recall_history.hints_of(Library.of(Artwork))

    def test_a_large_library_below_the_aim_is_told_of_links(self, large: None) -> None:
        measured(0.99, 0.954, 0.982)
        (hint,) = self._hints()
        assert "finds 95.4 % of the ten nearest pictures at style 0.75" in hint
        assert "among so many pictures (300000)" in hint
        assert (
            "Set ARTSIMILARITY['HNSW_M'] to 24 and run 'manage.py build_similarity_index'" in hint
        )

    def test_one_that_has_them_is_not(self, large: None) -> None:
        measured(0.99, 0.954, 0.982)
        with override_artsimilarity(HNSW_M=24):
            assert self._hints() == []

    def test_one_that_reaches_the_aim_is_not(self, large: None) -> None:
        measured(0.99, 0.98, 0.982)
        assert self._hints() == []

    def test_a_smaller_one_is_not(self, monkeypatch: pytest.MonkeyPatch) -> None:
        measured(0.99, 0.954, 0.982)
        monkeypatch.setattr(Library, "estimated_rows", lambda _self: 299_999.0)
        assert self._hints() == []

    def test_one_that_was_not_measured_is_not(self, large: None) -> None:
        assert self._hints() == []

    def test_is_no_alarm_but_a_warning_of_the_deploy_check(self, large: None) -> None:
        measured(0.99, 0.954, 0.982)
        assert recall_history.problems_of(Library.of(Artwork)) == []
        (message,) = check_links(None)
        assert message.id == "artsimilarity.W018"
        out = io.StringIO()
        call_command("check", deploy=True, stderr=out)
        assert "artsimilarity.W018" in out.getvalue()

    def test_a_database_that_cannot_be_asked_is_told_of_once(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def gone(_library: Library) -> list[str]:
            raise OperationalError("the connection is lost")

        monkeypatch.setattr(recall_history, "problems_of", gone)
        monkeypatch.setattr(recall_history, "hints_of", gone)
        found = [*check_recall(None), *check_links(None)]
        assert [one.id for one in found] == ["artsimilarity.W016"]
        assert "is not known: the connection is lost" in found[0].msg


class TestHealth:
    def test_is_degraded_and_tells_strangers_no_more(
        self, client: Client, admin_client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(
            "artsimilarity.monitoring.health.worker_answers", lambda *args, **options: True
        )
        monkeypatch.setattr(
            "artsimilarity.monitoring.health.queue_length", lambda *args, **options: 0
        )
        measured(0.85, 0.98, 1.0)
        response = client.get(HEALTH)
        assert response.status_code == 503
        assert response.json() == {"status": "degraded"}
        cache.clear()
        problems = admin_client.get(HEALTH).json()["problems"]
        assert list(problems) == ["recall"]
        assert "build_similarity_index --rebuild" in problems["recall"]

    def test_measures_nothing_itself(
        self, client: Client, dead_broker: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(recall, "measure", lambda *args: pytest.fail("within a request"))
        monkeypatch.setattr(recall, "_measure_if_due", lambda *args: pytest.fail("in a request"))
        client.get(HEALTH)

    def test_leaves_a_database_that_cannot_be_asked_to_another_check(
        self, admin_client: Client, dead_broker: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(library: Library) -> list[str]:
            raise OperationalError("gone")

        monkeypatch.setattr(recall_history, "problems_of", fail)
        assert list(admin_client.get(HEALTH).json()["problems"]) == ["worker"]

    def test_few_candidates_show_in_it(
        self, admin_client: Client, dead_broker: None, settings: Settings
    ) -> None:
        settings.ARTSIMILARITY = {
            **settings.ARTSIMILARITY,
            "EF_SEARCH": 1,
            "EF_SEARCH_COLOUR": 1,
            "RECALL_AIM": 0,
        }
        fill_library(1500)
        recall.measure(Library.of(Artwork))
        problem = admin_client.get(HEALTH).json()["problems"]["recall"]
        assert "with 15 candidates" in problem


class TestDeployCheck:
    def test_warns(self) -> None:
        assert check_recall(None) == []
        measured(0.85, 0.98, 1.0)
        (message,) = check_recall(None)
        assert message.id == "artsimilarity.W016"
        assert "build_similarity_index --rebuild" in message.msg
        out = io.StringIO()
        call_command("check", deploy=True, stderr=out)
        assert "artsimilarity.W016" in out.getvalue()

    def test_says_where_the_database_cannot_be_asked(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(library: Library) -> list[str]:
            raise OperationalError("gone")

        monkeypatch.setattr(recall_history, "problems_of", fail)
        (message,) = check_recall(None)
        assert "is not known: gone" in message.msg


class TestStatus:
    def test_is_unknown_before_the_first_measurement(self, dead_broker: None) -> None:
        assert library_status(Library.of(Artwork), workers=False).recall is None
        out = io.StringIO()
        call_command("embed_artworks", "--status", stdout=out)
        assert "recall: unknown" in out.getvalue()

    def test_tells_the_last_figures_and_the_trend(self, dead_broker: None) -> None:
        measured(0.99, 0.99, 0.97, days_ago=2)
        measured(0.5, 0.5, 0.5, days_ago=1.5, fingerprint="x-256+216-" + "0" * 16)
        measured(0.99, 0.96, 0.98, days_ago=1)
        last = measured(0.85, 0.98, 1.0)
        status = as_dict(library_status(Library.of(Artwork), workers=False))
        assert status["recall"] == {
            "measured_at": last.began_at.isoformat(),
            "pictures": 40,
            "by_style": {"0": 0.85, "0.75": 0.98, "1": 1.0},
            "at_least": 0.9,
            "trend": [0.97, 0.96, 0.85],
            "failed": False,
        }
        assert "85.0 %" in " ".join(status["problems"])
        out = io.StringIO()
        call_command("embed_artworks", "--status", stdout=out)
        assert "trend: [0.97, 0.96, 0.85]" in out.getvalue()
        out = io.StringIO()
        call_command("embed_artworks", "--json", stdout=out)
        assert json.loads(out.getvalue())["recall"] == status["recall"]

    def test_tells_of_tries_that_came_to_nothing(
        self, admin_client: Client, dead_broker: None
    ) -> None:
        measured(pictures=0, days_ago=2)
        found = library_status(Library.of(Artwork), workers=False).recall
        assert found is not None
        assert (found.measured_at, found.by_style, found.failed) == (None, {}, True)
        assert "came to no result" in admin_client.get(LIBRARY).content.decode()

    def test_tells_of_a_try_that_failed_since_the_last_result(self, dead_broker: None) -> None:
        measured(1, 1, 1, days_ago=1)
        measured(pictures=0)
        found = library_status(Library.of(Artwork), workers=False).recall
        assert found is not None
        assert found.failed
        assert found.trend == [1]


class TestAdmin:
    def test_the_library_page_shows_figures_and_a_curve_with_words(
        self, admin_client: Client, dead_broker: None
    ) -> None:
        measured(0.99, 0.96, 0.98, days_ago=1)
        measured(0.85, 0.98, 1.0)
        page = admin_client.get(LIBRARY).content.decode()
        assert '<th scope="row">at style 0.75</th><td>98.0 %</td>' in page
        assert "should be at least" in page
        begin = page.index('<svg role="img"')
        drawn = ElementTree.fromstring(page[begin : page.index("</svg>", begin) + 6])
        assert drawn.attrib["aria-label"].endswith("oldest first: 96.0 %, 85.0 %")
        assert [len(drawn.findall(tag)) for tag in ("title", "line", "polyline")] == [1, 1, 1]
        assert "build_similarity_index --rebuild" in page

    def test_shows_no_curve_of_a_single_figure_and_nothing_of_none(
        self, admin_client: Client, dead_broker: None
    ) -> None:
        assert "artsimilarity-recall" not in admin_client.get(LIBRARY).content.decode()
        measured(1, 1, 1)
        page = admin_client.get(LIBRARY).content.decode()
        assert "artsimilarity-recall" in page
        assert 'role="img"' not in page

    def test_the_first_page_tells_of_low_recall(
        self, admin_client: Client, dead_broker: None
    ) -> None:
        make_embedded("one")
        assert "ten nearest" not in admin_client.get("/admin/").content.decode()
        measured(0.85, 0.98, 1.0)
        assert "ten nearest" in admin_client.get("/admin/").content.decode()

    def test_measures_nothing_itself(
        self, admin_client: Client, dead_broker: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(recall, "_measure_if_due", lambda *args: pytest.fail("in a request"))
        admin_client.get(LIBRARY)

    def test_curves_stay_within_their_picture_in_any_language(self) -> None:
        for values, least in (([1.0, 1.0], 0.9), ([0.0, 1.0, 0.3], 0.9), ([1.0, 1.0], 0.0)):
            with translation.override("de"):
                curve = draw_trend(values, least)
            assert curve is not None
            for point in curve.points.split():
                x, y = map(float, point.split(","))
                assert 0 <= x <= curve.width
                assert 0 <= y <= curve.height
            assert (curve.limit is None) == (least == 0)


def test_each_sweep_tells_prometheus_the_latest(broker: Broker) -> None:
    last = measured(0.85, 0.98, 1.0)
    sweep.sweep(Library.of(Artwork))

    def value(name: str, **labels: str) -> float | None:
        return REGISTRY.get_sample_value(
            f"artsimilarity_{name}", {"model": "library.Artwork", **labels}
        )

    assert value("recall", style="0") == 0.85
    assert value("recall", style="0.75") == 0.98
    assert value("recall_timestamp_seconds") == pytest.approx(last.began_at.timestamp())


def test_no_problem_costs_a_single_query(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    measured(1, 1, 1)
    with django_assert_num_queries(1):
        recall_history.problems_of(Library.of(Artwork))
