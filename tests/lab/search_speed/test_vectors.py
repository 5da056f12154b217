from __future__ import annotations

import numpy as np
import pytest

from artsimilarity.conf import get_settings
from artsimilarity.lab.search_speed.vectors import find_centres
from demo_site.library.models import Artwork
from tests.lab.search_speed.drawn import draw
from tests.pictures import unit_blocks


def test_have_two_blocks_of_length_1_and_colours_of_no_sign() -> None:
    library = draw(500).astype(np.float64)
    for block in (library[:, :256], library[:, 256:]):
        np.testing.assert_allclose((block**2).sum(axis=1), 1, atol=2e-3)
    assert (library[:, 256:] >= 0).all()


def test_are_the_same_for_the_same_seed() -> None:
    np.testing.assert_array_equal(draw(50), draw(50))


def test_lie_in_clusters() -> None:
    library = draw(2000).astype(np.float64)
    for block in (library[:, :256], library[:, 256:]):
        products = block @ block.T
        np.fill_diagonal(products, -1)
        assert np.median(products.max(axis=1)) > np.median(products) + 0.3


class TestSeries:
    def test_have_two_blocks_of_length_1_and_colours_of_no_sign(self) -> None:
        library = draw(100, series=20).astype(np.float64)
        for block in (library[:, :256], library[:, 256:]):
            np.testing.assert_allclose((block**2).sum(axis=1), 1, atol=2e-3)
        assert (library[:, 256:] >= 0).all()

    def test_hold_as_many_near_identical_pictures_of_each_as_were_asked_for(self) -> None:
        library = draw(200, series=20).astype(np.float64)
        products = library @ library.T / 2
        near = (products > 0.95).sum(axis=1)
        np.testing.assert_array_equal(near, 20)

    def test_the_last_may_be_cut_short(self) -> None:
        assert len(draw(25, series=20)) == 25

    def test_lie_in_no_order(self) -> None:
        library = draw(400, series=20).astype(np.float64)
        following = (library[:-1] * library[1:]).sum(axis=1) / 2
        assert (following > 0.95).mean() < 0.2


@pytest.mark.django_db
def test_are_drawn_around_the_librarys_own_pictures() -> None:
    random = np.random.default_rng(0)
    fingerprint = get_settings().recipe.fingerprint
    vectors = [unit_blocks(random.normal(size=256), random.random(216)) for _ in range(100)]
    Artwork.objects.bulk_create(
        Artwork(
            title=str(number),
            image=f"{number}.png",
            embedding=vector.tolist(),
            embedding_recipe=fingerprint,
            embedding_image=f"{number}.png",
            embedding_status="ready",
        )
        for number, vector in enumerate(vectors)
    )
    centres = find_centres("default", random)
    assert centres.origin == "100 pictures of library.Artwork"
    np.testing.assert_allclose(centres.vectors, vectors, atol=2e-3)
