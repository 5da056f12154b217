"""A streaming replica that a router reads from: searches run there, and nothing of ours writes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from django.core.cache import cache
from django.core.management import call_command
from django.db import OperationalError, connection, connections, transaction
from django.db.models import BooleanField
from django.db.models.expressions import RawSQL
from django.template import Context, Template
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from artsimilarity.encoder.recipe import ART, Recipe
from artsimilarity.library import Library
from artsimilarity.library.index_build import VectorIndex
from artsimilarity.own_picture import described, search_by_picture
from artsimilarity.search import more_like_these, more_like_this, search_by_colours
from artsimilarity.testing import QuickEncoder, embed_pending, override_artsimilarity
from demo_site.library.models import Artwork
from tests.clusters import Pair, at, new_pair
from tests.photos import Photos, photo_tables
from tests.pictures import (
    BLUE,
    RED,
    make_artwork,
    make_embedded,
    picture_file,
    unit_blocks,
)
from tests.recipes import SMALLER

pytestmark = [
    pytest.mark.django_db(transaction=True, databases=["default", "replica"]),
    pytest.mark.usefixtures("quick_encoder", "dead_broker"),
]


@pytest.fixture(scope="module", autouse=True)
def alias(django_db_setup: None) -> Iterator[None]:
    """Django knows a second database, of which nothing is deleted after a test: a mirror."""
    database = {**connections.databases["default"], "TEST": {"MIRROR": "default"}}
    connections.databases["replica"] = database
    yield
    connections["replica"].close()
    del connections["replica"], connections.databases["replica"]


@pytest.fixture(scope="module")
def servers(alias: None, django_db_blocker: Any) -> Iterator[Pair]:
    """Two servers for all tests that leave them as they are."""
    with new_pair(django_db_blocker) as pair:
        yield pair


@pytest.fixture
def pair(transactional_db: None, servers: Pair, settings: Settings) -> Iterator[Pair]:
    """The demo on the two servers, with a router that reads from the replica; empty afterwards."""
    settings.DATABASE_ROUTERS = ["tests.routers.ReadsFromReplica"]
    cache.clear()
    with at("default", servers.primary), at("replica", servers.replica):
        yield servers
        Artwork.objects.using("default").delete()


@pytest.fixture
def target(pair: Pair) -> Artwork:
    """A picture with two neighbours, as the replica has it."""
    make_embedded("near", [1, 0.1], embedding_digest="n" * 64)
    make_embedded("far", [0.5, 1], embedding_digest="f" * 64)
    pk = make_embedded("target", [1, 0], embedding_digest="t" * 64).pk
    pair.wait()
    return Artwork.objects.get(pk=pk)


@dataclass
class Asked:
    """What either database was asked within a block."""

    primary: CaptureQueriesContext
    replica: CaptureQueriesContext


@contextmanager
def _listening() -> Iterator[Asked]:
    with (
        CaptureQueriesContext(connections["default"]) as first,
        CaptureQueriesContext(connections["replica"]) as second,
    ):
        yield Asked(first, second)


def _titles(found: Any) -> list[str]:
    return [one.title for one in found]


def _tag(target: Artwork) -> str:
    template = "{% load artsimilarity %}{% more_like_this picture %}"
    return Template(template).render(Context({"picture": target}))


def _api(address: str) -> list[str]:
    answer = Client().get(address)
    assert answer.status_code == 200, answer.content
    return [one["picture"]["title"] for one in answer.json()["results"]]


SEARCHES: dict[str, Callable[[Artwork], Any]] = {
    "more_like_this": lambda one: _titles(more_like_this(one, why=True, hide_duplicates=True)),
    "similar_to": lambda one: _titles(Artwork.objects.similar_to(one)[:2]),
    "similar_to of several": lambda one: _titles(Artwork.objects.similar_to([one, one])[:2]),
    "more_like_these": lambda one: _titles(more_like_these([one], why=True)),
    "similar": lambda one: _api(f"/api/artworks/{one.pk}/similar/"),
    "similar-to": lambda one: _api(f"/api/artworks/similar-to/?like={one.pk}"),
}


@pytest.mark.parametrize("search", SEARCHES.values(), ids=SEARCHES)
def test_a_search_asks_the_replica_alone(target: Artwork, search: Callable[[Artwork], Any]) -> None:
    with override_artsimilarity(CACHE_SECONDS=60), _listening() as asked:
        for _again in range(2):
            assert search(target) == ["near", "far"]
    assert len(asked.primary) == 0
    assert len(asked.replica) > 0


def test_colours_are_searched_on_the_replica(target: Artwork) -> None:
    with _listening() as asked:
        found = search_by_colours(Artwork, [("#aa3311", 1)], why=True)
    assert len(found) == 3
    assert (len(asked.primary), len(asked.replica) > 0) == (0, True)


def test_a_picture_s_page_needs_the_replica_alone(target: Artwork, client: Client) -> None:
    with _listening() as asked:
        page = client.get(target.get_absolute_url()).content.decode()
    assert "near" in page
    assert len(asked.primary) == 0


@pytest.mark.parametrize("name", ["more_like_this", "more_like_these"])
def test_a_search_that_has_begun_on_one_database_is_finished_there(
    target: Artwork, settings: Settings, name: str
) -> None:
    settings.DATABASE_ROUTERS = ["tests.routers.TakesTurns"]
    databases = []
    for _turn in range(3):
        with _listening() as asked:
            assert SEARCHES[name](target) == ["near", "far"]
        databases.append((len(asked.primary) > 0, len(asked.replica) > 0))
    assert databases[0] != databases[1]  # the router does take turns
    assert all(sum(asked) == 1 for asked in databases)


def test_a_page_of_similar_to_is_read_from_one_database(
    target: Artwork, settings: Settings
) -> None:
    settings.DATABASE_ROUTERS = ["tests.routers.TakesTurns"]
    for _turn in range(3):
        page = Artwork.objects.filter(published=True).similar_to(target)[:5]
        with _listening() as asked:
            assert _titles(page) == ["near", "far"]
        assert (len(asked.primary) > 0) + (len(asked.replica) > 0) == 1


def test_a_companions_row_is_read_from_the_replica(pair: Pair) -> None:
    with _photos(pair) as photos:
        photos.make_embedded("near", [1, 0.1])
        pk = photos.make_embedded("target", [1, 0]).pk
        pair.wait()
        target = photos.photo.objects.get(pk=pk)
        with override_artsimilarity(CACHE_SECONDS=60), _listening() as asked:
            for _again in range(2):
                assert _titles(more_like_this(target, why=True)) == ["near"]
        assert [one["sql"] for one in asked.primary] == []


class TestAReplicaThatLags:
    def test_remembers_what_its_old_vector_finds_as_found_by_the_old_file(
        self, target: Artwork, pair: Pair
    ) -> None:
        with override_artsimilarity(CACHE_SECONDS=60):
            with pair.lagging():
                _replace_vector(target, [0.5, 1])
                replaced = Artwork.objects.using("default").get(pk=target.pk)
                assert _titles(more_like_this(replaced)) == ["near", "far"]
            assert _titles(more_like_this(replaced)) == ["far", "near"]

    def test_remembers_a_neighbour_by_the_vector_that_it_compared(self, pair: Pair) -> None:
        with _photos(pair) as photos, override_artsimilarity(CACHE_SECONDS=60):
            photos.make_embedded("near", [1, 0.1])
            moved = photos.make_embedded("moved", [1, 0.2])
            target = photos.make_embedded("target", [1, 0])
            with pair.lagging():
                photos.library.rows.filter(pk=moved.pk).update(
                    embedding=unit_blocks([1, 0], [1]).tolist(), embedding_digest="m" * 64
                )
                assert _titles(more_like_this(target)) == ["near", "moved"]
            assert _titles(more_like_this(target)) == ["moved", "near"]

    def test_says_that_a_picture_is_new_which_it_does_not_have_yet(self, pair: Pair) -> None:
        with pair.lagging():
            artwork = make_embedded("new")
            assert more_like_this(artwork).status == "pending"
        make_embedded("another")
        pair.wait()
        assert _titles(more_like_this(artwork)) == ["another"]

    def test_answers_under_the_old_recipe_until_the_promotion_arrives_and_then_under_the_new(
        self, pair: Pair, index_built_again: None
    ) -> None:
        for number, colour in enumerate((RED, (190, 40, 40), BLUE)):
            make_artwork(f"{number}", colour)
        embed_pending(Artwork)
        with override_artsimilarity(NEXT_RECIPE="tests.recipes.SMALLER"):
            call_command("embed_artworks", "--rollout", "--sync", verbosity=0)
            pair.wait()
            before = Artwork.objects.get(title="0")
            with pair.lagging():
                call_command("embed_artworks", "--promote", verbosity=0)
                on_primary = Artwork.objects.using("default").get(pk=before.pk)
                assert on_primary.embedding_recipe == SMALLER.fingerprint
                for artwork in (before, on_primary):
                    assert _answers(artwork) == [({ART.fingerprint}, ["1", "2"])] * 3
            for artwork in (on_primary, Artwork.objects.get(title="0")):
                assert _answers(artwork) == [({SMALLER.fingerprint}, ["1", "2"])] * 3

    def test_is_asked_by_a_visitors_own_picture_under_the_recipe_that_it_has_itself(
        self, pair: Pair, index_built_again: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        make_artwork("red", RED)
        embed_pending(Artwork)

        def describe(library: Library, recipe: Recipe, message: Any) -> list[float]:
            """What a worker would do, where there is one."""
            message()
            pixels = np.full((224, 224, 3), RED, np.uint8)
            vector: list[float] = QuickEncoder(recipe).encode([pixels])[0].tolist()
            return vector

        monkeypatch.setattr(described, "describe", describe)
        with override_artsimilarity(NEXT_RECIPE="tests.recipes.SMALLER"):
            call_command("embed_artworks", "--rollout", "--sync", verbosity=0)
            with pair.lagging():
                call_command("embed_artworks", "--promote", verbosity=0)
                assert _titles(search_by_picture(Artwork, picture_file(RED))) == ["red"]
            assert _titles(search_by_picture(Artwork, picture_file(RED))) == ["red"]


class TestAReplicaThatBreaksASearchOff:
    """It must go on with what the primary sends, and somebody reads what that changes."""

    @pytest.fixture(autouse=True)
    def impatient_replica(self, target: Artwork, pair: Pair) -> Iterator[None]:
        pair.replica.do("ALTER SYSTEM SET max_standby_streaming_delay = '100ms'")
        pair.replica.do("SELECT pg_reload_conf()")
        yield
        pair.replica.do("ALTER SYSTEM RESET max_standby_streaming_delay")
        pair.replica.do("SELECT pg_reload_conf()")

    @pytest.fixture(autouse=True)
    def slow_search(self, target: Artwork, monkeypatch: pytest.MonkeyPatch) -> None:
        slow = RawSQL("pg_sleep(1) IS NOT NULL", [], BooleanField())
        visible = classmethod(
            lambda cls, request: cls.objects.annotate(slow=slow).filter(slow=True)
        )
        monkeypatch.setattr(Artwork, "similarity_queryset", visible)

    @contextmanager
    def _change_in_between(self, pair: Pair) -> Iterator[None]:
        """The primary locks the table for a moment, as a promotion or a migration does."""
        lock = f"BEGIN; LOCK TABLE {Artwork._meta.db_table}; COMMIT"
        change = threading.Timer(0.5, pair.primary.do, [lock])
        change.start()
        try:
            yield
        finally:
            change.join()

    def test_costs_a_page_its_neighbours_and_no_more(
        self, target: Artwork, pair: Pair, caplog: pytest.LogCaptureFixture
    ) -> None:
        with self._change_in_between(pair):
            html = _tag(target)
        assert "cannot be shown right now" in html
        assert "conflict with recovery" in caplog.text
        assert Artwork.objects.get(pk=target.pk) == target

    def test_is_answered_by_the_api_with_a_request_to_come_again(
        self, target: Artwork, pair: Pair
    ) -> None:
        with self._change_in_between(pair):
            answer = Client().get(f"/api/artworks/{target.pk}/similar/")
        assert (answer.status_code, answer["Retry-After"]) == (503, "10")
        assert "Try again" in answer.json()["detail"]

    def test_raises_from_python(self, target: Artwork, pair: Pair) -> None:
        with self._change_in_between(pair), pytest.raises(OperationalError, match="conflict with"):
            more_like_this(target)

    def test_raises_from_the_tag_within_a_transaction_which_is_lost(
        self, target: Artwork, pair: Pair
    ) -> None:
        with (
            self._change_in_between(pair),
            pytest.raises(OperationalError, match="conflict with"),
            transaction.atomic(using="replica"),
        ):
            _tag(target)


def test_a_connection_that_is_cut_costs_a_page_its_neighbours_and_is_made_anew_for_the_rest(
    target: Artwork, pair: Pair, settings: Settings
) -> None:
    settings.DATABASE_ROUTERS = ["tests.routers.TakesTurns"]
    pages = _render_twice_after_a_cut(target, pair)
    assert sum("cannot be shown right now" in page for page in pages) == 1
    assert Artwork.objects.using("replica").get(pk=target.pk) == target


def test_a_connection_that_is_cut_within_a_transaction_raises_from_the_tag(
    target: Artwork, pair: Pair, settings: Settings
) -> None:
    settings.DATABASE_ROUTERS = ["tests.routers.TakesTurns"]
    with (
        pytest.raises(OperationalError, match="terminating connection"),
        transaction.atomic(using="replica"),
    ):
        _render_twice_after_a_cut(target, pair)


class TestAReplicaThatIsGone:
    @pytest.fixture(autouse=True)
    def gone(self, target: Artwork) -> Iterator[None]:
        replica = connections["replica"]
        replica.close()
        before = dict(replica.settings_dict)
        replica.settings_dict["HOST"] = "/nowhere"
        yield
        replica.settings_dict.update(before)

    def test_costs_a_page_its_neighbours_and_no_more(self, target: Artwork) -> None:
        assert "cannot be shown right now" in _tag(target)

    def test_is_answered_by_the_api_with_a_request_to_come_again(self, target: Artwork) -> None:
        answer = Client().get(f"/api/artworks/{target.pk}/similar/")
        assert (answer.status_code, answer["Retry-After"]) == (503, "10")

    def test_keeps_no_upload_waiting(self, target: Artwork) -> None:
        assert make_artwork().embedding_status == "pending"


def test_a_primary_that_is_gone_keeps_no_visitor_from_searching(
    target: Artwork, pair: Pair, client: Client
) -> None:
    before = connection.settings_dict["HOST"]
    connection.close()
    connection.settings_dict["HOST"] = "/nowhere"
    try:
        for search in SEARCHES.values():
            assert search(target) == ["near", "far"]
        assert "near" in client.get(target.get_absolute_url()).content.decode()
    finally:
        connection.settings_dict["HOST"] = before


def test_the_checks_find_nothing_amiss_with_a_replica(target: Artwork) -> None:
    call_command("check", databases=["default", "replica"], fail_level="INFO")


@pytest.fixture
def index_built_again(pair: Pair) -> Iterator[None]:
    """The indexes of the default recipe are there again after a test that rolls out another."""
    yield
    call_command("flush", interactive=False, verbosity=0, inhibit_post_migrate=True)
    for index in VectorIndex.serving(Library.of(Artwork)).with_others():
        index.build()


@contextmanager
def _photos(pair: Pair) -> Iterator[Photos]:
    """Pictures with a companion, on the primary as long as the block runs."""
    with photo_tables() as photos:
        try:
            yield photos
        finally:
            pair.primary.do("DROP TABLE library_photoembedding, library_photo")


def _render_twice_after_a_cut(target: Artwork, pair: Pair) -> list[str]:
    """The tag's pages after the replica has ended the connection that Django has to it."""
    with connections["replica"].cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (process,) = cursor.fetchone()
    assert pair.replica.ask(f"SELECT pg_terminate_backend({process}, 5000)") == "True"
    return [_tag(target) for _turn in range(2)]


def _replace_vector(artwork: Artwork, style: list[float]) -> None:
    """Let a row be as a worker leaves it that has embedded another file."""
    vector = unit_blocks(style, [1.0]).tolist()
    Artwork.objects.filter(pk=artwork.pk).update(embedding=vector, embedding_digest="u" * 64)


def _answers(artwork: Artwork) -> list[tuple[set[str], list[str]]]:
    """Recipes and titles of what three kinds of searches find."""
    found: list[Any] = [
        list(more_like_this(artwork, why=True)),
        list(Artwork.objects.similar_to(artwork)[:2]),
        list(more_like_these([artwork], why=True)),
    ]
    return [({one.similarity_recipe for one in page}, _titles(page)) for page in found]
