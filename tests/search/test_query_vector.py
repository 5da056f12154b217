"""What pictures are compared with."""

from __future__ import annotations

import json

import numpy as np
import pytest
from django.db import connection, models
from django.test.utils import isolate_apps

from artsimilarity.conf import get_settings
from artsimilarity.library import Library
from artsimilarity.schema.indexes import Graph
from artsimilarity.schema.sql import InnerProduct
from artsimilarity.search.ordering import order_by_similarity
from artsimilarity.search.query_vector import given_vector, stored_vector, vector_of_examples
from demo_site.library.models import Artwork
from tests.pictures import make_embedded

RECIPE = get_settings().recipe.fingerprint


def _vector_of(target: object) -> list[float]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT ({target.vector.sql})::text", target.vector.params)  # type: ignore[attr-defined]
        return [float(value) for value in cursor.fetchone()[0].strip("[]").split(",")]


@pytest.mark.django_db
def test_a_vector_from_elsewhere_is_scaled_block_by_block() -> None:
    values = np.random.default_rng(0).random(472)
    found = np.array(_vector_of(given_vector(values.tolist(), RECIPE)))
    for block in (slice(0, 256), slice(256, None)):
        right = values[block] / np.linalg.norm(values[block])
        np.testing.assert_allclose(found[block], right, atol=1e-3)


@pytest.mark.django_db
@pytest.mark.parametrize("style", [0, 0.3, 1])
def test_its_product_with_what_the_index_has_is_that_with_the_vector(style: float) -> None:
    random = np.random.default_rng(1)
    make_embedded("one", random.normal(size=256), random.random(216))
    query = given_vector(random.random(472).tolist(), RECIPE)
    library = Library.of(Artwork)
    ((direct, by_index),) = Artwork.objects.values_list(
        InnerProduct(query.column(library), query.weighted(style)),
        InnerProduct(
            query.indexed(library, Graph.BOTH), query.weighted_for_index(style, Graph.BOTH)
        ),
    )
    assert by_index == pytest.approx(direct, abs=5e-4)


@pytest.mark.django_db
def test_a_block_of_zeros_has_no_say_and_does_no_harm() -> None:
    found = _vector_of(given_vector([0.0] * 256 + [1.0] * 216, RECIPE))
    assert set(found[:256]) == {0.0}


def test_a_vector_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="has 472 values, not 3"):
        given_vector([1.0, 2.0, 3.0], RECIPE)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_vector_that_is_not_finite_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="must be finite"):
        given_vector([value] + [1.0] * 471, RECIPE)


@isolate_apps("demo_site.library")
def test_an_inherited_picture_is_read_from_the_table_that_has_the_vector() -> None:
    class Etching(Artwork):
        plate = models.TextField()

        class Meta:
            app_label = "library"

    source = stored_vector(Library.of(Etching), Etching(pk=7)).source
    assert source is not None
    assert f'"{Artwork._meta.db_table}"' in source.sql
    assert source.params == (7, RECIPE)


@pytest.mark.django_db
def test_examples_of_which_none_has_a_vector_are_no_target() -> None:
    unliked = make_embedded("unliked")
    assert vector_of_examples(Library.of(Artwork), [(0, 1.0)], [(unliked.pk, 1.0)]) is None


@pytest.mark.django_db
def test_a_weighted_vector_is_worked_out_once_and_not_for_each_row() -> None:
    query = stored_vector(Library.of(Artwork), make_embedded("one"))
    found = order_by_similarity(Artwork.objects.all(), query, style=0.3, exact=True)
    (plan,) = json.loads(found.explain(format="json"))
    (distance, _key) = plan["Plan"]["Sort Key"]
    assert "embedding <#> (InitPlan" in distance
    assert "::vector" not in distance
