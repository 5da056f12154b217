"""Rolling out a new recipe: filling, promotion, cancellation, and what each refuses."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from django.test.utils import isolate_apps
from django.utils import timezone
from pytest_django import Settings

from artsimilarity.checks import check_databases
from artsimilarity.embedding import pipeline, rollout
from artsimilarity.embedding.rollout import RolloutError
from artsimilarity.encoder.recipe import ART, ART_DEEP
from artsimilarity.library import Library
from artsimilarity.library.after_migrate import prepare_tables
from artsimilarity.library.index_build import VectorIndex
from artsimilarity.library.recipes import RecipesInForce
from artsimilarity.models import Rollout
from artsimilarity.schema.indexes import Graph
from artsimilarity.search import more_like_this
from artsimilarity.search.nearest import nearest
from artsimilarity.search.query_vector import stored_vector, vector_of_examples
from demo_site.library.models import Artwork
from tests.broker import Broker
from tests.pictures import BLUE, GREEN, RED, make_artwork, picture_file
from tests.recipes import NEXT, SMALLER

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("quick_encoder")]

OLD, NEW = ART.fingerprint, NEXT.fingerprint


@pytest.fixture(autouse=True)
def next_recipe(settings: Settings, quick_encoder: None) -> Callable[..., None]:
    """The settings name a recipe to roll out; the function changes them further."""

    def use(**values: Any) -> None:
        settings.ARTSIMILARITY = {**settings.ARTSIMILARITY, **values}

    use(NEXT_RECIPE="tests.recipes.NEXT")
    return use


@pytest.fixture
def library() -> list[Artwork]:
    """Three embedded pictures."""
    artworks = [make_artwork(f"{i}", colour) for i, colour in enumerate((RED, GREEN, BLUE))]
    _embed_all()
    return artworks


def _embed_all() -> pipeline.Result:
    return pipeline.embed(Library.of(Artwork), list(Artwork.objects.values_list("pk", flat=True)))


def _index(recipe: str, column: str = "embedding") -> VectorIndex:
    return VectorIndex(library=Library.of(Artwork), recipe=recipe, column=column)


def _places() -> list[str]:
    """Where each row lies; a row that is written lies elsewhere."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT ctid::text FROM {Artwork._meta.db_table} ORDER BY id")
        return [place for (place,) in cursor.fetchall()]


def _roll_out() -> None:
    """Fill the library under the next recipe, and put it into service."""
    rollout.start(Library.of(Artwork))
    _embed_all()
    rollout.promote(Library.of(Artwork))


def _stored() -> list[Artwork]:
    return list(Artwork.objects.defer(None).order_by("pk"))


class TestFilling:
    def test_the_present_recipe_is_served_all_the_while(self, library: list[Artwork]) -> None:
        rollout.start(Library.of(Artwork))
        _embed_all()
        for artwork in _stored():
            assert artwork.embedding_recipe == OLD
            assert artwork.embedding_next_recipe == NEW
            assert artwork.embedding_next != artwork.embedding
            assert artwork.embedding_status == "ready"
        assert len(more_like_this(library[0])) == 2

    def test_new_and_replaced_pictures_get_both_vectors(self, library: list[Artwork]) -> None:
        rollout.start(Library.of(Artwork))
        library[0].image = picture_file(GREEN)
        library[0].save()
        make_artwork("new")
        _embed_all()
        for artwork in _stored():
            assert (artwork.embedding_recipe, artwork.embedding_next_recipe) == (OLD, NEW)

    def test_a_replaced_picture_loses_both_vectors(self, library: list[Artwork]) -> None:
        rollout.start(Library.of(Artwork))
        _embed_all()
        library[0].image = picture_file(GREEN)
        library[0].save()
        stored = _stored()[0]
        assert (stored.embedding, stored.embedding_next) == (None, None)
        assert stored.embedding_next_recipe == ""

    def test_goes_on_where_it_was_interrupted(self, library: list[Artwork]) -> None:
        rollout.start(Library.of(Artwork))
        pipeline.embed(Library.of(Artwork), [library[0].pk])
        rollout.start(Library.of(Artwork))
        assert rollout.left_to_fill(Library.of(Artwork)) == 2
        assert _embed_all().skipped == 1
        assert rollout.left_to_fill(Library.of(Artwork)) == 0

    def test_sends_what_is_missing_to_the_workers(
        self, library: list[Artwork], broker: Broker
    ) -> None:
        rollout.start(Library.of(Artwork))
        pipeline.embed(Library.of(Artwork), [library[0].pk])
        assert rollout.fill(Library.of(Artwork)) == 2
        assert broker.pks() == [str(library[1].pk), str(library[2].pk)]

    def test_a_picture_whose_file_is_gone_is_served_until_promotion_and_failed_then(
        self, library: list[Artwork]
    ) -> None:
        lost = library[0]
        lost.image.storage.delete(lost.image.name)
        rollout.start(Library.of(Artwork))
        for _ in range(3):
            _embed_all()
        assert _stored()[0].embedding_status == "ready"
        assert len(more_like_this(lost)) == 2
        assert rollout.left_to_fill(Library.of(Artwork)) == 0
        rollout.promote(Library.of(Artwork))
        stored = _stored()[0]
        assert (stored.embedding_status, stored.embedding) == ("failed", None)
        assert "missing" in stored.embedding_reason

    def test_begun_again_tries_what_could_not_be_embedded(self, library: list[Artwork]) -> None:
        picture = library[0].image
        with picture.storage.open(picture.name) as file:
            kept = file.read()
        picture.storage.delete(picture.name)
        rollout.start(Library.of(Artwork))
        for _ in range(3):
            _embed_all()
        picture.storage.save(picture.name, ContentFile(kept))
        rollout.start(Library.of(Artwork))
        assert rollout.left_to_fill(Library.of(Artwork)) == 1
        _embed_all()
        assert _stored()[0].embedding_next_recipe == NEW

    def test_a_file_replaced_behind_djangos_back_is_noticed(self, library: list[Artwork]) -> None:
        changed = library[0]
        changed.image.storage.delete(changed.image.name)
        changed.image.storage.save(changed.image.name, ContentFile(picture_file(BLUE).read()))
        rollout.start(Library.of(Artwork))
        assert _embed_all().retry == [str(changed.pk)]
        _embed_all()
        assert _stored()[0].embedding == _stored()[2].embedding


def test_new_pictures_are_embedded_while_a_rollout_lacks_its_weights(
    settings: Settings, library: list[Artwork], caplog: pytest.LogCaptureFixture
) -> None:
    settings.ARTSIMILARITY = {
        **settings.ARTSIMILARITY,
        "ENCODER": "tests.fakes.ParticularEncoder",
        "NEXT_RECIPE": "tests.recipes.WITHOUT_WEIGHTS",
    }
    rollout.start(Library.of(Artwork))
    new = make_artwork("new")
    pipeline.embed(Library.of(Artwork), [new.pk, library[0].pk])
    new.refresh_from_db()
    assert new.embedding_status == "ready"
    assert "nowhere.safetensors" in caplog.text
    assert not Artwork.objects.exclude(embedding_next_recipe="").exists()


class TestPromotion:
    def test_serves_every_new_vector_and_keeps_the_old_ones_beside_them(
        self, library: list[Artwork]
    ) -> None:
        rollout.start(Library.of(Artwork))
        _embed_all()
        old, new = zip(*((a.embedding, a.embedding_next) for a in _stored()), strict=True)
        assert rollout.promote(Library.of(Artwork)) == 3
        assert tuple(artwork.embedding for artwork in _stored()) == new
        assert tuple(artwork.embedding_next for artwork in _stored()) == old
        assert {artwork.embedding_recipe for artwork in _stored()} == {NEW}
        assert {artwork.embedding_next_recipe for artwork in _stored()} == {OLD}
        assert len(more_like_this(library[0])) == 2

    def test_rewrites_no_row(self, library: list[Artwork]) -> None:
        rollout.start(Library.of(Artwork))
        _embed_all()
        before = _places()
        rollout.promote(Library.of(Artwork))
        assert _places() == before

    def test_the_index_that_searches_ask_is_that_of_the_new_recipe(
        self, library: list[Artwork]
    ) -> None:
        _roll_out()
        assert _index(NEW).is_built()
        assert _index(OLD, "embedding_next").is_built()

    def test_a_recipe_of_another_size_is_rolled_out_like_any_other(
        self, library: list[Artwork], next_recipe: Callable[..., None]
    ) -> None:
        next_recipe(NEXT_RECIPE="tests.recipes.SMALLER")
        _roll_out()
        assert {len(artwork.embedding) for artwork in _stored()} == {381}
        assert _index(SMALLER.fingerprint).is_built()
        neighbours = more_like_this(library[0], why=True)
        assert [found.similarity_recipe for found in neighbours] == 2 * [SMALLER.fingerprint]

    def test_the_old_recipe_comes_back_by_embedding_what_is_new_since(
        self, library: list[Artwork], next_recipe: Callable[..., None]
    ) -> None:
        next_recipe(NEXT_RECIPE="tests.recipes.SMALLER")
        _roll_out()
        next_recipe(RECIPE="tests.recipes.SMALLER", NEXT_RECIPE="artsimilarity.encoder.recipe.ART")
        make_artwork("new")
        _embed_all()
        rollout.start(Library.of(Artwork))
        assert rollout.left_to_fill(Library.of(Artwork)) == 1
        _embed_all()
        assert rollout.promote(Library.of(Artwork)) == 4
        assert {artwork.embedding_recipe for artwork in _stored()} == {OLD}
        assert len(more_like_this(library[0])) == 3

    def test_the_old_vectors_are_dropped_on_request(self, library: list[Artwork]) -> None:
        _roll_out()
        assert rollout.forget_previous(Library.of(Artwork)) == 3
        for artwork in _stored():
            assert artwork.embedding_recipe == NEW
            assert (artwork.embedding_next, artwork.embedding_next_recipe) == (None, "")
        assert not _index(OLD, "embedding_next").exists()

    def test_a_filled_rollout_is_not_taken_for_old_vectors(self, library: list[Artwork]) -> None:
        rollout.start(Library.of(Artwork))
        _embed_all()
        with pytest.raises(RolloutError, match="--cancel"):
            rollout.forget_previous(Library.of(Artwork))

    def test_is_refused_while_a_picture_lacks_the_new_vector(self, library: list[Artwork]) -> None:
        rollout.start(Library.of(Artwork))
        pipeline.embed(Library.of(Artwork), [library[0].pk])
        with pytest.raises(RolloutError, match="2 pictures are not embedded"):
            rollout.promote(Library.of(Artwork))

    def test_is_refused_where_most_pictures_would_be_lost_as_without_their_disk(
        self, library: list[Artwork]
    ) -> None:
        rollout.start(Library.of(Artwork))
        for artwork in library[1:]:
            artwork.image.storage.delete(artwork.image.name)
        for _ in range(3):
            _embed_all()
        with pytest.raises(RolloutError, match="2 of 3 pictures"):
            rollout.promote(Library.of(Artwork))
        assert {artwork.embedding_recipe for artwork in _stored()} == {OLD}

    def test_is_refused_without_a_rollout(self) -> None:
        with pytest.raises(RolloutError, match="--rollout"):
            rollout.promote(Library.of(Artwork))

    def test_goes_on_where_it_was_interrupted(
        self, library: list[Artwork], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        rollout.start(Library.of(Artwork))
        _embed_all()

        def interrupt(*_args: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(rollout, "_exchange", interrupt)
            with pytest.raises(KeyboardInterrupt):
                rollout.promote(Library.of(Artwork))
        assert {artwork.embedding_recipe for artwork in _stored()} == {OLD}
        assert len(more_like_this(library[0])) == 2
        assert rollout.resume_promotion(Library.of(Artwork)) == 3
        assert {artwork.embedding_recipe for artwork in _stored()} == {NEW}

    def test_a_picture_that_came_while_the_index_was_built_is_embedded_afterwards(
        self, library: list[Artwork]
    ) -> None:
        rollout.start(Library.of(Artwork))
        _embed_all()
        late: list[Artwork] = []
        rollout.promote(
            Library.of(Artwork), on_progress=lambda _share: late.append(make_artwork("late"))
        )
        assert late
        _embed_all()
        assert {artwork.embedding_recipe for artwork in _stored()} == {NEW}

    def test_a_worker_that_it_overtakes_writes_each_vector_to_its_own_column(
        self, library: list[Artwork], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        rollout.start(Library.of(Artwork))
        _embed_all()
        new = make_artwork("new")
        Rollout.objects.update(state="promoting")
        encode = pipeline._encode

        def overtake(*args: Any) -> Any:
            if Library.of(Artwork).rollout().state != "promoted":  # type: ignore[union-attr]
                rollout.promote(Library.of(Artwork))
            return encode(*args)

        monkeypatch.setattr(pipeline, "_encode", overtake)
        assert pipeline.embed(Library.of(Artwork), [new.pk]).embedded == [str(new.pk)]
        stored = _stored()[-1]
        assert (stored.embedding_recipe, stored.embedding_next_recipe) == (NEW, OLD)
        assert stored.embedding == _stored()[0].embedding
        assert stored.embedding_next == _stored()[0].embedding_next

    def test_by_two_at_once_changes_the_columns_once(
        self, library: list[Artwork], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        rollout.start(Library.of(Artwork))
        _embed_all()
        Rollout.objects.update(state="promoting")
        exchange = rollout._exchange

        def overtaken(*args: Any) -> None:
            exchange(*args)  # by a sweep, say
            exchange(*args)

        monkeypatch.setattr(rollout, "_exchange", overtaken)
        assert rollout.promote(Library.of(Artwork)) == 3
        assert {artwork.embedding_recipe for artwork in _stored()} == {NEW}

    def test_that_another_process_ends_before_it_has_begun_is_not_begun_again(
        self, library: list[Artwork], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        rollout.start(Library.of(Artwork))
        _embed_all()
        Rollout.objects.update(state="promoting")
        sweep = [rollout.resume_promotion]

        def overtaken(_index: VectorIndex) -> bool:
            if sweep:
                sweep.pop()(Library.of(Artwork))
            return False

        monkeypatch.setattr(VectorIndex, "is_being_built", overtaken)
        assert rollout.promote(Library.of(Artwork)) == 3
        assert {artwork.embedding_recipe for artwork in _stored()} == {NEW}
        assert Rollout.objects.get().state == "promoted"
        assert _index(OLD, "embedding_next").is_built()

    def test_that_is_cancelled_before_it_has_begun_leaves_the_old_vectors_in_service(
        self, library: list[Artwork], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        rollout.start(Library.of(Artwork))
        _embed_all()

        def cancelled(_index: VectorIndex) -> bool:
            rollout.cancel(Library.of(Artwork))
            return False

        monkeypatch.setattr(VectorIndex, "is_being_built", cancelled)
        with pytest.raises(RolloutError, match="No roll-out is under way"):
            rollout.promote(Library.of(Artwork))
        assert {artwork.embedding_recipe for artwork in _stored()} == {OLD}
        assert _index(OLD).is_built()

    def test_that_is_going_on_is_not_taken_for_an_interrupted_one(
        self, library: list[Artwork], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        rollout.start(Library.of(Artwork))
        _embed_all()
        Rollout.objects.update(state="promoting")
        monkeypatch.setattr(VectorIndex, "is_being_built", lambda self: True)
        assert rollout.resume_promotion(Library.of(Artwork)) == 0
        with pytest.raises(RolloutError, match="is being built already"):
            rollout.promote(Library.of(Artwork))
        assert {artwork.embedding_recipe for artwork in _stored()} == {OLD}

    def test_that_loses_its_server_says_so_at_once(
        self, library: list[Artwork], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        rollout.start(Library.of(Artwork))
        _embed_all()

        def gone(*_args: object) -> None:
            raise OperationalError("the connection is closed")

        monkeypatch.setattr(rollout, "_change_names", gone)
        with pytest.raises(OperationalError, match="closed"):
            rollout.promote(Library.of(Artwork))

    @pytest.mark.parametrize("style", [0.0, 0.75])
    @pytest.mark.parametrize("size", ["NEXT", "SMALLER"])
    def test_a_search_that_it_overtakes_ends_in_a_full_page(
        self, library: list[Artwork], next_recipe: Callable[..., None], size: str, style: float
    ) -> None:
        next_recipe(NEXT_RECIPE=f"tests.recipes.{size}")
        rollout.start(Library.of(Artwork))
        _embed_all()
        before = stored_vector(Library.of(Artwork), library[0])
        middle = vector_of_examples(Library.of(Artwork), [(library[0].pk, 1.0)])
        rollout.promote(Library.of(Artwork))
        for query in (before, middle):
            assert query is not None
            found = nearest(Artwork.objects.all(), query, limit=2, style=style)
            assert len(found) == 2
            assert len({one.similarity_recipe for one in found}) == 1
            assert all(-1.01 <= one.similarity_style <= 1.01 for one in found)

    def test_takes_the_index_of_colours_along(self, library: list[Artwork]) -> None:
        def colours(recipe: str, column: str = "embedding") -> VectorIndex:
            return replace(_index(recipe, column), graph=Graph.COLOUR)

        _roll_out()
        assert colours(NEW).is_built()
        assert colours(OLD, "embedding_next").is_built()
        found = more_like_this(library[0], style=0)
        assert {one.similarity_recipe for one in found} == {NEW}
        rollout.forget_previous(Library.of(Artwork))
        assert not colours(OLD, "embedding_next").exists()
        assert colours(NEW).is_built()

    def test_reports_how_far_all_its_indexes_have_come(self, library: list[Artwork]) -> None:
        rollout.start(Library.of(Artwork))
        _embed_all()
        seen: list[float] = []
        rollout.promote(Library.of(Artwork), on_progress=seen.append)
        assert seen == sorted(seen)
        assert {0.5, 1.0} <= set(seen)

    def test_afterwards_new_pictures_get_the_new_recipe_alone(self, library: list[Artwork]) -> None:
        _roll_out()
        make_artwork("new")
        _embed_all()
        assert {a.embedding_recipe for a in _stored()} == {NEW}
        assert _stored()[-1].embedding_next_recipe == ""

    def test_afterwards_the_settings_may_follow_at_leisure(
        self, library: list[Artwork], next_recipe: Callable[..., None]
    ) -> None:
        _roll_out()
        assert Library.of(Artwork).recipes().serving == NEXT
        next_recipe(RECIPE="tests.recipes.NEXT", NEXT_RECIPE="")
        assert Library.of(Artwork).recipes().serving == NEXT
        assert not Artwork.objects.served_otherwise(NEW)


class TestCancelling:
    def test_leaves_no_trace(self, library: list[Artwork]) -> None:
        before = [(a.embedding, a.embedding_recipe) for a in _stored()]
        rollout.start(Library.of(Artwork))
        _embed_all()
        rollout.cancel(Library.of(Artwork))
        assert [(a.embedding, a.embedding_recipe) for a in _stored()] == before
        for artwork in _stored():
            assert (artwork.embedding_next, artwork.embedding_next_recipe) == (None, "")
        assert not Rollout.objects.exists()
        assert Library.of(Artwork).recipes().next is None

    def test_of_none_is_refused(self) -> None:
        with pytest.raises(RolloutError, match="none to cancel"):
            rollout.cancel(Library.of(Artwork))

    def test_is_refused_once_promotion_has_begun(self, library: list[Artwork]) -> None:
        rollout.start(Library.of(Artwork))
        Rollout.objects.update(state="promoting")
        with pytest.raises(RolloutError, match="being put into service"):
            rollout.cancel(Library.of(Artwork))

    def test_what_a_late_worker_wrote_is_cleared_by_the_sweep(self, library: list[Artwork]) -> None:
        Artwork.objects.update(embedding_next=[0.5] * 472, embedding_next_recipe=NEW)
        rollout.repair(Library.of(Artwork))
        assert {artwork.embedding_next_recipe for artwork in _stored()} == {""}


class TestStarting:
    def test_needs_a_next_recipe(self, next_recipe: Callable[..., None]) -> None:
        next_recipe(NEXT_RECIPE="")
        with pytest.raises(RolloutError, match="NEXT_RECIPE"):
            rollout.start(Library.of(Artwork))

    def test_refuses_the_recipe_that_is_in_service(self, next_recipe: Callable[..., None]) -> None:
        next_recipe(NEXT_RECIPE="artsimilarity.encoder.recipe.ART")
        with pytest.raises(RolloutError, match="in service already"):
            rollout.start(Library.of(Artwork))

    def test_refuses_while_another_one_is_under_way(self) -> None:
        Rollout.objects.create(model_label="library.Artwork", fingerprint="x-256+216-" + "0" * 16)
        with pytest.raises(RolloutError, match="--cancel"):
            rollout.start(Library.of(Artwork))

    def test_refuses_a_library_that_is_not_under_the_present_recipe(
        self, library: list[Artwork]
    ) -> None:
        Artwork.objects.filter(pk=library[0].pk).update(embedding_recipe="x-256+216-" + "0" * 16)
        with pytest.raises(RolloutError, match="1 pictures have vectors of another recipe"):
            rollout.start(Library.of(Artwork))

    def test_follows_a_finished_one(self, library: list[Artwork]) -> None:
        Rollout.objects.create(
            model_label="library.Artwork",
            fingerprint="x-256+216-" + "0" * 16,
            state="promoted",
            promoted_at=timezone.now(),
        )
        rollout.start(Library.of(Artwork))
        assert Rollout.objects.get().fingerprint == NEW


class TestCommand:
    def _run(self, *args: str) -> str:
        out = io.StringIO()
        call_command("embed_artworks", *args, stdout=out, stderr=io.StringIO())
        return out.getvalue()

    def test_rolls_out_and_promotes(self, library: list[Artwork]) -> None:
        assert "3 pictures embedded" in self._run("--rollout", "--sync")
        assert "in service for 3 pictures" in self._run("--promote")
        assert {artwork.embedding_recipe for artwork in _stored()} == {NEW}
        assert "3 vectors of the old recipe are gone" in self._run("--forget-previous")

    def test_cancels(self, library: list[Artwork]) -> None:
        self._run("--rollout", "--sync")
        assert "nothing of it remains" in self._run("--cancel")
        assert not Rollout.objects.exists()

    def test_says_how_what_could_not_be_embedded_is_tried_again(
        self, library: list[Artwork], next_recipe: Callable[..., None]
    ) -> None:
        next_recipe(RETRY_BACKOFF=0.0)
        library[0].image.storage.delete(library[0].image.name)
        assert "“--rollout” tries them again" in self._run("--rollout", "--sync")

    def test_answers_what_cannot_be_done_with_words(self) -> None:
        with pytest.raises(CommandError, match="none to cancel"):
            self._run("--cancel")


class TestAnUpgradeWithAnotherRecipe:
    """The settings name another recipe than the library was embedded with, and no next one."""

    @pytest.fixture(autouse=True)
    def upgraded(self, library: list[Artwork], next_recipe: Callable[..., None]) -> None:
        next_recipe(RECIPE="artsimilarity.encoder.recipe.ART_DEEP", NEXT_RECIPE="")

    def test_leaves_the_library_under_the_one_that_it_is_under(
        self, library: list[Artwork]
    ) -> None:
        make_artwork("new")
        _embed_all()
        assert {artwork.embedding_recipe for artwork in _stored()} == {OLD}
        assert len(more_like_this(library[0])) == 3

    def test_also_if_the_index_is_missing_as_after_migrating_from_an_earlier_release(
        self, library: list[Artwork]
    ) -> None:
        VectorIndex.serving(Library.of(Artwork)).drop()
        assert Library.of(Artwork).recipes() == RecipesInForce(ART)
        prepare_tables("default", verbosity=0)
        assert _index(OLD).is_built()

    def test_is_told_by_the_checks_with_what_to_run(self) -> None:
        (message,) = check_databases(["default"])
        assert message.id == "artsimilarity.I003"
        assert "--rollout" in str(message.hint)

    def test_is_a_rollout_of_the_recipe_in_the_settings(self, library: list[Artwork]) -> None:
        rollout.start(Library.of(Artwork))
        _embed_all()
        assert rollout.promote(Library.of(Artwork)) == 3
        assert {artwork.embedding_recipe for artwork in _stored()} == {ART_DEEP.fingerprint}
        assert Library.of(Artwork).recipes() == RecipesInForce(ART_DEEP)
        assert check_databases(["default"]) == []

    def test_of_an_empty_library_takes_the_new_one_at_once(self) -> None:
        Artwork.objects.all().delete()
        assert Library.of(Artwork).recipes() == RecipesInForce(ART_DEEP)


def test_a_proxy_of_the_model_is_under_the_same_rollout(next_recipe: Callable[..., None]) -> None:
    with isolate_apps("demo_site.library"):

        class Print(Artwork):
            class Meta:
                proxy = True
                app_label = "library"

    Rollout.objects.create(
        model_label="library.Artwork", fingerprint=NEXT.fingerprint, state="promoted"
    )
    assert Library.of(Print).recipes().serving == NEXT
    assert Library.of(Print).rollout() == Rollout.objects.get()
