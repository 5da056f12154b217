"""How good the neighbours are, through database and index."""

from __future__ import annotations

import csv
import random
import runpy
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.files import File
from django.core.management import call_command
from django.db import connection
from PIL import Image
from pytest_django import Settings

from artsimilarity.conf import get_settings
from artsimilarity.embedding.encoders import load_encoder
from artsimilarity.encoder.pictures.reading import read
from artsimilarity.encoder.pictures.seen import seen
from artsimilarity.library.files import decoding_limits
from artsimilarity.search.nearest import nearest
from artsimilarity.search.query_vector import given_vector
from demo_site import samples
from demo_site.library.models import Artwork
from tests.conftest import SHARED

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.slow,
    pytest.mark.usefixtures("index_restored", "dead_broker"),
]

BENCH = SHARED / "bench"
NEEDS_BENCH = pytest.mark.skipif(not BENCH.is_dir(), reason="../shared/bench is not here")
SCANS = SHARED / "scans" / "scans.py"


@pytest.fixture
def use(settings: Settings) -> Callable[[str], None]:
    """The library is embedded with a recipe of that name."""

    def _use(name: str) -> None:
        path = f"artsimilarity.encoder.recipe.{name}"
        settings.ARTSIMILARITY = {**settings.ARTSIMILARITY, "RECIPE": path}

    return _use


def _load(path: Path, **fields: Any) -> None:
    with path.open("rb") as file:
        Artwork.objects.create(image=File(file, name=path.name), **fields)


def _load_bench() -> None:
    with (BENCH / "bench.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            _load(BENCH / row["path"], title=row["path"], artist=row["artist"])
    _embed()


def _embed() -> None:
    call_command("embed_artworks", "--sync", verbosity=0)
    call_command("build_similarity_index", verbosity=0)
    assert not Artwork.objects.pending().exists()
    assert not Artwork.objects.failed().exists()
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {Artwork._meta.db_table}")


def _queries() -> list[Artwork]:
    pictures = Counter(Artwork.objects.values_list("artist", flat=True))
    queries = [artwork for artwork in Artwork.objects.all() if pictures[artwork.artist] >= 5]
    assert len(queries) == 311
    return queries


@pytest.fixture
def index_only(transactional_db: None) -> Iterator[None]:
    """Postgres asks the index, though comparing with all of few rows were cheaper."""
    with connection.cursor() as cursor:
        cursor.execute("SET enable_seqscan = off")
    yield
    with connection.cursor() as cursor:
        cursor.execute("SET enable_seqscan = on")


def _precision(
    queries: list[Artwork], count: int, style: float, label: Callable[[Artwork], str]
) -> float:
    """Share of the ``count`` nearest that have the query's label, by the index, in per cent."""
    hits = total = 0
    for query in queries:
        found = list(Artwork.objects.similar_to(query, style=style)[:count])
        assert len(found) == count
        hits += sum(label(other) == label(query) for other in found)
        total += count
    return 100 * hits / total


def test_of_the_demos_samples_style_finds_the_technique_and_colour_the_palette(
    tmp_path: Path, use: Callable[[str], None], index_only: None
) -> None:
    use("LIKENESS")
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
    assert _precision(queries, 4, 1, lambda artwork: artwork.technique) >= 88
    assert _precision(queries, 4, 0, lambda artwork: artwork.palette) >= 80


@NEEDS_BENCH
def test_on_pictures_by_unseen_artists_the_nearest_are_often_by_the_same_artist(
    use: Callable[[str], None], index_only: None
) -> None:
    use("ART")
    _load_bench()
    assert _precision(_queries(), 1, 0.75, lambda artwork: artwork.artist) >= 57
    assert _precision(_queries(), 4, 0.75, lambda artwork: artwork.artist) >= 53


@NEEDS_BENCH
@pytest.mark.skipif(not SCANS.is_file(), reason="../shared/scans is not here")
def test_with_the_default_recipe_they_are_so_more_often_and_for_scans_nearly_as_often(
    tmp_path: Path, use: Callable[[str], None], index_only: None
) -> None:
    use("LIKENESS")
    _load_bench()
    assert _precision(_queries(), 1, 0.9, lambda artwork: artwork.artist) >= 71
    assert _precision(_queries(), 4, 0.9, lambda artwork: artwork.artist) >= 61
    conditions = runpy.run_path(str(SCANS))["CONDITIONS"]
    hits = Counter[str]()
    queries = _queries()[::3]
    for query in queries:
        found = list(Artwork.objects.similar_to(query, style=0.9)[:4])
        hits["clean"] += sum(one.artist == query.artist for one in found)
        for name in ("mat-and-frame", "book-page"):
            found = _like_scan(query, conditions[name], tmp_path / "scan.jpg")
            hits[name] += sum(one.artist == query.artist for one in found)
    shares = {name: 100 * count / (4 * len(queries)) for name, count in hits.items()}
    assert shares["mat-and-frame"] >= shares["clean"] - 3
    assert shares["book-page"] >= shares["clean"] - 3


def _like_scan(query: Artwork, treat: Callable[..., Image.Image], path: Path) -> list[Artwork]:
    """The four pictures nearest to a scan of one of them, itself left out."""
    with Image.open(BENCH / query.title) as picture:
        treat(picture.convert("RGB"), random.Random(query.title)).save(path, quality=92)
    recipe = get_settings().recipe
    scan = read(path, side=recipe.decoded_side, limits=decoding_limits())
    picture_seen = seen(recipe, scan.pixels, proportion=scan.proportion)
    (vector,) = load_encoder(recipe, using="default", threads=None).encode([picture_seen.pixels])
    like = given_vector(vector.tolist(), recipe.fingerprint, excluded=[query.pk])
    return nearest(Artwork.objects.all(), like, limit=4, style=0.9)
