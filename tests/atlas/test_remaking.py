"""Workers make an outdated map anew by themselves, where a setting allows it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from artsimilarity.atlas import tasks
from artsimilarity.models import PictureMap
from demo_site.library.models import Artwork
from tests.atlas.drawn import LIBRARY, make_mapped
from tests.broker import Broker
from tests.pictures import make_embedded

pytestmark = pytest.mark.django_db

ASKED = [(tasks.MAKE_TASK, ["library.Artwork", LIBRARY.using])]


@pytest.fixture(autouse=True)
def up_to_twenty(settings: Settings) -> None:
    settings.ARTSIMILARITY = {**settings.ARTSIMILARITY, "REMAKE_MAP_UP_TO": 20}


def grow(count: int) -> None:
    for number in range(count):
        make_embedded(f"later {number}", [1, 0.1 * number])


def sweep() -> None:
    tasks.keep_up(Artwork, LIBRARY.using)


def test_an_outdated_map_is_asked_for_by_a_sweep_and_once_only(broker: Broker) -> None:
    make_mapped(8)
    grow(5)
    sweep()
    sweep()
    assert broker.tasks() == ASKED


def test_a_map_that_is_not_outdated_is_left_as_it_is(broker: Broker) -> None:
    make_mapped(8)
    grow(4)
    sweep()
    assert broker.tasks() == []


def test_the_map_of_a_larger_library_is_left_to_the_command(broker: Broker) -> None:
    make_mapped(8)
    grow(13)
    sweep()
    assert broker.tasks() == []


def test_without_the_setting_it_is_left_to_the_command(broker: Broker, settings: Settings) -> None:
    settings.ARTSIMILARITY = {**settings.ARTSIMILARITY, "REMAKE_MAP_UP_TO": 0}
    make_mapped(8)
    grow(5)
    sweep()
    assert broker.tasks() == []


def test_a_making_that_never_ended_is_asked_for_again_after_its_longest_time(
    broker: Broker,
) -> None:
    make_mapped(8)
    grow(5)
    PictureMap.objects.update(asked_at=timezone.now() - timedelta(hours=5))
    sweep()
    assert broker.tasks() == []
    PictureMap.objects.update(asked_at=timezone.now() - timedelta(hours=7))
    sweep()
    assert broker.tasks() == ASKED


def test_what_no_broker_takes_is_asked_for_by_the_next_sweep(dead_broker: None) -> None:
    make_mapped(8)
    grow(5)
    sweep()
    assert PictureMap.objects.get().asked_at is None
