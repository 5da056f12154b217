"""A roll-out that is killed again and again while a visitor looks on."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import settings as django_settings
from django.core.management import CommandError, call_command
from django.db import connection
from pytest_django import Settings

from artsimilarity.embedding import queue, rollout
from artsimilarity.library import Library
from artsimilarity.library.index_build import VectorIndex
from artsimilarity.search import more_like_this
from demo_site.library.models import Artwork
from tests.broker import Broker
from tests.pictures import make_artwork
from tests.recipes import SMALLER
from tests.worker import ROOT, database_url, run_worker, wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("index_restored")]

COUNT = 120
ROLLOUT = {
    "ENCODER": "tests.fakes.LeisurelyEncoder",
    "NEXT_RECIPE": "tests.recipes.SMALLER",
    "RETRY_BACKOFF": 0.1,
}

_PROMOTE = """
import time
import django
django.setup()
from artsimilarity.embedding import rollout
from artsimilarity.library import Library
from demo_site.library.models import Artwork
rollout._change_names = lambda library: time.sleep(60)
rollout.promote(Library.of(Artwork))
"""


class Visitor:
    """Asks for neighbours in a loop and notes what no visitor should see."""

    def __init__(self) -> None:
        self.looks = 0
        self.complaints: list[str] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def _look(self) -> None:
        chance = random.Random(0)
        pks = list(Artwork.objects.values_list("pk", flat=True))
        try:
            while not self._stop.is_set():
                artwork = Artwork.objects.get(pk=chance.choice(pks))
                neighbours = more_like_this(artwork, limit=8)
                self.looks += 1
                if len(neighbours) < 8:
                    self.complaints.append(f"{artwork.pk} has {len(neighbours)} neighbours")
                # Styles of one recipe are near each other here, those of two recipes opposite.
                if any(found.similarity_style < 0 for found in neighbours):
                    self.complaints.append(f"{artwork.pk} is compared across recipes")
        except Exception as error:  # noqa: BLE001 -- whatever it is, the visitor must not see it
            self.complaints.append(repr(error))
        finally:
            connection.close()

    @contextmanager
    def looking(self) -> Iterator[None]:
        """Look from beginning to end of the block."""
        self._thread.start()
        try:
            yield
        finally:
            self._stop.set()
            self._thread.join()


def _start_promotion() -> subprocess.Popen[bytes]:
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "DATABASE_URL": database_url(),
        "DEMO_DATA": str(Path(django_settings.MEDIA_ROOT).parent),
        "TEST_ARTSIMILARITY": json.dumps(ROLLOUT),
    }
    return subprocess.Popen([sys.executable, "-c", _PROMOTE], cwd=ROOT, env=environment)


def _served() -> int:
    return Artwork.objects.filter(embedding_recipe=SMALLER.fingerprint).count()


def _is_indexed() -> bool:
    return VectorIndex(
        library=Library.of(Artwork), recipe=SMALLER.fingerprint, column="embedding_next"
    ).is_built()


def test_a_rollout_killed_in_filling_and_in_promotion_is_finished_without_a_visitor_noticing(
    broker: Broker, broker_url: str, tmp_path: Path, settings: Settings
) -> None:
    quick: dict[str, Any] = {**ROLLOUT, "ENCODER": "artsimilarity.testing.QuickEncoder"}
    settings.ARTSIMILARITY = {**settings.ARTSIMILARITY, **quick}
    for number in range(COUNT):
        make_artwork(f"{number}", colour=(number * 2, 255 - number, number))
    call_command("embed_artworks", "--pending", "--sync")
    broker.clear()
    visitor = Visitor()
    with visitor.looking():
        rollout.start(Library.of(Artwork))
        with run_worker(broker_url, tmp_path / "first.log", **ROLLOUT) as worker:
            rollout.fill(Library.of(Artwork))
            wait_until(lambda: rollout.left_to_fill(Library.of(Artwork)) <= COUNT - 20)
            worker.kill()
        assert rollout.left_to_fill(Library.of(Artwork)) > 0
        with run_worker(broker_url, tmp_path / "second.log", **quick):
            queue.enqueue(Artwork.objects.all())
            wait_until(lambda: rollout.left_to_fill(Library.of(Artwork)) == 0)

        promotion = _start_promotion()
        wait_until(_is_indexed)
        promotion.send_signal(signal.SIGKILL)
        promotion.wait()
        assert _served() == 0
        call_command("embed_artworks", "--promote")
        seen = visitor.looks
        wait_until(lambda: visitor.looks > seen + 20)
    assert _served() == COUNT
    assert visitor.complaints == []
    assert visitor.looks > 100


def test_whoever_reads_the_table_for_long_keeps_neither_visitors_nor_the_promotion_waiting(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.ARTSIMILARITY = {**settings.ARTSIMILARITY, **ROLLOUT}
    settings.ARTSIMILARITY["ENCODER"] = "artsimilarity.testing.QuickEncoder"
    for number in range(3):
        make_artwork(f"{number}")
    call_command("embed_artworks", "--pending", "--sync")
    call_command("embed_artworks", "--rollout", "--sync")
    monkeypatch.setattr(rollout, "_TRIES", 3)
    waits: list[float] = []
    with _reading_for_long(), _measuring(waits), pytest.raises(CommandError, match="pg_stat_act"):
        call_command("embed_artworks", "--promote")
    assert max(waits) < 1
    assert _served() == 0
    call_command("embed_artworks", "--promote")
    assert _served() == 3


@contextmanager
def _reading_for_long() -> Iterator[None]:
    """A report or a backup, in a connection of its own."""
    with (
        psycopg.connect(database_url()) as other,
        other.transaction(),
    ):
        other.execute(f"SELECT 1 FROM {Artwork._meta.db_table}")
        yield


@contextmanager
def _measuring(waits: list[float]) -> Iterator[None]:
    """Note how long a visitor waits for the table, again and again."""
    done = threading.Event()

    def read() -> None:
        with psycopg.connect(database_url(), autocommit=True) as other:
            while not done.wait(0.01):
                started = time.monotonic()
                other.execute(f"SELECT 1 FROM {Artwork._meta.db_table} LIMIT 1")
                waits.append(time.monotonic() - started)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        yield
    finally:
        done.set()
        reader.join()
