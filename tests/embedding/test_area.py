"""The picture's own area within its scan: found by workers, given by hand, kept and dropped."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from django.core.files.base import ContentFile
from pytest_django import Settings

from artsimilarity.conf import get_settings
from artsimilarity.embedding import pipeline, rollout, sweep
from artsimilarity.embedding.whitening_sample import sample_style_blocks
from artsimilarity.encoder.encoder import Encoder
from artsimilarity.encoder.pictures.crop import WHOLE, Area
from artsimilarity.encoder.pictures.reading import read
from artsimilarity.encoder.pictures.seen import seen
from artsimilarity.encoder.recipe import ART, LIKENESS
from artsimilarity.library import Library
from artsimilarity.testing import QuickEncoder
from demo_site.library.models import Artwork
from tests.encoder.scans import in_frame, painting
from tests.photos import photo_tables
from tests.recipes import AREA

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("quick_encoder")]

BY_HAND = Area(0.25, 0.2, 0.75, 0.9, 1.5)


@pytest.fixture(autouse=True)
def finds_area(settings: Settings) -> None:
    use(settings, RECIPE="tests.recipes.AREA")


def use(settings: Settings, **values: Any) -> None:
    settings.ARTSIMILARITY = {**settings.ARTSIMILARITY, **values}


def framed(seed: int = 1) -> bytes:
    buffer = io.BytesIO()
    in_frame(painting(seed))[0].save(buffer, "PNG")
    return buffer.getvalue()


def upload(data: bytes, **fields: Any) -> Artwork:
    return Artwork.objects.create(title="A scan", image=ContentFile(data, "scan.png"), **fields)


def embed(*artworks: Any) -> pipeline.Result:
    library = Library.of(type(artworks[0]))
    library.rows.filter(pk__in=[artwork.pk for artwork in artworks]).mark_pending()
    return pipeline.embed(library, [artwork.pk for artwork in artworks])


def stored(artwork: Artwork) -> Artwork:
    return Artwork.objects.defer(None).get(pk=artwork.pk)


def give(artwork: Artwork, area: Area | None = BY_HAND) -> None:
    Library.of(Artwork).rows.filter(pk=artwork.pk).update(embedding_area_by_hand=area)


def vector_of(data: bytes, area: Area | None = None) -> Any:
    """Of what an area shows; of the area that is found, where none is named."""
    recipe = get_settings().recipe
    scan = read(data, side=recipe.decoded_side)
    pixels = seen(recipe, scan.pixels, proportion=scan.proportion, area=area).pixels
    return QuickEncoder(recipe).encode([pixels])[0]


class TestFinding:
    def test_the_vector_of_a_framed_scan_is_that_of_the_picture_in_it(self) -> None:
        artwork = upload(framed())
        embed(artwork)
        row = stored(artwork)
        box = in_frame(painting(1))[1]
        found = row.embedding_area
        assert found.edges == pytest.approx(box, abs=0.02)
        np.testing.assert_allclose(row.embedding, vector_of(framed(), found), atol=1e-3)
        apart = np.abs(np.array(row.embedding) - vector_of(framed(), WHOLE))
        assert apart.max() > 0.02

    @pytest.mark.slow
    def test_likeness_is_of_the_picture_and_not_of_its_frame(self, settings: Settings) -> None:
        use(
            settings,
            RECIPE="artsimilarity.encoder.recipe.LIKENESS",
            ENCODER="artsimilarity.encoder.encoder.Encoder",
        )
        buffer = io.BytesIO()
        painting(1).save(buffer, "PNG")
        alone, scan, other = upload(buffer.getvalue()), upload(framed()), upload(framed(2))
        embed(alone, scan, other)
        row = stored(scan)
        found = read(framed(), side=LIKENESS.decoded_side)
        pixels = seen(LIKENESS, found.pixels, proportion=found.proportion).pixels
        (expected,) = Encoder(LIKENESS, device="cpu").encode([pixels])
        np.testing.assert_allclose(row.embedding, expected, atol=1e-3)
        likeness = [np.dot(row.embedding, stored(one).embedding) / 2 for one in (alone, other)]
        assert likeness[0] > 0.97
        assert likeness[1] < likeness[0] - 0.05

    def test_a_picture_without_margin_is_taken_whole(self) -> None:
        buffer = io.BytesIO()
        painting(1).save(buffer, "PNG")
        artwork = upload(buffer.getvalue())
        embed(artwork)
        assert stored(artwork).embedding_area is None

    def test_a_recipe_that_looks_at_whole_scans_stores_no_area(self, settings: Settings) -> None:
        use(settings, RECIPE="artsimilarity.encoder.recipe.ART")
        artwork = upload(framed())
        give(artwork)
        embed(artwork)
        row = stored(artwork)
        assert row.embedding_area is None
        (whole,) = QuickEncoder(ART).encode([read(framed()).pixels])
        np.testing.assert_allclose(row.embedding, whole, atol=1e-3)

    def test_the_setting_switches_it_off(self, settings: Settings) -> None:
        use(settings, FIND_AREA=False)
        artwork = upload(framed())
        embed(artwork)
        row = stored(artwork)
        assert row.embedding_area is None
        np.testing.assert_allclose(row.embedding, vector_of(framed(), WHOLE), atol=1e-3)

    def test_the_model_switches_it_off(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(Artwork, "similarity_finds_area", False)
        artwork = upload(framed())
        embed(artwork)
        assert stored(artwork).embedding_area is None

    def test_what_goes_wrong_in_one_scan_is_that_pictures_alone(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def choke(pixels: Any) -> Area:
            if pixels.shape[0] != pixels.shape[1]:
                raise IndexError("out of bounds")
            return WHOLE

        monkeypatch.setattr("artsimilarity.encoder.pictures.seen.find_area", choke)
        square = io.BytesIO()
        painting(1, (90, 90)).save(square, "PNG")
        good, bad = upload(square.getvalue()), upload(framed())
        result = embed(good, bad)
        assert (result.embedded, result.retry) == ([str(good.pk)], [str(bad.pk)])
        assert "out of bounds" in stored(bad).embedding_reason

    def test_a_sample_for_whitening_is_made_of_what_is_embedded(self) -> None:
        artwork = upload(framed())
        blocks, unreadable = sample_style_blocks(Library.of(Artwork), AREA, count=1, seed=1)
        np.testing.assert_allclose(blocks[0], vector_of(framed())[:256], atol=1e-5)
        embed(artwork)
        give(artwork)
        blocks, unreadable = sample_style_blocks(Library.of(Artwork), AREA, count=1, seed=1)
        np.testing.assert_allclose(blocks[0], vector_of(framed(), BY_HAND)[:256], atol=1e-5)
        assert unreadable == []


class TestRollingOut:
    @pytest.fixture(autouse=True)
    def rolling_out(self, settings: Settings) -> None:
        use(settings, RECIPE="artsimilarity.encoder.recipe.ART", NEXT_RECIPE="tests.recipes.AREA")

    def test_a_promoted_recipe_finds_the_areas_that_it_looked_at(self) -> None:
        artwork = upload(framed())
        embed(artwork)
        assert stored(artwork).embedding_area is None
        library = Library.of(Artwork)
        rollout.start(library)
        pipeline.embed(library, [artwork.pk])
        rollout.promote(library)
        row = stored(artwork)
        assert row.embedding_recipe == AREA.fingerprint
        assert row.embedding_area.share < 0.8
        (expected,) = QuickEncoder(AREA).encode([seen_of_area(framed(), row.embedding_area)])
        np.testing.assert_allclose(row.embedding, expected, atol=1e-3)

    def test_new_pictures_get_both_vectors_each_of_what_its_recipe_looks_at(self) -> None:
        rollout.start(Library.of(Artwork))
        artwork = upload(framed())
        embed(artwork)
        row = stored(artwork)
        (whole,) = QuickEncoder(ART).encode([read(framed()).pixels])
        np.testing.assert_allclose(row.embedding, whole, atol=1e-3)
        (area,) = QuickEncoder(AREA).encode([seen_of_area(framed(), row.embedding_area)])
        np.testing.assert_allclose(row.embedding_next, area, atol=1e-3)


def seen_of_area(data: bytes, area: Area) -> Any:
    scan = read(data, side=AREA.decoded_side)
    return seen(AREA, scan.pixels, proportion=scan.proportion, area=area).pixels


class TestByHand:
    def test_takes_the_place_of_the_area_that_would_be_found(self) -> None:
        artwork = upload(framed())
        give(artwork)
        embed(artwork)
        row = stored(artwork)
        assert row.embedding_area == BY_HAND
        np.testing.assert_allclose(row.embedding, vector_of(framed(), BY_HAND), atol=1e-3)

    def test_the_whole_picture_can_be_asked_for(self) -> None:
        artwork = upload(framed())
        give(artwork, WHOLE)
        embed(artwork)
        row = stored(artwork)
        assert (row.embedding_area, row.embedding_area_by_hand) == (None, WHOLE)
        np.testing.assert_allclose(row.embedding, vector_of(framed(), WHOLE), atol=1e-3)

    def test_counts_although_no_area_is_looked_for(self, settings: Settings) -> None:
        use(settings, FIND_AREA=False)
        artwork = upload(framed())
        give(artwork)
        embed(artwork)
        assert stored(artwork).embedding_area == BY_HAND

    def test_is_kept_when_the_picture_is_embedded_again_or_fails(self) -> None:
        artwork = upload(framed())
        give(artwork)
        embed(artwork)
        embed(artwork)
        assert stored(artwork).embedding_area_by_hand == BY_HAND
        with artwork.image.storage.open(artwork.image.name, "wb") as file:
            file.write(b"no picture")
        assert embed(artwork).failed == [str(artwork.pk)]
        row = stored(artwork)
        assert (row.embedding_area, row.embedding_area_by_hand) == (None, BY_HAND)

    def test_is_kept_by_a_save_of_an_instance_that_was_loaded_before(self) -> None:
        artwork = upload(framed())
        loaded = stored(artwork)
        give(artwork)
        loaded.title = "Another title"
        loaded.save()
        assert stored(artwork).embedding_area_by_hand == BY_HAND

    def test_is_dropped_when_the_picture_is_replaced(self) -> None:
        artwork = upload(framed())
        give(artwork)
        artwork.image = ContentFile(framed(2), "other.png")
        artwork.save()
        assert stored(artwork).embedding_area_by_hand is None

    def test_is_dropped_when_the_file_is_replaced_behind_djangos_back(self) -> None:
        artwork, other = upload(framed()), upload(framed(2))
        embed(artwork, other)
        give(artwork)
        Artwork.objects.filter(pk=artwork.pk).update(image=other.image.name)
        pipeline.embed(Library.of(Artwork), [artwork.pk])
        row = stored(artwork)
        assert row.embedding_area_by_hand is None
        np.testing.assert_allclose(row.embedding, stored(other).embedding, atol=1e-3)

    def test_is_dropped_when_verifying_finds_another_file_of_that_name(self) -> None:
        artwork = upload(framed())
        embed(artwork)
        give(artwork)
        with artwork.image.storage.open(artwork.image.name, "wb") as file:
            file.write(framed(2))
        sweep.verify(Library.of(Artwork))
        assert stored(artwork).embedding_area_by_hand is None

    def test_a_copied_row_starts_without(self) -> None:
        artwork = upload(framed())
        give(artwork)
        copied = Artwork.objects.get(pk=artwork.pk)
        copied.pk = None
        copied.save()
        assert stored(copied).embedding_area_by_hand is None

    def test_stands_in_the_companions_row(self) -> None:
        with photo_tables() as photos:
            photo = photos.photo.objects.create(
                title="A scan", image=ContentFile(framed(), "scan.png")
            )
            photos.library.rows.filter(pk=photo.pk).update(embedding_area_by_hand=BY_HAND)
            embed(photo)
            assert photos.library.rows.get(pk=photo.pk).embedding_area == BY_HAND
