"""A library that moves to another server: by pg_dump and pg_restore, and by pg_upgrade."""

from __future__ import annotations

import io
import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from artsimilarity.encoder.recipe import ART
from artsimilarity.library import Library
from artsimilarity.library.index_build import VectorIndex
from artsimilarity.search import more_like_this
from artsimilarity.testing import embed_pending, override_artsimilarity
from demo_site import servers as embedded
from demo_site.library.models import Artwork
from tests.clusters import Cluster, at, make_folder, primary, run_program
from tests.pictures import BLUE, fill_library, make_artwork
from tests.recipes import SMALLER

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.slow,
    pytest.mark.usefixtures("quick_encoder", "dead_broker"),
]

OLD_MAJOR = 16  # the older of the two that the package with the servers brings along
COUNT = 600


@dataclass(frozen=True)
class Seen:
    """What an administrator and a visitor see of a library."""

    status: dict[str, Any]
    neighbours: list[tuple[int, float]]
    uses_index: bool

    @classmethod
    def now(cls) -> Seen:
        """Look at Django's default database."""
        call_command("check", databases=["default"], fail_level="INFO")
        call_command("migrate", check=True, verbosity=0)
        printed = io.StringIO()
        call_command("embed_artworks", status=True, json=True, stdout=printed)
        first = Artwork.objects.earliest("pk")
        with connection.cursor() as cursor:
            cursor.execute("SET enable_seqscan = off")  # a table of this size is read quicker
            plan = Artwork.objects.similar_to(first)[:10].explain()
            cursor.execute("RESET enable_seqscan")
        index = VectorIndex.serving(Library.of(Artwork))
        assert index.is_built()
        return cls(
            status=json.loads(printed.getvalue()),
            neighbours=[(one.pk, one.similarity) for one in more_like_this(first, limit=10)],
            uses_index=f"Index Scan using {index.name}" in plan,
        )


@pytest.fixture
def folder() -> Iterator[Path]:
    """Not below pytest's own folder, which is closed to the user that Postgres runs as."""
    with tempfile.TemporaryDirectory(prefix="artsimilarity-moved-") as folder:
        yield Path(folder)


@pytest.fixture
def old(transactional_db: None, folder: Path) -> Iterator[Cluster]:
    """The demo on a server of an older major version."""
    with primary(folder / "old", version=OLD_MAJOR) as old, at("default", old):
        call_command("migrate", verbosity=0)
        yield old


@contextmanager
def _restored(old: Cluster, folder: Path) -> Iterator[None]:
    """The same database on a new server, by the new server's own programs."""
    host = old.ask("SHOW unix_socket_directories")
    with primary(folder / "new") as new:
        dumped = make_folder(folder / "dump", new.user) / "library"
        new.run("pg_dump", "-Fc", "-h", host, "-U", "postgres", "-f", dumped, embedded.DATABASE)
        host = new.ask("SHOW unix_socket_directories")
        where = ("-h", host, "-U", "postgres", "-d", embedded.DATABASE)
        new.run("pg_restore", "--exit-on-error", *where, dumped)
        with at("default", new):
            yield


@contextmanager
def _upgraded(old: Cluster, folder: Path) -> Iterator[None]:
    """The same cluster under a new major version, by ``pg_upgrade``."""
    with primary(folder / "other") as other:
        programs = other.programs
    data = make_folder(folder / "new", old.user)
    work = make_folder(folder / "work", old.user)
    same = ("--auth=trust", "--encoding=utf8", "--no-data-checksums", "-U", "postgres")
    run_program(programs / "initdb", *same, "-D", data, user=old.user)
    connection.close()
    old.stop()
    run_program(
        programs / "pg_upgrade",
        *("-b", old.programs, "-B", programs, "-d", old.data, "-D", data, "-U", "postgres"),
        user=old.user,
        cwd=work,
    )
    with embedded.postgres(data) as url, at("default", Cluster.at(url)):
        yield


WAYS = pytest.mark.parametrize("moved", [_restored, _upgraded], ids=["dump", "upgrade"])


@WAYS
def test_a_library_is_searched_by_its_index_as_before(
    old: Cluster, folder: Path, moved: Any
) -> None:
    fill_library(COUNT)
    before = Seen.now()
    assert before.uses_index
    assert before.status["ready"] == COUNT
    with moved(old, folder):
        assert connection.pg_version // 10_000 > OLD_MAJOR
        assert Seen.now() == before


@WAYS
def test_a_library_that_has_changed_over_to_another_recipe_can_change_back(
    old: Cluster, folder: Path, moved: Any
) -> None:
    for number in range(4):
        make_artwork(f"{number}", (number * 60, 90, 200))
    embed_pending(Artwork)
    with override_artsimilarity(NEXT_RECIPE="tests.recipes.SMALLER"):
        call_command("embed_artworks", "--rollout", "--sync", verbosity=0)
        call_command("embed_artworks", "--promote", verbosity=0)
    with moved(old, folder), override_artsimilarity(RECIPE="tests.recipes.SMALLER"):
        library = Library.of(Artwork)
        previous = VectorIndex(library=library, recipe=ART.fingerprint, column="embedding_next")
        assert library.recipes().serving == SMALLER
        assert (VectorIndex.serving(library).is_built(), previous.is_built()) == (True, True)
        make_artwork("new", BLUE)
        assert embed_pending(Artwork) == 1
