"""Claims: which rows one worker takes, and which it leaves to others."""

from __future__ import annotations

import threading

import pytest
from django.db import connections, transaction

from artsimilarity.embedding import claims
from artsimilarity.embedding.claims import Needs
from artsimilarity.library import Library
from demo_site.library.models import Artwork
from tests.pictures import make_artwork, make_embedded


@pytest.fixture
def library() -> Library:
    """The demo's."""
    return Library.of(Artwork)


@pytest.mark.django_db
def test_a_new_picture_needs_everything_and_has_been_tried_once(library: Library) -> None:
    artwork = make_artwork()
    taken = claims.take(library, library.recipes(), [str(artwork.pk)])
    (claim,) = taken.claims
    assert (claim.pk, claim.image) == (artwork.pk, artwork.image.name)
    assert (claim.needs, claim.attempts) == (Needs.EVERYTHING, 1)


@pytest.mark.django_db
def test_an_embedded_picture_is_skipped(library: Library) -> None:
    taken = claims.take(library, library.recipes(), [str(make_embedded("ready").pk)])
    assert (taken.claims, taken.skipped) == ([], 1)


@pytest.mark.django_db(transaction=True)
def test_a_row_that_somebody_is_saving_is_left_for_later_and_not_waited_for(
    library: Library,
) -> None:
    saved, free = make_artwork("being saved"), make_artwork("free")
    held, done = threading.Event(), threading.Event()

    def save_slowly() -> None:
        try:
            with transaction.atomic():
                Artwork.objects.select_for_update().get(pk=saved.pk)
                held.set()
                assert done.wait(10)
        finally:
            connections.close_all()

    editor = threading.Thread(target=save_slowly)
    editor.start()
    try:
        assert held.wait(10)
        with connections["default"].cursor() as cursor:
            cursor.execute("SET lock_timeout = '2s'")
        taken = claims.take(library, library.recipes(), [str(saved.pk), str(free.pk)])
    finally:
        done.set()
        editor.join()
        with connections["default"].cursor() as cursor:
            cursor.execute("RESET lock_timeout")
    assert [claim.pk for claim in taken.claims] == [free.pk]
    assert taken.locked == [str(saved.pk)]
