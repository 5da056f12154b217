from __future__ import annotations

import numpy as np
import pytest

from artsimilarity.encoder.blocks.colour import colour_histogram, pixel_sample


def plain(*rgb: int) -> np.ndarray:
    return np.full((8, 8, 3), rgb, dtype=np.uint8)


def noise(side: int = 32) -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (side, side + 5, 3), dtype=np.uint8)


@pytest.mark.parametrize("bins", [1, 2, 5, 6, 256 // 3])
def test_it_is_the_root_of_the_shares_of_pixels_in_each_cube(bins: int) -> None:
    picture = noise()
    counts, _ = np.histogramdd(picture.reshape(-1, 3).astype(float), bins, [(0, 256)] * 3)
    expected = np.sqrt(counts.ravel() / (32 * 37))
    np.testing.assert_allclose(colour_histogram(picture, bins), expected, atol=1e-6)


def test_red_varies_slowest_and_blue_fastest() -> None:
    hottest = [
        int(colour_histogram(plain(*rgb), 6).argmax())
        for rgb in [(255, 0, 0), (0, 255, 0), (0, 0, 255)]
    ]
    assert hottest == [5 * 36, 5 * 6, 5]


def test_a_cube_ends_where_the_next_begins() -> None:
    cubes = [int(colour_histogram(plain(0, 0, blue), 6).argmax()) for blue in (42, 43, 213, 214)]
    assert cubes == [0, 1, 4, 5]


def test_it_is_float32_of_length_one() -> None:
    histogram = colour_histogram(noise(), 6)
    assert histogram.dtype == np.float32
    assert histogram.shape == (216,)
    assert np.linalg.norm(histogram) == pytest.approx(1, abs=1e-6)


def test_the_inner_product_is_the_hellinger_affinity() -> None:
    half = np.concatenate([plain(255, 0, 0), plain(0, 0, 255)])
    affinity = colour_histogram(half, 6) @ colour_histogram(plain(255, 0, 0), 6)
    assert affinity == pytest.approx(0.5**0.5)


def test_places_of_the_pixels_do_not_matter() -> None:
    picture = noise()
    shuffled = np.random.default_rng(4).permutation(picture.reshape(-1, 3)).reshape(picture.shape)
    np.testing.assert_array_equal(colour_histogram(shuffled, 6), colour_histogram(picture, 6))


@pytest.mark.parametrize(
    "picture",
    [
        np.zeros((8, 8), np.uint8),
        np.zeros((8, 8, 4), np.uint8),
        np.zeros((8, 8, 3), np.float32),
        np.zeros((0, 8, 3), np.uint8),
    ],
)
def test_another_shape_or_type_is_refused(picture: np.ndarray) -> None:
    with pytest.raises(ValueError, match="uint8 array of shape"):
        colour_histogram(picture, 6)


@pytest.mark.parametrize("bins", [0, 257])
def test_bins_out_of_range_are_refused(bins: int) -> None:
    with pytest.raises(ValueError, match="between 1 and 256"):
        colour_histogram(plain(0, 0, 0), bins)


def test_only_the_sampled_pixels_are_counted() -> None:
    picture = np.concatenate([plain(255, 0, 0), plain(0, 0, 255)])
    first_half = np.arange(64)
    np.testing.assert_array_equal(
        colour_histogram(picture, 6, sample=first_half), colour_histogram(plain(255, 0, 0), 6)
    )


def test_raw_counts_are_not_rooted() -> None:
    picture = noise()
    counts, _ = np.histogramdd(picture.reshape(-1, 3).astype(float), 4, [(0, 256)] * 3)
    np.testing.assert_array_equal(colour_histogram(picture, 4, root=False), counts.ravel())


def test_a_sample_names_no_place_twice_and_none_outside() -> None:
    sample = pixel_sample(1000, 625, 3)
    assert len(np.unique(sample)) == 625
    assert sample.min() >= 0
    assert sample.max() < 1000


def test_a_sample_is_the_same_for_the_same_seed_and_another_for_another() -> None:
    np.testing.assert_array_equal(pixel_sample(50176, 625, 3), pixel_sample(50176, 625, 3))
    assert not np.array_equal(pixel_sample(50176, 625, 3), pixel_sample(50176, 625, 4))


def test_the_sample_of_a_seed_never_changes() -> None:
    # Vectors of the recipe ARTICLE hang on it.
    assert pixel_sample(50176, 625, 2019)[:3].tolist() == [37041, 4493, 11085]
