"""A map of somebody else's pictures, whose vectors a companion holds."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.test import RequestFactory

from artsimilarity.atlas.making import make_map
from artsimilarity.atlas.places import Tile
from artsimilarity.atlas.tasks import keep_up
from artsimilarity.atlas.tiles import Map
from artsimilarity.models import MapSheet
from tests.atlas.drawn import small_picture
from tests.photos import Photos, photo_tables

pytestmark = pytest.mark.django_db


@pytest.fixture
def photos() -> Iterator[Photos]:
    """The two models, on tables of their own."""
    with photo_tables() as photos:
        yield photos


def test_shows_what_the_companion_allows(
    photos: Photos, rf: RequestFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("artsimilarity.atlas.sheets.small_version", small_picture)
    made = [photos.make_embedded(f"{number}", [1, 0.1 * number]) for number in range(4)]
    hidden = photos.make_embedded("hidden", public=False)
    make_map(photos.library)
    new = photos.make_embedded("new", [1, 0.11])
    keep_up(photos.photo, photos.library.using)
    shown = Map.of(photos.library, rf.get("/"))
    keys = {one["key"] for one in shown.tile("brushwork", Tile(12, 0, 0))} | {
        str(picture.pk) for picture in shown.in_order("colours", 0, 10)
    }
    assert keys == {str(photo.pk) for photo in [*made, new]}
    assert shown.count() == 5
    assert shown.picture(str(hidden.pk)) is None
    (sheet,) = MapSheet.objects.all()
    assert shown.shows_all(sheet.keys, sheet.digests)
    photos.photo.objects.filter(pk=new.pk).update(image="another.png")
    assert not shown.shows_all(sheet.keys, sheet.digests)
