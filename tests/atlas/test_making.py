"""Making a map: whose places are close, what is stored, and what is left out."""

from __future__ import annotations

from io import StringIO

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from artsimilarity.atlas import layout, tasks
from artsimilarity.atlas.errors import LayoutError
from artsimilarity.atlas.making import is_made, make_map
from artsimilarity.atlas.places import SIDE, point_of
from artsimilarity.models import MapPlace, PictureMap
from tests.atlas.drawn import LIBRARY, make_mapped, make_random
from tests.broker import Broker
from tests.pictures import make_embedded

pytestmark = pytest.mark.django_db


def places(column: str) -> dict[str, tuple[int, int]]:
    """Points of all pictures, by title."""
    stored = MapPlace.objects.values_list("key", column)
    titles = {str(pk): title for pk, title in LIBRARY.pictures.values_list("pk", "title")}
    return {titles[key]: point_of(place) for key, place in stored}


def distance(one: tuple[int, int], other: tuple[int, int]) -> float:
    """Share of the map's side."""
    return float(np.hypot(one[0] - other[0], one[1] - other[1]) / SIDE)


def test_what_is_alike_in_brushwork_is_close_in_one_layout_and_in_colours_in_the_other() -> None:
    for number in range(8):
        wobble = 0.01 * number
        make_embedded(f"fine red {number}", [1, 0, wobble], [1, 0, wobble])
        make_embedded(f"fine blue {number}", [1, 0, wobble], [0, 1, wobble])
        make_embedded(f"coarse red {number}", [0, 1, wobble], [1, 0, wobble])
    make_map(LIBRARY)
    brushwork, colours = places("brushwork"), places("colours")
    assert distance(brushwork["fine red 1"], brushwork["fine blue 1"]) < 0.1
    assert distance(brushwork["fine red 1"], brushwork["coarse red 1"]) > 0.5
    assert distance(colours["fine red 1"], colours["coarse red 1"]) < 0.1
    assert distance(colours["fine red 1"], colours["fine blue 1"]) > 0.5


def test_more_than_thirty_are_laid_out_by_t_sne_in_their_groups() -> None:
    pytest.importorskip("openTSNE", reason="needs the extra map")
    numbers = np.random.default_rng(0)
    for group, centre in enumerate(np.eye(4, 8)):
        for number in range(12):
            style = centre + 0.1 * numbers.normal(size=8)
            make_embedded(f"{group} {number}", style, numbers.random(6))
    shares: list[float] = []
    make_map(LIBRARY, progress=shares.append)
    found = places("brushwork")
    for title, point in found.items():
        near = sorted(found, key=lambda other: distance(point, found[other]))[1:6]
        assert sum(other[0] == title[0] for other in near) >= 4
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert len(shares) > 10


def test_the_map_says_of_what_it_was_made_and_when() -> None:
    assert not is_made(LIBRARY)
    make_mapped(12)
    made = PictureMap.objects.get()
    assert made.model_label == "library.Artwork"
    assert made.fingerprint == LIBRARY.recipes().serving.fingerprint
    assert made.pictures == 12
    assert made.progress == 1
    assert made.made_at is not None
    assert is_made(LIBRARY)


def test_a_map_made_again_is_the_same() -> None:
    make_mapped(20)
    before = set(MapPlace.objects.values_list("key", "brushwork", "colours"))
    make_map(LIBRARY)
    assert set(MapPlace.objects.values_list("key", "brushwork", "colours")) == before


def test_hidden_pictures_move_no_other() -> None:
    shown = make_random(20)
    make_embedded("hidden", [1, 2, 3], [3, 2, 1], published=False, embedding_digest="h")
    make_map(LIBRARY)
    columns = ("key", "brushwork", "colours", "rank")
    keys = [str(artwork.pk) for artwork in shown]
    with_hidden = set(MapPlace.objects.filter(key__in=keys).values_list(*columns))
    assert MapPlace.objects.count() == 21
    LIBRARY.pictures.filter(published=False).delete()
    make_map(LIBRARY)
    assert set(MapPlace.objects.values_list(*columns)) == with_hidden


def test_pictures_that_are_the_same_have_places_of_their_own() -> None:
    for number in range(20):
        make_embedded(f"{number}", [1], [1])
    make_map(LIBRARY)
    assert len(set(MapPlace.objects.values_list("brushwork", flat=True))) == 20


@pytest.mark.parametrize("count", [0, 1, 2])
def test_few_pictures_are_a_map_too(count: int) -> None:
    make_mapped(count)
    assert MapPlace.objects.count() == count


def test_vectors_are_read_some_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    make_mapped(20)
    at_once = places("brushwork")
    monkeypatch.setattr(layout, "_BATCH", 7)
    make_map(LIBRARY)
    in_parts = places("brushwork")
    assert all(distance(at_once[title], in_parts[title]) < 0.001 for title in at_once)


def test_the_planner_is_told_of_the_places() -> None:
    make_mapped(20)
    with connection.cursor() as cursor:
        table = MapPlace._meta.db_table
        cursor.execute("SELECT reltuples FROM pg_class WHERE relname = %s", [table])
        assert cursor.fetchone() == (20,)


class TestTheTask:
    def test_makes_the_map(self) -> None:
        make_random(5)
        tasks.make_map("library.Artwork", LIBRARY.using)
        assert MapPlace.objects.count() == 5

    def test_waits_in_the_workers_queue(self, broker: Broker) -> None:
        said = StringIO()
        call_command("make_map", "--send", stdout=said)
        assert broker.tasks() == [(tasks.MAKE_TASK, ["library.Artwork", LIBRARY.using])]
        assert "A worker makes the map" in said.getvalue()

    def test_that_no_broker_takes_is_an_error(self, dead_broker: None) -> None:
        with pytest.raises(CommandError, match="broker"):
            call_command("make_map", "--send")


class TestTheCommand:
    def test_makes_the_map_and_says_of_how_many_pictures(self) -> None:
        make_random(5)
        said = StringIO()
        call_command("make_map", stdout=said)
        assert "Laid out 5 pictures" in said.getvalue()
        assert MapPlace.objects.count() == 5

    @pytest.mark.parametrize("package", ["numpy", "openTSNE"])
    def test_says_what_to_install(self, monkeypatch: pytest.MonkeyPatch, package: str) -> None:
        make_random(layout.LEAST_PICTURES)
        monkeypatch.setitem(__import__("sys").modules, package, None)
        with pytest.raises(CommandError, match=rf"{package}.*'django-artsimilarity\[map\]"):
            call_command("make_map")

    def test_what_cannot_be_laid_out_leaves_the_map_as_it_was(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        make_mapped(5)
        make_random(layout.LEAST_PICTURES)
        monkeypatch.setitem(__import__("sys").modules, "openTSNE", None)
        with pytest.raises(LayoutError):
            make_map(LIBRARY)
        assert MapPlace.objects.count() == 5
