"""The state of a library in numbers."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db.models import F
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from artsimilarity.encoder.recipe import ART
from artsimilarity.library import Library
from artsimilarity.models import Rollout
from artsimilarity.monitoring.status import LibraryStatus, as_dict, library_status
from demo_site.library.models import Artwork
from tests.broker import Broker, RefusingBroker
from tests.pictures import make_artwork, make_embedded
from tests.recipes import NEXT

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("quick_encoder"),
]


def embedded_at(*seconds_ago: float, **columns: Any) -> None:
    """Pictures that a worker was done with so long ago."""
    # In the middle of a second, so that what happens at whole ones stays apart.
    now = timezone.now().replace(microsecond=500_000)
    for number, ago in enumerate(seconds_ago):
        at = now - timedelta(seconds=ago)
        make_embedded(f"done {number}", embedded_at=at, **columns)


def test_counts_by_status_and_by_recipe(dead_broker: None) -> None:
    make_embedded("ready")
    make_embedded("of another recipe", embedding_recipe="x-256+216-" + "0" * 16)
    failed = make_embedded("failed")
    Artwork.objects.filter(pk=failed.pk).update(
        embedding_status="failed", embedding_error="It is damaged.", embedding=None
    )
    make_artwork("pending")
    Artwork.objects.create(title="not scanned")
    status = library_status(Library.of(Artwork), workers=False)
    assert (status.total, status.ready, status.pending, status.failed) == (5, 2, 1, 1)
    assert status.without_picture == 1
    assert status.by_recipe == {ART.fingerprint: 1, "x-256+216-" + "0" * 16: 1}
    assert [(e.title, e.error, e.code) for e in status.errors] == [("failed", "It is damaged.", "")]
    assert (status.queue_length, status.worker_seen) == (None, None)


class TestRate:
    """Told only from enough, and over the time in which work was done."""

    def _status(self, *seconds_ago: float, waiting: int = 6) -> LibraryStatus:
        embedded_at(*seconds_ago)
        for number in range(waiting):
            make_artwork(f"waiting {number}")
        return library_status(Library.of(Artwork), workers=False)

    def test_is_that_of_pictures_done_one_by_one_and_gives_the_time_left(
        self, dead_broker: None
    ) -> None:
        status = self._status(*range(5, 45, 2))  # one every two seconds
        assert status.rate == pytest.approx(0.5)
        assert status.seconds_left == pytest.approx(12)

    def test_is_not_raised_by_batches_of_which_the_first_was_begun_before(
        self, dead_broker: None
    ) -> None:
        batches = [start for start in (10, 14, 18) for _picture in range(8)]  # 8 in four seconds
        assert self._status(*batches).rate == pytest.approx(2)

    def test_does_not_count_the_idle_time_before_and_after(self, dead_broker: None) -> None:
        early = self._status(*range(40, 52), waiting=0)
        assert early.rate == pytest.approx(1)

    def test_leaves_out_what_was_done_more_than_a_minute_ago(self, dead_broker: None) -> None:
        assert self._status(*range(5, 25), *range(70, 90)).rate == pytest.approx(1)

    @pytest.mark.parametrize(
        "seconds_ago",
        [
            [],
            [3],  # a single upload
            range(5, 50, 5),  # nine pictures
            [3] * 30,  # one batch
            [n / 10 for n in range(40)],  # within four seconds
            range(70, 90),  # long ago
        ],
    )
    def test_is_not_told_from_too_little_and_neither_is_the_time_left(
        self, dead_broker: None, seconds_ago: Iterable[float]
    ) -> None:
        status = self._status(*seconds_ago)
        assert (status.rate, status.seconds_left) == (None, None)
        assert status.to_embed == 6

    def test_of_a_library_with_two_recipes_is_one(self, dead_broker: None) -> None:
        embedded_at(*range(5, 25))
        every_second = Artwork.objects.annotate(half=F("pk") % 2).filter(half=0)
        every_second.update(embedding_recipe="x-256+216-" + "0" * 16)
        status = library_status(Library.of(Artwork), workers=False)
        assert len(status.by_recipe) == 2
        assert status.rate == pytest.approx(1)

    def test_tells_no_time_of_a_promotion_which_embeds_nothing(self, dead_broker: None) -> None:
        embedded_at(*range(5, 25))
        Artwork.objects.update(embedding_next_recipe=NEXT.fingerprint)
        Rollout.objects.create(
            model_label="library.Artwork", fingerprint=NEXT.fingerprint, state="promoting"
        )
        status = library_status(Library.of(Artwork), workers=False)
        assert status.rollout is not None
        assert (status.rollout.filled, status.to_embed, status.seconds_left) == (20, 0, None)

    def test_counts_what_a_rollout_could_not_embed(self, dead_broker: None) -> None:
        make_embedded("lost")
        Artwork.objects.update(embedding_attempts=3, embedding_error="gone")
        Rollout.objects.create(model_label="library.Artwork", fingerprint=NEXT.fingerprint)
        status = library_status(Library.of(Artwork), workers=False)
        assert status.rollout is not None
        assert (status.rollout.filled, status.rollout.failed) == (0, 1)


def test_without_anything_waiting_no_time_is_left_to_tell(dead_broker: None) -> None:
    assert library_status(Library.of(Artwork), workers=False).seconds_left is None


def test_the_queue_is_counted_and_no_worker_is_seen_where_none_is(broker: Broker) -> None:
    make_artwork()
    status = library_status(Library.of(Artwork))
    assert status.queue_length == 1
    assert status.worker_seen is False


def test_a_broker_that_is_down_is_told_from_an_empty_queue(dead_broker: None) -> None:
    status = library_status(Library.of(Artwork))
    assert status.queue_length is None
    assert status.worker_seen is False


def test_a_broker_that_is_down_is_asked_once_and_its_workers_not_at_all(
    refusing_broker: RefusingBroker,
) -> None:
    library_status(Library.of(Artwork))
    assert refusing_broker.connections == 1


def test_the_table_is_read_once_however_much_is_counted(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    make_embedded("ready")
    # The counts, the last errors; what is known of sweeps, and whether one is missed; the roll-out
    # for what is left of it and for the recipe in service, and the index for the latter too; what
    # was measured of recall, and whether there is a map.
    with django_assert_num_queries(9):
        library_status(Library.of(Artwork), workers=False)


def test_the_status_is_plain_values() -> None:
    assert json.loads(json.dumps(as_dict(library_status(Library.of(Artwork), workers=False))))


def test_the_command_prints_it_as_a_table_and_as_json(broker: Broker) -> None:
    make_embedded("ready")
    table, document = io.StringIO(), io.StringIO()
    call_command("embed_artworks", "--status", stdout=table)
    call_command("embed_artworks", "--status", "--json", stdout=document)
    assert "ready: 1" in table.getvalue()
    assert json.loads(document.getvalue())["ready"] == 1
