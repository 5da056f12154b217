"""The health check: what it finds, and what it keeps from strangers."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from artsimilarity.library import Library
from artsimilarity.library.index_build import VectorIndex
from artsimilarity.monitoring.workers import worker_answers
from demo_site.library.models import Artwork
from tests.broker import Broker
from tests.pictures import make_embedded, picture_bytes
from tests.worker import run_worker

pytestmark = pytest.mark.django_db(transaction=True)

URL = "/artsimilarity/health/"


@pytest.fixture(autouse=True)
def fresh() -> None:
    """No answer of another test is remembered."""
    cache.clear()


def test_with_a_worker_and_a_migrated_database_all_is_well(
    client: Client, broker: Broker, broker_url: str, tmp_path: Path
) -> None:
    with run_worker(broker_url, tmp_path / "worker.log"):
        response = client.get(URL)
    assert response.status_code == 200
    assert response.json() == {"status": "ok"}


def test_a_stranger_is_told_that_it_fails_and_nothing_else(
    client: Client, dead_broker: None
) -> None:
    response = client.get(URL)
    assert response.status_code == 503
    assert response.json() == {"status": "failing"}


def test_a_member_of_staff_is_told_what_fails_and_what_helps(
    admin_client: Client, dead_broker: None
) -> None:
    problems = admin_client.get(URL).json()["problems"]
    assert list(problems) == ["worker"]
    assert "CELERY_BROKER_URL" in problems["worker"]


def test_a_missing_worker_is_told_from_a_missing_broker(
    admin_client: Client, broker: Broker
) -> None:
    problem = admin_client.get(URL).json()["problems"]["worker"]
    assert "celery -A <project> worker -Q artsimilarity" in problem


def test_searches_that_wait_for_no_worker_are_found(
    admin_client: Client, broker: Broker, settings: Settings
) -> None:
    assert "searches" not in admin_client.get(URL).json()["problems"]
    cache.clear()
    settings.ARTSIMILARITY = {"SEARCH_SECONDS": 0.05}
    picture = SimpleUploadedFile("mine.png", picture_bytes())
    assert admin_client.post("/api/artworks/by-picture/", {"picture": picture}).status_code == 503
    problem = admin_client.get(URL).json()["problems"]["searches"]
    assert "-Q artsimilarity,artsimilarity-search" in problem


def test_a_missing_index_is_found(admin_client: Client, dead_broker: None) -> None:
    name = VectorIndex.serving(Library.of(Artwork)).name
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER INDEX {name} RENAME TO hidden")
        cursor.execute(
            "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'hidden'::regclass"
        )
    try:
        assert "build_similarity_index" in admin_client.get(URL).json()["problems"]["database"]
    finally:
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE pg_index SET indisvalid = true WHERE indexrelid = 'hidden'::regclass"
            )
            cursor.execute(f"ALTER INDEX hidden RENAME TO {name}")


def test_missing_weights_are_found(
    admin_client: Client, dead_broker: None, settings: Settings
) -> None:
    settings.ARTSIMILARITY = {"RECIPE": "tests.recipes.WITHOUT_WEIGHTS"}
    assert "nowhere.safetensors" in admin_client.get(URL).json()["problems"]["weights"]


def test_however_often_it_is_asked_the_servers_are_asked_once(
    client: Client, dead_broker: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from artsimilarity.monitoring import health

    calls: list[Any] = []
    find = health.find_problems
    monkeypatch.setattr(health, "find_problems", lambda: calls.append(1) or find())
    for _ in range(5):
        client.get(URL)
    assert len(calls) == 1


def test_only_reading_is_allowed(client: Client) -> None:
    assert client.post(URL).status_code == 405


def test_a_worker_too_busy_to_answer_is_no_alarm(
    admin_client: Client, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("artsimilarity.monitoring.health._WORKER_SECONDS", 0.05)
    make_embedded("just now", embedded_at=timezone.now())
    assert "worker" not in admin_client.get(URL).json()["problems"]
    cache.clear()
    Artwork.objects.update(embedded_at=timezone.now() - timedelta(minutes=5))
    assert "worker" in admin_client.get(URL).json()["problems"]


def test_the_first_answer_ends_the_waiting(broker: Broker, broker_url: str, tmp_path: Path) -> None:
    with run_worker(broker_url, tmp_path / "worker.log"):
        started = time.monotonic()
        assert worker_answers(0, patience=30)
        assert time.monotonic() - started < 10


@pytest.mark.slow
def test_twenty_checks_on_a_busy_machine_raise_no_alarm(
    client: Client, broker: Broker, broker_url: str, tmp_path: Path
) -> None:
    busy = [sys.executable, "-c", "while True: pass"]
    burners = [subprocess.Popen(busy) for _ in range(3 * (os.cpu_count() or 1))]
    statuses, seconds = [], []
    try:
        with run_worker(broker_url, tmp_path / "worker.log"):
            for _ in range(20):
                cache.clear()
                started = time.monotonic()
                statuses.append(client.get(URL).status_code)
                seconds.append(round(time.monotonic() - started, 2))
    finally:
        for burner in burners:
            burner.kill()
            burner.wait()
    print(seconds)
    assert statuses == [200] * 20


def test_who_asks_during_a_check_gets_the_last_answer(
    client: Client, dead_broker: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from artsimilarity.monitoring import health

    client.get(URL)
    monkeypatch.setattr(health, "_CACHE_SECONDS", 0)
    calls: list[Any] = []

    def ask_meanwhile() -> dict[str, str]:
        calls.append(Client().get(URL).json())
        return {}

    monkeypatch.setattr(health, "find_problems", ask_meanwhile)
    assert client.get(URL).json() == {"status": "ok"}
    assert calls == [{"status": "failing"}]
