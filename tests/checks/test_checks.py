"""System checks: one for each thing that a host can get wrong."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib import admin
from django.core.management import call_command
from django.db import connection, models
from django.test.utils import isolate_apps
from pytest_django import Settings

from artsimilarity.checks import check_databases, databases, readers
from artsimilarity.checks import models as model_checks
from artsimilarity.encoder.recipe import ART
from artsimilarity.library import Library, thumbnail_adapters
from artsimilarity.library.index_build import VectorIndex
from artsimilarity.models import COLUMNS, Rollout, SimilarityMixin, vectors
from artsimilarity.schema.fields import EmbeddingField
from artsimilarity.schema.indexes import Graph
from demo_site.library.models import Artwork
from tests.broker import Broker
from tests.pictures import make_embedded
from tests.recipes import NEXT


def _ids(messages: list[Any]) -> list[str]:
    return [message.id for message in messages]


def test_the_demo_site_passes_all_checks() -> None:
    call_command("check", fail_level="WARNING")


@isolate_apps("tests")
def test_a_model_without_an_image_field_is_an_error() -> None:
    class Page(SimilarityMixin):
        class Meta:
            app_label = "tests"

    (message,) = [m for m in Page.check() if m.id == "artsimilarity.E001"]
    assert "similarity_image_field" in str(message.hint)


@isolate_apps("tests")
def test_an_image_field_that_is_no_file_is_an_error() -> None:
    class Page(SimilarityMixin):
        image = models.CharField(max_length=100)

        class Meta:
            app_label = "tests"

    assert "artsimilarity.E001" in _ids(Page.check())


@isolate_apps("tests")
def test_a_field_of_one_size_alone_is_an_error() -> None:
    class Page(SimilarityMixin):
        image = models.ImageField()
        embedding = EmbeddingField(dimensions=100)

        class Meta:
            app_label = "tests"

    assert "artsimilarity.E002" in _ids(Page.check())


def test_more_dimensions_than_an_index_takes_are_an_error(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_checks, "HNSW_MAX_DIMENSIONS", ART.dimensions - 1)
    assert "artsimilarity.E003" in _ids(Artwork.check())


def test_missing_weights_are_a_warning_before_any_task_starts(settings: Settings) -> None:
    settings.ARTSIMILARITY = {**settings.ARTSIMILARITY, "RECIPE": "tests.recipes.WITHOUT_WEIGHTS"}
    (message,) = [m for m in Artwork.check() if m.id == "artsimilarity.W005"]
    assert "nowhere.safetensors" in str(message.msg)


@isolate_apps("tests")
def test_a_default_manager_that_loads_the_vectors_is_a_warning() -> None:
    class Page(SimilarityMixin):
        image = models.ImageField()
        objects = models.Manager()  # type: ignore[misc]

        class Meta:
            app_label = "tests"

    assert "artsimilarity.W001" in _ids(Page.check())


class TestWhatAVisitorWouldSee:
    """A model as README's first version had it, which says nothing of how it is shown."""

    @pytest.fixture
    def silent(self) -> Iterator[type[Any]]:
        with isolate_apps("tests"):

            class Print(SimilarityMixin):
                image = models.ImageField()

                class Meta:
                    app_label = "tests"

            yield Print

    def test_captions_that_nobody_wrote_are_a_warning(self, silent: type[Any]) -> None:
        (message,) = [m for m in silent.check() if m.id == "artsimilarity.W011"]
        assert "Print object (1)" in message.msg
        assert "def __str__(self)" in str(message.hint)

    @pytest.mark.parametrize("name", ["__str__", "similarity_caption"])
    def test_captions_that_somebody_wrote_pass(self, silent: type[Any], name: str) -> None:
        setattr(silent, name, lambda self: "A print")
        assert "artsimilarity.W011" not in _ids(silent.check())

    def test_pictures_that_lead_nowhere_are_a_warning(self, silent: type[Any]) -> None:
        (message,) = [m for m in silent.check() if m.id == "artsimilarity.W012"]
        assert "def get_absolute_url(self)" in str(message.hint)

    @pytest.mark.parametrize("name", ["get_absolute_url", "similarity_url"])
    def test_pictures_that_lead_somewhere_pass(self, silent: type[Any], name: str) -> None:
        setattr(silent, name, lambda self: "/")
        assert "artsimilarity.W012" not in _ids(silent.check())

    def test_thumbnails_are_made_without_any_setting(self, silent: type[Any]) -> None:
        assert "artsimilarity.W013" not in _ids(silent.check())

    @pytest.mark.parametrize(
        ("path", "word"),
        [
            ("artsimilarity.library.thumbnail_adapters.Misnamed", "cannot be imported"),
            ("artsimilarity.library.thumbnail_adapters.EasyThumbnails", "INSTALLED_APPS"),
            ("artsimilarity.library.thumbnail_adapters.SorlThumbnail", "INSTALLED_APPS"),
            ("artsimilarity.library.thumbnail_adapters.ImageKit", "INSTALLED_APPS"),
            ("artsimilarity.library.thumbnail_adapters.WagtailRenditions", "wagtail"),
        ],
    )
    def test_thumbnails_that_cannot_be_made_are_a_warning(
        self, silent: type[Any], settings: Settings, path: str, word: str
    ) -> None:
        settings.ARTSIMILARITY = {**settings.ARTSIMILARITY, "THUMBNAILS": path}
        (message,) = [m for m in silent.check() if m.id == "artsimilarity.W013"]
        assert word in message.msg
        silent.similarity_thumbnail = lambda self: ""
        assert "artsimilarity.W013" not in _ids(silent.check())

    def test_a_package_that_is_not_installed_is_named_with_what_to_type(
        self, silent: type[Any], settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(thumbnail_adapters, "find_spec", lambda name: None)
        settings.ARTSIMILARITY = {
            **settings.ARTSIMILARITY,
            "THUMBNAILS": "artsimilarity.library.thumbnail_adapters.SorlThumbnail",
        }
        (message,) = [m for m in silent.check() if m.id == "artsimilarity.W013"]
        assert "python -m pip install sorl-thumbnail" in message.msg

    def test_a_model_without_renditions_is_a_warning_where_wagtail_makes_them(
        self, silent: type[Any], settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(thumbnail_adapters, "_require", lambda app, distribution: None)
        settings.ARTSIMILARITY = {
            **settings.ARTSIMILARITY,
            "THUMBNAILS": "artsimilarity.library.thumbnail_adapters.WagtailRenditions",
        }
        (message,) = [m for m in silent.check() if m.id == "artsimilarity.W013"]
        assert "Print is no image model of Wagtail" in message.msg

    def test_a_storage_of_thumbnails_that_is_not_there_is_a_warning(
        self, silent: type[Any], settings: Settings
    ) -> None:
        settings.ARTSIMILARITY = {**settings.ARTSIMILARITY, "THUMBNAIL_STORAGE": "nowhere"}
        (message,) = [m for m in silent.check() if m.id == "artsimilarity.W013"]
        assert "nowhere" in message.msg


@isolate_apps("tests")
def test_a_host_with_its_own_meta_and_a_second_index_gets_ours_beside_it() -> None:
    class Page(SimilarityMixin):
        image = models.ImageField()
        title = models.TextField()

        class Meta:
            app_label = "tests"
            indexes = [models.Index(fields=["title"], name="title_idx")]

    kinds = [type(index).__name__ for index in Page._meta.indexes]
    assert kinds == ["Index", "Index", "HnswIndex"]
    assert "artsimilarity.E001" not in _ids(Page.check())


@pytest.mark.django_db
class TestServer:
    def test_a_migrated_database_passes(self) -> None:
        assert check_databases(["default"]) == []

    def test_a_missing_index_is_a_warning(self) -> None:
        VectorIndex.serving(Library.of(Artwork)).drop()
        (message,) = check_databases(["default"])
        assert message.id == "artsimilarity.W002"
        assert "build_similarity_index" in str(message.hint)

    def test_a_missing_index_of_colours_is_one_unless_the_settings_do_not_want_it(
        self, settings: Settings
    ) -> None:
        index = VectorIndex.serving(Library.of(Artwork))
        replace(index, graph=Graph.COLOUR).drop()
        (message,) = check_databases(["default"])
        assert message.id == "artsimilarity.W002"
        settings.ARTSIMILARITY = {**settings.ARTSIMILARITY, "COLOUR_INDEX": False}
        assert check_databases(["default"]) == []

    def test_a_column_of_one_size_is_a_warning_that_names_the_migration(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                f"ALTER TABLE {Artwork._meta.db_table} ALTER embedding TYPE halfvec(472)"
            )
        (message,) = check_databases(["default"])
        assert message.id == "artsimilarity.W004"
        assert "makemigrations" in str(message.hint)

    def test_a_table_not_migrated_yet_passes(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"DROP TABLE {Artwork._meta.db_table} CASCADE")
        assert check_databases(["default"]) == []

    @pytest.mark.parametrize(
        ("installed", "available", "expected"),
        [
            (None, None, ["artsimilarity.E004"]),
            ("0.8.3", "0.8.5", ["artsimilarity.E005"]),
            (None, "0.7.4", ["artsimilarity.E005"]),
            (None, "0.8.4", []),
            ("0.10.0", "0.10.0", []),
        ],
    )
    def test_pgvector_must_be_there_and_new_enough(
        self,
        monkeypatch: pytest.MonkeyPatch,
        installed: str | None,
        available: str | None,
        expected: list[str],
    ) -> None:
        # No server with an old pgvector can be had here: only its answer is replaced.
        fetch = databases._fetch

        def answer(alias: str, sql: str, params: Any = ()) -> Any:
            if "pg_available_extensions" in sql:
                return [(installed, available, "public", True)]
            return fetch(alias, sql, params)

        monkeypatch.setattr(databases, "_fetch", answer)
        assert _ids(check_databases(["default"])) == expected


def test_nothing_is_asked_of_a_server_that_was_not_named() -> None:
    assert check_databases(None) == []


class TestTheRecipeInService:
    """What is said where the settings lag behind a roll-out."""

    pytestmark = pytest.mark.django_db

    @pytest.fixture(autouse=True)
    def promoted(self) -> None:
        make_embedded("one", embedding_recipe=NEXT.fingerprint)
        for index in VectorIndex(
            library=Library.of(Artwork), recipe=NEXT.fingerprint
        ).with_others():
            index.build()
        Rollout.objects.create(
            model_label="library.Artwork", fingerprint=NEXT.fingerprint, state="promoted"
        )

    def test_as_next_recipe_is_worth_a_word(self, settings: Settings) -> None:
        settings.ARTSIMILARITY = {**settings.ARTSIMILARITY, "NEXT_RECIPE": "tests.recipes.NEXT"}
        (message,) = check_databases(["default"])
        assert message.id == "artsimilarity.I001"

    def test_that_the_settings_do_not_name_is_a_warning(self) -> None:
        message, _index = sorted(check_databases(["default"]), key=lambda one: str(one.id))[::-1]
        assert message.id == "artsimilarity.W006"
        assert NEXT.fingerprint in str(message.hint)

    def test_as_recipe_is_as_it_should_be(self, settings: Settings) -> None:
        settings.ARTSIMILARITY = {**settings.ARTSIMILARITY, "RECIPE": "tests.recipes.NEXT"}
        assert check_databases(["default"]) == []

    def test_of_which_no_vector_is_left_does_not_matter(self) -> None:
        Artwork.objects.update(embedding=None, embedding_recipe="")
        for index in VectorIndex.serving(Library.of(Artwork)).with_others():
            index.build()
        assert check_databases(["default"]) == []


class RouterWithoutUs:
    """Lets nothing but the host's own apps into its database."""

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool | None:
        return False if app_label == "artsimilarity" else None


def test_a_router_that_keeps_our_tables_out_of_the_pictures_database_is_an_error(
    settings: Settings,
) -> None:
    settings.DATABASE_ROUTERS = [f"{__name__}.RouterWithoutUs"]
    (message,) = [one for one in Artwork.check() if one.id == "artsimilarity.E008"]
    assert "allow_migrate('default', 'artsimilarity')" in message.hint


@pytest.mark.django_db
def test_pgvector_in_a_schema_off_the_search_path_is_an_error_that_says_what_to_run() -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA extensions")
        cursor.execute("ALTER EXTENSION vector SET SCHEMA extensions")
    (message,) = check_databases(["default"])
    assert message.id == "artsimilarity.E010"
    assert "search_path" in message.hint
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL search_path = public, extensions")
    assert check_databases(["default"]) == []


def _read(monkeypatch: pytest.MonkeyPatch, *others: Any) -> list[Any]:
    """What is said of models beside the pictures', in a host that has django-import-export."""
    installed = SimpleNamespace(
        get_models=lambda: [Artwork, *others], is_installed=lambda name: True
    )
    monkeypatch.setattr(readers, "apps", installed)
    return readers.check_readers(None)


class TestReaders:
    def test_a_history_of_every_column_is_warned_of(self, monkeypatch: pytest.MonkeyPatch) -> None:
        copied = {name: Artwork._meta.get_field(name).clone() for name in COLUMNS}
        with isolate_apps("demo_site.library"):
            meta = type("Meta", (), {"app_label": "library"})
            names = {"__module__": __name__, "Meta": meta, **copied}
            history = type("HistoricalArtwork", (models.Model,), names)
            (message,) = _read(monkeypatch, history)
        assert message.id == "artsimilarity.W008"
        assert "excluded_fields" in message.hint

    def test_a_default_manager_that_joins_pictures_is_warned_of(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Joining(models.Manager[Any]):
            def get_queryset(self) -> Any:
                return super().get_queryset().select_related("artwork")

        class Careful(models.Manager[Any]):
            def get_queryset(self) -> Any:
                rows = super().get_queryset().select_related("artwork")
                return rows.defer(*vectors("artwork"))

        for manager, expected in ((Joining(), ["artsimilarity.W009"]), (Careful(), [])):
            with isolate_apps("demo_site.library"):
                meta = type("Meta", (), {"app_label": "library"})
                artwork = models.ForeignKey(Artwork, models.CASCADE, related_name="+")
                names = {"__module__": __name__, "Meta": meta, "artwork": artwork}
                page: Any = type("Page", (models.Model,), {**names, "objects": manager})
                assert _ids(_read(monkeypatch, page)) == expected

    @pytest.mark.parametrize(
        ("fields", "expected"),
        [
            (None, ["artsimilarity.W010"]),
            ({"title": "", "embedding": ""}, ["artsimilarity.W010"]),
            ({"title": ""}, []),
        ],
    )
    def test_an_export_of_every_column_is_warned_of(
        self, monkeypatch: pytest.MonkeyPatch, fields: Any, expected: list[str]
    ) -> None:
        # As ImportExportModelAdmin is, of which no more is asked.
        exporting: Any = type("Exporting", (admin.ModelAdmin,), {"get_resource_classes": None})
        exporting.resource_class = None
        exporting.resource_classes = fields and [SimpleNamespace(fields=fields)]
        monkeypatch.setitem(admin.site._registry, Artwork, exporting(Artwork, admin.site))
        assert _ids(_read(monkeypatch)) == expected

    def test_the_demo_site_has_none_of_it(self) -> None:
        assert readers.check_readers(None) == []


@pytest.mark.django_db
def test_vectors_of_a_recipe_that_is_in_force_no_more_are_told_of(broker: Broker) -> None:
    make_embedded("old", embedding_recipe="old-256+216-" + "0" * 16)
    (message,) = check_databases(["default"])
    assert message.id == "artsimilarity.I002"
    call_command("embed_artworks", "--stale", "--no-wait", stdout=io.StringIO())
    assert Artwork.objects.pending().count() == 1


def test_every_check_has_an_id_of_its_own() -> None:
    given = [
        identity
        for path in Path(databases.__file__).parent.glob("*.py")
        for identity in re.findall(r'id="(artsimilarity\.[EWI]\d{3})"', path.read_text())
    ]
    assert len(given) > 20
    assert sorted(given) == sorted(set(given))
