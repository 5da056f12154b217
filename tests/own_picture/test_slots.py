"""As many searches by picture at once as the setting allows, whoever asks and from wherever."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from artsimilarity.models import SearchSlot
from artsimilarity.own_picture.slots import NoSlotError, slot
from artsimilarity.testing import override_artsimilarity
from tests.broker import Broker
from tests.pictures import picture_bytes

pytestmark = pytest.mark.django_db(transaction=True)


def _is_free() -> bool:
    try:
        with slot("default"):
            return True
    except NoSlotError:
        return False


def test_no_more_than_the_setting_allows() -> None:
    with override_artsimilarity(SEARCHES_AT_ONCE=2), slot("default"), slot("default"):
        assert not _is_free()


def test_a_place_is_given_back_also_after_an_error() -> None:
    with override_artsimilarity(SEARCHES_AT_ONCE=1):
        with pytest.raises(RuntimeError), slot("default"):
            raise RuntimeError
        assert _is_free()


def test_a_place_that_a_dead_process_had_is_free_again() -> None:
    with override_artsimilarity(SEARCHES_AT_ONCE=1):
        assert _is_free()
        SearchSlot.objects.update(taken_at=timezone.now() - timedelta(minutes=1))
        assert not _is_free()
        SearchSlot.objects.update(taken_at=timezone.now() - timedelta(minutes=3))
        assert _is_free()


def test_a_place_is_taken_also_within_a_transaction_that_nobody_sees() -> None:
    found: list[bool] = []

    def look() -> None:
        try:
            found.append(_is_free())
        finally:
            connection.close()

    with override_artsimilarity(SEARCHES_AT_ONCE=1):
        assert _is_free()
        with transaction.atomic(), slot("default"):
            thread = threading.Thread(target=look)
            thread.start()
            thread.join()
    assert found == [False]


def test_who_finds_no_place_is_told_to_try_again(client: Client, broker: Broker) -> None:
    cache.clear()  # the limit of the rate is another matter
    picture = SimpleUploadedFile("mine.png", picture_bytes())
    with override_artsimilarity(SEARCHES_AT_ONCE=1), slot("default"):
        answer = client.post("/api/artworks/by-picture/", {"picture": picture})
    assert answer.status_code == 503
    assert answer["Retry-After"]
    assert broker.waiting("artsimilarity-search") == 0
