"""How good the neighbours are, through database and index, with the recipe ART."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files import File
from django.core.management import call_command
from django.db import connection

from demo_site import samples
from demo_site.library.models import Artwork
from tests.conftest import SHARED

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


def _load(path: Path, **fields: Any) -> None:
    with path.open("rb") as file:
        Artwork.objects.create(image=File(file, name=path.name), **fields)


def _embed() -> None:
    call_command("embed_artworks", "--sync", verbosity=0)
    assert not Artwork.objects.pending().exists()
    assert not Artwork.objects.failed().exists()
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {Artwork._meta.db_table}")


def _precision(
    queries: list[Artwork], count: int, style: float, label: Callable[[Artwork], str]
) -> float:
    """Share of the ``count`` nearest that have the query's label, by the index, in per cent."""
    hits = total = 0
    with connection.cursor() as cursor:
        cursor.execute("SET enable_seqscan = off")
    for query in queries:
        found = list(Artwork.objects.similar_to(query, style=style)[:count])
        assert len(found) == count
        hits += sum(label(other) == label(query) for other in found)
        total += count
    with connection.cursor() as cursor:
        cursor.execute("SET enable_seqscan = on")
    return 100 * hits / total


def test_of_the_demos_samples_style_finds_the_technique_and_colour_the_palette(
    tmp_path: Path, dead_broker: None
) -> None:
    paths = samples.save_all(tmp_path / "samples")
    by_name = {path.stem: path for path in paths}
    for sample in samples.samples():
        _load(
            by_name[sample.slug],
            title=sample.title,
            technique=sample.technique,
            palette=sample.palette,
        )
    _embed()
    queries = list(Artwork.objects.all())
    assert _precision(queries, 4, 1, lambda artwork: artwork.technique) >= 90
    assert _precision(queries, 4, 0, lambda artwork: artwork.palette) >= 80


def test_on_pictures_by_unseen_artists_the_nearest_are_often_by_the_same_artist(
    dead_broker: None,
) -> None:
    if not (SHARED / "bench").is_dir():
        pytest.skip("the 341 labelled pictures of ../shared/bench are not here")
    with (SHARED / "bench" / "bench.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            _load(SHARED / "bench" / row["path"], title=row["title"], artist=row["artist"])
    _embed()
    pictures = Counter(Artwork.objects.values_list("artist", flat=True))
    queries = [artwork for artwork in Artwork.objects.all() if pictures[artwork.artist] >= 5]
    assert len(queries) == 311
    assert _precision(queries, 1, 0.75, lambda artwork: artwork.artist) >= 57
    assert _precision(queries, 4, 0.75, lambda artwork: artwork.artist) >= 53
