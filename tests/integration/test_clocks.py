"""Machines whose clocks are minutes apart: nothing is lost, and nothing is done twice for that."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.db.models import F
from django.test import Client

from artsimilarity.embedding import claims, in_hand, sweep
from artsimilarity.library import Library, recall_history, waiting
from artsimilarity.models import RecallMeasurement, SearchAnswer
from artsimilarity.monitoring import health
from artsimilarity.monitoring.status import library_status
from artsimilarity.monitoring.workers import has_just_worked
from artsimilarity.own_picture.answering import forget_unclaimed
from artsimilarity.own_picture.slots import NoSlotError, slot
from artsimilarity.testing import embed_pending, override_artsimilarity
from demo_site.library.models import Artwork
from tests.broker import Broker
from tests.clocks import clock_ahead_by
from tests.pictures import make_artwork

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("quick_encoder"),
]

LONG_AGO = timedelta(hours=1)
EITHER_WAY = pytest.mark.parametrize("minutes", [-45, 45])


@pytest.fixture
def library() -> Library:
    return Library.of(Artwork)


def _take(library: Library) -> claims.Claim:
    pks = [str(pk) for pk in Artwork.objects.values_list("pk", flat=True)]
    (claim,) = claims.take(library, library.recipes(), pks).claims
    return claim


@EITHER_WAY
def test_a_sweep_leaves_a_picture_to_the_worker_on_another_machine_that_has_it(
    library: Library, broker: Broker, minutes: float
) -> None:
    make_artwork()
    broker.clear()
    _take(library)
    with clock_ahead_by(minutes):
        assert sweep.sweep(library) == 0
    assert broker.pks() == []


@EITHER_WAY
def test_a_sweep_takes_a_picture_from_a_worker_that_died_when_its_time_is_up(
    library: Library, broker: Broker, minutes: float
) -> None:
    make_artwork()
    broker.clear()
    with clock_ahead_by(minutes):
        _take(library)
    Artwork.objects.update(embedding_claimed_at=F("embedding_claimed_at") - LONG_AGO)
    assert sweep.sweep(library) == 1


@EITHER_WAY
def test_machines_do_not_sweep_one_after_the_other(library: Library, minutes: float) -> None:
    assert waiting.begin_sweep(library, unless_within=150)
    with clock_ahead_by(minutes):
        assert not waiting.begin_sweep(library, unless_within=150)


def test_a_sweep_by_a_machine_that_is_fast_keeps_no_other_from_its_turn(library: Library) -> None:
    with clock_ahead_by(45):
        assert waiting.begin_sweep(library, unless_within=150)
    assert waiting.begin_sweep(library, unless_within=0)


class TestAWorkerThatStartsAgain:
    @EITHER_WAY
    def test_has_what_it_had_before_it_was_killed(
        self, library: Library, broker: Broker, minutes: float
    ) -> None:
        make_artwork()
        with clock_ahead_by(minutes):
            second = time.time() + 60 * minutes
            first = second - 60
            in_hand.note(library, "w@a", [_take(library)], started_at=first)
            assert in_hand.release(library, "w@a", before=second) == 1
        assert Artwork.objects.get().embedding_claimed_at is None

    @EITHER_WAY
    def test_keeps_what_it_has_taken_since(
        self, library: Library, broker: Broker, minutes: float
    ) -> None:
        make_artwork()
        with clock_ahead_by(minutes):
            started = time.time() + 60 * minutes
            in_hand.note(library, "w@a", [_take(library)], started_at=started)
        assert in_hand.release(library, "w@a", before=started) == 0
        assert Artwork.objects.get().embedding_claimed_at is not None


@EITHER_WAY
def test_what_waits_is_as_old_for_every_machine(library: Library, minutes: float) -> None:
    make_artwork()
    with clock_ahead_by(minutes):
        waiting.follow(library)
        waiting.end_sweep(library)
        assert waiting.problems_of(library) == []
    with override_artsimilarity(PENDING_SECONDS=1200):
        assert waiting.problems_of(library) == []
        with clock_ahead_by(minutes):
            assert waiting.problems_of(library) == []


@EITHER_WAY
def test_an_answer_is_kept_for_whoever_asked_on_another_machine(minutes: float) -> None:
    with clock_ahead_by(minutes):
        SearchAnswer.objects.create(pk="00000000-0000-0000-0000-000000000001", vector=[])
    forget_unclaimed("default")
    assert SearchAnswer.objects.exists()


@EITHER_WAY
def test_places_for_searches_are_not_given_twice(minutes: float) -> None:
    with (
        override_artsimilarity(SEARCHES_AT_ONCE=1),
        slot("default"),
        clock_ahead_by(minutes),
        pytest.raises(NoSlotError),
        slot("default"),
    ):
        pass


@EITHER_WAY
def test_one_machine_measures_recall_at_a_time(library: Library, minutes: float) -> None:
    def plan() -> RecallMeasurement:
        return RecallMeasurement(
            model_label=library.label, fingerprint="x", index_file=1, styles=[1], candidates=[1]
        )

    assert recall_history.begin(library, plan(), only_if_due=False)
    with clock_ahead_by(minutes):
        assert not recall_history.begin(library, plan(), only_if_due=False)


@EITHER_WAY
def test_a_worker_on_another_machine_counts_as_there_while_it_works(
    library: Library, broker: Broker, minutes: float
) -> None:
    make_artwork()
    with clock_ahead_by(minutes):
        embed_pending(Artwork)
    assert has_just_worked(library)
    assert library_status(library).ready == 1


@EITHER_WAY
def test_health_is_not_answered_by_what_a_machine_found_whose_clock_is_wrong(
    client: Client, monkeypatch: pytest.MonkeyPatch, minutes: float
) -> None:
    cache.clear()
    monkeypatch.setattr(health, "_CHECKS", {"database": str})
    with clock_ahead_by(minutes):
        assert client.get("/artsimilarity/health/").status_code == 200
    monkeypatch.setattr(health, "_CHECKS", {"database": lambda: "It does not answer."})
    assert client.get("/artsimilarity/health/").status_code == 503
