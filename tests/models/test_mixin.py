"""The mixin: indexes, copies, deferred vectors."""

from __future__ import annotations

import re

import pytest
from django.core.management import call_command
from django.db import connection

from demo_site.library.models import Artwork
from tests.pictures import make_artwork, make_embedded

pytestmark = pytest.mark.django_db


def test_the_table_has_an_hnsw_index_for_inner_products_on_the_vector() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indexdef FROM pg_indexes WHERE tablename = %s", [Artwork._meta.db_table]
        )
        definitions = [row[0] for row in cursor.fetchall()]
    of_vectors = [one for one in definitions if re.search(r"USING hnsw \(+embedding \*", one)]
    assert [one.count("::halfvec(472)) halfvec_ip_ops)") for one in of_vectors] == [1]


def test_no_migration_is_missing() -> None:
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)


def test_ordinary_queries_leave_the_vectors_in_the_database() -> None:
    make_embedded("one")
    assert Artwork.objects.get().get_deferred_fields() == {
        "embedding",
        "embedding_next",
        "embedding_copy_descriptor",
    }


def test_a_row_copied_by_clearing_its_key_is_saved_and_waits_for_its_own_embedding() -> None:
    make_embedded("one")
    copy = Artwork.objects.get()
    copy.pk = None
    copy.save()
    assert Artwork.objects.count() == 2
    assert copy.embedding_status == "pending"
    assert list(Artwork.objects.pending()) == [copy]


def test_a_row_copied_under_a_new_key_is_saved_too() -> None:
    artwork = make_artwork()
    copy = Artwork.objects.get()
    copy.pk, copy._state.adding = artwork.pk + 1000, True
    copy.save()
    assert Artwork.objects.count() == 2


def test_by_default_every_row_may_be_a_neighbour() -> None:
    from artsimilarity.models import SimilarityMixin

    make_artwork(published=False)
    default = SimilarityMixin.similarity_queryset.__func__(Artwork)  # type: ignore[attr-defined]
    assert default.count() == 1
