"""The command that builds the index while the site goes on."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from pytest_django import Settings

from artsimilarity.encoder.recipe import ART
from artsimilarity.library import Library
from artsimilarity.library.after_migrate import prepare_tables
from artsimilarity.library.index_build import VectorIndex, memory_for
from artsimilarity.schema.indexes import Graph
from artsimilarity.testing import override_artsimilarity
from demo_site.library.models import Artwork
from tests.pictures import fill_library, make_embedded

pytestmark = pytest.mark.django_db(transaction=True)

INDEX = VectorIndex(library=Library.of(Artwork), recipe=ART.fingerprint)
NAME = INDEX.name
COLOURS = replace(INDEX, graph=Graph.COLOUR)
TABLE = Artwork._meta.db_table


def _indexes() -> dict[str, str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = %s"
            " AND indexdef ~ 'hnsw \\(+embedding\\M'",
            [TABLE],
        )
        return dict(cursor.fetchall())


def _execute(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


def _create(name: str, *, recipe: str, options: str = "") -> None:
    _execute(
        f"CREATE INDEX {name} ON {TABLE} USING hnsw ((embedding::halfvec(472)) halfvec_ip_ops)"
        f" {options} WHERE embedding_recipe = '{recipe}'"
    )


def _run(*args: str) -> str:
    out = io.StringIO()
    call_command("build_similarity_index", *args, stdout=out)
    return out.getvalue()


@pytest.fixture(autouse=True)
def declared() -> Iterator[None]:
    """Whatever a test does to the index, the next one finds it as it was."""
    yield
    for index in (INDEX, COLOURS):
        if not index.is_built():
            index.build()


def test_an_index_that_is_as_declared_is_left_alone() -> None:
    before = _oid()
    assert "as it should be" in _run()
    assert _oid() == before


def test_by_wish_it_is_built_anew_under_its_own_name() -> None:
    before = _oid()
    make_embedded("one")
    assert "1 vectors" in _run("--rebuild")
    assert _oid() != before
    assert list(_indexes()) == [NAME]


def test_one_that_is_missing_is_built() -> None:
    _execute(f"DROP INDEX {NAME}")
    assert "in use" in _run()
    assert INDEX.is_built()


def test_one_with_other_parameters_is_built_with_those_of_the_settings() -> None:
    _execute(f"DROP INDEX {NAME}")
    _create(NAME, recipe=ART.fingerprint, options="WITH (m = 4)")
    _run()
    assert "m='16'" in _indexes()[NAME]
    assert "ef_construction='256'" in _indexes()[NAME]


def test_one_of_another_recipe_is_built_for_the_one_in_service() -> None:
    _execute(f"DROP INDEX {NAME}")
    other = "other-256+216-0123456789abcdef"
    _create(NAME, recipe=other, options="WITH (m = 16, ef_construction = 256)")
    _run()
    assert ART.fingerprint in _indexes()[NAME]
    assert other not in _indexes()[NAME]


def test_searches_use_it() -> None:
    fill_library(2000)
    target = Artwork.objects.all()[0]
    plan = Artwork.objects.similar_to(target)[:8].explain()
    assert NAME in plan


def test_that_one_is_being_built_is_seen_from_elsewhere() -> None:
    fill_library(2000)
    assert not INDEX.is_being_built()
    seen: list[bool] = []

    def build() -> None:
        INDEX.build()
        connection.close()

    builder = threading.Thread(target=build)
    builder.start()
    while builder.is_alive():
        seen.append(INDEX.is_being_built())
    builder.join()
    assert any(seen)
    assert not INDEX.is_being_built()


def test_migrating_builds_one_that_is_missing_and_leaves_others_alone() -> None:
    before = _oid()
    prepare_tables("default")
    assert _oid() == before
    _execute(f"DROP INDEX {NAME}")
    prepare_tables("default")
    assert INDEX.is_built()


def test_one_of_an_earlier_release_is_no_longer_asked_and_migrating_builds_it_anew() -> None:
    fill_library(2000)
    _execute(f"DROP INDEX {NAME}")
    options = f"WITH (m = {INDEX.declared.m}, ef_construction = {INDEX.declared.ef_construction})"
    _create(NAME, recipe=ART.fingerprint, options=options)  # of the vectors as they are stored
    assert not INDEX.is_built()
    assert NAME not in Artwork.objects.similar_to(Artwork.objects.all()[0])[:8].explain()
    prepare_tables("default", verbosity=0)
    assert INDEX.is_built()
    assert list(_indexes()) == [NAME]


def test_what_an_interrupted_build_has_left_is_removed() -> None:
    _create(f"{NAME}_new", recipe=ART.fingerprint)
    _execute(f"UPDATE pg_index SET indisvalid = false WHERE indexrelid = '{NAME}_new'::regclass")
    _run("--rebuild")
    assert list(_indexes()) == [NAME]


def test_a_refusal_of_the_server_leaves_the_present_index_in_use() -> None:
    before = _oid()
    with pytest.raises(CommandError, match="still in use"):
        _run("--rebuild", "--maintenance-work-mem", "much")
    assert _oid() == before


def test_stopped_by_hand_it_says_what_is_left_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*args: object, **options: object) -> None:
        raise KeyboardInterrupt

    command = "artsimilarity.management.commands.build_similarity_index"
    monkeypatch.setattr(f"{command}.VectorIndex.build", interrupt)
    with pytest.raises(CommandError, match="still in use") as stopped:
        _run("--rebuild")
    assert stopped.value.returncode == 130


def test_the_progress_ends_with_all_of_it() -> None:
    seen: list[float] = []
    INDEX.build(memory="64MB", on_progress=seen.append)
    assert seen[-1] == 1.0
    assert seen == sorted(seen)


def test_parameters_of_the_settings_are_declared() -> None:
    index = INDEX.declared
    assert (index.m, index.ef_construction) == (16, 256)


class TestTheIndexOfColours:
    @pytest.fixture
    def unwanted(self, settings: Settings) -> None:
        settings.ARTSIMILARITY = {**settings.ARTSIMILARITY, "COLOUR_INDEX": False}

    def test_is_built_by_the_command_which_leaves_the_other_one_alone(self) -> None:
        make_embedded("one")
        COLOURS.drop()
        before = _oid()
        assert "colours of 1 vectors" in _run()
        assert COLOURS.is_built()
        assert _oid() == before

    def test_is_built_by_migrating(self) -> None:
        COLOURS.drop()
        prepare_tables("default", verbosity=0)
        assert COLOURS.is_built()

    def test_has_the_colour_block_alone(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_get_indexdef(%s::regclass)", [COLOURS.name])
            (definition,) = cursor.fetchone()
        assert "(subvector(embedding, 257, 216))::halfvec(216)" in definition

    @pytest.mark.usefixtures("unwanted")
    def test_is_dropped_by_the_command_where_the_settings_do_not_want_it(self) -> None:
        assert "dropped" in _run()
        assert not COLOURS.exists()
        assert INDEX.is_built()
        assert "dropped" not in _run("--rebuild")
        prepare_tables("default", verbosity=0)
        assert not COLOURS.exists()

    def test_takes_less_memory_to_build(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(VectorIndex, "count", lambda self: 1_000_000)
        whole, colours = (int(one.memory().removesuffix("MB")) for one in (INDEX, COLOURS))
        assert colours < 0.8 * whole

    @pytest.mark.parametrize(("links", "candidates"), [(16, 64), (40, 80)])
    def test_is_built_with_few_candidates_but_no_fewer_than_pgvector_allows(
        self, settings: Settings, links: int, candidates: int
    ) -> None:
        settings.ARTSIMILARITY = {**settings.ARTSIMILARITY, "HNSW_M": links}
        assert COLOURS.declared.ef_construction == candidates


def _oid() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::regclass::oid", [NAME])
        oid: int = cursor.fetchone()[0]
    return oid


def test_the_memory_grows_with_the_vectors_and_with_their_links() -> None:
    with override_artsimilarity(HNSW_M=16):
        assert memory_for(100_000, 728) == "230MB"
        assert memory_for(100_000, 216) == "132MB"
    with override_artsimilarity(HNSW_M=48):
        assert memory_for(100_000, 728) == "346MB"
