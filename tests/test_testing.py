"""What hosts' tests are offered."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import SimpleTestCase

from artsimilarity.conf import get_settings
from artsimilarity.encoder.recipe import ART, ARTICLE
from artsimilarity.search import more_like_this
from artsimilarity.testing import (
    QuickEncoder,
    embed_pending,
    override_artsimilarity,
    use_quick_encoder,
)
from demo_site.library.models import Artwork
from tests.pictures import BLUE, GREEN, RED, make_artwork


class TestOverrideArtsimilarity:
    def test_changes_the_keys_given_and_no_other_and_only_inside(self) -> None:
        before = get_settings()
        with override_artsimilarity(LIMIT=3):
            assert get_settings().LIMIT == 3
            assert get_settings().CHUNK_SIZE == before.CHUNK_SIZE == 8  # the demo site's own
        assert get_settings() == before

    def test_an_inner_one_keeps_the_keys_of_an_outer_one(self) -> None:
        with override_artsimilarity(LIMIT=3), override_artsimilarity(STYLE=0.25):
            assert (get_settings().LIMIT, get_settings().STYLE) == (3, 0.25)

    def test_decorates_a_function(self) -> None:
        @override_artsimilarity(LIMIT=3)
        def limit() -> int:
            return get_settings().LIMIT

        assert limit() == 3
        assert get_settings().LIMIT == 8

    @pytest.mark.parametrize("keys", [{"LIMITS": 3}, {"LIMIT": 0}])
    def test_refuses_what_cannot_work_and_leaves_the_settings_alone(
        self, keys: dict[str, int]
    ) -> None:
        before = get_settings()
        with (
            pytest.raises(ImproperlyConfigured, match=next(iter(keys))),
            override_artsimilarity(**keys),
        ):
            pass
        assert get_settings() == before


@override_artsimilarity(LIMIT=3)
class TestDecoratedClass(SimpleTestCase):
    """A class of a host that uses Django's own test runner."""

    def test_has_the_keys(self) -> None:
        assert get_settings().LIMIT == 3


@override_artsimilarity(STYLE=0.25)
class TestDecoratedSubclass(TestDecoratedClass):
    """The same with a key more."""

    def test_has_its_own_keys_too(self) -> None:
        assert get_settings().STYLE == 0.25


class TestQuickEncoder:
    @pytest.mark.parametrize("recipe", [ART, ARTICLE], ids=lambda recipe: recipe.name)
    def test_makes_vectors_of_the_recipes_form(self, recipe) -> None:  # type: ignore[no-untyped-def]
        pictures = np.random.default_rng(1).integers(0, 256, (3, 224, 224, 3), np.uint8)
        vectors = QuickEncoder(recipe).encode([*pictures, np.zeros_like(pictures[0])])
        assert vectors.dtype == np.float32
        assert vectors.shape == (4, recipe.dimensions)
        for block in np.split(vectors.astype(float), [recipe.style_dimensions], axis=1):
            np.testing.assert_allclose((block**2).sum(axis=1), 1, rtol=1e-5)

    def test_style_is_the_likeness_of_the_patches_brightness(self) -> None:
        pictures = np.random.default_rng(1).integers(0, 256, (2, 224, 224, 3), np.uint8)
        pictures[1, :112] //= 4
        vectors = QuickEncoder(ART).encode(list(pictures))[:, :256].astype(float)
        patches = pictures.reshape(2, 16, 14, 16, 14, 3).mean(axis=(2, 4, 5)).reshape(2, 256) + 1
        cosine = patches[0] @ patches[1] / np.linalg.norm(patches, axis=1).prod()
        assert vectors[0] @ vectors[1] == pytest.approx(cosine, abs=1e-6)

    def test_vectors_of_two_recipes_have_no_style_in_common(self) -> None:
        from tests.recipes import NEXT

        picture = np.full((224, 224, 3), 128, np.uint8)
        one, other = (QuickEncoder(recipe).encode([picture])[0, :256] for recipe in (ART, NEXT))
        assert abs(one @ other) < 0.3


@pytest.mark.django_db
class TestEmbedPending:
    @use_quick_encoder()
    def test_gives_every_picture_its_vector(self) -> None:
        for colour in (RED, GREEN, BLUE):
            make_artwork(colour=colour)
        assert embed_pending(Artwork) == 3
        assert Artwork.objects.ready().count() == 3
        assert embed_pending(Artwork) == 0

    def test_the_nearest_by_colour_is_the_one_of_nearly_that_colour(self) -> None:
        make_artwork("blue", BLUE)
        make_artwork("red", RED)
        target = make_artwork("nearly red", (205, 35, 35))
        with use_quick_encoder():
            embed_pending(Artwork)
        (nearest,) = more_like_this(target, style=0, limit=1)
        assert nearest.title == "red"


def test_the_settings_need_no_numpy() -> None:
    script = (
        "import sys, django; sys.modules['numpy'] = None; django.setup()\n"
        "from artsimilarity.testing import override_artsimilarity\n"
        "with override_artsimilarity(LIMIT=3): print('done')"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.stdout == "done\n", done.stderr
