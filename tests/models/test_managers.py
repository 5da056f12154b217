"""Managers: those of several bases, and what follows foreign keys."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection, models
from django.test.utils import CaptureQueriesContext, isolate_apps

from artsimilarity.checks import check_model
from artsimilarity.models import SimilarityManager, SimilarityMixin, SimilarityQuerySet, vectors
from demo_site.library.models import Artwork
from tests.pictures import make_embedded

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def own_registry() -> Iterator[None]:
    """Models of a test are known to that test alone."""
    with isolate_apps("demo_site.library"):
        yield


class RenditionQuerySet(models.QuerySet[Any]):
    """Another package's, such as Wagtail's images have."""

    def prefetch_renditions(self) -> RenditionQuerySet:
        return self.order_by("title")


class SiteManager(models.Manager[Any]):
    """A manager with a way of its own to make querysets."""

    def get_queryset(self) -> RenditionQuerySet:
        return RenditionQuerySet(self.model, using=self._db).exclude(title="deleted")

    def on_site(self) -> models.QuerySet[Any]:
        return self.get_queryset().filter(title="here")


def _model(bases: tuple[type[Any], ...], **attributes: Any) -> Any:
    meta = type("Meta", (), {"app_label": "library"})
    image = models.ImageField(upload_to="x")
    names = {"__module__": __name__, "Meta": meta, "image": image, **attributes}
    return type("Picture", bases, names)


def _abstract(manager: models.Manager[Any]) -> type[models.Model]:
    meta = type("Meta", (), {"app_label": "library", "abstract": True})
    names = {"__module__": __name__, "Meta": meta, "title": models.CharField(max_length=9)}
    return type("AbstractImage", (models.Model,), {**names, "objects": manager})


class TestTwoBases:
    @pytest.mark.parametrize("mixin_first", [True, False])
    @pytest.mark.parametrize(
        ("manager", "method"),
        [
            (models.Manager.from_queryset(RenditionQuerySet), "prefetch_renditions"),
            (SiteManager, "on_site"),
        ],
    )
    def test_the_managers_of_both_are_one(
        self, manager: type[models.Manager[Any]], method: str, mixin_first: bool
    ) -> None:
        bases = (SimilarityMixin, _abstract(manager()))
        model = _model(bases if mixin_first else bases[::-1])
        rows = getattr(model.objects, method)()
        assert isinstance(rows, SimilarityQuerySet)
        assert isinstance(rows, RenditionQuerySet)
        assert isinstance(model.objects, manager)
        assert callable(model.objects.pending)
        assert "embedding" in rows.query.deferred_loading[0]
        assert model._default_manager.name == "objects"
        assert not [one for one in check_model(model) if one.id == "artsimilarity.W001"]

    def test_what_the_other_manager_hides_stays_hidden(self) -> None:
        model = _model((SimilarityMixin, _abstract(SiteManager())))
        assert "deleted" in str(model.objects.all().query)
        assert "deleted" in str(model.objects.pending().query)

    def test_a_manager_that_the_class_itself_declares_is_left_alone(self) -> None:
        own = models.Manager()
        model = _model((SimilarityMixin, _abstract(SiteManager())), objects=own)
        assert type(model.objects) is models.Manager

    def test_without_another_manager_it_is_ours(self) -> None:
        model = _model((SimilarityMixin, models.Model), title=models.CharField(max_length=9))
        assert type(model.objects) is SimilarityManager

    def test_another_default_manager_stays_the_default(self) -> None:
        base = _abstract(SiteManager())
        meta = type("Meta", (), {"app_label": "library", "abstract": True})
        names = {"__module__": __name__, "Meta": meta, "published": models.Manager()}
        first: Any = type("Publishable", (models.Model,), names)
        model = _model((first, SimilarityMixin, base))
        assert model._default_manager.name == "published"
        assert hasattr(model.objects, "on_site")


class TestForeignKeys:
    @pytest.fixture
    def page(self) -> Any:
        """A model that points to artworks."""

        class Page(models.Model):
            artwork = models.ForeignKey(Artwork, models.CASCADE, related_name="+")

            class Meta:
                app_label = "library"

            def __str__(self) -> str:
                return "page"

        with connection.schema_editor() as editor:
            editor.create_model(Page)
        artwork = make_embedded("one")
        Page._default_manager.create(artwork=artwork)
        return Page

    def test_following_one_loads_no_vector(self, page: Any) -> None:
        with CaptureQueriesContext(connection) as queries:
            assert page.objects.get().artwork.title == "one"
        assert not any('"embedding"' in query["sql"] for query in queries)

    def test_nor_does_prefetching(self, page: Any) -> None:
        with CaptureQueriesContext(connection) as queries:
            assert page.objects.prefetch_related("artwork")[0].artwork.title == "one"
        assert not any('"embedding"' in query["sql"] for query in queries)

    def test_nor_does_joining_with_the_vectors_deferred(self, page: Any) -> None:
        rows = page.objects.select_related("artwork").defer(*vectors("artwork"))
        with CaptureQueriesContext(connection) as queries:
            assert rows[0].artwork.title == "one"
        assert not any('"embedding"' in query["sql"] for query in queries)

    def test_a_vector_is_there_once_it_is_asked_for(self, page: Any) -> None:
        assert page.objects.get().artwork.embedding is not None
        assert Artwork.objects.only("embedding")[0].embedding is not None
        assert Artwork._base_manager.only("title", "embedding")[0].embedding is not None
