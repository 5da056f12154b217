"""Libraries with a map, for tests."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from django.test import Client
from django.utils import timezone
from PIL import Image

from artsimilarity.atlas import sheets
from artsimilarity.atlas.making import analyze_places, make_map
from artsimilarity.atlas.places import SIDE, Point, place_of, rank_of
from artsimilarity.library import Library
from artsimilarity.models import MapPlace, PictureMap
from demo_site.library.models import Artwork
from tests.pictures import fill_library, make_embedded

LIBRARY = Library.of(Artwork)


def make_random(count: int, **facts: Any) -> list[Artwork]:
    """Pictures with random vectors, the same every time, each of a file of its own."""
    numbers = np.random.default_rng(count)
    return [
        make_embedded(
            f"{number}",
            numbers.normal(size=8),
            numbers.random(6),
            embedding_digest=f"{number:064}",
            **facts,
        )
        for number in range(count)
    ]


def make_mapped(count: int, **facts: Any) -> list[Artwork]:
    """The same, on a map."""
    artworks = make_random(count, **facts)
    make_map(LIBRARY)
    return artworks


def put(artworks: list[Artwork], *points: tuple[int, int]) -> None:
    """Have pictures stand somewhere else, in both layouts."""
    for artwork, point in zip(artworks, points, strict=True):
        place = place_of(Point(*point))
        stored = MapPlace.objects.filter(key=str(artwork.pk))
        stored.update(brushwork=place, colours=place)


def map_from(client: Client, artwork: Artwork) -> str:
    """The map's page for who comes from a picture, but for its form's token and its time."""
    page = client.get("/map/", {"from": artwork.pk}).content.decode()
    return re.sub(r'csrfmiddlewaretoken" value="[^"]*"|data-at="[^"]*"', "", page)


def small_picture(picture: Artwork, side: int) -> Image.Image:
    """A small version of a picture that has no file: of a colour that follows from its key."""
    colour = tuple(picture.pk * step % 256 for step in (37, 101, 59))
    return Image.new("RGB", (side, side * 3 // 4), colour)


def fill_map(count: int) -> None:
    """A library of so many pictures, on a map that nobody computed, with sheets."""
    fill_library(count)
    numbers = np.random.default_rng(1)
    points = np.clip(numbers.normal(0.5, 0.15, (count, 4)), 0, 1) * (SIDE - 1)
    MapPlace.objects.bulk_create(
        MapPlace(
            model_label=LIBRARY.label,
            key=str(pk),
            rank=rank_of(str(pk)),
            brushwork=place_of(Point(int(one[0]), int(one[1]))),
            colours=place_of(Point(int(one[2]), int(one[3]))),
        )
        for pk, one in zip(LIBRARY.rows.values_list("pk", flat=True), points, strict=True)
    )
    PictureMap.objects.create(model_label=LIBRARY.label, made_at=timezone.now(), pictures=count)
    analyze_places(LIBRARY)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sheets, "small_version", small_picture)
        sheets.refresh_sheets(LIBRARY)
