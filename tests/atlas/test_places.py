"""Places: one number for two coordinates, of which every tile is a range."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from artsimilarity.atlas.places import (
    DEEPEST,
    SIDE,
    Point,
    Tile,
    apart,
    cell_of,
    place_of,
    point_of,
    rank_of,
)

points = st.builds(Point, st.integers(0, SIDE - 1), st.integers(0, SIDE - 1))


@given(points)
def test_a_place_tells_its_point(point: Point) -> None:
    assert point_of(place_of(point)) == point


@given(points, st.integers(0, DEEPEST))
def test_a_tile_is_the_range_of_the_places_in_its_square(point: Point, level: int) -> None:
    side = SIDE >> level
    own = Tile(level, point.x // side, point.y // side)
    first, behind = own.places
    assert first <= place_of(point) < behind
    if level:
        other = Tile(level, own.x ^ 1, own.y)
        first, behind = other.places
        assert not first <= place_of(point) < behind


@given(points, points, st.integers(0, DEEPEST))
def test_two_points_share_a_cell_if_they_share_a_sixteenth_of_a_tile(
    one: Point, other: Point, level: int
) -> None:
    side = SIDE >> level >> 4
    same = (one.x // side, one.y // side) == (other.x // side, other.y // side)
    assert (cell_of(place_of(one), level) == cell_of(place_of(other), level)) == same


@pytest.mark.parametrize(
    "tile", [(-1, 0, 0), (0, 1, 0), (1, 0, 2), (DEEPEST + 1, 0, 0), (2, -1, 0)]
)
def test_there_is_no_tile_beyond_the_map(tile: tuple[int, int, int]) -> None:
    assert not Tile(*tile).is_valid


def test_pictures_of_the_same_coordinates_stand_beside_one_another() -> None:
    places = {apart(0.5, 0.5, str(key), pictures=100) for key in range(50)}
    assert len(places) == 50
    reach = SIDE / 80
    assert all(abs(x - SIDE / 2) <= reach + 1 and abs(y - SIDE / 2) <= reach + 1 for x, y in places)


def test_nothing_stands_beyond_the_edge() -> None:
    assert all(0 <= one < SIDE for one in apart(1.5, -0.5, "key", pictures=1))


def test_ranks_fit_the_column_and_follow_from_the_key() -> None:
    ranks = {rank_of(str(key)) for key in range(1000)}
    assert len(ranks) == 1000
    assert all(-(2**31) <= rank < 2**31 for rank in ranks)
    assert rank_of("7") == rank_of("7")
