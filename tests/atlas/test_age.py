"""A map says when it should be made anew: on the library's page, and in the status."""

from __future__ import annotations

from typing import Any

import pytest

from artsimilarity.library import map_age
from artsimilarity.models import PictureMap
from artsimilarity.monitoring.status import library_status
from tests.atlas.drawn import LIBRARY, make_mapped
from tests.pictures import make_embedded

pytestmark = pytest.mark.django_db


def add(count: int, **facts: Any) -> None:
    for number in range(count):
        make_embedded(f"later {number}", [1, 0.1 * number], **facts)


def test_where_there_is_no_map_nothing_is_said() -> None:
    add(3)
    assert map_age.problems_of(LIBRARY) == []


def test_a_map_is_crowded_once_there_are_half_as_many_pictures_more() -> None:
    make_mapped(8)
    add(4)
    assert map_age.problems_of(LIBRARY) == []
    add(1)
    (problem,) = map_age.problems_of(LIBRARY)
    assert "from 8 pictures, and there are 13 by now" in problem
    assert "manage.py make_map --send" in problem


def test_pictures_that_nobody_sees_crowd_nothing() -> None:
    make_mapped(8)
    add(20, published=False)
    assert map_age.problems_of(LIBRARY) == []


def test_a_map_of_a_recipe_that_is_served_no_more_is_outdated() -> None:
    make_mapped(8)
    PictureMap.objects.update(fingerprint="earlier")
    (problem,) = map_age.problems_of(LIBRARY)
    assert "earlier" in problem
    assert LIBRARY.recipes().serving.fingerprint in problem


def test_the_status_says_so() -> None:
    make_mapped(8)
    assert not [one for one in library_status(LIBRARY, workers=False).problems if "map" in one]
    add(9)
    assert [one for one in library_status(LIBRARY, workers=False).problems if "map" in one]
