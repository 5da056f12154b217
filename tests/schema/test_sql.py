"""SQL of our own: what it computes is seen in the searches; here, what Django asks of it."""

from __future__ import annotations

import pytest
from django.db.models import F

from artsimilarity.schema.sql import (
    Gate,
    InnerProduct,
    InnerProductDistance,
    Scaled,
    Sql,
    Subvector,
    UnindexedDistance,
)
from demo_site.library.models import Artwork
from tests.pictures import make_embedded


def test_pieces_are_equal_if_they_say_the_same() -> None:
    assert Sql("%s", [1]) == Sql("%s", [1])
    assert len({Sql("%s", [1]), Sql("%s", [2]), Sql("%s + 0", [1])}) == 3
    assert Gate({"hnsw.ef_search": "40"}) != Gate({"hnsw.ef_search": "80"})


def test_functions_of_vectors_are_equal_if_they_compute_the_same() -> None:
    sides = F("embedding"), Sql("%s::halfvec(3)", ["[1,2,3]"])
    assert InnerProduct(*sides) == InnerProduct(*sides)
    assert InnerProduct(*sides) != InnerProduct(*sides[::-1])
    assert len({kind(*sides) for kind in _KINDS}) == len(_KINDS)
    assert Subvector("embedding", 1, 256) == Subvector("embedding", 1, 256)
    assert Subvector("embedding", 1, 256) != Subvector("embedding", 257, 216)
    assert Scaled("embedding", (2, 1), (256, 216)) == Scaled("embedding", (2, 1), (256, 216))
    assert Scaled("embedding", (2, 1), (256, 216)) != Scaled("embedding", (1, 2), (256, 216))


_KINDS = (InnerProductDistance, UnindexedDistance, InnerProduct)


@pytest.mark.django_db
def test_blocks_are_multiplied_each_by_its_own_factor() -> None:
    make_embedded("one", [3, 4], [1])
    ((scaled,),) = Artwork.objects.values_list(Scaled("embedding", (0.5, 1.5), (256, 216)))
    values = [float(value) for value in scaled.strip("[]").split(",")]
    assert values[:3] == pytest.approx([0.3, 0.4, 0], abs=1e-3)
    assert values[256:258] == pytest.approx([1.5, 0], abs=1e-3)
    assert len(values) == 472


@pytest.mark.django_db
def test_the_kinds_of_product_differ_in_sign_alone() -> None:
    make_embedded("one", [3, 4], [1])
    sides = F("embedding"), Sql("(SELECT embedding FROM library_artwork)")
    row = Artwork.objects.values_list(*(kind(*sides) for kind in _KINDS)).get()
    assert row == pytest.approx((-2, -2, 2), abs=2e-3)  # two blocks of length 1
