"""A broker that accepts connections and does not answer: nobody waits for it."""

from __future__ import annotations

import threading
import time

import pytest
from django.core.cache import cache
from django.test import Client

from artsimilarity.embedding import broker as brokers
from demo_site.library.models import Artwork
from tests.broker import Broker, SilentBroker
from tests.conftest import connect
from tests.pictures import make_artwork

pytestmark = pytest.mark.django_db(transaction=True)


def _seconds_of_a_save() -> float:
    started = time.monotonic()
    make_artwork()
    return time.monotonic() - started


def test_a_save_waits_less_than_three_tenths_of_a_second(silent_broker: SilentBroker) -> None:
    make_artwork()  # imports what the first save imports
    brokers.outages().end(silent_broker.url)
    assert _seconds_of_a_save() < 0.3
    assert Artwork.objects.pending().count() == 2


def test_it_is_not_asked_again_for_a_while(silent_broker: SilentBroker) -> None:
    for _ in range(5):
        make_artwork()
    assert silent_broker.connections == 1


def test_threads_share_what_is_known_of_it(silent_broker: SilentBroker) -> None:
    assert brokers.queue_length() is None
    lengths: list[int | None] = []
    threads = [
        threading.Thread(target=lambda: lengths.append(brokers.queue_length())) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert lengths == [None] * 8
    assert silent_broker.connections == 1


def test_once_it_has_rested_it_is_asked_again(
    silent_broker: SilentBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(brokers, "_REST_SECONDS", 0.05)
    assert brokers.queue_length() is None
    time.sleep(0.06)
    assert brokers.queue_length() is None
    assert silent_broker.connections == 2


def test_who_insists_finds_out_that_it_is_back(broker: Broker, broker_url: str) -> None:
    brokers.outages().begin(broker_url)
    connect(broker_url)
    assert brokers.queue_length() is None
    assert brokers.queue_length(insist=True) == 0
    assert brokers.queue_length() == 0


def test_health_answers_within_two_seconds(
    admin_client: Client, silent_broker: SilentBroker
) -> None:
    cache.clear()
    started = time.monotonic()
    problems = admin_client.get("/artsimilarity/health/").json()["problems"]
    assert time.monotonic() - started < 2
    assert "CELERY_BROKER_URL" in problems["worker"]
