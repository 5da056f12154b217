"""New pictures on a map that has been made: beside what is like them, without another layout."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from django.utils import timezone

from artsimilarity.atlas import placing
from artsimilarity.atlas.making import make_map
from artsimilarity.atlas.places import SIDE, point_of
from artsimilarity.atlas.tasks import keep_up
from artsimilarity.models import MapPlace, PictureMap
from demo_site.library.models import Artwork
from tests.atlas.drawn import LIBRARY
from tests.pictures import make_embedded, unit_blocks

pytestmark = pytest.mark.django_db


def sweep() -> None:
    """What a sweep leads to."""
    keep_up(Artwork, LIBRARY.using)


def distance(one: Artwork, other: Artwork, layout: str = "brushwork") -> float:
    """Of two pictures on the map, as a share of its side."""
    places = dict(MapPlace.objects.values_list("key", layout))
    a, b = (point_of(places[str(artwork.pk)]) for artwork in (one, other))
    return float(np.hypot(a.x - b.x, a.y - b.y) / SIDE)


@pytest.fixture
def two_groups() -> tuple[Artwork, Artwork]:
    """One picture of each of two groups that are apart in both layouts."""
    groups = [[1, 0], [0, 1]]
    made = [
        make_embedded(f"{group} {number}", [*group, 0.01 * number], [*group, 0.01 * number])
        for group in groups
        for number in range(10)
    ]
    make_map(LIBRARY)
    return made[0], made[-1]


def test_a_new_picture_stands_beside_what_is_like_it(two_groups: tuple[Artwork, Artwork]) -> None:
    near, far = two_groups
    before = set(MapPlace.objects.values_list("key", "brushwork", "colours"))
    new = make_embedded("new", [1, 0.01], [0.01, 1])
    sweep()
    assert distance(new, near) < 0.2 < 0.3 < distance(new, far)
    assert distance(new, far, "colours") < 0.2 < 0.3 < distance(new, near, "colours")
    after = set(MapPlace.objects.values_list("key", "brushwork", "colours"))
    assert before < after  # no other has moved


def test_a_series_that_is_new_as_a_whole_stands_by_the_nearest_that_have_a_place(
    two_groups: tuple[Artwork, Artwork],
) -> None:
    near, far = two_groups
    series = [
        make_embedded(f"new {number}", [0.6, 0, 1, 0.001 * number], [0, 0.6, 1, 0.001 * number])
        for number in range(12)  # more than a picture's neighbours are
    ]
    sweep()
    assert all(distance(new, near) < distance(new, far) for new in series)
    assert all(distance(new, far, "colours") < distance(new, near, "colours") for new in series)


def test_an_empty_map_is_left_empty_without_a_search(django_assert_num_queries: Any) -> None:
    make_embedded("hidden", published=False)
    make_map(LIBRARY)
    Artwork.objects.update(published=True)
    with django_assert_num_queries(1):
        assert placing.place_new(LIBRARY) == 0


def test_a_replaced_picture_moves(two_groups: tuple[Artwork, Artwork]) -> None:
    near, far = two_groups
    other = make_embedded("other", [1, 0.01], [1, 0.01])
    sweep()
    assert distance(other, near) < 0.2
    Artwork.objects.filter(pk=other.pk).update(
        embedding=unit_blocks(np.array([0.01, 1]), np.array([0.01, 1])).tolist(),
        embedding_digest="another",
    )
    sweep()
    assert distance(other, far) < 0.2 < 0.3 < distance(other, near)


def test_a_picture_without_a_vector_is_left_for_later(two_groups: tuple[Artwork, Artwork]) -> None:
    new = make_embedded("new", embedding_recipe="another")
    sweep()
    assert not MapPlace.objects.filter(key=str(new.pk)).exists()


def test_a_hidden_picture_is_placed_beside_public_ones_and_draws_none_to_itself(
    two_groups: tuple[Artwork, Artwork],
) -> None:
    near, far = two_groups
    hidden = make_embedded("hidden", [1, 1], [1, 1], published=False)
    sweep()
    assert MapPlace.objects.filter(key=str(hidden.pk)).exists()
    MapPlace.objects.filter(key=str(hidden.pk)).update(brushwork=0, colours=0)
    between = make_embedded("between", [1, 1], [1, 1])
    sweep()
    middle = distance(between, near) + distance(between, far)
    with_hidden = MapPlace.objects.get(key=str(between.pk)).brushwork
    MapPlace.objects.filter(key__in=[str(hidden.pk), str(between.pk)]).delete()
    hidden.delete()
    sweep()
    assert MapPlace.objects.get(key=str(between.pk)).brushwork == with_hidden
    assert middle < 2


def test_the_places_of_deleted_and_failed_pictures_are_forgotten(
    two_groups: tuple[Artwork, Artwork],
) -> None:
    near, far = two_groups
    keys = {str(near.pk), str(far.pk)}
    Artwork.objects.filter(pk=far.pk).update(embedding_status="failed", embedding=None)
    near.delete()
    sweep()
    assert not MapPlace.objects.filter(key__in=keys).exists()
    assert MapPlace.objects.count() == 18


def test_a_sweep_places_only_some_and_the_next_ones_others(
    two_groups: tuple[Artwork, Artwork], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("artsimilarity.atlas.tasks._PLACED_AT_ONCE", 2)
    monkeypatch.setattr(placing, "_BATCH", 1)
    for number in range(3):
        make_embedded(f"new {number}")
    sweep()
    assert MapPlace.objects.count() == 22
    sweep()
    assert MapPlace.objects.count() == 23


def test_a_picture_is_not_put_by_an_old_map_on_a_new_one(
    two_groups: tuple[Artwork, Artwork], monkeypatch: pytest.MonkeyPatch
) -> None:
    new = make_embedded("new", [1, 0.01], [1, 0.01])
    nearest = placing.nearest

    def meanwhile(*args: Any, **options: Any) -> Any:
        PictureMap.objects.update(made_at=timezone.now())
        return nearest(*args, **options)

    monkeypatch.setattr(placing, "nearest", meanwhile)
    sweep()
    assert not MapPlace.objects.filter(key=str(new.pk)).exists()
    monkeypatch.undo()
    sweep()
    assert MapPlace.objects.filter(key=str(new.pk)).exists()


def test_a_library_without_a_map_gets_none_by_a_sweep() -> None:
    make_embedded("one")
    sweep()
    assert not MapPlace.objects.exists()


def test_a_library_without_a_map_costs_a_sweep_one_query(django_assert_num_queries: Any) -> None:
    make_embedded("one")
    with django_assert_num_queries(1):
        sweep()
